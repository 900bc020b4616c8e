"""The how-to of approvals as a new administrator follows it: what stands there is published as it is, and people of real roles go the
whole way on the pages: submitted, decided by the director, then by finance, who changes the terms."""

from __future__ import annotations

import re
from pathlib import Path

from bs4 import BeautifulSoup

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_testing.house import House
from patron_testing.web import WORKSPACE

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "write-an-approval.md"


def written(page: Path) -> str:
    found = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(found) == 2
    return "---\n".join(found)


def published(home: House) -> None:
    """Both approvals of the page: the one of its steps, and the one with what often comes next."""
    documents, problems = read_documents(written(HOWTO), "approvals/large_orders.yaml")
    assert not problems, problems
    chinese, _ = read_documents(written(HOWTO.with_suffix(".zh-CN.md")), "approvals/large_orders.yaml")
    assert [d.body for d in chinese] == [d.body for d in documents], "the page in Chinese writes the same"
    place = home.service.runtime.workspace(WORKSPACE)
    plan = place.plan_own(documents)
    assert not [p for p in plan.problems if p.level == "error"], plan.problems
    place.publish(SYSTEM, plan)


def give(home: House, who: str, role: str) -> None:
    """As the how-to says: Administration, People, a person, Roles."""
    admin = home.person("admin")
    address = f"/admin/people/{home.people[who]}"
    page = admin.page(address)
    boxes = page.select("input[name=role]")
    assert any(b["value"] == role for b in boxes), "the role the how-to names is among those that are offered"
    form = [("role", b["value"]) for b in boxes if b.has_attr("checked") or b["value"] == role]
    fields = page.select_one("input[name=role]").find_parent("form").select("select[name]")
    form += [
        (f["name"], (f.select_one("option[selected]") or f.select_one("option"))["value"]) for f in fields
    ]
    said = admin.post(address, form)
    assert said.status_code == 303, said.text[:2_000]


def order(home: House, price: int) -> str:
    line = {"product": home.ids["product"], "quantity": "1", "price": str(price)}
    made = home.api("rep").make(
        "order", account=home.ids["mine_account"], payment_terms="net_30", lines=[line]
    )
    return str(made["id"])


def line_of(page: BeautifulSoup, id: str) -> str:
    """The address of what waits, from the inbox."""
    found = [a["href"] for a in page.select(".inbox-line a[href*='/approvals/']")]
    assert len(found) == 1, found
    return "/approvals/" + found[0].rpartition("/")[2]


def test_the_whole_way_of_the_howto(home: House) -> None:
    published(home)
    give(home, "manager", "director")
    rep, director, finance = home.person("rep"), home.person("manager"), home.person("finance")
    id = order(home, 250_000)
    page = rep.page(f"/o/order/{id}")
    assert page.select_one(f"a[href$='/o/order/{id}/submit']").text.strip() == "Submit for approval"
    ahead = rep.page(f"/o/order/{id}/submit").text
    assert ahead.index("Director") < ahead.index("Finance") and "Manager" in ahead, "the route, with names"
    assert rep.post(f"/o/order/{id}/submit", {"_comment": "before Friday"}).status_code == 303
    banner = rep.page(f"/o/order/{id}").select_one(".approval-banner").text
    assert "Director" in banner and "Manager" in banner

    assert not finance.page("/inbox?box=waiting").select(".inbox-line"), (
        "finance has its turn after the director"
    )
    task = line_of(director.page("/inbox?box=waiting"), id)
    page = director.page(task)
    assert "before Friday" in page.text and "Changes since" not in page.text, (
        "that it was submitted is no change"
    )
    refused = director.post(task, {"_act": "reject", "_comment": ""})
    assert refused.status_code == 422, "whoever rejects says why"
    assert director.post(task, {"_act": "approve"}).status_code == 303

    task = line_of(finance.page("/inbox?box=waiting"), id)
    form = {"_act": "approve", "payment_terms": "net_60", "_was.payment_terms": "net_30"}
    assert finance.post(task, form).status_code == 303
    sheet = finance.page(f"{task}?print=1").select_one(".sheet-decisions").text
    assert "before Friday" in sheet and sheet.index("Director") < sheet.index("Finance")
    done = home.api("admin").read("order", id)
    assert (done["status"], done["payment_terms"]) == ("confirmed", "net_60")
    assert (
        home.api("rep").patch(f"/records/order/{id}", {"payment_terms": "prepaid"}).json()["code"] == "locked"
    )
    assert [i["state"] for i in home.api("rep").get("/approvals?box=started").json()["items"]] == ["approved"]
    assert [i["state"] for i in home.api("finance").get("/approvals?box=done").json()["items"]] == [
        "approved"
    ]


def test_an_order_at_the_threshold_goes_the_shorter_way(home: House) -> None:
    id = order(home, 100_000)
    ahead = home.person("rep").page(f"/o/order/{id}/submit").text
    assert "Large order" not in ahead
