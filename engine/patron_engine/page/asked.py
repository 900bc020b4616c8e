"""Asked: a few fields of a record that are asked for on the spot: what a move to another stage or place needs besides.

In: fields, or the problems of a refused save; what was typed already. Out: `Input`s of a small form, or None where something is
wrong that such a form cannot mend; and back: the texts of such a form as values the way save takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.access.decide import readable, writable
from patron_engine.fields.field import Field, LinkSpec, NumberSpec, TextSpec
from patron_engine.jsonio import whole
from patron_engine.model.model import Object
from patron_engine.page.cards import choice_of
from patron_engine.page.inputs import Choice, Input, widget_of
from patron_engine.page.palette import token_of
from patron_engine.page.reader import Reader
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask
from patron_engine.query.titles import title_of
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
SMALL = frozenset(
    {"text", "lines", "number", "money", "rating", "choice", "switch", "date", "moment", "clock", "record"}
)
FOUND = 50  # records that are offered at once where one can search for others
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def small_widget(field: Field) -> str | None:
    """The widget of a field in a small form; None where it needs more room."""
    widget = widget_of(field, written=True)
    if widget == "record" and (not isinstance(field.spec, LinkSpec) or field.link.several):
        return None
    return widget if widget in SMALL else None


# -- inputs -----------------------------------------------------------------------------------------------------------


def inputs_of(
    conn: Connection,
    call: Call,
    reader: Reader,
    fields: Iterable[Field],
    typed: Mapping[str, str],
    problems: Iterable[Problem],
) -> tuple[Input, ...]:
    """The inputs of these fields, the records a link may point at among their choices. A field that needs more room is left to
    the whole form."""
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        wrong.setdefault(problem.path or "", []).append(reader.words(problem.message))
    return tuple(
        _input(f, f.name, typed, wrong.get(f.name, ()), reader, _records(conn, call, f))
        for f in fields
        if small_widget(f) is not None
    )


def missing(
    call: Call,
    object: Object,
    problems: Sequence[Problem],
    typed: Mapping[str, str],
    reader: Reader,
    fixed: str,
) -> tuple[Input, ...] | None:
    """The inputs that would mend `problems`, those filled before among them, under "set.NAME". `fixed` is the field that is
    being changed: what is wrong with it cannot be mended here."""
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
    # What was never shown is not wrong yet: it is asked for.
    return tuple(
        _input(fields[name], f"set.{name}", typed, texts if name in typed else (), reader)
        for name, texts in said.items()
    )


def offered(
    fields: Iterable[Field],
    typed: Mapping[str, str],
    reader: Reader,
    problems: Iterable[Problem] = (),
    *,
    needed: bool = False,
) -> tuple[Input, ...]:
    """Inputs that may help, under "also.NAME": what is left empty there is left as it is."""
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        wrong.setdefault(problem.path or "", []).append(reader.words(problem.message))
    return tuple(
        replace(_input(f, f"also.{f.name}", typed, wrong.get(f.name, ()), reader), required=needed)
        for f in fields
    )


def _input(
    field: Field,
    name: str,
    typed: Mapping[str, str],
    problems: Sequence[str],
    reader: Reader,
    records: tuple[Choice, ...] = (),
) -> Input:
    spec = choice_of(field)
    number = field.spec if isinstance(field.spec, NumberSpec) else None
    options = tuple(
        Choice(value=o.name, text=reader.say(o.label, o.name), color=token_of(o.color))
        for o in (spec.options if spec is not None else ())
        if not o.retired
    )
    return Input(
        name=name,
        field=field,
        widget=small_widget(field) or "text",
        label=reader.say(field.label, field.name),
        help=reader.say(field.help),
        typed=typed.get(field.name),
        required=True,
        choices=records or options,
        targets=field.link.to if isinstance(field.spec, LinkSpec) else (),
        attributes={
            "maxlength": field.spec.max_length if isinstance(field.spec, TextSpec) else None,
            "min": number.min if number else None,
            "max": number.max if number else None,
            "step": _step(number.scale if number else None),
        },
        problems=tuple(problems),
    )


def _step(scale: int | None) -> str:
    return "any" if scale is None else "1" if scale == 0 else "0." + "0" * (scale - 1) + "1"


def _records(conn: Connection, call: Call, field: Field) -> tuple[Choice, ...]:
    """The records of a link that cannot be searched for here."""
    if not isinstance(field.spec, LinkSpec):
        return ()
    of = call.model.objects[field.spec.to[0]]
    return (
        candidates(conn, call, field, most=MAX_LIMIT)
        if of.title in readable(call.model, call.actor, of.name)
        else ()
    )


def candidates(
    conn: Connection,
    call: Call,
    field: Field,
    chosen: str | None = None,
    q: str | None = None,
    most: int = FOUND,
) -> tuple[Choice, ...]:
    """Records a link may point at, the first by title or those that are found; the chosen one is always among them. What a
    link's condition says about the record itself is judged by the save."""
    target = call.model.objects[field.link.to[0]]
    where = field.link.where.source if field.link.where is not None else None
    if where is not None and "this" in where:
        where = None
    sortable = "." not in target.title
    ask = Ask(
        object=target.name, fields=("id", target.title), where=where, q=q or None, limit=most,
        sort=(target.title,) if sortable else (),
    )  # fmt: skip
    rows = read(conn, call, ask, secret=b"").rows()
    if chosen and chosen not in {r["id"] for r in rows} and len(chosen) == 36:
        own = Ask(object=target.name, fields=("id", target.title), ids=(chosen,))
        rows = [*read(conn, call, own, secret=b"").rows(), *rows]
    return tuple(Choice(value=r["id"], text=title_of(target, r)) for r in rows)


# -- values -----------------------------------------------------------------------------------------------------------


def values_of(fields: Iterable[Field], typed: Mapping[str, str], reader: Reader) -> dict[str, Any]:
    """What was typed into the inputs of these fields."""
    return {f.name: wire_of(f, typed[f.name], reader) for f in fields if f.name in typed}


def wire_of(field: Field, text: str, reader: Reader) -> Any:
    """What was typed into an input of a small form, in the JSON form of the way save. Moments are in his zone; a text that means
    nothing stays a text: the save refuses it."""
    text = text.strip()
    if text == "":
        return None
    if field.type == "boolean":
        return text == "true"
    if field.type in ("integer", "rating", "duration") and (number := whole(text)) is not None:
        return number
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
