"""Fields for tests: a compiled field from the keys of its definition, without a model around it."""

from __future__ import annotations

from typing import Any

from patron_engine.fields.base import Around, Shape
from patron_engine.fields.field import Column, Field
from patron_engine.fields.registry import TYPES


def make_field(type: str, *, title: bool = False, around: Around | None = None, **definition: Any) -> Field:
    """The field `x` of object `o`. Keys that are wrong raise AssertionError."""
    faults: list[Any] = []
    context = around or Around(fault=lambda *fault: faults.append(fault))
    kind = TYPES[type]
    spec = kind.spec(definition, context)
    assert not faults, faults
    shape = Shape(
        definition=definition,
        title=title,
        record_currency=context.record_currency,
        several=isinstance(definition.get("to"), list),
        many=definition.get("many") is True,
    )
    columns = tuple(Column(name=f"x__{p}" if p else "x", sql=sql, part=p) for p, sql in kind.parts(shape))
    return Field(
        object="o", name="x", type=type, expr=kind.expr_type(spec), spec=spec, columns=columns,
        encrypted=definition.get("encrypted") is True,
    )  # fmt: skip


def faults_of_keys(type: str, **definition: Any) -> list[str]:
    """The codes of what is wrong with a definition's own keys."""
    faults: list[str] = []
    TYPES[type].spec(definition, Around(fault=lambda code, *_: faults.append(code)))
    return faults
