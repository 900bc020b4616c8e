"""Held: what a stage holds a record with is done in the form that asks for it: a call is logged, a field filled, a record begun.

In: what a move was refused for; and what was typed: `log.kind`, `log.text`, `log.next` of a follow-up, `also.FIELD` of fields. Out: what
the form offers (page/held); saves before the move, in its transaction, and values beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import psycopg

from patron_engine.access.decide import writable
from patron_engine.errors import Refused
from patron_engine.model.model import LinkSet, Object
from patron_engine.page.asked import wire_of
from patron_engine.page.doing import conversions_here
from patron_engine.page.follow_up import follow_up_changes, follow_up_of
from patron_engine.page.held import Held
from patron_engine.page.may import creates
from patron_engine.page.reader import Reader
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways.save import save
from patron_platform.web.follow_up import wanted
from patron_platform.web.visitor import Visitor

Connection = psycopg.Connection[Any]
LOG, ALSO = "log.", "also."


def under(prefix: str, typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed into the inputs whose names begin so; what was left empty is not among it."""
    return {
        n.removeprefix(prefix): text for n, text in typed.items() if n.startswith(prefix) and text.strip()
    }


def also(call: Call, object: Object, typed: Mapping[str, str], reader: Reader) -> dict[str, Any]:
    """The values of fields that were filled beside the move."""
    may = writable(call.model, call.actor, object.name)
    return {n: wire_of(may[n], text, reader) for n, text in under(ALSO, typed).items() if n in may}


def note_down(
    conn: Connection, call: Call, object: Object, id: str, typed: Mapping[str, str], reader: Reader,
    confirm: frozenset[str] = frozenset(),
) -> None:  # fmt: skip
    """Saves the follow-up that was written, if any. It stays when the move is taken back: it was done."""
    log = under(LOG, typed)
    if "text" not in log:
        return
    next_at, problems = wanted(log, reader)
    found = follow_up_of(call, object)
    if problems or found is None:
        raise Refused(
            [replace(p, path=f"{LOG}{p.path}") for p in problems]
            or [Problem(code="not_found", message="there is nothing to follow up here", path="text")]
        )
    changes = follow_up_changes(
        call, found, object.name, id, kind=log.get("kind") or found.ways[0].name, text=log["text"],
        next_at=next_at, confirm=confirm,
    )  # fmt: skip
    for change in changes:  # one after the other: the task takes its account from the activity
        save(conn, call, [change])


def drawn(
    visitor: Visitor,
    conn: Connection,
    call: Call,
    object: Object,
    id: str,
    found: Held,
    typed: Mapping[str, str],
) -> dict[str, Any]:
    """What `_held.html` shows. A follow-up that was begun stays, whatever else is wrong."""
    log = under(LOG, typed)
    follow_up = found.follow_up or (follow_up_of(call, object) if "text" in log else None)
    return {
        "told": [visitor.words(p.message) for p in found.problems],
        "follow_up": follow_up,
        "needed": len(found.fields) + (follow_up is not None) == 1 and not found.sets,
        "links": _links(visitor, conn, call, object, id, found.sets),
        "typed": log,
    }


def _links(
    visitor: Visitor, conn: Connection, call: Call, object: Object, id: str, sets: Sequence[LinkSet]
) -> list[tuple[str, str]]:
    """Where records of the sets are made: by converting this one, as a new one, as a row of its form; else its own page."""
    reader, links = visitor.reader(call), []
    here = visitor.url("o", object.name, id)
    converting = conversions_here(conn, call, reader, object, id, ()) if sets else ()
    for found in sets:
        made = [one for one in converting if found.object in _targets(call, one.name)]
        if made:
            links += [(one.label, f"{here}/convert/{one.name}") for one in made]
            continue
        of = call.model.objects[found.object]
        label = reader.say(found.label) or reader.say(of.plural) or reader.say(of.label, of.name)
        if found.master:
            links.append((label, f"{here}/edit"))
        elif creates(call, found):
            fill = {f"fill.{found.field}": id}
            if of.fields[found.field].link.several:
                fill[f"fill.{found.field}.object"] = object.name
            links.append((label, f"{visitor.url('o', of.name, 'new')}?{urlencode(fill)}"))
        else:
            links.append((label, f"{here}?{urlencode({'tab': found.name})}"))
    return links


def _targets(call: Call, conversion: str) -> set[str]:
    return {target["object"] for target in call.model.documents[("conversion", conversion)]["to"]}
