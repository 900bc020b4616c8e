"""Goal cells: GOAL('name') in each cell of a report: whose it is and over which days, told by the cell and the report's condition.

In: a connection, the frame of the call, a Plan. Out: `Goals`, asked with a goal's name and a cell. Targets are read once a goal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from patron_engine.expr.closures import build
from patron_engine.expr.context import Context
from patron_engine.expr.functions.periods import period
from patron_engine.expr.nodes import Call as Operated
from patron_engine.expr.nodes import Compare, Logic, Node, Path, Within, children
from patron_engine.query.call import Call
from patron_engine.report.answer import REST, Key
from patron_engine.report.goals import COMPANY, Span, Targets, Whose, targets
from patron_engine.report.groups import Group
from patron_engine.report.parameters import context_of
from patron_engine.report.plan import Plan

PERIODS: Final = frozenset({"month", "quarter", "year", "fiscal_quarter", "fiscal_year"})
OWNER: Final = ("owner", "owner.id")
DEPARTMENT: Final = ("owner.department", "owner.department.id")


@dataclass(slots=True)
class Goals:
    """Answers GOAL of a plan's cells."""

    conn: psycopg.Connection[Any]
    call: Call
    plan: Plan
    _read: dict[str, Targets] = field(default_factory=dict)

    def __call__(self, name: str, place: tuple[Key, Key]) -> Decimal | None:
        """The goal of one cell; empty where there is none."""
        asked = self._asked(place)
        return None if asked is None else self._targets(name).value(*asked)

    def line(self, name: str) -> Decimal | None:
        """The goal a chart is compared with: of a chart over time that of the period that is now, else of all of it."""
        group = next((g for g in self.plan.groups if g.axis.kind == "period"), None)
        whose = self._told.whose or COMPANY
        if group is None:
            return self._targets(name).value(whose, self._span(None))
        if group.axis.by not in PERIODS:
            return None
        first = period(self._context, group.axis.by or "month", 0, self.call.today)
        return None if first is None else self._targets(name).value(whose, self._period(group, first))

    def _targets(self, name: str) -> Targets:
        if name not in self._read:
            self._read[name] = targets(self.conn, self.call, name)
        return self._read[name]

    @property
    def _context(self) -> Context:
        return context_of(self.call, ZoneInfo(self.plan.zone))

    @property
    def _told(self) -> Told:
        return told_by(self.plan, self._context)

    def _asked(self, place: tuple[Key, Key]) -> tuple[Whose, Span] | None:
        """Whose goal a cell asks for and over which days; None where it is about something that has none."""
        rows, columns = place
        members = [*zip(self.plan.rows, rows, strict=False), *zip(self.plan.columns, columns, strict=False)]
        whose, span, dated = self._told.whose or COMPANY, None, None
        for group, member in members:
            path = group.place.path
            if member is None or member is REST:
                return None
            if group.axis.kind == "period" and group.axis.by in PERIODS:
                span, dated = self._period(group, date.fromisoformat(str(member))), group
            elif path in OWNER:
                whose = Whose("user", str(member))
            elif path in DEPARTMENT:
                whose = whose if whose.level == "user" else Whose("department", str(member))
            else:
                return None
        return whose, span if span is not None else self._span(dated)

    def _period(self, group: Group, first: date) -> Span:
        following = period(self._context, group.axis.by or "month", 1, first)
        last = None if following is None else date.fromordinal(following.toordinal() - 1)
        return Span(first, last)

    def _span(self, group: Group | None) -> Span:
        """The days of the whole report: what its condition says of the date it is grouped by, else of any one."""
        path = next((g.place.path for g in self.plan.groups if g.axis.kind == "period"), None)
        spans = self._told.spans
        return spans.get(path, Span()) if path is not None else next(iter(spans.values()), Span())


@dataclass(frozen=True, slots=True)
class Told:
    """What a condition says of the owner and of dates, where it says it of all records."""

    whose: Whose | None
    spans: Mapping[str, Span]


def told_by(plan: Plan, context: Context) -> Told:
    """Read of the parts of the condition that must all hold."""
    whose: Whose | None = None
    spans: dict[str, Span] = {}
    for node in _conjuncts(plan.where.tree) if plan.where is not None else ():
        if isinstance(node, Within) and (path := _path(node.item)):
            first, last = (build(part)({}, context) if _closed(part) else None for part in node.range.parts)
            spans[path] = _narrowed(spans.get(path, Span()), first, last)
        elif (
            isinstance(node, Compare)
            and (path := _path(node.left))
            and (_closed(node.right) or _me(node.right))
        ):
            value = context.me if _me(node.right) else build(node.right)({}, context)
            if path in OWNER and node.sign == "==" and isinstance(value, str):
                whose = Whose("user", value)
            elif isinstance(value, date):
                spans[path] = _compared(spans.get(path, Span()), node.sign, value)
    return Told(whose, spans)


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Logic) and node.word == "and":
        for arg in node.args:
            yield from _conjuncts(arg)
    else:
        yield node


def _path(node: Node) -> str | None:
    """The path of a value, or of the moment whose day it is."""
    if isinstance(node, Operated) and node.op.name == "DAY_OF" and isinstance(node.args[0], Path):
        return node.args[0].path
    return node.path if isinstance(node, Path) else None


def _me(node: Node) -> bool:
    return isinstance(node, Path) and node.path in ("me", "me()", "me.id")


def _closed(node: Node) -> bool:
    """It reads nothing of a record."""
    return not isinstance(node, Path) and all(_closed(child) for child in children(node))


def _compared(span: Span, sign: str, value: date) -> Span:
    day = value.date() if hasattr(value, "date") else value
    if sign in (">", ">="):
        return _narrowed(span, date.fromordinal(day.toordinal() + (sign == ">")), None)
    if sign in ("<", "<="):
        return _narrowed(span, None, date.fromordinal(day.toordinal() - (sign == "<")))
    return _narrowed(span, day, day) if sign == "==" else span


def _narrowed(span: Span, first: date | None, last: date | None) -> Span:
    firsts = [d for d in (span.first, first) if d is not None]
    lasts = [d for d in (span.last, last) if d is not None]
    return Span(max(firsts, default=None), min(lasts, default=None))
