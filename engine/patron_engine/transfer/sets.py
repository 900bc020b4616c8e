"""Sets: what a mapping sets beside the cells: constants, and expressions over the row as it will be.

In: the mapping's `set`, then rows with their values. Out: more values on the rows, or what is wrong with an expression there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.evaluate import closure
from patron_engine.expr.scope import Scope
from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.values import fetch_values
from patron_engine.record.context import context_of
from patron_engine.record.pending import Pending
from patron_engine.record.statements import Conn
from patron_engine.transfer.convert import Item
from patron_engine.transfer.mapping import ImportMap


class Sets:
    """One mapping's constants and expressions, read once. Refused with what is wrong with them."""

    def __init__(self, call: Call, mapping: ImportMap, object: Object) -> None:
        self.object = object
        self.constants, self.expressions = _read(call, mapping)

    def evaluate(
        self, conn: Conn, call: Call, items: Sequence[Item], expressions: Mapping[str, Expression]
    ) -> None:
        if not expressions:
            return
        rows = self._values(conn, call, items, expressions)
        context, _ = context_of(Pending(conn), call)
        for name, expression in expressions.items():
            value_of, own = closure(expression), self.object.fields[name]
            for item, values in zip(items, rows, strict=True):
                if name in expression.paths and name not in item.set:
                    continue  # it makes more of a cell, and there is none: the record's own value is not the file's
                try:
                    item.set[name] = values[name] = _typed(own, value_of(values, context))
                except ValueFault as fault:
                    item.wrong(fault.code, fault.message, name, fault.hint)
                except Exception as error:  # noqa: BLE001 - an expression of the mapping met a value it cannot take
                    item.wrong("expression_failed", Phrase("{name}: {error}", name=name, error=error), name)

    def _values(
        self, conn: Conn, call: Call, items: Sequence[Item], expressions: Mapping[str, Expression]
    ) -> list[dict[str, Any]]:
        """The values of every path the expressions name, row by row: the record's, the row's over them, and what stands
        behind the row's links."""
        paths = sorted({p for e in expressions.values() for p in e.paths})
        there = [i.id for i in items if i.id is not None]
        known = fetch_values(conn, call, self.object.name, there, paths) if there else {}
        rows = [{**dict.fromkeys(paths), **known.get(i.id or "", {})} for i in items]
        for item, values in zip(items, rows, strict=True):
            values.update({p: item.set[p] for p in paths if p in item.set})
        for first in sorted({p.partition(".")[0] for p in paths if "." in p}):
            field = self.object.field(first)
            if (
                field is not None
                and isinstance(field.spec, LinkSpec)
                and not field.link.several
                and not field.link.many
            ):
                self._behind(conn, call, field, items, rows, [p for p in paths if p.startswith(f"{first}.")])
        return rows

    @staticmethod
    def _behind(
        conn: Conn,
        call: Call,
        field: Field,
        items: Sequence[Item],
        rows: Sequence[dict[str, Any]],
        paths: Sequence[str],
    ) -> None:
        ids = sorted({item.set[field.name] for item in items if item.set.get(field.name)})
        inner = [p.partition(".")[2] for p in paths]
        found = fetch_values(conn, call, field.link.to[0], ids, inner)
        for item, values in zip(items, rows, strict=True):
            if field.name in item.set:
                behind = found.get(item.set[field.name] or "", {})
                values.update({p: behind.get(i) for p, i in zip(paths, inner, strict=True)})


def _read(call: Call, mapping: ImportMap) -> tuple[dict[str, Any], dict[str, Expression]]:
    """The mapping's `set`, read. Refused with what is wrong with it."""
    object = call.model.objects[mapping.object]
    constants: dict[str, Any] = {}
    expressions: dict[str, Expression] = {}
    problems: list[Problem] = []
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    scope = Scope(catalog=ReadableCatalog(call.tables, call.actor), object=object.name)
    for name, value in mapping.sets.items():
        first, _, part = name.partition(".")
        own = object.fields[first]
        if isinstance(value, str) and value.startswith("=") and not part:
            made = compile_expression(value[1:], scope)
            if isinstance(made, tuple):
                problems += [
                    Problem(code=p.code, message=p.message, hint=p.hint, path=f"set.{name}") for p in made
                ]
            elif made.aggregates:
                message = "an expression of a mapping cannot count records"
                problems.append(Problem(code="expr_aggregate", message=message, path=f"set.{name}"))
            else:
                expressions[name] = made
            continue
        try:
            if part:
                parts[first][part] = value
            elif isinstance(own.spec, LinkSpec) or first == "record_type":
                constants[name] = value
            else:
                kind = type_of(own)
                constants[name] = (
                    kind.read_text(own, value) if isinstance(value, str) else kind.read_wire(own, value)
                )
        except ValueFault as fault:
            problems.append(
                Problem(code=fault.code, message=fault.message, hint=fault.hint, path=f"set.{name}")
            )
    for first, given in parts.items():
        constants[first] = type_of(object.fields[first]).read_wire(object.fields[first], given)
    if problems:
        raise Refused(problems, code="bad_mapping")
    return constants, expressions


def _typed(own: Field, value: Any) -> Any:
    """What an expression gave, as a value of the field."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and not isinstance(own.spec, LinkSpec):
        return type_of(own).read_text(own, value)
    if isinstance(value, Decimal) and type_of(own).name in ("integer", "rating"):
        return int(value)
    return value
