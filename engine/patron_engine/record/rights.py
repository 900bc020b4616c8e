"""Rights of one record: what conditions of scopes, teams, queues and sharing rules answer while a save judges.

In: values of one record, as its condition is evaluated in Python. Out: truths, asked of the database by the very conditions
lists are made with (query/rights.py). Decides nothing: access says which conditions there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from patron_engine.access.decide import Action, row_rule
from patron_engine.access.grants import audience
from patron_engine.query import rights
from patron_engine.query.binding import ME, NOW, parameter, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.meant import meant
from patron_engine.query.source import Building, rules_of
from patron_engine.query.standing import at_step, waits_in
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values
from patron_engine.record.pending import Pending
from patron_engine.store.tables import TYPES, Id

SUBJECT = "subject"  # the parameter: whose, or which, it is asked of
OTHER = "other"  # and beside whom
Make = Callable[[Building, sa.ColumnElement[Any]], sa.ColumnElement[bool]]


class Rights:
    """The answers of one save for its actor."""

    def __init__(self, pending: Pending, call: Call) -> None:
        self._pending = pending
        self.call = call

    def mine_or_below(self, user: str) -> bool:
        return self._ask(("mine_or_below",), user, lambda b, s: rights.mine_or_below(b, _me(), s))

    def in_my_tree(self, below: bool, department: str) -> bool:
        return self._ask(
            ("in_my_tree", below), department, lambda b, s: rights.in_my_tree(b, _me(), below, s)
        )

    def my_queue(self, queue: str) -> bool:
        return self._ask(("my_queue",), queue, lambda b, s: rights.my_queue(b, _me(), s))

    def given(self, object: str, level: str, id: str) -> bool:
        return self._ask(
            ("given", object, level), id, lambda b, s: rights.given(b, _me(), _now(), object, level, s)
        )

    def belongs(self, kind: str, codes: Sequence[str], below: bool, person: str) -> bool:
        key = ("belongs", kind, tuple(codes), below)
        return self._ask(key, person, lambda b, s: rights.belongs(b, kind, codes, below, s))

    def same_group(self, one: str, other: str) -> bool:
        return self._ask(
            ("same_group",), one, lambda b, s: rights.same_group(b, s, parameter(OTHER, Id())), other
        )

    def waits_in(self, pools: Sequence[str], id: str | None) -> bool:
        return id is not None and self._ask(
            ("waits_in", tuple(pools)), id, lambda b, s: waits_in(b, pools, s)
        )

    def meant(self, kind: str, name: str, at: str, id: str | None) -> bool:
        key = ("meant", kind, name, at)
        return id is not None and self._ask(key, id, lambda b, s: meant(b, (kind, name), at, s))

    def at_step(self, approval: str, nodes: Sequence[str], id: str | None) -> bool:
        key = ("at_step", approval, tuple(nodes))
        return id is not None and self._ask(key, id, lambda b, s: at_step(b, _me(), approval, nodes, s))

    def through(self, objects: Sequence[str], action: Action, value: Any) -> bool:
        """One of the records a link points at is one on which the actor may do `action`."""
        several = value if isinstance(value, tuple | list) else (value,)
        return any(self._reached(o, action, id) for each in several for o, id in _named(objects, each))

    def _reached(self, object: str, action: Action, id: str) -> bool:
        key = ("through", audience(self.call.actor), object, action)
        return self._ask(key, id, lambda b, s: rights.reached(b, object, action, s))

    def _ask(self, key: tuple[Any, ...], subject: str, make: Make, other: str | None = None) -> bool:
        def made() -> Statement:
            rules = rules_of(row_rule, self.call.model, self.call.actor)
            building = Building(tables=self.call.tables, rules=rules, condition=rule_condition)
            condition = make(building, parameter(SUBJECT, Id()))
            return compiled(sa.select(condition), self.call.model.release)

        statement = kept(self.call.tables).get(("rights", *key), made)
        given = call_values(self.call) | {SUBJECT: subject, OTHER: other}
        row = self._pending.conn.execute(statement.text, statement.values(given)).fetchone()
        return bool(row is not None and row[0])


def _named(objects: Sequence[str], value: Any) -> list[tuple[str, str]]:
    """(object, id) of what one link value points at."""
    if isinstance(value, Mapping):
        return [(value["object"], value["id"])] if value.get("object") in objects else []
    return [(object, value) for object in objects] if isinstance(value, str) else []


def _me() -> sa.ColumnElement[Any]:
    return parameter(ME, Id())


def _now() -> sa.ColumnElement[Any]:
    return parameter(NOW, TYPES["timestamptz"])
