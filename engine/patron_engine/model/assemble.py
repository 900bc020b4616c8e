"""Assemble: sketches with their expressions -> objects of the model.

In: what was checked: sketches, expressions, decisions on storing, physical names. Out: `Object`s. Finds no problems: what
is wrong was told before. Also says which columns a model wants (`wanted`), which names the physical ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.expr.types import EMPTY
from patron_engine.fields.base import Shape
from patron_engine.fields.computed import stored_column
from patron_engine.fields.field import (
    ChoiceSpec,
    Column,
    Field,
    FileSpec,
    Find,
    Formula,
    LinkSpec,
    Rollup,
    Spec,
    Texts,
)
from patron_engine.fields.options import texts
from patron_engine.fields.vault import Vault
from patron_engine.meta.document import Path, former_names, is_expression
from patron_engine.model.expressions import Expressions
from patron_engine.model.model import Feed, Index, Object, RecordType, Rule, Unique
from patron_engine.model.physical import TABLE, PhysicalNames, Wanted
from patron_engine.model.sketch import FieldSketch, ObjectSketch
from patron_engine.model.storing import Storing
from patron_engine.model.values import read_literal
from patron_engine.names import composed
from patron_engine.problems import Problems

ROOTS = frozenset({"this", "old", "me", "target", "event", "approver", "steps"})


def title_of(one: ObjectSketch) -> str:
    """The field or path that stands for a record: what is said, else `name`, else the first text, else the id."""
    title = one.body.get("title")
    if isinstance(title, str):
        return title
    if "name" in one.fields:
        return "name"
    own = (f.name for f in one.fields.values() if not f.system and f.type.name in ("text", "auto_number"))
    return next(own, "id")


def wanted(expressions: Expressions, storing: Storing) -> Iterator[Wanted]:
    """The tables and columns a model wants, system columns left out: their names are always the same."""
    sketch = expressions.sketch
    for one in sketch.objects.values():
        yield Wanted(object=one.name, object_was=one.aliases_of)
        title = title_of(one)
        for f in one.fields.values():
            if not f.system:
                parts = _parts(one, f, f.name == title, storing)
                yield Wanted(
                    object=one.name, field=f.name, type=_meaning(f, expressions), parts=parts, object_was=one.aliases_of,
                    field_was=f.aliases,
                )  # fmt: skip


def _parts(one: ObjectSketch, f: FieldSketch, title: bool, storing: Storing) -> tuple[tuple[str, Any], ...]:
    if isinstance(f.spec, LinkSpec) and f.spec.many:
        return (("", TABLE),)
    if f.computed:
        sql = stored_column(f.expr) if f.expr is not None and storing.decide(f).stored else None
        if sql is None:
            return ()
        more: tuple[tuple[str, Any], ...] = ()
        if title and sql == "text":
            more = (("sort", "text"),)
        elif one.record_currency and f.value_type == "money" and f.type.name == "formula":
            more = (("base", "numeric"),)
        return (("", sql), *more)
    several = isinstance(f.spec, LinkSpec) and len(f.spec.to) > 1
    return f.type.parts(
        Shape(definition=f.definition, title=title, record_currency=one.record_currency, several=several)
    )


def _meaning(f: FieldSketch, expressions: Expressions) -> str:
    if isinstance(f.spec, LinkSpec):
        return f"link:{','.join(sorted(expressions.sketch.first_name(o) for o in f.spec.to))}"
    return f"{f.type.name}:encrypted" if f.definition.get("encrypted") is True else f.type.name


class Assembly:
    """Makes the objects of one model."""

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

    def at(self, one: ObjectSketch, path: Path) -> Expression | None:
        return self.expressions.found.get(("object", one.name, path))

    def object(self, one: ObjectSketch, feeds: tuple[Feed, ...]) -> Object:
        body = one.body
        table = self.names.table(one.name)
        fields = {f.name: self.field(one, f, order) for order, f in enumerate(one.fields.values())}
        master = one.master
        label = _label(body, one.name)
        return Object(
            name=one.name,
            table=table,
            label=label,
            plural=texts(body.get("plural")) or label,
            title=title_of(one),
            owner="master" if master is not None else "none" if body.get("owner") == "none" else "user",
            record_currency=one.record_currency,
            rate_date=body.get("rate_date"),
            history=body.get("history") is not False,
            features=frozenset(body.get("features") or ()),
            search=tuple(body.get("search") or ()),
            fields=MappingProxyType(fields),
            sets=MappingProxyType(dict(one.sets)),
            rules=tuple(self._rules(one)),
            uniques=tuple(self._uniques(one, table)),
            indexes=tuple(self._indexes(one, table)),
            record_types=MappingProxyType({t.name: t for t in self._record_types(one)}),
            master=None if master is None else master.name,
            details=tuple(s.name for s in one.sets.values() if s.master),
            formulas=self.storing.order(one),
            feeds=feeds,
            aliases=MappingProxyType(dict(one.aliases)),
            icon=body.get("icon"),
            extra=MappingProxyType(
                {
                    "color": body.get("color"),
                    "description": texts(body.get("description")),
                    "deprecated": body.get("deprecated") is True,
                }
            ),
        )

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
            label=_label(body, f.name),
            help=texts(body.get("help")),
            required=f.type.name == "master" or self._truth(one, f, "required", False),
            readonly=self._truth(one, f, "readonly", False),
            visible=self._truth(one, f, "visible", True),
            default=self._default(one, f),
            unique=body.get("unique") is True,
            indexed=body.get("indexed") is True,
            sensitive=body.get("sensitive") is True,
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
        return f.spec

    def _rollup(self, one: ObjectSketch, f: FieldSketch) -> Rollup:
        body, decided = f.definition, self.storing.decide(f)
        return Rollup(
            path=tuple(self._today(one, str(body.get("of")).split("."))),
            function=body["function"],
            field=body.get("field"),
            where=self.at(one, (*f.path, "where")),
            sort=_sort(body.get("sort")),
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
            sort=_sort(body.get("sort")),
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

    # -- the rest of an object ------------------------------------------------------------------------------------------

    def _rules(self, one: ObjectSketch) -> Iterator[Rule]:
        for index, body in enumerate(one.body.get("rules") or ()):
            when = self.at(one, ("rules", index, "when"))
            if when is not None and body.get("deprecated") is not True:
                yield Rule(
                    name=body["name"], when=when, level=body.get("level") or "error", at=body.get("at"),
                    message=texts(body.get("message")), reads=reads_of(when),
                )  # fmt: skip

    def _uniques(self, one: ObjectSketch, table: str) -> Iterator[Unique]:
        for index, body in enumerate(one.body.get("unique") or ()):
            yield Unique(
                name=body["name"], fields=tuple(self._field_name(one, f) for f in body["fields"]),
                where=self.at(one, ("unique", index, "where")), index=composed(table, f"{_first(body)}__key"),
                message=texts(body.get("message")),
            )  # fmt: skip
        for f in one.fields.values():
            if f.definition.get("unique") is True:
                first = f.aliases[-1] if f.aliases else f.name
                yield Unique(
                    name=f.name, fields=(f.name,), where=None, index=composed(table, f"{first}__unique")
                )

    def _indexes(self, one: ObjectSketch, table: str) -> Iterator[Index]:
        for body in one.body.get("indexes") or ():
            fields = tuple((self._field_name(one, name), falling) for name, falling in _sort(body["fields"]))
            yield Index(name=body["name"], fields=fields, index=composed(table, f"{_first(body)}__idx"))

    def _field_name(self, one: ObjectSketch, name: str) -> str:
        found = one.field(name)
        return name if found is None else found.name

    def _record_types(self, one: ObjectSketch) -> Iterator[RecordType]:
        for body in one.body.get("record_types") or ():
            options = {k: tuple(str(o) for o in v) for k, v in (body.get("options") or {}).items()}
            yield RecordType(
                name=body["name"],
                label=_label(body, body["name"]),
                options=MappingProxyType(options),
                roles=tuple(body.get("roles") or ()),
            )

    def feeds(self) -> Mapping[str, tuple[Feed, ...]]:
        """Object -> the stored roll-ups its records feed."""
        found: dict[str, list[Feed]] = {}
        for one in self.sketch.objects.values():
            for f in one.fields.values():
                if f.type.name == "rollup" and self.storing.decide(f).stored:
                    link = one.set(str(f.definition["of"]))
                    if link is not None:
                        reads = {link.field, *self._child_reads(one, f)}
                        found.setdefault(link.object, []).append(
                            Feed(
                                parent=one.name,
                                rollup=f.name,
                                link=link.field,
                                many=link.many,
                                reads=frozenset(reads),
                            )
                        )
        return {name: tuple(feeds) for name, feeds in found.items()}

    def _child_reads(self, one: ObjectSketch, f: FieldSketch) -> Iterator[str]:
        where = self.at(one, (*f.path, "where"))
        if f.definition.get("field"):
            yield str(f.definition["field"]).partition(".")[0]
        yield from (
            p.partition(".")[0]
            for p in (where.paths if where is not None else ())
            if p.partition(".")[0] not in ROOTS
        )
        yield from (name.partition(".")[0] for name, _ in _sort(f.definition.get("sort")))


def reads_of(expression: Expression) -> frozenset[str]:
    """Own fields (and sets) an expression mentions, those under `old.` included: a change of one asks it again."""
    found: set[str] = set()
    for path in expression.paths:
        first, _, rest = path.partition(".")
        if first == "old":
            first = rest.partition(".")[0]
        if first not in ROOTS:
            found.add(first.partition("[")[0])
    for node in expression.aggregates:
        found.add(node.base.partition(".")[0] or (node.sets[0] if node.sets else ""))
        for inner in (node.value, node.condition):
            if inner is not None:
                found |= {p.split(".")[1].partition("[")[0] for p in inner.paths if p.startswith("this.")}
    return frozenset(found - {""})


def _sort(raw: Any) -> tuple[tuple[str, bool], ...]:
    return tuple((str(s).removeprefix("-"), str(s).startswith("-")) for s in raw or ())


def _first(body: Mapping[str, Any]) -> str:
    was = former_names(body)
    return was[-1] if was else str(body["name"])


def _label(body: Mapping[str, Any], name: str) -> Texts:
    return texts(body.get("label")) or MappingProxyType({"en": name.replace("_", " ").capitalize()})


def is_file(f: Field) -> bool:
    return isinstance(f.spec, FileSpec)


def is_choice(f: Field) -> bool:
    return isinstance(f.spec, ChoiceSpec)
