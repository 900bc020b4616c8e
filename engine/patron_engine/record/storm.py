"""Storm: many small acts of one person that together are a large one, and the one alert that tells of them.

In: an act on some records of an object, inside the transaction that does it. Out: rows of `sys__storm`, five minutes each; an alert
in the audit when the records of the last hour reach the bound, and no second one of the same person and act within that hour.

An ordinary save costs nothing: a process keeps what it counted until that is a tenth of the bound (or reaches it), and only then
tells the database, in the transaction it is in. Several processes may so together be late by a tenth of the bound each.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.actor import Actor, Cause
from patron_engine.query.call import Call
from patron_engine.record.audit import ALERT, write

Connection = psycopg.Connection[Any]
Key = tuple[str, str, str]  # schema, person, act
WINDOW = timedelta(hours=1)  # alert_window: acts so close together are one
SLOT_MINUTES = 5
PARTS = 10  # a process keeps at most this part of the bound to itself
MOST_KEPT = 10_000  # people whose acts a process keeps; those who did nothing for longest are forgotten first


@dataclass(slots=True)
class _Kept:
    """What this process counted and the database does not know; `known` is what that said last."""

    records: Counter[str] = field(default_factory=Counter)
    known: int = 0


_lock = Lock()
_kept: OrderedDict[Key, _Kept] = OrderedDict()


def count(conn: Connection, call: Call, act: str, objects: Mapping[str, int], bound: int) -> None:
    """Adds records to what this person did, and tells the administrators when it reaches the bound; 0 is never."""
    if not bound or not objects:
        return
    person = call.actor.user or call.actor.name
    key = (call.schema, person, act)
    waiting = _due(key, objects, bound)
    if waiting is None:
        call.committed.append(partial(_keep, key, objects))
        return
    within = _tell(conn, call, person, act, waiting + Counter(objects))
    total = sum(within.values())
    call.committed.append(partial(_known, key, waiting, total))
    if total >= bound:
        minutes = int(WINDOW.total_seconds() // 60)
        detail = {"records": total, "objects": within, "bound": bound, "minutes": minutes}
        about = max(within, key=lambda name: within[name])
        alert(conn, call.schema, call.actor, call.now, act, about, detail, call.cause)


def alert(
    conn: Connection, schema: str, actor: Actor, at: datetime, act: str, about: str, detail: Mapping[str, Any],
    cause: Cause | None = None,
) -> bool:  # fmt: skip
    """Tells the administrators, unless they were told of the same person and act within the window. Returns whether it did."""
    if _told(conn, schema, actor, at, f"{ALERT}{act}"):
        return False
    write(conn, schema, actor, at, f"{ALERT}{act}", about, detail, cause)
    return True


def tidy(conn: Connection, schema: str, now: datetime) -> None:
    """Removes what no window reaches any more."""
    query = sql.SQL("DELETE FROM {} WHERE slot < %s").format(sql.Identifier(schema, "sys__storm"))
    conn.execute(query, (now - 2 * WINDOW,))


def _due(key: Key, objects: Mapping[str, int], bound: int) -> Counter[str] | None:
    """What was kept and the database has to learn now, or None: it can wait."""
    with _lock:
        kept = _of(key)
        waiting = kept.records.total() + sum(objects.values())
        if waiting * PARTS < bound and not kept.known < bound <= kept.known + waiting:
            return None
        return Counter(kept.records)


def _keep(key: Key, objects: Mapping[str, int]) -> None:
    """A save that stands, of which the database does not know."""
    with _lock:
        _of(key).records.update(objects)


def _known(key: Key, told: Mapping[str, int], total: int) -> None:
    """The database learned of these, and the save that told it stands."""
    with _lock:
        kept = _of(key)
        kept.records = +(kept.records - Counter(told))
        kept.known = total


def _of(key: Key) -> _Kept:
    found = _kept.setdefault(key, _Kept())
    _kept.move_to_end(key)
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)
    return found


def _tell(conn: Connection, call: Call, person: str, act: str, due: Mapping[str, int]) -> dict[str, int]:
    """Writes what was counted; object -> records of the whole window, of all processes."""
    table = sql.Identifier(call.schema, "sys__storm")
    slot = call.now.replace(minute=call.now.minute - call.now.minute % SLOT_MINUTES, second=0, microsecond=0)
    names = sorted(due)
    conn.execute(
        sql.SQL(
            "INSERT INTO {} AS kept (person, act, slot, object, records)"
            " SELECT %s, %s, %s, unnest(%s::text[]), unnest(%s::bigint[])"
            " ON CONFLICT (person, act, slot, object) DO UPDATE SET records = kept.records + EXCLUDED.records"
        ).format(table),
        (person, act, slot, names, [due[name] for name in names]),
    )
    found = conn.execute(
        sql.SQL(
            "SELECT object, sum(records)::bigint FROM {} WHERE person = %s AND act = %s AND slot > %s GROUP BY object"
        ).format(table),
        (person, act, call.now - WINDOW),
    )
    return dict(found.fetchall())


def _told(conn: Connection, schema: str, actor: Actor, at: datetime, action: str) -> bool:
    query = sql.SQL(
        "SELECT 1 FROM {} WHERE action = %s AND by IS NOT DISTINCT FROM %s AND cause ->> 'name' = %s AND at > %s LIMIT 1"
    ).format(sql.Identifier(schema, "sys__audit"))
    return conn.execute(query, (action, actor.user, actor.name, at - WINDOW)).fetchone() is not None
