"""The page of an automation: tried, replayed, its address; runs in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_platform.jobs.flow import work_flows
from patron_testing.web import REP, WORKSPACE, Opened

RULES = """
kind: automation
name: c_grows
label: {en: Grows, zh-CN: 班组扩大}
object: yd_job
on: {event: updated, fields: [crew]}
when: "crew > 3 and urgent"
steps:
  - {name: up, label: {en: Raise the care, zh-CN: 提高评分}, do: update, set: {care: 4}}
  - {name: make, do: create, object: account, set: {name: "=CONCAT(name, ' account')"}}
---
kind: automation
name: c_called
label: {en: Called}
on: {event: webhook}
steps: [{name: make, do: create, object: yd_job, set: {name: "=event.body.title"}}]
---
kind: assignment
name: c_given
label: {en: Given away, zh-CN: 自动分配}
object: yd_job
on: [{event: created}]
when: "name == 'To be given'"
rules: [{name: rest, to: {user: rep@acme.example}}]
"""


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> None:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()


def work(opened: Opened) -> None:
    while work_flows(opened.service.runtime.workspace(WORKSPACE)):
        pass


def test_an_automation_is_tried_on_its_page(opened: Opened) -> None:
    job = opened.admin.make("yd_job", name="page try", crew=1, urgent=True)
    person = opened.person(language="zh-CN")
    assert person.page("/automations").select_one("a[href$='/automations/c_grows']").text == "班组扩大"
    page = person.page("/automations/c_grows?q=page+try")
    told = page.select_one("section[aria-labelledby='does-title']").get_text(" ", strip=True)
    assert "人数 > 3" in told and told.endswith("提高评分 新建客户")
    assert "修改 人数" in page.select_one(".run-facts").get_text(" ", strip=True)
    assert page.select_one(f"input[name=id][value='{job['id']}']") is not None
    said = person.post("/automations/c_grows/try", [("id", job["id"]), ("field", "crew"), ("value", "8")])
    assert said.status_code == 200
    for text in ("会执行", "提高评分", "新建", "page try account", "crew &gt; 3"):
        assert text in said.text, text
    low = person.post("/automations/c_grows/try", [("id", job["id"]), ("field", "crew"), ("value", "2")])
    assert "不会执行" in low.text and "条件不满足" in low.text
    bad = person.post("/automations/c_grows/try", [("id", job["id"]), ("field", "crew"), ("value", "many")])
    assert bad.status_code == 200 and "many" in bad.text and "alert-error" in bad.text
    many = [("id", f"00000000-0000-7000-8000-{n:012}") for n in range(21)]
    assert person.post("/automations/c_grows/try", many).status_code == 422
    assert opened.admin.read("yd_job", job["id"])["crew"] == 1


def test_an_automation_is_replayed_from_its_page(opened: Opened) -> None:
    jobs = [opened.admin.make("yd_job", name=f"page replay {n}", crew=5, urgent=n > 0) for n in range(3)]
    work(opened)
    person = opened.person()
    where = "?where=STARTS_WITH(name,'page replay')"
    page = person.page(f"/automations/c_grows{where}")
    assert "2 of 3 records looked at would be taken; 3 in all." in page.text
    assert len(page.select(".automation-first a")) == 2
    assert (
        person.page("/automations/c_grows?where=nothing==1", status=422).select_one("[role=alert]")
        is not None
    )
    begun = person.post("/automations/c_grows/replay", {"where": "STARTS_WITH(name,'page replay')"})
    assert begun.status_code == 303
    again = person.post("/automations/c_grows/replay", {"where": ""})
    assert again.status_code == 422 and "replayed already" in again.text
    row = person.page("/automations/c_grows").select_one("form[action$='/pause']")
    assert row is not None
    path = row["action"].partition(f"/w/{WORKSPACE}")[2]
    assert person.post(path).status_code == 303
    work(opened)
    assert opened.admin.read("yd_job", jobs[1]["id"]).get("care") is None
    assert person.post(path.replace("/pause", "/resume")).status_code == 303
    work(opened)
    assert [opened.admin.read("yd_job", j["id"]).get("care") for j in jobs] == [None, 4, 4]
    assert "3 of 3, 2 runs" in person.page("/automations/c_grows").text


def test_runs_are_told_in_words(opened: Opened) -> None:
    job = opened.admin.make("yd_job", name="worded", crew=1, urgent=True)
    opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": 7})
    work(opened)
    run = opened.admin.get(f"/runs?record={job['id']}").json()["runs"][0]
    page = opened.person(language="zh-CN").page(f"/runs/{run['id']}")
    steps = [row.select("td")[1].text for row in page.select(".audit-rows tbody tr")]
    assert steps[0] == "提高评分" and steps[1].startswith("新建")
    assert "用时" in page.text and "修改前的值: 人数" in page.text
    facts = {row.select_one("dt").text: row.select_one("dd").text for row in page.select(".run-facts div")}
    assert facts["修改的字段"] == "人数" and "None" not in page.text
    record = opened.person().page(f"/o/yd_job/{job['id']}")
    assert record.select_one(f"a[href$='/runs/{run['id']}']").text == "by the automation Grows"
    listed = opened.person().page(f"/runs?record={job['id']}")
    assert "Only runs of one record" in listed.text and len(listed.select("tbody tr")) == 1


def test_the_address_is_shown_and_changed(opened: Opened) -> None:
    person = opened.person()
    before = person.page("/automations/c_called").select("input[readonly]")[0]["value"]
    assert "/api/v1/hooks/acme.c_called." in before
    assert person.post("/automations/c_called/hook", {"act": "rotate"}).status_code == 303
    after = person.page("/automations/c_called").select("input[readonly]")[0]["value"]
    assert after != before
    assert person.post("/automations/c_called/hook", {"act": "signed"}).status_code == 303
    assert opened.admin.get("/automations/c_called/hook").json()["signed"] is True


def test_the_pages_are_for_administrators(opened: Opened) -> None:
    rep = opened.person(REP)
    for path in ("/automations", "/automations/c_grows"):
        assert rep.get(path).status_code == 404, path
    for path in ("try", "replay", "hook"):
        assert rep.post(f"/automations/c_grows/{path}").status_code == 404, path
    assert opened.person().get("/automations/none").status_code == 404


def test_runs_of_an_assignment_are_called_by_its_name(opened: Opened) -> None:
    job = opened.admin.make("yd_job", name="To be given")
    while work_flows(opened.service.runtime.workspace(WORKSPACE)):
        pass
    person = opened.person(language="zh-CN")
    line = person.page(f"/runs?record={job['id']}").select_one(".audit-rows tbody tr")
    assert "自动分配" in line.text and "assignment:" not in line.text
    run = person.page(line.select_one("a[href*='/runs/']")["href"].partition(f"/w/{WORKSPACE}")[2])
    assert [row.select("td")[1].text.strip() for row in run.select(".audit-rows tbody tr")] == ["分配"]
    page = person.page(f"/o/yd_job/{job['id']}")
    assert "自动分配" in page.text and "assignment:c_given" not in page.text
