"""Approvals in a browser: submitted, found in the inbox of another session, decided with an edit, seen by whoever submitted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_engine.record.change import Change
from patron_platform.identity.accounts import create_user, set_password
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import ADMIN, PASSWORD, WORKSPACE

DECIDER = "decider@acme.example"
RULES = f"""
kind: role
name: c_decider
label: {{en: Decider}}
for_users: internal
objects: {{yd_job: {{read: own, update: own}}, user: {{read: all}}}}
---
kind: approval
name: c_browser
label: {{en: Job approval, zh-CN: 任务审批}}
object: yd_job
on: [submit]
when: "STARTS_WITH(name, 'ap ')"
withdraw: any
summary: [name, crew]
nodes:
  - {{name: first, label: {{en: Foreman, zh-CN: 工长}}, type: approve, who: {{user: {DECIDER}}}, comment: required_to_reject, fields: {{crew: edit}}}}
  - {{name: both, type: parallel, cases: [{{name: a, label: {{en: Office}}, nodes: [{{name: office, label: {{en: Office}}, type: approve, who: {{user: {ADMIN}}}}}]}}, {{name: b, label: {{en: Yard}}, nodes: [{{name: yard, label: {{en: Yard}}, type: approve, who: {{user: {DECIDER}}}}}]}}]}}
"""


@pytest.fixture(scope="module", autouse=True)
def rules(site: Site) -> Iterator[None]:
    place = site.service.runtime.workspace(WORKSPACE)
    user = create_user(site.service.databases, place, DECIDER)
    with site.service.databases.system() as conn:
        set_password(conn, DECIDER, PASSWORD)
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems, problems
    place.publish(SYSTEM, place.plan_own(documents))
    place.save(SYSTEM, [Change(action="update", object="user", id=str(user), set={"roles": ["c_decider"]})])
    yield
    documents = [d for d in documents if d.kind == "role"]
    place.publish(SYSTEM, place.plan_own(documents))


def job(site: Site, name: str) -> str:
    place = site.service.runtime.workspace(WORKSPACE)
    return str(
        place.save(SYSTEM, [Change(action="create", object="yd_job", set={"name": name, "crew": 2})])[0].id
    )


def submit(visit: Visit, id: str) -> None:
    visit.open(f"/o/yd_job/{id}/submit")
    visit.page.get_by_role("button", name="Submit", exact=True).click()
    expect(visit.page.locator(".approval-banner")).to_contain_text("In approval")


def test_from_submitting_to_the_end(site: Site) -> None:
    id = job(site, "ap journey")
    with site.visit() as mine, site.visit(width=360) as his:
        submit(mine, id)
        his.page.context.clear_cookies()
        his.sign_in(DECIDER)
        his.open("/inbox?box=waiting")
        his.calm()
        his.accessible()
        his.page.get_by_role("link", name="ap journey").click()
        his.page.fill(".approval-decide input[name=crew]", "7")
        his.page.fill(".approval-decide textarea[name=_comment]", "seven hands")
        his.calm()
        his.accessible()
        his.page.get_by_role("button", name="Approve", exact=True).click()
        expect(his.page.locator(".flash")).to_contain_text("Approved.")
        mine.open(f"/o/yd_job/{id}")
        expect(mine.page.locator(".approval-banner")).to_contain_text("Office")
        mine.page.locator(".approval-banner summary").click()
        expect(mine.page.locator(".approval-banner .approval-said").first).to_have_text("seven hands")
        expect(mine.page.locator(".record-main")).to_contain_text("7")
        mine.calm()
        mine.accessible()


def test_several_are_decided_by_the_keyboard(site: Site) -> None:
    ids = [job(site, f"ap keys {n}") for n in range(2)]
    with site.visit() as mine, site.visit() as his:
        for id in ids:
            submit(mine, id)
        his.page.context.clear_cookies()
        his.sign_in(DECIDER)
        his.open("/inbox?box=waiting&q=ap%20keys")
        expect(his.page.locator("[data-line]")).to_have_count(2)
        for key in ("j", "x", "j", "x"):
            his.page.keyboard.press(key)
        expect(his.page.locator("input[name=task]:checked")).to_have_count(2)
        his.page.keyboard.press("a")
        expect(his.page.locator(".inbox > .alert")).to_contain_text("2 approved.")
        his.calm()


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_the_pages_are_calm(site: Site, language: str, width: int, scheme: str) -> None:
    id = job(site, f"ap look {width}")
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        visit.open(f"/o/yd_job/{id}/submit")
        visit.calm()
        visit.accessible()
        visit.picture(f"submit-{language}-{width}")
        visit.page.click(".card-foot .button-primary")
        visit.page.locator(".approval-banner a").last.click()
        visit.settle()
        visit.calm()
        visit.accessible()
        visit.picture(f"approval-{language}-{width}")
        for path in ("/inbox", "/inbox?box=started", "/admin/approvals", "/admin/approvals?figures=node", "/admin/approvals/versions",
                     "/me/substitutes"):  # fmt: skip
            visit.open(path)
            visit.calm()
            visit.accessible()
