"""Steps: what can be done to tables, as a closed family of frozen values; the parts of a DdlPlan.

In: made by store/plan. Out: turned into SQL by store/ddl, run by store/apply (steps) or store/tasks (tasks), judged by
store/lint. Holds no SQL text of its own but what a person is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from patron_engine.problems import Problem
from patron_engine.store.conversion import Conversion, Preview
from patron_engine.store.shape import (
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    IndexShape,
    Key,
    TableShape,
    index,
)

Phase = Literal["expand", "backfill", "contract"]
Lock = Literal["none", "writers of both tables", "readers, a moment", "readers, while rows are changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """The table with its columns, primary key and checks; indexes and foreign keys are steps of their own."""

    table: TableShape


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumns:
    """Columns without default: a change of the catalogue only. Checks of them come along, unvalidated if `large`."""

    table: str
    columns: tuple[ColumnShape, ...]
    checks: tuple[CheckShape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheck:
    table: str
    check: CheckShape


@dataclass(frozen=True, slots=True, kw_only=True)
class AddForeignKey:
    """`check_rows` scans the rows at once; else they are checked by a task."""

    table: str
    key: ForeignKeyShape
    check_rows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyOrphans:
    """Links of a column taken up again may point at records purged meanwhile: they become empty."""

    table: str
    column: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConstraint:
    table: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIndex:
    index: IndexShape


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIndex:
    name: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validate:
    table: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert:
    """The values of a retyped field are carried from its old place to the new one. `old` and `new` are fields of the
    two models as (object, field); store/convert knows the two `Field`s by `key`."""

    key: str  # "object.field" in the new model
    table: str
    source: tuple[str, ...]  # columns, or the link table
    target: tuple[str, ...]
    back: bool = False  # the target held values before: only what was written since is carried


Op = (
    CreateTable
    | AddColumns
    | AddCheck
    | AddForeignKey
    | EmptyOrphans
    | DropConstraint
    | CreateIndex
    | DropIndex
    | Validate
    | Convert
)

TaskKind = Literal["index_build", "validate_constraint", "convert_column", "copy_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing the publishing transaction does.

    lock        whom it makes wait
    rows        rows of the table, about; None where no row is looked at
    reversible  publishing the release before brings the state back
    sentence    what it does, in plain words
    sql         the statements, for reading
    """

    op: Op
    phase: Phase
    lock: Lock
    rows: int | None
    reversible: bool
    sentence: str
    sql: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        names = ("phase", "lock", "rows", "reversible", "sentence")
        return {"step": type(self.op).__name__, **{n: getattr(self, n) for n in names}, "sql": list(self.sql)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What goes on after the publication, in pieces, and survives a kill. `payload` is plain JSON."""

    kind: str
    table: str
    payload: Mapping[str, Any]
    rows: int
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        return {"task": self.kind, "table": self.table, "rows": self.rows, "sentence": self.sentence}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rows say, about the tables that a plan touches.

    rows        table -> rows; exact for small tables, above an estimate
    duplicates  index name -> samples {"values": […], "ids": […], "count": n}
    previews    conversion key -> what becomes of the values
    links       (table, column) of links that shall point at another object -> how many point at the old one
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    duplicates: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    previews: Mapping[str, Preview] = field(default_factory=dict)
    links: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DdlPlan:
    """What publishing will do to the tables.

    checksum  over steps, tasks and the live structure it was made against; row counts do not count
    risks     coded problems: errors refuse the publication, warnings want a confirmation
    """

    schema: str
    steps: tuple[Step, ...]
    tasks: tuple[Task, ...]
    risks: tuple[Problem, ...] = ()
    checksum: str = ""
    previews: tuple[Mapping[str, Any], ...] = ()
    conversions: tuple[Conversion, ...] = field(default=(), compare=False)

    @property
    def empty(self) -> bool:
        return not self.steps and not self.tasks

    def as_dict(self) -> dict[str, Any]:
        return {
            "checksum": self.checksum,
            "steps": [s.as_dict() for s in self.steps],
            "tasks": [t.as_dict() for t in self.tasks],
            "risks": [r.as_dict() for r in self.risks],
            "conversions": [dict(p) for p in self.previews],
        }


def index_payload(index: IndexShape) -> dict[str, Any]:
    """An index as JSON, for a task."""
    return {
        "name": index.name,
        "table": index.table,
        "keys": [[k.column, k.form, k.descending] for k in index.keys],
        "unique": index.unique,
        "method": index.method,
        "where": index.where,
        "constraint": index.constraint,
    }


def index_of(payload: Mapping[str, Any]) -> IndexShape:
    """The index of a task's payload."""
    keys = [Key(column=c, form=f, descending=d) for c, f, d in payload["keys"]]
    return index(
        payload["name"],
        payload["table"],
        *keys,
        unique=payload["unique"],
        method=payload["method"],
        where=payload["where"],
        constraint=payload["constraint"],
    )
