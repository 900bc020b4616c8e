"""Working time, by the workspace's calendar. These have no SQL side: a calendar is not in the statement."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from patron_engine.expr import limits
from patron_engine.expr.context import Context
from patron_engine.expr.functions.adding import in_years
from patron_engine.expr.functions.arithmetic import EXACT, QUOTIENT, bounded
from patron_engine.expr.operation import Function, Operation, Signature
from patron_engine.expr.types import DATE, DATETIME, NUMBER, ExprType

_SPAN_LIMIT: Final = 20 * limits.WORK_LIMIT  # days that are counted one by one


def _workdays(ctx: Context, first: date, last: date) -> Decimal | None:
    if abs((last - first).days) > _SPAN_LIMIT:
        return None
    return Decimal(ctx.calendar.workdays_between(first, last))


def _workday_add(ctx: Context, day: date, count: Decimal) -> date | None:
    return None if abs(count) > limits.WORK_LIMIT else ctx.calendar.add_workdays(day, int(count))


def _work_hours(ctx: Context, start: datetime, end: datetime) -> Decimal | None:
    if not (in_years(start) and in_years(end)) or abs((end - start).days) > _SPAN_LIMIT:
        return None
    seconds = ctx.calendar.seconds_between(ctx.local(start), ctx.local(end))
    made: Decimal | None = QUOTIENT.py(Decimal(round(seconds * 1_000_000)), Decimal(3_600_000_000))
    return made


def _work_add(ctx: Context, moment: datetime, hours: Decimal) -> datetime | None:
    if not in_years(moment) or not 0 <= hours <= 24 * limits.WORK_LIMIT:
        return None
    end = ctx.calendar.add_seconds(
        ctx.local(moment), float(bounded(EXACT.multiply(hours, Decimal(3600))) or 0)
    )
    return None if end is None else in_years(ctx.moment(end))


def _entry(
    name: str, form: str, help: str, example: tuple[str, str], params: str, result: ExprType, op: Operation
) -> Function:
    return Function(
        name=name, group="working time", form=form, help=help, example=example,
        signatures=(Signature(params=params, result=result, op=op),),
    )  # fmt: skip


FUNCTIONS: Final = (
    _entry("WORKDAYS", "WORKDAYS(from, to)", "The working days from one date to another, both included.",
           ("WORKDAYS(DATE(2026, 3, 2), DATE(2026, 3, 8))", "5"), "date date", NUMBER,
           Operation(name="WORKDAYS", py=_workdays, context=True)),
    _entry("WORKDAY_ADD", "WORKDAY_ADD(date, n)", "The working day n working days later (earlier, when negative).",
           ("WORKDAY_ADD(DATE(2026, 3, 6), 2)", "'2026-03-10'"), "date number", DATE,
           Operation(name="WORKDAY_ADD", py=_workday_add, context=True)),
    _entry("WORK_HOURS", "WORK_HOURS(from, to)", "The working hours between two moments.",
           ("WORK_HOURS(NOW(), NOW())", "0"), "datetime datetime", NUMBER,
           Operation(name="WORK_HOURS", py=_work_hours, context=True)),
    _entry("WORK_ADD", "WORK_ADD(moment, hours)", "The moment when so many working hours have passed.",
           ("WORK_HOURS(NOW(), WORK_ADD(NOW(), 20))", "20"), "datetime number", DATETIME,
           Operation(name="WORK_ADD", py=_work_add, context=True)),
)  # fmt: skip
