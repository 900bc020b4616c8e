"""Lines: details that are made with a record, one for each record of a set of another one. Plan stage.

In: a step or a target of a conversion with `details`, runs. Out: set name -> the values of each new detail, as the fields keep
them. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from patron_engine.errors import NotFound
from patron_engine.flow.program import Step
from patron_engine.flow.run import Run
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import sets_of
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.record.change import MAX_DETAILS


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A record in the set `to` of what is made, for each in the set `each` of what it is made of; bare names are the item's."""

    each: str
    to: str
    step: Step = field(repr=False)


def lines_of(step: Step) -> Iterator[Lines]:
    """What stands in `details` of a step."""
    for n, item in enumerate(step.body.get("details") or ()):
        place = f"details.{item['name']}" if item.get("name") else f"details[{n}]"
        expressions = {
            key.removeprefix(f"{place}."): e
            for key, e in step.expressions.items()
            if key.startswith(f"{place}.")
        }
        inner = Step(
            name=None, do="", path=f"{step.path}.{place}", rule=step.rule, body=item, expressions=expressions
        )
        yield Lines(each=str(item["each"]), to=str(item["to"]), step=inner)


def details_of(reading: Reading, step: Step, made: Object, run: Run) -> dict[str, list[dict[str, Any]]]:
    """The details of the record that a run's step makes."""
    found: dict[str, list[dict[str, Any]]] = {}
    for lines in lines_of(step):
        of = reading.call.model.objects[run.object or ""]
        among, to = of.sets.get(lines.each), made.sets.get(lines.to)
        if among is None or to is None:
            raise NotFound(
                Phrase("there is no set {name}", name=lines.each if among is None else lines.to),
                code="unknown_set",
            )
        choice = Choice(
            key=f"{lines.step.rule}.{lines.step.path}", object=among.object, among=among, limit=MAX_DETAILS,
            where=lines.step.expressions.get("where"),
        )  # fmt: skip
        ids = chosen(reading, choice, [Subject(run=run)])[0]
        items = [Subject(run=replace(run, object=among.object, record=id)) for id in ids]
        child = reading.call.model.objects[to.object]
        found.setdefault(to.name, []).extend(sets_of(reading, lines.step, child, items) if items else [])
    return found
