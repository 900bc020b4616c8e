"""Right at a step: what somebody may look at for an approval. Part of the way approve.

In: an instance, whoever has to do with it, his task. Out: the call as it reads the record there: what was given with the approval, by
the field rights of his step; whether he was let in. Changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from patron_engine.actor import SYSTEM, Actor, AtStep
from patron_engine.approval.program import Program
from patron_engine.approval.value import Instance, Task
from patron_engine.flow.people import of_users
from patron_engine.flow.values import Reading
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn


def at_step(call: Call, program: Program, instance: Instance, task: Task | None) -> Call:
    """The call of whoever looks at the record with this task, or with none."""
    return looking(call, actor_at(call.actor, program, instance, task))


def actor_at(actor: Actor, program: Program, instance: Instance, task: Task | None) -> Actor:
    """People of other organisations, and administrators, read there what they read anywhere."""
    if actor.administrator or actor.system or actor.kind == "portal":
        return actor
    node = program.by_name.get(task.node) if task is not None else None
    rights = tuple(sorted(node.fields.items())) if node is not None else ()
    return replace(actor, step=AtStep(object=instance.object, rights=rights))


def actor_of(conn: Conn, call: Call, user: str | None) -> Actor | None:
    """A user as he stands now; None when he may not do anything any more."""
    if user is None:
        return SYSTEM
    row = of_users(Reading(conn, call), [user], "roles", "kind", "active").get(user)
    if row is None or row.get("active") is False:
        return None
    return Actor(
        user=user, administrator=user in call.administrators(), roles=frozenset(row.get("roles") or ()), kind=row.get("kind") or "internal"
    )  # fmt: skip


def reading_as(conn: Conn, call: Call, program: Program, instance: Instance, person: str) -> Call:
    """The call of somebody who is told of it, as he reads the record at his latest step."""
    actor = actor_of(conn, call, person) or Actor(user=person)
    task = next((t for t in reversed(instance.tasks) if t.person == person), None)
    return at_step(replace(call, actor=actor), program, instance, task)


def looking(call: Call, actor: Actor) -> Call:
    return replace(call, actor=actor)


def let_in_before(conn: Conn, call: Call, instance: Instance) -> bool:
    """Whether the record was given to him with an approval: he was asked, or told of a comment."""
    if instance.object not in call.model.objects or call.actor.user is None:
        return False
    query = sql.SQL("SELECT 1 FROM {} WHERE record = %s AND principal = %s AND reason = 'approval'").format(
        sql.Identifier(call.schema, call.tables.access(instance.object).name)
    )
    return conn.execute(query, (instance.record, call.actor.user)).fetchone() is not None
