"""Conversions: which fields changed their place, and what becomes of a value on the way.

In: two models (and the live shape, to know whether the new place held values before). Out: Conversions, and for one
value `Converted`. Pure.

A type change never alters a column: the new type has a column of its own, the old one stays aside with its values, and
rolling back finds them. What was written in between is carried back (`back`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.fields.field import Column, Field
from patron_engine.model.model import LINKS, Model, Object
from patron_engine.names import composed
from patron_engine.store.shape import SchemaShape

SAMPLES = 20  # rows shown of each kind in a preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Values of one field go from `old`'s columns to `new`'s.

    source_table, target_table  link tables of fields with many links, else None
    back                        the target held values before: only what was written since is carried
    parts                       only these derived parts of the same value are filled (a field became the title)
    """

    object: str
    table: str
    old: Field
    new: Field
    from_release: int
    to_release: int
    source_table: str | None = None
    target_table: str | None = None
    back: bool = False
    parts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.object}.{self.new.name}"

    @property
    def source(self) -> tuple[str, ...]:
        return (self.source_table,) if self.source_table else tuple(c.name for c in self.old.columns)

    @property
    def target(self) -> tuple[str, ...]:
        return (self.target_table,) if self.target_table else tuple(c.name for c in self.new.columns)

    @property
    def sentence(self) -> str:
        if self.parts:
            return f"fill {' and '.join(self.parts)} of {self.key}"
        how = "carry back what was written since" if self.back else "convert the values"
        return f"{how} of {self.key} from {self.old.type} to {self.new.type}"

    def payload(self) -> dict[str, Any]:
        """As JSON for a task. What the fields mean is found again in the models of the two releases; where the values
        stand is said here, because an older release that is compiled again does not know it any more."""
        return {
            "object": self.object,
            "table": self.table,
            "old": self.old.name,
            "new": self.new.name,
            "from_release": self.from_release,
            "to_release": self.to_release,
            "back": self.back,
            "parts": list(self.parts),
            "source_table": self.source_table,
            "target_table": self.target_table,
            "source": [[c.name, c.sql, c.part] for c in self.old.columns],
            "target": [[c.name, c.sql, c.part] for c in self.new.columns],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What becomes of the values of one field. `samples`: {"id", "value", "becomes", "why"}, failing ones first."""

    key: str
    old_type: str
    new_type: str
    converts: int = 0
    loses: int = 0
    fails: int = 0
    complete: bool = True  # false: only the first rows were looked at
    samples: tuple[Mapping[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        names = ("old_type", "new_type", "converts", "loses", "fails", "complete")
        return {
            "field": self.key,
            **{n: getattr(self, n) for n in names},
            "samples": [dict(s) for s in self.samples],
        }


def conversions(old: Model | None, new: Model, live: SchemaShape) -> tuple[Conversion, ...]:
    """Fields that both models have and whose values stand elsewhere from now on, in the order of definition."""
    if old is None:
        return ()
    before = {o.table: o for o in old.objects.values()}
    found: list[Conversion] = []
    for object in new.objects.values():
        was = before.get(object.table)
        if was is None:
            continue
        for field in object.fields.values():
            earlier = None if field.system else same_field(was, field)
            if earlier is None:
                continue
            conversion = _conversion(object, earlier, field, old.release, new.release, live)
            if conversion is not None:
                found.append(conversion)
    return tuple(found)


def same_field(object: Object, field: Field) -> Field | None:
    """The field of an earlier (or later) model that `field` is: by name, or by an old name of either."""
    for name in (field.name, *field.aliases):
        if (found := object.field(name)) is not None:
            return found
    return None


def find(model_old: Model, model_new: Model, payload: Mapping[str, Any]) -> Conversion | None:
    """The conversion of a task's payload, or None when the object or field is gone meanwhile."""
    objects = {o.table: o for o in model_old.objects.values()}
    later = {o.table: o for o in model_new.objects.values()}
    table = str(payload["table"])
    if table not in objects or table not in later:
        return None
    old, new = objects[table].field(str(payload["old"])), later[table].field(str(payload["new"]))
    if old is None or new is None:
        return None
    return Conversion(
        object=later[table].name,
        table=table,
        old=replace(old, columns=_columns(payload["source"])),
        new=replace(new, columns=_columns(payload["target"])),
        from_release=int(payload["from_release"]),
        to_release=int(payload["to_release"]),
        source_table=payload["source_table"],
        target_table=payload["target_table"],
        back=bool(payload["back"]),
        parts=tuple(payload["parts"]),
    )


def _columns(listed: Iterable[Sequence[Any]]) -> tuple[Column, ...]:
    return tuple(Column(name=name, sql=sql, part=part) for name, sql, part in listed)


def link_table_name(field: Field) -> str | None:
    if field.type in LINKS and field.link.many:
        return field.link.table or composed(field.object, field.name)
    return None


def _conversion(
    object: Object, old: Field, new: Field, from_release: int, to_release: int, live: SchemaShape
) -> Conversion | None:
    source_table, target_table = link_table_name(old), link_table_name(new)
    source = {c.name for c in old.columns if c.part not in PARTS_COMPUTED}
    target = {c.name for c in new.columns if c.part not in PARTS_COMPUTED}
    parts: tuple[str, ...] = ()
    if source_table == target_table and source == target:
        had = {c.part for c in old.columns}
        parts = tuple(c.part for c in new.columns if c.part not in had)
        if not parts:
            return None
    if not (source_table or source) or not (target_table or target):
        return None
    if new.computed and new.type != "auto_number":
        return None  # a formula or roll-up fills its own column
    there = live.tables.get(object.table)
    back = (
        target_table in live.tables
        if target_table
        else there is not None and any(name in there.columns for name in target)
    ) and not parts
    return Conversion(
        object=object.name,
        table=object.table,
        old=old,
        new=new,
        from_release=from_release,
        to_release=to_release,
        source_table=source_table,
        target_table=target_table,
        back=back,
        parts=parts,
    )


PARTS_COMPUTED = frozenset({"sort", "base"})  # made from the value itself, not carried
