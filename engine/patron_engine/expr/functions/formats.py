"""TEXT: every kind of value as a text, plainly or in a format. Moments are shown on the workspace's wall clock."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import sqlalchemy as sa

from patron_engine.expr import sqlparts
from patron_engine.expr.context import Context
from patron_engine.expr.functions.arithmetic import EXACT, ONE, bounded
from patron_engine.expr.operation import Operation
from patron_engine.expr.sqlparts import NUMERIC, Column, Side
from patron_engine.jsonio import decimal_text


def _text_moment(ctx: Context, moment: datetime) -> str | None:
    return _text_wall(ctx.local(moment))


def _text_wall(wall: datetime) -> str:
    return f"{wall.year:04d}-{wall.month:02d}-{wall.day:02d} {wall.hour:02d}:{wall.minute:02d}"


_DATE_PARTS: Final = {
    "YYYY": "YYYY",
    "YY": "YY",
    "MM": "MM",
    "DD": "DD",
    "HH": "HH24",
    "MI": "MI",
    "SS": "SS",
}
DATE_FORMAT: Final = re.compile(r"YYYY|YY|MM|DD|HH|MI|SS|[^A-Za-z\"]+")
NUMBER_FORMAT: Final = re.compile(r"(#,##)?0(\.0{1,10})?%?")


def date_format(form: str) -> tuple[str, ...] | None:
    """The parts of a date format, or None: "YYYY-MM-DD" -> ("YYYY", "-", "MM", "-", "DD")."""
    parts = tuple(DATE_FORMAT.findall(form))
    return parts if parts and "".join(parts) == form else None


def _format_wall(parts: tuple[str, ...], at: datetime | date) -> str:
    wall = at if isinstance(at, datetime) else datetime.combine(at, time())
    values = {
        "YYYY": f"{wall.year:04d}", "YY": f"{wall.year % 100:02d}", "MM": f"{wall.month:02d}", "DD": f"{wall.day:02d}",
        "HH": f"{wall.hour:02d}", "MI": f"{wall.minute:02d}", "SS": f"{wall.second:02d}",
    }  # fmt: skip
    return "".join(values.get(p, p) for p in parts)


def _sql_format(parts: tuple[str, ...], at: Column) -> Column:
    pieces = [
        sa.func.to_char(at, sqlparts.text(_DATE_PARTS[p]), type_=sa.Text)
        if p in _DATE_PARTS
        else sqlparts.text(p)
        for p in parts
    ]
    joined: Column = pieces[0]
    for p in pieces[1:]:
        joined = joined.concat(p)
    return joined


def wall(side: Side, moment: Column) -> Column:
    """The workspace's wall clock at a moment: timestamp without zone."""
    return sa.func.timezone(sqlparts.text(side.zone), moment, type_=sqlparts.WALL)


def _format_number(form: str, x: Decimal) -> str | None:
    if form.endswith("%"):
        shown = bounded(EXACT.multiply(x, Decimal(100)))
        if shown is None:
            return None
        x = shown
    decimals = len(form.rstrip("%").partition(".")[2])
    whole = bounded(x.quantize(ONE.scaleb(-decimals), ROUND_HALF_UP, EXACT))
    if whole is None:
        return None
    whole = whole.quantize(ONE.scaleb(-decimals), ROUND_HALF_UP, EXACT)
    text = f"{whole:,f}" if form.startswith("#") else f"{whole:f}"
    return text + ("%" if form.endswith("%") else "")


def _sql_format_number(side: Side, form: str, x: Column) -> Column:
    if form.endswith("%"):
        x = sqlparts.number(x * sqlparts.numeric(Decimal(100)))
    decimals = len(form.rstrip("%").partition(".")[2])
    shown = sqlparts.number(sa.func.round(x, sqlparts.whole_literal(decimals), type_=NUMERIC))
    shown = sa.func.round(shown, sqlparts.whole_literal(decimals), type_=NUMERIC)
    if form.startswith("#"):
        pattern = "FM" + "999," * 9 + "990" + ("." + "0" * decimals if decimals else "")
        text: Column = sa.func.to_char(shown, sqlparts.text(pattern), type_=sa.Text)
    else:
        text = sa.cast(shown, sa.Text)
    return text.concat(sqlparts.text("%")) if form.endswith("%") else text


TEXT_NUMBER: Final = Operation(
    name="TEXT", py=decimal_text, sql=lambda side, x: sa.cast(sa.func.trim_scale(x, type_=NUMERIC), sa.Text)
)
TEXT_DATE: Final = Operation(
    name="TEXT",
    py=lambda d: _format_wall(("YYYY", "-", "MM", "-", "DD"), d),
    sql=lambda side, d: sa.func.to_char(d, sqlparts.text("YYYY-MM-DD"), type_=sa.Text),
)
TEXT_MOMENT: Final = Operation(
    name="TEXT",
    py=_text_moment,
    context=True,
    sql=lambda side, m: sa.func.to_char(wall(side, m), sqlparts.text("YYYY-MM-DD HH24:MI"), type_=sa.Text),
)
TEXT_TIME: Final = Operation(
    name="TEXT",
    py=lambda t: f"{t.hour:02d}:{t.minute:02d}",
    sql=lambda side, t: sa.func.to_char(t, sqlparts.text("HH24:MI"), type_=sa.Text),
)
TEXT_TRUTH: Final = Operation(
    name="TEXT", py=lambda b: "true" if b else "false", sql=lambda side, b: sa.cast(b, sa.Text)
)
TEXT_SAME: Final = Operation(name="TEXT", py=lambda t: t, sql=lambda side, t: sa.cast(t, sa.Text))
TEXT_FORMAT_NUMBER: Final = Operation(name="TEXT", py=_format_number, sql=_sql_format_number)
TEXT_FORMAT_DATE: Final = Operation(
    name="TEXT",
    py=_format_wall,
    sql=lambda side, parts, d: _sql_format(parts, sa.cast(d, sqlparts.WALL)),
    copies=10,
)
TEXT_FORMAT_MOMENT: Final = Operation(
    name="TEXT",
    py=lambda ctx, parts, m: _format_wall(parts, ctx.local(m)),
    context=True,
    sql=lambda side, parts, m: _sql_format(parts, wall(side, m)),
    copies=10,
)
