"""Truths: which of a layout's conditions hold for one record, as it lies in the database.

In: the record's object and id, compiled conditions. Out: `Truths`, asked one by one. What reads only the record's own values is
evaluated here; what needs sets, people or the calendar is asked of the way read, as a condition the record must fit. Nothing
is hidden for access here: what one may not read was left out of the layout before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.expr.compile import Expression
from patron_engine.expr.context import Context
from patron_engine.expr.evaluate import evaluate
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.ways.read import rows

Truth = bool | Expression


class Truths:
    """The conditions of one record. Values are read once, for all conditions that are given at the beginning."""

    def __init__(
        self, conn: psycopg.Connection[Any], call: Call, object: str, id: str, truths: Iterable[Truth]
    ) -> None:
        self.conn = conn
        self.call = call
        self.object = object
        self.id = id
        self._known: dict[str, bool] = {}
        plain = [t for t in truths if isinstance(t, Expression) and _plain(t)]
        self._values = self._read(sorted({path for t in plain for path in t.paths}))
        workspace = call.model.workspace
        self.context = Context(
            now=call.now,
            zone=workspace.zone,
            me=call.actor.user,
            week_from=workspace.week_from,
            fiscal_year_from=workspace.fiscal_year_from,
        )

    def holds(self, truth: Truth, otherwise: bool = True) -> bool:
        """Whether it is true for the record; `otherwise` where nobody can say (a name that is not his to read)."""
        if isinstance(truth, bool):
            return truth
        found = self._known.get(truth.source)
        if found is None:
            found = self._known[truth.source] = self._judge(truth, otherwise)
        return found

    def _judge(self, truth: Expression, otherwise: bool) -> bool:
        if self._values is not None and _plain(truth) and truth.paths <= self._values.keys():
            try:
                return bool(evaluate(truth, self._values, self.context))
            except PatronError:  # a function that needs tables
                pass
        ask = Ask(
            object=self.object, ids=(self.id,), where=truth.source, fields=("id",), limit=1, voided="yes"
        )
        try:
            return bool(rows(self.conn, self.call, ask))
        except (Refused, NotFound):
            return otherwise

    def _read(self, paths: list[str]) -> Mapping[str, Any] | None:
        if not paths:
            return {}
        ask = Ask(object=self.object, ids=(self.id,), fields=tuple(paths), limit=1, voided="yes")
        try:
            found = rows(self.conn, self.call, ask)
        except (Refused, NotFound):
            return None
        return found[0] if found else None


def _plain(truth: Expression) -> bool:
    """Whether it reads nothing but values of the record and of records it points at."""
    return not truth.aggregates and all(_own(path) for path in truth.paths)


def _own(path: str) -> bool:
    return not path.startswith(("me.", "old.", "this.")) and "[" not in path
