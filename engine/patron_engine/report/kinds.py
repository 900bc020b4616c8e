"""Kinds: how each type of report is answered, and what is asked for the records behind one of its figures.

In: a type. Out: its Kind; None for a list, which has no figures. A new type is one more entry here, and in meta/schemas/report.json.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.report import cohort, funnel, funneled, joined, summary
from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.report.drill import Depth, listed
from patron_engine.report.plan import plan

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`answer` runs a request, `ask` gives the question behind one cell, `explain` its plan as text."""

    answer: Callable[[Connection, Call, Request], Answer]
    ask: Callable[[Connection, Call, Request, Spot, Depth], Ask]
    explain: Callable[[Connection, Call, Request], str]


KINDS: Final[Mapping[str, Kind]] = {
    "summary": Kind(summary.answer, summary.ask, summary.explain),
    "matrix": Kind(summary.answer, summary.ask, summary.explain),
    "joined": Kind(joined.answer, joined.ask, joined.explain),
    "funnel": Kind(funneled.answer, funnel.ask, funneled.explain),
    "cohort": Kind(cohort.answer, cohort.ask, cohort.explain),
}

PLANS: Final[Mapping[str, Callable[[Call, Request], Any]]] = {  # what a request means for its reader; Refused, NotFound
    "summary": plan, "matrix": plan, "joined": joined.joined, "funnel": funnel.funnel, "cohort": cohort.cohort, "list": listed,
}  # fmt: skip
