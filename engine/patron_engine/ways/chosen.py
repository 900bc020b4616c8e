"""Chosen: whom an assignment chose, kept with the reason: what the record's page shows.

In: a connection, the frame of the call, a run, a command of flow/assigning. Out: one row of `sys__assigned` for each record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.flow import turns
from patron_engine.flow.assigning import Chosen
from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn


def keep_chosen(conn: Conn, call: Call, run: Run, chosen: Chosen) -> Mapping[str, Any]:
    """Whose turn it was, and why it was he."""
    if chosen.list:
        turns.serve(conn, call, chosen.list, [chosen.person])
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (record, object, assignment, rule, person, queue, told, at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (record) DO UPDATE SET assignment = EXCLUDED.assignment, rule = EXCLUDED.rule,"
            " person = EXCLUDED.person, queue = EXCLUDED.queue, told = EXCLUDED.told, at = EXCLUDED.at"
        ).format(sql.Identifier(call.schema, "sys__assigned")),
        (
            chosen.record, chosen.object, chosen.assignment, chosen.rule, chosen.person, chosen.queue,
            Jsonb(dict(chosen.told), dumps=jsonio.dumps), call.now,
        ),
    )  # fmt: skip
    return {}
