"""Values: literals that definitions give to fields are read by the field's own type, the parser forms and API use.

In: a Sketch and what meta/reference found. Out: problems; and for defaults the value in Python form.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from patron_engine.expr.types import EMPTY
from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.fields.registry import TYPES, type_of
from patron_engine.jsonio import decimal_text
from patron_engine.meta.document import Document, literal
from patron_engine.meta.languages import is_texts
from patron_engine.meta.reference import ValueUse
from patron_engine.model.catalog import field_at
from patron_engine.model.expressions import Expressions
from patron_engine.model.sketch import FieldSketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems


def as_wire(value: Any) -> Any:
    """A value of a document as it would stand in JSON: decimals as texts, `'=x` as `=x`."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, Mapping):
        return {k: as_wire(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_wire(v) for v in value]
    return literal(value)


def bare_field(f: FieldSketch) -> Field:
    """The field as far as reading a value needs it."""
    return Field(
        object=f.object, name=f.name, type=f.type.name, expr=f.expr or EMPTY, spec=f.spec,
        extra={"value_type": f.value_type, "value_spec": f.value_spec} if f.value_type else {},
    )  # fmt: skip


def check_values(
    document: Document, uses: tuple[ValueUse, ...], expressions: Expressions, problems: Problems
) -> None:
    """Every literal of a document against the field it is for. Unknown fields are told elsewhere."""
    for use in uses:
        object = expressions.object_of(use.object)
        found = None if object is None else field_at(expressions.sketch, object, use.field)
        if found is None or use.value is None or _meant_to_fail(document, use):
            continue
        if isinstance(found.spec, LinkSpec) and found.type.name != "id":
            if not use.loose and use.path and use.path[-1] == "default":
                _no_record(document, use, found, problems)
            continue  # which record is meant is told by the records there are
        if use.loose and (is_texts(use.value) or found.type.name == "auto_number" or "." in use.field or (document.kind == "check"
                          and use.path[2:3] == ("values",))):  # fmt: skip
            continue
        if found.type.family == "file":
            continue
        read_literal(document, use.path, use.value, found, problems)


def _meant_to_fail(document: Document, use: ValueUse) -> bool:
    """A step of a check that expects to be refused may give what no field takes."""
    if (
        document.kind != "check"
        or len(use.path) < 2
        or use.path[0] != "steps"
        or not isinstance(use.path[1], int)
    ):
        return False
    return bool(document.body["steps"][use.path[1]].get("refused"))


def _no_record(document: Document, use: ValueUse, found: FieldSketch, problems: Problems) -> None:
    problems.add(
        "link_literal", Phrase("{found} is a link: which record {value!r} means cannot be told here", found=found.name, value=use.value),
        hint="write an expression: =me(), =REF('document', 'record'), =me().department", **document.where(use.path),
    )  # fmt: skip


def read_literal(
    document: Document, path: tuple[str | int, ...], value: Any, found: FieldSketch, problems: Problems
) -> Any:
    """The value in Python form, or None with its problems told."""
    field = bare_field(found)
    type = TYPES[found.type.name] if found.type.name in TYPES else type_of(field)
    wire = as_wire(value)
    if isinstance(wire, bool) is False and isinstance(wire, int) and found.type.family == "text":
        wire = str(wire)  # `default: 1` of a text: the reader made a number of a plain scalar
    try:
        read = type.read_wire(field, wire)
    except ValueFault as fault:
        problems.add(
            fault.code,
            Phrase(
                "{object}.{found}: {message}", object=found.object, found=found.name, message=fault.message
            ),
            hint=fault.hint,
            **document.where(path),
        )
        return None
    for code, message, hint in type.check(field, read):
        problems.add(
            code,
            Phrase("{object}.{found}: {message}", object=found.object, found=found.name, message=message),
            hint=hint,
            **document.where(path),
        )
    return read
