"""Promotion: what somebody may do is changed by who manages people, and never beyond what he may do himself; and one administrator
stays, whoever it is that changes something.

In: rows of users whose roles, kind or being on change, or that go. Out: problems. On every path of a save: a right to update users is
no way to become an administrator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from patron_engine.access.beside import holds
from patron_engine.access.contain import contains, holds_role
from patron_engine.access.roles import given_of
from patron_engine.actor import Actor
from patron_engine.record.batch import Batch
from patron_engine.record.row import Row

MEANS = (
    "roles",
    "kind",
    "active",
    "account",
    "department",
    "manager",
)  # fields of a user that say what he may do
PLACE = ("department", "manager")


def authorise_promotion(batch: Batch, rows: Sequence[Row]) -> None:
    """Called after the values are bound."""
    actor = batch.call.actor
    by_itself = batch.call.cause.by_definition  # who writes rules must not give himself rights by them
    if (actor.administrator or actor.system) and not by_itself:
        return
    for row in rows:
        if row.object != "user" or row.rejected:
            continue
        changed = [n for n in MEANS if n in row.given and row.values.get(n) != row.old.get(n)]
        if changed and (by_itself or not _may(batch, row)):
            row.wrong(
                "forbidden", "you may not change what somebody may do", changed[0],
                hint="who manages people may, as far as his own rights reach",
            )  # fmt: skip


def keep_an_administrator(batch: Batch, rows: Sequence[Row]) -> None:
    """Called once they are written. Who is switched off or deleted opens nothing any more: with the last administrator nobody could
    mend anything. Two who switch each other off at once are asked one after the other."""
    leaving = [row for row in rows if row.object == "user" and _leaves(row)]
    administrators = batch.call.administrators() if leaving else frozenset()
    going = [row for row in leaving if row.id in administrators]
    if not going:
        return
    schema, user = batch.call.schema, batch.model.objects["user"]
    batch.conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 19))", (f"{schema} administrators",)
    )
    stays = sql.SQL("SELECT 1 FROM {} WHERE id = ANY(%s::uuid[]) AND deleted_at IS NULL{} LIMIT 1").format(
        sql.Identifier(schema, user.table),
        sql.SQL(" AND {} IS NOT FALSE").format(sql.Identifier(user.fields["active"].column.name))
        if "active" in user.fields else sql.SQL(""),
    )  # fmt: skip
    if batch.conn.execute(stays, (sorted(administrators),)).fetchone() is None:
        for row in going:
            row.wrong(
                "last_administrator", "this is the last administrator of the workspace",
                "active" if row.action == "update" else None,
                hint="make somebody else an administrator first: patron user create ADDRESS --workspace NAME --role admin",
            )  # fmt: skip


def _leaves(row: Row) -> bool:
    """Whether this save takes from him that he may sign in."""
    deleted = row.values.get("deleted_at") is not None and row.old.get("deleted_at") is None
    return deleted or (row.values.get("active") is False and row.old.get("active") is not False)


def _may(batch: Batch, row: Row) -> bool:
    model, actor = batch.model, batch.call.actor
    if not holds(model, actor, "manage_users"):
        return False
    if row.id == actor.user and any(row.values.get(n) != row.old.get(n) for n in PLACE):
        return False  # where somebody stands says whose records are his: that is for others to say
    before, now = set(row.old.get("roles") or ()), set(row.values.get("roles") or ())
    known = given_of(model).roles
    if any(name in known and not holds_role(model, actor, known[name]) for name in now - before):
        return False
    if row.fresh:
        return True
    if row.id in batch.call.administrators():
        return False
    kind: Any = row.old.get("kind") or "internal"
    return contains(model, actor, Actor(user=row.id, roles=frozenset(before), kind=kind))
