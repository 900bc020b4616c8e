"""Asked: a few fields of a record that are asked for on the spot, as inputs: what a move to another stage needs.

In: fields, what was typed, what is wrong with it. Out: `Input`s, with the records a link may point at where they are few; and back:
the texts of such a form as values the way save takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.fields.field import ChoiceSpec, Field, LinkSpec, NumberSpec
from patron_engine.fields.options import options_in
from patron_engine.page.inputs import Choice, Input, widget_of
from patron_engine.page.palette import token_of
from patron_engine.page.reader import Reader
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
ASKABLE = frozenset(
    {"text", "lines", "number", "percent", "money", "choice", "date", "moment", "record", "switch", "rating"}
)


def inputs_of(
    conn: Connection,
    call: Call,
    reader: Reader,
    fields: Iterable[Field],
    typed: Mapping[str, str],
    problems: Iterable[Problem],
) -> tuple[Input, ...]:
    """The inputs of these fields. One of a widget that no small form has is left to the whole form."""
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        wrong.setdefault(problem.path or "", []).append(reader.words(problem.message))
    made = []
    for field in fields:
        widget = widget_of(field, written=True)
        spec = field.spec
        if widget not in ASKABLE or (isinstance(spec, LinkSpec) and spec.several):
            continue
        made.append(
            Input(
                name=field.name, field=field, widget=widget, label=reader.say(field.label, field.name),
                help=reader.say(field.help), typed=typed.get(field.name), required=True,
                choices=_choices(conn, call, reader, field), problems=tuple(wrong.get(field.name, ())),
                attributes={"step": _step(field)},
            )
        )  # fmt: skip
    return tuple(made)


def values_of(fields: Iterable[Field], typed: Mapping[str, str], reader: Reader) -> dict[str, Any]:
    """What was typed into them, in the form of the API. Texts that mean nothing stay texts: the save refuses them."""
    made: dict[str, Any] = {}
    for field in fields:
        text = typed.get(field.name, "").strip()
        if field.name in typed:
            made[field.name] = _value(field, text, reader) if text else None
    return made


def _value(field: Field, text: str, reader: Reader) -> Any:
    if field.type == "boolean":
        return text == "true"
    if field.type in ("integer", "rating") and text.lstrip("-").isdigit() and text.isascii():
        return int(text)
    if field.type == "datetime":
        try:
            return datetime.fromisoformat(text).replace(tzinfo=reader.zone).isoformat()
        except ValueError:
            return text
    return text


def _choices(conn: Connection, call: Call, reader: Reader, field: Field) -> tuple[Choice, ...]:
    spec = field.spec
    if isinstance(spec, ChoiceSpec):
        return tuple(
            Choice(value=o.name, text=reader.say(o.label, o.name), color=token_of(o.color))
            for o in options_in(spec).values()
            if not o.retired
        )
    if not isinstance(spec, LinkSpec) or spec.several:
        return ()
    of = call.model.objects[spec.to[0]]
    if of.title not in readable(call.model, call.actor, of.name):
        return ()
    ask = Ask(object=of.name, fields=("id", of.title), sort=(of.title,), limit=MAX_LIMIT)
    rows = read(conn, call, ask, secret=b"").rows()
    return tuple(Choice(value=r["id"], text=str(r.get(of.title) or "…")) for r in rows)


def _step(field: Field) -> str:
    spec = field.spec
    scale = spec.scale if isinstance(spec, NumberSpec) else None
    return "any" if scale is None else "1" if scale == 0 else "0." + "0" * (scale - 1) + "1"
