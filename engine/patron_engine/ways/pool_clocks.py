"""The clocks of pools: when a record that nobody follows up goes back, who is told before, and that it goes.

In: rows of `sys__pool` that are to be looked at: something was saved, or their time has come. Out: the rows with the pool that takes
them and the day they go back; a message to the owner so long before; the record in its pool again. At most `MOST` records a
transaction, one query for each condition of a pool and for each kind of record that keeps it. Once a release, records that were
there before their pool are taken up: their clock begins then.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.pools import pools_of
from patron_engine.actor import SYSTEM, Cause
from patron_engine.errors import PatronError
from patron_engine.flow.run import Run
from patron_engine.flow.spans import Span, after, read_span
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import LinkSet
from patron_engine.query.binding import parameter
from patron_engine.query.call import Call
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id
from patron_engine.ways.flow_told import tell_unclaimed, tell_warned
from patron_engine.ways.pool_rows import Standing, drop_rows, due_rows, keep_rows, take_up
from patron_engine.ways.pools import Back, put_back

log = logging.getLogger("patron.flow")
AGAIN: Final = timedelta(days=1)  # conditions that read the present day are asked anew


def tick(conn: Conn, call: Call) -> int:
    """Looks at what is due; how many records. In the caller's write transaction."""
    reading = Reading(conn, replace(call, actor=SYSTEM, cause=Cause(kind="system")))
    taken_up = take_up(conn, call)
    by_object: dict[str, list[Standing]] = defaultdict(list)
    for row in due_rows(conn, call):
        by_object[row.object].append(row)
    for object, rows in by_object.items():
        if object in call.model.objects and pools_of(call.model, object):
            _look(reading, object, rows)
        else:
            drop_rows(conn, call, [row.record for row in rows])
    return taken_up + sum(map(len, by_object.values()))


def _look(reading: Reading, object: str, rows: Sequence[Standing]) -> None:
    call, now = reading.call, reading.call.now
    live = fetch_values(reading.conn, call, object, [r.record for r in rows], ["owner", "queue"])
    drop_rows(reading.conn, call, [r.record for r in rows if r.record not in live])
    there = [replace(r, look_at=None) for r in rows if r.record in live]
    there = [
        replace(r, waits=live[r.record]["owner"] is None and live[r.record]["queue"] is None)
        for r in _in_their_pools(reading, object, there)
    ]
    by_pool: dict[str, list[Standing]] = defaultdict(list)
    for row in there:
        by_pool["" if row.waits else row.pool].append(row)
    kept = [_waiting(reading, object, row) for row in by_pool.pop("", ())]
    for name, mine in by_pool.items():
        body = call.model.documents["pool", name]
        for row in _timed(reading, object, body, mine):
            if row.returns_at is not None and row.returns_at <= now:
                if _back(reading, object, row, body):
                    continue
                row = replace(row, look_at=now + AGAIN)
            elif row.warn_at is not None and row.warn_at <= now and row.warned_at is None:
                if row.owner is not None:
                    day = reading.context.local(row.returns_at).date().isoformat() if row.returns_at else ""
                    tell_warned(reading, object, row.record, row.owner, body, day)
                row = replace(row, warned_at=now)
            kept.append(_looked(row, now, bool(body.get("return"))))
    keep_rows(reading.conn, call, kept)


def _waiting(reading: Reading, object: str, row: Standing) -> Standing:
    """One that nobody claims: its managers are told once, when it waited longer than its pool lets it."""
    row = replace(row, rule=None, returns_at=None, warn_at=None)
    body = reading.call.model.documents.get(("pool", row.pool)) or {}
    if not row.waits or not body.get("unclaimed"):
        return replace(row, warned_at=None)
    late = after(row.since, read_span(body["unclaimed"]), reading.context)
    if row.warned_at is not None:
        return row
    if late > reading.call.now:
        return replace(row, warn_at=late, look_at=late)
    tell_unclaimed(reading, object, row.record, body, reading.context.local(row.since).date().isoformat())
    return replace(row, warned_at=reading.call.now)


def _in_their_pools(reading: Reading, object: str, rows: Sequence[Standing]) -> list[Standing]:
    """Each in the pool where it is while that takes it, else in the first that does."""
    subjects = [_subject(object, r.record) for r in rows]
    takes: dict[str, list[bool]] = {}
    for body in pools_of(reading.call.model, object):
        found = reading.call.model.expressions.get(("pool", body["name"], "takes"))
        given = body.get("takes", True)
        takes[body["name"]] = (
            reading.holds(found, subjects) if found is not None else [given is not False] * len(rows)
        )
    made = []
    for n, row in enumerate(rows):
        stays = takes.get(row.pool, [False] * len(rows))[n]
        pool = row.pool if stays else next((name for name, fits in takes.items() if fits[n]), "")
        made.append(replace(row, pool=pool))
    return made


def _timed(
    reading: Reading, object: str, body: Mapping[str, Any], rows: Sequence[Standing]
) -> list[Standing]:
    """When each goes back: by the first case that fits, from the later of its last record and the claim."""
    expressions = {
        k[2]: e for k, e in reading.call.model.expressions.items() if k[:2] == ("pool", body["name"])
    }
    subjects = [_subject(object, r.record) for r in rows]

    def holds(key: str, raw: Any, otherwise: bool) -> list[bool]:
        found = expressions.get(key)
        if found is not None:
            return reading.holds(found, subjects)
        return [raw if isinstance(raw, bool) else otherwise] * len(rows)

    exempt = holds("exempt_when", body.get("exempt_when"), False)
    cases = [(c, holds(f"return.{c['name']}.when", c.get("when"), True)) for c in body.get("return") or ()]
    named = {key for case, _ in cases for key in case if key.startswith("no_")}
    last = {key: _last(reading, object, key.removeprefix("no_"), rows) for key in named}
    warn = read_span(body["warn"]) if body.get("warn") else None
    made = []
    for n, row in enumerate(rows):
        case = None if exempt[n] else next((c for c, fits in cases if fits[n]), None)
        times = [
            after(max(row.since, last[key].get(row.record, row.since)), read_span(span), reading.context)
            for key, span in (case or {}).items()
            if key.startswith("no_")
        ]
        back = min(times, default=None)
        if back is not None and row.extended_until is not None:
            back = max(back, row.extended_until)
        told = back is not None and warn is not None
        before = after(back, Span(count=-warn.count, unit=warn.unit), reading.context) if told else None  # type: ignore[arg-type,union-attr]
        same = back is not None and row.returns_at == back
        made.append(
            replace(
                row, rule=case["name"] if case and back else None, returns_at=back, warn_at=before,
                warned_at=row.warned_at if same else None,
            )
        )  # fmt: skip
    return made


def _last(reading: Reading, object: str, of: str, rows: Sequence[Standing]) -> dict[str, datetime]:
    """Record -> when the newest record of another object was made that hangs on it."""
    call = reading.call
    found: dict[str, datetime] = {}
    for among in call.model.objects[object].sets.values():
        if among.object != of or call.model.objects[of].fields[among.field].link.many:
            continue
        statement = kept(call.tables).get(
            ("pools.last", object, of, among.field), partial(_newest, call, object, among)
        )
        given = {**call_values(call), "records": [r.record for r in rows]}
        for record, at in reading.conn.execute(statement.text, statement.values(given)).fetchall():
            found[str(record)] = max(at, found.get(str(record), at))
    return found


def _newest(call: Call, object: str, among: LinkSet) -> Any:
    row = Building(tables=call.tables).root(among.object)
    field = row.object.fields[among.field]
    link = row.column(field)
    where = [link == sa.any_(parameter("records", pg.ARRAY(Id()))), *row.live(voided=False)]
    if field.link.several:
        where.append(row.column(field, "object") == sa.literal(object, sa.Text()))
    query = sa.select(link, sa.func.max(row.table.c["created_at"])).select_from(row.source.from_)
    return compiled(query.where(*where).group_by(link), call.model.release)


# -- what follows -------------------------------------------------------------------------------------------------


def _back(reading: Reading, object: str, row: Standing, body: Mapping[str, Any]) -> bool:
    """It goes back, unless a rule of its object refuses: then its owner keeps it."""
    try:
        with reading.conn.transaction():
            put_back(
                reading.conn,
                reading.call,
                reading.call.model.objects[object],
                row.record,
                body,
                "expired",
                Back(),
            )
    except PatronError as error:
        told = {
            "workspace": reading.call.workspace,
            "pool": row.pool,
            "record": row.record,
            "why": str(error),
        }
        log.warning("pool_return_failed", extra=told)
        return False
    return True


def _looked(row: Standing, now: datetime, again: bool) -> Standing:
    times = [now + AGAIN] if again else []
    times += [
        t
        for t in (row.returns_at, row.warn_at if row.warned_at is None else None)
        if t is not None and t > now
    ]
    return replace(row, look_at=row.look_at or min(times, default=None))


def _subject(object: str, record: str) -> Subject:
    return Subject(run=Run(id="", rule="", version="", release=0, object=object, record=record, causer=None))
