"""Lock: what an approval forbids of a record at the moment, for pages. The save decides (record/asking). Part of the way approve.

In: a record. Out: a `Lock`, or None where everything is open. Changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.query.call import Call
from patron_engine.record.asking import triggers_of
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`locks`: running, after (it is approved), reapprove (an edit begins anew). `open`: fields and sets left to change."""

    locks: str
    open: frozenset[str]

    @property
    def shuts(self) -> bool:
        return self.locks != "reapprove"


def has_approvals(call: Call, object: str) -> bool:
    return bool(triggers_of(Programs.of(call.tables)).get(object))


def lock_of(conn: Conn, call: Call, object: str, record: str) -> Lock | None:
    """None as well for what is no id: whoever reads the record says so."""
    if not has_approvals(call, object):
        return None
    try:
        record = read_id(record)
    except ValueFault:
        return None
    row = conn.execute(
        sql.SQL(
            "SELECT locks, open_fields FROM {} WHERE object = %s AND record = %s AND latest AND locks <> ''"
        ).format(sql.Identifier(call.schema, "sys__approval")),
        (object, record),
    ).fetchone()
    return None if row is None else Lock(locks=str(row[0]), open=frozenset(row[1]))


def left_open(conn: Conn, call: Call, object: str, record: str | None) -> frozenset[str] | None:
    """The fields and sets of a locked record that may be changed; None where nothing is locked."""
    lock = lock_of(conn, call, object, record) if record is not None else None
    return lock.open if lock is not None and lock.shuts else None
