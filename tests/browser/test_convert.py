"""Journeys: a lead becomes a customer on its page, duplicates become one; with scripts and without, on a phone, by keyboard."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import expect

from patron_engine.actor import Actor
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import ADMIN, WORKSPACE

RULES = frozenset({"same_lead", "account_in_leads", "same_account", "same_contact"})
NUMBERS = count(1)


def actor(site: Site) -> Actor:
    query = (
        "SELECT m.user_record FROM patron.membership m JOIN patron.account a ON a.id = m.account"
        " WHERE a.email = %s AND m.workspace = %s"
    )
    with site.service.databases.system() as conn:
        row = conn.execute(query, (ADMIN, WORKSPACE)).fetchone()
    assert row is not None
    return Actor(user=str(row[0]), name=ADMIN, administrator=True)


def make(site: Site, object: str, **values: Any) -> str:
    change = Change(action="create", object=object, set=values, confirm=RULES)
    return str(site.service.runtime.workspace(WORKSPACE).save(actor(site), [change])[0].id)


def rows(site: Site, object: str, where: str, *fields: str) -> list[dict[str, Any]]:
    ask = Ask(object=object, where=where, fields=("id", *fields))
    return site.service.runtime.workspace(WORKSPACE).read(actor(site), ask).rows()


def lead(site: Site) -> tuple[str, str, str]:
    """A lead: its id, its name, its company, for which there is an account."""
    n = next(NUMBERS)
    name, company = f"Zhou {n * 7919}", f"Kite{n * 6101}hall"
    made = make(site, "lead", name=name, company=company, mobile=f"1360000{n:04}", budget="7000")
    return made, name, company


def shown(visit: Visit, part: str, at: str) -> Any:
    return visit.page.locator(f"[data-field='{part}~{at}']")


def test_a_lead_becomes_a_customer(site: Site) -> None:
    id, name, company = lead(site)
    account = make(site, "account", name=company)
    with site.visit() as visit:
        visit.open(f"/o/lead/{id}")
        visit.page.click(".record-actions a[href$='/convert/lead_to_customer']")
        visit.settle()
        page = visit.page
        expect(page.locator(f"input[name='_use.customer'][value='{account}']")).to_be_checked()
        expect(shown(visit, "customer", "name")).to_be_hidden()
        page.check("input[name='_use.customer'][value=new]")
        expect(shown(visit, "customer", "name")).to_be_visible()
        page.check(f"input[name='_use.customer'][value='{account}']")
        expect(shown(visit, "customer", "name")).to_be_hidden()
        page.fill("[name='person~name']", "")
        page.fill("[name='deal~name']", "Ten kites")
        page.click("[name=_save]")
        visit.settle()
        expect(shown(visit, "person", "name").locator(".field-error")).to_be_visible()
        expect(page.locator("[name='deal~name']")).to_have_value("Ten kites")
        page.fill("[name='person~name']", name)
        page.keyboard.press("Control+s")
        expect(page).to_have_url(re.compile("/converted/lead_to_customer"))
        expect(page.locator(".converted")).to_contain_text("Ten kites")
        visit.wrong.clear()  # the answer 422 stands in the console
        visit.settle()
        visit.calm()
        visit.accessible()
        (deal,) = rows(site, "opportunity", "name == 'Ten kites'", "account", "contact")
        assert deal["account"]["id"] == account and deal["contact"]["title"] == name
        page.click(".flash form button")
        expect(page).to_have_url(re.compile(f"/o/lead/{id}"))
        expect(page.locator("h1")).to_have_text(name)
    assert rows(site, "opportunity", "name == 'Ten kites'") == []
    assert rows(site, "lead", f"id == '{id}'", "status")[0]["status"] == "new"


def test_without_scripts_on_a_phone(site: Site) -> None:
    id, _, company = lead(site)
    other = make(site, "account", name=f"Parent of {company}")
    with site.visit(scripts=False, width=360, height=740) as visit:
        visit.open(f"/o/lead/{id}/convert/lead_to_customer")
        page = visit.page
        page.fill("[name='_look.customer']", f"Parent of {company}")
        page.locator("[name='_look.customer'] ~ button").click()
        page.check(f"input[name='_use.customer'][value='{other}']")
        page.check("input[name='_use.deal'][value=none]")
        page.locator("[name=_save]").click()
        page.wait_for_url(re.compile("/converted/"))
    (row,) = rows(site, "lead", f"id == '{id}'", "status", "account", "opportunity")
    assert (row["status"], row["account"]["id"], row["opportunity"]) == ("converted", other, None)


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_the_pages_are_calm(site: Site, language: str, width: int, scheme: str) -> None:
    id, _, company = lead(site)
    a, b = (
        make(site, "account", name=company, phone="02155557777"),
        make(site, "account", name=f"{company} Ltd"),
    )
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        for name, path in (
            ("convert", f"/o/lead/{id}/convert/lead_to_customer"), ("merge", f"/o/account/merge?id={a}&id={b}"),
            ("merge-choose", f"/o/account/merge?id={a}"), ("duplicates", "/o/account/duplicates"),
        ):  # fmt: skip
            visit.open(path)
            visit.calm()
            visit.accessible()
            visit.picture(f"{name}-{language}-{scheme}-{width}")


def test_duplicates_become_one_and_come_apart(site: Site) -> None:
    _, _, company = lead(site)
    a = make(site, "account", name=f"{company} Inc", phone="02166667777")
    b = make(site, "account", name=f"{company} Ltd", website="https://kite.example")
    make(site, "contact", name="Kite Man", account=b)
    with site.visit() as visit:
        visit.open(f"/o/account/{a}")
        page = visit.page
        page.click(".record-actions summary")
        page.click(".menu-list a[href*='/merge?id=']")
        visit.settle()
        page.check(f"input[type=checkbox][value='{b}']")
        page.click("form.merge button.button-primary")
        visit.settle()
        expect(page.locator(f"input[name='choose.website'][value='{b}']")).to_be_checked()
        page.check(f"input[name='choose.name'][value='{b}']")
        page.click("[name=_save]")
        page.wait_for_url(re.compile(rf"/o/account/{a}\?merged="))
        expect(page.locator("h1")).to_have_text(f"{company} Ltd")
        assert len(rows(site, "contact", f"account == '{a}'")) == 1
        visit.open(f"/o/account/{b}")
        expect(page).to_have_url(re.compile(f"/o/account/{a}"))
        visit.open(f"/o/account/merge?id={a}")
        page.click(".merge-before button")
        page.wait_for_url(re.compile("done=unmerged"))
        expect(page.locator("h1")).to_have_text(f"{company} Inc")
    assert len(rows(site, "contact", f"account == '{b}'")) == 1
