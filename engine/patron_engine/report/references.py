"""References: the lines a chart is compared with, worked out: a figure of the definition, or an expression over the totals.

In: a plan and its totals. Out: (label, figure) of those that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.context import Context
from patron_engine.expr.evaluate import evaluate
from patron_engine.expr.scope import Scope
from patron_engine.expr.types import NUMBER
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.report.answer import Text
from patron_engine.report.formulas import Goal
from patron_engine.report.plan import GIVEN, Plan


def references(
    call: Call, plan: Plan, totals: Mapping[str, Any], context: Context, goal: Goal | None
) -> tuple[tuple[Text, Decimal], ...]:
    found = []
    for line in (plan.body.get("chart") or {}).get("reference") or ():
        value = _figure(call, plan, line["value"], totals, context, goal)
        if isinstance(value, Decimal):
            label = line.get("label") or {}
            found.append((label if isinstance(label, Mapping) else {"en": str(label)}, value))
    return tuple(found)


def _figure(
    call: Call, plan: Plan, written: Any, totals: Mapping[str, Any], context: Context, goal: Goal | None
) -> Any:
    if isinstance(written, int | float | Decimal) and not isinstance(written, bool):
        return Decimal(str(written))
    if not isinstance(written, str) or not written.startswith("="):
        return None
    scope = Scope(
        catalog=ReadableCatalog(call.tables, call.actor),
        names={f.name: NUMBER for f in plan.figures},
        measures=True,
    )
    made = compile_expression(written[1:], scope)
    if not isinstance(made, Expression):
        return None
    given = dict(totals)
    for path in made.paths:
        match = GIVEN.match(path)
        if match is not None and match[1] == "GOAL":
            given[path] = goal.line(match[2].strip("'")) if goal is not None else None
        elif match is not None:
            given[path] = totals.get(match[2]) if match[1] == "TOTAL" else None
    return evaluate(made, given, context)
