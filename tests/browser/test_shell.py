"""The frame around every page: signing in, the menu, both schemes, a telephone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from patron_engine.actor import SYSTEM
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_the_home_page_is_calm(site: Site, language: str, width: int, scheme: str) -> None:
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        visit.open("/")
        visit.calm()
        visit.accessible()
        visit.picture(f"home-{language}-{scheme}-{width}")


def test_one_signs_in_and_out_without_scripts(site: Site) -> None:
    with site.visit(scripts=False) as visit:
        visit.open("/")
        visit.page.click(".topbar-end > .menu > summary")
        visit.page.click("form[action='/logout'] button")
        visit.page.wait_for_url("**/login")
        site.cookies = None  # whoever comes next signs in again
        visit.page.goto(f"{site.base}/w/acme/")
        assert visit.page.url.endswith("/login?next=/w/acme/")


PAGES = ("/", "/search?q=account", "/me", "/inbox")


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_the_pages_of_the_shell_are_calm(site: Site, language: str, width: int, scheme: str) -> None:
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        for path in PAGES:
            visit.open(path)
            visit.calm()
            visit.accessible()
            visit.picture(f"shell-{path.strip('/').partition('?')[0] or 'home'}-{language}-{scheme}-{width}")


def test_pages_without_a_menu_are_calm(site: Site) -> None:
    with site.visit(width=360) as visit:
        visit.page.goto(f"{site.base}/workspaces")
        visit.accessible()
        visit.page.goto(f"{site.base}/w/acme/nothing/here")
        visit.accessible()
        visit.page.context.clear_cookies()
        visit.page.goto(f"{site.base}/login")
        visit.accessible()


def test_the_dialog_is_used_with_the_keyboard_alone(site: Site) -> None:
    with site.visit(language="zh-CN") as visit:
        visit.open("/")
        page = visit.page
        page.keyboard.press("Control+k")
        page.wait_for_selector("#palette[open] [role=option]")
        visit.accessible()
        page.keyboard.type("gerenshezhi")
        page.wait_for_selector("#palette mark")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        chosen = page.locator("#palette [aria-selected=true]")
        assert "个人设置" in chosen.inner_text()
        assert page.locator("#palette input").get_attribute("aria-activedescendant") == chosen.get_attribute(
            "id"
        )
        page.keyboard.press("Enter")
        page.wait_for_url("**/w/acme/me")
        page.keyboard.press("/")
        page.wait_for_selector("#palette[open]")
        page.keyboard.press("Escape")
        page.wait_for_selector("#palette:not([open])", state="attached")
        visit.calm()


def test_the_dialog_is_used_with_the_mouse(site: Site) -> None:
    with site.visit(width=360) as visit:
        visit.open("/")
        page = visit.page
        page.click(".topbar-find")
        page.fill("#palette input", "settings")
        page.click("#palette [role=option]:has-text('My settings')")
        page.wait_for_url("**/w/acme/me")
        visit.calm()


def test_enter_waits_for_what_was_typed(site: Site) -> None:
    """Who types and presses Enter at once does not land on what was listed before."""
    with site.visit() as visit:
        visit.open("/")
        page = visit.page
        page.keyboard.press("Control+k")
        page.wait_for_selector("#palette[open] [role=option]")
        page.keyboard.type("my settings")
        page.keyboard.press("Enter")
        page.wait_for_url("**/w/acme/me")


def test_the_menu_of_a_narrow_window_keeps_the_focus(site: Site) -> None:
    with site.visit(width=360, height=740) as visit:
        visit.open("/")
        page = visit.page
        page.click(".nav-open")
        page.wait_for_selector(".nav-link:visible")
        visit.accessible()
        inside = "document.activeElement === document.body || !!document.activeElement.closest('.nav, .nav-toggle')"
        for _ in range(60):
            page.keyboard.press("Tab")
            assert page.evaluate(inside)
        page.keyboard.press("Escape")
        assert not page.is_checked("#nav-toggle")
        page.click(".topbar-find")
        visit.calm()


def test_a_folded_app_is_remembered(site: Site) -> None:
    with site.visit() as visit:
        visit.open("/")
        app = visit.page.locator("details.nav-app").last
        name = app.get_attribute("data-app")
        with visit.page.expect_response("**/me/fold"):
            app.locator("summary").first.click()
        visit.open("/me")
        assert visit.page.locator(f"details.nav-app[data-app={name}]").get_attribute("open") is None
        with visit.page.expect_response("**/me/fold"):
            visit.page.locator(f"details.nav-app[data-app={name}] > summary").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_task_is_ticked_off(site: Site, scripts: bool) -> None:
    with site.visit(scripts=scripts) as visit:
        title = f"Tick me {scripts}"
        make_task(site, title)
        visit.page.goto(f"{site.base}/w/acme/desk")
        line = visit.page.locator(".task", has_text=title)
        line.locator("button.tick").click()
        if scripts:
            visit.page.wait_for_selector(".task-done")
            visit.page.locator(".task-done button").click()
            visit.page.wait_for_selector(".task:not(.task-done) >> text=Tick me")
            visit.calm()
        else:
            visit.page.wait_for_load_state()
            expect(visit.page.locator(".task", has_text=title)).to_have_count(0)


def test_a_refusal_is_a_message_and_the_page_stays(site: Site) -> None:
    with site.visit() as visit:
        make_task(site, "Changed meanwhile")
        visit.page.goto(f"{site.base}/w/acme/desk")
        line = visit.page.locator(".task", has_text="Changed meanwhile")
        line.locator("input[name=version]").evaluate("e => { e.value = '999' }")
        line.locator("button.tick").click()
        visit.page.wait_for_selector("#flashes .flash")
        expect(visit.page.locator("#flashes")).to_contain_text("changed this record meanwhile")
        assert line.is_visible()


def test_another_language_stays_on_the_page(site: Site) -> None:
    with site.visit() as visit:
        visit.open("/inbox?category=tasks")
        visit.page.click(".topbar-end > .menu > summary")
        visit.page.click("button[name=language][value=zh-CN]")
        visit.page.wait_for_selector("html[lang=zh-CN]")
        assert visit.page.url.endswith("/w/acme/inbox?category=tasks")
        visit.page.click(".topbar-end > .menu > summary")
        visit.page.click("button[name=language][value=en]")
        visit.page.wait_for_selector("html[lang=en]")
    with site.service.databases.system() as conn:
        conn.execute("UPDATE patron.account SET preferences = '{}'")


def make_task(site: Site, title: str) -> None:
    """A task of the administrator that is due today."""
    workspace = site.service.runtime.workspace("acme")
    with site.service.databases.system() as conn:
        row = conn.execute("SELECT user_record::text FROM patron.membership").fetchone()
    assert row is not None
    with workspace.connection("read") as conn:
        today = workspace.call(conn, SYSTEM).today.isoformat()
    change = Change(action="create", object="task", set={"title": title, "due": today, "owner": row[0]})
    workspace.save(SYSTEM, [change])
