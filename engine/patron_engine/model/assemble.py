"""Assemble: sketches with their expressions -> objects of the model.

In: what was checked: sketches, expressions, decisions on storing, physical names. Out: `Object`s. Finds no problems: what
is wrong was told before. Its fields are made in assemble_fields.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from patron_engine.expr.compile import Expression
from patron_engine.fields.options import texts
from patron_engine.meta.document import former_names
from patron_engine.model.assemble_fields import FieldAssembly, label_of, sort_of
from patron_engine.model.catalog import field_at
from patron_engine.model.model import Feed, Index, Object, RecordType, Rule, Unique
from patron_engine.model.sketch import FieldSketch, ObjectSketch, zone_of
from patron_engine.model.wanted import title_of
from patron_engine.names import composed

ROOTS = frozenset({"this", "old", "me", "target", "event", "approver", "steps"})


class Assembly(FieldAssembly):
    """Makes the objects of one model."""

    def object(self, one: ObjectSketch, feeds: tuple[Feed, ...]) -> Object:
        body = one.body
        table = self.names.table(one.name)
        fields = {f.name: self.field(one, f, order) for order, f in enumerate(one.fields.values())}
        master = one.master
        label = label_of(body, one.name)
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
            purpose=texts((body.get("privacy") or {}).get("purpose")),
            hold=self.at(one, ("privacy", "hold")),
            title_zone=self._title_zone(one),
            extra=MappingProxyType(
                {
                    "color": body.get("color"),
                    "description": texts(body.get("description")),
                    "deprecated": body.get("deprecated") is True,
                }
            ),
        )

    def _title_zone(self, one: ObjectSketch) -> ZoneInfo | None:
        found = field_at(self.sketch, one.name, title_of(one))
        if found is None or found.expr is None or found.expr.kind != "datetime":
            return None
        return zone_of(
            next((d.body for (kind, _), d in self.sketch.documents.items() if kind == "workspace"), {})
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
            fields = tuple(
                (self._field_name(one, name), falling) for name, falling in sort_of(body["fields"])
            )
            yield Index(name=body["name"], fields=fields, index=composed(table, f"{_first(body)}__idx"))

    def _field_name(self, one: ObjectSketch, name: str) -> str:
        found = one.field(name)
        return name if found is None else found.name

    def _record_types(self, one: ObjectSketch) -> Iterator[RecordType]:
        for body in one.body.get("record_types") or ():
            options = {k: tuple(str(o) for o in v) for k, v in (body.get("options") or {}).items()}
            yield RecordType(
                name=body["name"],
                label=label_of(body, body["name"]),
                description=texts(body.get("description")),
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
        yield from (name.partition(".")[0] for name, _ in sort_of(f.definition.get("sort")))


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


def _first(body: Mapping[str, Any]) -> str:
    was = former_names(body)
    return was[-1] if was else str(body["name"])
