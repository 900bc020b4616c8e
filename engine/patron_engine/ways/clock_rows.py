"""The rows of clocks: `sys__sla`, and the records of sla_clock that people read and report.

In: clocks as they stand and as they shall. Out: both written, in the caller's write transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from psycopg import sql

from patron_engine.flow.clocks import Clock
from patron_engine.flow.values import Reading
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.ways.save import save

NAMES: Final = tuple(f.name for f in fields(Clock))
SHOWN: Final = ("state", "warn_at", "due_at", "done_at", "breached", "hours")  # of a clock, in its record


def clocks_where(reading: Reading, where: sql.SQL, given: Sequence[Any]) -> list[Clock]:
    """The clocks that fit."""
    casts = {"record": sql.SQL("record::text"), "kept": sql.SQL("kept::text")}
    rows = reading.conn.execute(
        sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.SQL(", ").join(casts.get(n, sql.Identifier(n)) for n in NAMES),
            sql.Identifier(reading.call.schema, "sys__sla"),
            where,
        ),
        given,
    ).fetchall()
    return [Clock(**dict(zip(NAMES, row, strict=True))) for row in rows]


def keep_clocks(reading: Reading, made: Sequence[Clock], kept: Sequence[tuple[Clock, Clock]]) -> None:
    """The clocks as they stand, here and as records."""
    call, table = reading.call, sql.Identifier(reading.call.schema, "sys__sla")
    names = sql.SQL(", ").join(map(sql.Identifier, NAMES))
    own = [n for n in NAMES if n not in ("record", "sla", "clock")]
    with reading.conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
                table, names, sql.SQL(", ").join([sql.Placeholder()] * len(NAMES))
            ),
            [tuple(asdict(c)[n] for n in NAMES) for c in made],
        )
        cursor.executemany(
            sql.SQL("UPDATE {} SET {} WHERE record = %s AND sla = %s AND clock = %s").format(
                table, sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(n)) for n in own)
            ),
            [(*(asdict(c)[n] for n in own), c.record, c.sla, c.clock) for b, c in kept if c != b],
        )
    changes = [_record(call, c, "create") for c in made]
    changes += [
        _record(call, c, "update") for b, c in kept if any(getattr(b, n) != getattr(c, n) for n in SHOWN)
    ]
    saved = [c for c in changes if c is not None]
    if saved:
        save(reading.conn, call, saved, mode="each")


def _record(call: Call, clock: Clock, action: Any) -> Change | None:
    known = call.model.objects.get("sla_clock")
    field = known.field("about") if known is not None else None
    if known is None or field is None or clock.object not in field.link.to:
        return None
    values: dict[str, Any] = {n: getattr(clock, n) for n in SHOWN}
    values["paused_seconds"] = int(clock.paused)
    if action == "create":
        values |= {"agreement": clock.sla, "clock": clock.clock, "started_at": clock.started_at}
        values["about"] = {"object": clock.object, "id": clock.record} if field.link.several else clock.record
    return Change(
        action=action,
        object="sla_clock",
        id=clock.kept,
        source="typed",
        set={n: v for n, v in values.items() if n in known.fields},
    )
