"""Mapping: which column of a file becomes which field, and how its cells are read.

    mapping file (or headings alone) + model ──reading / suggest──▶ ImportMap ──▶ convert, find, sets

In: what `transfer/reading` checked. Out: `ImportMap` and its `Target`s, values only; their names are today's names of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as kept  # Target has an attribute `field`
from decimal import Decimal
from typing import Any, Literal

from patron_engine.model.model import Object, label_of

EXTERNAL = "external_ids."
Missing = Literal["problem", "empty", "create"]
MISSING: tuple[Missing, ...] = ("problem", "empty", "create")
Found = Literal["update", "skip"]
FOUND: tuple[Found, ...] = ("update", "skip")
Others = Literal["create", "skip"]
OTHERS: tuple[Others, ...] = ("create", "skip")
PARTS: Mapping[str, tuple[str, ...]] = {
    "address": ("country", "province", "city", "district", "street", "postcode"),
    "date_range": ("from", "to"),
    "location": ("lat", "lng"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one column becomes: a field, a part of one ("address.city"), or an external id ("external_ids.erp").

    by        what a link's cells name: "title", a field, "external_ids.SOURCE"; None tries what is likely
    object    the object a link to several objects points at
    words     cells and what they stand for: corrections and option words, folded to lower case
    defer     linked when every row is there: the rows of the same file point at each other
    form      forms of dates of this column, in the order they are tried
    multiply  numbers of the file times this are the field's ("in millions")
    """

    field: str
    by: str | None = None
    object: str | None = None
    missing: Missing = "problem"
    words: Mapping[str, str | None] = kept(default_factory=dict)
    defer: bool = False
    form: tuple[str, ...] = ()
    multiply: Decimal | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "field": self.field, "by": self.by, "object": self.object, "missing": self.missing,
            "values": dict(self.words), "defer": self.defer, "format": list(self.form),
            "multiply": None if self.multiply is None else str(self.multiply),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMap:
    """`columns`: heading -> what it becomes, several times where a column feeds several fields; `sets`: field -> a text or
    plain value, or "=expression" over the row; `marks_given`: the marks of numbers were declared, not merely assumed. Where rows
    are matched, `found` says what becomes of those whose record is there, `others` of the rest."""

    object: str
    match: str | None = None
    found: Found = "update"
    others: Others = "create"
    columns: Mapping[str, tuple[Target, ...]] = kept(default_factory=dict)
    sets: Mapping[str, Any] = kept(default_factory=dict)
    dates: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ","
    marks_given: bool = False
    skip_empty: bool = True
    left_out: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The mapping as `read_mapping` reads it again."""
        made: dict[str, Any] = {
            "object": self.object,
            "match": self.match,
            "found": self.found,
            "others": self.others,
            "formats": {
                "date": list(self.dates),
                **({"decimal": self.decimal, "thousands": self.thousands} if self.marks_given else {}),
            },
            "columns": {h: [t.as_dict() for t in ts] for h, ts in self.columns.items()},
            "set": dict(self.sets),
            "skip_empty": self.skip_empty,
        }
        made["columns"].update(dict.fromkeys(self.left_out))
        return made


def called(object: Object, name: str) -> str:
    """What people call a field of a mapping, or the field a part is of."""
    field = object.fields.get(name.partition(".")[0])
    return name if field is None else label_of(field.label, field.name)
