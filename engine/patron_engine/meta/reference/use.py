"""Uses: which other definitions, fields and options a document names, and which expressions and values it holds.

In: the walkers of this package call a `Walk`. Out: `References`, read by the model to check every kind in one way, by
"where is it used?", by renames. Nothing is looked up here: an object is told as the document tells it.

**How an object is told** (`ObjectName`): a text.

    "order"               the object order
    "order/lines"         what the set or link `lines` of order leads to; several steps may follow
    "@report/by_region"   the object of that report (or view); of a dashboard's filter
    "?"                   known only when the expression beside it is typed, or not at all
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from patron_engine.meta.document import Document, Path, is_expression

ObjectName = str
Kinds = tuple[str, ...]
UNKNOWN: ObjectName = "?"
What = Literal[
    "object",
    "field",
    "set",
    "option",
    "definition",
    "element",
    "code",
    "record_type",
    "action",
    "related",
    "here",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One name that must stand for something.

    what         object        name is an object
                 field         name is a field of `object`, or a path of links; `sets`: sets may stand in it too; `written`: so may secrets;
                               `kinds`: what its values are, in kinds of expr.types, `types`: of which types it is; () any
                 set           name is a set of `object`, or a path of sets
                 option        name is an option of field `field` of `object` (a setting's, when object is "")
                 definition    name is a document of `kind`
                 element       name is an element of the list `element` of document `kind`/`of`; of "" any of `object`
                 code          name is the code of a record of the core object `kind` (unknown: a warning)
                 record_type   name is a record type of `object`
                 action        name is something one can do with a record of `object`: submit, a conversion, a button …
                 related       name is a set of `object` or one of its features (activities, comments, files)
                 here          name is one of `known`, all from this document
    """

    path: Path
    what: What
    name: str
    object: ObjectName | None = None
    field: str | None = None
    kind: str | None = None
    of: str | None = None
    element: str | None = None
    sets: bool = False
    written: bool = False
    known: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionUse:
    """One expression of a document and where its names come from.

    text        as written, without the `=` of a value
    role        condition (a truth is wanted), formula (a field's), value (what a key or field gets), measure
    object      whose fields bare names are; None: there are none
    roots       root -> what stands under it: an ObjectName, or a map of dotted names -> type word
    names       further bare names -> type word: measures and parameters of a report. In a measure, outside of
                aggregates, they come before fields; everywhere else a field of that name comes first
    expects     kinds the result may have; () any
    into        (object, field) the result is written to, or None
    rows        it chooses rows: it must have an SQL side
    aggregates  sets may be used: COUNT(lines, …)
    report      GOAL, TOTAL, PREVIOUS and RUNNING may be used

    A type word is a kind of expr.types ("text", "number", "list" …), "object:NAME", "objects:NAME" (several records),
    "field:OBJECT.FIELD" (the type of that field), or "conversion:NAME" (the record it made; NAME.TARGET below it).
    """

    path: Path
    text: str
    role: Literal["condition", "formula", "value", "measure"]
    object: ObjectName | None
    roots: Mapping[str, ObjectName | Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    expects: tuple[str, ...] = ()
    into: tuple[ObjectName, str] | None = None
    rows: bool = False
    aggregates: bool = False
    report: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueUse:
    """A literal that is given to a field: it must be a value of that field. `loose`: in a check or in data a link may
    be named by what the document calls the record, and texts may be maps of languages."""

    path: Path
    value: Any
    object: ObjectName
    field: str
    loose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    names: tuple[Reference, ...]
    expressions: tuple[ExpressionUse, ...]
    values: tuple[ValueUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where an expression stands: whose names are bare, and what is under the roots."""

    object: ObjectName | None
    roots: Mapping[str, ObjectName | Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    rows: bool = False
    aggregates: bool = True
    report: bool = False

    def under(self, **roots: ObjectName | Mapping[str, str] | None) -> Scope:
        return replace(self, roots={**self.roots, **{k: v for k, v in roots.items() if v is not None}})

    def among(self, object: ObjectName | None) -> Scope:
        """Choosing among records of `object`: bare names are theirs, `this.` the record that asks."""
        asks = {"this": self.object} if self.object else {}
        return replace(self, object=object, roots={**self.roots, **asks}, rows=True)

    def inside(self, object: ObjectName | None) -> Scope:
        """For each item of a set: bare names are the item's, `this.` the record that has the set."""
        return replace(self.among(object), rows=self.rows)

    @property
    def steps(self) -> Mapping[str, str]:
        found = self.roots.get("steps", {})
        return found if isinstance(found, Mapping) else {}


def follow(object: ObjectName | None, path: Any) -> ObjectName:
    """What a path of sets and links leads to from `object`."""
    if object is None or object == UNKNOWN or not isinstance(path, str):
        return UNKNOWN
    return f"{object}/{path.replace('.', '/')}"


class Walk:
    """Collects while a walker goes through one document. Every method takes what the author wrote and trusts nothing:
    of a wrong type there is nothing to collect, the schema has told already."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.body = document.body
        self.names: list[Reference] = []
        self.expressions: list[ExpressionUse] = []
        self.values: list[ValueUse] = []

    # names

    def name(self, path: Path, what: What, value: Any, **more: Any) -> None:
        """One name or a list of them."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.name((*path, index), what, item, **more)
        elif isinstance(value, str) and value and not is_expression(value):
            self.names.append(Reference(path=path, what=what, name=value, **more))

    def field(self, path: Path, value: Any, object: ObjectName | None, **more: Any) -> None:
        """A field, a path, a list of them; `-amount` is amount; an element may be a map with `field`. `more`: `sets`, `written`,
        `kinds`, `types` of the Reference."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                inner = (*path, index, "field") if isinstance(item, Mapping) else (*path, index)
                self.field(inner, item.get("field") if isinstance(item, Mapping) else item, object, **more)
        elif object is not None:
            name = value.removeprefix("-") if isinstance(value, str) else value
            self.name(path, "field", name, object=object, **more)

    def definition(self, path: Path, kind: str, value: Any) -> None:
        self.name(path, "definition", value, kind=kind)

    def code(self, path: Path, kind: str, value: Any) -> None:
        self.name(path, "code", value, kind=kind)

    # expressions

    def condition(self, path: Path, value: Any, scope: Scope) -> None:
        """A condition as it stands; true and false are none."""
        if isinstance(value, str) and value:
            self._use(path, value, "condition", scope, expects=("boolean",))

    def formula(self, path: Path, value: Any, scope: Scope) -> None:
        if isinstance(value, str) and value:
            self._use(path, value, "formula", replace(scope, aggregates=False))

    def measure(self, path: Path, value: Any, scope: Scope, expects: tuple[str, ...] = ()) -> None:
        if isinstance(value, str) and value:
            self._use(path, value, "measure", replace(scope, report=True), expects=expects)

    def value(
        self, path: Path, value: Any, scope: Scope, into: tuple[ObjectName, str] | None = None,
        expects: tuple[str, ...] = (), *, loose: bool = False,
    ) -> None:  # fmt: skip
        """A value: `=…` is an expression, in a map or list each part may be; anything else must suit the field."""
        if isinstance(value, str) and value.startswith("="):
            self._use(path, value[1:].strip(), "value", scope, into=into, expects=expects)
            return
        if into is not None:
            self.values.append(ValueUse(path=path, value=value, object=into[0], field=into[1], loose=loose))
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.value((*path, index), item, scope)
        elif isinstance(value, Mapping):
            self._map_value(path, value, scope)

    def _map_value(self, path: Path, value: Mapping[str, Any], scope: Scope) -> None:
        if (
            isinstance(value.get("each"), str) and "set" in value
        ):  # {each: lines, set: {…}}: one map for each item
            self.name((*path, "each"), "set", value["each"], object=scope.object or UNKNOWN)
            inside = scope.inside(follow(scope.object, value["each"]))
            self.condition((*path, "where"), value.get("where"), inside)
            self.value((*path, "set"), value["set"], inside)
            return
        for key, item in value.items():
            self.value((*path, key), item, scope)

    def set_values(
        self, path: Path, value: Any, scope: Scope, target: ObjectName | None, *, loose: bool = False
    ) -> None:
        """`set: {field: value}` of a record of `target`; bare names in values are `scope`'s."""
        for key, item in value.items() if isinstance(value, Mapping) else ():
            into = (target, key) if target is not None else None
            if target is not None:
                self.field((*path, key), key, target)
            self.value((*path, key), item, scope, into, loose=loose)

    def _use(
        self, path: Path, text: str, role: Literal["condition", "formula", "value", "measure"], scope: Scope,
        into: tuple[ObjectName, str] | None = None, expects: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.expressions.append(
            ExpressionUse(
                path=path,
                text=text,
                role=role,
                object=scope.object,
                roots=scope.roots,
                names=scope.names,
                expects=expects,
                into=into,
                rows=scope.rows,
                aggregates=scope.aggregates,
                report=scope.report,
            )
        )

    # reading what may be wrong

    def maps(self, path: Path, value: Any) -> list[tuple[Path, Mapping[str, Any]]]:
        """The maps of a list, with their paths."""
        items = value if isinstance(value, list) else []
        return [((*path, index), item) for index, item in enumerate(items) if isinstance(item, Mapping)]

    def text(self, key: str) -> str | None:
        found = self.body.get(key)
        return found if isinstance(found, str) else None

    def result(self) -> References:
        return References(
            names=tuple(self.names), expressions=tuple(self.expressions), values=tuple(self.values)
        )


def submap(value: Any, key: str) -> Mapping[str, Any]:
    """`value[key]` where both are maps, else an empty map."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
