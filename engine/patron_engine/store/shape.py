"""Shapes: what tables, columns, indexes and constraints are, as values without SQL.

In: made by store/desired (from a model) and store/catalog (from the live catalogue). Out: compared by store/plan and
store/doctor. Two shapes are equal when nothing would have to change; what only informs (row counts, column numbers
used up) does not take part in the comparison. Never talks to a database.

PostgreSQL prints predicates and expressions in its own words, which differ from version to version. So an index carries
a *mark*, a digest of its definition that stands in its comment, and marks are compared instead of texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from patron_engine.jsonio import checksum

KeyForm = Literal["plain", "other"]
Method = Literal["btree", "gin", "brin"]
CheckKind = Literal["number", "day", "moment"]
Purpose = Literal["object", "link", "access"]

CHECK_SUFFIX = "sane"  # constraints are called amount__sane, account__fk
FK_SUFFIX = "fk"
LIVE_ROWS = "deleted_at IS NULL"
NEVER_EMPTY = frozenset({"id", "created_at", "updated_at", "version"})  # a plain index serves both directions

CHECKED: Mapping[str, CheckKind] = MappingProxyType(
    {"numeric": "number", "date": "day", "timestamptz": "moment"}
)  # what a column type cannot be trusted with: NaN and 10^25, infinities, years outside 1 to 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnShape:
    """`aside` columns belong to a removed or retyped field: they keep its data and nobody writes them.

    fill  literal that existing rows get when the column is added (never a default of the table), or None
    """

    name: str
    sql: str
    nullable: bool = True
    aside: bool = field(default=False, compare=False)
    fill: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of an index: a column, or (`other`, made by hand) the text of an expression."""

    column: str
    form: KeyForm = "plain"
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexShape:
    """`where` is the predicate's SQL over bare column names, known for desired indexes only; `mark` stands for it."""

    name: str
    table: str
    keys: tuple[Key, ...]
    unique: bool = False
    method: Method = "btree"
    mark: str | None = None
    where: str | None = field(default=None, compare=False)
    valid: bool = True
    primary: bool = False
    constraint: str | None = field(default=None, compare=False)  # name of the unique rule, for people

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(k.column for k in self.keys)


def index(
    name: str,
    table: str,
    *keys: Key,
    unique: bool = False,
    method: Method = "btree",
    where: str | None = None,
    constraint: str | None = None,
) -> IndexShape:
    """A desired index with its mark."""
    parts = [[k.column, k.form, k.descending] for k in keys]
    mark = "patron " + checksum([parts, unique, method, where])[:16]
    return IndexShape(
        name=name,
        table=table,
        keys=keys,
        unique=unique,
        method=method,
        mark=mark,
        where=where,
        constraint=constraint,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKeyShape:
    """From one column to the `id` of another table of the schema. `validated`: every row was checked."""

    name: str
    column: str
    target: str
    validated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckShape:
    """Keeps what PostgreSQL would take and no other part of the platform can: the kind follows from the column type."""

    name: str
    column: str
    kind: CheckKind
    validated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """One table. The order of columns has no meaning.

    used  column numbers used up for life, dropped columns included (live tables only; PostgreSQL ends at 1,600)
    rows  the planner's estimate (live tables only; -1: never counted)
    """

    name: str
    columns: Mapping[str, ColumnShape]
    primary: tuple[str, ...]
    indexes: Mapping[str, IndexShape]
    foreign_keys: Mapping[str, ForeignKeyShape]
    checks: Mapping[str, CheckShape]
    purpose: Purpose = field(default="object", compare=False)
    used: int = field(default=0, compare=False)
    rows: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaShape:
    """The tables of one workspace, without the platform's own (`sys__…`)."""

    name: str
    tables: Mapping[str, TableShape]


def fingerprint(shape: SchemaShape) -> str:
    """A digest of the structure: equal shapes give equal digests, row counts and the like do not count."""
    return checksum(
        [
            [
                t.name,
                sorted([c.name, c.sql, c.nullable] for c in t.columns.values()),
                list(t.primary),
                sorted(
                    [
                        i.name,
                        i.unique,
                        i.method,
                        i.mark or "",
                        i.valid,
                        [[k.column, k.form, k.descending] for k in i.keys],
                    ]
                    for i in t.indexes.values()
                ),
                sorted([f.name, f.column, f.target, f.validated] for f in t.foreign_keys.values()),
                sorted([c.name, c.column, c.kind, c.validated] for c in t.checks.values()),
            ]
            for _, t in sorted(shape.tables.items())
        ]
    )
