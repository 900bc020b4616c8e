"""The admin area in a browser: every page calm and open to everybody, and a new administrator's walk from a question to its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from patron_engine.actor import SYSTEM
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_platform.identity.accounts import create_user
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import ADMIN, WORKSPACE

PAGES = (
    "/admin/people", "/admin/people/{who}", "/admin/departments", "/admin/roles", "/admin/roles/sales_rep",
    "/admin/roles/new", "/admin/roles/sales_rep/edit", "/admin/roles/sales_rep/edit/account", "/admin/sharing",
    "/admin/sharing/new?object=account", "/admin/explain?user={who}&object=account", "/invitations", "/sign-ins",
    "/admin/handover", "/admin/handover/{who}", "/admin/changes", "/o/account/{account}/access?user={who}",
    "/o/account/{account}/sharing", "/me", "/me/second-factor",
)  # fmt: skip


@contextmanager
def at(site: Site, path: str, **how: Any) -> Iterator[Visit]:
    with site.visit(**how) as visit:
        visit.open(path)
        yield visit


@pytest.fixture(scope="module")
def known(site: Site) -> dict[str, str]:
    """A seller, and an account that is not his."""
    place = site.service.runtime.workspace(WORKSPACE)
    email = f"walker-{uuid4().hex[:6]}@acme.example"
    create_user(site.service.databases, place, email, name="Wanda Walker")
    who = place.read(SYSTEM, Ask(object="user", where=f'email == "{email}"', fields=("id",))).rows()[0]["id"]
    place.save(
        SYSTEM, [Change(action="update", object="user", id=who, set={"roles": ["employee", "sales_rep"]})]
    )
    name = f"Guarded {uuid4().hex[:6]}"
    boss = place.read(SYSTEM, Ask(object="user", where=f'email == "{ADMIN}"', fields=("id",))).rows()[0]["id"]
    made = place.save(
        SYSTEM, [Change(action="create", object="account", set={"name": name, "owner": str(boss)})]
    )  # somebody's: what nobody owns waits in a pool, where she may see it
    return {"who": str(who), "account": str(made[0].id), "name": name}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_is_calm(
    site: Site, known: dict[str, str], path: str, language: str, width: int, scheme: str
) -> None:
    with at(site, path.format(**known), language=language, width=width, scheme=scheme) as visit:
        expect(visit.page.locator("main h1").first).to_be_visible()
        visit.calm()
        visit.accessible()
        visit.picture(f"admin-{re.sub(r'[^a-z]+', '-', path)}-{language}-{width}")


def test_a_new_administrator_learns_why_and_lets_him(site: Site, known: dict[str, str]) -> None:
    with at(site, "/") as visit:
        page = visit.page
        page.locator(".topbar-end .menu > summary").last.click()
        page.get_by_role("link", name="Administration").click()
        page.locator("input[name=q]").first.fill("Wanda")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("link", name="Wanda Walker").first.click()
        page.locator(".record-actions").get_by_role("link", name="Who may what, and why").click()
        page.locator("select[name=object]").select_option("account")
        page.locator("main input[name=q]").fill(known["name"])
        page.get_by_role("button", name="Explain").click()
        page.get_by_role("link", name=known["name"]).click()
        expect(page.locator(".why-answer")).to_contain_text("Wanda Walker may not see")
        first = page.locator(".cure").first
        expect(first).to_contain_text("smallest change")
        first.locator("summary").click()
        first.get_by_role("button", name="Yes, do it").click()
        expect(page.locator(".why-answer")).to_contain_text("Wanda Walker may see")
        visit.settle()
        visit.calm()


def test_the_matrix_on_a_phone_keeps_its_objects_in_sight(site: Site) -> None:
    with at(site, "/admin/roles/sales_rep", width=360) as visit:
        wrap, head = visit.page.locator(".matrix-wrap"), visit.page.locator(".matrix tbody th").first
        before = head.bounding_box()
        wrap.evaluate("element => { element.scrollLeft = 400 }")
        after = head.bounding_box()
        assert before is not None and after is not None and abs(before["x"] - after["x"]) < 2
        assert after["width"] < 180, "the rights are what the width is for"
        visit.calm()


def test_a_role_is_copied_changed_planned_and_published_on_a_phone(site: Site) -> None:
    name = f"Copy {uuid4().hex[:6]}"
    with at(site, "/admin/roles/new?like=sales_rep", width=360) as visit:
        page = visit.page
        page.locator("input[name=label]").fill(name)
        page.get_by_role("button", name="Make the role").click()
        page.locator(".matrix").get_by_role("link", name="Accounts", exact=True).click()
        page.locator("select[name='scope.delete']").select_option("own")
        page.get_by_role("button", name="Keep in the draft").click()
        page.get_by_role("link", name="See what it would do").click()
        expect(page.get_by_text(name).first).to_be_visible()
        page.get_by_role("button", name="Publish").click()
        page.wait_for_url("**/admin/changes?done=published", timeout=90_000)
        expect(page.locator(".flash")).to_contain_text("Published")
        visit.settle()
        visit.calm()
