"""May: what somebody may do with a record as it stands: which buttons its page has.

In: the frame of a call, an object, whether the record lives, is voided. Out: a `May`. The way save decides; this only spares
people buttons that lead nowhere. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from patron_engine.access.decide import Action, Deny, row_rule, writable
from patron_engine.model.model import LinkSet, Object
from patron_engine.query.call import Call


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


def may_of(call: Call, object: Object, *, living: bool, voided: bool) -> May:
    name = object.name
    can_void = living and "void" in object.features and allowed(call, "void", name)
    update = living and allowed(call, "update", name)
    return May(
        update=update,
        delete=living and allowed(call, "delete", name),
        create=living and allowed(call, "create", name) and object.master is None,
        restore=not living and allowed(call, "restore", name),
        void=can_void and not voided,
        unvoid=can_void and voided,
        attach=update and "files" in object.features,
    )


def allowed(call: Call, action: Action, object: str) -> bool:
    """Whether the action reaches any record of the object."""
    return not isinstance(row_rule(call.model, call.actor, action, object), Deny)


def creates(call: Call, set: LinkSet) -> bool:
    """Whether a record may be made in a set by itself: its link can be written by hand."""
    field = call.model.objects[set.object].fields[set.field]
    named = set.field in writable(call.model, call.actor, set.object)
    return allowed(call, "create", set.object) and named and field.readonly is not True and not set.many
