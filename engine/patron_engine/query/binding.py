"""Binding: what the names of an expression are in SQL, for one row of a statement.

In: a row (source.py) and what the other first words (`this`, `old`, `event` …) stand for: another row of the statement,
or values given at execution. Out: the columns, joins and subqueries that expr/sql asks for.

    stored field        its column              several-object link   joined with its object
    computed formula    its expression, inline  part of a field       `period.from`: its column
    computed roll-up    a correlated subquery   many link, files      an array
    me(), NOW()         parameters of the call  approval.state …      what flow keeps (virtual.py)

Values of definitions see all rows; what a person's request reads through a link is joined under the target's row rule.
Money is the workspace's currency (the base part), except among the money fields of one document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import When
from patron_engine.errors import LimitExceeded
from patron_engine.expr.sql import condition_sql, to_sql
from patron_engine.expr.types import ExprType
from patron_engine.fields.field import Field, FileSpec, Formula, Rollup
from patron_engine.fields.registry import type_of
from patron_engine.model.model import LINKS
from patron_engine.phrases import Phrase
from patron_engine.query import functions, sets
from patron_engine.query.source import Building, Row, path_steps
from patron_engine.query.sqltypes import part_type, sql_type
from patron_engine.query.virtual import virtual_sql
from patron_engine.store.tables import TYPES, Id

MAX_NESTED = 15  # computed fields that read computed fields
ME, NOW, TODAY = "call.me", "call.now", "call.today"
VIRTUAL = frozenset({"approval", "path", "sla", "pool"})

Root = (
    Row | str | Mapping[str, ExprType]
)  # another row; an object's name; typed names: the last two are given values
Money = Literal["base", "own"]


def parameter(name: str, type: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    """A value given at execution. Named, so that statement.py tells it from a constant."""
    return sa.bindparam(name, None, type_=type, unique=False)


@dataclass(frozen=True, slots=True)
class SqlBinding:
    """The names of one row. `ruled` joins under the actor's row rules; `money` "own" reads amounts as they are;
    `constants` answers the constants of a request with parameters."""

    row: Row
    roots: Mapping[str, Root] = field(default_factory=dict)
    ruled: bool = False
    money: Money = "base"
    constants: Callable[[Any], sa.ColumnElement[Any] | None] | None = None

    # -- what expr/sql asks ---------------------------------------------------------------------------------------

    @property
    def building(self) -> Building:
        return self.row.building

    @property
    def collation(self) -> str | None:
        return self.building.tables.collation

    @property
    def now(self) -> sa.ColumnElement[Any]:
        return parameter(f"{self.building.clock}.now", TYPES["timestamptz"])

    @property
    def today(self) -> sa.ColumnElement[Any]:
        return parameter(f"{self.building.clock}.today", TYPES["date"])

    @property
    def zone(self) -> str:
        return self.building.workspace.zone.key

    @property
    def week_from(self) -> str:
        return self.building.workspace.week_from

    @property
    def fiscal_year_from(self) -> int:
        return self.building.workspace.fiscal_year_from

    def given(self, node: Any) -> sa.ColumnElement[Any] | None:
        """The parameter of a request's constant; None: it is written out."""
        return self.constants(node) if self.constants is not None else None

    def column(self, path: str) -> sa.ColumnElement[Any]:
        """The value of a path, as SQL."""
        steps = path_steps(path)
        first = steps[0]
        if first in ("me", "me()"):
            return self._me(steps[1:])
        if first in self.roots:
            return self._rooted(self.roots[first], path, steps[1:])
        return self.value(self.row, steps)

    def blind(self, path: str, value: str) -> str:
        """The digest by which an encrypted field is found."""
        from patron_engine.query.values import end_of

        steps = path_steps(path)
        found = end_of(self, self.row, steps)
        assert found is not None, path
        return str(type_of(found[2]).normalise(found[2], value))

    def aggregate(self, node: Any) -> sa.ColumnElement[Any]:
        """COUNT(quotes, …): a correlated subquery over a set of this row."""
        return sets.aggregate_sql(self, node)

    def function(
        self, name: str, args: tuple[sa.ColumnElement[Any], ...], node: Any
    ) -> sa.ColumnElement[Any]:
        """Functions that need tables of the workspace."""
        return functions.function_sql(self, name, args, node)

    # -- paths ----------------------------------------------------------------------------------------------------

    def value(self, row: Row, steps: tuple[str, ...]) -> sa.ColumnElement[Any]:
        """The value at the end of `steps` from `row`. The names were resolved before: a missing one is a fault."""
        name = steps[0]
        found = row.object.field(name)
        if found is None and name in VIRTUAL:
            return virtual_sql(row, steps)
        assert found is not None, f"{row.object.name} has no field {name!r}"
        if len(steps) == 1:
            return self.of_field(row, found)
        if found.expr.kind != "link":
            return self._part(row, found, steps[1:])
        target = steps[1][1:-1] if steps[1].startswith("[") else None
        rest = steps[2:] if target else steps[1:]
        if rest in ((), ("id",)) and not self.ruled and target is None:
            return self.of_field(row, found)
        inner = self.across(row, found, target)
        return inner.value(inner.row, rest or ("id",))

    def across(self, row: Row, link: Field, target: str | None) -> SqlBinding:
        """The binding of the record a link of `row` points at. A formula may be a link too."""
        if link.type in LINKS:
            joined = row.follow(link, target, ruled=self.ruled)
            return self.at(joined, foreign=not link.link.document)
        id = self.of_field(row, link)
        object = target or link.expr.objects[0]
        return self.at(row.joined(link.name, id, object, [], ruled=self.ruled, counted=True))

    def _part(self, row: Row, found: Field, steps: tuple[str, ...]) -> sa.ColumnElement[Any]:
        """`period.from`, `address.city`, and what lies inside JSON."""
        if any(c.part == steps[0] for c in found.columns):
            return self.guarded(row, found, row.column(found, steps[0]))
        inside = sa.func.jsonb_extract_path(
            self.of_field(row, found), *(sa.literal(s, sa.Text()) for s in steps)
        )
        return sa.type_coerce(inside, TYPES["jsonb"])

    def of_field(self, row: Row, found: Field) -> sa.ColumnElement[Any]:
        """The value of a field of `row`: its column, or how it is computed; empty where the asker may not read it."""
        return self.guarded(row, found, self._of_field(row, found))

    def guarded(self, row: Row, found: Field, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """A value made of a field, on the rows where it is the asker's to read; empty on the others. The one place where
        rights on fields that hang on the record become SQL."""
        reads = row.reads(found) if self.ruled else None
        return value if reads is None else sa.type_coerce(sa.case((reads, value)), value.type)

    def _of_field(self, row: Row, found: Field) -> sa.ColumnElement[Any]:
        anew = found.computed and self.building.anew(found)
        if isinstance(found.spec, Formula) and anew:
            expression = found.spec.expression
            return self._computed(row, found, lambda inside: to_sql(expression, inside))
        if isinstance(found.spec, Rollup) and anew:
            rollup = found.spec
            return self._computed(row, found, lambda inside: sets.rollup_sql(inside, rollup))
        if found.type in LINKS and found.link.many:
            return self._many(row, found)
        if isinstance(found.spec, FileSpec):
            return self._files(row, found)
        parts = {c.part for c in found.columns}
        if found.encrypted and "blind" in parts:
            return row.column(found, "blind")
        if "base" in parts and self.money == "base":
            return row.column(found, "base")
        if "" not in parts and found.columns:
            return type_of(found).whole_sql(found, [row.table.c[c.name] for c in found.columns])
        if not parts:
            return sa.cast(sa.null(), sql_type(found.expr))
        return row.column(found)

    def at(self, row: Row, *, foreign: bool = True) -> SqlBinding:
        """The same statement seen from another row. Across a link between documents, money is base."""
        return replace(self, row=row, money="base" if foreign else self.money)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _computed(
        self, row: Row, found: Field, make: Callable[[SqlBinding], sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """A computed field inline. A definition's value sees all rows; its own money is as this binding reads it."""
        building = self.building
        before = building.stack
        if len(before) >= MAX_NESTED:
            raise LimitExceeded(
                Phrase(
                    "{object}.{found} is computed from more than {most} computed fields in a row",
                    object=found.object,
                    found=found.name,
                    most=MAX_NESTED,
                ),
                code="query_nested",
                hint="store one of them: stored: true",
            )
        building.stack = (*before, (found.object, found.name))
        try:
            own = found.stored and all(c.part != "base" for c in found.columns)
            return make(SqlBinding(row=row, money="own" if own else self.money))
        finally:
            building.stack = before

    def _me(self, steps: tuple[str, ...]) -> sa.ColumnElement[Any]:
        everybody = self.building.me
        me = parameter(ME, Id()) if everybody is None else everybody
        if not steps or steps == ("id",):
            return me
        user = self.building.root("user")
        value = SqlBinding(row=user).value(user, steps)
        found = sa.select(value).select_from(user.source.from_).where(user.id == me)
        return found.correlate_except(user.table, *user.source.tables).scalar_subquery()

    def _rooted(self, root: Root, path: str, steps: tuple[str, ...]) -> sa.ColumnElement[Any]:
        if isinstance(root, Row):
            if not steps:
                return root.id
            return self.at(root).value(root, steps)
        if isinstance(root, str):
            end = self._end_of(root, steps)
            return parameter(path, sql_type(end) if end is not None else Id())
        return parameter(path, sql_type(root[".".join(steps)]))

    def _end_of(self, object: str, steps: tuple[str, ...]) -> ExprType | None:
        """The type at the end of given names: `this.account` of an object."""
        model = self.building.model
        here = model.object(object)
        for position, name in enumerate(steps):
            if name.startswith("["):
                here = model.object(name[1:-1])
                continue
            found = here.field(name) if here else None
            if found is None:
                return ExprType("text")
            if found.type in LINKS and position + 1 < len(steps):
                here = model.object(found.link.to[0])
                continue
            return part_type(found, steps[position + 1 :])
        return None

    def _many(self, row: Row, found: Field) -> sa.ColumnElement[Any]:
        link = self.building.tables.link(found).alias(self.building.alias())
        ids = sa.select(link.c.target).where(link.c.record == row.id).order_by(link.c.position, link.c.target)
        return _array(ids, row, Id())

    def _files(self, row: Row, found: Field) -> sa.ColumnElement[Any]:
        files = file_table(self.building).alias(self.building.alias())
        ids = file_ids(files, row, found).with_only_columns(sa.cast(files.c.id, TYPES["text"]))
        return _array(ids, row, TYPES["text"])


def rule_condition(row: Row, decision: When) -> sa.ColumnElement[bool]:
    """A row rule as a condition on one row of a statement. What the rule reads, it reads over all rows."""
    return condition_sql(decision.condition, SqlBinding(row=row))


def file_table(building: Building) -> sa.Table:
    """The columns of sys__file that answers use."""
    return building.tables.system(
        "sys__file", id="uuid", object="text", record="uuid", field="text", name="text", mime="text", size="bigint",
        position="bigint", created_at="timestamptz", deleted_at="timestamptz",
    )  # fmt: skip


def file_ids(files: Any, row: Row, found: Field) -> sa.Select[Any]:
    """The live files of one field of a row, in their order."""
    mine = (files.c.object == found.object, files.c.record == row.id, files.c.field == found.name)
    return (
        sa.select(files.c.id)
        .where(*mine, files.c.deleted_at.is_(None))
        .order_by(files.c.position, files.c.created_at, files.c.id)
    )


def _array(select: sa.Select[Any], row: Row, item: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """ARRAY(SELECT …), empty as NULL: an empty list is empty."""
    array = sa.func.array(select.correlate(row.table).scalar_subquery(), type_=pg.ARRAY(item))
    return sa.func.nullif(array, sa.cast(pg.array([], type_=item), pg.ARRAY(item)), type_=pg.ARRAY(item))
