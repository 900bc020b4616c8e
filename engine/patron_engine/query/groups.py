"""Groups: how the records of a question are spread over the values of one name: counts and sums, in one statement.

In: a connection, the frame of the call, an Ask, a name to group by and names to sum. Out: `Group`s, the largest first. Names
are judged as everywhere (resolve), rows are those the asker may read; sums of money are in the workspace's currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg

from patron_engine.errors import Refused
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.fields.options import names_of
from patron_engine.query import fetch
from patron_engine.query.call import Call
from patron_engine.query.names import Named, Names
from patron_engine.query.resolve import Resolved, resolve
from patron_engine.query.spec import Ask

MAX_GROUPS = 200  # values one question is spread over; the most frequent ones are answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`value` in JSON form (an option's name, a record's id), None for the records without one."""

    value: Any
    count: int
    sums: tuple[Decimal, ...]


def groups(
    conn: psycopg.Connection[Any], call: Call, ask: Ask, by: str, sums: Sequence[str] = ()
) -> tuple[Group, ...]:
    """The groups of the whole question: its limit, sort and place play no part. Refused for names that are none."""
    question = resolve(call, replace(ask, fields=("id",), sort=(), after=None, count="none"))
    named = _named(call, question, [by, *sums])
    rows = fetch.grouped(conn, call, question, named[0], named[1:], MAX_GROUPS)
    return tuple(
        Group(
            value=_today(named[0].field, row[0]), count=row[1], sums=tuple(s or Decimal(0) for s in row[2:])
        )
        for row in rows
    )


def _named(call: Call, question: Resolved, paths: Sequence[str]) -> list[Named]:
    names = Names(call.tables, call.actor)
    found = [names.path(question.object, path, "group") for path in paths]
    if names.problems:
        raise Refused(tuple(names.problems))
    return [named for named in found if named is not None]


def _today(field: Field | None, value: Any) -> Any:
    """An option under its name of today."""
    spec = field and (field.spec if isinstance(field.spec, ChoiceSpec) else field.extra.get("value_spec"))
    if field is None or value is None or not isinstance(spec, ChoiceSpec):
        return value
    return names_of(field).name_of.get(str(value), value)
