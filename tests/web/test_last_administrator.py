"""A workspace keeps an administrator: the last one is not switched off, not deleted, not erased, by nobody and on no way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from patron_engine.actor import SYSTEM
from patron_engine.errors import Refused
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.ways import handover
from patron_engine.ways.save import save
from patron_platform.identity.accounts import create_user
from patron_platform.jobs.imports import carry_out, import_problems, queue
from patron_platform.workspace import OPERATOR
from patron_testing.rights import has
from patron_testing.web import WORKSPACE, Opened, Person


@pytest.fixture
def last(opened: Opened) -> str:
    return str(opened.admin.get("/me").json()["user"])


def test_the_record_says_what_to_do(opened: Opened, last: str) -> None:
    for said in (
        opened.admin.patch(f"/records/user/{last}", {"active": False}),
        opened.admin.call("DELETE", f"/records/user/{last}"),
    ):
        assert said.status_code == 422, said.text
        [problem] = said.json()["problems"]
        assert problem["code"] == "last_administrator"
        assert problem["message"] == "this is the last administrator of the workspace"
        assert "patron user create" in problem["hint"]
    assert opened.admin.get("/me").status_code == 200


def test_his_page_and_that_of_leavers_say_it_too(opened: Opened, me: Person, last: str) -> None:
    said = me.post(f"/admin/people/{last}", {"active": "no"})
    assert said.status_code == 422 and "this is the last administrator of the workspace" in said.text
    said = me.post(f"/admin/handover/{last}", {"off": "1"})
    assert said.status_code == 422 and "this is the last administrator of the workspace" in said.text
    chinese = opened.person(language="zh-CN").post(f"/admin/people/{last}", {"active": "no"})
    assert "这是工作区的最后一位管理员" in chinese.text
    assert me.get("/").status_code == 200


def test_neither_the_system_nor_an_import_does_it(opened: Opened, last: str, tmp_path: Path) -> None:
    place = opened.service.runtime.workspace(WORKSPACE)
    with pytest.raises(Refused, match="last administrator"):
        place.save(SYSTEM, [Change(action="update", object="user", id=last, set={"active": False})])
    with pytest.raises(Refused, match="last administrator"):
        place.writing(OPERATOR, lambda conn, call: handover.switch_off(conn, call, last))
    file = tmp_path / "users.csv"
    file.write_text(f"id,active\n{last},no\n")
    batch = queue(place, OPERATOR, "user", file, map={"columns": {"id": "id", "active": "active"}, "match": "id"}).batch  # fmt: skip
    found = carry_out(place, batch)
    assert found.counts["refused"] == 1, found
    [(_, _, problems)] = import_problems(place, batch)
    assert [p["code"] for p in problems] == ["last_administrator"]


def test_of_many_the_others_are_switched_off(opened: Opened, last: str) -> None:
    other = has(opened, f"{uuid4().hex[:8]}@acme.example")
    place = opened.service.runtime.workspace(WORKSPACE)
    outcomes = place.save(
        SYSTEM,
        [Change(action="update", object="user", id=u, set={"active": False}) for u in (last, other)],
        mode="each",
    )
    assert [o.action for o in outcomes] == ["refused", "updated"]


def test_with_another_one_he_may_go_and_he_is_the_last_then(opened: Opened, last: str) -> None:
    place = opened.service.runtime.workspace(WORKSPACE)
    second = create_user(opened.service.databases, place, "second@acme.example", administrator=True)
    off = [Change(action="update", object="user", id=second, set={"active": False})]
    place.save(SYSTEM, off)
    with pytest.raises(Refused, match="last administrator"):
        place.save(SYSTEM, [Change(action="delete", object="user", id=last)])
    place.save(SYSTEM, [Change(action="update", object="user", id=second, set={"active": True})])
    with pytest.raises(Refused, match="last administrator"):  # both in one save
        place.save(
            SYSTEM,
            [Change(action="update", object="user", id=u, set={"active": False}) for u in (last, second)],
        )
    place.save(SYSTEM, off)


def test_two_who_switch_each_other_off_at_once(opened: Opened, last: str) -> None:
    place = opened.service.runtime.workspace(WORKSPACE)
    second = create_user(opened.service.databases, place, "second@acme.example", administrator=True)
    place.save(SYSTEM, [Change(action="update", object="user", id=second, set={"active": True})])
    together, begun = Barrier(2), set[str]()

    def off(user: str) -> str:
        def act(conn: psycopg.Connection[Any], call: Call) -> Any:
            if user not in begun:  # a deadlock would begin again
                begun.add(user)
                together.wait(10)
            return save(conn, call, [Change(action="update", object="user", id=user, set={"active": False})])

        try:
            place.writing(SYSTEM, act)
        except Refused as refused:
            return refused.problems[0].code
        return "off"

    with ThreadPoolExecutor(2) as threads:
        said = sorted(threads.map(off, (last, second)))
    place.save(
        SYSTEM, [Change(action="update", object="user", id=u, set={"active": True}) for u in (last, second)]
    )
    assert said == ["last_administrator", "off"]
