"""Sketch: objects half compiled. Types, options and links are read; no expression is.

In: the effective documents. Out: `ObjectSketch`es whose fields know their type and spec, with the sets their links make on
the other side, old names as aliases, and problems of names, keys and links. The catalogue that types expressions looks at
sketches; model/assemble.py makes the final objects of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import get_global

from patron_engine.expr.types import ExprType
from patron_engine.fields.base import Around, FieldType
from patron_engine.fields.field import Option, Spec
from patron_engine.meta.document import Document, Path
from patron_engine.model.model import LinkSet
from patron_engine.problems import Problems


@dataclass(slots=True)
class FieldSketch:
    """A field before its expressions are read. `expr` of a formula or roll-up is None until it is typed."""

    object: str
    name: str
    definition: Mapping[str, Any]
    path: Path
    type: FieldType
    spec: Spec
    expr: ExprType | None
    system: bool
    aliases: tuple[str, ...]
    value_type: str | None = None
    value_spec: Spec = None

    @property
    def computed(self) -> bool:
        return self.type.name in ("formula", "rollup")


@dataclass(slots=True)
class ObjectSketch:
    name: str
    body: Mapping[str, Any]
    document: Document
    aliases_of: tuple[str, ...]
    fields: dict[str, FieldSketch] = field(default_factory=dict)
    sets: dict[str, LinkSet] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    around: Around = field(default_factory=Around)

    @property
    def record_currency(self) -> bool:
        return self.body.get("currency") == "record"

    @property
    def master(self) -> FieldSketch | None:
        return next((f for f in self.fields.values() if f.type.name == "master"), None)

    def field(self, name: str) -> FieldSketch | None:
        found = self.fields.get(name)
        return found if found is not None else self.fields.get(self.aliases.get(name, ""))

    def set(self, name: str) -> LinkSet | None:
        found = self.sets.get(name)
        return found if found is not None else self.sets.get(self.aliases.get(name, ""))


@dataclass(slots=True)
class Sketch:
    """All objects of one set of effective documents."""

    objects: dict[str, ObjectSketch]
    object_aliases: dict[str, str]
    option_sets: Mapping[str, tuple[Option, ...]]
    virtual: Mapping[str, Mapping[str, ExprType]]
    documents: Mapping[tuple[str, str], Document]
    problems: Problems

    def object(self, name: str | None) -> ObjectSketch | None:
        if name is None:
            return None
        found = self.objects.get(name)
        return found if found is not None else self.objects.get(self.object_aliases.get(name, ""))

    def first_name(self, object: str) -> str:
        """The name an object had first: what its table and links to it are known by."""
        found = self.object(object)
        return object if found is None or not found.aliases_of else found.aliases_of[-1]


def region_of(zone: str) -> str:
    """The country whose phone numbers are written without a country code: that of the workspace's zone."""
    return str(get_global("zone_territories").get(zone, "CN"))


def zone_of(body: Mapping[str, Any]) -> ZoneInfo:
    """The workspace's zone; Shanghai when nothing or nothing known is said."""
    try:
        return ZoneInfo(str(body.get("zone") or "Asia/Shanghai"))
    except (KeyError, ValueError, OSError):
        return ZoneInfo("Asia/Shanghai")
