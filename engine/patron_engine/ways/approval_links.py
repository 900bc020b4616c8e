"""Links with a decision: what an approver points at is what he may read: his step opens the field, not the records. Part of the way
approve.

In: a record, what an approver sent, before and after it is saved. Out: what it points at; a problem for each record that is not there
for him. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from patron_engine.fields.field import Field
from patron_engine.model.model import LINKS, label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.actionable import reached_among
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.links import linked
from patron_engine.record.statements import Conn

Target = tuple[str, str, str]  # where it stands in what was sent, object, id


def pointed_at(
    conn: Conn, call: Call, object: str, id: str, given: Mapping[str, Any], at: str = ""
) -> Iterator[tuple[Target, Field]]:
    """What the links among the given fields point at now, those of rows of details too."""
    known = call.model.objects[object]
    fields = [f for n in given if (f := known.field(n)) is not None and f.type in LINKS and not f.computed]
    values = fetch_values(conn, call, object, [id], [f.name for f in fields]).get(id, {}) if fields else {}
    for field in fields:
        for target, record in linked(values.get(field.name), field):
            yield (f"{at}{field.name}", target, record), field
    for name, rows in given.items():
        among = known.sets.get(name)
        for number, row in enumerate(rows if among is not None and isinstance(rows, list) else ()):
            if among is not None and isinstance(row, Mapping) and isinstance(row.get("id"), str):
                yield from pointed_at(conn, call, among.object, row["id"], row, f"{name}[{number}].")


def not_there(conn: Conn, call: Call, found: Iterable[tuple[Target, Field]]) -> list[Problem]:
    """Those that he may not read, told as a save tells of a record that is none."""
    languages = call.actor.languages
    return [
        Problem(
            code="link_not_found", path=path,
            message=Phrase(
                "{field}: there is no {object} {named}", field=label_of(field.label, field.name, languages), object=object, named=repr(id)
            ),
        )
        for (path, object, id), field in found
        if not reached_among(conn, call, object, "read", [id])
    ]  # fmt: skip
