"""Pools: given back with a reason, taken back after a warning, with more time where it is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.errors import PatronError
from patron_engine.record.given import gifts_of
from patron_engine.ways import pools
from patron_engine.ways.give import Wish, give
from patron_engine.ways.pool_extend import decide, extend
from patron_engine.ways.pools import Back
from patron_testing.build import build_workspace
from patron_testing.pooling import POOLS, claimed, moves, standing, told, words
from patron_testing.standing import OBJECTS, House


@pytest.fixture
def house(conn: psycopg.Connection[Any]) -> House:
    return House(conn, build_workspace(conn, OBJECTS + "---\n" + POOLS))


def test_giving_back_needs_a_reason_and_the_owner(house: House) -> None:
    rep, other, boss = house.user("rep", "rep"), house.user("other", "rep"), house.user("boss", "boss")
    id = house.do("create", "customer", name="Acme", owner=rep)
    house.do("create", "person", name="Ann", customer=id, owner=rep)
    house.do("create", "person", name="Ben", customer=id, owner=other)
    give(house.conn, house.call, "customer", id, Wish(reason="team", to={"user": other}))
    mine = house.later(timedelta(), rep, "rep")

    def back(call: Any, **why: Any) -> str | None:
        ((_, error),) = pools.give_back(house.conn, call, "customer", [id], Back(**why))
        return error.code if isinstance(error, PatronError) else None

    assert back(mine) == "invalid"
    assert back(mine, reason="because") == "invalid"
    assert back(house.later(timedelta(), other, "rep"), reason="no_need") == "forbidden"
    house.do("update", "customer", id, locked=True)
    assert back(mine, reason="no_need") == "pool_exempt"
    house.do("update", "customer", id, locked=False)
    assert back(mine, reason="no_need", pool="west") == "pool_none"
    assert back(mine, reason="no_need", note="They moved away") is None
    house.conn.commit()
    assert house.rows("customer", "owner") == [(None,)]
    assert house.rows("person", "name, owner::text") == [("Ann", None), ("Ben", other)]
    assert gifts_of(house.conn, house.call, "customer", id) == []
    assert standing(house, id) == ("east", True, rep)
    house.work()
    assert moves(house)[-1] == ("returned", "east", rep, None, rep, "no_need")
    assert house.rows("customer", "reason") == [("returned: no_need",)]
    # A manager takes one back: the owner before is who lost it, the manager who did it.
    second = house.do("create", "customer", name="B", owner=rep)
    give(house.conn, house.call, "customer", second, Wish(reason="share", to={"user": boss}))
    ((_, error),) = pools.give_back(
        house.conn,
        house.later(timedelta(hours=1), boss, "boss"),
        "customer",
        [second],
        Back(reason="no_time"),
    )
    assert error is None
    house.conn.commit()
    house.work(timedelta(hours=1))
    assert moves(house)[-1] == ("reclaimed", "east", rep, None, boss, "no_time")
    assert claimed(house, rep, second, timedelta(days=1)) == "pool_not_again"
    assert claimed(house, other, second, timedelta(days=1)) is None


def test_nobody_follows_it_up_and_it_goes_back_after_a_warning(house: House) -> None:
    rep = house.user("rep", "rep", language="zh-CN")
    id = house.do("create", "customer", name="Acme", owner=rep)
    kept = house.do("create", "customer", name="Locked", owner=rep, locked=True)
    house.do("create", "customer", name="Key", owner=rep, grade="a")
    house.work()
    days = house.kept("sys__pool", "rule, returns_at - since", "ORDER BY record")
    assert days == [("else", timedelta(days=15)), (None, None), ("a", timedelta(days=60))]
    house.work(timedelta(days=11))
    assert told(house) == [(rep, "assignment")] * 3
    # A call on the eleventh day: fifteen days from there.
    house.do(
        "create",
        "call",
        call=house.later(timedelta(days=11)),
        name="Hello",
        about={"object": "customer", "id": id},
    )
    house.work(timedelta(days=13))
    assert len(told(house)) == 3
    house.work(timedelta(days=23, hours=1))
    assert words(house, rep, "pool") == ["Acme 将于 2026-06-15 收回到东区公海，请及时跟进"]
    house.work(timedelta(days=25))
    assert standing(house, id) == ("east", False, rep)
    house.work(timedelta(days=26))
    assert standing(house, id) == ("east", True, rep)
    assert moves(house)[-1] == ("expired", "east", rep, None, None, None)
    assert words(house, rep, "pool")[0] == "Acme 因未及时跟进，已收回到东区公海"
    house.work(timedelta(days=400))
    assert standing(house, kept) == ("east", False, rep)
    assert claimed(house, rep, id, timedelta(days=30)) == "pool_not_again"


def test_more_time_is_asked_for_granted_refused_and_ends_with_the_owner(house: House) -> None:
    rep, other, boss = (
        house.user("rep", "rep", language="zh-CN"),
        house.user("other", "rep"),
        house.user("boss", "boss"),
    )
    id = house.do("create", "customer", name="Acme", owner=rep)
    house.work()
    day = timedelta(days=1)

    def done(act: Any, user: str, later: timedelta, *more: Any) -> str | None:
        role = "boss" if user == boss else "rep"
        ((_, error),) = act(house.conn, house.later(later, user, role), "customer", [id], *more)
        house.conn.commit()
        house.work(later)
        return error.code if error else None

    def clock() -> Any:
        (row,) = house.kept("sys__pool", "returns_at - since, extended, asked_note", f"WHERE record = '{id}'")
        return row

    assert done(extend, other, day) == "not_found"
    assert done(decide, boss, day, True) == "pool_not_asked"
    assert done(extend, rep, 14 * day, "They are on holiday") is None
    assert clock() == (15 * day, None, "They are on holiday")
    assert done(extend, rep, 14 * day) == "pool_asked"
    assert words(house, boss, "pool", "zh-CN") == ["Acme 申请延期收回到东区公海，请处理"]
    assert done(decide, rep, 14 * day, True) == "forbidden"
    assert done(decide, boss, 14 * day, False) is None
    assert words(house, rep, "pool")[0] == "Acme 的延期申请未通过，仍将按期收回到东区公海"
    assert done(extend, rep, 14 * day, "Please") is None and done(decide, boss, 14 * day, True) is None
    assert clock() == (25 * day, 1, None)
    assert words(house, rep, "pool")[0] == "Acme 已获延期，将于 2026-06-14 收回到东区公海"
    house.work(24 * day)
    assert words(house, rep, "pool")[0] == "Acme 将于 2026-06-14 收回到东区公海，请及时跟进"
    # A manager asks nobody; more often than the pool says nobody gets it.
    give(house.conn, house.call, "customer", id, Wish(reason="share", to={"user": boss}))
    assert done(extend, boss, 24 * day) is None and clock() == (35 * day, 2, None)
    assert done(extend, rep, 24 * day) == "limit_pool_extensions"
    house.work(35 * day)
    assert standing(house, id) == ("east", True, rep)
    assert [m[0] for m in moves(house)] == ["asked", "refused", "asked", "extended", "extended", "expired"]
    assert claimed(house, other, id, 36 * day) is None
    assert clock()[1] is None
