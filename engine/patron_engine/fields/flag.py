"""Yes or no: boolean. Empty counts as no in conditions and stays empty otherwise."""

from __future__ import annotations

from typing import Any, Final

from patron_engine.expr.types import BOOLEAN, ExprType
from patron_engine.fields.base import PLAIN_FORMATS, FieldType, TextFormats, ValueFault, kind_word
from patron_engine.fields.characters import half_width, shown
from patron_engine.fields.field import Field, Spec
from patron_engine.phrases import Phrase


class Boolean(FieldType):
    name = "boolean"
    family = "choice"
    about = "yes or no; empty counts as no in conditions"
    sql = "boolean"
    wire = "true or false"

    def expr_type(self, spec: Spec) -> ExprType:
        return BOOLEAN

    def read_wire(self, field: Field, raw: Any) -> bool | None:
        if raw is None or isinstance(raw, bool):
            return raw
        if raw == "":
            return None
        raise ValueFault(
            "not_boolean",
            Phrase("this is true or false, not {raw}", raw=kind_word(raw)),
            "write true or false without quotes",
        )

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> bool | None:
        word = half_width(text).strip().lower()
        if not word:
            return None
        if word in formats.true:
            return True
        if word in formats.false:
            return False
        raise ValueFault(
            "not_boolean",
            Phrase("{text} is neither yes nor no", text=shown(text)),
            "for example yes, no, true, false, 是, 否",
        )

    def checker(self, field: Field) -> None:
        return None

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return "" if value is None else "true" if value else "false"


TYPES: Final = (Boolean(),)
