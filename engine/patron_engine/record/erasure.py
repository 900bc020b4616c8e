"""Erasure: the traces of values that left a record: in its history, in batches that could be undone, in what waits to be sent, in
answers kept for repeated requests, in files, in columns kept aside, in rows of imports.

In: a record and the names whose values are to be forgotten, inside the transaction that empties them. Out: rows without these values.
There is no way back. The audit is not touched: it holds no values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.model.model import Object
from patron_engine.query.call import Call
from patron_engine.store.desired import columns_aside

Connection = psycopg.Connection[Any]
IMPORTS = "sys__import"  # in place of an object: files that hold the rows of imports
KEYED = (("sys__history", "old"), ("sys__batch_record", "old"))
OWN = (  # what is kept for a user alone
    ("sys__look", "person"), ("sys__follow", "person"), ("sys__personal", "owner"), ("sys__notices_read", "user_record"),
    ("sys__storm", "person"), ("sys__notice", "person"), ("sys__telling", "person"), ("sys__outbox", "person"),
)  # fmt: skip


def former(
    conn: Connection, call: Call, object: Object, id: str, names: Collection[str]
) -> tuple[int, set[str]]:
    """How many entries of the history hold former values of `names` or of fields that are no more, and those names."""
    table = sql.Identifier(call.schema, "sys__history")
    rows = conn.execute(
        sql.SQL("SELECT version, array(SELECT jsonb_object_keys(old)) FROM {} WHERE object = %s AND record = %s").format(table),
        (object.name, id),
    ).fetchall()  # fmt: skip
    gone = {name for _, keys in rows for name in keys} - object.fields.keys() - object.features
    wanted = gone | set(names)
    return sum(1 for _, keys in rows if wanted & set(keys)), wanted


def former_values(conn: Connection, call: Call, object: Object, id: str, names: Collection[str]) -> list[Any]:
    """What the history says stood in these fields before."""
    rows = conn.execute(
        sql.SQL(
            "SELECT DISTINCT e.value FROM {} h, jsonb_each(h.old) e WHERE h.object = %s AND h.record = %s"
            " AND e.key = ANY(%s) AND e.value <> 'null'"
        ).format(sql.Identifier(call.schema, "sys__history")),
        (object.name, id, list(names)),
    )
    return [value for (value,) in rows]


def forget_values(conn: Connection, call: Call, object: Object, id: str, names: Collection[str]) -> int:
    """Takes the former values out of history, batches and events; the number of history entries that held one."""
    entries, wanted = former(conn, call, object, id, names)
    given = (sorted(wanted), object.name, id)
    for table, column in KEYED:
        conn.execute(
            sql.SQL("UPDATE {t} SET {c} = {c} - %s::text[] WHERE object = %s AND record = %s").format(
                t=sql.Identifier(call.schema, table), c=sql.Identifier(column)
            ),
            given,
        )
    conn.execute(
        sql.SQL(
            "UPDATE {} SET was = was - %(names)s::text[], became = became - %(names)s::text[]"
            " WHERE object = %(object)s AND (winner = %(id)s OR losers @> ARRAY[%(id)s::uuid])"
        ).format(sql.Identifier(call.schema, "sys__merge")),
        {"names": given[0], "object": given[1], "id": given[2]},
    )
    conn.execute(
        sql.SQL(
            "UPDATE {} SET payload = jsonb_set(payload, '{{old}}', (payload -> 'old') - %s::text[])"
            " WHERE object = %s AND record = %s AND jsonb_typeof(payload -> 'old') = 'object'"
        ).format(sql.Identifier(call.schema, "sys__event")),
        given,
    )
    conn.execute(
        sql.SQL(
            "UPDATE {} SET old = old - %s::text[], error = NULL WHERE object = %s AND record = %s"
        ).format(sql.Identifier(call.schema, "sys__run")),
        given,
    )
    conn.execute(
        sql.SQL(
            "UPDATE {} SET told = '{{}}' WHERE run IN (SELECT id FROM {} WHERE object = %s AND record = %s)"
        ).format(sql.Identifier(call.schema, "sys__run_step"), sql.Identifier(call.schema, "sys__run")),
        given[1:],
    )
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE position(convert_to(%s, 'UTF8') IN body) > 0").format(
            sql.Identifier(call.schema, "sys__idempotency")
        ),
        (id,),
    )
    return entries


def empty_hidden(conn: Connection, call: Call, object: Object, id: str) -> None:
    """Empties what nobody sees any more: columns of removed and retyped fields, and personal fields that a layer above hid."""
    aside = columns_aside(call.model, call.model.physical.columns).get(object.name, [])
    names = [c.column for c in aside]
    for field in object.fields.values():
        if field.hidden and field.personal is not None:
            names += [c.name for c in field.columns]
    _empty(conn, call, object, id, names)


def empty_deleted(
    conn: Connection, call: Call, object: Object, id: str, names: Collection[str], instead: Mapping[str, str]
) -> None:
    """The same for a record in the recycle bin, which no save reaches: its personal fields and what was computed from them are
    emptied, or filled with what stands `instead`. A restoration computes anew. Its version rises, as in a save."""
    columns = [c.name for n in names if (f := object.fields.get(n)) is not None for c in f.columns]
    _empty(conn, call, object, id, columns)
    for name, text in instead.items():
        conn.execute(
            sql.SQL("UPDATE {} SET {} = %s WHERE id = %s").format(
                sql.Identifier(call.schema, object.table), sql.Identifier(object.fields[name].column.name)
            ),
            (text, id),
        )
    conn.execute(
        sql.SQL("UPDATE {} SET version = version + 1 WHERE id = %s").format(
            sql.Identifier(call.schema, object.table)
        ),
        (id,),
    )
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE object = %s AND record = %s").format(
            sql.Identifier(call.schema, "sys__search")
        ),
        (object.name, id),
    )


def files_of(conn: Connection, call: Call, object: str, id: str) -> list[dict[str, Any]]:
    """Every file that hangs on the record or did and is still kept."""
    rows = conn.execute(
        sql.SQL(
            "SELECT id::text, name, mime, size, coalesce(field, ''), chunks FROM {} WHERE object = %s AND record = %s"
            " AND sha256 <> '' ORDER BY created_at, id"
        ).format(sql.Identifier(call.schema, "sys__file")),
        (object, id),
    )
    names = ("id", "name", "mime", "size", "field", "pieces")
    return [dict(zip(names, row, strict=True)) for row in rows]


def remove_files(conn: Connection, call: Call, object: str, id: str, fields: Collection[str] | None) -> None:
    """Every file of the record, or those that stood in these fields."""
    conn.execute(
        sql.SQL(
            "DELETE FROM {} WHERE object = %s AND record = %s AND (%s::text[] IS NULL OR field = ANY(%s))"
        ).format(sql.Identifier(call.schema, "sys__file")),
        (object, id, *[None if fields is None else list(fields)] * 2),
    )


def ids_elsewhere(conn: Connection, call: Call, object: str, id: str) -> list[tuple[str, str]]:
    query = sql.SQL("SELECT source, external_id FROM {} WHERE object = %s AND record = %s ORDER BY 1").format(
        sql.Identifier(call.schema, "sys__external_id")
    )
    return [(source, value) for source, value in conn.execute(query, (object, id))]


def remove_ids_elsewhere(conn: Connection, call: Call, object: str, id: str) -> None:
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE object = %s AND record = %s").format(
            sql.Identifier(call.schema, "sys__external_id")
        ),
        (object, id),
    )


def imports_running(conn: Connection, call: Call) -> bool:
    query = sql.SQL(
        "SELECT 1 FROM {} WHERE kind = 'import' AND state IN ('waiting', 'running') LIMIT 1"
    ).format(sql.Identifier(call.schema, "sys__task"))
    return conn.execute(query).fetchone() is not None


def remove_staged(
    conn: Connection, call: Call, refs: Sequence[tuple[str, str]], values: Sequence[str]
) -> None:
    """Removes the kept rows of imports that wrote these records or whose rows hold one of `values`."""
    for object, id in refs:
        conn.execute(
            sql.SQL(
                "DELETE FROM {s}.sys__file WHERE object = %s AND record IN"
                " (SELECT batch FROM {s}.sys__batch_record WHERE object = %s AND record = %s)"
            ).format(s=sql.Identifier(call.schema)),
            (IMPORTS, object, id),
        )
    for value in values:
        conn.execute(
            sql.SQL(
                "DELETE FROM {s}.sys__file f WHERE object = %s AND EXISTS (SELECT FROM {s}.sys__file_chunk c"
                " WHERE c.file = f.id AND position(convert_to(%s, 'UTF8') IN c.data) > 0)"
            ).format(s=sql.Identifier(call.schema)),
            (IMPORTS, value),
        )


def forget_own(conn: Connection, call: Call, user: str) -> None:
    """What is kept for a user alone: what he looked at and follows, his views, what he has read."""
    for table, column in OWN:
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE {} = %s").format(
                sql.Identifier(call.schema, table), sql.Identifier(column)
            ),
            (user,),
        )


def _empty(conn: Connection, call: Call, object: Object, id: str, columns: Sequence[str]) -> None:
    live = _live(conn, call, object)
    wanted = [sql.SQL("{} = NULL").format(sql.Identifier(c)) for c in dict.fromkeys(columns) if c in live]
    if wanted:
        conn.execute(
            sql.SQL("UPDATE {} SET {} WHERE id = %s").format(
                sql.Identifier(call.schema, object.table), sql.SQL(", ").join(wanted)
            ),
            (id,),
        )


def _live(conn: Connection, call: Call, object: Object) -> frozenset[str]:
    """The columns its table has, but those that may not be empty."""
    rows = conn.execute(
        "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND NOT attnotnull",
        (sql.Identifier(call.schema, object.table).as_string(conn),),
    )
    return frozenset(name for (name,) in rows)
