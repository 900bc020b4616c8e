"""Merging: records become one, with everything that hangs on them, and come apart again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, PatronError, Refused
from patron_engine.record.drift import find_drift
from patron_engine.record.erasure import forget_values
from patron_engine.record.merged import merged_into
from patron_engine.store.session import configure
from patron_engine.ways.merge import Merged, merge
from patron_engine.ways.save import retrying, write_transaction
from patron_engine.ways.unmerge import MERGE_UNDO_DAYS, Unmerged, unmerge
from patron_testing.build import Records, Templates, call_of
from patron_testing.pg import Server

DOCUMENTS = """
kind: object
name: firm
label: Firm
title: name
features: [files, follow]
search: [name]
fields:
  - {name: name, type: text, required: true}
  - {name: code, type: text, unique: true}
  - {name: phone, type: phone}
  - {name: grade, type: select, options: [{name: a}, {name: b}]}
  - {name: marks, type: tags}
  - {name: parent, type: lookup, to: firm, tree: true, reverse: {name: branches}}
  - {name: total, type: rollup, of: deals, function: sum, field: amount}
  - {name: notes_count, type: rollup, of: notes, function: count}
---
kind: object
name: place
label: Place
title: street
fields:
  - {name: firm, type: master, to: firm, required: true, reverse: {name: places}}
  - {name: street, type: text}
---
kind: object
name: deal
label: Deal
title: name
fields:
  - {name: name, type: text}
  - {name: amount, type: integer}
  - {name: firm, type: lookup, to: firm, on_delete: restrict, reverse: {name: deals}}
  - {name: partners, type: lookup, to: firm, many: true, reverse: {name: partner_in}}
rules:
  - {name: small, when: "amount > 1000", at: amount, message: Too much}
---
kind: object
name: member
label: Member
title: what
fields:
  - {name: what, type: text}
  - {name: club, type: text}
  - {name: firm, type: lookup, to: firm, on_delete: cascade, reverse: {name: members}}
unique: [{name: once, fields: [club, firm]}]
---
kind: object
name: note
label: Note
title: text
fields:
  - {name: text, type: text}
  - {name: about, type: lookup, to: [firm, deal], reverse: {name: notes}}
---
kind: role
name: clerk
label: Clerk
objects:
  firm: {create: true, read: all, update: all, merge: own}
  deal: {read: none}
---
kind: role
name: reader
label: Reader
objects: {firm: {read: all, update: all, delete: all}}
"""


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, replace(call, actor=replace(call.actor, user=call.new_id())))
    server.drop(url)


def merged(r: Records, winner: str, *losers: str, **choose: str) -> Merged:
    with write_transaction(r.conn, r.call):
        return merge(r.conn, r.call, "firm", winner, losers, choose)


def apart(r: Records, id: str, later: timedelta = timedelta()) -> Unmerged:
    call = replace(r.call, now=r.call.now + later)
    with write_transaction(r.conn, call):
        return unmerge(r.conn, call, "firm", id)


def sound(r: Records) -> None:
    with r.conn.transaction():
        assert [d for o in r.call.model.objects for d in find_drift(r.conn, r.call, o)] == []


def firm(r: Records, name: str, **more: Any) -> str:
    return r.create("firm", name=name, **more)


def insert(r: Records, table: str, **values: Any) -> None:
    names = ", ".join(values)
    marks = ", ".join(["%s"] * len(values))
    with r.conn.transaction():
        r.conn.execute(f"INSERT INTO w_test.{table} ({names}) VALUES ({marks})", tuple(values.values()))  # type: ignore[arg-type]


def test_field_by_field(r: Records) -> None:
    a = firm(r, "Acme", phone="13800138000", grade="a")
    b = firm(r, "Acme Ltd", code="X-1", grade="b", marks=["old", "big"])
    done = merged(r, a, b, grade=b)
    row = r.row("firm", a)
    assert (row["name"], row["code"], row["grade"], row["marks"]) == ("Acme", "X-1", "b", ["old", "big"])
    assert r.row("firm", b)["deleted_at"] is not None
    history = {h["action"]: h["cause"] for h in r.rows("sys__history", "cause->>'kind' = 'merge'")}
    assert set(history) == {"updated", "deleted"}
    assert all(c["merge"] == done.id and c["losers"] == [b] for c in history.values())
    assert merged_into(r.conn, r.call, "firm", b) == a and merged_into(r.conn, r.call, "firm", a) is None


def test_all_that_hangs_on_a_loser_moves_and_comes_back(r: Records) -> None:
    a, b, c, d = (firm(r, name) for name in ("A", "B", "C", "D"))
    branch = firm(r, "Branch", parent=b)
    r.update("firm", a, parent=b)
    deals = [r.create("deal", name=n, amount=v, firm=f, partners=p) for n, v, f, p in (
        ("one", 5, a, [b, d]), ("two", 7, b, [a, b]), ("three", 9, c, None))]  # fmt: skip
    note = r.create("note", text="x", about={"object": "firm", "id": b})
    place = r.update("firm", b, places=[{"street": "Main"}]) and r.rows("place")[0]["id"]
    who, file = r.call.new_id(), r.call.new_id()
    insert(r, "sys__follow", person=who, object="firm", record=b)
    insert(r, "sys__external_id", object="firm", source="erp", external_id="77", record=b)
    insert(r, "firm__access", record=b, principal=who, level="edit", reason="team")
    insert(
        r,
        "sys__file",
        id=file,
        object="firm",
        record=b,
        field="",
        name="a",
        mime="x/y",
        size=0,
        sha256="x",
        chunks=0,
    )

    def state() -> dict[str, Any]:
        return {
            "deals": [(str(r.row("deal", i)["firm"])) for i in deals],
            "partners": [
                {str(x["target"]) for x in r.rows(r.call.model.objects["deal"].fields["partners"].link.table or "", "record = %s", i)}
                for i in deals
            ],
            "note": str(r.row("note", note)["about"]), "place": str(r.row("place", str(place))["firm"]),
            "branch": str(r.row("firm", branch)["parent"]), "own": r.row("firm", a)["parent"],
            "totals": [r.row("firm", i)["total"] for i in (a, b, c)],
            "external": str(r.rows("sys__external_id")[0]["record"]), "file": str(r.rows("sys__file")[0]["record"]),
            "follows": sorted(str(x["record"]) for x in r.rows("sys__follow")),
            "team": sorted(str(x["record"]) for x in r.rows("firm__access", "reason = 'team'")),
        }  # fmt: skip

    before = state()
    done = merged(r, a, b, c)
    assert done.stayed == ()
    after = state()
    assert after["deals"] == [a, a, a] and after["partners"] == [{a, d}, {a}, set()]
    assert (after["note"], after["place"], after["branch"], after["own"]) == (a, a, a, None)
    assert after["totals"][0] == 21 and r.row("firm", a)["notes_count"] == 1
    assert (after["external"], after["file"]) == (a, a)
    assert a in after["follows"] and a in after["team"]
    sound(r)
    back = apart(r, done.id)
    assert back.left == () and set(back.losers) == {b, c}
    assert state() == before
    sound(r)
    assert merged_into(r.conn, r.call, "firm", b) is None
    with pytest.raises(Conflict) as caught:
        apart(r, done.id)
    assert caught.value.code == "undone_before"


def test_what_was_changed_since_stays_and_is_told(r: Records) -> None:
    a, b, other = firm(r, "A", grade="a"), firm(r, "B", code="7", phone="13800138000"), firm(r, "Other")
    kept, changed, gone = (r.create("deal", name=n, firm=b, amount=1) for n in ("kept", "changed", "gone"))
    done = merged(r, a, b, grade=a)
    r.update("firm", a, phone="13900139000")
    r.update("deal", kept, amount=2)
    r.update("deal", changed, firm=other)
    r.do("delete", "deal", gone)
    new = r.create("deal", name="new", firm=a, amount=3)
    back = apart(r, done.id)
    assert {(x.object, x.id, x.field, x.why) for x in back.left} == {
        ("firm", a, "phone", "changed_since"), ("deal", changed, "firm", "changed_since"), ("deal", gone, "firm", "gone"),
    }  # fmt: skip
    row = r.row("firm", a)
    assert (row["code"], row["phone"]) == (None, "13900139000") and r.row("firm", b)["code"] == "7"
    assert [str(r.row("deal", i)["firm"]) for i in (kept, changed, new)] == [b, other, a]
    assert r.row("deal", kept)["amount"] == 2
    sound(r)


def test_what_would_stand_twice_goes_with_the_loser(r: Records) -> None:
    a, b = firm(r, "A"), firm(r, "B")
    r.create("member", what="m", club="golf", firm=a)
    double = r.create("member", what="m", club="golf", firm=b)
    done = merged(r, a, b)
    assert [s.id for s in done.stayed] == [double]
    assert r.row("member", double)["deleted_at"] is not None
    assert apart(r, done.id).left == ()
    assert r.row("member", double)["deleted_at"] is None


def test_rules_of_what_moves_do_not_hold_it_up(r: Records) -> None:
    a, b = firm(r, "A"), firm(r, "B")
    deal = r.create("deal", name="big", firm=b, amount=5)
    with r.conn.transaction():
        r.conn.execute("UPDATE w_test.deal SET amount = 5000")
    merged(r, a, b)
    assert str(r.row("deal", deal)["firm"]) == a


def test_who_may(r: Records) -> None:
    admin = r.call
    me = r.call.new_id()
    a = firm(r, "A")
    r.call = replace(admin, actor=Actor(user=me, roles=frozenset({"clerk"})))
    b, c = firm(r, "B"), firm(r, "C")
    with r.conn.transaction():
        r.conn.execute("UPDATE w_test.firm SET owner = %s WHERE id = ANY(%s::uuid[])", (me, [b, c]))
    with pytest.raises(Forbidden):
        merged(r, b, a)
    deal_call, r.call = r.call, admin
    deal = r.create("deal", name="his", firm=c, amount=1)
    r.call = deal_call
    done = merged(r, b, c)
    assert str(r.row("deal", deal)["firm"]) == b, "what hangs on it goes along, seen or not"
    r.call = replace(admin, actor=Actor(user=me, roles=frozenset({"reader"})))
    with pytest.raises(Forbidden):
        apart(r, done.id)
    r.call = replace(admin, actor=Actor(user=me))
    with pytest.raises(NotFound):
        merged(r, a, b)


def test_limits_and_nonsense(r: Records) -> None:
    six = [firm(r, f"F{n}") for n in range(6)]
    assert merged(r, *six[:5]).losers == tuple(six[1:5])
    with pytest.raises(LimitExceeded) as caught:
        merged(r, *six)
    assert caught.value.code == "limit_merge_records"
    a, b = six[0], six[5]
    for losers, choose, code in (
        ([], {}, "merge_records"), ([a], {}, "merge_records"), ([b], {"nonsense": a}, "unknown_field"),
        ([b], {"name": r.call.new_id()}, "merge_records"), ([b], {"total": b}, "unknown_field"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            merged(r, a, *losers, **choose)
        assert [p.code for p in refused.value.problems] == [code]
    with pytest.raises(NotFound):
        merged(r, a, six[1])
    done = merged(r, a, b)
    with pytest.raises(Conflict) as late:
        apart(r, done.id, timedelta(days=MERGE_UNDO_DAYS, seconds=1))
    assert late.value.code == "undo_over"
    assert apart(r, done.id, timedelta(days=MERGE_UNDO_DAYS)).losers == (b,)


def test_two_at_once(r: Records) -> None:
    a, b = firm(r, "A"), firm(r, "B")
    for n in range(5):
        r.create("deal", name=str(n), firm=b if n % 2 else a, amount=1)

    def attempt(pair: tuple[str, str]) -> str:
        with psycopg.connect(r.conn.info.dsn) as conn:
            configure(conn)

            def act() -> None:
                call = call_of(r.call.model)
                with write_transaction(conn, call):
                    merge(conn, call, "firm", pair[0], [pair[1]])

            try:
                retrying(act)
            except PatronError as error:
                return error.code
        return "done"

    r.conn.commit()
    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(attempt, [(a, b), (b, a), (a, b), (b, a)]))
    assert said == ["done", "not_found", "not_found", "not_found"]
    living = [f for f in r.rows("firm") if f["deleted_at"] is None]
    assert len(living) == 1 and living[0]["total"] == 5
    sound(r)


def test_how_many_records_go_along(r: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patron_engine.ways.following.MOST_MOVED", 3)
    a, b = firm(r, "A"), firm(r, "B")
    for n in range(3):
        r.create("deal", name=str(n), firm=b)
    one = merged(r, a, b)
    assert one.moved == 3
    apart(r, one.id)
    r.create("deal", name="one more", firm=b)
    with pytest.raises(LimitExceeded) as caught:
        merged(r, a, b)
    assert caught.value.code == "limit_moved_records"
    assert r.row("firm", b)["deleted_at"] is None


def test_erasure_reaches_the_values_a_merge_keeps(r: Records) -> None:
    a, b = firm(r, "A", phone="13800138000"), firm(r, "B", phone="13900139000", code="9")
    done = merged(r, a, b, phone=b)
    (kept,) = r.rows("sys__merge")
    assert kept["was"] == {"phone": "13800138000", "code": None} and kept["became"]["phone"] == "13900139000"
    with write_transaction(r.conn, r.call):
        forget_values(r.conn, r.call, r.call.model.objects["firm"], b, ["phone"])
    (kept,) = r.rows("sys__merge")
    assert (kept["was"], kept["became"]) == ({"code": None}, {"code": "9"})
    assert apart(r, done.id).left == () and r.row("firm", a)["code"] is None
