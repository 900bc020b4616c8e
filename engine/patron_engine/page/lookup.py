"""Lookup: the records one may choose for a link, as one types: found by the search, narrowed by the link's own condition.

In: a connection for reading, a link, what was typed, the values of the open form the condition names (as forms send them). Out:
choices: those changed last where nothing was typed. Through the way read, so nobody is offered what he may not see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.errors import Refused
from patron_engine.expr.normal import constant_text
from patron_engine.fields.field import Field
from patron_engine.model.model import Object
from patron_engine.page.inputs import Choice
from patron_engine.page.layout import columns_of
from patron_engine.page.reader import Reader
from patron_engine.page.show import numeric, shown
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of
from patron_engine.query.tokens import begun
from patron_engine.ways.read import read, read_one

Connection = psycopg.Connection[Any]
SHOWN = 20  # choices at once
LONGEST = 100  # characters one searches by
HINTS = 2  # facts beside a title
UNFIT = frozenset(
    {"long_text", "rich_text", "json", "file", "image", "signature", "audio", "address", "secret"}
)
OWN = re.compile(r"'(?:\\.|[^'\\])*'|\bthis\.(\w+(?:\.\w+)*)")


def read_by(of: Field, master: str | None = None) -> tuple[str, ...]:
    """The fields of the record itself that the condition of a link reads: their values belong to a look-up. Beyond its
    `master` they are those of the form around a row: "order.account"."""
    condition = of.link.where
    paths = condition.paths if condition is not None else ()
    found = [p.split(".")[1:] for p in paths if p.startswith("this.")]
    return tuple(
        sorted(
            {".".join(steps[:2]) if steps[0] == master and len(steps) > 1 else steps[0] for steps in found}
        )
    )


def choices_for(
    conn: Connection, call: Call, reader: Reader, of: Field, q: str, values: Mapping[str, str], secret: bytes
) -> list[Choice]:
    """What may be chosen for the link `of`; `values` are those of the record that will point there."""
    found: list[Choice] = []
    where = _where(conn, call, of, values)
    targets = [t for t in of.link.to if not isinstance(row_rule(call.model, call.actor, "read", t), Deny)]
    for target in targets:
        object = call.model.objects[target]
        several = reader.say(object.label, target) if of.link.several else ""
        found.extend(_of_object(conn, call, reader, object, q, where, secret, several))
    return found[:SHOWN]


def records_for(
    conn: Connection, call: Call, reader: Reader, object: str, q: str, secret: bytes
) -> list[Choice]:
    """Any record of an object that the reader may see."""
    if isinstance(row_rule(call.model, call.actor, "read", object), Deny):
        return []
    return _of_object(
        conn, call, reader, call.model.objects[object], q.replace("\x00", ""), None, secret, ""
    )[:SHOWN]


def _of_object(
    conn: Connection,
    call: Call,
    reader: Reader,
    object: Object,
    q: str,
    where: str | None,
    secret: bytes,
    several: str,
) -> list[Choice]:
    known = readable(call.model, call.actor, object.name)
    facts = [
        n for n in columns_of(call.model, call.actor, object)
        if n != object.title and n in known and known[n].type not in UNFIT and not known[n].system
    ][:HINTS]  # fmt: skip
    words = q[:LONGEST].strip()
    ask = Ask(
        object=object.name, where=where, q=words or None, limit=SHOWN,
        fields=("id", object.title, *facts), sort=("-updated_at",) if "updated_at" in known else (),
    )  # fmt: skip
    rows = read(conn, call, ask, secret=secret).rows()
    if not rows and begun(words):  # what stood there stays until a second letter narrows it
        rows = read(conn, call, replace(ask, q=None), secret=secret).rows()
    found = []
    for row in sorted(rows, key=lambda row: _nearness(title_of(object, row), words)):
        texts = [shown(known[n], row.get(n), reader).text for n in facts]
        found.append(
            Choice(
                value=f"{object.name}:{row['id']}" if several else row["id"],
                text=title_of(object, row),
                hint=" · ".join(t for t in (several, *texts) if t),
            )
        )
    return found


def _nearness(title: str, words: str) -> int:
    """Who is called just so stands first, then whose name begins so: Enter takes the first."""
    title, words = title.casefold(), words.casefold()
    return 0 if title == words else 1 if title.startswith(words) else 2


def _title(row: Mapping[str, Any], path: str) -> str:
    value: Any = row.get(path)
    if value is None:
        value = row
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping):
        value = value.get("title")
    return "" if value is None else str(value)


def _where(conn: Connection, call: Call, of: Field, values: Mapping[str, str]) -> str | None:
    """The link's condition over the candidates, the record's own values written in."""
    condition = of.link.where
    if condition is None:
        return None
    own = call.model.objects[of.object]

    def written(match: re.Match[str]) -> str:
        return match[0] if match[1] is None else constant_text(_value(conn, call, own, match[1], values))

    return OWN.sub(written, condition.source)


def _value(conn: Connection, call: Call, own: Object, path: str, values: Mapping[str, str]) -> Any:
    name, _, rest = path.partition(".")
    field = own.field(name)
    above = rest.partition(".")[0]
    if field is not None and above and f"{name}.{above}" in values:  # a field of the open form around the row
        return _value(
            conn, call, call.model.objects[field.link.to[0]], rest, {above: values[f"{name}.{above}"]}
        )
    text = values.get(name) or None
    if field is None or text is None:
        return None
    if field.expr.kind == "link":
        target, _, id = text.rpartition(":")
        if not rest:
            return id
        try:
            found = read_one(conn, call, target or field.link.to[0], id, fields=[rest]).record()
        except Refused:
            return None
        return _title(found, rest) or None
    if numeric(field.type):
        try:
            return Decimal(text)
        except InvalidOperation:
            return None
    return text == "true" if field.type == "boolean" else text
