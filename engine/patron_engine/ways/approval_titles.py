"""Titles: what a task is called, for one reader: its title with values of the record in it that he reads. Part of the way approve.

In: an instance, the call of whoever reads, at his step. Out: the title in each language asked for; a place that he may not read stays
empty. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from patron_engine.access.decide import readable
from patron_engine.approval.program import Program
from patron_engine.approval.value import Instance
from patron_engine.errors import PatronError
from patron_engine.fields.field import ChoiceSpec
from patron_engine.fields.options import options_in
from patron_engine.jsonio import loads
from patron_engine.model.model import label_of, say
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.statements import Conn
from patron_engine.ways.read import read_one

_HOLE: Final = re.compile(r"\{\{\s*([a-z0-9_.]+)\s*\}\}")


def subject_of(conn: Conn, call: Call, program: Program, instance: Instance, node: str | None) -> str:
    """In the reader's language."""
    return subjects_of(conn, call, program, instance, node, [call.actor.languages])[0]


def subjects_of(
    conn: Conn, call: Call, program: Program, instance: Instance, node: str | None, wanted: Sequence[Sequence[str]]
) -> list[str]:  # fmt: skip
    """The same in several languages; without a title of its own the approval and what the record is called."""
    titles = [_own(program, node, each) for each in wanted]
    own = call.model.objects[instance.object].title
    names = list(dict.fromkeys(n for title in titles for n in (_HOLE.findall(title) if title else [own])))
    values = _values(conn, call, instance, names)

    def filled(title: str, languages: tuple[str, ...]) -> str:
        def told(name: str) -> str:
            return _text(call, instance.object, name, values.get(name), languages)

        if title:
            return _filled(call, instance.object, title, values, languages)
        called = label_of(program.body.get("label") or "", program.name, languages)
        colon = "：" if next(iter(languages), "").startswith("zh") else ": "
        return f"{say(called.texts, languages) or called}{colon}{told(own)}"

    return [filled(title, tuple(each)) for title, each in zip(titles, wanted, strict=True)]


def holes_of(call: Call, program: Program, node: str | None) -> list[str]:
    """The fields of the record that the task's own title names."""
    return [n for n in _HOLE.findall(_own(program, node, call.actor.languages)) if "." not in n]


def titled(
    conn: Conn, call: Call, program: Program, instance: Instance, node: str | None, row: Mapping[str, Any]
) -> str | None:
    """The task's own title, in the reader's language, from what he read of the record already; None where it has none."""
    title = _own(program, node, call.actor.languages)
    if not title:
        return None
    further = [n for n in _HOLE.findall(title) if "." in n]
    values = {**row, **_values(conn, call, instance, further)} if further else row
    return _filled(call, instance.object, title, values, call.actor.languages)


def _own(program: Program, node: str | None, languages: Sequence[str]) -> str:
    body = program.by_name[node].body if node is not None and node in program.by_name else program.body
    return say(body.get("title") or program.tells("title") or "", tuple(languages))


def _filled(call: Call, object: str, title: str, values: Mapping[str, Any], languages: Sequence[str]) -> str:
    return _HOLE.sub(lambda hole: _text(call, object, hole[1], values.get(hole[1]), languages), title)


def _values(conn: Conn, call: Call, instance: Instance, names: Sequence[str]) -> Mapping[str, Any]:
    """What he reads of the record; of one that is gone, as it was submitted."""
    known = readable(call.model, call.actor, instance.object)
    open = [n for n in names if n.partition(".")[0] in known]
    if not fetch_values(conn, call, instance.object, [instance.record], ["id"]):
        return {n: instance.snapshot.get(n) for n in open}
    found = _read(conn, call, instance, [n for n in open if "." not in n])
    for path in open:
        if "." in path:
            found = {**found, **_read(conn, call, instance, [path])}
    return found


def _read(conn: Conn, call: Call, instance: Instance, names: Sequence[str]) -> dict[str, Any]:
    try:
        row: dict[str, Any] = loads(
            read_one(conn, call, instance.object, instance.record, fields=("id", *names)).json
        )
    except PatronError:
        return {}
    return row


def _text(call: Call, object: str, path: str, value: Any, languages: Sequence[str]) -> str:
    if isinstance(value, list):
        return ", ".join(_text(call, object, path, one, languages) for one in value)
    if isinstance(value, Mapping):
        told = [value.get("title")] if "title" in value else [v for v in value.values()]
        return " ".join(str(v) for v in told if v is not None)
    field = call.model.follow(object, path)
    if field is not None and isinstance(field.spec, ChoiceSpec):
        option = options_in(field.choice).get(str(value))
        value = say(option.label, tuple(languages)) or option.name if option is not None else value
    return "" if value is None else str(value)
