"""Constants: the constants of a report's conditions as parameters, so that two questions of one shape share one statement.

In: a Plan. Out: for a constant's node its parameter, and the values of one execution. Each expression has its own prefix.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from patron_engine.query.binding import parameter
from patron_engine.query.shape import shape_of
from patron_engine.report.plan import Plan

Column = sa.ColumnElement[Any]


class Constants:
    """The constants of a request's expressions as parameters, each expression's under its own prefix."""

    def __init__(self, plan: Plan) -> None:
        self.names: dict[int, str] = {}
        self.values: dict[str, Any] = {}
        self._shapes: dict[int, Any] = {}
        expressions = [plan.where, *(e for b in plan.bases for e in (b.value, b.where))]
        for number, made in enumerate(expressions):
            if made is None:
                continue
            shape = shape_of(made)
            for node, name in shape.names.items():
                self.names[node] = f"e{number}.{name}"
                self._shapes[node] = shape
            self.values.update({f"e{number}.{name}": value for name, value in shape.values.items()})

    def given(self, node: Any) -> Column | None:
        name = self.names.get(id(node))
        if name is None:
            return None
        typed = self._shapes[id(node)].given(node)
        assert typed is not None
        return parameter(name, typed.type)
