"""May: what somebody may do with a record as it stands: which buttons its page has.

In: a connection, the frame of a call, a record, whether it lives, is voided. Out: a `May`. The way save decides; this only spares
people buttons that lead nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.access.decide import Action, Deny, When, row_rule, writable
from patron_engine.model.model import LinkSet, Object
from patron_engine.query.call import Call
from patron_engine.query.fitting import fitting
from patron_engine.ways.merge import NOT_MERGED

Connection = psycopg.Connection[Any]
ASKED: tuple[Action, ...] = ("update", "delete", "restore", "void", "merge")


@dataclass(frozen=True, slots=True, kw_only=True)
class May:
    """`attach` is for files of the record itself."""

    update: bool
    delete: bool
    create: bool
    restore: bool
    void: bool
    unvoid: bool
    attach: bool
    merge: bool


def may_of(conn: Connection, call: Call, object: Object, id: str, *, living: bool, voided: bool) -> May:
    """What the caller may do with this record."""
    may = _here(conn, call, object.name, id)
    can_void = living and "void" in object.features and may["void"]
    update = living and may["update"]
    return May(
        update=update,
        delete=living and may["delete"],
        create=living and allowed(call, "create", object.name) and object.master is None,
        restore=not living and may["restore"],
        void=can_void and not voided,
        unvoid=can_void and voided,
        attach=update and "files" in object.features,
        merge=living and may["merge"] and object.name not in NOT_MERGED,
    )


def _here(conn: Connection, call: Call, object: str, id: str) -> dict[Action, bool]:
    """Whether each action reaches this very record: one question for those that hang on it."""
    rules = {action: row_rule(call.model, call.actor, action, object) for action in ASKED}
    hang = [(action, rule.condition) for action, rule in rules.items() if isinstance(rule, When)]
    fits = fitting(conn, call, object, id, [condition for _, condition in hang]) if hang else ()
    found = {action: not isinstance(rule, Deny) for action, rule in rules.items()}
    return {
        **found,
        **{action: fit for (action, _), fit in zip(hang, fits or (False,) * len(hang), strict=True)},
    }


def allowed(call: Call, action: Action, object: str) -> bool:
    """Whether the action reaches any record of the object."""
    return not isinstance(row_rule(call.model, call.actor, action, object), Deny)


def creates(call: Call, set: LinkSet) -> bool:
    """Whether a record may be made in a set by itself: its link can be written by hand."""
    field = call.model.objects[set.object].fields[set.field]
    named = set.field in writable(call.model, call.actor, set.object)
    return allowed(call, "create", set.object) and named and field.readonly is not True and not set.many
