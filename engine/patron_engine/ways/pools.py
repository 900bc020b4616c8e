"""Pools: records without an owner, claimed by members, assigned by managers, given back with a reason, moved to another pool.

    which pool -> is he one of its people -> his limits, counted one claim at a time -> one conditional UPDATE -> the save

In: a connection in the caller's write transaction, records, what somebody wants. Out: what became of each; a refusal is a PatronError
with its code. The owner changes by the save that everybody uses, with the pool as its cause: history, events and moves follow
from that. What a pool lets its people do needs no other right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from patron_engine.access.pools import MANY
from patron_engine.errors import Conflict, Forbidden, Refused
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.actionable import reached_among
from patron_engine.query.call import Call
from patron_engine.record.given import end_gift, gifts_of
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn
from patron_engine.ways.pool_limits import demand_room, demand_within_limits
from patron_engine.ways.pool_people import (
    Asked,
    Done,
    along_of,
    asked_of,
    by_pool,
    demand_active,
    each_of,
    first_taking,
    handed,
    holds_of,
    no_pool,
    note_move,
    owner_of,
    pool_named,
    pool_where_it_waits,
    standing_in,
    taken,
    unknown,
)  # fmt: skip
from patron_engine.ways.save import save


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """How a record goes back: to which pool (None: its own), why, and who lets it go."""

    pool: str | None = None
    reason: str | None = None
    note: str | None = None


# -- what people do -----------------------------------------------------------------------------------------------


def claim(conn: Conn, call: Call, object: str, ids: Sequence[str], to: str | None = None) -> list[Done]:
    """Each record by itself: it becomes the caller's, or somebody's to whom a manager gives it."""
    asked = asked_of(conn, call, object, ids)
    person = to or call.actor.user
    if person is None:
        raise Forbidden(Phrase("only a person can claim a record"), hint=Phrase("say whose it shall be"))
    if to is not None:
        demand_active(conn, call, to)
    return [
        each_of(asked, id, lambda id: _claim(asked, id, person, to is not None)) for id in dict.fromkeys(ids)
    ]


def give_back(conn: Conn, call: Call, object: str, ids: Sequence[str], back: Back) -> list[Done]:
    """Each record by itself: it waits in a pool again. Its owner may, and the managers of the pool."""
    asked = asked_of(conn, call, object, ids)
    return [each_of(asked, id, lambda id: _give_back(asked, id, back)) for id in dict.fromkeys(ids)]


def move(conn: Conn, call: Call, object: str, ids: Sequence[str], pool: str) -> list[Done]:
    """Records go to another pool that takes them: what waits waits there, what somebody holds stays his. Managers may, and
    owners where their pool says so."""
    asked = asked_of(conn, call, object, ids)
    return [each_of(asked, id, lambda id: _move(asked, id, pool)) for id in dict.fromkeys(ids)]


# -- claiming -----------------------------------------------------------------------------------------------------


def _claim(asked: Asked, id: str, person: str, given: bool) -> None:
    conn, call, object = asked.conn, asked.call, asked.object
    body = pool_where_it_waits(asked, id)
    managed = asked.one_of(body, id, "managers")
    rules = body.get("claim") or {}
    if not managed and (given or rules.get("by") == "managers" or not asked.one_of(body, id, *MANY)):
        raise Forbidden(
            Phrase("records of this pool are assigned by its managers")
            if given or rules.get("by") == "managers"
            else Phrase("you are no member of this pool")
        )
    demand_within_limits(asked, body, id, person, given)
    asked.claimed[body["name"]] = asked.claimed.get(body["name"], 0) + 1
    Programs.of(call.tables)[object.name].load.run(conn, ids=[id])  # a save locks the record first, too
    went = conn.execute(
        sql.SQL(
            "UPDATE {} SET waits = false, since = %s, owner = %s, look_at = %s WHERE record = %s AND pool = %s AND waits"
        ).format(sql.Identifier(call.schema, "sys__pool")),
        (call.now, person, call.now, id, body["name"]),
    ).rowcount
    if not went:
        raise taken(asked, id)
    told = {"name": body["name"], "did": "assigned" if given else "claimed"}
    changes = [handed(object, id, {"owner": person}, told)]
    for link, records in along_of(asked, body, id, None):
        changes += [handed(link, record, {"owner": person}, {"along": id}) for record in records]
    save(conn, by_pool(call), changes)
    if not given:
        conn.execute(
            sql.SQL("UPDATE {} SET count = count + 1 WHERE pool = %s AND person = %s AND day = %s").format(
                sql.Identifier(call.schema, "sys__claims")
            ),
            (body["name"], person, call.today),
        )


# -- giving back --------------------------------------------------------------------------------------------------


def _give_back(asked: Asked, id: str, back: Back) -> None:
    call, object = asked.call, asked.object
    found = standing_in(asked.conn, call, object.name, id)
    if found is None or not reached_among(asked.conn, call, object.name, "read", [id]):
        raise unknown(call, object)
    if found[1]:
        raise Conflict(Phrase("it waits in a pool already"), code="pool_waits")
    body = pool_named(call, back.pool or found[0] or first_taking(asked, id))
    if body["object"] != object.name:
        raise no_pool()
    owner = owner_of(asked, id)
    mine = owner is not None and owner == call.actor.user
    own = (
        pool_named(call, found[0]) if found[0] else body
    )  # who manages another pool takes nothing out of this one
    managed = asked.one_of(own, id, "managers")
    if not mine and not managed:
        raise Forbidden(Phrase("only its owner or a manager of the pool may give it back"))
    _reasoned(body, back)
    if not managed and holds_of(asked, id, body, "exempt_when"):
        raise Conflict(
            Phrase("it is kept out of the pool"),
            code="pool_exempt",
            hint=Phrase("a manager of the pool may take it back"),
        )
    if not holds_of(asked, id, body, "takes", True):
        raise no_pool()
    if found[0] and body["name"] != found[0]:
        _demand_transfer(asked, id, own, body["name"])
    put_back(asked.conn, call, object, id, body, "returned" if mine else "reclaimed", back)


def put_back(
    conn: Conn, call: Call, object: Object, id: str, body: Mapping[str, Any], did: str, back: Back
) -> None:
    """It waits in the pool: without an owner and, where the pool says so, without its team, its contacts with it."""
    asked = Asked(conn, call, object)
    owner = owner_of(asked, id)
    on_return = body.get("on_return") or {}
    told = {"name": body["name"], "did": did, "reason": back.reason, "note": back.note}
    values = {**_values(call, object, body), "owner": None, "queue": None}
    changes = [handed(object, id, values, {k: v for k, v in told.items() if v is not None})]
    for link, records in along_of(asked, body, id, owner):
        changes += [handed(link, record, {"owner": None, "queue": None}, {"along": id}) for record in records]
    save(conn, by_pool(call), changes)
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


def _move(asked: Asked, id: str, pool: str) -> None:
    conn, call = asked.conn, asked.call
    found = standing_in(conn, call, asked.object.name, id)
    if found is not None and found[0] and not found[1]:
        _move_held(asked, id, pool_named(call, found[0]), pool)
        return
    body, to = pool_where_it_waits(asked, id), pool_named(call, pool)
    if not asked.one_of(body, id, "managers"):
        raise Forbidden(Phrase("records of this pool are assigned by its managers"))
    if to["object"] != asked.object.name or not holds_of(asked, id, to, "takes", True):
        raise no_pool()
    went = conn.execute(
        sql.SQL(
            "UPDATE {} SET pool = %s, since = %s, look_at = %s, warned_at = NULL WHERE record = %s AND pool = %s AND waits"
        ).format(sql.Identifier(call.schema, "sys__pool")),
        (to["name"], call.now, call.now, id, body["name"]),
    ).rowcount
    if not went:
        raise taken(asked, id)
    note_move(asked, id, {"did": "transferred", "pool": to["name"]})


def _move_held(asked: Asked, id: str, body: Mapping[str, Any], pool: str) -> None:
    """It stays his, under another pool. The clock goes on from where it stood: moving is no way to keep a record."""
    conn, call = asked.conn, asked.call
    if not reached_among(conn, call, asked.object.name, "read", [id]):
        raise unknown(call, asked.object)
    to, owner = pool_named(call, pool), owner_of(asked, id)
    if owner is None or (owner != call.actor.user and not asked.one_of(body, id, "managers")):
        raise Forbidden(Phrase("only its owner or a manager of the pool may move it to another"))
    if to["name"] == body["name"]:
        raise Conflict(Phrase("it is of this pool already"), code="pool_same")
    if to["object"] != asked.object.name or not holds_of(asked, id, to, "takes", True):
        raise no_pool()
    _demand_transfer(asked, id, body, to["name"])
    demand_room(asked, to, owner)
    went = conn.execute(
        sql.SQL("UPDATE {} SET pool = %s, look_at = %s WHERE record = %s AND pool = %s AND NOT waits").format(
            sql.Identifier(call.schema, "sys__pool")
        ),
        (to["name"], call.now, id, body["name"]),
    ).rowcount
    if not went:
        raise taken(asked, id)
    note_move(asked, id, {"did": "transferred", "pool": to["name"], "from": owner, "to": owner})


def _demand_transfer(asked: Asked, id: str, body: Mapping[str, Any], to: str) -> None:
    """Whether who holds it may name another pool than its own: its pool says so, and to which. Managers may."""
    if asked.one_of(body, id, "managers"):
        return
    rules = body.get("transfer") or {}
    if rules.get("by") != "owners":
        raise Forbidden(Phrase("only managers of the pool move its records to another"), code="pool_transfer")
    aims = rules.get("to")
    if aims is not None and to not in ([aims] if isinstance(aims, str) else aims):
        raise Forbidden(
            Phrase("records of this pool do not go to the pool {pool}", pool=to), code="pool_transfer"
        )
