"""Why somebody may see a record, or may not: what the API answers to whom, in codes and in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from patron_platform.identity.keys import create_key
from patron_testing.rights import has, with_roles
from patron_testing.web import ADMIN, REP, WORKSPACE, Api, Opened

DESK = "desk@acme.example"
NOBODY = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Office:
    opened: Opened
    admin: Api
    rep: Api
    desk: Api
    rep_id: str
    his: str  # an account of the seller
    other: str  # one of the administrator
    open: str  # one the sharing rule gives


@pytest.fixture(scope="module")
def office(opened: Opened) -> Iterator[Office]:
    with_roles(opened)
    rep, desk = has(opened, REP, "c_rep"), has(opened, DESK, "c_people")
    with opened.service.databases.system() as conn:
        key = create_key(conn, DESK, WORKSPACE)
    made = [
        opened.admin.make("account", name=name, **({"owner": rep} if name == "His" else {}))["id"]
        for name in ("His", "Closed", "Open")
    ]
    assert desk
    yield Office(opened, opened.admin, opened.rep, Api(opened.client, key), rep, *made)


def asked(api: Api, id: str, status: int = 200, language: str = "en", **given: str) -> dict[str, Any]:
    said = api.get(f"/records/account/{id}/access", params=given, headers={"Accept-Language": language})
    assert said.status_code == status, said.text
    found: dict[str, Any] = said.json()
    return found


def test_the_answer_names_role_scope_owner_and_the_least_that_would_let_him(office: Office) -> None:
    said = asked(office.admin, office.other, user=REP)
    assert said["allowed"] is False
    assert said["answer"] == "rep may not see the Account “Closed”."
    lines = {line["text"] for line in said["lines"]}
    assert (
        "The role Seller lets rep see only Accounts that belong to rep; this one belongs to admin." in lines
    )
    assert "Nobody has shared this record with rep." in lines
    assert "The sharing rule Open ones does not give it: it is for records where Name is Open." in lines
    assert said["remedies"][0]["kind"] == "share"
    gives = {r["name"]: r for r in said["remedies"] if r["kind"] == "give_role"}
    assert "c_reader" not in gives, "its own condition keeps this record out"
    assert gives["c_people"]["opens"] == 1, "beside his own and the shared one"
    assert "c_door" not in gives, "a role for portal people"
    assert [w["why"] for w in said["ways"] if w["name"] == "c_rep"] == ["scope"]


def test_allowed_says_by_what(office: Office) -> None:
    own, shared = (
        asked(office.admin, office.his, user=REP),
        asked(office.admin, office.open, user=office.rep_id),
    )
    assert own["allowed"] and own["remedies"] == []
    assert own["lines"][0] == {
        "gives": True, "text": "The role Seller lets rep see Accounts that belong to rep.",
    }  # fmt: skip
    assert shared["lines"][0] == {"gives": True, "text": "The sharing rule Open ones gives it to rep."}
    boss = asked(office.admin, office.his, user=ADMIN, action="delete")
    assert boss["lines"][0]["text"].startswith("admin is an administrator")


def test_an_action_and_a_field(office: Office) -> None:
    said = asked(office.admin, office.open, user=REP, action="update")
    assert (said["allowed"], said["answer"]) == (False, "rep may not change the Account “Open”.")
    said = asked(office.admin, office.his, user=REP, field="phone")
    assert said["allowed"] is False
    assert "does not let people see the field" in said["lines"][0]["text"]
    assert said["remedies"][0]["kind"] == "field"
    closed = asked(office.admin, office.other, user=REP, action="update")
    assert closed["below"]["answer"] == "rep may not see the Account “Closed”."


@pytest.mark.parametrize(
    ("language", "answer"),
    [("zh-CN", "rep 不能查看客户“Closed”。"), ("zh-TW", "rep 不能檢視客戶「Closed」。")],
)
def test_in_chinese(office: Office, language: str, answer: str) -> None:
    said = asked(office.admin, office.other, language=language, user=REP)
    assert said["answer"] == answer
    assert all("role" not in line["text"] and "record" not in line["text"] for line in said["lines"])


def test_an_object_as_a_whole(office: Office) -> None:
    said = office.admin.get("/objects/account/access", params={"user": REP, "action": "delete"}).json()
    assert (said["allowed"], said["record"]) == (False, None)
    assert said["lines"][0]["text"] == "The role Seller does not let people delete Accounts."
    mine = office.rep.get("/objects/account/access").json()
    assert (mine["allowed"], mine["user"]) == (True, office.rep_id)


def test_who_can_see_it_and_to_whom_it_was_given(office: Office) -> None:
    for api in (office.admin, office.desk, office.rep):  # the administrator, who manages people, its owner
        said = asked(api, office.his)
        people = {p["name"]: p for p in said["people"]}
        assert people["admin"]["administrator"] and people["rep"]["can"] == "edit"
        assert people["desk"]["can"] == "read"
        assert (said["more"], said["given"]) == (False, [])


def test_others_are_told_of_themselves_only(office: Office) -> None:
    said = asked(office.rep, office.open)
    assert set(said) == {"you"}
    read, update = said["you"]
    assert (read["allowed"], update["allowed"]) == (True, False)
    assert [r["kind"] for r in update["remedies"]] == ["share"], "which other roles there are is not told"
    assert all(w["tests"] == [] for w in update["ways"])
    asked(office.rep, office.open, status=403, user=ADMIN)
    asked(office.rep, office.open, status=403, user="no.such@acme.example")
    assert office.rep.get("/objects/account/access", params={"user": ADMIN}).status_code == 403


def test_what_he_may_not_see_is_not_there_whatever_he_asks(office: Office) -> None:
    hidden = office.rep.get(f"/records/account/{office.other}/access", params={"action": "read"})
    missing = office.rep.get(f"/records/account/{NOBODY}/access", params={"action": "read"})
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"user": REP, "action": "steal"}, 422, "unknown_action"),
        ({"user": "nobody@acme.example"}, 404, "user_not_found"),
        ({"user": 'x" or true or "'}, 404, "user_not_found"),
        ({"user": REP, "field": "nonsense"}, 404, "unknown_field"),
        ({"user": REP, "nonsense": "1"}, 422, None),
    ],
)
def test_bad_questions(office: Office, given: dict[str, str], status: int, code: str | None) -> None:
    said = asked(office.admin, office.his, status=status, **given)
    if code is not None:
        assert code in (said["code"], *(p["code"] for p in said.get("problems", ())))
