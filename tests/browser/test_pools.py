"""Pools and tasks of stages in a browser: claimed with a thumb, given back with a reason, moved on after the task is ticked."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from patron_engine.actor import SYSTEM, Actor
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_platform.jobs.flow import work_flows
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import ADMIN, WORKSPACE

WORDS = {
    "en": {"claim": "Claim", "back": "Give back to the pool", "more": "More", "waits": "Nobody owns it"},
    "zh-CN": {"claim": "领取", "back": "退回公海", "more": "更多", "waits": "暂无负责人"},
}


def make(site: Site, object: str, **values: Any) -> str:
    change = Change(action="create", object=object, set=values)
    return str(site.service.runtime.workspace(WORKSPACE).save(SYSTEM, [change])[0].id)


def me(site: Site) -> str:
    with site.service.databases.system() as conn:
        row = conn.execute(
            "SELECT m.user_record FROM patron.membership m JOIN patron.account a ON a.id = m.account WHERE a.email = %s AND m.workspace = %s",
            (ADMIN, WORKSPACE),
        ).fetchone()
    assert row is not None
    return str(row[0])


def owner(site: Site, id: str) -> Any:
    ask = Ask(object="account", ids=(id,), fields=("owner",))
    reader = Actor(user=None, administrator=True)
    return site.service.runtime.workspace(WORKSPACE).read(reader, ask).rows()[0]["owner"]


def work(site: Site) -> None:
    work_flows(site.service.runtime.workspace(WORKSPACE))


def give_back(visit: Visit, words: dict[str, str]) -> None:
    visit.page.locator(".record-actions summary").click()
    visit.page.get_by_role("link", name=words["back"]).click()
    visit.settle()
    visit.page.locator("select[name=reason]").select_option("no_need")
    returning = visit.page.locator("form", has=visit.page.locator("select[name=reason]"))
    returning.locator("textarea[name=note]").fill("They moved")
    visit.calm()
    visit.page.get_by_role("button", name=words["back"]).click()
    visit.settle()


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_claimed_from_the_pool_and_given_back(site: Site, language: str, width: int, scheme: str) -> None:
    name = f"Pool {uuid4().hex[:10]}"
    id = make(site, "account", name=name, phone=f"021-{int(uuid4().hex[:6], 16):08}", owner=None)
    words = WORDS[language]
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        visit.open(f"/pools/customer_pool?q={name}")
        row = visit.page.get_by_role("row").filter(has_text=name)
        expect(row).to_be_visible()
        visit.calm()
        visit.accessible()
        visit.picture(f"pool-{language}-{width}")
        row.get_by_role("button", name=words["claim"]).click()
        visit.settle()
        expect(visit.page.locator(".flash")).to_be_visible()
        assert owner(site, id)["id"] == me(site)
        work(site)
        visit.open(f"/o/account/{id}")
        expect(visit.page.locator(".standing-item").first).to_be_visible()
        give_back(visit, words)
        expect(visit.page.locator(".pool-strip")).to_contain_text(words["waits"])
        visit.calm()
        visit.accessible()
        visit.picture(f"pool-record-{language}-{width}")
        assert owner(site, id) is None


def test_many_are_claimed_without_scripts(site: Site) -> None:
    mark = uuid4().hex[:10]
    ids = [make(site, "account", name=f"{mark} {uuid4().hex}", owner=None) for _ in range(2)]
    with site.visit(scripts=False) as visit:
        visit.open(f"/pools/customer_pool?q={mark}")
        for box in visit.page.get_by_role("checkbox").all():
            box.check()
        visit.page.locator("button[value=claim]").first.click()
        expect(visit.page.locator(".flash").first).to_contain_text("2 claimed")
    assert all(owner(site, id)["id"] == me(site) for id in ids)


def test_a_required_task_holds_the_stage_until_it_is_ticked(site: Site) -> None:
    account = make(site, "account", name=f"Tasks {uuid4().hex[:10]}")
    deal = make(
        site,
        "opportunity",
        name=f"Deal {uuid4().hex[:8]}",
        account=account,
        stage="qualification",
        owner=me(site),
    )
    work(site)
    with site.visit() as visit:
        visit.open(f"/o/opportunity/{deal}")
        task = visit.page.locator(".stage-task").filter(has_text="Write down the need")
        expect(task).to_contain_text("Required")
        visit.page.get_by_role("button", name="Prospecting").click()
        visit.settle()
        expect(visit.page.locator(".stage-unmet")).to_contain_text("Write down the need is still to do")
        visit.wrong = [said for said in visit.wrong if "422" not in said]  # the answer to the move
        visit.calm()
        visit.accessible()
        visit.picture("stage-task-held")
        visit.open(f"/o/opportunity/{deal}")
        visit.page.locator(".stage-task").filter(has_text="Write down the need").get_by_role("button").click()
        visit.settle()
        expect(visit.page.locator(".stage-task-done")).to_contain_text("Write down the need")
        visit.page.get_by_role("button", name="Prospecting").click()
        visit.settle()
        expect(visit.page.locator(".stage-current")).to_contain_text("Prospecting")
