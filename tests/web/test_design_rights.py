"""Rights to design, given by a role: all definitions but those that say who may do what, or those about some objects."""

from __future__ import annotations

from typing import Any

import pytest

from patron_testing.house import House
from patron_testing.web import Api

FIELD = {"name": "c_mood", "type": "text", "label": {"en": "Mood"}}


@pytest.fixture(scope="module", autouse=True)
def roles(home: House) -> None:
    admin = home.api("admin")
    for name, actions in (
        ("c_designer", ["design"]),
        ("c_account", [{"design": ["account"]}]),
        ("c_both", ["design", "manage_users"]),
    ):
        said = admin.put(
            f"/definitions/role/{name}", {"label": {"en": name}, "objects": {}, "actions": actions}
        )
        assert said.status_code == 200, said.text
    published(admin, said.json()["draft"])
    for who, role in (("rep", "c_account"), ("manager", "c_designer"), ("finance", "c_both")):
        held = ["employee", "sales_rep", role]
        assert admin.patch(f"/records/user/{home.people[who]}", {"roles": held}).status_code == 200


def published(api: Api, draft: str) -> int:
    plan = api.post(f"/drafts/{draft}/plan")
    assert plan.status_code == 200, plan.text
    said = api.post(f"/drafts/{draft}/publish", {"checksum": plan.json()["checksum"]})
    assert said.status_code == 201, said.text
    number: int = said.json()["number"]
    return number


def change(of: str, **body: Any) -> dict[str, Any]:
    return {"kind": "change", "of": of, **body}


def test_who_customises_one_object_changes_it_and_nothing_else(home: House) -> None:
    rep = home.api("rep")
    said = rep.put("/definitions/change/object/account", change("object/account", add={"fields": [FIELD]}))
    assert said.status_code == 200, said.text
    published(rep, said.json()["draft"])
    fields = [f["name"] for f in home.api("admin").get("/objects/account").json()["fields"]]
    assert "c_mood" in fields
    for kind, name, body in (
        ("change", "object/contact", change("object/contact", add={"fields": [FIELD]})),
        ("change", "role/sales_rep", change("role/sales_rep", set={"actions": ["unmask"]})),
        ("role", "c_mine", {"label": {"en": "Mine"}, "objects": {"*": {"read": "all"}}}),
        ("object", "c_boat", {"label": "Boat", "title": "name", "fields": [{"name": "name", "type": "text", "label": "N"}]}),
        ("setting", "c_x", {"type": "text", "label": {"en": "X"}}),
        ("view", "c_contacts", {"object": "contact", "label": {"en": "C"}, "columns": ["name"]}),
        ("automation", "c_all", {"object": "account", "label": {"en": "A"}, "on": {"event": "created"}, "steps": [{"do": "stop"}]}),
    ):  # fmt: skip
        said = rep.put(f"/definitions/{kind}/{name}", body)
        assert said.status_code == 403, (kind, name, said.text)
    view = {"object": "account", "label": {"en": "Mine"}, "columns": ["name", "c_mood"]}
    assert rep.put("/definitions/view/c_moods", view).status_code == 200
    assert rep.delete("/definitions/object/contact").status_code == 403


def test_what_is_not_his_to_change_is_not_his_to_see(home: House) -> None:
    rep = home.api("rep")
    kinds = {(d["kind"], d["name"]) for d in rep.get("/definitions").json()["definitions"]}
    assert ("object", "account") in kinds and ("object", "contact") not in kinds
    assert not any(kind in ("role", "sharing", "setting") for kind, _ in kinds)
    assert rep.get("/definitions/object/account").status_code == 200
    assert rep.get("/definitions/role/admin").status_code == 404
    assert rep.get("/definitions/object/contact").status_code == 404
    assert rep.get("/releases").status_code == 403
    assert rep.post("/releases/1/rollback", {}).status_code == 403
    assert home.api("colleague").get("/definitions").status_code == 403


def test_who_designs_gives_nobody_rights(home: House) -> None:
    designer = home.api("manager")
    said = designer.put("/definitions/setting/c_pace", {"type": "text", "label": {"en": "Pace"}})
    assert said.status_code == 200, said.text
    mine = change("role/sales_manager", set={"actions": ["unmask", "manage_users"]})
    assert designer.put("/definitions/change/role/sales_manager", mine).status_code == 403
    assert designer.put("/definitions/role/c_king", {"label": {"en": "K"}, "objects": {}}).status_code == 403
    assert (
        designer.put(
            "/definitions/change/workspace/workspace", change("workspace/workspace", set={})
        ).status_code
        == 403
    )
    published(designer, said.json()["draft"])
    both = home.api("finance")
    assert both.put("/definitions/role/c_king", {"label": {"en": "K"}, "objects": {}}).status_code == 200


def test_a_role_that_is_taken_away_ends_the_draft_too(home: House) -> None:
    admin, rep = home.api("admin"), home.api("rep")
    said = rep.put(
        "/definitions/view/c_late", {"object": "account", "label": {"en": "L"}, "columns": ["name"]}
    )
    assert said.status_code == 200, said.text
    draft = said.json()["draft"]
    plan = rep.post(f"/drafts/{draft}/plan").json()
    admin.patch(f"/records/user/{home.people['rep']}", {"roles": ["employee", "sales_rep"]})
    assert rep.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"]}).status_code == 403
    admin.patch(f"/records/user/{home.people['rep']}", {"roles": ["employee", "sales_rep", "c_account"]})


def test_who_manages_people_is_no_match_for_an_administrator(home: House) -> None:
    admin, boss = home.api("admin"), home.api("finance")
    rows = admin.rows("user", fields="id,email", limit="50")
    (above,) = [
        r["id"] for r in rows if r["id"] not in home.people.values() or "house.example" not in r["email"]
    ][:1]
    assert boss.patch(f"/records/user/{above}", {"active": False}).status_code in (403, 404, 422)
    assert admin.read("user", above)["active"] is True
    mine = home.people["finance"]
    said = boss.patch(f"/records/user/{mine}", {"manager": None, "department": home.ids["west"]})
    assert said.status_code in (403, 404, 422), said.text


def test_a_change_may_not_lead_out_of_what_is_his(home: House) -> None:
    admin, rep = home.api("admin"), home.api("rep")
    calm = {
        "object": "account",
        "label": {"en": "A"},
        "on": {"event": "created"},
        "run_as": "causer",
        "steps": [{"do": "stop"}],
    }
    said = rep.put("/definitions/automation/c_calm", calm)
    assert said.status_code == 200, said.text
    assert rep.put("/definitions/automation/c_calm", {**calm, "run_as": "system"}).status_code == 403
    assert rep.put("/definitions/automation/c_calm", {**calm, "object": "contact"}).status_code == 403
    assert rep.delete(f"/drafts/{said.json()['draft']}").status_code == 200
    packed = change("automation/referral_makes_loyal", set={"run_as": "causer"})
    assert rep.put("/definitions/change/automation/referral_makes_loyal", packed).status_code == 403
    assert admin.get("/definitions/automation/referral_makes_loyal").json()["body"]["run_as"] == "system"


def test_who_customises_an_object_shows_nobody_more_than_he_may_read(home: House) -> None:
    """What is refused, and what not: tests/unit/access/test_showing.py."""
    rep = home.api("rep")
    total = {
        "name": "c_total", "label": {"en": "Total"}, "type": "rollup", "of": "opportunities", "function": "sum",
        "field": "amount", "public": True,
    }  # fmt: skip
    body = change("object/account", add={"fields": [FIELD, total]})
    draft = rep.put("/definitions/change/object/account", body).json()["draft"]
    said = rep.post(f"/drafts/{draft}/publish", {"checksum": "x"})
    assert said.status_code == 422, said.text
    [problem] = said.json()["problems"]
    assert problem["code"] == "shows_more" and "account.c_total" in str(problem)
    assert "opportunit" not in said.text, "what he may not read is not told"
    assert rep.call("DELETE", f"/drafts/{draft}").status_code == 200
