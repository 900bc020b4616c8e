"""Addressed: the objects that changes name: under their names of today, and known to the caller.

In: the frame of the call, a change. Out: the change as the save takes it, or NotFound. Touches no database.
"""

from __future__ import annotations

from dataclasses import replace

from patron_engine.access.decide import Deny, row_rule
from patron_engine.errors import NotFound
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest
from patron_engine.query.call import Call
from patron_engine.record.change import Change


def under_today(call: Call, change: Change) -> Change:
    """The change under the object's name of today."""
    today = call.model.object_aliases.get(change.object, change.object)
    return change if today == change.object else replace(change, object=today)


def known_object(call: Call, change: Change) -> None:
    """NotFound for an object the caller may not read: it does not exist for him."""
    found = call.model.object(change.object)
    if found is None or isinstance(row_rule(call.model, call.actor, "read", found.name), Deny):
        known = [
            o for o in call.model.objects if not isinstance(row_rule(call.model, call.actor, "read", o), Deny)
        ]
        raise NotFound(
            Phrase("there is no object {object!r}", object=change.object), hint=nearest(change.object, known)
        )
