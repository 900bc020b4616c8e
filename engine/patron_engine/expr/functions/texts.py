"""Texts. Compared and counted by code point; case by the simple mapping (one character for one), as PostgreSQL does.

A text that an operation makes has at most 10,000 characters, the rest is cut; one without characters is empty.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr import limits, sqlparts
from patron_engine.expr.functions.arithmetic import ONE
from patron_engine.expr.operation import Function, Operation, Signature
from patron_engine.expr.sqlparts import NUMERIC, Column, Side
from patron_engine.expr.types import BOOLEAN, NUMBER, TEXT

_BLANKS: Final = " \t\r\n\u00a0\u3000"
_FAR: Final = 1_000_000


def made(text: str) -> str | None:
    """What an operation made: cut at the limit, None when nothing is in it."""
    return text[: limits.TEXT_LIMIT] or None


def lower(text: str) -> str:
    """Simple case mapping: as many characters out as in."""
    if text.isascii():
        return text.lower()
    return "".join("i" if c == "İ" else c.lower() for c in text)


def upper(text: str) -> str:
    if text.isascii():
        return text.upper()
    return "".join(_upper(c) for c in text)


def _upper(c: str) -> str:
    for mapped in (c.upper(), c.title()):
        if len(mapped) == 1:
            return mapped
    return c


def _int(n: Decimal, low: int, high: int) -> int:
    return int(min(max(n, Decimal(low)), Decimal(high)))


def _find(part: str, text: str, start: Decimal = ONE) -> Decimal:
    first = int(start)
    if not 0 < first < _FAR:
        return Decimal(0)
    return Decimal(text.find(part, first - 1) + 1)


def _sql_find(side: Side, part: Column, text: Column, start: Column | None = None) -> Column:
    zero = sqlparts.whole_literal(0)
    if start is None:
        return sa.cast(sa.func.coalesce(sa.func.strpos(text, part), zero), NUMERIC)
    first = sqlparts.whole(start, _FAR)
    rest = sa.func.substr(text, sa.func.nullif(sa.func.greatest(first, zero), zero))
    place = sa.func.nullif(sa.func.strpos(rest, part, type_=sa.Integer), zero, type_=sa.Integer)
    return sa.cast(sa.func.coalesce(place + first - sqlparts.whole_literal(1), zero), NUMERIC)


def _mid(text: str, start: Decimal, count: Decimal) -> str | None:
    first = int(start)
    if not 0 < first < _FAR:
        return None
    return made(text[first - 1 : first - 1 + _int(count, 0, limits.TEXT_LIMIT)])


def _sql_mid(side: Side, text: Column, start: Column, count: Column) -> Column:
    zero = sqlparts.whole_literal(0)
    first = sa.func.nullif(sa.func.greatest(sqlparts.whole(start, _FAR), zero), zero)
    return sqlparts.made(sa.func.substr(text, first, sqlparts.between(count, 0, limits.TEXT_LIMIT)))


def _replace(text: str, old: str, new: str | None) -> str | None:
    return made(text.replace(old, (new or "")[: limits.REPLACEMENT_LIMIT], limits.TEXT_LIMIT))


def _replace_empty(text: str | None, old: str | None, new: str | None) -> str | None:
    if text is None or old is None:
        return text if text is None else made(text[: limits.TEXT_LIMIT])
    return _replace(text[: limits.TEXT_LIMIT], old, new)


def _sql_replace(side: Side, text: Column, old: Column, new: Column) -> Column:
    nothing = sqlparts.text("")
    by = sa.func.left(sa.func.coalesce(new, nothing), sqlparts.whole_literal(limits.REPLACEMENT_LIMIT))
    cut = sa.func.left(text, sqlparts.whole_literal(limits.TEXT_LIMIT))
    return sqlparts.made(sa.func.replace(cut, sa.func.coalesce(old, nothing), by))


def _concat(*texts: str | None) -> str | None:
    return made("".join(t for t in texts if t is not None))


def _sql_concat(side: Side, *texts: Column) -> Column:
    joined: Column = sa.func.coalesce(texts[0], sqlparts.text(""), type_=sa.Text)
    for t in texts[1:]:
        joined = joined.concat(sa.func.coalesce(t, sqlparts.text(""), type_=sa.Text))
    return sqlparts.made(joined)


_PLAIN: Final = re.compile(r"[ ]*([+-]?[0-9]{1,25}(?:\.[0-9]{1,20})?)[ ]*")


def _value(text: str) -> Decimal | None:
    found = _PLAIN.fullmatch(text)
    return (Decimal(found.group(1)) or Decimal(0)) if found else None


def _sql_value(side: Side, text: Column) -> Column:
    pattern = sqlparts.text("^[ ]*([+-]?[0-9]{1,25}(?:[.][0-9]{1,20})?)[ ]*$")
    return sa.cast(sa.func.substring(text, pattern, type_=sa.Text), NUMERIC)


def _sql_contains(side: Side, text: Column, part: Column) -> Column:
    return sa.func.strpos(
        sa.func.lower(text), sa.func.lower(part), type_=sa.Integer
    ) > sqlparts.whole_literal(0)


def _sql_ends(side: Side, text: Column, part: Column) -> Column:
    return sa.func.right(sa.func.lower(text), sa.func.length(part), type_=sa.Text) == sa.func.lower(part)


CONCAT: Final = Operation(name="CONCAT", py=_concat, sql=_sql_concat, strict=False)
CONTAINS: Final = Operation(name="CONTAINS", py=lambda t, p: lower(p) in lower(t), sql=_sql_contains)
STARTS_WITH: Final = Operation(
    name="STARTS_WITH",
    py=lambda t, p: lower(t).startswith(lower(p)),
    sql=lambda side, t, p: sa.func.starts_with(sa.func.lower(t), sa.func.lower(p), type_=sa.Boolean),
)
ENDS_WITH: Final = Operation(
    name="ENDS_WITH", py=lambda t, p: lower(t).endswith(lower(p)), sql=_sql_ends, copies=2
)


def _entry(
    name: str, form: str, help: str, example: tuple[str, str], params: str, result: Any, op: Operation
) -> Function:
    return Function(
        name=name, group="texts", form=form, help=help, example=example,
        signatures=(Signature(params=params, result=result, op=op),),
    )  # fmt: skip


def _special(name: str, form: str, help: str, example: tuple[str, str]) -> Function:
    return Function(name=name, group="texts", form=form, help=help, example=example, special=name.lower())


_LENGTH: Final = Operation(
    name="LEN",
    py=lambda t: Decimal(0 if t is None else len(t)),
    sql=lambda side, t: sa.cast(sa.func.coalesce(sa.func.length(t), sqlparts.whole_literal(0)), NUMERIC),
    strict=False,
)
FUNCTIONS: Final = (
    _entry("LEFT", "LEFT(text, count)", "The first characters.", ("LEFT('客户A', 2)", "'客户'"), "text number", TEXT,
           Operation(name="LEFT", py=lambda t, n: made(t[: _int(n, 0, limits.TEXT_LIMIT)]),
                     sql=lambda side, t, n: sqlparts.made(
                         sa.func.left(t, sqlparts.between(n, 0, limits.TEXT_LIMIT))))),
    _entry("RIGHT", "RIGHT(text, count)", "The last characters.", ("RIGHT('SO-0042', 4)", "'0042'"), "text number",
           TEXT, Operation(name="RIGHT",
                           py=lambda t, n: made(t[max(len(t) - _int(n, 0, limits.TEXT_LIMIT), 0):]),
                           sql=lambda side, t, n: sqlparts.made(
                               sa.func.right(t, sqlparts.between(n, 0, limits.TEXT_LIMIT))))),
    _entry("MID", "MID(text, start, count)", "Characters from a position on, which begins at 1.",
           ("MID('abcdef', 2, 3)", "'bcd'"), "text number number", TEXT,
           Operation(name="MID", py=_mid, sql=_sql_mid)),
    _entry("LEN", "LEN(text)", "How many characters; 0 for an empty text.", ("LEN('客户')", "2"), "text", NUMBER,
           _LENGTH),
    _entry("UPPER", "UPPER(text)", "In capitals.", ("UPPER('abc')", "'ABC'"), "text", TEXT,
           Operation(name="UPPER", py=lambda t: made(upper(t)),
                     sql=lambda side, t: sqlparts.made(sa.func.upper(t)))),
    _entry("LOWER", "LOWER(text)", "In small letters.", ("LOWER('ABC')", "'abc'"), "text", TEXT,
           Operation(name="LOWER", py=lambda t: made(lower(t)),
                     sql=lambda side, t: sqlparts.made(sa.func.lower(t)))),
    _entry("TRIM", "TRIM(text)", "Without blanks at both ends, full-width ones too.", ("TRIM('  a b ')", "'a b'"),
           "text", TEXT,
           Operation(name="TRIM", py=lambda t: made(t.strip(_BLANKS)),
                     sql=lambda side, t: sqlparts.made(sa.func.btrim(t, sqlparts.text(_BLANKS))))),
    _entry("REPLACE", "REPLACE(text, old, new)", "The text with every `old` replaced by `new`.",
           ("REPLACE('a-b-c', '-', '/')", "'a/b/c'"), "text text text", TEXT,
           Operation(name="REPLACE", py=_replace_empty, sql=_sql_replace, strict=False)),
    _entry("FIND", "FIND(part, text, start)", "Where `part` begins in `text`, from 1; 0 where it is not in it.",
           ("FIND('b', 'abcabc', 3)", "5"), "text text number?", NUMBER,
           Operation(name="FIND", py=lambda p, t, *s: Decimal(0) if None in (p, t, *s) else _find(p, t, *s),
                     sql=_sql_find, strict=False, copies=2)),
    _entry("STARTS_WITH", "STARTS_WITH(text, part)", "Whether a text begins so; case does not matter.",
           ("STARTS_WITH('Patron', 'pa')", "true"), "text text", BOOLEAN, STARTS_WITH),
    _entry("ENDS_WITH", "ENDS_WITH(text, part)", "Whether a text ends so; case does not matter.",
           ("ENDS_WITH('a.PDF', '.pdf')", "true"), "text text", BOOLEAN, ENDS_WITH),
    _special("CONTAINS", "CONTAINS(text, part)", "Whether `part` is in the text (case does not matter) or in the list.",
             ("CONTAINS('Patron CRM', 'crm')", "true")),
    _special("CONCAT", "CONCAT(a, b, …)", "Values of any kind joined to one text; empty ones add nothing.",
             ("CONCAT('No ', 7)", "'No 7'")),
    _special("TEXT", "TEXT(value, format)", "A value as text; formats 0.00, #,##0.00, 0%, YYYY-MM-DD HH:MI:SS.",
             ("TEXT(1234.5, '#,##0.00')", "'1,234.50'")),
    _entry("VALUE", "VALUE(text)", "The number a text spells, empty when it spells none.", ("VALUE(' 12.50 ')", "12.5"),
           "text", NUMBER, Operation(name="VALUE", py=_value, sql=_sql_value)),
    _special("MATCHES", "MATCHES(text, 'pattern')",
             "Whether a regular expression is found in the text; ^ and $ mean its ends.",
             ("MATCHES('AB-12', '^[A-Z]{2}-[0-9]+$')", "true")),
)  # fmt: skip
