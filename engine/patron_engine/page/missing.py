"""Missing: what a small change needs besides, as inputs: the fields that problems of a save name.

In: the frame of the call, an object, the problems of a refused save, what was typed already. Out: `Input`s for a small form,
or None where something is wrong that such a form cannot mend; and texts of such a form as values for the way save.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.access.decide import writable
from patron_engine.fields.field import Field, LinkSpec, NumberSpec, TextSpec
from patron_engine.model.model import Object
from patron_engine.page.cards import choice_of
from patron_engine.page.inputs import Choice, Input, widget_of
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.ways.read import read

SMALL = frozenset(
    {"text", "lines", "number", "money", "choice", "switch", "date", "moment", "clock", "record"}
)
FOUND = 50  # records a link's input offers at once
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def missing(
    call: Call,
    object: Object,
    problems: Sequence[Problem],
    typed: Mapping[str, str],
    reader: Reader,
    fixed: str,
) -> tuple[Input, ...] | None:
    """The inputs that would mend `problems`, those filled before among them. `fixed` is the field that is being changed:
    what is wrong with it cannot be mended here."""
    fields = writable(call.model, call.actor, object.name)
    said: dict[str, list[str]] = {name: [] for name in typed if name in fields}
    for problem in problems:
        if problem.level != "error":
            continue
        name = problem.path or ""
        field = fields.get(name)
        if field is None or name == fixed or small_widget(field) is None:
            return None
        said.setdefault(name, []).append(reader.words(problem.message))
    return tuple(_input(fields[name], typed, texts, reader) for name, texts in said.items())


def small_widget(field: Field) -> str | None:
    """The widget of a field in a small form; None where it needs more room."""
    widget = widget_of(field, written=True)
    if widget == "record" and (not isinstance(field.spec, LinkSpec) or field.link.several):
        return None
    return widget if widget in SMALL else None


def _input(field: Field, typed: Mapping[str, str], texts: Sequence[str], reader: Reader) -> Input:
    spec = choice_of(field)
    options = spec.options if spec is not None else ()
    number = field.spec if isinstance(field.spec, NumberSpec) else None
    return Input(
        name=f"set.{field.name}",
        field=field,
        widget=small_widget(field) or "text",
        label=reader.say(field.label, field.name),
        help=reader.say(field.help),
        typed=typed.get(field.name),
        required=True,
        choices=tuple(
            Choice(value=o.name, text=reader.say(o.label, o.name)) for o in options if not o.retired
        ),
        targets=field.link.to if isinstance(field.spec, LinkSpec) else (),
        attributes={
            "maxlength": field.spec.max_length if isinstance(field.spec, TextSpec) else None,
            "min": number.min if number else None,
            "max": number.max if number else None,
        },
        # What was never shown is not wrong yet: it is asked for.
        problems=tuple(texts) if field.name in typed else (),
    )


def candidates(
    conn: psycopg.Connection[Any], call: Call, field: Field, chosen: str | None = None, q: str | None = None
) -> tuple[Choice, ...]:
    """Records a link may point at, the first by title or those that are found; the chosen one is always among them. What a
    link's condition says about the record itself is judged by the save."""
    target = call.model.objects[field.link.to[0]]
    where = field.link.where.source if field.link.where is not None else None
    if where is not None and "this" in where:
        where = None
    sortable = "." not in target.title
    ask = Ask(
        object=target.name, fields=("id", target.title), where=where, q=q or None, limit=FOUND,
        sort=(target.title,) if sortable else (),
    )  # fmt: skip
    rows = read(conn, call, ask, secret=b"").rows()
    if chosen and chosen not in {r["id"] for r in rows} and len(chosen) == 36:
        own = Ask(object=target.name, fields=("id", target.title), ids=(chosen,))
        rows = [*read(conn, call, own, secret=b"").rows(), *rows]
    return tuple(Choice(value=r["id"], text=_said(r.get(target.title))) for r in rows)


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("title")
    return str(value) if value not in (None, "") else UNTITLED


def wire_of(field: Field, text: str, reader: Reader) -> Any:
    """What was typed into an input of a small form, in the JSON form of the way save. Moments are in his zone."""
    text = text.strip()
    if text == "":
        return None
    if field.type == "boolean":
        return text == "true"
    if field.type in ("integer", "rating", "duration") and WHOLE.fullmatch(text):
        return int(text)
    if field.type == "datetime":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return (moment if moment.tzinfo else moment.replace(tzinfo=reader.zone)).isoformat()
    return text


def value_again(field: Field, value: Any) -> Any:
    """A value of an answer in the form a save takes: of a record its id."""
    if isinstance(value, Mapping) and isinstance(field.spec, LinkSpec):
        return {"object": value["object"], "id": value["id"]} if field.link.several else value.get("id")
    if isinstance(value, list) and isinstance(field.spec, LinkSpec):
        return [item["id"] for item in value]
    return value
