"""Masters: what an import of details did to the versions of the records they belong to, so that it is no change of a person's.

A detail's own change raises its master's version. An import of masters that is taken back after the import of their details was must
find them as it left them.

In: the details of a piece before and after their save; or a batch that is taken back. Out: rows "raised" of `sys__batch_record`, with
the version before; versions of other batches' rows brought along. Sets no record back itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psycopg import sql

from patron_engine.fields.field import LinkSpec
from patron_engine.model.model import Object
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.record.undo import RAISED, Done
from patron_engine.transfer.convert import Item

Versions = Mapping[tuple[str, str], int]  # (object, record) -> version


def masters_of(object: Object, items: Iterable[Item]) -> set[tuple[str, str]]:
    """The masters the rows name: those they had and those they get."""
    field = object.fields[object.master] if object.master is not None else None
    if field is None or not isinstance(field.spec, LinkSpec) or len(field.link.to) != 1:
        return set()
    ids = {image.get(field.name) for item in items for image in (item.old, item.set)}
    return {(field.link.to[0], id) for id in ids if isinstance(id, str)}


def held_versions(conn: Conn, call: Call, records: Iterable[tuple[str, str]]) -> Versions:
    """Versions of live records, locked: until the transaction ends nobody else raises them."""
    ids: dict[str, list[str]] = {}
    for object, id in sorted(records):
        ids.setdefault(object, []).append(id)
    found: dict[tuple[str, str], int] = {}
    for object, named in ids.items():
        query = sql.SQL(
            "SELECT id::text, version FROM {} WHERE id = ANY(%s::uuid[]) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE"
        ).format(sql.Identifier(call.schema, call.model.objects[object].table))
        found |= {(object, id): version for id, version in conn.execute(query, (named,))}
    return found


def raised(before: Versions, after: Versions) -> list[Done]:
    """What a save of details did to their masters."""
    return [
        Done(object=object, id=id, action=RAISED, version=now, old={"version": before[object, id]})
        for (object, id), now in after.items()
        if (object, id) in before and now != before[object, id]
    ]


def untouched(conn: Conn, call: Call, batch: str) -> Versions:
    """Masters nobody changed since the batch raised them, with the version before; locked."""
    query = sql.SQL(
        "SELECT object, record::text, version, (old->>'version')::bigint FROM {}.sys__batch_record"
        " WHERE batch = %s AND action = %s"
    ).format(sql.Identifier(call.schema))
    rows = [r for r in conn.execute(query, (batch, RAISED)) if r[0] in call.model.objects]
    today = held_versions(conn, call, [(o, i) for o, i, _, _ in rows])
    return {(o, i): before for o, i, version, before in rows if today.get((o, i)) == version}


def bring_along(conn: Conn, call: Call, batch: str, before: Versions, now: Versions) -> None:
    """To other imports these records are again what they were in the version `before`: their versions move by as much, so that what
    somebody changed in between still shows."""
    rows = [(o, i, before[o, i], version) for (o, i), version in now.items() if (o, i) in before]
    query = sql.SQL(
        "UPDATE {}.sys__batch_record b SET version = b.version + n.now - n.before, old = CASE WHEN b.action = %s"
        " THEN jsonb_build_object('version', (b.old->>'version')::bigint + n.now - n.before) ELSE b.old END"
        " FROM unnest(%s::text[], %s::uuid[], %s::bigint[], %s::bigint[]) AS n(object, record, before, now)"
        " WHERE b.batch <> %s AND b.object = n.object AND b.record = n.record AND b.version <= n.before"
    ).format(sql.Identifier(call.schema))
    if rows:
        conn.execute(query, (RAISED, *map(list, zip(*rows, strict=True)), batch))
