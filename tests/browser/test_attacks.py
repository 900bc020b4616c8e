"""Attacks only a browser shows: markup in every text runs nothing (G118, G120, G128), fields named like a form's own properties
break no behaviour, and a form of another site does not wait for the network to be sent as ours (H140)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from patron_platform.identity.keys import create_key
from patron_testing.browser import Site, resting, served_site
from patron_testing.hostile import Evil, make_evil
from patron_testing.pg import Server
from patron_testing.web import ADMIN, WORKSPACE, Api

RICH = (
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>", "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<a href='javascript:alert(1)' autofocus onfocus=alert(1)>x</a>",
    "<select><template><style><!--</style><a rel='--><img src=x onerror=alert(1)>'>", "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<p data-behaviour='confirming install' hx-get='/w/acme/me' hx-trigger=load>x</p>", "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(server: Server, browser: Browser) -> Iterator[Site]:
    """One of its own: nobody else meets what is published here."""
    with served_site(server, browser, ("yard",)) as running:
        yield running


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[Api]:
    with site.service.databases.system() as conn:
        key = create_key(conn, ADMIN, WORKSPACE, "attacks")
    with httpx.Client(base_url=site.base, timeout=60) as client:
        calls: Any = client
        yield Api(calls, key)


@pytest.fixture(scope="module")
def evil(admin: Api) -> Evil:
    made = make_evil(admin)
    for html in RICH:
        admin.make("c_evil", name="Rich", t_rich=f"<p>x</p>{html}", t_parent=made.ids[0])
    admin.patch(f"/records/c_evil/{made.ids[0]}", {"t_rich": "".join(RICH)})
    return made


def test_g118_g120_g128_nothing_runs_on_any_page(site: Site, evil: Evil) -> None:
    """A script, a handler or a style that got through would be told by the policy on the console; a dialog by the browser."""
    record = f"/o/c_evil/{evil.ids[0]}"
    with site.visit() as visit:
        said: list[str] = []
        visit.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        visit.page.on(
            "request", lambda request: said.append(request.url) if "evil.example" in request.url else None
        )
        for path in (
            "/", record, f"{record}/edit", "/o/c_evil/new", "/o/c_evil?view=c_evil_all", "/o/c_evil?view=c_evil_board", "/o/c_evil?view=c_evil_days",
            "/o/c_evil?view=c_evil_plan", "/o/c_evil?view=c_evil_tree", "/o/c_evil?view=c_evil_map", "/search?q=xss", "/list/c_evil/filter?view=c_evil_all",
        ):  # fmt: skip
            visit.open(path)
            assert said == [], path
            told = [
                w for w in visit.wrong if "404" not in w
            ]  # the picture `x` of the rich texts is not there
            assert told == [], (path, told[:3])


def test_fields_named_like_the_properties_of_a_form_break_nothing(site: Site, evil: Evil) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open("/o/c_evil/new")
        page.fill("#f-name", "Clobber")
        with page.expect_response(lambda answer: answer.url.endswith("/preview")) as looked:
            page.fill("#f-action", "https://evil.example/")
        assert looked.value.ok
        expect(page.locator("[data-field=t_formula]")).to_contain_text("Clobber")
        page.context.set_offline(True)
        page.evaluate("window.dispatchEvent(new Event('offline'))")
        page.locator("[name=_save]").first.click()
        expect(page.locator(".kept")).to_be_visible()
        page.context.set_offline(False)
        page.wait_for_url(lambda address: "/new" not in address)
        assert [w for w in visit.wrong if "ERR_INTERNET" not in w and "404" not in w] == []


def test_h140_a_form_of_another_site_is_not_kept_while_there_is_no_network(site: Site, evil: Evil) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open("/")
        page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        visit.open("/")
        form = (
            f"<form method=post action='{site.base}/w/{WORKSPACE}/o/account/new'><input name=name value=Forged>"
            "<input name=_once value=forged-by-another-site><button>x</button></form>"
        )
        page.context.route(
            "http://evil.example/**", lambda route: route.fulfill(body=form, content_type="text/html")
        )
        page.goto("http://evil.example/")
        page.context.set_offline(True)
        page.click("button")
        page.wait_for_timeout(2_000)
        page.context.set_offline(False)
        visit.open("/")
        page.wait_for_timeout(1_500)
        assert (
            page.evaluate("""async () => {
            const base = await new Promise((done) => { indexedDB.open("patron-waiting").onsuccess = (e) => done(e.target.result); });
            if (!base.objectStoreNames.contains("forms")) return 0;
            return await new Promise((done) => { base.transaction("forms").objectStore("forms").count().onsuccess = (e) => done(e.target.result); });
        }""")
            == 0
        )
        visit.open("/o/account?q=Forged")
        assert page.locator("tbody").get_by_text("Forged").count() == 0


def test_g131_no_page_stands_in_a_frame_of_another_site_or_hears_its_messages(site: Site, evil: Evil) -> None:
    record = f"{site.base}/w/{WORKSPACE}/o/c_evil/{evil.ids[0]}"
    framed = (
        f"{site.base}/login",
        f"{site.base}/w/{WORKSPACE}/",
        record,
        f"{record}/edit",
        f"{site.base}/offline",
    )
    frames = "".join(f"<iframe src='{address}'></iframe>" for address in framed)
    with site.visit() as visit:
        page = visit.page
        page.context.route(
            "http://evil.example/**",
            lambda route: route.fulfill(body=f"<!doctype html><p>evil</p>{frames}", content_type="text/html"),
        )
        page.goto("http://evil.example/")
        page.wait_for_timeout(1_000)
        shown = [frame.url for frame in page.frames if frame is not page.main_frame]
        assert len(shown) == len(framed) and not any(url.startswith(site.base) for url in shown), shown
        with page.context.expect_page() as opened:
            page.evaluate("address => { window.victim = window.open(address); }", f"{record}/edit")
        victim = opened.value
        before = resting(victim.locator("form.form"))
        page.evaluate("""() => {
            for (const said of ["save", "{}", {type: "patron:set", value: "x"}, {text: "left"}, {key: "x", html: "<img src=x onerror=alert(1)>"}])
                for (let n = 0; n < 3; n += 1) window.victim.postMessage(said, "*");
        }""")
        victim.wait_for_timeout(500)
        assert victim.url == f"{record}/edit" and victim.locator("form.form").inner_html() == before
        assert victim.evaluate("window.opener") is None, "who opened it has no hold of it"
