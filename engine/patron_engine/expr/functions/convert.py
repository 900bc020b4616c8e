"""Silent conversions: JSON values where a text, number or truth is asked for. What does not fit is empty."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr import sqlparts
from patron_engine.expr.functions.arithmetic import bounded
from patron_engine.expr.functions.texts import made
from patron_engine.expr.operation import Operation
from patron_engine.expr.sqlparts import NUMERIC, Column


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        return bounded(Decimal(value))
    except InvalidOperation:
        return None


def _sql_if(value: Column, kind: str, then: Column) -> Column:
    return sa.case((sa.func.jsonb_typeof(value) == sqlparts.text(kind), then))


def _as_text(value: Column) -> Column:
    whole = sa.func.jsonb_build_array(value)
    return sa.func.jsonb_extract_path_text(whole, sqlparts.text("0"), type_=sa.Text)


JSON_NUMBER: Final = Operation(
    name="number of JSON",
    py=_number,
    sql=lambda side, v: sqlparts.number(_sql_if(v, "number", sa.cast(_as_text(v), NUMERIC))),
    copies=2,
)
JSON_TEXT: Final = Operation(
    name="text of JSON",
    py=lambda v: made(v) if isinstance(v, str) else None,
    sql=lambda side, v: sqlparts.made(_sql_if(v, "string", _as_text(v))),
    copies=2,
)
JSON_TRUTH: Final = Operation(
    name="truth of JSON",
    py=lambda v: v is True,
    sql=lambda side, v: _sql_if(v, "boolean", sa.cast(_as_text(v), sa.Boolean)),
    copies=2,
)
CONVERSIONS: Final = {
    "number": JSON_NUMBER,
    "duration": JSON_NUMBER,
    "text": JSON_TEXT,
    "choice": JSON_TEXT,
    "boolean": JSON_TRUTH,
}
