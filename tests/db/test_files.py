"""Files beside the API: rights of rows and fields decide who has them, the sweep, renamed fields, order, undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from psycopg import sql

from patron_engine.access import grants
from patron_engine.access.grants import Grant
from patron_engine.actor import SYSTEM, Actor
from patron_engine.errors import NotFound, Refused
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.fields import limits
from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.files import find_file, record_files
from patron_engine.query.history import history
from patron_engine.query.spec import Ask
from patron_engine.record import files
from patron_engine.record.change import Change
from patron_engine.runtime import Runtime, Workspace
from patron_engine.store import blobs
from patron_engine.ways.save import save
from patron_platform.database.pools import Databases
from patron_platform.database.workspaces import create_workspace
from patron_platform.jobs.tasks import begin_day, work_off
from patron_testing.build import ADMIN
from patron_testing.day import Day

ROOM = 1 << 40
DOCUMENTS = """
kind: object
name: user
owner: none
title: name
label: User
fields:
  - {name: name, type: text, label: Name}
---
kind: object
name: paper
title: name
label: Paper
owner: none
features: [files]
fields:
  - {name: name, type: text, label: Name}
  - {name: scan, type: file, many: true, label: Scan}
  - {name: draft, type: file, label: Draft}
"""


@pytest.fixture
def place(databases: Databases, day: Day) -> Workspace:
    with databases.system() as conn:
        create_workspace(conn, databases, "t")
    workspace = Runtime(databases, clock=day, secret=b"s" * 32).workspace("t")
    publish(workspace, DOCUMENTS)
    return workspace


def publish(place: Workspace, text: str) -> None:
    documents = tuple(read_documents(text, "t.yaml")[0])
    place.publish(SYSTEM, place.plan(lambda _, layers: (Layer(name="base", documents=documents),)))


@pytest.fixture
def people(place: Workspace) -> tuple[Actor, Actor]:
    made = place.save(ADMIN, [Change(action="create", object="user", set={"name": n}) for n in ("A", "B")])
    return tuple(replace(ADMIN, user=one.id, system=False) for one in made)  # type: ignore[return-value]


def upload(place: Workspace, actor: Actor, data: bytes = b"hello", name: str = "a.txt") -> str:
    with place.connection("write") as conn:
        call = place.call(conn, actor)
        id = files.begin(conn, call, name, expected=len(data), room=ROOM)
        for n, at in enumerate(range(0, len(data), 4)):
            blobs.put(conn, place.schema, id, n, data[at : at + 4])
    whole = files.Whole(
        size=len(data), chunks=(len(data) + 3) // 4, sha256=sha256(data).hexdigest(), head=data
    )
    place.writing(actor, lambda conn, call: files.finish(conn, call, id, whole, room=ROOM))
    return id


def make(place: Workspace, actor: Actor, **values: Any) -> str:
    id = place.save(actor, [Change(action="create", object="paper", set=values)])[0].id
    assert id is not None
    return id


def change(place: Workspace, actor: Actor, id: str, **values: Any) -> None:
    place.save(actor, [Change(action="update", object="paper", id=id, set=values)])


def can(place: Workspace, actor: Actor, id: str) -> bool:
    try:
        return place.reading(actor, lambda conn, call: find_file(conn, call, id)).id == id
    except NotFound:
        return False


def kept(place: Workspace) -> set[str]:
    with place.connection("read") as conn:
        query = sql.SQL(
            "SELECT DISTINCT f.id FROM {s}.sys__file f JOIN {s}.sys__file_chunk c ON c.file = f.id"
        )
        return {id for (id,) in conn.execute(query.format(s=sql.Identifier(place.schema)))}


# -- who may have it ----------------------------------------------------------------------------------------------


@pytest.fixture
def rule(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives an actor grants of the test's own."""
    given: dict[frozenset[str], tuple[Grant, ...]] = {}
    real = grants.grants_of
    monkeypatch.setattr(grants, "grants_of", lambda m, a: given.get(a.roles) or real(m, a))

    def grant(actor: Actor, role: str, where: str | None = None, **fields: Any) -> Actor:
        with place.connection("read") as conn:
            tables = place.call(conn, ADMIN).tables
        condition = None
        if where is not None:
            made = compile_expression(
                where, Scope(catalog=ReadableCatalog(tables, ADMIN), object="paper", rows=True)
            )
            assert isinstance(made, Expression), made
            condition = made
        actions = frozenset({"read", "create", "update"})
        kept = Grant(
            reason=role, object="paper", actions=actions, condition=condition, fields=tuple(fields.items())
        )
        given[frozenset({role})] = (kept,)
        return replace(actor, administrator=False, roles=frozenset({role}))

    yield grant


def test_the_row_rule_decides(place: Workspace, people: tuple[Actor, Actor], rule: Any) -> None:
    one, two = people
    mine, secret = upload(place, one), upload(place, one)
    open_one = make(place, one, name="open", scan=[mine])
    make(place, one, name="secret", scan=[secret])
    reader = rule(two, "reader", "name == 'open'")
    assert (can(place, reader, mine), can(place, reader, secret)) == (True, False)
    assert not can(place, replace(two, administrator=False), mine), "without a right, nothing"
    change(place, one, open_one, name="closed")
    assert not can(place, reader, mine), "a file follows its record's rights at once"


def test_a_field_out_of_sight_hides_its_files(
    place: Workspace, people: tuple[Actor, Actor], rule: Any
) -> None:
    one, two = people
    scan, draft, own = (upload(place, one) for _ in range(3))
    id = make(place, one, name="x", scan=[scan], draft=draft)
    place.save(one, [Change(action="update", object="paper", id=id, attach=(own,))])
    reader = rule(two, "no drafts", draft="none")
    assert [can(place, reader, f) for f in (scan, draft, own)] == [True, False, True]
    entries = place.reading(reader, lambda conn, call: history(conn, call, "paper", id))
    assert draft not in str(entries)
    with pytest.raises(Refused):
        change(place, reader, id, scan=[scan, draft])
    with pytest.raises(Refused):
        place.save(reader, [Change(action="update", object="paper", id=id, attach=(draft,))])
    assert not can(place, reader, draft), "no way to move it into sight"


def test_who_may_only_read_adds_nothing(place: Workspace, people: tuple[Actor, Actor], rule: Any) -> None:
    one, two = people
    id = make(place, one, name="x")
    writer = rule(two, "others only", "name == 'y'")
    with pytest.raises(NotFound):
        place.save(writer, [Change(action="update", object="paper", id=id, attach=(upload(place, two),))])
    assert place.reading(one, lambda conn, call: record_files(conn, call, "paper", id)) == []


def test_the_system_may_attach_what_anybody_sent(place: Workspace, people: tuple[Actor, Actor]) -> None:
    mine = upload(place, people[0])
    with pytest.raises(Refused):
        make(place, people[1], name="x", scan=[mine])
    make(place, SYSTEM, name="x", scan=[mine])
    assert can(place, people[1], mine), "and now the record decides"


def test_half_a_file_is_none(place: Workspace, people: tuple[Actor, Actor]) -> None:
    with place.connection("write") as conn:
        half = files.begin(conn, place.call(conn, people[0]), "half.txt", expected=0, room=ROOM)
        blobs.put(conn, place.schema, half, 0, b"half")
    assert not can(place, people[0], half)
    with pytest.raises(Refused):
        make(place, people[0], name="x", scan=[half])


def test_two_saves_at_once_take_a_file_once(place: Workspace, people: tuple[Actor, Actor]) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    mine, together = upload(place, people[0]), Barrier(2)

    def one(name: str) -> bool:
        together.wait(20)
        try:
            make(place, people[0], name=name, scan=[mine])
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, ("a", "b"))) == [False, True]


# -- what becomes of it -------------------------------------------------------------------------------------------


def test_the_sweep_takes_what_nobody_used(place: Workspace, people: tuple[Actor, Actor], day: Day) -> None:
    one = people[0]
    used, unused = upload(place, one), upload(place, one)
    off, own = upload(place, one), upload(place, one)
    id = make(place, one, name="x", scan=[used, off])
    place.save(one, [Change(action="update", object="paper", id=id, attach=(own,))])
    change(place, one, id, scan=[used])
    with place.connection("write") as conn:
        half = files.begin(conn, place.call(conn, one), "half.txt", expected=0, room=ROOM)
        blobs.put(conn, place.schema, half, 0, b"half")
    night(place)
    assert kept(place) == {used, unused, off, own, half}, "not before a day has gone by"
    day.now += timedelta(hours=limits.WAITING_HOURS, minutes=1)
    young = upload(place, one)
    night(place)
    assert kept(place) == {used, off, own, young}
    change(place, one, id, scan=[used, off])
    change(place, one, id, scan=[used])
    day.now += timedelta(days=limits.DETACHED_DAYS, minutes=1)
    night(place)
    assert kept(place) == {used, own}
    entries = place.reading(one, lambda conn, call: history(conn, call, "paper", id))
    assert {"id": off} in entries[0]["old"]["scan"], "the history still says that there was one"
    with pytest.raises(Refused):
        change(place, one, id, scan=[used, off])


def night(place: Workspace) -> None:
    begin_day(place)
    with place.connection("write") as conn:  # the day's task may be done already: once more
        conn.execute(
            sql.SQL(
                "UPDATE {}.sys__task SET state = 'waiting', attempts = 0, progress = '{{}}' WHERE kind = 'nightly'"
            ).format(sql.Identifier(place.schema))
        )
        conn.execute(
            sql.SQL("UPDATE {}.sys__task SET lease_until = NULL").format(sql.Identifier(place.schema))
        )
    work_off(place)


def test_the_sweep_goes_in_pieces(
    place: Workspace, people: tuple[Actor, Actor], day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        upload(place, people[0])
    monkeypatch.setattr(files, "SWEPT_BYTES", 6)  # each has five bytes
    day.now += timedelta(days=2)
    with place.connection("write") as conn:
        assert files.sweep(conn, place.schema, day.now)
    assert len(kept(place)) == 3
    night(place)
    assert kept(place) == set()


def test_a_renamed_field_and_object_keep_their_files(place: Workspace, people: tuple[Actor, Actor]) -> None:
    one = people[0]
    scan, own = upload(place, one), upload(place, one)
    id = make(place, one, name="x", scan=[scan])
    place.save(one, [Change(action="update", object="paper", id=id, attach=(own,))])
    renamed = DOCUMENTS.replace("name: paper\n", "name: sheet\nwas: paper\n")
    publish(place, renamed.replace("{name: scan,", "{name: picture, was: scan,"))
    found = place.reading(one, lambda conn, call: record_files(conn, call, "sheet", id))
    assert [f["id"] for f in found] == [own]
    assert can(place, one, scan) and can(place, one, own)
    place.save(one, [Change(action="update", object="sheet", id=id, set={"picture": None})])
    assert not can(place, one, scan), "and the renamed field is the one that holds it"


def test_a_renamed_object_keeps_its_past_and_goes_on_counting(place: Workspace) -> None:
    counted = "  - {name: number, type: auto_number, pattern: '{000}', label: Number}\n  - {name: draft,"
    text = DOCUMENTS.replace("  - {name: draft,", counted).replace(
        "owner: none\nfeatures", "owner: none\nsearch: [name]\nfeatures"
    )
    publish(place, text)
    made = Change(action="create", object="paper", set={"name": "Findable"}, external_ids={"erp": "7"})
    id = str(place.save(SYSTEM, [made])[0].id)
    text = text.replace("name: paper\n", "name: sheet\nwas: paper\n")
    publish(
        place,
        text.replace("{name: number,", "{name: no, was: number,")
        .replace(
            "{name: name, type: text, label: Name}\n  - {name: scan",
            "{name: called, was: name, type: text, label: Name}\n  - {name: scan",
        )
        .replace("title: name\nlabel: Paper", "title: called\nlabel: Paper")
        .replace("search: [name]", "search: [called]"),
    )
    assert [e["action"] for e in place.reading(SYSTEM, lambda c, call: history(c, call, "sheet", id))] == [
        "created"
    ]
    assert place.read(SYSTEM, Ask(object="sheet", q="Finda", fields=("id",))).rows() == [{"id": id}]
    again = Change(action="upsert", object="sheet", by=("external_ids.erp", "7"), set={"called": "Found"})
    assert place.save(SYSTEM, [again])[0].id == id
    place.save(SYSTEM, [Change(action="create", object="sheet", set={"called": "Next"})])
    numbers = place.read(SYSTEM, Ask(object="sheet", fields=("no",))).rows()
    assert [row["no"] for row in numbers] == ["001", "002"]


def test_pieces_of_another_length_are_read_right(place: Workspace, people: tuple[Actor, Actor]) -> None:
    data = b"0123456789abc"
    id = upload(place, people[0], data)

    def read(conn: psycopg.Connection[Any], call: Call) -> bytes:
        found = find_file(conn, call, id)
        assert found.piece == 4
        cuts = blobs.pieces(found.piece, 3, 12)
        return b"".join(blobs.piece(conn, call.schema, id, *cut) or b"" for cut in cuts)

    assert place.reading(people[0], read) == data[3:]


def test_a_save_that_is_refused_attaches_nothing(place: Workspace, people: tuple[Actor, Actor]) -> None:
    mine = upload(place, people[0])

    def act(conn: psycopg.Connection[Any], call: Call) -> None:
        one = Change(action="create", object="paper", set={"name": "x", "scan": [mine]})
        save(conn, call, [one], trial=True)

    place.writing(people[0], act)
    with pytest.raises(Refused):
        changes = [{"name": "x", "scan": [mine]}, {"nmae": "y"}]
        place.save(people[0], [Change(action="create", object="paper", set=s) for s in changes])
    assert not can(place, people[1], mine)
    make(place, people[0], name="x", scan=[mine])
