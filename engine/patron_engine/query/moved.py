"""Moved: which records people of the same roles reach by one set of rules and not by another, counted.

In: a connection, a call under the rules there are, tables of a model with others, kind and roles of the people. Out: how many
of them gain or lose, and how many records. Each person is asked about by himself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import psycopg
import sqlalchemy as sa

from patron_engine.access.decide import Action, Allow, Deny, row_rule
from patron_engine.actor import Actor
from patron_engine.query.binding import rule_condition
from patron_engine.query.call import Call
from patron_engine.query.fitting import KIND, ROLES, building_of, people_like
from patron_engine.query.source import Building, Row, Source, rules_of
from patron_engine.query.statement import compiled
from patron_engine.query.values import call_values
from patron_engine.store.tables import Tables


@dataclass(frozen=True, slots=True)
class Moved:
    people_gaining: int
    gained: int
    people_losing: int
    lost: int


def records_of(conn: psycopg.Connection[Any], call: Call, object: str) -> int:
    """The living records of an object, under nobody's rule."""
    row = building_of(call, call.actor).root(object)
    statement = compiled(
        sa.select(sa.func.count()).select_from(row.table).where(*row.live()), call.model.release
    )
    found = conn.execute(statement.text, statement.values(call_values(call))).fetchone()
    return int(found[0]) if found else 0


def moved(
    conn: psycopg.Connection[Any], call: Call, others: Tables, actor: Actor, action: Action, object: str
) -> Moved:
    """What changes for everybody with the actor's kind and roles when the rules of `others` are in force."""
    before = building_of(call, actor)
    after = replace(before, tables=others, rules=rules_of(row_rule, others.model, actor))
    row = before.root(object)
    old, new = _reached(before, row, action), _reached(after, row, action)
    chosen = sa.select(row.id, new).select_from(row.table).where(*row.live(), new.is_distinct_from(old))
    statement = compiled(chosen, call.model.release)
    gained: set[str] = set()
    lost: set[str] = set()
    gaining = losing = 0
    # One by one: who somebody's colleagues are is then asked once, not for every record.
    for person in _people(conn, call, actor):
        theirs = replace(call, actor=replace(actor, user=person))
        rows = conn.execute(statement.text, statement.values(call_values(theirs))).fetchall()
        more, less = {id for id, has in rows if has}, {id for id, has in rows if not has}
        gained |= more
        lost |= less
        gaining, losing = gaining + bool(more), losing + bool(less)
    return Moved(gaining, len(gained), losing, len(lost))


def _people(conn: psycopg.Connection[Any], call: Call, actor: Actor) -> list[str]:
    user = building_of(call, actor).root("user")
    statement = compiled(
        sa.select(user.id).select_from(user.table).where(*people_like(user)), call.model.release
    )
    given = {KIND: actor.kind, ROLES: sorted(actor.roles)}
    return [id for (id,) in conn.execute(statement.text, statement.values(call_values(call) | given))]


def _reached(building: Building, row: Row, action: Action) -> sa.ColumnElement[bool]:
    """Whether the row is among those the rules of this building reach, by itself or, where rules follow links, by a subquery."""
    assert building.rules is not None
    parts: list[sa.ColumnElement[bool]] = []
    for word in dict.fromkeys(("read", action)):
        rule = building.rules(row.object.name, word)
        if isinstance(rule, Deny):
            return sa.false()
        if isinstance(rule, Allow):
            continue
        probe = replace(row, building=building, source=Source(from_=row.table))
        condition = rule_condition(probe, rule)
        if probe.source.tables:
            asked = building.root(row.object.name)
            condition = rule_condition(asked, rule)
            inner = sa.select(asked.id).select_from(asked.source.from_).where(asked.id == row.id, condition)
            condition = sa.exists(inner.correlate(row.table))
        parts.append(sa.func.coalesce(condition, sa.false()))
    return sa.and_(sa.true(), *parts)
