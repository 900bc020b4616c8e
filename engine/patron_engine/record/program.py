"""Program: everything a save needs to know of one object under one release, prepared once.

In: the model and the tables of a release. Out: compiled statements, codecs between rows and values, closures of
expressions, what each of them needs. Holds no values of records and no connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import sqlalchemy as sa

from patron_engine.expr.compile import Expression
from patron_engine.expr.evaluate import Context, closure
from patron_engine.fields.field import (
    AutoNumber,
    ChoiceSpec,
    Field,
    FileSpec,
    Formula,
    LinkSpec,
    Rollup,
)
from patron_engine.model.model import Model, Object
from patron_engine.record import updates
from patron_engine.record.codec import fitter
from patron_engine.record.layout import Layout
from patron_engine.record.needs import Needs, needs_of, path_needs
from patron_engine.record.statements import ByIds, Statement, by_ids, compiled
from patron_engine.store.tables import Id, Tables, physical_columns

DELETE_BATCH = "delete__batch"  # the deletion a row in the recycle bin belongs to
Closure = Callable[[Mapping[str, Any], Context], Any]


class Programs:
    """The programs of one release in one schema, made when first asked for."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.model = tables.model
        self._programs: dict[str, Program] = {}
        self.kept: dict[Any, Any] = {}  # what other modules of record/ made, by their own keys

    @staticmethod
    def of(tables: Tables) -> Programs:
        """Those of a release, kept with its tables and gone with them."""
        found = tables.prepared.get("record.programs")
        if found is None:
            found = tables.prepared.setdefault("record.programs", Programs(tables))
        return cast(Programs, found)

    def __getitem__(self, object: str) -> Program:
        found = self._programs.get(object)
        if found is None:
            found = self._programs[object] = Program(self, self.model.objects[object])
        return found

    def keep(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` made the first time for this key."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]


class Program:
    """One object, ready to be saved."""

    def __init__(self, programs: Programs, object: Object) -> None:
        self.programs = programs
        self.model: Model = programs.model
        self.object = object
        self.fields: Mapping[str, Field] = object.fields
        self.table = sa.Table(
            object.table,
            sa.MetaData(schema=programs.tables.schema),
            *physical_columns(object),
            sa.Column(DELETE_BATCH, Id()),
        )
        self.columns: tuple[str, ...] = tuple(c.name for c in self.table.columns if c.name != DELETE_BATCH)
        self._updates: dict[tuple[str, ...], Statement] = {}
        self._many_updates: dict[tuple[str, ...], Statement | None] = {}
        self._closures: dict[int, tuple[Expression, Closure]] = {}
        self._needs: dict[int, tuple[Expression, Needs]] = {}
        self._fitters: dict[str, Callable[[Any], Any]] = {}

    # -- names ----------------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Fields with columns, in the order of definition."""
        return tuple(n for n, f in self.fields.items() if f.columns)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The same, each with its place."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def order(self) -> tuple[tuple[str, bool], ...]:
        """All fields in the order of definition, and whether they are the platform's own."""
        return tuple((n, f.system) for n, f in self.fields.items())

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """Money fields whose value in the workspace's currency is kept beside it, as `values["amount.base"]`."""
        return tuple(n for n, f in self.fields.items() if any(c.part == "base" for c in f.columns))

    @cached_property
    def many(self) -> tuple[Field, ...]:
        """Links to several records, kept in link tables."""
        return tuple(f for f in self.fields.values() if isinstance(f.spec, LinkSpec) and f.spec.many)

    @cached_property
    def files(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if isinstance(f.spec, FileSpec))

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """Everything a record holds that a save writes: columns, bases, many links, files."""
        return (
            *self.names,
            *(f"{n}.base" for n in self.bases),
            *(f.name for f in self.many),
            *(f.name for f in self.files),
        )

    @cached_property
    def nothing(self) -> dict[str, Any]:
        """A record in which every kept name is empty: to be copied, which costs less than making one."""
        return dict.fromkeys(self.kept)

    @cached_property
    def kept_names(self) -> frozenset[str]:
        return frozenset(self.kept)

    @cached_property
    def links(self) -> tuple[Field, ...]:
        """Links the caller may set, single ones and many."""
        return tuple(
            f for f in self.fields.values() if isinstance(f.spec, LinkSpec) and (f.columns or f.spec.many)
        )

    @cached_property
    def links_by_name(self) -> tuple[tuple[str, Field], ...]:
        return tuple((f.name, f) for f in self.links)

    @cached_property
    def filling(self) -> tuple[Field, ...]:
        """Links whose chosen record brings values with it."""
        return tuple(f for f in self.links if not f.link.many and f.link.fill)

    @cached_property
    def conditional(self) -> tuple[tuple[Field, Expression], ...]:
        """Links that not every record may be chosen for, with their condition."""
        return tuple((f, f.link.where) for f in self.links if f.link.where is not None)

    @cached_property
    def controlled(self) -> tuple[Field, ...]:
        """Choices whose options depend on another field."""
        return tuple(
            f for f in self.fields.values() if isinstance(f.spec, ChoiceSpec) and f.spec.controlled_by
        )

    @cached_property
    def closing(self) -> tuple[Field, ...]:
        """Fields that are read-only under a condition."""
        return tuple(f for f in self.fields.values() if isinstance(f.readonly, Expression))

    @cached_property
    def formulas(self) -> tuple[tuple[str, Closure, Needs], ...]:
        """Stored formulas in the order they are computed."""
        found = []
        for name in self.object.formulas:
            spec = self.fields[name].spec
            if isinstance(spec, Formula) and spec.stored:
                found.append((name, self.closure(spec.expression), self.needs(spec.expression)))
        return tuple(found)

    @cached_property
    def rollups(self) -> tuple[Field, ...]:
        """Stored roll-ups."""
        return tuple(f for f in self.fields.values() if isinstance(f.spec, Rollup) and f.columns)

    @cached_property
    def numbers(self) -> tuple[tuple[Field, Needs], ...]:
        """Auto numbers, and what their patterns read of the record and of those it links to."""
        return tuple(
            (f, path_needs(self.model, self.object, (part for kind, part in f.spec.parts if kind == "field")))
            for f in self.fields.values()
            if isinstance(f.spec, AutoNumber)
        )

    @cached_property
    def workspace_figures(self) -> frozenset[str]:
        """Roll-ups over records in many currencies: sums of bases, in the workspace's currency themselves. Those over
        records of the same document are in its own."""
        return frozenset(
            f.name for f in self.rollups if isinstance(f.spec, Rollup) and not self._in_document(f.spec.path)
        )

    def _in_document(self, path: Sequence[str]) -> bool:
        here = self.object
        for name in path:
            found = here.sets[here.aliases.get(name, name)]
            if not found.document:
                return False
            here = self.model.objects[found.object]
        return True

    @cached_property
    def sets(self) -> frozenset[str]:
        """Names of the detail sets that are saved inside this object's records."""
        return frozenset(self.object.details)

    def in_base(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values as conditions read them: money in the workspace's currency. Formulas read amounts as they are."""
        if not self.bases:
            return values
        base = {n: values.get(f"{n}.base") for n in self.bases}
        before = {f"old.{n}": values.get(f"old.{n}.base") for n in self.bases if f"old.{n}" in values}
        return {**values, **base, **before}

    # -- expressions ----------------------------------------------------------------------------------------------

    def closure(self, expression: Expression) -> Closure:
        found = self._closures.get(id(expression))
        if found is None:
            found = self._closures[id(expression)] = (expression, closure(expression))
        return found[1]

    def needs(self, expression: Expression) -> Needs:
        found = self._needs.get(id(expression))
        if found is None:
            found = self._needs[id(expression)] = (
                expression,
                needs_of(self.model, self.object, [expression]),
            )
        return found[1]

    def fitter(self, name: str) -> Callable[[Any], Any]:
        """Makes computed values such as the field keeps."""
        found = self._fitters.get(name)
        if found is None:
            found = self._fitters[name] = fitter(self.fields[name])
        return found

    # -- statements -----------------------------------------------------------------------------------------------

    @cached_property
    def load(self) -> ByIds:
        """Rows by id, locked against other writers, in the order of their ids."""
        return self._by_ids(lambda rows: rows.order_by(self.table.c.id).with_for_update(key_share=True))

    @cached_property
    def seize(self) -> ByIds:
        """The same, also against new links to them: for deletion."""
        return self._by_ids(lambda rows: rows.order_by(self.table.c.id).with_for_update())

    @cached_property
    def peek(self) -> ByIds:
        """The same without a lock."""
        return self._by_ids(lambda rows: rows)

    def _by_ids(self, locked: Callable[[sa.Select[Any]], sa.Select[Any]]) -> ByIds:
        rows = sa.select(*(self.table.c[c] for c in self.columns))
        return by_ids(self.table.c.id, lambda among: locked(rows.where(among)))

    @cached_property
    def insert(self) -> Statement:
        """One new row; binds are the columns."""
        return compiled(
            self.table.insert().values({c: sa.bindparam(c, type_=self.table.c[c].type) for c in self.columns})
        )

    def update(self, columns: Sequence[str]) -> Statement:
        """Sets `columns` of the row `row_id`."""
        key = tuple(columns)
        if key not in self._updates:
            self._updates[key] = updates.of_one(self.table, key)
        return self._updates[key]

    def update_many(self, columns: Sequence[str]) -> Statement | None:
        """The same for many rows in one statement, where that can be."""
        key = tuple(columns)
        if key not in self._many_updates:
            self._many_updates[key] = updates.of_many(self.table, key)
        return self._many_updates[key]

    # -- codecs ---------------------------------------------------------------------------------------------------

    @cached_property
    def layout(self) -> Layout:
        """Between rows of all columns and values."""
        return Layout([self.fields[n] for n in self.names], self.columns)

    def decode(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Own values of a row read by `load`, `seize` or `peek`."""
        return self.layout.decode(row)

    def encode(self, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Column -> what psycopg writes, for the named fields."""
        return self.layout.encode(values, names)
