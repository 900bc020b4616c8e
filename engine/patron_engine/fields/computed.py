"""What nobody writes: formula, rollup, auto_number. Their values have the form of another type, chosen by what the
expression gives; that type does the reading, writing and checking of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr.types import TEXT, ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import Around, FieldType, Parts, Shape, ValueFault
from patron_engine.fields.field import AutoNumber, Field, Spec, SqlType
from patron_engine.phrases import Phrase

# The type whose values a kind has.
VALUE_TYPE: Final[Mapping[str, str]] = MappingProxyType({
    "number": "decimal", "text": "text", "boolean": "boolean", "date": "date", "datetime": "datetime", "time": "time",
    "duration": "duration", "choice": "select", "link": "lookup", "json": "json", "range": "date_range",
    "location": "location", "empty": "text",
})  # fmt: skip
# What a field may be declared to return, and the kind that is.
RETURNS: Final[Mapping[str, str]] = MappingProxyType({
    "text": "text", "long_text": "text", "email": "text", "phone": "text", "url": "text", "cascade": "text",
    "integer": "number", "decimal": "number", "percent": "number", "money": "number", "rating": "number",
    "duration": "duration", "boolean": "boolean", "select": "choice", "date": "date", "datetime": "datetime",
    "time": "time", "user": "link", "department": "link", "lookup": "link", "tags": "list", "multi_select": "list",
})  # fmt: skip
_COLUMN: Final[Mapping[str, SqlType]] = MappingProxyType({
    "number": "numeric", "text": "text", "boolean": "boolean", "date": "date", "datetime": "timestamptz", "time": "time",
    "duration": "bigint", "choice": "text", "link": "uuid", "list": "text[]",
})  # fmt: skip
_PIECE: Final = re.compile(r"\{([^{}]*)\}")
_DATE_PARTS: Final = ("YYYY", "YY", "MM", "DD")


def value_type_name(expr: ExprType, returns: str | None) -> str:
    """The name of the type a computed field's values have."""
    if returns is not None:
        return returns
    if expr.kind == "list":
        return "multi_select" if expr.element is not None and expr.element.kind == "choice" else "tags"
    return VALUE_TYPE[expr.kind]


def stored_column(expr: ExprType) -> SqlType | None:
    """The column of a stored formula or roll-up; None for what cannot be kept (ranges, locations, lists of links)."""
    if expr.kind == "list" and expr.element is not None and expr.element.kind not in ("text", "choice"):
        return None
    if expr.kind == "link" and len(expr.objects) != 1:
        return None
    return _COLUMN.get(expr.kind)


class Computed(FieldType):
    """Formula and roll-up: the registry hands their values to the type in `extra["value_type"]`."""

    family = "computed"
    wire = "of its type"

    def parts(self, shape: Shape) -> Parts:
        return ()

    def expr_type(self, spec: Spec) -> ExprType:
        return ExprType("empty")

    def read_wire(self, field: Field, raw: Any) -> Any:
        raise ValueFault(
            "computed", Phrase("{field} is computed and cannot be written", field=field.name), "leave it out"
        )


class FormulaType(Computed):
    name = "formula"
    about = "worked out from other fields; stored or computed by a fixed rule"
    keys = ("expression", "stored", "returns", "options", "scale")


class RollupType(Computed):
    name = "rollup"
    about = "a figure over a set of records"
    keys = ("of", "function", "field", "where", "sort", "deep", "rows")


class AutoNumberType(FieldType):
    name = "auto_number"
    family = "computed"
    about = "numbers that come by themselves: SO-{YYYY}{MM}-{0000}"
    keys = ("pattern", "reset")
    wire = "text"

    def parts(self, shape: Shape) -> Parts:
        return (("", "text"), ("sort", "text")) if shape.title else (("", "text"),)

    def spec(self, definition: Mapping[str, Any], around: Around) -> AutoNumber:
        pattern = definition.get("pattern", "{000000}")
        parts = read_pattern(str(pattern), around)
        return AutoNumber(pattern=str(pattern), parts=parts, reset=definition.get("reset") or "never")

    def expr_type(self, spec: Spec) -> ExprType:
        return TEXT

    def read_wire(self, field: Field, raw: Any) -> Any:
        raise ValueFault(
            "computed",
            Phrase("{field} is numbered by the platform and cannot be written", field=field.name),
            "leave it out",
        )

    def checker(self, field: Field) -> None:
        return None

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        return tuple(
            value if c.part == "" else None if value is None else value.lower() for c in field.columns
        )

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return columns[0]

    def tokens_text(self, field: Field, value: Any) -> str | None:
        return value if isinstance(value, str) else None


def read_pattern(pattern: str, around: Around) -> tuple[tuple[str, str], ...]:
    """The pieces of a pattern: ("text", "SO-"), ("date", "YYYY"), ("field", "region"), ("counter", "0000")."""
    parts: list[tuple[str, str]] = []
    at = 0
    for piece in _PIECE.finditer(pattern):
        if piece.start() > at:
            parts.append(("text", pattern[at : piece.start()]))
        at = piece.end()
        inner = piece[1]
        if inner and not inner.strip("0"):
            parts.append(("counter", inner))
        elif inner in _DATE_PARTS:
            parts.append(("date", inner))
        elif re.fullmatch("(?:YYYY|YY|MM|DD)+", inner):
            parts.extend(("date", p) for p in re.findall("YYYY|YY|MM|DD", inner))
        elif re.fullmatch(r"[a-z][a-z0-9_.]*", inner):
            parts.append(("field", inner))
        else:
            around.fault("bad_number_pattern", Phrase("{{{inner}}} means nothing in a number", inner=inner), "pattern",
                         "{YYYY} {YY} {MM} {DD}, {0000} for the counter, {field} for a field")  # fmt: skip
    if at < len(pattern):
        parts.append(("text", pattern[at:]))
    counters = [p for p in parts if p[0] == "counter"]
    if len(counters) != 1:
        around.fault(
            "bad_number_pattern",
            Phrase("a number has one counter, this has {count}", count=len(counters)),
            "pattern",
            "for example SO-{YYYY}{MM}-{0000}",
        )
    elif len(counters[0][1]) > 18 or len(pattern) > limits.BARCODE_LENGTH:
        around.fault(
            "limit_number_pattern",
            "a counter has at most 18 digits, a pattern 128 characters",
            "pattern",
            None,
        )
    return tuple(parts)


TYPES: Final = (FormulaType(), RollupType(), AutoNumberType())
