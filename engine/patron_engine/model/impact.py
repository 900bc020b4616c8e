"""Impact: who uses a field, a set, an option, an object, a definition? Every reference of every kind.

In: effective documents. Out: places, in the order of documents. "Where is it used?" in the designer, the refusal to remove
what is still used, and the plan of a rename read the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from patron_engine.expr.nodes import AggregateNode, Expression
from patron_engine.meta.layers import Effective
from patron_engine.meta.reference import Reference
from patron_engine.model.cache import EXPRESSIONS, REFERENCES
from patron_engine.model.catalog import SketchCatalog
from patron_engine.model.expressions import Expressions
from patron_engine.model.sketch import FieldSketch
from patron_engine.model.sketching import sketch
from patron_engine.problems import Problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is used. `path` by names ("rules.overpaid.when"); `text` the expression, when it is in one."""

    kind: str
    name: str
    path: str
    file: str | None
    line: int | None
    text: str | None = None


class Uses:
    """What uses what, worked out once for a set of documents."""

    def __init__(self, effective: Effective) -> None:
        self.effective = effective
        problems = Problems()
        self.references = {key: REFERENCES.of(d) for key, d in effective.documents.items()}
        made = sketch(effective.documents, problems)
        segments = {
            n: str(d.body.get("object")) for (k, n), d in effective.documents.items() if k == "segment"
        }
        self.expressions = Expressions(
            made, SketchCatalog(made, {}, segments), self.references, EXPRESSIONS, problems
        )
        self.expressions.type_formulas()
        self.expressions.compile_rest()

    def of_object(self, object: str) -> tuple[Place, ...]:
        """Documents that name the object, or are about it."""

        def named(r: Reference) -> bool:
            return r.what == "object" and r.name == object

        return tuple(self._places(named, lambda *_: False))

    def of_field(self, object: str, field: str) -> tuple[Place, ...]:
        """Every place that names the field, alone or along a path, and every expression that reads it."""

        def named(r: Reference) -> bool:
            start = self.expressions.object_of(r.object or "?") if r.what in ("field", "option") else None
            if start is None:
                return False
            return (object, field) in set(self._along(start, r.name if r.what == "field" else str(r.field)))

        def read(expression: Expression, asks: str | None, roots: Any) -> bool:
            return (object, field) in set(self._reads(expression, asks, roots))

        return tuple(
            p
            for p in self._places(named, read)
            if (p.kind, p.name) != ("object", object) or p.path != f"fields.{field}"
        )

    def of_definition(self, kind: str, name: str) -> tuple[Place, ...]:
        """Documents that name a document of another kind than object: roles, reports, templates …"""
        return tuple(self._places(lambda r: (r.what == "definition" and r.kind == kind and r.name == name) or (r.what == "element" and r.kind == kind and r.of == name),
                                  lambda *_: False))  # fmt: skip

    def of_option(self, object: str, field: str, option: str) -> tuple[Place, ...]:
        """Documents that name the option, and expressions over its field in which its name stands as a text."""

        def named(r: Reference) -> bool:
            return (
                r.what == "option"
                and r.field == field
                and r.name == option
                and self.expressions.object_of(r.object or "?") == object
            )

        def read(expression: Expression, asks: str | None, roots: Any) -> bool:
            quoted = f"'{option}'" in expression.source or f'"{option}"' in expression.source
            return quoted and (object, field) in set(self._reads(expression, asks, roots))

        return tuple(self._places(named, read))

    def _places(self, named: Any, read: Any) -> Iterator[Place]:
        for key, found in self.references.items():
            document = self.effective.documents[key]
            told: set[Any] = set()
            for reference in found.names:
                if reference.path not in told and named(reference):
                    told.add(reference.path)
                    yield self._place(key, reference.path, None)
            for use in found.expressions:
                expression = self.expressions.found.get((*key, use.path))
                if expression is None or use.path in told:
                    continue
                asks = None if use.object is None else self.expressions.object_of(use.object)
                roots = {r: self.expressions.object_of(o) for r, o in use.roots.items() if isinstance(o, str)}
                if read(expression, asks, roots):
                    told.add(use.path)
                    yield self._place(key, use.path, expression.source)
            del document

    def _place(self, key: tuple[str, str], path: Any, text: str | None) -> Place:
        where = self.effective.documents[key].where(path)
        return Place(
            kind=key[0],
            name=key[1],
            path=where["path"] or "",
            file=where["file"],
            line=where["line"],
            text=text,
        )

    def _reads(
        self, expression: Expression, object: str | None, roots: dict[str, str | None]
    ) -> Iterator[tuple[str, str]]:
        for path in expression.paths:
            first, _, rest = path.partition(".")
            if first in roots:
                start, path = roots[first], rest
            elif first == "me":
                start, path = "user", rest
            else:
                start = object
            if start is not None and path:
                yield from self._along(start, path)
        for node in expression.aggregates:
            yield from self._aggregate(node, object, roots)

    def _aggregate(
        self, node: AggregateNode, object: str | None, roots: dict[str, str | None]
    ) -> Iterator[tuple[str, str]]:
        for inner in (node.value, node.condition):
            if inner is not None:
                yield from self._reads(inner, node.object or object, {**roots, "this": object})

    def _along(self, start: str, path: str) -> Iterator[tuple[str, str]]:
        """(object, field) of each step of a path; sets are stepped through."""
        here: str | None = start
        catalog = self.expressions.catalog
        for step in path.replace("['", "[").replace("']", "]").split("."):
            if here is None:
                return
            name, bracket, target = step.partition("[")
            one = self.expressions.sketch.object(here)
            found = one.field(name) if one is not None else None
            if found is None:
                here = catalog.set_object(here, name)
                continue
            yield (found.object, found.name)
            here = _target(found, target.rstrip("]") if bracket else None)


def _target(found: FieldSketch, named: str | None) -> str | None:
    type = found.expr
    if type is None or type.kind != "link":
        return None
    if named is not None:
        return named
    return type.objects[0] if len(type.objects) == 1 else None


def uses(effective: Effective, object: str, field: str | None = None) -> tuple[Place, ...]:
    """Every place that uses an object, or a field of it."""
    found = Uses(effective)
    return found.of_object(object) if field is None else found.of_field(object, field)


def sentences(places: Iterable[Place]) -> tuple[str, ...]:
    """Places as people read them: "report won_by_region: measures.won.field"."""
    return tuple(f"{p.kind} {p.name}: {p.path}" if p.path else f"{p.kind} {p.name}" for p in places)
