"""Between: what changed between two moments: each figure of a report then, at its own moment, and by how much it changed.

In: the written `as_of` of a report ({from, to}; silent `to`: now), the figures of a plan. Out: two moments; the figures with NAME_then and,
of numbers, NAME_change beside each; the formulas that make them. The figures then are asked as those before a period are (earlier.py),
of the rows of the first moment (past.py), under the keys and limits of the second, so that a member stands for itself in both or in neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.scope import Scope
from patron_engine.expr.types import ExprType
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.report.answer import Figure, Text
from patron_engine.report.measures import Base, Formula
from patron_engine.report.past import moment_of

THEN: Final = "then"  # the unit of PREVIOUS that is the first of two moments
_THEN: Final = {"en": "{label}, then", "zh-CN": "{label}（当时）", "zh-TW": "{label}（當時）"}
_CHANGE: Final = {"en": "{label}, change", "zh-CN": "{label}（变化）", "zh-TW": "{label}（變化）"}


def moments_of(call: Call, written: Any) -> tuple[datetime | None, datetime | None]:
    """The first moment of two, None where there is one; and the moment the report is of, None for now. Refused for what is none."""
    if not isinstance(written, Mapping):
        return None, moment_of(call, written)
    since, until = moment_of(call, written.get("from")), moment_of(call, written.get("to"))
    if since is None or (until is not None and since >= until):
        said = Phrase("changes are between an earlier and a later moment")
        hint = "write as_of: {from: 2026-01-01, to: 2026-03-31}"
        raise Refused((Problem(code="not_between", message=said, path="as_of", hint=hint),))
    return since, until


def compared(
    call: Call,
    figures: Sequence[Figure],
    bases: Sequence[Base],
    formulas: Sequence[Formula],
    types: Mapping[str, ExprType],
) -> tuple[tuple[Figure, ...], tuple[Formula, ...]]:
    """The figures, each with what it was and its change beside it, and the formulas with those of these."""
    counted = {b.name for b in bases if b.function in ("count", "count_distinct", "sum")}
    shown: list[Figure] = []
    added: list[Formula] = []
    for figure in figures:
        shown.append(figure)
        name, type = figure.name, types[figure.name]
        then, change = f"{name}_then", f"{name}_change"
        shown.append(replace(figure, name=then, label=_said(figure, _THEN)))
        was = (
            "COALESCE(then, 0)" if name in counted else "then"
        )  # over no records these are 0, others nothing
        added.append(_formula(call, then, was, {"then": type}, name))
        if type.kind == "number":
            shown.append(replace(figure, name=change, label=_said(figure, _CHANGE)))
            added.append(_formula(call, change, f"{name} - {was}", {name: type, "then": type}, name))
    return tuple(shown), (*formulas, *added)


def _formula(call: Call, name: str, text: str, names: Mapping[str, ExprType], of: str) -> Formula:
    made = compile_expression(text, Scope(catalog=ReadableCatalog(call.tables, call.actor), names=names))
    assert isinstance(made, Expression), made
    return Formula(
        name=name, expression=made, needs=frozenset({of}), given={"then": ("PREVIOUS", of, THEN)}
    )  # fmt: skip


def _said(figure: Figure, words: Text) -> Text:
    """The label in every language it has, in English where it has none."""
    labels = dict(figure.label) or {"en": figure.name}
    return {
        language: words.get(language, words["en"]).format(label=label) for language, label in labels.items()
    }
