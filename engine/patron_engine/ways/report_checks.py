"""Report checks: what would refuse a report when it is asked is told when it is published.

In: a compiled model and its documents. Out: problems with the place in their document: an `as_of` of what the history cannot tell, a
group or a figure its kind cannot have, a goal there is not, a `keep` that is none. Each report is planned as its reader would ask
it, with the rights of everybody and the parameters' defaults; nothing is executed. A figure that is always empty is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from patron_engine.actor import SYSTEM
from patron_engine.clock import Clock
from patron_engine.errors import NotFound, Refused
from patron_engine.meta.document import Document
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.report.answer import Request
from patron_engine.report.between import THEN
from patron_engine.report.earlier import depends_on_time, moved_group
from patron_engine.report.keeping import lasting_of
from patron_engine.report.kinds import PLANS
from patron_engine.report.plan import Plan
from patron_engine.store.tables import Tables

Place = tuple[str | int, ...]
Found = tuple[Place, Problem]
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_GOAL: Final = re.compile(r"GOAL\('([^']*)'\)")


def report_problems(
    model: Model, documents: Mapping[tuple[str, str], Document], schema: str, clock: Clock
) -> Iterator[Problem]:
    """The problems of every report of the model."""
    call = Call(
        workspace=schema, schema=schema, model=model, tables=Tables(model, schema), actor=SYSTEM, now=clock()
    )  # fmt: skip
    for (kind, name), body in model.documents.items():
        document = documents.get((kind, name))
        if kind != "report" or document is None:
            continue
        seen = set()
        for place, problem in (*_kept(body), *_goals(model, body), *_planned(call, body)):
            made = replace(problem, **document.where(place))
            if made not in seen:
                seen.add(made)
                yield made


def _planned(call: Call, body: Mapping[str, Any]) -> Iterator[Found]:
    """What the plan of its reader says."""
    try:
        made = PLANS[body["type"]](call, Request(body=body))
    except Refused as refused:
        for problem in refused.problems:
            place = _place(body, problem.path or "")
            if place[:1] != ("parameters",):  # what its reader has to choose is not chosen yet
                yield place, problem
        return
    except NotFound:
        return  # an object there is not: told where names are checked
    if isinstance(made, Plan):
        yield from _never(made, body)


def _place(body: Mapping[str, Any], path: str) -> Place:
    """`measures.won`, `blocks[0].rows[1].by` as steps of the document; a block's rows are what its `on` says of the shared groups."""
    steps: list[str | int] = [int(m[2]) if m[2] else m[1] for m in _STEP.finditer(path)]
    if steps[:1] == ["blocks"] and len(steps) > 2 and isinstance(steps[1], int):
        block, inner = body["blocks"][steps[1]], steps[2:]
        if inner[0] == "rows" and len(inner) > 1 and isinstance(inner[1], int):
            return ("blocks", steps[1], "on", body["group"][inner[1]]["name"])
        return ("blocks", steps[1], *_place(block, path.partition("].")[2]))
    if steps[:1] == ["measures"] and len(steps) > 1 and isinstance(steps[1], str):
        name = path.removeprefix("measures.")
        at = next((i for i, m in enumerate(body.get("measures") or ()) if m["name"] == name), None)
        return ("measures",) if at is None else ("measures", at)
    return tuple(steps)


def _never(made: Plan, body: Mapping[str, Any]) -> Iterator[Found]:
    """PREVIOUS of a report that has no time is always empty."""
    if not made.units - {THEN} or moved_group(made) is not None or depends_on_time(made):
        return
    for at, measure in enumerate(body.get("measures") or ()):
        if "PREVIOUS(" in str(measure.get("expression")):
            said = Phrase(
                "{name} asks for a period before, but nothing of the report is of a time",
                name=measure["name"],
            )
            hint = Phrase("group by a date with `by`, or name a time in `where`")
            yield (
                ("measures", at, "expression"),
                Problem(code="no_period_before", message=said, hint=hint, level="warning"),
            )


def _goals(model: Model, body: Mapping[str, Any]) -> Iterator[Found]:
    known = [name for kind, name in model.documents if kind == "goal"]
    chart = body.get("chart") or {}
    texts: list[tuple[Place, Any]] = [
        *((("measures", i, "expression"), m.get("expression")) for i, m in enumerate(body.get("measures") or ())),
        *((("chart", "reference", i, "value"), r.get("value")) for i, r in enumerate(chart.get("reference") or ())),
        *((("chart", key), chart.get(key)) for key in ("min", "max")),
    ]  # fmt: skip
    for place, text in texts:
        for name in _GOAL.findall(str(text or "")):
            if name not in known:
                said = Phrase("there is no goal {name!r}", name=name[:60])
                yield place, Problem(code="unknown_goal", message=said, hint=nearest(name, known))


def _kept(body: Mapping[str, Any]) -> Iterator[Found]:
    written = body.get("keep")
    if written is None:
        return
    if body["type"] == "list":
        said = Phrase("a list is asked anew each time: it has no figures to keep")
        yield ("keep",), Problem(code="keep_of_list", message=said, hint="leave keep out")
    elif lasting_of(written) is None:
        said = Phrase("{written} is no time to keep figures for", written=str(written))
        yield (
            ("keep",),
            Problem(code="bad_keep", message=said, hint="write minutes, hours or 1 day at most: 30 minutes"),
        )
