"""Pools: claimed by one, within limits, moved by who may, hidden until then."""

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
from patron_engine.query.spec import Ask
from patron_engine.record import telling
from patron_engine.record.change import Change
from patron_engine.store.session import configure
from patron_engine.ways import pools
from patron_engine.ways.flow_told import SEVERAL
from patron_engine.ways.give import Wish, give
from patron_engine.ways.pool_limits import limits_of
from patron_engine.ways.pool_people import MAX_CLAIMS, is_one
from patron_engine.ways.pools import Back
from patron_engine.ways.read import read, rows
from patron_engine.ways.save import retrying, save, write_transaction
from patron_testing.build import SCHEMA, build_workspace
from patron_testing.pooling import POOLS, claimed, moves, standing, told, words
from patron_testing.standing import OBJECTS, House


@pytest.fixture
def house(conn: psycopg.Connection[Any]) -> House:
    return House(conn, build_workspace(conn, OBJECTS + "---\n" + POOLS))


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
    assert claimed(house, rep, ids[4]) is None and claimed(house, rep, ids[5]) is None
    house.do("update", "customer", ids[4], locked=True)
    with pytest.raises(PatronError) as refused:
        house.do("update", "customer", ids[5], locked=True)
    assert [p.code for p in refused.value.problems] == ["limit_pool_lock"]  # type: ignore[attr-defined]
    house.conn.rollback()
    for id in ids[4:]:
        house.do("update", "customer", id, locked=False, owner=None)
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
