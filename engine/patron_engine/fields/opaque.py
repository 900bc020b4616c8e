"""What the platform keeps without looking inside: json, and secret, which is written and never read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson
import sqlalchemy as sa

from patron_engine.expr.types import JSON, ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import (
    PLAIN_FORMATS,
    Around,
    FieldType,
    Parts,
    Shape,
    TextFormats,
    ValueFault,
    kind_word,
)
from patron_engine.fields.characters import clean_block
from patron_engine.fields.field import Field, Spec, TextSpec
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase


class Json(FieldType):
    name = "json"
    family = "other"
    about = "any JSON, at most 100,000 bytes; decimals are kept as texts"
    sql = "jsonb"
    wire = "any JSON"
    sortable = False
    silent = True

    def expr_type(self, spec: Spec) -> ExprType:
        return JSON

    def read_wire(self, field: Field, raw: Any) -> Any:
        if raw is None or raw == "" or raw == [] or raw == {}:
            return None
        value = _plain(raw, 1)
        size = len(dumps(value))
        if size > limits.JSON_BYTES:
            raise ValueFault(
                "limit_json",
                Phrase(
                    "{size:,} bytes of JSON, at most {most:,} are kept", size=size, most=limits.JSON_BYTES
                ),
                None,
            )
        return value

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> Any:
        if not text.strip():
            return None
        try:
            value = self.read_wire(field, orjson.loads(text))
        except orjson.JSONDecodeError as error:
            raise ValueFault("not_json", Phrase("this is not JSON: {error}", error=error), None) from None
        json.loads(text, object_pairs_hook=_once)  # what the faster reader does not tell
        return value

    def checker(self, field: Field) -> None:
        return None

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return "" if value is None else dumps(value).decode()

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, where no key stands twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueFault("duplicate_key", "a key stands twice in it", "leave one of them out")
    return made


def _plain(raw: Any, depth: int) -> Any:
    if depth > limits.JSON_DEPTH:
        raise ValueFault(
            "limit_json_depth", Phrase("JSON nests at most {most} levels here", most=limits.JSON_DEPTH), None
        )
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        clean_block(raw)
        return raw
    if isinstance(raw, int):
        if abs(raw) >= 2**63:
            raise ValueFault(
                "limit_integer", "a whole number stays within -2^63 and 2^63 - 1", "write it as text"
            )
        return raw
    if isinstance(raw, float | Decimal):
        try:
            number = Decimal(str(raw))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number) >= limits.NUMBER_BOUND:
            raise ValueFault("limit_number", "a number is finite and stays below 10^25", None)
        return number
    if isinstance(raw, Mapping):
        for key in raw:
            if not isinstance(key, str):
                raise ValueFault("not_json", "keys are texts", None)
            clean_block(key)
        return {k: _plain(v, depth + 1) for k, v in raw.items()}
    if isinstance(raw, list | tuple):
        return [_plain(v, depth + 1) for v in raw]
    raise ValueFault("not_json", Phrase("{name} has no JSON form", name=type(raw).__name__), None)


class Secret(FieldType):
    name = "secret"
    family = "other"
    about = "written and never shown: a token, a password of another system"
    keys = ("max_length",)
    sql = "bytea"
    wire = "text in; true or null out"
    sortable = False
    silent = True

    def parts(self, shape: Shape) -> Parts:
        return (("", "bytea"),)

    def spec(self, definition: Mapping[str, Any], around: Around) -> TextSpec:
        return TextSpec(max_length=int(definition.get("max_length") or limits.SECRET_LENGTH))

    def expr_type(self, spec: Spec) -> ExprType:
        return JSON

    def read_wire(self, field: Field, raw: Any) -> str | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, str):
            raise ValueFault("not_text", Phrase("this is a text, not {raw}", raw=kind_word(raw)), None)
        if len(raw) > field.text.max_length:
            raise ValueFault(
                "too_long",
                Phrase("at most {most:,} characters are allowed", most=field.text.max_length),
                None,
            )
        clean_block(raw)
        return raw

    def checker(self, field: Field) -> None:
        return None

    def to_wire(self, field: Field, value: Any) -> Any:
        return True if value is not None else None

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return ""

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return None


TYPES: Final = (Json(), Secret())
