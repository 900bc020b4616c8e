"""Who stands how to a pool, and what acts on pools share: whether somebody is one of its people, where a record waits, what goes with it.

In: a connection, the frame of a call, pools and records. Out: answers, and the refusals people know. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.access.pools import MANY, hangs_on_record, of_people, pools_of
from patron_engine.errors import Conflict, LimitExceeded, NotFound, PatronError, Refused
from patron_engine.expr.sql import condition_sql
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import Object, label_of
from patron_engine.phrases import Label, Phrase
from patron_engine.problems import Problem
from patron_engine.query.actionable import reached_among
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.sets import tie
from patron_engine.query.source import Building
from patron_engine.query.standing import waits_in
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id

MAX_CLAIMS: Final = 200  # limit_pool_batch: records of one request
MAX_ALONG: Final = 2_000  # records of one set that go with one
PERSON, MASTER = "person", "master"
Done = tuple[str, PatronError | None]  # a record, and why it did not go


@dataclass(slots=True)
class Asked:
    """One request: what is known of pools, so that it is asked once."""

    conn: Conn
    call: Call
    object: Object
    people: dict[tuple[str, tuple[str, ...], str | None], bool] = field(default_factory=dict)
    claimed: dict[str, int] = field(default_factory=dict)  # of each pool, how many this request took

    def one_of(self, body: Mapping[str, Any], id: str, *keys: str) -> bool:
        """Whether the caller is one of these people for this record."""
        of = id if hangs_on_record(body, keys) else None
        found = self.people.get((body["name"], keys, of))
        if found is None:
            found = is_one(self.conn, self.call, self.object, body, keys, of)
            self.people[body["name"], keys, of] = found
        return found


def is_one(
    conn: Conn,
    call: Call,
    object: Object,
    body: Mapping[str, Any],
    keys: Sequence[str],
    id: str | None = None,
) -> bool:
    """Whether the caller is one of the people a pool names under one of these keys: for this record, or without one for
    something that waits in the pool, where who is meant hangs on the record."""
    if call.actor.administrator:
        return True
    if call.actor.user is None or call.actor.kind == "portal":
        return False
    hangs = hangs_on_record(body, keys)

    def make() -> Any:
        row = Building(tables=call.tables).root(object.name)
        condition = condition_sql(of_people(call.model, object, body, keys), SqlBinding(row=row))
        if not hangs:
            return compiled(sa.select(condition), call.model.release)
        there = (
            row.id == parameter(MASTER, Id())
            if id is not None
            else waits_in(row.building, [body["name"]], row.id)
        )
        found = sa.select(row.id).select_from(row.source.from_).where(there, condition, *row.live())
        return compiled(found.limit(sa.literal(1)), call.model.release)

    statement = kept(call.tables).get(("pools.people", body["name"], tuple(keys), id is not None), make)
    given = {**call_values(call), MASTER: id}
    row = conn.execute(statement.text, statement.values({n: given[n] for n in statement.names})).fetchone()
    return bool(row and row[0])


def standing_in(conn: Conn, call: Call, object: str, id: str) -> tuple[str, bool] | None:
    """(pool, whether it waits) of a record."""
    row = conn.execute(
        sql.SQL("SELECT pool, waits FROM {} WHERE record = %s AND object = %s").format(
            sql.Identifier(call.schema, "sys__pool")
        ),
        (id, object),
    ).fetchone()
    return None if row is None else (row[0], bool(row[1]))


def asked_of(conn: Conn, call: Call, object: str, ids: Sequence[str]) -> Asked:
    found = known_object(call, object)
    if not pools_of(call.model, found.name):
        raise NotFound(Phrase("{object} has no pool", object=called(call, found)), code="pool_not_found")
    if len(ids) > MAX_CLAIMS:
        raise LimitExceeded(
            Phrase("at most {most} records go at once", most=MAX_CLAIMS), code="limit_pool_batch"
        )
    return Asked(conn, call, found)


def each_of(asked: Asked, id: str, act: Any) -> Done:
    try:
        with asked.conn.transaction():
            act(id)
    except PatronError as error:
        return id, error
    return id, None


def pool_where_it_waits(asked: Asked, id: str) -> Mapping[str, Any]:
    """The pool a record waits in. Who is no member of it hears that there is no such record; a member, that it is taken."""
    found = standing_in(asked.conn, asked.call, asked.object.name, id)
    body = asked.call.model.documents.get(("pool", found[0])) if found is not None else None
    if found is None or body is None or not asked.one_of(body, id, *MANY):
        if reached_among(asked.conn, asked.call, asked.object.name, "read", [id]):
            raise Conflict(Phrase("it waits in no pool"), code="pool_taken")
        raise unknown(asked.call, asked.object)
    if not found[1]:
        raise taken(asked, id)
    return body


def pool_named(call: Call, name: str) -> Mapping[str, Any]:
    found = call.model.documents.get(("pool", name))
    if found is None:
        raise no_pool()
    return found


def first_taking(asked: Asked, id: str) -> str:
    found = pools_of(asked.call.model, asked.object.name)
    return next((b["name"] for b in found if holds_of(asked, id, b, "takes", True)), "")


def holds_of(asked: Asked, id: str, body: Mapping[str, Any], key: str, otherwise: bool = False) -> bool:
    found = asked.call.model.expressions.get(("pool", body["name"], key))
    if found is None:
        given = body.get(key)
        return given if isinstance(given, bool) else otherwise
    run = Run(id="", rule="", version="", release=0, object=asked.object.name, record=id, causer=None)
    return Reading(asked.conn, asked.call).holds(found, [Subject(run=run)])[0]


def note_move(asked: Asked, id: str, told: Mapping[str, Any]) -> None:
    """What a pool did with a record and no save tells of: it becomes a record of `pool_move`, and is told."""
    asked.conn.execute(
        sql.SQL("INSERT INTO {} (at, object, record, kind, payload) VALUES (%s, %s, %s, 'pool', %s)").format(
            sql.Identifier(asked.call.schema, "sys__note")
        ),
        (
            asked.call.now,
            asked.object.name,
            id,
            Jsonb({**told, "by": asked.call.actor.user}, dumps=jsonio.dumps),
        ),
    )


def owner_of(asked: Asked, id: str) -> str | None:
    found = fetch_values(asked.conn, asked.call, asked.object.name, [id], ["owner"])
    owner = found.get(id, {}).get("owner")
    return owner if isinstance(owner, str) else None


def demand_active(conn: Conn, call: Call, person: str) -> None:
    names = [n for n in ("active",) if n in call.model.objects["user"].fields]
    found = fetch_values(conn, call, "user", [person], ["id", *names]).get(person)
    if found is None or found.get("active") is False:
        raise Refused([Problem(code="not_found", message=Phrase("there is no such active user"), path="to")])


def along_of(
    asked: Asked, body: Mapping[str, Any], id: str, owner: str | None
) -> Iterator[tuple[Object, list[str]]]:
    """The records that go with it: those of its sets that the same person owns, or nobody."""
    call = asked.call
    for name in (body.get("on_return") or {}).get("with") or ():
        among = asked.object.sets.get(name)
        object = call.model.objects.get(among.object) if among is not None else None
        if among is None or object is None or "owner" not in object.fields:
            continue
        row = Building(tables=call.tables).root(object.name)
        whose = SqlBinding(row=row).value(row, ("owner",))
        mine = whose.is_(None) if owner is None else whose == parameter(PERSON, Id())
        query = (
            sa.select(row.id)
            .select_from(row.source.from_)
            .where(tie(row, among, parameter(MASTER, Id())), mine, *row.live())
        )
        made = compiled(query.order_by(row.id).limit(sa.literal(MAX_ALONG)), call.model.release)
        given = {**call_values(call), MASTER: id, PERSON: owner}
        rows = asked.conn.execute(made.text, made.values({n: given[n] for n in made.names})).fetchall()
        if rows:
            yield object, [str(r[0]) for r in rows]


def handed(
    object: Object, id: str, values: Mapping[str, Any], pool: Mapping[str, Any] | None = None
) -> Change:
    known = {n: v for n, v in values.items() if object.field(n) is not None}
    because = {"pool": dict(pool)} if pool is not None else {}
    return Change(action="update", object=object.name, id=id, set=known, source="wire", because=because)


def by_pool(call: Call) -> Call:
    """Whoever does it, with what the pool lets him do."""
    cause = replace(call.cause, detail={**call.cause.detail, "bulk": True})
    return replace(call, actor=replace(call.actor, administrator=True), cause=cause)


def called(call: Call, object: Object) -> Label:
    return label_of(object.label, object.name, call.actor.languages)


def unknown(call: Call, object: Object) -> NotFound:
    return NotFound(Phrase("there is no such {object}", object=called(call, object)))


def taken(asked: Asked, id: str) -> Conflict:
    """It does not wait any more: somebody has it, he himself perhaps."""
    if asked.call.actor.user is not None and owner_of(asked, id) == asked.call.actor.user:
        return Conflict(Phrase("you hold it already"), code="pool_yours")
    return Conflict(Phrase("somebody else was faster: it is not in the pool any more"), code="pool_taken")


def no_pool() -> Conflict:
    return Conflict(Phrase("no pool takes this record"), code="pool_none")
