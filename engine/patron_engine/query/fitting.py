"""Fitting: which of several conditions of rights one record fits, for one person or for everybody at once.

In: a connection, a call whose actor is the person asked about, an object, the id of a record, conditions. Out: truths, by
the SQL lists are made with. Reads one record under nobody's rule: whoever asks must have the right to ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import psycopg
import sqlalchemy as sa

from patron_engine.access.decide import Allow, Decision, Deny, When, field_rule, row_rule
from patron_engine.actor import Actor
from patron_engine.expr.nodes import Expression
from patron_engine.expr.sql import condition_sql
from patron_engine.fields.field import Field
from patron_engine.query.binding import SqlBinding, parameter, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.source import Building, rules_of
from patron_engine.query.statement import compiled
from patron_engine.query.values import call_values
from patron_engine.store.tables import TYPES, Id

RECORD, ROLES, KIND, LIMIT = "record", "roles", "kind", "limit"


def fitting(
    conn: psycopg.Connection[Any], call: Call, object: str, id: str, conditions: Sequence[Expression]
) -> tuple[bool, ...] | None:
    """Which of the conditions the record fits for the call's actor; None when there is no such record at all."""
    building = building_of(call, call.actor)
    row = building.root(object)
    columns = [condition_sql(c, SqlBinding(row=row)).label(f"c{n}") for n, c in enumerate(conditions)]
    chosen = (
        sa.select(row.id, *columns).select_from(row.source.from_).where(row.id == parameter(RECORD, Id()))
    )
    statement = compiled(chosen, call.model.release)
    found = conn.execute(statement.text, statement.values(call_values(call) | {RECORD: id})).fetchone()
    return None if found is None else tuple(bool(truth) for truth in found[1:])


def readable_here(
    conn: psycopg.Connection[Any], call: Call, object: str, id: str, fields: Mapping[str, Field]
) -> dict[str, Field]:
    """Those of the fields that the call's actor reads on this record: what a list answers empty is left out."""
    return _here(conn, call, object, id, fields, "plain")


def writable_here(
    conn: psycopg.Connection[Any], call: Call, object: str, id: str, fields: Mapping[str, Field]
) -> dict[str, Field]:
    """Those that he sets on this record."""
    return _here(conn, call, object, id, fields, "edit")


def masked_here(
    conn: psycopg.Connection[Any], call: Call, object: str, id: str, fields: Mapping[str, Field]
) -> dict[str, Field]:
    """Those he may look at on this record, masked or not."""
    return _here(conn, call, object, id, fields, "masked")


def _here(
    conn: psycopg.Connection[Any],
    call: Call,
    object: str,
    id: str,
    fields: Mapping[str, Field],
    right: Literal["plain", "masked", "edit"],
) -> dict[str, Field]:
    rules: dict[str, Decision] = {
        n: getattr(field_rule(call.model, call.actor, f), right) for n, f in fields.items()
    }
    asked = list(
        {
            id_: r.condition for r in rules.values() if isinstance(r, When) for id_ in (r.condition.source,)
        }.items()
    )
    if not asked:
        return {n: f for n, f in fields.items() if isinstance(rules[n], Allow)}
    truths = fitting(conn, call, object, id, [c for _, c in asked]) or (False,) * len(asked)
    fits = {source: truth for (source, _), truth in zip(asked, truths, strict=True)}
    return {
        n: f for n, f in fields.items()
        if isinstance(rule := rules[n], Allow) or (isinstance(rule, When) and fits[rule.condition.source])
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """A user as his record says."""

    id: str
    name: str
    kind: str
    roles: tuple[str, ...]


def audiences(conn: psycopg.Connection[Any], call: Call) -> list[tuple[str, tuple[str, ...], int]]:
    """(kind, roles, how many) of the people who are on."""
    building = building_of(call, call.actor)
    user = building.root("user")
    kind, roles = _kind(user), _roles(user)
    people = sa.select(kind.label("kind"), roles.label("roles")).where(*_on(user))
    each = people.select_from(user.source.from_).subquery(building.alias())
    chosen = sa.select(each.c.kind, each.c.roles, sa.func.count()).group_by(each.c.kind, each.c.roles)
    statement = compiled(chosen, call.model.release)
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for who, held, many in conn.execute(statement.text, statement.values(call_values(call))):
        found[who, tuple(sorted(held))] += many
    return [(who, held, many) for (who, held), many in sorted(found.items())]


def who_reads(
    conn: psycopg.Connection[Any], call: Call, actor: Actor, action: Any, object: str, id: str, limit: int
) -> list[Person]:
    """The people with the actor's kind and roles who may do `action` to the record, at most `limit`, by name."""
    rule = row_rule(call.model, actor, action, object)
    reading = row_rule(call.model, actor, "read", object)
    if isinstance(rule, Deny) or isinstance(reading, Deny):
        return []
    building = building_of(call, actor)
    user = building.root("user")
    building.me = user.id
    row = building.root(object)
    conditions = [rule_condition(row, r) for r in (reading, rule) if isinstance(r, When)]
    name = user.column(user.object.fields[user.object.title])
    source = sa.join(user.table, row.source.from_, row.id == parameter(RECORD, Id()))
    chosen = (
        sa.select(user.id, sa.cast(name, sa.Text()), _kind(user), _roles(user))
        .select_from(source)
        .where(*people_like(user), *conditions)
        .order_by(name, user.id)
        .limit(parameter(LIMIT, sa.BigInteger()))
    )
    statement = compiled(chosen, call.model.release)
    given = {RECORD: id, KIND: actor.kind, ROLES: sorted(actor.roles), LIMIT: limit}
    rows = conn.execute(statement.text, statement.values(call_values(call) | given))
    return [Person(i, n or "", k, tuple(r or ())) for i, n, k, r in rows]


def building_of(call: Call, actor: Actor) -> Building:
    rules = rules_of(row_rule, call.model, actor)
    return Building(
        tables=call.tables,
        rules=rules,
        fields=partial(field_rule, call.model, actor),
        condition=rule_condition,
    )


def _kind(user: Any) -> sa.ColumnElement[Any]:
    field = user.object.field("kind")
    whole: sa.ColumnElement[Any] = sa.literal("internal", TYPES["text"])
    return whole if field is None else sa.func.coalesce(user.column(field), whole, type_=TYPES["text"])


def _roles(user: Any) -> sa.ColumnElement[Any]:
    """His roles, in the order they were written."""
    field = user.object.field("roles")
    if field is None:
        return sa.cast(sa.literal("{}", TYPES["text"]), TYPES["text[]"])
    none: sa.ColumnElement[Any] = sa.cast(sa.literal("{}", TYPES["text"]), TYPES["text[]"])
    return sa.func.coalesce(user.column(field), none, type_=TYPES["text[]"])


def _exactly(roles: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
    """These roles and no others, in whatever order."""
    wanted = parameter(ROLES, TYPES["text[]"])
    return [roles.contains(wanted), roles.contained_by(wanted)]


def people_like(user: Any) -> list[sa.ColumnElement[bool]]:
    """The people who are on and have the kind and the roles that are given (`KIND`, `ROLES`)."""
    return [*_on(user), _kind(user) == parameter(KIND, TYPES["text"]), *_exactly(_roles(user))]


def _on(user: Any) -> list[sa.ColumnElement[bool]]:
    field = user.object.field("active")
    return [*user.live(), *([] if field is None else [user.column(field).is_not(sa.false())])]
