"""What the engine and the platform say, in the reader's language: the one place where a phrase becomes a text for somebody.

In: a phrase (patron_engine.phrases), the languages of who reads, best first. Out: a text. The platform's own sentences stand in
`*.yaml` beside this file, the engine's in the engine. Pages have texts of their own, in web/texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from patron_engine.phrases import Catalogue, own_catalogue, read_catalogue
from patron_engine.phrases import written as engine_written
from patron_engine.problems import Problem

Languages = Sequence[str]


@cache
def catalogue() -> Catalogue:
    """Every sentence there is."""
    return {**own_catalogue(), **read_catalogue(__name__)}


def written(text: str, languages: Languages) -> str:
    """A phrase, or a sentence of the engine, in the first of these languages there is."""
    return engine_written(text, languages, catalogue())


def written_problem(problem: Problem, languages: Languages) -> dict[str, Any]:
    """A problem of definitions as it stands in an answer."""
    return written_fault(problem.as_dict(), languages)


def written_fault(fault: Mapping[str, Any], languages: Languages) -> dict[str, Any]:
    """The same for one that was kept as a map."""
    return {k: written(v, languages) if k in ("message", "hint") else v for k, v in fault.items()}


def at_field(problem: Problem, languages: Languages) -> dict[str, Any]:
    """A problem of a value or a parameter as it stands in an answer: its place is a field."""
    made = written_problem(problem, languages)
    return {("field" if k == "path" else k): v for k, v in made.items()}


def written_plan(plan: Mapping[str, Any], languages: Languages) -> dict[str, Any]:
    """A plan, or whatever else lists its `problems`, as it stands in an answer."""
    return {**plan, "problems": [written_fault(each, languages) for each in plan["problems"]]}
