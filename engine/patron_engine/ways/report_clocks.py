"""Clocks of reports: which are to be sent and which alerts looked at now, whom that concerns, and whether an alert is news.

In: the release, what people watch for themselves, the clocks that are kept, the moment. Out: `Due` values; clocks moved on in the caller's write transaction, so that a
time is met once whoever works. A schedule that was missed is made up for once, as an automation's is. An alert is news when its
condition begins to hold for a person, and again after it did not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from psycopg import sql

from patron_engine.flow.people import people
from patron_engine.flow.program import Step
from patron_engine.flow.run import Run
from patron_engine.flow.times import next_time
from patron_engine.flow.values import Reading, Subject
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways import report_watches

Kind = Literal["schedule", "alert"]
KEYS: Final[Mapping[Kind, str]] = {"schedule": "schedule", "alert": "alerts"}
EVERY: Final = timedelta(minutes=15)  # how often an alert is looked at
CHAT: Final = "00000000-0000-0000-0000-000000000000"  # who stands for a chat group among those who were told
NOW: Final = "now"  # the line of what has no cron


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """`body` is the entry of `schedule` or `alerts`; of a watch it is the watch, and `person` whose it is."""

    report: str
    kind: Kind
    name: str
    body: Mapping[str, Any]
    person: str | None = None


def written(conn: Conn, call: Call) -> Iterator[Due]:
    """Every schedule and alert of the release, and what people watch."""
    yield from _defined(call)
    for id, owner, body in report_watches.all_of(conn, call):
        entry = report_watches.entry_of(body) if body["watch"] == "schedule" else {}
        yield Due(
            report=body["report"],
            kind=body["watch"],
            name=f"watch {id}",
            body={**body, **entry},
            person=owner,
        )


def _defined(call: Call) -> Iterator[Due]:
    for (kind, report), body in call.model.documents.items():
        if kind == "report":
            for what, key in KEYS.items():
                for entry in body.get(key) or ():
                    yield Due(report=report, kind=what, name=str(entry["name"]), body=entry)


def waits(conn: Conn, call: Call) -> bool:
    """Whether something is to be planned or done: asked often, changes nothing."""
    kept = _kept(conn, call)
    wanted = {(d.report, d.kind, d.name): _line(d) for d in written(conn, call)}
    return {k: line for k, (line, _) in kept.items()} != wanted or any(
        at <= call.now for _, at in kept.values()
    )


def take(conn: Conn, call: Call) -> list[Due]:
    """What is due; its clocks go on. In the caller's write transaction."""
    reading = Reading(conn, call)
    table = sql.Identifier(call.schema, "sys__report_clock")
    conn.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
    kept, found = _kept(conn, call), []
    wanted = {(d.report, d.kind, d.name): d for d in written(conn, call)}
    for gone in kept.keys() - wanted.keys():
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE report = %s AND kind = %s AND name = %s").format(table), gone
        )
    for key, due in wanted.items():
        line, at = kept.get(key, ("", None))
        same = line == _line(due)
        if same and at is not None and at > call.now:
            continue
        if same or due.kind == "alert":
            found.append(due)
        then = _next(due, reading)
        if then is not None:
            conn.execute(
                sql.SQL(
                    "INSERT INTO {} (report, kind, name, line, next_at) VALUES (%s, %s, %s, %s, %s)"
                    " ON CONFLICT (report, kind, name) DO UPDATE SET line = EXCLUDED.line, next_at = EXCLUDED.next_at"
                ).format(table),
                (*key, _line(due), then),
            )
    return found


def _kept(conn: Conn, call: Call) -> dict[tuple[str, str, str], tuple[str, datetime]]:
    rows = conn.execute(
        sql.SQL("SELECT report, kind, name, line, next_at FROM {}").format(
            sql.Identifier(call.schema, "sys__report_clock")
        )
    ).fetchall()
    return {(r[0], r[1], r[2]): (r[3], r[4]) for r in rows}


def _line(due: Due) -> str:
    return str(due.body.get("cron") or NOW)


def _next(due: Due, reading: Reading) -> datetime | None:
    """A cron is one of the workspace's zone; one that never comes again keeps its clock far away."""
    if due.kind == "alert":
        return reading.call.now + EVERY
    event = {"event": "schedule", "cron": due.body["cron"]}
    return next_time(event, reading.call.now, reading.context) or datetime.max.replace(
        tzinfo=reading.call.now.tzinfo
    )


def people_of(conn: Conn, call: Call, due: Due) -> list[str]:
    """Whom `to` means; a watch concerns its owner."""
    if due.person is not None:
        return [due.person]
    reading = Reading(conn, call)
    prefix = f"{KEYS[due.kind]}.{due.name}."
    expressions = {
        path.removeprefix(prefix): e
        for (kind, name, path), e in call.model.expressions.items()
        if kind == "report" and name == due.report and path.startswith(prefix)
    }
    step = Step(
        name=None,
        do="notify",
        path=prefix,
        rule=f"report:{due.report}",
        body=due.body,
        expressions=expressions,
    )
    run = Run(
        id=call.new_id(), rule=f"report:{due.report}", version="", release=call.model.release, object=None, record=None,
        causer=None,
    )  # fmt: skip
    return people(reading, step, "to", due.body["to"], Subject(run=run))


def news(conn: Conn, call: Call, due: Due, crossed: Mapping[str, bool]) -> list[str]:
    """Those for whom it crossed since the last look; what was found is kept. One statement a person, each hit once whoever
    else looks."""
    table = sql.Identifier(call.schema, "sys__report_alert")
    told = []
    for person, now in crossed.items():
        changed = conn.execute(
            sql.SQL(
                "INSERT INTO {} AS a (report, name, person, crossed, at) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (report, name, person) DO UPDATE SET crossed = EXCLUDED.crossed, at = EXCLUDED.at"
                " WHERE a.crossed <> EXCLUDED.crossed"
            ).format(table),
            (due.report, due.name, person, now, call.now),
        )
        if changed.rowcount and now:
            told.append(person)
    return told


def tidy(conn: Conn, call: Call, due: Due, people: Sequence[str]) -> None:
    """Forgets those whom the alert does not concern any more: it is news to them when they come back."""
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE report = %s AND name = %s AND NOT person = ANY(%s)").format(
            sql.Identifier(call.schema, "sys__report_alert")
        ),
        (due.report, due.name, [*people, CHAT]),
    )
