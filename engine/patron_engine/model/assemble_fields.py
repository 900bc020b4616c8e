"""Assemble fields: a field's sketch with its expressions and columns -> a Field of the model.

In: what was checked. Out: Fields. Finds no problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.expr.types import EMPTY
from patron_engine.fields.base import Shape
from patron_engine.fields.field import (
    Column,
    Field,
    Find,
    Formula,
    LinkSpec,
    PlaceSpec,
    Rollup,
    Spec,
    Texts,
)
from patron_engine.fields.options import texts
from patron_engine.fields.vault import Vault
from patron_engine.meta.document import Path, is_expression
from patron_engine.model.expressions import Expressions
from patron_engine.model.physical import PhysicalNames
from patron_engine.model.sketch import FieldSketch, ObjectSketch
from patron_engine.model.sorted_by import sorted_by_views
from patron_engine.model.storing import Storing
from patron_engine.model.values import read_literal
from patron_engine.problems import Problems


class FieldAssembly:
    """Makes the fields of one model."""

    def __init__(
        self,
        expressions: Expressions,
        storing: Storing,
        names: PhysicalNames,
        vault: Vault | None,
        problems: Problems,
    ) -> None:
        self.expressions = expressions
        self.sketch = expressions.sketch
        self.storing = storing
        self.names = names
        self.vault = vault
        self.problems = problems
        self.sorted = sorted_by_views(expressions.sketch, storing)

    def at(self, one: ObjectSketch, path: Path) -> Expression | None:
        return self.expressions.found.get(("object", one.name, path))

    # -- fields -------------------------------------------------------------------------------------------------------

    def field(self, one: ObjectSketch, f: FieldSketch, order: int) -> Field:
        body = f.definition
        columns = self._columns(f)
        extra: dict[str, Any] = {"order": order}
        if f.value_type is not None:
            extra |= {"value_type": f.value_type, "value_spec": f.value_spec}
        if f.type.name == "phone" or f.value_type == "phone":
            extra["region"] = one.around.region
        if self.vault is not None and (body.get("encrypted") is True or f.type.name == "secret"):
            extra["vault"] = self.vault
        if body.get("separator") is not None:
            extra["separator"] = body["separator"]
        return Field(
            object=one.name,
            name=f.name,
            type=f.type.name,
            expr=f.expr or EMPTY,
            columns=columns,
            spec=self._spec(one, f),
            label=label_of(body, f.name),
            help=texts(body.get("help")),
            required=f.type.name == "master" or self._truth(one, f, "required", False),
            readonly=self._truth(one, f, "readonly", False),
            visible=self._truth(one, f, "visible", True),
            default=self._default(one, f),
            unique=body.get("unique") is True,
            indexed=body.get("indexed") is True or (f.object, f.name) in self.sorted,
            sensitive=body.get("sensitive") is True,
            personal=body.get("personal"),
            encrypted=body.get("encrypted") is True,
            public=body.get("public") is True,
            deprecated=body.get("deprecated") is True,
            system=f.system,
            aliases=f.aliases,
            extra=MappingProxyType(extra),
        )

    def _columns(self, f: FieldSketch) -> tuple[Column, ...]:
        if f.system:
            return tuple(
                Column(name=f.name, sql=sql, part=part)
                for part, sql in f.type.parts(Shape(definition=f.definition))
            )
        if isinstance(f.spec, LinkSpec) and f.spec.many:
            return ()
        return self.names.of(f.object, f.name)

    def _truth(self, one: ObjectSketch, f: FieldSketch, key: str, silent: bool) -> bool | Expression:
        value = f.definition.get(key)
        if isinstance(value, str):
            return self.at(one, (*f.path, key)) or silent
        return silent if value is None else bool(value)

    def _default(self, one: ObjectSketch, f: FieldSketch) -> Any:
        raw = f.definition.get("default")
        if raw is None or f.system:
            return None
        if is_expression(raw):
            return self.at(one, (*f.path, "default"))
        return (
            None
            if isinstance(f.spec, LinkSpec)
            else read_literal(one.document, (*f.path, "default"), raw, f, Problems())
        )

    def _spec(self, one: ObjectSketch, f: FieldSketch) -> Spec:
        if f.type.name == "formula":
            made = self.at(one, (*f.path, "expression"))
            decided = self.storing.decide(f)
            return (
                None
                if made is None
                else Formula(expression=made, stored=decided.stored, why=decided.why, nightly=decided.nightly)
            )
        if f.type.name == "rollup":
            return self._rollup(one, f)
        if isinstance(f.spec, LinkSpec) and not f.system:
            return self._link(one, f, f.spec)
        if isinstance(f.spec, PlaceSpec):
            return self._place(one, f, f.spec)
        return f.spec

    def _place(self, one: ObjectSketch, f: FieldSketch, spec: PlaceSpec) -> PlaceSpec:
        radius = self.at(one, (*f.path, "radius"))
        named = one.field(spec.manual) if isinstance(spec.manual, str) else None
        return replace(
            spec,
            target=self._target(one, spec),
            radius=spec.radius if radius is None else radius,
            manual=spec.manual if named is None else named.name,
        )

    def _target(self, one: ObjectSketch, spec: PlaceSpec) -> tuple[str, str] | None:
        """By the names of today."""
        link = one.field(spec.target[0]) if spec.target else None
        if spec.target is None or link is None or not isinstance(link.spec, LinkSpec):
            return None
        beyond = self.sketch.object(link.spec.to[0])
        place = beyond.field(spec.target[1]) if beyond is not None else None
        return (link.name, place.name if place is not None else spec.target[1])

    def _rollup(self, one: ObjectSketch, f: FieldSketch) -> Rollup:
        body, decided = f.definition, self.storing.decide(f)
        return Rollup(
            path=tuple(self._today(one, str(body.get("of")).split("."))),
            function=body["function"],
            field=body.get("field"),
            where=self.at(one, (*f.path, "where")),
            sort=sort_of(body.get("sort")),
            deep=body.get("deep") is True,
            stored=decided.stored,
            why=decided.why,
            readable_rows=body.get("rows") == "readable",
        )

    def _today(self, one: ObjectSketch, steps: list[str]) -> Iterator[str]:
        here: ObjectSketch | None = one
        for step in steps:
            found = here.set(step) if here is not None else None
            yield step if found is None else found.name
            here = None if found is None else self.sketch.object(found.object)

    def _link(self, one: ObjectSketch, f: FieldSketch, spec: LinkSpec) -> LinkSpec:
        find = f.definition.get("find")
        reverse = f.definition.get("reverse")
        return replace(
            spec,
            where=self.at(one, (*f.path, "where")),
            find=self._find(one, f, find) if isinstance(find, Mapping) else None,
            fill=MappingProxyType(dict(spec.fill)),
            reverse_label=texts(reverse.get("label")) if isinstance(reverse, Mapping) else spec.reverse_label,
            table=self.names.link_table(one.name, f.name) if spec.many else None,
        )

    def _find(self, one: ObjectSketch, f: FieldSketch, body: Mapping[str, Any]) -> Find | None:
        where = self.at(one, (*f.path, "find", "where"))
        if where is None:
            return None
        create = body.get("create")
        return Find(
            where=where,
            sort=sort_of(body.get("sort")),
            create=None if create is None else MappingProxyType(dict(self._created(one, f, create))),
            reads=frozenset(p.split(".")[1].partition("[")[0] for p in where.paths if p.startswith("this.")),
        )

    def _created(
        self, one: ObjectSketch, f: FieldSketch, create: Mapping[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        assert isinstance(f.spec, LinkSpec)
        target = self.sketch.object(f.spec.to[0])
        for name, raw in create.items():
            path = (*f.path, "find", "create", name)
            theirs = target.field(name) if target is not None else None
            if is_expression(raw):
                yield name, self.at(one, path)
            elif theirs is not None:
                yield (
                    name,
                    raw
                    if isinstance(theirs.spec, LinkSpec)
                    else read_literal(one.document, path, raw, theirs, Problems()),
                )


def sort_of(raw: Any) -> tuple[tuple[str, bool], ...]:
    """`[-won, name]` as (name, falling)."""
    return tuple((str(s).removeprefix("-"), str(s).startswith("-")) for s in raw or ())


def label_of(body: Mapping[str, Any], name: str) -> Texts:
    """A label, or the name made readable."""
    return texts(body.get("label")) or MappingProxyType({"en": name.replace("_", " ").capitalize()})
