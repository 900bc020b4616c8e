"""Walking: whether a page of somebody's rows is walked or gathered, and what was learnt about it.

In: the frame of a call, a resolved question, the shape of a page. Out: the ways to find its rows, in the order they are tried.

    walk     the first records in order, each asked by its keys whether it is his: quick for whom the rule gives many
    gather   what each reason reaches, all of it, then the first of it in order: quick for whom it gives few

How many a rule gives the database can only guess, and where in the order they stand not at all: ten thousand records from years
ago would be looked for through everything that came after them. So a walk ends after a number of records. One that filled the
page has its answer, the right one; one that did not is in vain, and the page is gathered. What was better is tried first the
next time: nothing but time hangs on it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, Literal

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import Allow, Deny, When, field_rule, row_rule
from patron_engine.access.grants import audience
from patron_engine.expr.functions import people
from patron_engine.expr.nodes import Call as Called
from patron_engine.expr.nodes import Compare, Node
from patron_engine.query.binding import ME, parameter
from patron_engine.query.call import Call
from patron_engine.query.parts import Part
from patron_engine.query.resolve import Resolved
from patron_engine.query.rights import principals
from patron_engine.query.shape import walk
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values
from patron_engine.store.tables import Id

LOOKED: Final = 50_000  # records whose own fields a walk compares with what was asked for
WALKED: Final = 7_500  # of those, how many are asked whether they are his
SHARED_MANY: Final = 5_000  # single rights from which on they are many
QUICK_SECONDS: Final = 0.05
REMEMBERED_SECONDS: Final = 300.0
REMEMBERED_MOST: Final = 20_000

Way = Literal["walk", "gather"]


def walkable(call: Call, question: Resolved, part: Part | None) -> bool:
    """Whether an index has the rows in the order of the page, and the page is of somebody whom not all rows are shown."""
    ask = question.ask
    if ask.deleted or ask.within is not None or ask.ids is not None or ask.q:
        return False
    if not isinstance(row_rule(call.model, call.actor, "read", ask.object), When):
        return False
    if part is not None:
        return part.kind == "filled" and _in_order(call, question)
    return not question.sort or (
        question.sort[0].path.key in ("id", "created_at") and read_everywhere(call, question)
    )


def _in_order(call: Call, question: Resolved) -> bool:
    """The first sort key is a column of the record itself, for everybody who reads the record."""
    path = question.sort[0].path
    field = path.field
    if field is None or "." in path.key or field.expr.kind == "link":
        return False
    return read_everywhere(call, question)


def read_everywhere(call: Call, question: Resolved) -> bool:
    """Whether he reads the field a page is sorted by first on every row he may read."""
    field = question.sort[0].path.field if question.sort else None
    return field is None or isinstance(field_rule(call.model, call.actor, field).plain, Allow)


def gives_many(conn: psycopg.Connection[Any], call: Call, object: str) -> bool:
    """Whether a rule may give a large part of an object's records: of teams and departments, of what a role says of fields.
    What somebody owns or waits in his queues is few as a rule, what he was given is looked at."""
    key = ("gives many", audience(call.actor), object)
    always, given = kept(call.tables).get(key, lambda: _reasons(call, object, frozenset()))
    return always or (bool(given) and _given_many(conn, call, given))


def _reasons(call: Call, object: str, above: frozenset[str]) -> tuple[bool, tuple[str, ...]]:
    """Whether a rule may give many whoever he is; else the objects whose single rights it looks at."""
    rule = row_rule(call.model, call.actor, "read", object)
    if object in above or isinstance(rule, Deny):
        return False, ()
    if isinstance(rule, Allow):
        return True, ()
    given: list[str] = []
    for node in walk(rule.condition.tree):
        if isinstance(node, Compare) and not any(_is_me(side) for side in (node.left, node.right)):
            return True, ()
        if not isinstance(node, Called) or node.op in (people.ME, people.MY_QUEUE):
            continue
        if node.op is people.GIVEN:
            given.append(object)
        elif node.op is people.THROUGH:
            behind = [_reasons(call, o, above | {object}) for o in node.params[0]]
            if any(many for many, _ in behind):
                return True, ()
            given += [o for _, objects in behind for o in objects]
        else:
            return True, ()
    return False, tuple(dict.fromkeys(given))


def _is_me(node: Node) -> bool:
    return isinstance(node, Called) and node.op is people.ME


def _given_many(conn: psycopg.Connection[Any], call: Call, objects: tuple[str, ...]) -> bool:
    def make() -> Statement:
        building = Building(tables=call.tables)
        me = parameter(ME, Id())
        each = []
        for object in objects:
            table = call.tables.access(object).alias(building.alias())
            mine = sa.func.array_append(principals(building, me), me, type_=pg.ARRAY(Id()))
            his = sa.select(sa.literal(1)).select_from(table).where(table.c.principal == sa.any_(mine))
            some = his.limit(sa.literal(SHARED_MANY))
            inner = some.subquery(building.alias())
            each.append(sa.select(sa.func.count()).select_from(inner).scalar_subquery())
        return compiled(sa.select(sa.func.greatest(sa.literal(0), *each)), call.model.release)

    statement = kept(call.tables).get(("given many", objects), make)
    found = conn.execute(statement.text, statement.values(call_values(call))).fetchone()
    return found is not None and found[0] >= SHARED_MANY


class Learnt:
    """Which way was better, by whose page it was and what was asked. Thread-safe; forgets the least used."""

    def __init__(self) -> None:
        self._gathered_until: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = threading.Lock()

    def ways(self, key: Hashable, many: Callable[[], bool]) -> tuple[Way, ...]:
        """The ways to try. `many` says what to begin with where nothing was learnt."""
        with self._lock:
            until = self._gathered_until.get(key)
            if until is not None:
                self._gathered_until.move_to_end(key)
        gather = not many() if until is None else time.monotonic() < until
        return ("gather",) if gather else ("walk", "gather")

    def gathered(self, key: Hashable, seconds: float, *, in_vain: bool, all: bool = False) -> None:
        """The page was gathered in so many seconds, after a walk `in_vain` or without one; `all`: there is no more than this.
        A quick one is as good the next time, and where all was less than a page no walk would fill one; after a slow one a walk
        is tried: at once where none was, else some time later, when there may be more."""
        now = time.monotonic()
        with self._lock:
            known = self._gathered_until.get(key)
            if all:
                until = float("inf")
            elif seconds < QUICK_SECONDS:
                until = float("inf") if known is None or in_vain else known
            elif in_vain:
                until = now + REMEMBERED_SECONDS
            else:
                until = 0.0 if known is None or known == float("inf") else known
            self._gathered_until[key] = until
            self._gathered_until.move_to_end(key)
            while len(self._gathered_until) > REMEMBERED_MOST:
                self._gathered_until.popitem(last=False)


LEARNT: Final = Learnt()
