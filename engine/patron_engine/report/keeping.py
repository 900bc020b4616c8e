"""Keeping: what a report's statement answered, kept for a while and given again while it is certain to be the same.

In: a statement with its values, and for how long (`Keeping`). Out: its rows, of the database or kept. A kept answer is found by a digest
of the statement's text and every value in it: the release, the plan, the parameters, the reader's row rules and rights on fields with
what they are asked of, zone and day all stand there, so that nobody gets what was made for other rights. It holds while no
table the statement reads has changed since (store/counters.py): records, links, shares, teams, departments alike; and until the first share
that it was asked under ends. Names of members, goals and what a reader is told are asked anew every time. What is being
asked for somebody else under the same digest and counters is waited for (sharing.py).

Not kept: what asks for the moment (NOW()), what is larger than `MOST_BYTES`. Kept in `sys__kept_answer`, at most `MOST_KEPT` answers, the
oldest go first; cleared by the nightly task as well.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import orjson
import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from patron_engine.query.binding import NOW
from patron_engine.query.call import Call
from patron_engine.query.fetch import run
from patron_engine.query.statement import Statement
from patron_engine.report.sharing import shared
from patron_engine.store.counters import ANY, keeps

Connection = psycopg.Connection[Any]
Rows = Sequence[tuple[Any, ...]]
MOST_KEPT: Final = 500  # of a workspace
MOST_BYTES: Final = 1_000_000  # of one answer, packed
UNITS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
LONGEST: Final = timedelta(days=1)
_WRITTEN: Final = re.compile(r"(\d+) (minute|hour|day)s?\Z")
_UNTIL: Final = re.compile(r"\.until > \Z")  # how rights ask whether a share has ended (query/rights.given)


@dataclass(slots=True)
class Keeping:
    """For how long the answers of one run are kept. `anew`: what is kept is not looked at. `at`: of when the oldest is that was given."""

    lasting: timedelta
    anew: bool = False
    at: datetime | None = None


def keeping_of(call: Call, body: Mapping[str, Any], anew: bool) -> Keeping | None:
    """What `keep` says; None where nothing is kept: no report of the release is, so nobody counts changes."""
    lasting = lasting_of(body.get("keep"))
    return Keeping(lasting, anew) if lasting and keeps(call.model) else None


def lasting_of(written: Any) -> timedelta | None:
    """`15 minutes`; None for what is no such time, or longer than a day."""
    found = _WRITTEN.match(str(written or ""))
    if found is None:
        return None
    lasting = timedelta(seconds=int(found[1]) * UNITS[found[2]])
    return lasting if timedelta() < lasting <= LONGEST else None


def answered(
    conn: Connection,
    call: Call,
    statement: Statement,
    given: Mapping[str, Any],
    keeping: Keeping | None,
    report: str,
) -> Rows:
    """The rows of a statement."""
    if keeping is None or not _keepable(statement):
        return run(conn, statement, given)
    values = statement.values(given)
    key = sha256(repr((statement.text, values)).encode()).digest()
    names = tables_in(statement.text, call.schema)
    counters, counted, kept, at = _looked(conn, call, key, names)
    if kept is not None and not keeping.anew:
        keeping.at = at if keeping.at is None else min(keeping.at, at)
        return [tuple(_read(v) for v in row) for row in orjson.loads(zlib.decompress(kept))]
    if not counted:  # the server counts nothing, and no change would be seen
        return run(conn, statement, given)

    def ask() -> Rows:
        rows = run(conn, statement, given)
        _later(conn, call, lambda: _keep(conn, call, key, report, counters, names, rows, keeping))
        return rows

    return ask() if keeping.anew else shared((conn.info.dsn, key, counters), ask)


def _later(conn: Connection, call: Call, act: Any) -> None:
    """At once, or when the transaction it was read in is over."""
    if conn.info.transaction_status == TransactionStatus.IDLE:
        act()
    else:
        call.committed.append(act)


def _keepable(statement: Statement) -> bool:
    """It asks for the moment nowhere but in the end of a share."""
    parts = statement.text.split("%s")
    return all(
        not name.endswith(NOW) or _UNTIL.search(parts[at]) is not None
        for at, name in enumerate(statement.names)
    )


@lru_cache(maxsize=512)
def tables_in(text: str, schema: str) -> tuple[str, ...]:
    """The tables a statement reads: each stands in it with its schema."""
    named = re.compile(rf'(?<![\w"]){re.escape(schema)}\."?(\w+)"?|"{re.escape(schema)}"\."?(\w+)"?')
    return tuple(sorted({ANY, *(m[1] or m[2] for m in named.finditer(text))}))


def _looked(
    conn: Connection, call: Call, key: bytes, names: Sequence[str]
) -> tuple[Any, bool, bytes | None, Any]:
    """The counters now, whether changes are counted, and what is kept under the same."""
    changed, kept = (
        sql.Identifier(call.schema, "sys__changed"),
        sql.Identifier(call.schema, "sys__kept_answer"),
    )
    row = conn.execute(
        sql.SQL(
            "WITH now AS (SELECT coalesce(jsonb_object_agg(t.name, t.times), '{{}}') AS counters FROM"
            " (SELECT name, sum(times) AS times FROM {changed} WHERE name = ANY(%s) GROUP BY name) t)"
            " SELECT now.counters::text, current_setting('track_counts') = 'on', k.rows, k.at FROM now"
            " LEFT JOIN {kept} k ON k.key = %s AND k.until > %s AND k.counters = now.counters"
        ).format(changed=changed, kept=kept),
        (list(names), key, call.now),
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2] if row[1] else None, row[3]


def _keep(
    conn: Connection, call: Call, key: bytes, report: str, counters: str, names: Sequence[str], rows: Rows,
    keeping: Keeping,
) -> None:  # fmt: skip
    """Puts an answer away; whoever asked has his, whatever becomes of this."""
    try:
        packed = zlib.compress(orjson.dumps([[_written(v) for v in row] for row in rows]), 1)
    except TypeError:
        return  # a value that cannot be written down exactly
    if len(packed) > MOST_BYTES:
        return
    table = sql.Identifier(call.schema, "sys__kept_answer")
    with suppress(psycopg.Error):
        until = min(t for t in (call.now + keeping.lasting, _first_end(conn, call, names)) if t is not None)
        conn.execute(
            sql.SQL(
                "INSERT INTO {} (key, report, counters, rows, at, until) VALUES (%s, %s, %s::jsonb, %s, %s, %s)"
                " ON CONFLICT (key) DO UPDATE SET counters = EXCLUDED.counters, rows = EXCLUDED.rows, at = EXCLUDED.at,"
                " until = EXCLUDED.until"
            ).format(table),
            (key, report, counters, packed, call.now, until),
        )
        clear(conn, call.schema, call.now)


def _first_end(conn: Connection, call: Call, names: Sequence[str]) -> datetime | None:
    """When the first of the shares ends that the answer was asked under."""
    ends = [
        sql.SQL("(SELECT min(until) FROM {} WHERE until > {})").format(
            sql.Identifier(call.schema, name), sql.Literal(call.now)
        )
        for name in names
        if name.endswith("__access")
    ]
    if not ends:
        return None
    row = conn.execute(sql.SQL("SELECT least({})").format(sql.SQL(", ").join(ends))).fetchone()
    return row[0] if row is not None else None


def clear(conn: Connection, schema: str, now: datetime) -> None:
    """What has ended, and the oldest of too many."""
    conn.execute(
        sql.SQL(
            "DELETE FROM {kept} WHERE until <= %s OR at < (SELECT at FROM {kept} ORDER BY at DESC OFFSET %s LIMIT 1)"
        ).format(kept=sql.Identifier(schema, "sys__kept_answer")),
        (now, MOST_KEPT - 1),
    )


def _written(value: Any) -> Any:
    """A value as JSON can hold it, exactly."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return {"n": str(value)}
    if isinstance(value, float):
        return {"f": repr(value)}
    if isinstance(value, datetime):
        return {"m": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, time):
        return {"t": value.isoformat()}
    raise TypeError(type(value).__name__)


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "n": Decimal, "f": float, "m": datetime.fromisoformat, "d": date.fromisoformat, "t": time.fromisoformat,
}  # fmt: skip


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _READ[kind](text)
