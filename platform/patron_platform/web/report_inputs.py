"""Report inputs: the parameters of a report as inputs of its page.

In: an asked report, its answer (which knows the defaults). Out: `Parameter`s with what may be chosen; nothing for a report without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patron_engine.fields.base import Around
from patron_engine.fields.options import read_options
from patron_engine.page.building_offers import known
from patron_engine.page.filters import spread
from patron_engine.query.titles import titles_of
from patron_engine.report.answer import Answer
from patron_platform.web.list_values import records_of
from patron_platform.web.report_asked import AskedReport, parameters_in

NUMBERS = frozenset({"integer", "decimal", "percent", "money", "rating", "duration"})
LINKS: Mapping[str, str] = {"user": "user", "department": "department"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """`widget` is date, range, number, switch, choice, record or text; `source` the object whose records are chosen from."""

    name: str
    label: str
    widget: str
    value: Any
    choices: tuple[tuple[str, str], ...] = ()
    source: str = ""
    required: bool = False


def inputs_of(it: AskedReport, answer: Answer | None) -> list[Parameter]:
    """One input a parameter, with its value of now."""
    given = answer.parameters if answer is not None else parameters_in(it.body, it.given)
    return [_input(it, p, given.get(p["name"])) for p in it.body.get("parameters") or ()]


def _input(it: AskedReport, parameter: Mapping[str, Any], value: Any) -> Parameter:
    kind, name = str(parameter["type"]), str(parameter["name"])
    choices: tuple[tuple[str, str], ...] = ()
    source = ""
    widget = {"date": "date", "date_range": "range", "boolean": "switch"}.get(
        kind, "number" if kind in NUMBERS else "text"
    )
    if kind in LINKS or kind == "lookup":
        widget, source = "record", LINKS.get(kind) or str(parameter.get("to"))
        choices = chosen_of(it, source, value)
    elif kind in ("select", "multi_select", "cascade"):
        widget, choices = "choice", options_of(it, parameter)
    return Parameter(
        name=name, label=it.reader.say(parameter.get("label"), name), widget=widget, value=value, choices=choices, source=source,
        required=bool(parameter.get("required")),
    )  # fmt: skip


def options_of(it: AskedReport, parameter: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What may be chosen of a choice: its own options, or those of its set."""
    shared = it.call.model.documents.get(("option_set", str(parameter.get("option_set"))), {})
    return tuple(
        spread(read_options(parameter.get("options") or shared.get("options") or (), Around()), it.reader)
    )


def chooses_from(it: AskedReport, object: str) -> bool:
    """Whether he reads any record of the object."""
    found = it.call.model.object(object)
    return found is not None and known(it.call, found)


def chosen_of(it: AskedReport, object: str, value: Any) -> tuple[tuple[str, str], ...]:
    """The records one may choose, the chosen one among them; none of an object that is not his to read."""
    found = records_of(it.conn, it.call, object) if chooses_from(it, object) else []
    if value and str(value) not in {id for id, _ in found}:
        titles = titles_of(it.conn, it.call, {object: [str(value)]})
        found = [(str(value), titles.get((object, str(value)), "…")), *found]
    return tuple(found)
