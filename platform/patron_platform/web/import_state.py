"""Import state: how an import or its trial stands, as pages draw it: figures, the first rows with a problem, in the reader's words.

In: an import that its reader may see. Out: plain values for the templates of imports.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import psycopg

from patron_engine.access.decide import Action, Deny, row_rule
from patron_engine.phrases import reason
from patron_engine.query.call import Call
from patron_engine.transfer import imports
from patron_engine.transfer.imports import Import
from patron_platform.web.visitor import Visitor

FIRST = 50  # rows with a problem that a page shows
FIGURES = ("created", "updated", "unchanged", "skipped", "refused", "warned")


def state_of(
    visitor: Visitor, conn: psycopg.Connection[Any], call: Call, it: Import, first: int = FIRST
) -> dict[str, Any]:
    """What the templates use of an import, with its `first` rows with a problem once it has ended."""
    faults = imports.faults(conn, call.schema, it.batch) if it.ended and first else ()
    reader, words = visitor.reader(call), visitor.words
    rows = [
        {
            "number": number,
            "problems": [
                {"column": p.get("path") or "", "warning": p.get("level") == "warning",
                 "said": _capital(words(reason(p["message"]) if p.get("path") else p["message"])) + (f" ({words(p['hint'])})" if p.get("hint") else "")}
                for p in problems
            ],
        }
        for number, _, problems in islice(faults, first)
    ]  # fmt: skip
    return {
        "it": it,
        "name": object_name(visitor, call, it.object),
        "state": "undone" if it.undone else it.state,
        "figures": [
            (name, reader.number(it.counts[name]))
            for name in FIGURES
            if it.counts[name] or name in ("created", "updated")
        ],
        "rows": rows,
        "all_rows": it.counts["refused"] + it.counts["warned"],
        "error": words(it.error) if it.error else "",
        "opens": it.object if it.object in call.model.objects else "",
        "undoable": undoable(call, it),
    }


def needed(it: Import) -> list[Action]:
    """The rights that taking it back asks for: what was made is deleted, what was changed is changed again."""
    found: list[Action] = ["delete"] if it.counts["created"] else []
    return [*found, "update"] if it.counts["updated"] else found


def undoable(call: Call, it: Import) -> bool:
    """Whether there is something to take back, and he may."""
    rights = needed(it)
    return (
        it.ended
        and not it.undone
        and not it.trial
        and (bool(rights) or it.touched)
        and not any(
            isinstance(row_rule(call.model, call.actor, action, it.object), Deny) for action in rights
        )
    )


def object_name(visitor: Visitor, call: Call, object: str) -> str:
    """What people call the object; its name where it is there no longer."""
    found = call.model.objects.get(object)
    return visitor.reader(call).say(found.plural or found.label, object) if found else object


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
