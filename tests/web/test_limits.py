"""Hours and addresses of roles at the sign-in and for who is signed in; what a key may be used for, and from where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from patron_engine.errors import WrongUse
from patron_platform.identity.keys import create_key
from patron_testing.web import ADMIN, PASSWORD, REP, V1, WORKSPACE, Api, Opened

OPEN = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)  # Monday noon in Shanghai
SHUT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def roles(opened: Opened) -> None:
    """Somebody with hours, and a role with addresses."""
    days = [{"days": ["monday"], "from": "09:00", "until": "18:00"}]
    for name, login in (("c_office", {"hours": days}), ("c_lan", {"addresses": ["10.0.0.0/8"]})):
        body = {"label": name, "objects": {"yd_job": {"read": "all"}}, "login": login}
        said = opened.admin.put(f"/definitions/role/{name}", body)
        assert said.status_code < 300, said.text
    draft = said.json()["draft"]
    plan = opened.admin.post(f"/drafts/{draft}/plan").json()
    said = opened.admin.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"], "note": "roles"})
    assert said.status_code == 201, said.text


@pytest.fixture
def clock(opened: Opened) -> Iterator[list[datetime]]:
    """The moment it is, to be set."""
    now, kept = [OPEN], opened.service.runtime.clock
    opened.service.runtime.clock = lambda: now[0]
    yield now
    opened.service.runtime.clock = kept
    opened.client.cookies.clear()
    give(opened, [])
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.sign_in_attempt")


def give(opened: Opened, roles: list[str]) -> None:
    user = opened.admin.rows("user", where=f"email == '{REP}'")[0]
    assert opened.admin.patch(f"/records/user/{user['id']}", {"roles": roles}).status_code == 200


def sign_in(opened: Opened) -> Any:
    said = opened.client.post("/login", data={"email": REP, "password": PASSWORD}, follow_redirects=False)
    opened.client.cookies.clear()
    return said


def test_outside_the_hours_nobody_signs_in_and_a_session_stops(opened: Opened, clock: list[datetime]) -> None:
    give(opened, ["c_office"])
    rep = opened.person(REP)
    assert rep.get("/").status_code == 200
    clock[0] = SHUT
    said = rep.get("/")
    assert said.status_code == 403 and "at this time" in said.text
    cookie = {"Cookie": f"patron_session={rep.cookies['patron_session']}"}
    assert opened.client.get(f"{V1}/me", headers=cookie).json()["code"] == "login_limit"
    said = sign_in(opened)
    assert said.status_code == 403 and "at this time" in said.text and "patron_session" not in said.cookies
    with opened.service.databases.system() as conn:
        rows = conn.execute("SELECT about FROM patron.audit WHERE action = 'sign_in_barred'").fetchall()
    assert rows == [(REP,)]
    clock[0] = OPEN
    assert rep.get("/").status_code == 200 and sign_in(opened).status_code == 303


def test_from_another_address_nobody_signs_in(opened: Opened, clock: list[datetime]) -> None:
    give(opened, ["c_lan"])
    said = sign_in(opened)
    assert said.status_code == 403 and "from this address" in said.text
    give(opened, ["c_lan", "c_office"])
    assert sign_in(opened).status_code == 303, "the other role lets him in"


def test_an_administrator_is_never_locked_out(opened: Opened, clock: list[datetime]) -> None:
    clock[0] = SHUT
    assert opened.person(ADMIN).get("/").status_code == 200


def test_a_network_that_is_none_is_refused_before_it_locks_everybody_out(opened: Opened) -> None:
    body = {"label": "x", "login": {"addresses": ["10.0.0.0/99"]}}
    said = opened.admin.put("/definitions/role/c_wrong", body)
    assert said.status_code == 422 and "10.0.0.0/99" in said.text


def test_a_key_does_what_it_is_meant_for_from_where_it_may(opened: Opened) -> None:
    def key(**more: Any) -> Api:
        with opened.service.databases.system() as conn:
            return Api(opened.client, create_key(conn, ADMIN, WORKSPACE, "limited", **more))

    reading = key(scopes=["read"])
    assert reading.get("/records/yd_job").status_code == 200
    assert reading.post("/records/yd_job/query", {}).status_code == 200
    said = reading.post("/records/yd_job", {"name": "Boat"})
    assert (said.status_code, said.json()["code"]) == (403, "key_limit")
    writing = key(scopes=["read", "write"])
    assert writing.post("/records/yd_job", {"name": "Boat"}).status_code == 201
    assert writing.put("/definitions/setting/c_k", {"type": "integer", "default": 1}).status_code == 403
    assert key(scopes=["design"]).get("/records/yd_job").status_code == 403
    assert key(addresses=["10.0.0.0/8"]).get("/records/yd_job").status_code == 403
    for wrong in (
        {"scopes": []},
        {"scopes": ["all"]},
        {"addresses": ["here"]},
        {"addresses": ["10.0.0.1"] * 101},
    ):
        with pytest.raises(WrongUse):
            key(**wrong)
    assert key(addresses=["10.0.0.1"] * 100).get("/me").status_code == 403
