"""Patron as an app on a telephone: installed, without network; a form is kept then, and sent once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from playwright.sync_api import Browser, Dialog, Page, expect
from starlette.requests import Request
from starlette.responses import Response

import patron_testing.browser
from patron_engine.errors import Refused
from patron_engine.record.change import Change
from patron_engine.ways.save import save
from patron_platform.api.idempotency import Answer
from patron_platform.app import create_app
from patron_platform.service import Service
from patron_platform.web import csrf, forms_in, once
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.render import answer, environment, frame
from patron_platform.web.texts import SPOKEN, texts_in
from patron_platform.web.visitor import enter
from patron_testing.browser import Site, Visit, served_site
from patron_testing.pg import Server

router = APIRouter(prefix="/w/{workspace}/try")
FORM = """{% extends "shell.html" %}{% block content %}<h1>{{ title }}</h1>
<form class="form" method="post" data-behaviour="offline-form" data-kept="{{ t('phone.kept') }}" data-change="{{ t('phone.change') }}" data-title="A place">
<input type="hidden" name="_csrf" value="{{ csrf }}"><input type="hidden" name="_once" value="{{ token }}">
<label>Name <input name="name" value="{{ name }}"></label>{% if problem %}<p role="alert">{{ problem }}</p>{% endif %}
<button>Save</button></form>{% endblock %}"""


@router.get("")
def form(request: Request, workspace: str) -> Response:
    return _drawn(request, workspace, ())


@router.get("/done")
def done(request: Request, workspace: str) -> Response:
    return _drawn(request, workspace, (), title="Done")


@router.post("")
def write(request: Request, workspace: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)

    def act(conn: Any, call: Any) -> Answer:
        save(conn, call, [Change(action="create", object="yd_place", set={"name": given["name"]})])
        return once.gone_on(visitor.url("try", "done"))

    try:
        return once.once(visitor, form, act).response()
    except Refused as refused:
        return _drawn(request, workspace, form, problem=refused.problems[0].message)


def _drawn(
    request: Request, workspace: str, form: Pairs, *, title: str = "Place", problem: str = ""
) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        html = environment().from_string(FORM).render(
            **frame(visitor, call), t=texts_in("en"), language="en", title=title, here="", lit="", spoken=SPOKEN, problem=problem,
            name=given.get("name", ""), token=given.get(once.FIELD) or once.token(),
        )  # fmt: skip
        return answer(html, 422 if problem else 200)


@pytest.fixture(scope="module")
def place(server: Server, browser: Browser) -> Iterator[Site]:
    """A site with a form that makes a place."""

    def with_form(service: Service) -> Any:
        made = create_app(service)
        inner: Any = made
        while not hasattr(
            inner, "include_router"
        ):  # what observes, packs and knows hosts stands around the application
            inner = inner.app
        inner.include_router(router)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patron_testing.browser, "create_app", with_form)
        with served_site(server, browser, packs=("yard",)) as running:
            yield running


def names(site: Site) -> list[str]:
    """The places that are there."""
    workspace = site.service.runtime.workspace("acme")
    with workspace.connection("read") as conn:
        rows = conn.execute("SELECT name FROM w_acme.yd_place ORDER BY name").fetchall()
    return [row[0] for row in rows]


def ready(page: Page) -> None:
    """Waits until the worker has what it keeps and serves this page; one that was opened too early is opened again."""
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    for _ in range(10):
        if page.evaluate("navigator.serviceWorker.controller !== null"):
            return
        page.wait_for_timeout(200)
        page.reload()
    pytest.fail("the worker does not serve the page")


def fill_without_network(visit: Visit, name: str) -> None:
    visit.open("/try")
    ready(visit.page)
    visit.page.context.set_offline(True)
    visit.page.fill("[name=name]", name)
    visit.page.click("form.form button")
    expect(visit.page.locator(".kept")).to_contain_text("kept on this device")
    expect(visit.page.locator(".waiting")).to_contain_text("Waiting to be sent")


def test_a_form_without_network_is_kept_and_sent_when_it_is_back(place: Site) -> None:
    with place.visit(width=360) as visit:
        fill_without_network(visit, "Pier 1")
        visit.accessible()
        visit.picture("waiting-360")
        assert "Pier 1" not in names(place)
        visit.page.context.set_offline(False)
        visit.page.wait_for_url("**/try/done")
        assert names(place).count("Pier 1") == 1
        expect(visit.page.locator(".waiting")).to_be_hidden()


def test_two_windows_that_send_make_one_record(place: Site) -> None:
    with place.visit() as visit:
        fill_without_network(visit, "Pier 2")
        other = visit.page.context.new_page()
        visit.page.context.set_offline(False)
        other.goto(f"{place.base}/w/acme/try")
        kept = {"name": "Pier 2"}
        visit.page.wait_for_url("**/try/done")
        expect(other.locator(".waiting")).to_be_hidden()
        assert names(place).count(kept["name"]) == 1


def test_the_same_form_sent_again_goes_where_it_went_and_makes_nothing(place: Site) -> None:
    with place.visit() as visit:
        visit.open("/try")
        token = visit.page.locator("meta[name=csrf]").get_attribute("content")
        fields = {"name": "Pier 3", "_csrf": str(token), "_once": "the-same"}
        for _ in range(3):
            said = visit.page.request.post(f"{place.base}/w/acme/try", form=fields, max_redirects=0)
            assert (said.status, said.headers["location"]) == (303, "/w/acme/try/done")
        assert names(place).count("Pier 3") == 1
        other = visit.page.request.post(
            f"{place.base}/w/acme/try", form={**fields, "name": "Pier 4"}, max_redirects=0
        )
        assert other.status == 422
        assert "Pier 4" not in names(place)


def test_what_is_refused_later_opens_again_with_what_was_typed(place: Site) -> None:
    with place.visit() as visit:
        fill_without_network(visit, "x" * 90)  # longer than a name may be
        visit.page.context.set_offline(False)
        row = visit.page.locator(".waiting-row")
        expect(row).to_contain_text("Not accepted")
        row.get_by_role("button", name="Open").click()
        expect(visit.page.get_by_role("alert")).to_be_visible()
        expect(visit.page.locator("[name=name]")).to_have_value("x" * 90)
        expect(visit.page.locator(".waiting")).to_be_hidden()
        visit.page.fill("[name=name]", "Pier 5")
        visit.page.click("form.form button")
        visit.page.wait_for_url("**/try/done")
        assert names(place).count("Pier 5") == 1


def test_a_kept_form_may_be_changed_or_thrown_away(place: Site) -> None:
    with place.visit() as visit:
        fill_without_network(visit, "Pier 6")
        visit.page.get_by_role("button", name="Change it").click()
        expect(visit.page.locator(".waiting")).to_be_hidden()
        visit.page.fill("[name=name]", "Pier 7")
        visit.page.click("form.form button")
        visit.page.locator(".waiting summary").click()
        visit.page.get_by_role("button", name="Discard").click()
        expect(visit.page.locator(".waiting")).to_be_hidden()
        visit.page.context.set_offline(False)
        visit.open("/try")
        assert not {"Pier 6", "Pier 7"} & set(names(place))


def test_a_form_is_kept_when_the_network_fails_without_the_browser_knowing(place: Site) -> None:
    with place.visit() as visit:
        visit.open("/try")
        ready(visit.page)
        page = visit.page
        page.fill("[name=name]", "Pier 8")
        page.evaluate("Object.defineProperty(navigator, 'onLine', {get: () => true})")
        page.context.set_offline(True)
        page.click("form.form button")
        expect(page.get_by_text("Your form is kept on this device")).to_be_visible()
        page.context.set_offline(False)
        page.wait_for_url(f"{place.base}/w/acme/")
        page.wait_for_timeout(1_500)
        assert names(place).count("Pier 8") == 1


def test_signing_out_asks_and_throws_away_what_waits(place: Site) -> None:
    with place.visit() as visit:
        fill_without_network(visit, "Pier 9")
        page = visit.page
        # so that it is not sent meanwhile
        page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('gone')); }")
        page.context.set_offline(False)
        asked: list[str] = []

        def accept(dialog: Dialog) -> None:
            asked.append(dialog.message)
            dialog.accept()

        page.on("dialog", accept)
        page.click(".topbar .menu summary")
        page.click("form[action='/logout'] button")
        page.wait_for_url("**/login")
        assert len(asked) == 1
        visit.sign_in()
        page.wait_for_load_state("networkidle")
        expect(page.locator(".waiting")).to_be_hidden()
        assert "Pier 9" not in names(place)


def test_without_network_there_is_a_page_and_no_records(place: Site) -> None:
    with place.visit(language="zh-CN", width=360) as visit:
        visit.open("/try")
        ready(visit.page)
        visit.page.context.set_offline(True)
        visit.page.goto(f"{place.base}/w/acme/o/yd_place")
        expect(visit.page.get_by_role("heading")).to_have_text("网络未连接")
        visit.accessible()
        kept = visit.page.evaluate(
            "caches.keys().then(async names => (await Promise.all(names.map(async n => (await (await caches.open(n)).keys()).map(r => new URL(r.url).pathname)))).flat())"
        )
        assert "/offline" in kept
        assert all(path == "/offline" or path.startswith("/static/dist/") for path in kept)


def test_it_can_be_installed(place: Site) -> None:
    with place.visit() as visit:
        visit.open("/try")
        ready(visit.page)
        session = visit.page.context.new_cdp_session(visit.page)
        faults: Any = session.send("Page.getInstallabilityErrors")
        # a window without a history of its own may not install anything, whatever the pages are
        assert [e["errorId"] for e in faults["installabilityErrors"] if e["errorId"] != "in-incognito"] == []
        found: Any = session.send("Page.getAppManifest")
        assert found["errors"] == []
        assert found["url"].endswith("/w/acme/manifest.webmanifest")
