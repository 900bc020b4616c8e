"""What flow added asks rights as everything else: approvals, buttons and merges show and give nobody what he may not read, and a
customer sees nothing of the house's own work."""

from __future__ import annotations

from typing import Any

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_testing.house import CANARIES, House
from patron_testing.web import WORKSPACE

RULES = """
kind: approval
name: c_device
object: sv_device
on: [submit, {update: [name]}]
nodes:
  - {name: first, type: approve, who: {user: technician@house.example}, fields: {account: edit}}
---
kind: automation
name: c_order
object: account
on: {event: button, name: c_order, label: {en: Press, zh-CN: 按}, ask: [{field: short_name, required: "tax_number != None", default: "=tax_number"}]}
steps:
  - {do: update, set: {short_name: pressed}}
---
kind: role
name: c_merger
label: {en: Merger, zh-CN: 合并}
for_users: internal
objects:
  sv_device: {read: all, update: all, merge: all, delete: all}
fields:
  sv_device: {pin: none, verdict: none, keeper: none}
---
kind: role
name: c_keeper
label: {en: Keeper, zh-CN: 保管}
for_users: internal
objects:
  sv_device: {read: own, update: own}
---
kind: role
name: c_clerk
label: {en: Clerk, zh-CN: 文员}
for_users: internal
objects:
  account: {read: all, update: all}
fields:
  account: {tax_number: none}
"""


@pytest.fixture(scope="module", autouse=True)
def rules(home: House) -> None:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = home.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))
    roles = ["c_merger", "c_keeper", "c_clerk"]
    assert (
        home.api("admin").patch(f"/records/user/{home.people['idle']}", {"roles": roles}).status_code == 200
    )


def leaks(text: str) -> list[str]:
    return [name for name, value in CANARIES.items() if value in text]


def device(home: House, name: str, **values: Any) -> str:
    account, owner = home.ids["seller_account"], home.people["seller"]
    return str(
        home.api("admin").make("sv_device", **{"name": name, "account": account, "owner": owner, **values})[
            "id"
        ]
    )


def test_a_change_that_waits_shows_each_what_he_reads_of_this_record(home: House) -> None:
    id = device(home, "Waits", worth=1)
    hidden = {"verdict": CANARIES["verdict"], "worth": int(CANARIES["worth"]), "keeper": CANARIES["keeper"]}
    assert (
        home.api("admin").patch(f"/records/sv_device/{id}", {"name": "Waited", **hidden}).status_code == 202
    )
    for who in ("technician", "both"):  # both reads these fields of devices of his own
        said = home.api(who).get(f"/records/sv_device/{id}/approval")
        instance = said.json()["instance"]
        assert instance["intent"] == {"action": "update", "set": {"name": "Waited"}}
        assert instance["differences"] == [], "a link whose title he may not read is no difference"
        page = home.person(who).get(f"/approvals/{instance['id']}")
        assert page.status_code == 200 and not leaks(page.text) and not leaks(said.text)
    own = home.api("seller").get(f"/records/sv_device/{id}/approval").json()["instance"]["intent"]["set"]
    assert own["verdict"] == CANARIES["verdict"], "the record is his: he reads it all"


def test_what_was_submitted_shows_each_what_he_reads_of_this_record(home: House) -> None:
    id = device(home, "Differs", verdict=CANARIES["verdict"])
    admin = home.api("admin")
    made = admin.post(f"/records/sv_device/{id}/submit").json()["id"]
    place = home.service.runtime.workspace(WORKSPACE)
    with place.connection("write") as conn:
        conn.execute("UPDATE w_acme.sv_device SET verdict = 'milder', name = 'Differed' WHERE id = %s", (id,))
    assert {d["field"] for d in admin.get(f"/approvals/{made}").json()["differences"]} == {"verdict", "name"}
    for who in ("technician", "both"):
        said = home.api(who).get(f"/approvals/{made}")
        assert {d["field"] for d in said.json()["differences"]} == {"name"} and not leaks(said.text)


def test_an_approver_points_at_what_he_may_read(home: House) -> None:
    id = device(home, "Points")
    home.api("admin").post(f"/records/sv_device/{id}/submit")
    mine = (
        home.api("technician").get(f"/records/sv_device/{id}/approval").json()["instance"]["mine"][0]["task"]
    )
    for account in (home.ids["their_account"], "0190a0b0-0000-7000-8000-0000000000ff"):
        said = home.api("technician").post(f"/approvals/{mine}/approve", {"fields": {"account": account}})
        assert said.status_code == 422 and said.json()["problems"][0]["code"] == "link_not_found"
    assert home.api("admin").read("sv_device", id)["account"]["id"] == home.ids["seller_account"]
    kept = {"fields": {"account": home.ids["seller_account"]}}
    assert home.api("technician").post(f"/approvals/{mine}/approve", kept).status_code == 200


def test_whoever_only_reads_the_record_lets_nobody_in(home: House) -> None:
    id = device(home, "Talk")
    home.api("admin").post(f"/records/sv_device/{id}/submit")
    named = {"comment": "look", "to": [home.people["seller"]]}
    said = home.api("both").post(f"/records/sv_device/{id}/approval/comment", named)
    assert said.status_code == 403
    said = home.api("both").post(f"/records/sv_device/{id}/approval/comment", {"comment": "so"})
    assert said.status_code == 202
    assert home.api("admin").post(f"/records/sv_device/{id}/approval/comment", named).status_code == 202


def test_a_customer_sees_nothing_of_an_approval_that_is_not_his(home: House) -> None:
    api, id = home.api("customer"), home.ids["device"]
    made = home.api("admin").post(f"/records/sv_device/{id}/submit").json()["id"]
    assert api.get(f"/records/sv_device/{id}").status_code == 200
    seen = api.get(f"/records/sv_device/{id}/approval")
    assert seen.json()["instance"] is None and "Technician" not in seen.text
    assert api.get(f"/approvals/{made}").status_code == 404
    assert api.post(f"/records/sv_device/{id}/approval/comment", {"comment": "hello"}).status_code == 404
    page = home.person("customer").get(f"/o/sv_device/{id}")
    assert page.status_code == 200 and "Technician" not in page.text


def test_a_button_is_no_customers_unless_it_says_so(home: House) -> None:
    account = home.ids["mine_account"]
    path = f"/records/account/{account}/buttons"
    assert "c_order" not in home.api("customer").get(path).text
    assert home.api("customer").post(f"{path}/c_order", {}).status_code == 404
    assert "c_order" in home.api("admin").get(path).text


def test_a_button_tells_no_expression_about_what_is_hidden(home: House) -> None:
    account = home.ids["mine_account"]
    admin = home.api("admin")
    assert admin.patch(f"/records/account/{account}", {"tax_number": "Zqtax-4711"}).status_code == 200

    def asked(who: str) -> tuple[Any, Any]:
        found = home.api(who).get(f"/records/account/{account}/buttons").json()["buttons"]
        said = next(b for b in found if b["name"] == "c_order")["ask"][0]
        return said["required"], said["default"]

    assert asked("admin") == ("tax_number != none", "tax_number") and asked("idle") == (None, None)
    form = f"/o/account/{account}/buttons/c_order"
    assert "Zqtax-4711" in home.person("admin").get(form).text
    drawn = home.person("idle").get(form)
    assert drawn.status_code == 200 and "Zqtax-4711" not in drawn.text


def test_a_merge_gives_nobody_what_he_did_not_read(home: House) -> None:
    mine = device(home, "Mine", owner=home.people["idle"])
    other = device(home, "Other", verdict=CANARIES["verdict"], serial="SN-merge")
    api = home.api("idle")

    def seen(id: str) -> tuple[Any, Any]:
        found = api.get(f"/records/sv_device/{id}?fields=serial,verdict").json()
        return found["serial"], found["verdict"]

    assert (seen(mine), seen(other)) == ((None, None), ("SN-merge", None))
    path = f"/records/sv_device/{mine}/merge"
    said = api.post(path, {"losers": [other], "choose": {"verdict": other}})
    assert said.json()["problems"][0]["code"] == "unknown_field"
    assert api.post(path, {"losers": [other]}).status_code == 200
    assert seen(mine) == ("SN-merge", None)
    assert not leaks(api.get(f"/records/sv_device/{mine}/history").text)


@pytest.mark.parametrize("object", ["account", "sv_device", "quote", "order", "invoice", "product"])
def test_a_customer_whose_role_names_a_few_fields_has_pages(home: House, object: str) -> None:
    person = home.person("customer")
    assert person.get(f"/o/{object}").status_code == 200
    id = {"account": "mine_account", "sv_device": "device", "product": "product"}.get(object)
    for path in ("", "/access") if id is not None else ():
        said = person.get(f"/o/{object}/{home.ids[id or '']}{path}")
        assert said.status_code == 200 and not leaks(said.text)
