"""Opening: how much more somebody would reach by a change of his rights, so that the smallest can be chosen.

In: a connection, a call, the person, an explanation. Out: each change with the records of the object that it would open beyond
those he reaches now, counted up to `MAX_COUNTED`. Changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg

from patron_engine.access.decide import Action, row_rule
from patron_engine.access.decision import joined
from patron_engine.access.grants import object_grants, roles_of
from patron_engine.access.roles import FLAGS, given_of
from patron_engine.actor import Actor
from patron_engine.query.call import Call
from patron_engine.query.reach import reached_by
from patron_engine.ways.explain import Explanation, Remedy

MAX_OPENINGS = 12  # changes that are counted in one answer


def openings(conn: psycopg.Connection[Any], call: Call, who: Actor, said: Explanation) -> dict[Remedy, int]:
    """The first changes of an explanation with what they open; sharing one record opens one."""
    theirs = replace(call, actor=who)
    action: Action = said.action if said.action not in FLAGS else "read"
    counted = [r for r in said.remedies if r.kind in ("give_role", "widen")][:MAX_OPENINGS]
    found = {r: 1 for r in said.remedies if r.kind == "share"}
    if not counted:
        return found
    now = reached_by(conn, theirs, said.object, row_rule(call.model, who, action, said.object))
    for remedy in counted:
        found[remedy] = max(0, _after(conn, theirs, said.object, action, remedy) - now)
    return found


def _after(conn: psycopg.Connection[Any], call: Call, object: str, action: Action, remedy: Remedy) -> int:
    """What he would reach."""
    who = call.actor
    if remedy.kind == "give_role":
        with_it = replace(who, roles=who.roles | {remedy.name})
        return reached_by(
            conn, replace(call, actor=with_it), object, row_rule(call.model, with_it, action, object)
        )
    role = given_of(call.model).roles[remedy.name]
    entry = role.of(object)
    assert entry is not None
    wider = replace(role, objects={**role.objects, object: replace(entry, scopes={**entry.scopes, action: remedy.scope})})  # fmt: skip
    roles = tuple(wider if r.name == role.name else r for r in roles_of(call.model, who))
    grants = [
        g for g in object_grants(call.model, call.model.objects[object], roles, who)
        if action in (g.actions or ())
    ]  # fmt: skip
    return reached_by(conn, call, object, joined(call.model, grants)) if grants else 0
