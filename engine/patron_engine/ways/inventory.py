"""The way inventory: what personal data the workspace holds: every object, field and kind, why, how many records, who reads it.

In: an administrator's call. Out: an `Entry` an object that has personal fields. Roles are those whose rights reach the field on some
record; administrators read everything and are not among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.access.decision import Deny
from patron_engine.access.fields import field_rule
from patron_engine.access.roles import Role, given_of
from patron_engine.actor import Actor
from patron_engine.fields.field import Field
from patron_engine.model.model import Object
from patron_engine.model.personal import SENSITIVE, personal_fields
from patron_engine.query.call import Call
from patron_engine.ways.subject import must_administer

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One field. `read` and `masked` are the roles that see it whole, or at least its mask."""

    field: Field
    sensitive: bool
    read: tuple[Role, ...]
    masked: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object; `records` are those that are there, `deleted` those in the recycle bin."""

    object: Object
    records: int
    deleted: int
    fields: tuple[Kept, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "object": self.object.name,
            "label": dict(self.object.label),
            "purpose": dict(self.object.purpose),
            "hold": None if self.object.hold is None else self.object.hold.source,
            "records": self.records,
            "deleted": self.deleted,
            "fields": [
                {
                    "name": k.field.name, "label": dict(k.field.label), "kind": k.field.personal, "sensitive": k.sensitive,
                    "encrypted": k.field.encrypted, "read": [r.name for r in k.read],
                    "masked": [r.name for r in k.masked],
                }
                for k in self.fields
            ],
        }  # fmt: skip


def inventory(conn: Connection, call: Call) -> tuple[Entry, ...]:
    """Every object with personal fields, in the order of their names."""
    must_administer(call)
    roles = tuple(given_of(call.model).roles.values())
    found = []
    for name in sorted(call.model.objects):
        object = call.model.objects[name]
        fields = personal_fields(object)
        if fields:
            records, deleted = _count(conn, call, object)
            kept = tuple(_kept(call, field, roles) for field in fields.values())
            found.append(Entry(object=object, records=records, deleted=deleted, fields=kept))
    return tuple(found)


def _kept(call: Call, field: Field, roles: tuple[Role, ...]) -> Kept:
    read, masked = [], []
    for role in roles:
        actor = Actor(user=None, kind=role.for_users, roles=frozenset({role.name}))
        rule = field_rule(call.model, actor, field)
        if not isinstance(rule.plain, Deny):
            read.append(role)
        elif not isinstance(rule.masked, Deny):
            masked.append(role)
    return Kept(field=field, sensitive=field.personal in SENSITIVE, read=tuple(read), masked=tuple(masked))


def _count(conn: Connection, call: Call, object: Object) -> tuple[int, int]:
    query = sql.SQL(
        "SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(*) FILTER (WHERE deleted_at IS NOT NULL) FROM {}"
    ).format(sql.Identifier(call.schema, object.table))
    row = conn.execute(query).fetchone()
    return (int(row[0]), int(row[1])) if row is not None else (0, 0)
