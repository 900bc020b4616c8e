"""Comparing: a report beside what it was a period before: each of its first measures gets its figure then, and its growth since.

In: a body, a period, two words. Out: another body, whose added measures are formulas of the language like written ones. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.model.model import Model
from patron_engine.page.reader import Reader

PERIODS = ("month", "quarter", "year")
WAS: Mapping[str, str] = {  # as the records were then, out of their history
    "was_week": "=DATEADD(TODAY(), -1, 'week')", "was_month": "=DATEADD(TODAY(), -1, 'month')",
    "was_year": "=DATEADD(TODAY(), -1, 'year')",
}  # fmt: skip
MOST = 3  # measures that are compared: a table has room for no more
COMPARED = ("summary", "matrix")


def comparable(body: Mapping[str, Any]) -> bool:
    """Whether a report may be compared: it has measures over time."""
    return body.get("type") in COMPARED and bool(body.get("measures"))


def ways(body: Mapping[str, Any], model: Model) -> tuple[str, ...]:
    """What it may be compared with: periods before, and what its records were, where their history tells."""
    if not comparable(body):
        return ()
    object = model.object(str(body.get("object")))
    return (*PERIODS, *(WAS if object is not None and object.history and not body.get("as_of") else ()))


def figure_names(body: Mapping[str, Any]) -> frozenset[str]:
    """The names its figures have in an answer; none for a type that names its own."""
    measures = [*(body.get("measures") or ()), *(m for b in body.get("blocks") or () for m in b["measures"])]
    names = {m["name"] for m in measures}
    if isinstance(body.get("as_of"), Mapping):
        names |= {f"{n}_{part}" for n in names for part in ("then", "change")}
    return frozenset(names)


def compared(
    body: Mapping[str, Any], period: str, reader: Reader, before: str, growth: str
) -> dict[str, Any]:
    """The body with what it was. `before` and `growth` are texts with {name}."""
    if not comparable(body):
        return dict(body)
    measures = []
    added = 0
    for measure in body["measures"]:
        measures.append(measure)
        if added == MOST or "PREVIOUS" in str(measure.get("expression")) or _share(measure):
            continue
        added += 1
        name, said = measure["name"], reader.say(measure.get("label"), measure["name"])
        then = f"PREVIOUS({name}, '{period}')"
        kept = {"format": measure["format"]} if "format" in measure else {}
        measures += [
            {"name": f"{name}_before", "label": before.format(name=said), "expression": then, **kept},
            {
                "name": f"{name}_growth", "label": growth.format(name=said), "expression": f"{name} / {then} - 1",
                "format": {"as": "percent"},
            },
        ]  # fmt: skip
    return {**body, "measures": measures}


def _share(measure: Mapping[str, Any]) -> bool:
    text = str(measure.get("expression") or "")
    return "TOTAL(" in text or "RUNNING(" in text
