"""Pools: records without an owner, claimed by members, assigned by managers, given back with a reason, moved to another pool.

    which pool -> is he one of its people -> his limits, counted one claim at a time -> one conditional UPDATE -> the save

In: a connection in the caller's write transaction, records, what somebody wants. Out: what became of each; a refusal is a PatronError
with its code. The owner changes by the save that everybody uses, with the pool as its cause: history, events and moves follow
from that. What a pool lets its people do needs no other right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.access.pools import MANY, of_people, pools_of
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, PatronError, Refused
from patron_engine.expr.sql import condition_sql
from patron_engine.flow.run import Run
from patron_engine.flow.spans import after, read_span
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
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.record.change import Change
from patron_engine.record.given import end_gift, gifts_of
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id
from patron_engine.ways.save import save

MAX_CLAIMS: Final = 200  # limit_pool_batch: records of one request
MAX_ALONG: Final = 2_000  # records of one set that go with one
PERSON, MASTER, POOL = "person", "master", "pool"
Done = tuple[str, PatronError | None]  # a record, and why it did not go


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """How a record goes back: to which pool (None: its own), why, and who lets it go."""

    pool: str | None = None
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What somebody may claim from a pool, and what of it he has used. None: without limit."""

    per_day: int | None
    today: int
    holding: int | None
    held: int


@dataclass(slots=True)
class _Asked:
    """One request: what is known of pools, so that it is asked once."""

    conn: Conn
    call: Call
    object: Object
    people: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)

    def one_of(self, body: Mapping[str, Any], *keys: str) -> bool:
        found = self.people.get((body["name"], keys))
        if found is None:
            found = self.people[body["name"], keys] = is_one(self.conn, self.call, self.object, body, keys)
        return found


# -- what people do -----------------------------------------------------------------------------------------------


def claim(conn: Conn, call: Call, object: str, ids: Sequence[str], to: str | None = None) -> list[Done]:
    """Each record by itself: it becomes the caller's, or somebody's to whom a manager gives it."""
    asked = _asked(conn, call, object, ids)
    person = to or call.actor.user
    if person is None:
        raise Forbidden(Phrase("only a person can claim a record"), hint=Phrase("say whose it shall be"))
    if to is not None:
        _active(conn, call, to)
    return [
        _each(asked, id, lambda id: _claim(asked, id, person, to is not None)) for id in dict.fromkeys(ids)
    ]


def give_back(conn: Conn, call: Call, object: str, ids: Sequence[str], back: Back) -> list[Done]:
    """Each record by itself: it waits in a pool again. Its owner may, and the managers of the pool."""
    asked = _asked(conn, call, object, ids)
    return [_each(asked, id, lambda id: _give_back(asked, id, back)) for id in dict.fromkeys(ids)]


def move(conn: Conn, call: Call, object: str, ids: Sequence[str], pool: str) -> list[Done]:
    """Records that wait go to another pool that takes them; managers may."""
    asked = _asked(conn, call, object, ids)
    return [_each(asked, id, lambda id: _move(asked, id, pool)) for id in dict.fromkeys(ids)]


def limits_of(conn: Conn, call: Call, body: Mapping[str, Any], person: str) -> Limits:
    """What this person may claim, and has claimed."""
    row = conn.execute(
        sql.SQL("SELECT count FROM {} WHERE pool = %s AND person = %s AND day = %s").format(
            sql.Identifier(call.schema, "sys__claims")
        ),
        (body["name"], person, call.today),
    ).fetchone()
    rules = body.get("claim") or {}
    held = _held(conn, call, body, person) if rules.get("holding") is not None else 0
    return Limits(
        per_day=rules.get("per_day"), today=int(row[0]) if row else 0, holding=rules.get("holding"), held=held
    )


def is_one(conn: Conn, call: Call, object: Object, body: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether the caller is one of the people a pool names under one of these keys."""
    if call.actor.administrator:
        return True
    if call.actor.user is None or call.actor.kind == "portal":
        return False

    def make() -> Any:
        building = Building(tables=call.tables)
        condition = condition_sql(
            of_people(call.model, object, body, keys), SqlBinding(row=building.root(object.name))
        )
        return compiled(sa.select(condition), call.model.release)

    statement = kept(call.tables).get(("pools.people", body["name"], tuple(keys)), make)
    row = conn.execute(statement.text, statement.values(call_values(call))).fetchone()
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


# -- claiming -----------------------------------------------------------------------------------------------------


def _claim(asked: _Asked, id: str, person: str, given: bool) -> None:
    conn, call, object = asked.conn, asked.call, asked.object
    body = _pool(asked, id)
    managed = asked.one_of(body, "managers")
    rules = body.get("claim") or {}
    if not managed and (given or rules.get("by") == "managers" or not asked.one_of(body, *MANY)):
        raise Forbidden(
            Phrase("records of this pool are assigned by its managers")
            if given or rules.get("by") == "managers"
            else Phrase("you are no member of this pool")
        )
    _within_limits(asked, body, id, person, given)
    Programs.of(call.tables)[object.name].load.run(conn, ids=[id])  # a save locks the record first, too
    went = conn.execute(
        sql.SQL(
            "UPDATE {} SET waits = false, since = %s, owner = %s, look_at = %s WHERE record = %s AND pool = %s AND waits"
        ).format(sql.Identifier(call.schema, "sys__pool")),
        (call.now, person, call.now, id, body["name"]),
    ).rowcount
    if not went:
        raise _taken()
    told = {"name": body["name"], "did": "assigned" if given else "claimed"}
    changes = [_handed(object, id, {"owner": person}, told)]
    for link, records in _along(asked, body, id, None):
        changes += [_handed(link, record, {"owner": person}) for record in records]
    save(conn, _by_pool(call), changes)
    if not given:
        conn.execute(
            sql.SQL("UPDATE {} SET count = count + 1 WHERE pool = %s AND person = %s AND day = %s").format(
                sql.Identifier(call.schema, "sys__claims")
            ),
            (body["name"], person, call.today),
        )


def _within_limits(asked: _Asked, body: Mapping[str, Any], id: str, person: str, given: bool) -> None:
    """Locks the person's count of the day: his claims go one after the other, so that none passes a limit beside another."""
    conn, call, rules = (
        asked.conn,
        asked.call,
        asked.call.model.documents["pool", body["name"]].get("claim") or {},
    )
    (count,) = conn.execute(
        sql.SQL(
            "INSERT INTO {} AS c (pool, person, day) VALUES (%s, %s, %s) ON CONFLICT (pool, person, day)"
            " DO UPDATE SET count = c.count RETURNING count"
        ).format(sql.Identifier(call.schema, "sys__claims")),
        (body["name"], person, call.today),
    ).fetchone() or (0,)
    per_day, holding, pause = rules.get("per_day"), rules.get("holding"), rules.get("not_again")
    if per_day is not None and count >= per_day and not given:
        raise LimitExceeded(
            Phrase("today's claims are used up: {most} a day", most=per_day), code="limit_pool_claims",
            hint=Phrase("claim more tomorrow"),
        )  # fmt: skip
    if holding is not None and _held(conn, call, body, person) >= holding:
        raise LimitExceeded(
            Phrase("the limit of records one may hold is reached: {most}", most=holding), code="limit_pool_holding",
            hint=Phrase("give some back, or close them"),
        )  # fmt: skip
    if pause is None or given:
        return
    lost = conn.execute(
        sql.SQL("SELECT at FROM {} WHERE record = %s AND person = %s").format(
            sql.Identifier(call.schema, "sys__pool_lost")
        ),
        (id, person),
    ).fetchone()
    until = after(lost[0], read_span(pause), Reading(conn, call).context) if lost else call.now
    if until > call.now:
        day = until.astimezone(call.model.workspace.zone).date()
        raise Conflict(
            Phrase("its former owner may not claim it again before {day}", day=day.isoformat()),
            code="pool_not_again",
        )


def _held(conn: Conn, call: Call, body: Mapping[str, Any], person: str) -> int:
    """How many records of the pool somebody owns that count."""
    name = body["name"]

    def make() -> Any:
        row = Building(tables=call.tables).root(body["object"])
        binding = SqlBinding(row=row)
        pool = call.tables.system("sys__pool", record="uuid", pool="text", waits="boolean").alias(
            row.building.alias()
        )
        under = sa.select(pool.c.record).where(
            pool.c.pool == parameter(POOL, sa.Text()), sa.not_(pool.c.waits)
        )
        conditions = [
            binding.value(row, ("owner",)) == parameter(PERSON, Id()),
            row.id.in_(under),
            *row.live(voided=False),
        ]
        counts = call.model.expressions.get(("pool", name, "claim.counts_when"))
        if counts is not None:
            conditions.append(condition_sql(counts, binding))
        query = sa.select(sa.func.count()).select_from(row.source.from_).where(*conditions)
        return compiled(query, call.model.release)

    statement = kept(call.tables).get(("pools.held", name), make)
    row = conn.execute(
        statement.text, statement.values({**call_values(call), PERSON: person, POOL: name})
    ).fetchone()
    return int(row[0]) if row is not None else 0


# -- giving back --------------------------------------------------------------------------------------------------


def _give_back(asked: _Asked, id: str, back: Back) -> None:
    call, object = asked.call, asked.object
    found = standing_in(asked.conn, call, object.name, id)
    if found is None or not reached_among(asked.conn, call, object.name, "read", [id]):
        raise _unknown(call, object)
    if found[1]:
        raise Conflict(Phrase("it waits in a pool already"), code="pool_waits")
    body = _body(call, back.pool or found[0] or _first_taking(asked, id))
    if body["object"] != object.name:
        raise _no_pool()
    owner = _owner(asked, id)
    mine = owner is not None and owner == call.actor.user
    managed = asked.one_of(body, "managers")
    if not mine and not managed:
        raise Forbidden(Phrase("only its owner or a manager of the pool may give it back"))
    _reasoned(body, back)
    if not managed and _holds(asked, id, body, "exempt_when"):
        raise Conflict(
            Phrase("it is kept out of the pool"),
            code="pool_exempt",
            hint=Phrase("a manager of the pool may take it back"),
        )
    if not _holds(asked, id, body, "takes", True):
        raise _no_pool()
    put_back(asked.conn, call, object, id, body, "returned" if mine else "reclaimed", back)


def put_back(
    conn: Conn, call: Call, object: Object, id: str, body: Mapping[str, Any], did: str, back: Back
) -> None:
    """It waits in the pool: without an owner and, where the pool says so, without its team, its contacts with it."""
    asked = _Asked(conn, call, object)
    owner = _owner(asked, id)
    on_return = body.get("on_return") or {}
    told = {"name": body["name"], "did": did, "reason": back.reason, "note": back.note}
    values = {**_values(call, object, body), "owner": None, "queue": None}
    changes = [_handed(object, id, values, {k: v for k, v in told.items() if v is not None})]
    for link, records in _along(asked, body, id, owner):
        changes += [_handed(link, record, {"owner": None, "queue": None}) for record in records]
    save(conn, _by_pool(call), changes)
    if on_return.get("clear_team"):
        for gift in gifts_of(conn, call, object.name, id):
            if gift.reason == "team":
                end_gift(conn, call, object.name, [id], gift.principal, "team")


def _values(call: Call, object: Object, body: Mapping[str, Any]) -> dict[str, Any]:
    """Literals of `on_return.set`."""
    given = (body.get("on_return") or {}).get("set") or {}
    return {n: v for n, v in given.items() if not (isinstance(v, str) and v.startswith("="))}


def _reasoned(body: Mapping[str, Any], back: Back) -> None:
    known = [o if isinstance(o, str) else o["name"] for o in body.get("reasons") or ()]
    if known and back.reason not in known:
        code, message = "required", Phrase("say why you give it back")
        if back.reason is not None:
            code, message = "unknown_reason", Phrase("there is no reason {name}", name=back.reason[:60])
        hint = Phrase("one of {names}", names=", ".join(known))
        raise Refused([Problem(code=code, message=message, path="reason", hint=hint)])
    if back.note is not None and len(back.note) > 500:
        raise Refused(
            [
                Problem(
                    code="limit_pool_note", message=Phrase("at most {most} characters", most=500), path="note"
                )
            ]
        )


# -- moving -------------------------------------------------------------------------------------------------------


def _move(asked: _Asked, id: str, pool: str) -> None:
    conn, call = asked.conn, asked.call
    body, to = _pool(asked, id), _body(call, pool)
    if not asked.one_of(body, "managers"):
        raise Forbidden(Phrase("records of this pool are assigned by its managers"))
    if to["object"] != asked.object.name or not _holds(asked, id, to, "takes", True):
        raise _no_pool()
    went = conn.execute(
        sql.SQL("UPDATE {} SET pool = %s, since = %s WHERE record = %s AND pool = %s AND waits").format(
            sql.Identifier(call.schema, "sys__pool")
        ),
        (to["name"], call.now, id, body["name"]),
    ).rowcount
    if not went:
        raise _taken()
    told = {"did": "transferred", "pool": to["name"], "by": call.actor.user}
    conn.execute(
        sql.SQL("INSERT INTO {} (at, object, record, kind, payload) VALUES (%s, %s, %s, 'pool', %s)").format(
            sql.Identifier(call.schema, "sys__note")
        ),
        (call.now, asked.object.name, id, Jsonb(told, dumps=jsonio.dumps)),
    )


# -- what is asked ------------------------------------------------------------------------------------------------


def _asked(conn: Conn, call: Call, object: str, ids: Sequence[str]) -> _Asked:
    found = known_object(call, object)
    if not pools_of(call.model, found.name):
        raise NotFound(Phrase("{object} has no pool", object=_called(call, found)), code="pool_not_found")
    if len(ids) > MAX_CLAIMS:
        raise LimitExceeded(
            Phrase("at most {most} records go at once", most=MAX_CLAIMS), code="limit_pool_batch"
        )
    return _Asked(conn, call, found)


def _each(asked: _Asked, id: str, act: Any) -> Done:
    try:
        with asked.conn.transaction():
            act(id)
    except PatronError as error:
        return id, error
    return id, None


def _pool(asked: _Asked, id: str) -> Mapping[str, Any]:
    """The pool a record waits in. Who is no member of it hears that there is no such record; a member, that it is taken."""
    found = standing_in(asked.conn, asked.call, asked.object.name, id)
    body = asked.call.model.documents.get(("pool", found[0])) if found is not None else None
    if found is None or body is None or not asked.one_of(body, *MANY):
        if reached_among(asked.conn, asked.call, asked.object.name, "read", [id]):
            raise Conflict(Phrase("it waits in no pool"), code="pool_taken")
        raise _unknown(asked.call, asked.object)
    if not found[1]:
        raise _taken()
    return body


def _body(call: Call, name: str) -> Mapping[str, Any]:
    found = call.model.documents.get(("pool", name))
    if found is None:
        raise _no_pool()
    return found


def _first_taking(asked: _Asked, id: str) -> str:
    found = pools_of(asked.call.model, asked.object.name)
    return next((b["name"] for b in found if _holds(asked, id, b, "takes", True)), "")


def _holds(asked: _Asked, id: str, body: Mapping[str, Any], key: str, otherwise: bool = False) -> bool:
    found = asked.call.model.expressions.get(("pool", body["name"], key))
    if found is None:
        given = body.get(key)
        return given if isinstance(given, bool) else otherwise
    run = Run(id="", rule="", version="", release=0, object=asked.object.name, record=id, causer=None)
    return Reading(asked.conn, asked.call).holds(found, [Subject(run=run)])[0]


def _owner(asked: _Asked, id: str) -> str | None:
    found = fetch_values(asked.conn, asked.call, asked.object.name, [id], ["owner"])
    owner = found.get(id, {}).get("owner")
    return owner if isinstance(owner, str) else None


def _active(conn: Conn, call: Call, person: str) -> None:
    names = [n for n in ("active",) if n in call.model.objects["user"].fields]
    found = fetch_values(conn, call, "user", [person], ["id", *names]).get(person)
    if found is None or found.get("active") is False:
        raise Refused([Problem(code="not_found", message=Phrase("there is no such active user"), path="to")])


def _along(
    asked: _Asked, body: Mapping[str, Any], id: str, owner: str | None
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


def _handed(
    object: Object, id: str, values: Mapping[str, Any], pool: Mapping[str, Any] | None = None
) -> Change:
    known = {n: v for n, v in values.items() if object.field(n) is not None}
    because = {"pool": dict(pool)} if pool is not None else {}
    return Change(action="update", object=object.name, id=id, set=known, source="wire", because=because)


def _by_pool(call: Call) -> Call:
    """Whoever does it, with what the pool lets him do."""
    cause = replace(call.cause, detail={**call.cause.detail, "bulk": True})
    return replace(call, actor=replace(call.actor, administrator=True), cause=cause)


def _called(call: Call, object: Object) -> Label:
    return label_of(object.label, object.name, call.actor.languages)


def _unknown(call: Call, object: Object) -> NotFound:
    return NotFound(Phrase("there is no such {object}", object=_called(call, object)))


def _taken() -> Conflict:
    return Conflict(Phrase("somebody else was faster: it is not in the pool any more"), code="pool_taken")


def _no_pool() -> Conflict:
    return Conflict(Phrase("no pool takes this record"), code="pool_none")
