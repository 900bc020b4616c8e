"""Physical names: which table and columns hold which object and field. Decided once, kept for ever.

    known (rows of sys__column) + what a model wants ──settle──▶ PhysicalNames

In: the names a workspace has had so far. Out: the names a model gets: a column that is there already for an object and
field under today's or an old name, else a new one. Pure: reading and writing the rows is the store's work.

A table or column is never renamed and never given to something else. What is no longer wanted goes aside with its data; a
new field of a name that is taken becomes `name__2`, unless the publication takes the old data up. A type change is a new
column beside the old one.

A release that was in force before is compiled with the names it had then (`Named`): a rollback finds its columns whatever
they were called since.

A table has a row too: `sql` is "table", `part` is "" for an object's table (`field` "") or a many link's (`field` its
name); the table name stands in `column`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from patron_engine.fields.field import Column, SqlType
from patron_engine.names import composed, physical_column

TABLE: Final = "table"
EVERYTHING: Final = frozenset({("*", "*")})  # take up whatever is aside: what a rollback asks


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalColumn:
    """One column (or table) and what it holds.

    object, field  today's API names; of what is aside, the last ones
    type           the field's type when the column was made; of a link "link:" and the objects by their first names
    since, until   releases: the first that used it, and the first that no longer did
    """

    object: str
    field: str
    part: str
    column: str
    sql: str
    type: str
    state: Literal["live", "aside"] = "live"
    since: int = 0
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """What held an object or field in one release: its table (`field` "") or one of its columns."""

    object: str
    field: str
    part: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a compiled object or field wants: one table, or the columns of a field."""

    object: str
    field: str = ""  # "" for the object itself
    type: str = "object"
    parts: tuple[tuple[str, SqlType | Literal["table"]], ...] = (("", TABLE),)
    object_was: tuple[str, ...] = ()
    field_was: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalNames:
    """All names of a workspace. `columns` has every row, those aside too; `then` the names of a release to go back to."""

    columns: tuple[PhysicalColumn, ...] = ()
    take_up: frozenset[tuple[str, str]] = frozenset()
    then: tuple[Named, ...] = ()
    _by_field: Mapping[tuple[str, str], tuple[PhysicalColumn, ...]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, compare=False
    )

    @property
    def named(self) -> frozenset[Named]:
        """What holds what in this release."""
        return frozenset(
            Named(c.object, c.field, c.part, c.column) for c in self.columns if c.state == "live"
        )

    @property
    def aside(self) -> tuple[PhysicalColumn, ...]:
        """What holds data nobody sees at present."""
        return tuple(c for c in self.columns if c.state == "aside")

    def table(self, object: str) -> str:
        """The table of an object."""
        return self._by_field[object, ""][0].column

    def link_table(self, object: str, field: str) -> str:
        """The table of a many link."""
        return self._by_field[object, field][0].column

    def of(self, object: str, field: str) -> tuple[Column, ...]:
        """The columns of a field in the order of its parts; () for what has none."""
        return tuple(
            Column(name=c.column, sql=_sql(c), part=c.part) for c in self._by_field.get((object, field), ())
        )

    def settle(self, wanted: Iterable[Wanted], release: int) -> PhysicalNames:
        """The names with everything in `wanted` live and all else aside. Settling the same again changes nothing."""
        return _Settling(self, release).run(list(wanted))


def allocate(
    known: Iterable[PhysicalColumn],
    take_up: frozenset[tuple[str, str]] = frozenset(),
    then: Iterable[Named] = (),
) -> PhysicalNames:
    """The names known so far, ready to compile with: columns of new fields are decided while compiling, when the types
    of formulas are known, and stand in `model.physical` afterwards.

    `take_up` names removed (object, field) whose data the next model shall find again; `EVERYTHING` takes up all. `then`
    are the names of the release that is published again: they come before all others.
    """
    return PhysicalNames(columns=tuple(known), take_up=take_up, then=tuple(then))


def _sql(column: PhysicalColumn) -> Any:
    return column.sql


class _Settling:
    """One pass; not kept."""

    def __init__(self, names: PhysicalNames, release: int) -> None:
        self.release = release
        self.take_up = names.take_up
        self.rows: dict[str, dict[tuple[str, str], list[PhysicalColumn]]] = {"live": {}, "aside": {}}
        self.tables: set[str] = set()
        self.taken: dict[str, set[str]] = {}  # object -> column names
        self.kept: dict[tuple[str, str], tuple[PhysicalColumn, ...]] = {}
        self.used: set[PhysicalColumn] = set()
        self.renamed: dict[str, str] = {}
        self.then: dict[tuple[str, str], dict[str, str]] = {}
        for named in names.then:
            self.then.setdefault((named.object, named.field), {})[named.part] = named.column
        self.at: dict[
            tuple[str, str], PhysicalColumn
        ] = {}  # (today's object, column) and ("", table) -> its row
        for column in names.columns:
            self.at["" if column.sql == TABLE else column.object, column.column] = column
            self.rows[column.state].setdefault((column.object, column.field), []).append(column)
            if column.sql == TABLE:
                self.tables.add(column.column)
            else:
                self.taken.setdefault(column.object, set()).add(column.column)

    def run(self, wanted: list[Wanted]) -> PhysicalNames:
        own = {(w.object, w.field) for w in wanted}
        for want in wanted:
            self.kept[want.object, want.field] = self._one(want, own)
        rows = [row for rows in self.kept.values() for row in rows]
        for known in self.rows.values():
            for columns in known.values():
                rows.extend(self._set_aside(c) for c in columns if c not in self.used)
        rows.sort(key=lambda c: (c.object, c.field, c.state, c.part, c.column))
        return PhysicalNames(columns=tuple(rows), _by_field=MappingProxyType(self.kept))

    def _set_aside(self, column: PhysicalColumn) -> PhysicalColumn:
        object = self.renamed.get(column.object, column.object)
        if column.state == "live":
            return replace(column, object=object, state="aside", until=self.release)
        return column if object == column.object else replace(column, object=object)

    def _one(self, want: Wanted, own: set[tuple[str, str]]) -> tuple[PhysicalColumn, ...]:
        if not want.parts:
            return ()
        found = self._as_then(want) or self._find(self.rows["live"], want, own)
        if found is None and self.take_up & {("*", "*"), (want.object, want.field), (want.object, "*")}:
            found = self._find(self.rows["aside"], want, own)
        if found is None:
            return self._fresh(want)
        self.used.update(found.values())
        if want.field == "" and found[""].object != want.object:
            self.renamed[found[""].object] = want.object
        stem = _stem(next(iter(found.values())))
        return tuple(
            self._again(found[part], want) if part in found else self._row(want, part, f"{stem}__{part}", sql)
            for part, sql in want.parts
        )

    def _again(self, column: PhysicalColumn, want: Wanted) -> PhysicalColumn:
        if (column.object, column.field, column.state) == (want.object, want.field, "live"):
            return column
        since = column.since if column.state == "live" else self.release
        return replace(column, object=want.object, field=want.field, state="live", since=since, until=None)

    def _as_then(self, want: Wanted) -> dict[str, PhysicalColumn] | None:
        """What held it in the release that is published again."""
        named = self.then.get((want.object, want.field))
        table = self.then.get((want.object, ""), {}).get("", "")
        if named is None or ("", table) not in self.at:
            return None
        object = self.at["", table].object
        rows = (self.at.get((object, name)) or self.at.get(("", name)) for name in named.values())
        return _matching([row for row in rows if row is not None and row not in self.used], want)

    def _find(
        self, rows: Mapping[tuple[str, str], list[PhysicalColumn]], want: Wanted, own: set[tuple[str, str]]
    ) -> dict[str, PhysicalColumn] | None:
        """The columns known under today's name or an old one that nobody else has by now."""
        for object in (want.object, *want.object_was):
            for name in (want.field, *want.field_was):
                if (object, name) == (want.object, want.field) or (object, name) not in own:
                    matched = _matching([c for c in rows.get((object, name), ()) if c not in self.used], want)
                    if matched is not None:
                        return matched
        return None

    def _fresh(self, want: Wanted) -> tuple[PhysicalColumn, ...]:
        if want.parts[0][1] == TABLE:
            base = composed(want.object, want.field) if want.field else want.object
            name, number = base, 1
            while name in self.tables:
                number += 1
                name = f"{base}__{number}"
            self.tables.add(name)
            return (self._row(want, "", name, TABLE),)
        taken = self.taken.setdefault(want.object, set())
        for old in want.object_was:
            taken |= self.taken.get(old, set())
        stem, number = physical_column(want.field), 1
        while any(_column(stem, number, part) in taken for part, _ in want.parts):
            number += 1
        made = tuple(self._row(want, part, _column(stem, number, part), sql) for part, sql in want.parts)
        taken.update(c.column for c in made)
        return made

    def _row(self, want: Wanted, part: str, column: str, sql: str) -> PhysicalColumn:
        return PhysicalColumn(
            object=want.object,
            field=want.field,
            part=part,
            column=column,
            sql=sql,
            type=want.type,
            since=self.release,
        )


# Parts the platform derives from the value: they may join a column that is there already.
DERIVED: Final = frozenset({"sort", "base"})


def _matching(columns: list[PhysicalColumn], want: Wanted) -> dict[str, PhysicalColumn] | None:
    """The columns of one generation, of the wanted SQL types and meaning; the newest there is. Derived parts may lack."""
    by_stem: dict[str, dict[str, PhysicalColumn]] = {}
    for column in columns:
        by_stem.setdefault(_stem(column), {})[column.part] = column
    wanted = dict(want.parts)
    fitting = [
        {p: parts[p] for p in wanted if p in parts} for parts in by_stem.values()
        if all(parts[p].sql == sql if p in parts else p in DERIVED for p, sql in wanted.items())
        and all(_same_values(c.type, want.type) for c in parts.values())
    ]  # fmt: skip
    fitting = [f for f in fitting if f]
    return max(fitting, key=lambda f: max((c.since, c.column) for c in f.values())) if fitting else None


def _same_values(before: str, after: str) -> bool:
    """Whether a value of one type means the same as the other: then the column serves both."""
    return before == after or any(before in group and after in group for group in _ALIKE)


# Types that share column type and meaning: changing between them converts nothing (a save checks new values).
_ALIKE: Final = (
    frozenset({"text", "long_text", "auto_number", "barcode"}),
    frozenset({"decimal", "percent", "money", "formula", "rollup"}),
    frozenset({"integer", "rating"}),
)


def _stem(column: PhysicalColumn) -> str:
    return column.column.removesuffix(f"__{column.part}") if column.part else column.column


def _column(stem: str, number: int, part: str) -> str:
    base = stem if number == 1 else f"{stem}__{number}"
    return f"{base}__{part}" if part else base
