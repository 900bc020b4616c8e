"""The way unmask: a masked value shown to somebody who may see it on demand, and written down that he saw it.

In: the connection of a write, the frame of the call, a record, names of fields. Out: the values in the form of an answer; a row of
the audit for each, never with the value. A field he reads anyway, or may not even see masked, is one that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from patron_engine.access.beside import holds
from patron_engine.access.decide import readable, visible
from patron_engine.errors import Forbidden, Refused
from patron_engine.fields.field import Field
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.query.fitting import masked_here, readable_here
from patron_engine.query.masks import maskable
from patron_engine.query.names import known_object
from patron_engine.record import audit
from patron_engine.record.statements import Conn
from patron_engine.ways.read import read_one


def masked_fields(conn: Conn, call: Call, object: Object, id: str) -> dict[str, Field]:
    """The fields of a record that the caller sees masked. He was allowed to read the record."""
    mine = visible(call.model, call.actor, object.name)
    covered = {n: f for n, f in mine.items() if maskable(f)}
    plain = readable_here(
        conn,
        call,
        object.name,
        id,
        {n: f for n, f in readable(call.model, call.actor, object.name).items() if n in covered},
    )
    return {n: f for n, f in masked_here(conn, call, object.name, id, covered).items() if n not in plain}


def unmask(conn: Conn, call: Call, object: str, id: str, names: Sequence[str]) -> dict[str, Any]:
    """The values of masked fields, each noted. NotFound, Forbidden, Refused."""
    found = known_object(call, object)
    known = str(read_one(conn, call, found.name, id, fields=("id",)).record()["id"])
    if not holds(call.model, call.actor, "unmask"):
        raise Forbidden("you may not see what is masked")
    masked = masked_fields(conn, call, found, known)
    today = [found.aliases.get(name, name) for name in names]
    wrong = [name for name in today if name not in masked]
    if wrong or not today:
        raise Refused([_unknown(found, name, masked) for name in wrong or [""]])
    # His right to the record and to see these fields on demand was judged above; only they are read.
    whole = replace(call, actor=replace(call.actor, administrator=True))
    values = read_one(conn, whole, found.name, known, fields=today).record()
    for name in dict.fromkeys(today):
        audit.note(
            conn,
            call,
            "unmask",
            f"{found.name}/{known}",
            {"object": found.name, "record": known, "field": name},
        )
    return {name: values[name] for name in today}


def _unknown(object: Object, name: str, masked: dict[str, Field]) -> Problem:
    return Problem(
        code="unknown_field",
        message=Phrase("{object} has no field {name!r}", object=object.name, name=name[:60]),
        path="fields",
        hint=nearest(name[:60], masked),
    )
