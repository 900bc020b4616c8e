"""Groups: figures over every record of a question, whatever its limit, sort and place: as a whole, or for each value of one name.

In: a connection, the frame of the call, an Ask, measures (function, path), a name to group by. Out: rows of (group, number of
records, figures …), the largest group first; or `Group`s. Names are judged as everywhere, rows are those the asker may read,
money is in the workspace's currency.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`value` in JSON form (an option's name, a record's id), None for the records without one."""

    value: Any
    count: int
    sums: tuple[Decimal, ...]


def groups(
    conn: psycopg.Connection[Any],
    call: Call,
    ask: Ask,
    by: str,
    sums: Sequence[str] = (),
    newest: int | None = None,
) -> tuple[Group, ...]:
    """How the records are spread over the values of `by`, with sums; all of them or the `newest`. Refused for names that are
    none."""
    rows = figures(conn, call, ask, [("sum", path) for path in sums], by, newest)
    return tuple(
        Group(value=value, count=count, sums=tuple(s or Decimal(0) for s in rest))
        for value, count, *rest in rows
    )


def figures(
    conn: psycopg.Connection[Any],
    call: Call,
    ask: Ask,
    measures: Sequence[tuple[str, str]],
    by: str | None = None,
    newest: int | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of (group, number of records, figures …), at most MAX_GROUPS; one row without `by`. An option is under its name of
    today. `measures` are (sum, avg, min, max or count; path)."""
    question = resolve(call, replace(ask, fields=("id",), sort=(), after=None, count="none"))
    named = _named(call, question, [*(path for _, path in measures), *([by] if by is not None else [])])
    group = named.pop() if by is not None else None
    told = tuple((function, one.key) for (function, _), one in zip(measures, named, strict=True))
    rows = fetch.figures(conn, call, question, told, group.key if group is not None else None, newest)
    return [(_today(group.field, row[0]), *row[1:]) if group is not None else row for row in rows]


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
