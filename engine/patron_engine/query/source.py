"""Source: the FROM of a statement while it is being built: one row and what is joined to it, step by step.

In: the frame of the call, an object, and (later) links to follow. Out: rows whose columns expressions are made of, and
the FROM with its joins. A link is a LEFT JOIN on live records of the target, under its row rule where the statement is
somebody's; the same step is joined once. Every statement counts its joins against one limit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import sqlalchemy as sa

from patron_engine.access.decide import Action, Allow, Decision, Deny, FieldRule, When
from patron_engine.errors import LimitExceeded
from patron_engine.fields.field import Field
from patron_engine.model.model import Model, Object, Workspace
from patron_engine.phrases import Phrase
from patron_engine.store.tables import Tables

MAX_STEPS = 5
MAX_JOINS = 20

Rules = Callable[..., Decision]  # (object, action = "read") -> its row rule
Fields = Callable[[Field], FieldRule]  # a field -> on which rows it is his to read
Condition = Callable[["Row", Any], sa.ColumnElement[bool]]  # a row and its When -> SQL


@dataclass(slots=True)
class Building:
    """One statement under construction. `rules` and `fields` are None where no person stands behind it: definitions' own
    values.

    `condition` turns a row rule into SQL (binding.rule_condition; kept here so that joins need not know expressions).
    `me` is whose rights are asked where that is a column (of everybody at once); else it is a parameter of the call.
    `by_row`: rights are asked of few rows, one by one, by their keys; else of many at once, in the best way for all of them.
    `stands` gives what stands for an object's table where that is not its rows of today (report/past.py), `anew` which stored
    figures are worked out of those rows; `clock` names the parameters that say when now is.
    """

    tables: Tables
    rules: Rules | None = None
    fields: Fields | None = None
    condition: Condition | None = None
    languages: tuple[str, ...] = ("en",)
    me: sa.ColumnElement[Any] | None = None
    by_row: bool = False
    stands: Callable[[Object], sa.FromClause] | None = None
    anew: Callable[[Field], bool] = lambda field: not field.stored
    clock: str = "call"
    joins: int = 0
    stack: tuple[Hashable, ...] = ()  # computed fields being expanded, against endless nesting
    _numbers: Any = field(default_factory=lambda: count(0))

    @property
    def model(self) -> Model:
        return self.tables.model

    @property
    def workspace(self) -> Workspace:
        return self.tables.model.workspace

    def alias(self) -> str:
        return f"t{next(self._numbers)}"

    def joined(self) -> None:
        self.joins += 1
        if self.joins > MAX_JOINS:
            raise LimitExceeded(
                Phrase("the query follows more than {most} links", most=MAX_JOINS),
                code="query_joins",
                hint="ask for fewer paths, or take some of them in a second query",
            )

    def table(self, object: Object) -> sa.FromClause:
        """An object's rows, under a name of their own."""
        return (self.tables.of(object) if self.stands is None else self.stands(object)).alias(self.alias())

    def root(self, object: str) -> Row:
        """A new FROM of one object's table. Which of its rows (live, readable) is for the caller to say."""
        found = self.model.objects[object]
        table = self.table(found)
        return Row(building=self, object=found, table=table, source=Source(from_=table))


@dataclass(slots=True, eq=False)
class Source:
    """The FROM clause; grows while expressions are made, so it is read last."""

    from_: sa.FromClause
    joined: dict[Hashable, Row] = field(default_factory=dict)
    tables: list[sa.FromClause] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Row:
    """One row of a statement: the record asked for, or one joined to it. `steps` counts the links followed."""

    building: Building
    object: Object
    table: sa.FromClause
    source: Source
    steps: int = 0

    def column(self, field: Field, part: str = "") -> sa.ColumnElement[Any]:
        return self.table.c[field.part(part).name]

    @property
    def id(self) -> sa.ColumnElement[str]:
        return self.table.c["id"]

    def live(self, *, voided: bool = True) -> list[sa.ColumnElement[bool]]:
        """What is not in the recycle bin, and not voided when `voided` is False."""
        wanted: list[sa.ColumnElement[bool]] = [self.table.c["deleted_at"].is_(None)]
        if not voided and "void" in self.object.features:
            wanted.append(self.table.c["voided_at"].is_(None))
        return wanted

    def ruled(self, action: Action = "read") -> list[sa.ColumnElement[bool]]:
        """The row rule of the actor behind the statement, as conditions: none, one, or `false`."""
        rules = self.building.rules
        decision: Decision = rules(self.object.name, action) if rules else Allow(reasons=())
        if isinstance(decision, Deny):
            return [sa.false()]
        if isinstance(decision, When):
            assert self.building.condition is not None
            return [self.building.condition(self, decision)]
        return []

    def reads(self, field: Field) -> sa.ColumnElement[bool] | None:
        """On which rows the actor reads this field of them; None: on all."""
        return self._on(self.building.fields(field).plain) if self.building.fields else None

    def sees(self, field: Field) -> sa.ColumnElement[bool] | None:
        """On which rows he sees at least its mask; None: on all."""
        return self._on(self.building.fields(field).masked) if self.building.fields else None

    def _on(self, decision: Decision) -> sa.ColumnElement[bool] | None:
        if isinstance(decision, Allow):
            return None
        if isinstance(decision, Deny):
            return sa.false()
        assert self.building.condition is not None
        return self.building.condition(self, decision)

    def follow(self, link: Field, target: str | None = None, *, ruled: bool, counted: bool = True) -> Row:
        """The record a single link points at. `target` names the object of a link to several.

        LimitExceeded `query_steps` past five links, `query_joins` past twenty joins of the statement (`counted`: the
        titles that belong to every answer are not).
        """
        name = target or link.link.to[0]
        on = [self.column(link, "object") == sa.literal(name, sa.Text())] if link.link.several else []
        reads = self.reads(link) if ruled else None
        if reads is not None:  # nothing lies behind a link that is not his to read
            on.append(reads)
        return self.joined(link.name, self.column(link), name, on, ruled=ruled, counted=counted)

    def joined(
        self,
        step: str,
        id: sa.ColumnElement[Any],
        name: str,
        on: list[sa.ColumnElement[bool]],
        *,
        ruled: bool,
        counted: bool,
    ) -> Row:
        """The live record of object `name` whose id is `id`; `step` is what tells this join from others."""
        if self.steps >= MAX_STEPS:
            raise LimitExceeded(
                Phrase("a path follows at most {most} links", most=MAX_STEPS),
                code="query_steps",
                hint="shorten the path",
            )
        rules = self.building.rules if ruled else None
        under_rule = rules is not None and not isinstance(rules(name), Allow)
        key = (id_of(self.table), step, name, under_rule, len(on))
        found = self.source.joined.get(key)
        if found is None:
            if counted:
                self.building.joined()
            found = self._join(id, name, on, under_rule)
            self.source.joined[key] = found
        return found

    def _join(
        self, id: sa.ColumnElement[Any], name: str, more: list[sa.ColumnElement[bool]], under_rule: bool
    ) -> Row:
        target = self.building.model.objects[name]
        table = self.building.table(target)
        row = Row(
            building=self.building, object=target, table=table, source=self.source, steps=self.steps + 1
        )
        on = [table.c["id"] == id, *row.live(), *more]
        if under_rule:
            on.extend(rule_inside_join(row))
        self.source.from_ = self.source.from_.outerjoin(table, sa.and_(*on))
        self.source.tables.append(table)
        return row


def id_of(table: sa.FromClause) -> int:
    """Which alias it is; aliases live as long as their statement is built."""
    return id(table)


def rule_inside_join(row: Row) -> list[sa.ColumnElement[bool]]:
    """The row rule of a joined target. A rule that follows links itself is asked in a subquery: its joins would have
    to stand before the join they decide."""
    probe = replace(row, source=Source(from_=row.table))
    conditions = probe.ruled()
    if not probe.source.tables:
        return conditions
    asked = row.building.root(row.object.name)
    conditions = asked.ruled()
    found = sa.select(asked.id).select_from(asked.source.from_)
    return [sa.exists(found.where(asked.id == row.id, *conditions).correlate(row.table))]


def rules_of(decide: Callable[[Model, Any, Any, str], Decision], model: Model, actor: Any) -> Rules:
    """The row rules of one actor, each decided once a statement."""
    kept: dict[tuple[str, Action], Decision] = {}

    def rule(object: str, action: Action = "read") -> Decision:
        key = (object, action)
        if key not in kept:
            kept[key] = decide(model, actor, action, object)
        return kept[key]

    return rule


def path_steps(path: str) -> tuple[str, ...]:
    """A path cut into its steps. The object of a link to several stands in brackets, as in expressions.

    >>> path_steps("account.owner.name"), path_steps("about[account].grade")
    (('account', 'owner', 'name'), ('about', '[account]', 'grade'))
    """
    if "[" not in path:
        return tuple(path.split("."))
    plain = path.replace("['", "[").replace("']", "]")
    return tuple(step for step in plain.replace("[", ".[").split(".") if step)
