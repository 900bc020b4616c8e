"""Form search: records found for a link of an open form where no script looks them up while one types.

In: a form's frame, an input of a link, the row it stands in, words. Out: the input with what was found, to choose from. The same
look-up as the one of scripts, narrowed by the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from patron_engine.page.form_inputs import Frame
from patron_engine.page.inputs import Input
from patron_engine.page.lookup import choices_for
from patron_engine.page.typed import Typed, written
from patron_engine.query.call import Call
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn

FIND, SEARCH = "_find.", "_search"
MOST = 20  # searches of one form


def asked(typed: Typed) -> Mapping[str, str]:
    """Name of an input -> the words somebody looks for."""
    words = {n.removeprefix(FIND): t for n, t in typed.frame.items() if n.startswith(FIND) and t.strip()}
    pressed = typed.frame.get(SEARCH)
    if pressed:
        words = {pressed: typed.frame.get(FIND + pressed, ""), **words}
    return dict(list(words.items())[:MOST])


def with_found(conn: Conn, call: Call, frame: Frame, made: Input, row: Row, words: str) -> Input:
    """The input with the records these words find."""
    values = values_for(frame, made, row)
    found = choices_for(conn, call, frame.reader, made.field, words.replace("\x00", ""), values, b"")
    there = {c.value for c in made.choices}
    return replace(
        made,
        attributes={**made.attributes, "find": words, "searched": True},
        found=tuple(c for c in found if c.value not in there),
    )


def values_for(frame: Frame, made: Input, row: Row) -> Mapping[str, str]:
    """What the condition of the link reads of the row, as a form sends it; "order.account" of the master's."""
    values: dict[str, str] = {}
    for path in str(made.attributes.get("with", "")).split():
        own, _, rest = path.partition(".")
        at, name = (row.master, rest) if rest and row.master is not None else (row, own)
        field = at.program.fields.get(name)
        if field is None:
            continue
        value = frame.preview.value(at, field)
        refs = frame.preview.refs(at, field)
        if refs:
            value = {"object": refs[0][0], "id": refs[0][1]}
        texts = [text for sent, text in written(field, name, value, frame.reader) if sent == name]
        values[path] = texts[-1] if texts else ""
    return values
