"""Limits of pools: how many records somebody may claim a day and hold, and when he may claim one again that he lost.

In: a connection in the caller's write transaction, a pool, a person. Out: what he has used; a refusal where it is too much. His count of
the day is locked first: his claims go one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from patron_engine.errors import Conflict, LimitExceeded
from patron_engine.expr.sql import condition_sql
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.values import Reading
from patron_engine.phrases import Phrase
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values
from patron_engine.record.meant_alike import is_of
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id
from patron_engine.ways.pool_people import Asked

PERSON, POOL = "person", "pool"
PERSONAL = ("per_day", "holding", "in_all", "at_once")  # what `limits` may say of some people


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What somebody may claim from a pool, and what of it he has used. None: without limit."""

    per_day: int | None
    today: int
    holding: int | None
    held: int
    in_all: int | None = None
    held_in_all: int = 0


def limits_of(conn: Conn, call: Call, body: Mapping[str, Any], person: str) -> Limits:
    """What this person may claim, and has claimed."""
    row = conn.execute(
        sql.SQL("SELECT count FROM {} WHERE pool = %s AND person = %s AND day = %s").format(
            sql.Identifier(call.schema, "sys__claims")
        ),
        (body["name"], person, call.today),
    ).fetchone()
    rules = rules_for(conn, call, body, person)
    held = held_by(conn, call, body, person) if rules.get("holding") is not None else 0
    in_all = held_by(conn, call, body, person, in_all=True) if rules.get("in_all") is not None else 0
    return Limits(
        per_day=rules.get("per_day"),
        today=int(row[0]) if row else 0,
        holding=rules.get("holding"),
        held=held,
        in_all=rules.get("in_all"),
        held_in_all=in_all,
    )


def demand_within_limits(asked: Asked, body: Mapping[str, Any], id: str, person: str, given: bool) -> None:
    """Locks the person's count of the day: his claims go one after the other, so that none passes a limit beside another."""
    conn, call = asked.conn, asked.call
    rules = rules_for(conn, call, body, person)
    count = _locked_count(conn, call, body, person)
    per_day, pause, at_once = rules.get("per_day"), rules.get("not_again"), rules.get("at_once")
    if at_once is not None and asked.claimed.get(body["name"], 0) >= at_once and not given:
        raise LimitExceeded(
            Phrase("at most {most} records of this pool are claimed at once", most=at_once),
            code="limit_pool_at_once",
        )
    if per_day is not None and count >= per_day and not given:
        raise LimitExceeded(
            Phrase("today's claims are used up: {most} a day", most=per_day), code="limit_pool_claims",
            hint=Phrase("claim more tomorrow"),
        )  # fmt: skip
    _demand_holding(asked, body, person, rules)
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


def _locked_count(conn: Conn, call: Call, body: Mapping[str, Any], person: str) -> int:
    """What he claimed today, locked until the transaction ends."""
    row = conn.execute(
        sql.SQL(
            "INSERT INTO {} AS c (pool, person, day) VALUES (%s, %s, %s) ON CONFLICT (pool, person, day)"
            " DO UPDATE SET count = c.count RETURNING count"
        ).format(sql.Identifier(call.schema, "sys__claims")),
        (body["name"], person, call.today),
    ).fetchone()
    return int(row[0]) if row else 0


def demand_room(asked: Asked, body: Mapping[str, Any], person: str) -> None:
    """Somebody may hold one more record of the pool."""
    _locked_count(asked.conn, asked.call, body, person)
    _demand_holding(asked, body, person, rules_for(asked.conn, asked.call, body, person), in_all=False)


def _demand_holding(
    asked: Asked, body: Mapping[str, Any], person: str, rules: Mapping[str, Any], *, in_all: bool = True
) -> None:
    conn, call, holding = asked.conn, asked.call, rules.get("holding")
    most = rules.get("in_all") if in_all else None
    if holding is not None and held_by(conn, call, body, person) >= holding:
        raise LimitExceeded(
            Phrase("the limit of records one may hold is reached: {most}", most=holding), code="limit_pool_holding",
            hint=Phrase("give some back, or close them"),
        )  # fmt: skip
    if most is not None and held_by(conn, call, body, person, in_all=True) >= most:
        raise LimitExceeded(
            Phrase("the limit of records one may hold in all is reached: {most}", most=most), code="limit_pool_holding",
            hint=Phrase("give some back, or close them"),
        )  # fmt: skip


def rules_for(conn: Conn, call: Call, body: Mapping[str, Any], person: str) -> Mapping[str, Any]:
    """How this person claims: what the pool says, and where it names him among `limits`, what the first of these says."""
    rules: Mapping[str, Any] = body.get("claim") or {}
    for entry in rules.get("limits") or ():
        if is_of(conn, call, entry["who"], person):
            return {**rules, **{key: entry[key] for key in PERSONAL if key in entry}}
    return rules


def held_by(conn: Conn, call: Call, body: Mapping[str, Any], person: str, *, in_all: bool = False) -> int:
    """How many records of the pool somebody owns that count; `in_all`: of its object, whatever pool they are of."""
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
            *([] if in_all else [row.id.in_(under)]),
            *row.live(voided=False),
        ]
        counts = call.model.expressions.get(("pool", name, "claim.counts_when"))
        if counts is not None:
            conditions.append(condition_sql(counts, binding))
        query = sa.select(sa.func.count()).select_from(row.source.from_).where(*conditions)
        return compiled(query, call.model.release)

    statement = kept(call.tables).get(("pools.held", name, in_all), make)
    given = {**call_values(call), PERSON: person, POOL: name}
    row = conn.execute(statement.text, statement.values({n: given[n] for n in statement.names})).fetchone()
    return int(row[0]) if row is not None else 0
