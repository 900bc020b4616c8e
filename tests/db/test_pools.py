"""Pools: claimed by one, within limits, given back with a reason, hidden until then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.access.pools import MANY
from patron_engine.actor import Actor, Cause
from patron_engine.errors import PatronError
from patron_engine.phrases import own_catalogue, written
from patron_engine.query.spec import Ask
from patron_engine.record import telling
from patron_engine.record.change import Change
from patron_engine.record.given import gifts_of
from patron_engine.store.session import configure
from patron_engine.ways import pools
from patron_engine.ways.flow_told import SEVERAL
from patron_engine.ways.give import Wish, give
from patron_engine.ways.pool_extend import decide, extend
from patron_engine.ways.pool_limits import limits_of
from patron_engine.ways.pool_people import MAX_CLAIMS, is_one
from patron_engine.ways.pools import Back
from patron_engine.ways.read import read, rows
from patron_engine.ways.save import retrying, save, write_transaction
from patron_testing.build import SCHEMA, build_workspace
from patron_testing.standing import OBJECTS, House

POOLS = """
kind: pool
name: east
label: {en: East, zh-CN: 东区公海}
object: customer
takes: "region == 'east'"
priority: 2
managers: {role: boss}
members: {role: rep}
hidden: [phone, people.mobile]
claim: {per_day: 2, holding: 3, in_all: 4, at_once: 2, limits: [{name: teams, who: {group: none}, per_day: 9}, {name: bosses, who: {role: boss}, per_day: 5, holding: 4, in_all: 9}], counts_when: "state != 'won'", not_again: 30 days}
return:
  - {name: a, when: "grade == 'a'", no_call: 60 days}
  - {name: else, no_call: 15 days, no_person: 90 days}
exempt_when: "locked"
transfer: {by: owners, to: west}
unclaimed: 2 days
lock: {field: locked, most: 2}
warn: 3 days
extend: {by: 10 days, times: 2}
on_return: {clear_team: true, with: [people]}
reasons: [{name: no_need, label: No need}, {name: no_time, label: No time}]
---
kind: pool
name: west
label: West
object: customer
takes: "region == 'west'"
managers: [{role: boss}, {role: west_boss}]
members: {role: boss}
---
kind: automation
name: welcome
object: customer
on: {event: claimed}
steps: [{name: note, do: update, set: {reason: "=CONCAT('claimed from ', event.pool)"}}]
---
kind: automation
name: goodbye
object: customer
on: {event: returned}
steps: [{name: note, do: update, set: {reason: "=CONCAT('returned: ', event.reason)"}}]
"""


@pytest.fixture
def house(conn: psycopg.Connection[Any]) -> House:
    return House(conn, build_workspace(conn, OBJECTS + "---\n" + POOLS))


def claimed(
    house: House, user: str, id: str, later: timedelta = timedelta(), role: str = "rep"
) -> str | None:
    """Why it was not, by its code."""
    ((_, error),) = pools.claim(house.conn, house.later(later, user, role), "customer", [id])
    house.conn.commit()
    return error.code if error else None


def standing(house: House, id: str) -> tuple[Any, ...]:
    (row,) = house.kept("sys__pool", "pool, waits, owner::text", f"WHERE record = '{id}'")
    return row


def moves(house: House) -> list[tuple[Any, ...]]:
    return house.rows(
        "pool_move", "kind, pool_name, from_user::text, to_user::text, by::text, reason", "ORDER BY at, id"
    )


def told(house: House) -> list[tuple[Any, ...]]:
    return house.kept("sys__notice", "person::text, reason", "ORDER BY at, id")


def words(house: House, person: str, reason: str, language: str = "zh-CN") -> list[str]:
    """What somebody reads, the latest first."""
    notices = telling.told(house.conn, replace(house.call, actor=Actor(user=person)), 50)
    languages = (language, "en")
    return [
        written(telling.said(n.text, languages), languages, own_catalogue())
        for n in notices
        if n.reason == reason
    ]


def test_a_record_without_owner_waits_and_is_claimed(house: House) -> None:
    rep, guest = house.user("rep", "rep"), house.user("guest")
    id = house.do("create", "customer", name="Acme", phone="123", owner=None)
    person = house.do("create", "person", name="Ann", mobile="9", customer=id, owner=None)
    assert standing(house, id) == ("east", True, None)
    assert claimed(house, guest, id) == "not_found"
    assert claimed(house, rep, id) is None
    assert standing(house, id) == ("east", False, rep)
    assert house.rows("customer", "owner::text") == [(rep,)]
    assert house.rows("person", "id::text, owner::text") == [(person, rep)]
    assert claimed(house, rep, id) == "pool_yours"
    house.work()
    assert moves(house) == [
        ("entered", "east", None, None, None, None),
        ("claimed", "east", None, rep, rep, None),
    ]
    assert house.rows("customer", "reason") == [("claimed from east",)]


def test_limits_of_the_day_of_holding_and_for_who_lost_it(house: House) -> None:
    rep = house.user("rep", "rep")
    ids = [house.do("create", "customer", name=f"c{n}", owner=None) for n in range(6)]
    assert [claimed(house, rep, id) for id in ids[:3]] == [None, None, "limit_pool_claims"]
    # Noon in Shanghai; eleven and a half hours later it is still the same day there, twelve and a half hours later it is not.
    assert claimed(house, rep, ids[2], timedelta(hours=11, minutes=30)) == "limit_pool_claims"
    assert claimed(house, rep, ids[2], timedelta(hours=12, minutes=30)) is None
    assert claimed(house, rep, ids[3], timedelta(hours=13)) == "limit_pool_holding"
    house.do("update", "customer", ids[0], state="won")
    assert claimed(house, rep, ids[3], timedelta(hours=13)) is None
    call = house.later(timedelta(hours=14), rep, "rep")
    assert pools.give_back(house.conn, call, "customer", [ids[3]], Back(reason="no_need")) == [(ids[3], None)]
    house.conn.commit()
    assert claimed(house, rep, ids[3], timedelta(days=2)) == "pool_not_again"
    assert claimed(house, rep, ids[3], timedelta(days=31)) is None


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


def test_managers_assign_and_move(house: House) -> None:
    rep, boss = house.user("rep", "rep"), house.user("boss", "boss")
    ids = [house.do("create", "customer", name=f"c{n}", owner=None) for n in range(2)]
    by_boss, by_rep = house.later(timedelta(), boss, "boss"), house.later(timedelta(), rep, "rep")
    ((_, error),) = pools.claim(house.conn, by_rep, "customer", ids[:1], to=boss)
    assert error is not None and error.code == "forbidden"
    assert pools.claim(house.conn, by_boss, "customer", ids[:1], to=rep) == [(ids[0], None)]
    ((_, error),) = pools.move(house.conn, by_boss, "customer", ids[1:], "west")
    assert error is not None and error.code == "pool_none"
    house.do("update", "customer", ids[1], region="west")
    assert pools.move(house.conn, by_boss, "customer", ids[1:], "west") == [(ids[1], None)]
    house.conn.commit()
    assert standing(house, ids[1]) == ("west", True, None)
    house.work()
    assert [m[0] for m in moves(house)] == ["entered", "entered", "assigned", "transferred"]
    assert moves(house)[2] == ("assigned", "east", None, rep, boss, None)


def test_who_holds_one_moves_it_to_another_pool_where_his_lets_him(house: House) -> None:
    rep, other, boss = house.user("rep", "rep"), house.user("other", "rep"), house.user("boss", "boss")
    ids = [house.do("create", "customer", name=f"c{n}", owner=rep) for n in range(2)]
    clock = house.kept("sys__pool", "since", f"WHERE record = '{ids[0]}'")

    def moved(user: str, role: str, id: str, pool: str) -> str | None:
        ((_, error),) = pools.move(
            house.conn, house.later(timedelta(days=1), user, role), "customer", [id], pool
        )
        house.conn.commit()
        return error.code if isinstance(error, PatronError) else None

    assert moved(rep, "rep", ids[0], "west") == "pool_none"  # that pool does not take it
    house.do("update", "customer", ids[0], region="west")
    assert moved(other, "rep", ids[0], "west") == "not_found"
    assert moved(rep, "rep", ids[0], "east") == "pool_same"
    assert moved(rep, "rep", ids[0], "west") is None
    assert standing(house, ids[0]) == ("west", False, rep)  # still his, and its clock goes on
    assert house.kept("sys__pool", "since", f"WHERE record = '{ids[0]}'") == clock
    house.do("update", "customer", ids[0], region="east")
    house.work()  # the pool it was moved to takes it no more
    house.do("update", "customer", ids[0], region="west")
    assert house.rows("customer", "owner::text") == [(rep,), (rep,)]
    assert ("transferred", "west", rep, rep, rep, None) in moves(house)
    # west says nothing of transfers: its managers alone move, and give back to another pool
    house.conn.execute(f"UPDATE {SCHEMA}.sys__pool SET pool = 'west' WHERE record = '{ids[1]}'")
    house.conn.commit()
    assert moved(rep, "rep", ids[1], "east") == "pool_transfer"
    back = pools.give_back(
        house.conn,
        house.later(timedelta(), rep, "rep"),
        "customer",
        [ids[1]],
        Back(reason="no_need", pool="east"),
    )
    assert back[0][1] is not None and back[0][1].code == "pool_transfer"
    house.conn.rollback()
    # who manages another pool takes nothing out of this one, whatever its owners may do
    house.conn.execute(f"UPDATE {SCHEMA}.sys__pool SET pool = 'east' WHERE record = '{ids[1]}'")
    give(house.conn, house.call, "customer", ids[1], Wish(reason="share", to={"user": other}))
    as_other = house.later(timedelta(), other, "west_boss")
    ((_, error),) = pools.give_back(
        house.conn, as_other, "customer", [ids[1]], Back(reason="no_need", pool="west")
    )
    assert error is not None and error.code == "forbidden", error
    house.conn.rollback()
    give(house.conn, house.call, "customer", ids[1], Wish(reason="share", to={"user": boss}))
    assert moved(boss, "boss", ids[1], "east") is None


def test_limits_of_some_people_of_what_is_locked_and_of_waiting(house: House) -> None:
    rep, boss = house.user("rep", "rep"), house.user("boss", "boss")
    ids = [house.do("create", "customer", name=f"n{n}", owner=None) for n in range(6)]
    body = house.call.model.documents["pool", "east"]
    assert limits_of(house.conn, house.call, body, boss).per_day == 5
    assert limits_of(house.conn, house.call, body, rep).per_day == 2
    assert [claimed(house, boss, id, role="boss") for id in ids] == [None] * 4 + ["limit_pool_holding"] * 2
    for id in ids[:2]:
        house.do("update", "customer", id, locked=True)
    with pytest.raises(PatronError) as refused:
        house.do("update", "customer", ids[2], locked=True)
    house.conn.rollback()
    assert [p.code for p in refused.value.problems] == ["limit_pool_lock"]  # type: ignore[attr-defined]
    house.do("update", "customer", ids[0], name="n0 is still saved")
    house.do("update", "customer", ids[0], locked=False)
    house.do("update", "customer", ids[2], locked=True)
    house.work(timedelta(days=1))
    assert not words(house, boss, "pool")
    for hours in (49, 60):  # once, however often it is looked at
        house.work(timedelta(hours=hours))
    assert sorted(t[:2] for t in words(house, boss, "pool")) == ["n4", "n5"]


def test_what_a_pool_hides_nobody_reads_until_it_is_claimed(house: House) -> None:
    rep, boss = house.user("rep", "rep"), house.user("boss", "boss")
    id = house.do("create", "customer", name="Acme", phone="12345", owner=None)
    house.do("create", "person", name="Ann", mobile="99", customer=id, owner=None)
    mine = house.do("create", "customer", name="Mine", phone="55555", owner=rep)
    call = house.later(timedelta(), rep, "rep")

    def seen(**ask: Any) -> list[dict[str, Any]]:
        return [
            dict(r) for r in rows(house.conn, call, Ask(object="customer", sort=("name",), limit=9, **ask))
        ]

    fields = ("name", "phone", "dialled", "pool.name")
    assert seen(fields=fields) == [
        {"name": "Acme", "phone": None, "dialled": None, "pool.name": "east"},
        {"name": "Mine", "phone": "55555", "dialled": "tel:55555", "pool.name": None},
    ]
    assert seen(fields=("name",), where="phone == '12345'") == []
    assert [r["name"] for r in seen(fields=("name",), where="phone == '55555'")] == ["Mine"]
    assert [r["name"] for r in seen(fields=("name",), where="pool.name == 'east'")] == ["Acme"]
    assert [r["name"] for r in seen(fields=("name",), q="55555")] == ["Mine"]
    assert seen(fields=("name",), q="12345") == []
    assert [r["name"] for r in seen(fields=("name",), q="Acme")] == ["Acme"]
    people = Ask(object="person", fields=("name", "mobile"), limit=9)
    assert [dict(r) for r in rows(house.conn, call, people)] == [{"name": "Ann", "mobile": None}]
    assert claimed(house, rep, id) is None
    assert [r["phone"] for r in seen(fields=("name", "phone"))] == ["12345", "55555"]
    assert [r["name"] for r in seen(fields=("name",), q="12345")] == ["Acme"]
    assert [dict(r)["mobile"] for r in rows(house.conn, call, people)] == ["99"]
    # The boss is no member's colleague: what is owned he does not see, what waits he does.
    answer = read(
        house.conn,
        house.later(timedelta(), boss, "boss"),
        Ask(object="customer", fields=("name",)),
        secret=b"s" * 32,
    )
    assert [r["name"] for r in answer.rows()] == []
    assert mine


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


def test_each_is_told_what_concerns_him_by_the_ways_he_chose(house: House) -> None:
    """Who is given a record; who lost one; managers what members do, where they want to know."""
    rep, boss = house.user("rep", "rep"), house.user("boss", "boss")
    wants = telling.Choice(
        channels={"claims": ["inbox"], "pool": ["email"], "assignment": ["inbox", "email"]}
    )
    for person in (rep, boss):
        telling.choose(house.conn, SCHEMA, person, wants)
    given, taken = (house.do("create", "customer", name=n, owner=None) for n in ("Given", "Taken"))
    house.do("create", "person", name="Ann", customer=given, owner=None)
    ((_, error),) = pools.claim(
        house.conn, house.later(timedelta(), boss, "boss"), "customer", [given], to=rep
    )
    assert error is None and claimed(house, rep, taken) is None
    later = house.later(timedelta(hours=1))
    manager = replace(later, actor=replace(later.actor, user=boss))
    ((_, error),) = pools.give_back(house.conn, manager, "customer", [given], Back(reason="no_time"))
    assert error is None
    mine = house.later(timedelta(hours=2), rep, "rep")
    ((_, error),) = pools.give_back(house.conn, mine, "customer", [taken], Back(reason="no_need"))
    assert error is None
    house.work(timedelta(hours=3))
    assert words(house, rep, "assignment", "en") == ["Customer assigned to you: Given"]
    assert words(house, boss, "claims", "zh-CN") == ["Taken 已退回到东区公海", "Taken 已从东区公海领取"]
    assert words(house, rep, "pool") == []  # he wants a letter, and no line in the inbox
    letters = house.kept("sys__outbox", "person::text, payload->>'reason'", "ORDER BY number")
    assert sorted(letters) == sorted([(rep, "assignment"), (rep, "pool")])


def test_who_is_given_many_at_once_is_told_once(house: House) -> None:
    rep, boss = house.user("rep", "rep"), house.user("boss", "boss")
    given = [{"name": f"c{n}", "owner": rep} for n in range(SEVERAL + 1)]
    by = replace(house.call, actor=replace(house.call.actor, user=boss))
    save(house.conn, by, [Change(action="create", object="customer", set=v) for v in given])
    save(house.conn, by, [Change(action="create", object="person", set={"name": "Own", "owner": boss})])
    imported = replace(by, cause=Cause(kind="import"))
    save(house.conn, imported, [Change(action="create", object="customer", set={"name": "x", "owner": rep})])
    house.conn.commit()
    house.work()
    assert words(house, rep, "assignment", "en") == ["Customer: 4 assigned to you"]
    assert told(house) == [(rep, "assignment")]


def test_records_that_were_there_before_their_pool_are_taken_up(house: House) -> None:
    rep = house.user("rep", "rep")
    owned = house.do("create", "customer", name="Old", owner=rep)
    free = house.do("create", "customer", name="Free", owner=None)
    house.conn.execute(f"DELETE FROM {SCHEMA}.sys__pool")
    house.conn.execute(f"UPDATE {SCHEMA}.sys__state SET pools = 0")
    house.work(timedelta(days=100))
    assert standing(house, owned) == ("east", False, rep)
    assert standing(house, free) == ("east", True, None)
    house.work(timedelta(days=114))
    assert standing(house, owned)[1] is False
    house.work(timedelta(days=115))
    assert standing(house, owned)[1] is True


def test_a_batch_ends_at_its_limit(house: House) -> None:
    with pytest.raises(PatronError) as told:
        pools.claim(house.conn, house.call, "customer", ["x"] * (MAX_CLAIMS + 1), to="y")
    assert told.value.code == "limit_pool_batch"


def test_of_two_who_claim_one_gets_it(house: House, database_url: str) -> None:
    """Three hundred records, two people each at the same moment: each has one owner, and no limit is passed."""
    people = [house.user(f"rep{n}", "rep") for n in range(2)]
    documents = {**house.call.model.documents}
    documents["pool", "east"] = {**documents["pool", "east"], "claim": {"holding": 200}}
    call = replace(house.call, model=replace(house.call.model, documents=documents))
    made = save(
        house.conn,
        house.call,
        [
            Change(action="create", object="customer", set={"name": f"c{n}", "owner": None})
            for n in range(300)
        ],
    )
    house.conn.commit()
    ids = [str(o.id) for o in made]

    def work(person: str) -> list[str | None]:
        found: list[str | None] = []
        with psycopg.connect(database_url) as own:
            configure(own)
            mine = replace(call, actor=Actor(user=person, roles=frozenset({"rep"})))
            for id in ids:

                def attempt(id: str = id) -> str | None:
                    with write_transaction(own, mine):
                        ((_, error),) = pools.claim(own, mine, "customer", [id])
                    return error.code if error else None

                found.append(retrying(attempt))
        return found

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(work, people)
    for one, two in zip(first, second, strict=True):
        assert [one, two].count(None) <= 1
        assert {one, two} - {None} <= {"pool_taken", "limit_pool_holding"}
    owned = house.rows("customer", "owner::text")
    held = [sum(o == p for (o,) in owned) for p in people]
    assert held == [first.count(None), second.count(None)]
    assert max(held) <= 200 and sum(held) == 300


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


def test_limits_in_all_and_at_once(house: House) -> None:
    rep = house.user("rep", "rep")
    ids = [house.do("create", "customer", name=f"c{n}", owner=None) for n in range(3)]
    call = house.later(timedelta(), rep, "rep")
    found = pools.claim(house.conn, call, "customer", ids)
    assert [e.code if e else None for _, e in found] == [None, None, "limit_pool_at_once"]
    house.conn.commit()
    for name in ("d", "e"):
        house.do("create", "customer", name=name, region="west", owner=rep)
    assert claimed(house, rep, ids[2], timedelta(days=1)) == "limit_pool_holding"
    shown = limits_of(house.conn, call, house.call.model.documents["pool", "east"], rep)
    assert (shown.held, shown.holding, shown.held_in_all, shown.in_all) == (2, 3, 4, 4)


PEOPLE = """
kind: pool
name: places
label: Places
object: customer
takes: "region in ['east', 'west']"
managers: [{role: boss, where: "this.region in regions"}, {field: keeper}]
members: [{role: rep, where: "this.region in regions and active"}, {expression: "this.guest"}]
hidden: [phone]
"""


def test_people_of_a_pool_who_hang_on_the_record(conn: psycopg.Connection[Any]) -> None:
    """`where` is asked of the candidate with the record as `this`; `field` and `expression` of the record."""
    objects = OBJECTS.replace(
        "  - {name: phone,",
        "  - {name: keeper, type: user}\n  - {name: guest, type: user}\n  - {name: phone,",
        1,
    )
    house = House(conn, build_workspace(conn, objects + "---\n" + PEOPLE.replace('"this.guest"', "guest")))
    rep, boss = house.user("rep", "rep", regions=["east"]), house.user("boss", "boss", regions=["west"])
    guest, keeper = house.user("guest", "guest"), house.user("keeper", "guest")
    roles = {rep: "rep", boss: "boss", guest: "rep", keeper: "boss"}
    east = house.do("create", "customer", name="East", phone="1", owner=None)
    west = house.do("create", "customer", name="West", region="west", owner=None)
    kept = house.do("create", "customer", name="Kept", region="west", owner=None, keeper=keeper, guest=guest)

    def sees(person: str) -> list[str]:
        ask = Ask(object="customer", fields=("name",), sort=("name",), limit=9)
        return [r["name"] for r in rows(house.conn, house.later(timedelta(), person, roles[person]), ask)]

    assert [sees(p) for p in (rep, boss, guest, keeper)] == [["East"], ["Kept", "West"], ["Kept"], ["Kept"]]
    # The same for who may act on a record, and who is told of it.
    assert [claimed(house, rep, id) for id in (west, kept)] == ["not_found", "not_found"]
    assert claimed(house, guest, kept) is None
    ((_, error),) = pools.claim(
        house.conn, house.later(timedelta(), boss, "boss"), "customer", [east], to=rep
    )
    assert error is not None and error.code == "not_found"
    ((_, error),) = pools.claim(
        house.conn, house.later(timedelta(), boss, "boss"), "customer", [west], to=rep
    )
    assert error is None
    for person in (boss, keeper):
        telling.choose(house.conn, SCHEMA, person, telling.Choice(channels={"claims": ["inbox"]}))
    house.conn.commit()
    house.work()
    assert [words(house, p, "claims", "en") for p in (boss, keeper)] == [
        ["Kept was claimed from the pool Places"]
    ] * 2
    body = house.call.model.documents["pool", "places"]
    object = house.call.model.objects["customer"]
    asked = [
        is_one(house.conn, house.later(timedelta(), p, roles[p]), object, body, MANY) for p in (rep, guest)
    ]
    assert asked == [True, False]  # nothing waits any more that is the guest's
