"""Pools over HTTP and in the browser: claimed with limits, hidden before, given back with a reason, refused without harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.keys import create_key
from patron_platform.jobs.flow import work_flows
from patron_testing.web import PASSWORD, WORKSPACE, Api, Opened, Person

ROLE = {
    "label": {"en": "Rep", "zh-CN": "销售"}, "for_users": "internal",
    "objects": {
        "user": {"read": "all"}, "account": {"create": True, "read": "own", "update": "own"}, "contact": {"read": {"through": "account"}},
        "pool_move": {"read": {"through": "about"}},
    },
}  # fmt: skip
POOL = {
    "label": {"en": "Free customers", "zh-CN": "公共客户"}, "object": "account", "members": {"role": "c_pool_rep"},
    "managers": {"role": "c_pool_boss"}, "hidden": ["phone", "contacts.mobile"], "columns": ["name", "phone", "grade"],
    "claim": {"per_day": 3, "holding": 200, "in_all": 300}, "return": [{"name": "else", "no_activity": "15 days"}],
    "extend": {"by": "30 days", "times": 2}, "reasons": [{"name": "no_need", "label": {"en": "No need", "zh-CN": "无需求"}}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Someone:
    id: str
    api: Api
    person: Person


class Member(Person):
    """Takes his tokens from his notices."""

    def token(self) -> str:
        return str(self.page("/inbox").find("meta", {"name": "csrf"})["content"])


def someone(opened: Opened, role: str) -> Someone:
    email = f"{uuid4().hex[:8]}@acme.example"
    id = create_user(opened.service.databases, opened.service.runtime.workspace(WORKSPACE), email)
    with opened.service.databases.system() as conn:
        set_password(conn, email, PASSWORD)
        key = create_key(conn, email, WORKSPACE)
    assert opened.admin.patch(f"/records/user/{id}", {"roles": [role]}).status_code == 200
    return Someone(id, Api(opened.client, key), Member(opened.client, WORKSPACE, email))


@pytest.fixture(scope="module")
def published(opened: Opened) -> Opened:
    boss = {**ROLE, "label": {"en": "Boss"}}
    for kind, name, body in (
        ("role", "c_pool_rep", ROLE),
        ("role", "c_pool_boss", boss),
        ("pool", "c_free", POOL),
    ):
        said = opened.admin.put(f"/definitions/{kind}/{name}", body)
        assert said.status_code == 200, said.text
    draft = said.json()["draft"]
    plan = opened.admin.post(f"/drafts/{draft}/plan").json()
    said = opened.admin.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"]})
    assert said.status_code == 201, said.text
    return opened


@pytest.fixture
def rep(published: Opened) -> Someone:
    return someone(published, "c_pool_rep")


@pytest.fixture
def boss(published: Opened) -> Someone:
    return someone(published, "c_pool_boss")


def waiting(opened: Opened, name: str = "") -> str:
    own = uuid4().hex
    made = opened.admin.make(
        "account", name=f"{own[:9]} {name}", phone=f"0571-{int(own[:6], 16):08}", owner=None
    )
    return str(made["id"])


def test_it_is_hidden_until_it_is_claimed_and_once_only(
    published: Opened, rep: Someone, boss: Someone
) -> None:
    id = waiting(published)
    other = someone(published, "c_pool_rep")
    seen = rep.api.get(f"/records/account/{id}", params={"fields": "name,phone,pool.name"}).json()
    assert (seen["phone"], seen["pool.name"]) == (None, "c_free")
    phone = published.admin.read("account", id)["phone"]
    assert rep.api.rows("account", where=f"phone == '{phone}'", fields="id") == []
    assert rep.api.get("/pools").json()["pools"][0]["limits"] == {
        "per_day": 3,
        "today": 0,
        "holding": 200,
        "held": 0,
        "in_all": 300,
        "held_in_all": 0,
    }
    said = rep.api.post(f"/records/account/{id}/claim")
    assert (said.status_code, said.json()) == (200, {"id": id, "pool": "c_free", "waits": False})
    assert rep.api.read("account", id)["phone"] == phone
    late = other.api.post(f"/records/account/{id}/claim")
    assert (late.status_code, late.json()["code"]) == (409, "pool_taken")
    # Nobody who is no member hears that there is such a record.
    assert published.rep.post(f"/records/account/{id}/claim").status_code == 404
    assert published.rep.get("/pools").json() == {"pools": []}


def test_giving_back_moving_and_assigning(published: Opened, rep: Someone, boss: Someone) -> None:
    ids = [waiting(published) for _ in range(3)]
    said = boss.api.post("/records/account/claim", {"ids": ids, "to": {"user": rep.id}})
    assert said.json() == {"results": [{"id": id} for id in ids]}
    no = rep.api.post(f"/records/account/{ids[0]}/claim", {"to": {"user": boss.id}})
    assert no.status_code in (403, 409)
    bad = rep.api.post(f"/records/account/{ids[0]}/return", {"reason": "because"})
    assert (bad.status_code, bad.json()["problems"][0]["code"]) == (422, "unknown_reason")
    assert rep.api.post(f"/records/account/{ids[0]}/return", {}).json()["problems"][0]["field"] == "reason"
    assert rep.api.post(f"/records/account/{ids[0]}/return", {"reason": "no_need"}).json()["waits"] is True
    work_flows(published.service.runtime.workspace(WORKSPACE))
    moves = published.admin.rows("pool_move", where="kind == 'returned'", fields="from_user,by,reason,about")
    (mine,) = [m for m in moves if m["about"]["id"] == ids[0]]
    assert (mine["from_user"]["id"], mine["by"]["id"], mine["reason"]) == (rep.id, rep.id, "no_need")
    gone = boss.api.post(f"/records/account/{ids[0]}/pool", {"pool": "nowhere"})
    assert (gone.status_code, gone.json()["code"]) == (409, "pool_none")


@pytest.mark.parametrize(
    "path, body",
    [
        ("/claim", {"ids": "x"}),
        ("/claim", {"ids": ["x"]}),
        ("/x/claim", {}),
        ("/claim", {"ids": [], "more": 1}),
        ("/0198c0de-0000-7000-8000-000000000000/extend", {"grant": "yes"}),
        ("/return", {"ids": ["0198c0de-0000-7000-8000-000000000000"], "reason": 5}),
        ("/0198c0de-0000-7000-8000-000000000000/claim", {"to": {"user": "x"}}),
        ("/0198c0de-0000-7000-8000-000000000000/pool", {}),
        ("/claim", {"ids": ["0198c0de-0000-7000-8000-000000000000"] * 201}),
    ],
)
def test_bad_requests_are_told_and_change_nothing(rep: Someone, path: str, body: Any) -> None:
    said = rep.api.post(f"/records/account{path}", body)
    assert 400 <= said.status_code < 500, said.text
    assert said.json()["code"]
    assert rep.api.post("/records/user/0198c0de-0000-7000-8000-000000000000/claim").status_code == 404


def test_pages_of_a_pool(published: Opened, rep: Someone, boss: Someone) -> None:
    ids = [waiting(published, f"pool{n} page") for n in range(5)]
    shown = rep.person.page("/pools/c_free?q=page")
    assert "pool0 page" in shown.text and "0571" not in shown.text
    assert "0 of 3 claimed today" in shown.text
    assert (
        shown.find("button", {"value": "claim"}) is not None
        and shown.find("button", {"value": "assign"}) is None
    )
    said = rep.person.post("/pools/c_free", {"act": "claim", "id": ids[0]})
    assert said.headers["location"].endswith("done=claimed&n=1")
    assert "1 of 3 claimed today" in rep.person.page("/pools/c_free").text
    # Many at once: what did not go is listed with its reason.
    many = rep.person.post("/pools/c_free", [("act", "claim"), *(("id", id) for id in ids[1:4])])
    assert "claims are used up" in many.text and "3 a day" in many.text
    record = rep.person.page(f"/o/account/{ids[0]}")
    assert "Give back to the pool" in record.text
    # More time: asked for on the record's page, answered on the pool's.
    work_flows(published.service.runtime.workspace(WORKSPACE))
    asking = rep.person.page(f"/o/account/{ids[0]}/pool").text
    assert (
        "Ask for more time" in rep.person.page(f"/o/account/{ids[0]}").text
        and "30 days more; 2 times left." in asking
    )
    more = {"act": "extend", "note": "On holiday"}
    assert rep.person.post(f"/o/account/{ids[0]}/pool", more).status_code == 303
    again = rep.api.post(f"/records/account/{ids[0]}/extend", {"note": "Again"})
    assert (again.status_code, again.json()["code"]) == (409, "pool_asked")
    assert "More time was asked for" in rep.person.page(f"/o/account/{ids[0]}").text
    assert (
        "On holiday" in boss.person.page("/pools/c_free").text
        and "On holiday" not in rep.person.page("/pools/c_free").text
    )
    granted = boss.person.post("/pools/c_free", {"act": "grant", "id": ids[0]})
    assert granted.headers["location"].endswith("done=extended&n=1")
    assert "On holiday" not in boss.person.page("/pools/c_free").text
    assert rep.api.post(f"/records/account/{ids[0]}/extend", {"grant": True}).status_code == 403
    refused = rep.person.post(f"/o/account/{ids[0]}/pool", {"act": "return"})
    assert refused.status_code == 422 and "say why" in refused.text.lower()
    back = rep.person.post(f"/o/account/{ids[0]}/pool", {"act": "return", "reason": "no_need"})
    assert back.status_code == 303
    assert "Nobody owns it" in rep.person.page(f"/o/account/{ids[0]}").text
    full = rep.person.post(f"/o/account/{ids[4]}/claim", {})
    assert full.status_code == 422 and "used up" in full.text
    assigned = boss.person.post("/pools/c_free", {"act": "assign", "id": ids[4], "to": f"user:{rep.id}"})
    assert assigned.headers["location"].endswith("done=assigned&n=1")
    assert boss.person.post("/pools/c_free", {"act": "assign", "id": ids[4]}).status_code == 422
    assert rep.person.get("/pools/nowhere").status_code == 404


def test_a_pool_in_which_records_wait_is_not_removed(published: Opened) -> None:
    waiting(published)
    said = published.admin.delete("/definitions/pool/c_free")
    plan = published.admin.post(f"/drafts/{said.json()['draft']}/plan")
    assert plan.status_code == 422, plan.text
    assert [p["code"] for p in plan.json()["problems"] if p["level"] == "error"] == ["pool_in_use"]
    assert published.admin.get("/pools").json()["pools"][0]["name"] == "c_free"
