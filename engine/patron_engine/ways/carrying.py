"""Carrying: effects of steps that are not changes of records, carried out in the transaction of the run.

In: a connection, the frame of the call, a run, a command. Out: what the step's log says of it, beside what it did. A command that
cannot be carried out raises a PatronError: the step then fails as one whose change was refused does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.flow import turns
from patron_engine.flow.act import Command
from patron_engine.flow.assigning import Chosen
from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn

Carrier = Callable[[Conn, Call, Run, Any], Mapping[str, Any]]


def _chosen(conn: Conn, call: Call, run: Run, chosen: Chosen) -> Mapping[str, Any]:
    """Whose turn it was, and why it was he: what the record's page shows."""
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


CARRIERS: Final[Mapping[type[Command], Carrier]] = {Chosen: _chosen}


def carry(conn: Conn, call: Call, run: Run, command: Command) -> Mapping[str, Any]:
    """Carries one command out."""
    return CARRIERS[type(command)](conn, call, run, command)
