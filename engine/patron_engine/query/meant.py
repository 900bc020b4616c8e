"""Meant: whether I am one of those a pool or a sharing rule names by words that hang on the record or on the candidate, in SQL.

In: a row of the document's object, where the words stand in the document. Out: a condition of the row. `where` is asked of my own
row among users, with the record as `this`; what a document says it says over all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from patron_engine.access.pools import named
from patron_engine.expr.sql import condition_sql, to_sql
from patron_engine.expr.types import ExprType
from patron_engine.query import rights
from patron_engine.query.binding import SqlBinding
from patron_engine.query.source import Building, Row, path_steps

Condition = sa.ColumnElement[bool]
Of = tuple[str, str]  # kind and name of the document


def meant(building: Building, of: Of, at: str, record: Row | sa.ColumnElement[Any]) -> Condition:
    """I am meant for this record: a row of the statement, or the one with this id."""
    body = building.model.documents[of]
    key, _, _ = at.partition("[")
    who = dict(named(body, (key,)))[at]
    if isinstance(record, Row):
        return _meant(record, of, at, who)
    row = building.root(body["object"])
    condition = _meant(row, of, at, who)
    found = sa.select(row.id).select_from(row.source.from_).where(row.id == record, condition)
    return sa.exists(found.correlate_except(row.table, *row.source.tables))


def _meant(row: Row, of: Of, at: str, who: Any) -> Condition:
    building = row.building
    binding = SqlBinding(row=row)
    me = binding.column("me")
    expressions = building.model.expressions
    if not isinstance(who, Mapping):
        found = expressions[(*of, at)]
        return _one_of(building, me, to_sql(found, binding), found.type)
    conditions = [_word(binding, me, of, at, who)]
    where = expressions.get((*of, f"{at}.where"))
    if where is not None:
        user = building.root("user")
        fits = condition_sql(where, SqlBinding(row=user, roots={"this": row}))
        candidate = sa.select(user.id).select_from(user.source.from_).where(user.id == me, *user.live(), fits)
        conditions.append(sa.exists(candidate.correlate_except(user.table, *user.source.tables)))
    return sa.and_(*conditions)


def _word(
    binding: SqlBinding, me: sa.ColumnElement[Any], of: Of, at: str, who: Mapping[str, Any]
) -> Condition:
    """The one word that says whom, without its `where`. One that means nothing of what waits names nobody."""
    building, row = binding.building, binding.row
    word = next((w for w in who if w not in ("below", "where")), "")
    value: Any = who.get(word)
    if word in rights.MEMBERS:
        codes = [value] if isinstance(value, str) else list(value)
        return rights.belongs(building, word, codes, bool(who.get("below")), me)
    if word == "expression":
        found = building.model.expressions[(*of, f"{at}.expression")]
        return _one_of(building, me, to_sql(found, binding), found.type)
    field = building.model.follow(row.object.name, value) if word in ("field", "head_of") else None
    if field is None:
        return sa.false()
    there = binding.value(row, path_steps(value))
    if word == "head_of":
        return _heads(building, me, there, field.expr)
    return _one_of(building, me, there, field.expr)


def _one_of(
    building: Building, me: sa.ColumnElement[Any], value: sa.ColumnElement[Any], type: ExprType
) -> Condition:
    """I am the user, or one of the users, or in the department that a value names."""
    several = type.kind == "list"
    objects = ((type.element or type) if several else type).objects
    if objects == ("department",):
        user = building.root("user")
        home = SqlBinding(row=user).value(user, ("department",))
        mine = sa.select(user.id).where(user.id == me, home == sa.any_(value) if several else home == value)
        return sa.exists(mine.correlate_except(user.table))
    if objects != ("user",):
        return sa.false()
    return me == sa.any_(value) if several else me == value


def _heads(
    building: Building, me: sa.ColumnElement[Any], value: sa.ColumnElement[Any], type: ExprType
) -> Condition:
    department = building.root("department")
    head = SqlBinding(row=department).value(department, ("head",))
    here = department.id == sa.any_(value) if type.kind == "list" else department.id == value
    found = sa.select(department.id).where(here, head == me, *department.live())
    return sa.exists(found.correlate_except(department.table))
