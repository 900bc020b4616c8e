"""Patron as an app on a telephone: installed, without network; a form is kept then with its files, and sent once."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from patron_testing.browser import Site, Visit, until
from patron_testing.sent_files import png
from patron_testing.web import WORKSPACE

PLACE, ROUND = "/o/yd_place/new", "/o/rd_round/new"
SAVE = "form.form [name=_save]"
PHOTO = {"name": "pier.png", "mimeType": "image/png", "buffer": b""}
PLAN = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"a plan"}


def rows(site: Site, sql: str) -> list[Any]:
    with site.service.runtime.workspace(WORKSPACE).connection("read") as conn:
        return [row[0] for row in conn.execute(sql).fetchall()]


def names(site: Site) -> list[str]:
    """The places that are there."""
    return rows(site, "SELECT name FROM w_acme.yd_place ORDER BY name")


def rounds(site: Site, name: str) -> list[str]:
    return rows(site, f"SELECT id::text FROM w_acme.rd_round WHERE name = '{name}'")


def files(site: Site, field: str, record: str) -> list[str]:
    """The files of a field of a record, in their order."""
    hangs = f"field = '{field}' AND record = '{record}' AND deleted_at IS NULL"
    return rows(site, f"SELECT name FROM w_acme.sys__file WHERE {hangs} ORDER BY position")


def ready(page: Page) -> None:
    """Waits until the worker has what it keeps and serves this page; one that was opened too early is opened again."""
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    for _ in range(10):
        if page.evaluate("navigator.serviceWorker.controller !== null"):
            return
        page.wait_for_timeout(200)
        page.reload()
    pytest.fail("the worker does not serve the page")


def open_offline(visit: Visit, path: str) -> None:
    visit.open(path)
    ready(visit.page)
    visit.settle()
    visit.page.context.set_offline(True)


def fill_without_network(visit: Visit, name: str, path: str = PLACE) -> None:
    open_offline(visit, path)
    visit.page.fill("[name=name]", name)
    visit.page.click(SAVE)
    expect(visit.page.locator(".kept")).to_contain_text("kept on this device")
    expect(visit.page.locator(".waiting")).to_contain_text("Waiting to be sent")


def gone_through(visit: Visit) -> None:
    visit.page.wait_for_url(lambda url: "/new" not in url)


def test_a_form_without_network_is_kept_and_sent_when_it_is_back(site: Site) -> None:
    with site.visit(width=360) as visit:
        fill_without_network(visit, "Pier 1")
        visit.accessible()
        visit.picture("waiting-360")
        assert "Pier 1" not in names(site)
        visit.page.context.set_offline(False)
        gone_through(visit)
        assert names(site).count("Pier 1") == 1
        expect(visit.page.locator(".waiting")).to_be_hidden()


def test_two_windows_that_send_make_one_record(site: Site) -> None:
    with site.visit() as visit:
        fill_without_network(visit, "Pier 2")
        other = visit.page.context.new_page()
        visit.page.context.set_offline(False)
        other.goto(f"{site.base}/w/acme{PLACE}")
        gone_through(visit)
        expect(other.locator(".waiting")).to_be_hidden()
        assert names(site).count("Pier 2") == 1


def test_the_same_form_sent_again_goes_where_it_went_and_makes_nothing(site: Site) -> None:
    with site.visit() as visit:
        visit.open(PLACE)
        token = visit.page.locator("meta[name=csrf]").get_attribute("content")
        fields = {"name": "Pier 3", "_csrf": str(token), "_once": "the-same"}
        said = [
            visit.page.request.post(f"{site.base}/w/acme{PLACE}", form=fields, max_redirects=0)
            for _ in range(3)
        ]
        assert {(s.status, s.headers["location"]) for s in said} == {(303, said[0].headers["location"])}
        assert names(site).count("Pier 3") == 1
        changed: Any = {**fields, "name": "Pier 4"}
        assert (
            visit.page.request.post(f"{site.base}/w/acme{PLACE}", form=changed, max_redirects=0).status == 422
        )
        assert "Pier 4" not in names(site)


def test_what_is_refused_later_opens_again_with_what_was_typed(site: Site) -> None:
    with site.visit() as visit:
        open_offline(visit, PLACE)
        visit.page.evaluate("document.querySelector('[name=name]').removeAttribute('maxlength')")
        visit.page.fill("[name=name]", "x" * 90)  # longer than a name may be
        visit.page.click(SAVE)
        visit.page.context.set_offline(False)
        row = visit.page.locator(".waiting-row")
        expect(row).to_contain_text("Not accepted")
        row.get_by_role("button", name="Open").click()
        expect(visit.page.locator(".form-summary")).to_be_visible()
        expect(visit.page.locator("[name=name]")).to_have_value("x" * 90)
        expect(visit.page.locator(".waiting")).to_be_hidden()
        visit.page.fill("[name=name]", "Pier 5")
        visit.page.click(SAVE)
        gone_through(visit)
        assert names(site).count("Pier 5") == 1


def test_a_kept_form_may_be_changed_or_thrown_away(site: Site) -> None:
    with site.visit() as visit:
        fill_without_network(visit, "Pier 6")
        visit.page.get_by_role("button", name="Change it").click()
        expect(visit.page.locator(".waiting")).to_be_hidden()
        visit.page.fill("[name=name]", "Pier 7")
        visit.page.click(SAVE)
        visit.page.locator(".waiting summary").click()
        visit.page.get_by_role("button", name="Discard").click()
        expect(visit.page.locator(".waiting")).to_be_hidden()
        visit.page.context.set_offline(False)
        visit.open(PLACE)
        assert not {"Pier 6", "Pier 7"} & set(names(site))


def test_a_form_is_kept_when_the_network_fails_without_the_browser_knowing(site: Site) -> None:
    with site.visit() as visit:
        visit.open(PLACE)
        ready(visit.page)
        page = visit.page
        page.fill("[name=name]", "Pier 8")
        page.evaluate("Object.defineProperty(navigator, 'onLine', {get: () => true})")
        page.context.set_offline(True)
        page.click(SAVE)
        expect(page.get_by_text("Your form is kept on this device")).to_be_visible()
        page.context.set_offline(False)
        page.wait_for_url(f"{site.base}/w/acme/")
        expect(page.locator(".flash")).to_contain_text("sent")
        assert names(site).count("Pier 8") == 1


# -- files ------------------------------------------------------------------------------------------------------------


def test_files_chosen_without_network_go_with_their_form(site: Site) -> None:
    with site.visit(width=360, has_touch=True, is_mobile=True) as visit:
        open_offline(visit, ROUND)
        page = visit.page
        page.fill("[name=name]", "Night round")
        box = page.locator("[data-field=photos]")
        for name in ("one.png", "two.png"):
            box.locator("input[type=file]").set_input_files({**PHOTO, "name": name, "buffer": png()})
        expect(box.locator(".file-held")).to_have_count(2)
        expect(box.locator(".file-said")).to_contain_text("waits here and goes out with the form")
        visit.picture("files-held-360")
        page.click(SAVE)
        expect(page.locator(".kept")).to_be_visible()
        page.context.set_offline(False)
        gone_through(visit)
        made = rounds(site, "Night round")
        assert len(made) == 1
        assert files(site, "photos", made[0]) == ["one.png", "two.png"]


def test_a_form_of_yesterday_sends_its_files_once_from_another_page(site: Site) -> None:
    """The window is closed meanwhile, and the first answer is lost on its way."""
    with site.visit() as visit:
        open_offline(visit, ROUND)
        page = visit.page
        page.fill("[name=name]", "Lost answer")
        page.locator("[data-field=plans] input[type=file]").set_input_files(PLAN)  # type: ignore[arg-type]
        expect(page.locator("[data-field=plans] .file-held")).to_have_count(1)
        page.click(SAVE)
        expect(page.locator(".kept")).to_be_visible()
        other = page.context.new_page()
        page.close(run_before_unload=False)
        lost: list[str] = []

        def lose(route: Route) -> None:  # the server carries it out, and nobody hears of it
            if route.request.method == "POST" and route.request.url not in lost:
                lost.append(route.request.url)
                route.fetch(max_redirects=0)
                route.abort()
            else:
                route.continue_()

        other.route("**/w/acme/files", lose)
        other.route(f"**{ROUND}", lose)
        other.context.set_offline(False)
        for opened in (1, 2):
            other.goto(f"{site.base}/w/acme/")
            until(other, lambda opened=opened: len(lost) >= opened)  # type: ignore[misc]
        other.goto(f"{site.base}/w/acme/")
        expect(other.locator(".waiting")).to_be_hidden()
        assert len(lost) == 2
        made = rounds(site, "Lost answer")
        assert len(made) == 1
        assert files(site, "plans", made[0]) == ["plan.txt"]
        assert rows(
            site, "SELECT count(*) FROM w_acme.sys__file WHERE name = 'plan.txt' AND sha256 <> ''"
        ) == [1]


def test_a_file_that_is_refused_later_comes_back_into_its_form(site: Site) -> None:
    with site.visit() as visit:
        open_offline(visit, ROUND)
        page = visit.page
        page.fill("[name=name]", "Not a picture")
        page.locator("[data-field=photos] .files").evaluate(
            "(box) => box.dispatchEvent(new CustomEvent('patron:files', {detail: [new File(['no picture'], 'x.png', {type: 'image/png'})]}))"
        )
        page.locator("[data-field=plans] input[type=file]").set_input_files(PLAN)  # type: ignore[arg-type]
        expect(page.locator(".file-held")).to_have_count(2)
        page.click(SAVE)
        page.context.set_offline(False)
        row = page.locator(".waiting-row")
        expect(row).to_contain_text("Not accepted")
        row.get_by_role("button", name="Open").click()
        expect(page.locator(".form-summary")).to_be_visible()
        expect(page.locator("[name=name]")).to_have_value("Not a picture")
        expect(page.locator("[data-field=plans] .file-name")).to_have_text("plan.txt")
        page.locator("[data-field=photos] [data-remove]").click()
        page.click(SAVE)
        gone_through(visit)
        made = rounds(site, "Not a picture")
        assert len(made) == 1
        assert files(site, "plans", made[0]) == ["plan.txt"]


def test_more_than_a_device_keeps_is_said_and_stays_in_the_form(site: Site) -> None:
    with site.visit() as visit:
        open_offline(visit, ROUND)
        page = visit.page
        page.fill("[name=name]", "Large")
        page.locator("[data-field=plans] .files").evaluate(
            """box => box.dispatchEvent(new CustomEvent('patron:files', {detail: Array.from({length: 50},
                 (_, n) => new File(['a'.repeat(1 << 20)], `${n}.txt`, {type: 'text/plain'}))}))"""
        )
        expect(page.locator(".file-held")).to_have_count(50)
        page.click(SAVE)
        expect(page.locator(".alert-error.kept")).to_contain_text("at most 50 MB")
        expect(page.locator("[name=name]")).to_have_value("Large")
        for _ in range(46):
            page.locator("[data-field=plans] [data-remove]").first.click()
        page.click(SAVE)
        expect(page.locator(".alert-warning.kept")).to_be_visible()
        page.context.set_offline(False)
        gone_through(visit)
        assert len(files(site, "plans", rounds(site, "Large")[0])) == 4


# -- who may read what is kept -----------------------------------------------------------------------------------------


KEPT = """() => new Promise(done => { const asked = indexedDB.open('patron-waiting'); asked.onsuccess = () => {
  const change = asked.result.transaction(['forms', 'who']); const found = {};
  for (const name of ['forms', 'who']) change.objectStore(name).getAll().onsuccess = e => { found[name] = e.target.result; };
  change.oncomplete = () => { const text = JSON.stringify(found, (_, v) => v instanceof ArrayBuffer || ArrayBuffer.isView(v)
      ? new TextDecoder('latin1').decode(v) : v);
    asked.result.close(); done({forms: found.forms.length, who: found.who.length, text}); }; }; })"""


def test_what_is_kept_cannot_be_read_by_the_next_user_of_the_device(site: Site) -> None:
    with site.visit() as visit:
        fill_without_network(visit, "Pier secret")
        page = visit.page
        kept = page.evaluate(KEPT)
        assert kept["forms"] == 1 and kept["who"] == 1
        assert "Pier secret" not in kept["text"] and "yd_place" not in kept["text"]
        session = page.context.cookies()
        page.context.clear_cookies()  # the session ended, nobody signed out
        page.context.set_offline(False)
        page.goto(f"{site.base}/login")
        visit.until(lambda: page.evaluate(KEPT)["who"] == 0)
        assert page.evaluate(KEPT)["forms"] == 1
        # the same person signs in again: it goes out
        page.context.add_cookies(session)  # type: ignore[arg-type]
        page.goto(f"{site.base}/w/acme/")
        expect(page.locator(".flash")).to_contain_text("sent")
        assert names(site).count("Pier secret") == 1


def test_signing_out_asks_and_throws_away_what_waits(site: Site) -> None:
    with site.visit() as visit:
        visit.page.context.clear_cookies()
        visit.sign_in()  # a session of its own: the others' stays
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
        page.click(".topbar-end > .menu > summary")
        page.click("form[action='/logout'] button")
        page.wait_for_url("**/login")
        assert len(asked) == 1
        assert page.evaluate("caches.keys()") == []  # the browser threw everything away
        visit.sign_in()
        visit.settle()
        expect(page.locator(".waiting")).to_be_hidden()
        assert "Pier 9" not in names(site)


# -- the app ----------------------------------------------------------------------------------------------------------


def test_without_network_there_is_a_page_and_no_records(site: Site) -> None:
    with site.visit(language="zh-CN", width=360) as visit:
        open_offline(visit, "/o/yd_place")
        visit.page.goto(f"{site.base}/w/acme/o/yd_place")
        expect(visit.page.get_by_role("heading")).to_have_text("网络未连接")
        visit.accessible()
        kept = visit.page.evaluate(
            "caches.keys().then(async names => (await Promise.all(names.map(async n => (await (await caches.open(n)).keys()).map(r => new URL(r.url).pathname)))).flat())"
        )
        assert "/offline" in kept
        assert all(path == "/offline" or path.startswith("/static/dist/") for path in kept)


def test_the_first_visit_of_a_list_is_light_with_the_worker_too(site: Site) -> None:
    """In a browser that has nothing yet: everything it fetches until the worker rests."""
    with site.visit() as visit:
        assert site.wire is not None
        site.wire.sent.clear()
        visit.open("/o/account")
        visit.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        visit.settle()
        first = list(site.wire.sent)
        assert "/offline" in [path for path, _ in first]
        assert len(first) <= 10, first
        assert sum(size for _, size in first) < 150_000, first
        assert not any("regions" in path for path, _ in first), first


def test_it_can_be_installed(site: Site) -> None:
    with site.visit() as visit:
        visit.open(PLACE)
        ready(visit.page)
        session = visit.page.context.new_cdp_session(visit.page)
        faults: Any = session.send("Page.getInstallabilityErrors")
        # a window without a history of its own may not install anything, whatever the pages are
        assert [e["errorId"] for e in faults["installabilityErrors"] if e["errorId"] != "in-incognito"] == []
        found: Any = session.send("Page.getAppManifest")
        assert found["errors"] == []
        assert found["url"].endswith("/w/acme/manifest.webmanifest")
