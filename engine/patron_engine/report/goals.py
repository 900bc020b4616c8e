"""Goals: what a company, a department or a person is to reach in a time, of the records of goal_value.

In: a connection, the frame of the call, a goal; whose and which days. Out: `Targets`, which add up rightly: of a year its own record
or those of its quarters and months; of a department its own or those of its people and of the departments below it; of the company
its own or those of its departments. Only records that the reader may read count. What is not said is empty, nothing is divided.

`Goals` gives GOAL('name') of each cell of a report: a cell's period, department and person are those of its members, what they do
not say comes from the report's condition. A cell of anything else (a product, a stage) has no goal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, Literal

import psycopg
import sqlalchemy as sa

from patron_engine.access.decide import readable
from patron_engine.access.grants import audience
from patron_engine.expr.functions.adding import add_months
from patron_engine.fields.field import Field
from patron_engine.model.model import LINKS
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.fetch import run
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values
from patron_engine.report.statement import building_of
from patron_engine.store.tables import TYPES

OBJECT: Final = "goal_value"
FIELDS: Final = (
    "level",
    "department",
    "user",
    "period_kind",
    "period",
    "baseline",
    "target_value",
    "stretch",
)
MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
Level = Literal["company", "department", "user"]


@dataclass(frozen=True, slots=True)
class Whose:
    """The company, or one department or person."""

    level: Level = "company"
    id: str | None = None


COMPANY: Final = Whose()


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included; None: as far as there are targets."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One record: what it says, and for how many months."""

    target: Decimal
    baseline: Decimal | None = None
    stretch: Decimal | None = None

    def __add__(self, other: Aim) -> Aim:
        """Parts of one goal. What not all of them say, the whole does not say."""

        def both(a: Decimal | None, b: Decimal | None) -> Decimal | None:
            return None if a is None or b is None else a + b

        return Aim(
            target=self.target + other.target,
            baseline=both(self.baseline, other.baseline),
            stretch=both(self.stretch, other.stretch),
        )


def added(aims: Sequence[Aim | None]) -> Aim | None:
    """All that there are."""
    found = [a for a in aims if a is not None]
    total = found[0] if found else None
    for aim in found[1:]:
        assert total is not None
        total = total + aim
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """`said`: (whose, first day, months) -> what it says."""

    said: Mapping[tuple[Whose, date, int], Aim]
    below: Mapping[str | None, Sequence[str]] = field(
        default_factory=dict
    )  # department -> those directly below it
    people: Mapping[str | None, Sequence[str]] = field(default_factory=dict)  # department -> its people

    def value(self, whose: Whose, span: Span) -> Decimal | None:
        found = self.aim(whose, span)
        return found.target if found is not None else None

    def aim(self, whose: Whose, span: Span) -> Aim | None:
        """What is to be reached in some days. Periods that are not wholly among them do not count."""
        first, last = self._ends(span)
        if first is None or last is None:
            return None
        here: date | None = first if first.day == 1 else add_months(first.replace(day=1), 1)
        found: list[Aim | None] = []
        while here is not None and here <= last:
            months, aim = self._largest(whose, here, last)
            found.append(aim)
            here = add_months(here, months)
        return added(found)

    def _ends(self, span: Span) -> tuple[date | None, date | None]:
        firsts = [first for _, first, _ in self.said]
        lasts = [end for _, first, months in self.said if (end := _end(first, months)) is not None]
        return span.first or min(firsts, default=None), span.last or max(lasts, default=None)

    def _largest(self, whose: Whose, here: date, last: date) -> tuple[int, Aim | None]:
        """The longest period that begins here, ends in time and has a target; a month without one."""
        for months in (12, 6, 3, 1):
            end = _end(here, months)
            if end is None or end > last:
                continue
            found = self._at(whose, here, months)
            if found is not None:
                return months, found
        return 1, None

    def _at(self, whose: Whose, first: date, months: int, depth: int = 0) -> Aim | None:
        """What a period's own record says, else those of the parts of the company or department."""
        own = self.said.get((whose, first, months))
        if own is not None or whose.level == "user" or depth > 50:
            return own
        parts = [Whose("department", d) for d in self.below.get(whose.id, ())]
        parts += [Whose("user", u) for u in self.people.get(whose.id, ())]
        return added([self._at(part, first, months, depth + 1) for part in parts])


def _end(first: date, months: int) -> date | None:
    """The last day of a period."""
    following = add_months(first, months)
    return None if following is None else date.fromordinal(following.toordinal() - 1)


# -- reading ----------------------------------------------------------------------------------------------------------


def targets(conn: psycopg.Connection[Any], call: Call, goal: str) -> Targets:
    """The targets of one goal that the reader may read."""
    if not set(FIELDS) | {"goal"} <= _readable(call).keys():
        return Targets(said={})
    statement = kept(call.tables).get(("goals", audience(call.actor)), lambda: _statement(call))
    said: dict[tuple[Whose, date, int], Aim] = {}
    for level, department, user, kind, first, baseline, target, stretch in run(
        conn, statement, call_values(call) | {"goal": goal}
    ):
        whose = Whose(level, {"department": department, "user": user}.get(level))
        if kind in MONTHS and target is not None and (level == "company" or whose.id is not None):
            said[whose, first, MONTHS[kind]] = Aim(target=target, baseline=baseline, stretch=stretch)
    levels = {whose.level for whose, _, _ in said}
    below, people = _organisation(conn, call) if levels - {"company"} else ({}, {})
    return Targets(said=said, below=below, people=people)


def _readable(call: Call) -> Mapping[str, Any]:
    return readable(call.model, call.actor, OBJECT) if OBJECT in call.model.objects else {}


def _statement(call: Call) -> Statement:
    row = building_of(call).root(OBJECT)
    binding = SqlBinding(row=row, ruled=True)
    columns = [binding.column(name).label(f"c{i}") for i, name in enumerate(FIELDS)]
    mine = binding.column("goal") == parameter("goal", TYPES["text"])
    where = [mine, *row.live(voided=False), *row.ruled()]
    return compiled(sa.select(*columns).select_from(row.source.from_).where(*where), call.model.release)


Parts = Mapping[str | None, Sequence[str]]


def _organisation(conn: psycopg.Connection[Any], call: Call) -> tuple[Parts, Parts]:
    """Which departments and which people make up a department; of the company those without any above."""
    found: list[Parts] = []
    for object in ("department", "user"):
        parts: dict[str | None, list[str]] = defaultdict(list)
        link = _link(call, object)
        if link is not None:
            statement = kept(call.tables).get(("goals", object), partial(_parts, call, link))
            for id, above in conn.execute(statement.text).fetchall():
                parts[above].append(id)
        found.append(parts)
    return found[0], found[1]


def _link(call: Call, object: str) -> Field | None:
    """The link that says which department it is a part of."""
    fields = call.model.objects[object].fields if object in call.model.objects else {}
    if object == "user":
        return fields.get("department")
    return next((f for f in fields.values() if f.type in LINKS and f.link.tree), None)


def _parts(call: Call, link: Field) -> Statement:
    row = Building(tables=call.tables).root(link.object)
    chosen = sa.select(row.id, row.column(link)).select_from(row.source.from_)
    return compiled(chosen.where(*row.live()), call.model.release)
