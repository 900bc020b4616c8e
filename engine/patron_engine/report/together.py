"""Together: the statements of several plans as one, and its rows as those of each.

In: what statement.py built. Out: `Together`: the text, and how its rows are read. Each part stands in brackets with what it says WITH a
name; its rows have a number and their own columns, empty those of the others: two plans may group by values of different types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from patron_engine.query.call import Call
from patron_engine.query.statement import Statement, compiled
from patron_engine.report.plan import Plan
from patron_engine.report.statement import Built, Form, built


@dataclass(frozen=True, slots=True)
class Figured:
    """A statement as text, and how its rows are read (statement.Built)."""

    statement: Statement
    members: int
    arms: tuple[tuple[tuple[int, int], ...], ...]


def figured(call: Call, plan: Plan, form: Form) -> Figured:
    """The statement of a plan."""
    made = built(call, plan, form)
    return Figured(compiled(made.select, call.model.release, each_time=True), made.members, made.arms)


@dataclass(frozen=True, slots=True)
class Together:
    """`columns`: where the columns of each part begin and end in a row, whose first says which part it is of."""

    statement: Statement
    figured: tuple[Figured, ...]
    columns: tuple[tuple[int, int], ...]

    def parts(self, rows: Sequence[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
        """The rows of each part, as if it had been asked alone."""
        found: list[list[tuple[Any, ...]]] = [[] for _ in self.columns]
        for row in rows:
            first, last = self.columns[row[0]]
            found[row[0]].append(row[first:last])
        return found


def together(call: Call, each: Sequence[Built]) -> Together:
    """Several statements as one."""
    selects = [made.select.subquery(f"part{n}") for n, made in enumerate(each)]
    figured, columns, start = [], [], 1
    for n, (made, own) in enumerate(zip(each, selects, strict=True)):
        shown: list[Any] = [sa.literal(n, sa.Integer()).label("part")]
        shown += [c if part is own else sa.cast(sa.null(), c.type) for part in selects for c in part.c]
        whole = sa.select(*(c.label(f"c{i}") for i, c in enumerate(shown))).select_from(own)
        figured.append(Figured(compiled(whole, call.model.release, each_time=True), made.members, made.arms))
        columns.append((start, start + len(own.c)))
        start += len(own.c)
    text = "\nUNION ALL\n".join(f"({f.statement.text})" for f in figured)
    names = tuple(named(n, name) for n, f in enumerate(figured) for name in f.statement.names)
    return Together(replace(figured[0].statement, text=text, names=names), tuple(figured), tuple(columns))


def named(part: int, name: str) -> str:
    """A value of one of the parts."""
    return f"{part}:{name}"
