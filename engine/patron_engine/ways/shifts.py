"""Shifts: who gains or loses how many records by a publication that changes roles, sharing rules or their conditions.

In: a connection, the model in force and the one planned. Out: a `Shift` for each set of roles people have, object and action for
which something moves: people and records, counted exactly up to `MAX_PAIRS` people times records. Only what roles and sharing
say is compared, over the records there are now; a condition over a field that comes with this publication is not counted.

    audiences   people by kind and roles                        query/fitting.py
    before, after   the row rules of both, on the tables there are
    counted     one statement an audience, object and action
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.access.decide import Action, Allow, Decision, Deny, When, row_rule
from patron_engine.actor import SYSTEM, Actor
from patron_engine.clock import Clock
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.meta.diff import DocumentChange
from patron_engine.model.model import Model
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.fitting import audiences
from patron_engine.query.moved import Moved, moved, records_of
from patron_engine.store.session import collation_of
from patron_engine.store.tables import Tables

KINDS = ("role", "sharing")
ACTIONS: tuple[Action, ...] = ("read", "update")
MAX_PAIRS = 1_000_000  # plan_access_pairs: people times records compared for one line
MAX_SHIFTS = 200  # plan_access_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What moves for the people who have exactly these roles. `moved` None: too many to count, or a condition that cannot
    be asked yet; then `people` may be affected."""

    roles: tuple[str, ...]
    object: str
    action: Action
    people: int
    moved: Moved | None

    def as_dict(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "roles": list(self.roles), "object": self.object, "action": self.action, "people": self.people,
            "counted": self.moved is not None,
        }  # fmt: skip
        if self.moved is not None:
            m = self.moved
            made["gain"] = {"people": m.people_gaining, "records": m.gained}
            made["lose"] = {"people": m.people_losing, "records": m.lost}
        return made

    @property
    def sentence(self) -> str:
        who = f"{', '.join(self.roles) or 'no role'}: {self.action} {self.object}"
        if self.moved is None:
            return f"{who}: {self.people:,} people affected, not counted"
        m, said = self.moved, []
        if m.gained:
            said.append(f"{m.people_gaining:,} of {self.people:,} people gain {m.gained:,} records")
        if m.lost:
            said.append(f"{m.people_losing:,} of {self.people:,} people lose {m.lost:,} records")
        return f"{who}: {'; '.join(said)}"


def shifts_of(
    conn: psycopg.Connection[Any], schema: str, old: Model | None, new: Model, changes: Sequence[DocumentChange],
    clock: Clock,
) -> tuple[Shift, ...]:  # fmt: skip
    """Nothing where no release is in force, or the publication leaves roles and sharing rules as they are."""
    if old is None or "user" not in old.objects or not any(c.kind in KINDS for c in changes):
        return ()
    call = Call(
        workspace=schema, schema=schema, model=old, tables=Tables(old, schema, collation_of(conn)), actor=SYSTEM, now=clock(),
    )  # fmt: skip
    after, open = _with_rights(call, new)
    found: list[Shift] = []
    for kind, roles, people in audiences(conn, call):
        actor = Actor(user=None, kind=kind, roles=frozenset(roles))  # type: ignore[arg-type]
        for each in _of_audience(conn, call, after, open, actor, people):
            if len(found) >= MAX_SHIFTS:
                return tuple(found)
            found.append(replace(each, roles=roles))
    return tuple(found)


def _of_audience(
    conn: psycopg.Connection[Any], call: Call, after: Model, open: frozenset[str], actor: Actor, people: int
) -> Iterator[Shift]:
    for object in call.model.objects.values():
        if object.master is not None and object.owner == "master":
            continue  # its rights are its master's
        for action in ACTIONS:
            one = row_rule(call.model, actor, action, object.name)
            other = row_rule(after, actor, action, object.name)
            if _same(one, other) and object.name not in open:
                continue
            counted: Moved | None = None
            if object.name not in open and records_of(conn, call, object.name) * people <= MAX_PAIRS:
                counted = moved(conn, call, Tables(after, call.schema), actor, action, object.name)
                if not (counted.gained or counted.lost):
                    continue
            yield Shift(roles=(), object=object.name, action=action, people=people, moved=counted)


def _same(one: Decision, other: Decision) -> bool:
    """Whether two rules are one by what they say. Conditions that follow other objects' rules are asked of the tables."""
    if isinstance(one, When) and isinstance(other, When):
        return one.condition.source == other.condition.source and " through " not in one.condition.source
    return isinstance(one, Allow | Deny) and type(one) is type(other)


def _with_rights(call: Call, new: Model) -> tuple[Model, frozenset[str]]:
    """The model in force with the roles and sharing rules of the new one; and the objects about which one of them has a
    condition that the tables of today cannot answer."""
    old = call.model
    documents = {k: b for k, b in old.documents.items() if k[0] not in KINDS}
    documents |= {k: b for k, b in new.documents.items() if k[0] in KINDS}
    expressions = {k: e for k, e in old.expressions.items() if k[0] not in KINDS}
    open: set[str] = set()
    catalog = ReadableCatalog(call.tables, SYSTEM)
    for key, made in new.expressions.items():
        if key[0] not in KINDS:
            continue
        object = documents[key[0], key[1]]["object"] if key[0] == "sharing" else key[2].split(".")[1]
        if object not in old.objects:
            continue
        again = compile_expression(made.source, Scope(catalog=catalog, object=object, rows=True, aggregates=True))  # fmt: skip
        if isinstance(again, Expression):
            expressions[key] = again
        else:
            open.add(object)
    return replace(old, documents=documents, expressions=expressions), frozenset(open)
