"""The clocks of SLAs: started, paused and ended after saves, warned and late when their time comes.

In: records that saves noted; clocks whose time has come. Out: `sys__sla` and the records of sla_clock as they stand, runs begun of
automations that listen and of escalations. Many records are read together, one query for each condition; a clock nobody is
to look at costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from psycopg import sql

from patron_engine.actor import SYSTEM, Cause
from patron_engine.flow.clocks import Clock, Facts, Terms, begun, came, went_on
from patron_engine.flow.run import Run
from patron_engine.flow.spans import is_span, read_span
from patron_engine.flow.values import AS_OF, Reading, Subject
from patron_engine.meta.document import path_text
from patron_engine.model.automations import automations, events_of
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.calendars import calendar_named
from patron_engine.record.statements import Conn
from patron_engine.ways.clock_moments import Moment, rounds
from patron_engine.ways.clock_rows import clocks_where, keep_clocks
from patron_engine.ways.flow import start
from patron_engine.ways.flow_told import tell_clocks
from patron_engine.ways.steps import flow_named

MOST: Final = 500  # clocks that are looked at together


def look(reading: Reading, looks: Mapping[tuple[str, str], Sequence[Moment]]) -> None:
    """After saves: clocks of these records start, pause, go on, end, as of the moment of each save."""
    timed = slas(reading.call)
    objects = {body["object"] for _, body in timed}
    turns = rounds(reading, {key: moments for key, moments in looks.items() if key[0] in objects})
    for name, body in timed:
        for each in turns:
            mine = {record: found for (object, record), found in each.items() if object == body["object"]}
            if mine:
                _look(reading, name, body, mine)


def _look(reading: Reading, name: str, body: Mapping[str, Any], mine: Mapping[str, Moment]) -> None:
    there = clocks_where(
        reading, sql.SQL("record = ANY(%s::uuid[]) AND sla = %s FOR UPDATE"), [sorted(mine), name]
    )
    known = {(c.record, c.clock): c for c in there}
    facts = _facts(reading, name, body, sorted(mine), {record: m.was for record, m in mine.items()})
    made, kept = [], []
    for (record, clock), found in facts.items():
        before, context = known.get((record, clock)), _context(reading, body, found.terms)
        if before is None:
            names = {"record": record, "sla": name, "clock": clock, "object": body["object"]}
            new = begun(found, mine[record].at, context, kept=reading.call.new_id(), **names)
            made += [new] if new is not None else []
        else:
            after = went_on(before, found, mine[record].at, context)
            kept += [(before, after)] if after != before else []
    keep_clocks(reading, made, kept)


def tick(conn: Conn, call: Call) -> int:
    """Clocks whose time has come: they warn, are late, escalate; how many there were. In the caller's write transaction."""
    reading = Reading(conn, replace(call, actor=SYSTEM, cause=Cause(kind="system")))
    due = clocks_where(
        reading, sql.SQL("look_at <= %s ORDER BY look_at LIMIT %s FOR UPDATE SKIP LOCKED"), [call.now, MOST]
    )
    by_sla: dict[str, list[Clock]] = defaultdict(list)
    for clock in due:
        by_sla[clock.sla].append(clock)
    begins: list[Run] = []
    moments: list[tuple[Clock, Mapping[str, Any], str]] = []
    for name, clocks in by_sla.items():
        body = call.model.documents.get(("sla", name))
        if body is None or body["object"] not in call.model.objects:
            ended = [(c, replace(c, state="cancelled", done_at=call.now, look_at=None)) for c in clocks]
            keep_clocks(reading, [], ended)
            continue
        facts = _facts(reading, name, body, sorted({c.record for c in clocks}))
        kept = []
        for before in clocks:
            found = facts.get((before.record, before.clock)) or _gone()
            context = _context(reading, body, found.terms)
            clock = went_on(before, found, call.now, context)
            if found.terms is not None:
                clock, warns, late, number = came(clock, found.terms, call.now, context)
                came_to = ["warn"] * warns + ["breach"] * late
                moments += [(clock, body, moment) for moment in came_to]
                begins += _told(call, body, clock, came_to, number)
            kept.append((before, clock))
        keep_clocks(reading, [], kept)
    tell_clocks(reading, moments)
    start(conn, reading.call, _fitting(reading, begins))
    return len(due)


def slas(call: Call) -> list[tuple[str, Mapping[str, Any]]]:
    """The SLAs of the release whose object there is."""
    return [
        (name, body)
        for (kind, name), body in sorted(call.model.documents.items(), key=lambda item: item[0])
        if kind == "sla" and body["object"] in call.model.objects
    ]


# -- what holds ---------------------------------------------------------------------------------------------------


def _facts(
    reading: Reading,
    name: str,
    body: Mapping[str, Any],
    records: Sequence[str],
    since: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[tuple[str, str], Facts]:
    """(record, clock) -> what holds; held before what was changed `since`. A record that is gone is nobody's matter any more."""
    call, object = reading.call, body["object"]
    live = fetch_values(reading.conn, call, object, records, ["id"])
    there = [r for r in records if r in live]
    subjects = [_subject(object, record, since.get(record) or {}) for record in there]
    expressions = {key[2]: e for key, e in call.model.expressions.items() if key[:2] == ("sla", name)}

    def holds(key: str, raw: Any, otherwise: bool) -> list[bool]:
        found = expressions.get(key)
        return (
            reading.holds(found, subjects)
            if found is not None
            else [raw if isinstance(raw, bool) else otherwise] * len(there)
        )

    about, all_pause = (
        holds("when", body.get("when"), True),
        holds("pause_when", body.get("pause_when"), False),
    )
    made: dict[tuple[str, str], Facts] = {}
    for clock in body["clocks"]:
        at = f"clocks.{clock['name']}"
        starts = holds(f"{at}.start_when", clock.get("start_when"), True)
        stops = holds(f"{at}.stop_when", clock.get("stop_when"), False)
        pauses = holds(f"{at}.pause_when", clock.get("pause_when"), False)
        cases = [
            (c, holds(f"{at}.cases.{c['name']}.when", c.get("when"), True)) for c in clock.get("cases") or ()
        ]
        for n, record in enumerate(there):
            case = next((c for c, fits in cases if fits[n]), None) if cases else clock
            place = at if not cases or case is None else f"{at}.cases.{case['name']}"
            within = (
                None
                if case is None
                else _within(reading, expressions, f"{place}.within", case["within"], subjects[n])
            )
            made[record, clock["name"]] = Facts(
                about=about[n], starts=starts[n], stops=stops[n], pauses=all_pause[n] or pauses[n],
                terms=None if case is None or within is None else _terms(body, clock, case, within),
            )  # fmt: skip
    gone = [r for r in records if r not in live]
    return made | {(record, clock["name"]): _gone() for record in gone for clock in body["clocks"]}


def _gone() -> Facts:
    return Facts(about=False, starts=False, stops=False, pauses=False, terms=None)


def _within(
    reading: Reading, expressions: Mapping[str, Any], key: str, raw: Any, subject: Subject
) -> str | None:
    worked = expressions.get(key)
    if worked is None:
        return str(raw)
    value = reading.evaluate(worked, [subject])[0]
    if value is None or (isinstance(value, str) and not is_span(value)):
        return None  # what is no length of time is none, and holds up nobody
    return value if isinstance(value, str) else f"{int(value) // 60} minutes"


def _terms(body: Mapping[str, Any], clock: Mapping[str, Any], case: Mapping[str, Any], within: str) -> Terms:
    calendar = case.get("calendar") or body.get("calendar") or "workspace"
    warn = clock.get("warn")
    return Terms(
        chosen=case["name"] if case is not clock else "", within=within, calendar=calendar,
        warn=Decimal(str(warn).removesuffix("%")) if warn is not None else None,
        late=tuple(read_span(late["after"]) for late in clock.get("late") or ()),
    )  # fmt: skip


def _context(reading: Reading, body: Mapping[str, Any], terms: Terms | None) -> Any:
    """The calendar it counts by: the workspace's, or one that is named, by the case that fits or for all."""
    named = terms.calendar if terms is not None else body.get("calendar") or "workspace"
    if named in ("workspace", "always"):
        return reading.context
    return replace(reading.context, calendar=calendar_named(reading.conn, reading.call, named))


# -- what follows -------------------------------------------------------------------------------------------------


def _told(
    call: Call, body: Mapping[str, Any], clock: Clock, moments: Sequence[str], late: Iterable[int]
) -> list[Run]:
    """Runs of automations that listen to the clock, and of its escalations."""
    event = {
        "sla": clock.sla,
        "clock": clock.clock,
        "due_at": clock.due_at.isoformat(),
        "by": None,
        "at": call.now.isoformat(),
    }
    keys = []
    for moment in moments:
        keys += [name for name, rule in automations(call.model) if _listens(rule, clock, moment)]
    place = next((n for n, c in enumerate(body["clocks"]) if c["name"] == clock.clock), None)
    if place is not None:
        keys += [f"sla:{clock.sla}:{path_text(body, ('clocks', place, 'late', n, 'steps'))}" for n in late]
    runs = []
    for key in keys:
        flow = flow_named(call, key)
        if flow is not None and flow.code:
            runs.append(
                Run(
                    id=call.new_id(), rule=key, version=flow.version, release=call.model.release, object=clock.object,
                    record=clock.record, causer=None, event={"name": "sla", **event},
                )
            )  # fmt: skip
    return runs


def _listens(rule: Mapping[str, Any], clock: Clock, moment: str) -> bool:
    return rule.get("object") == clock.object and any(
        event.get("event") == "sla"
        and event.get("sla") in (None, clock.sla)
        and event.get("clock") in (None, clock.clock)
        and event.get("at", "breach") == moment
        for event in events_of(rule)
    )


def _fitting(reading: Reading, runs: Sequence[Run]) -> list[Run]:
    """Those whose automation's `when` holds."""
    kept = []
    for run in runs:
        flow = flow_named(reading.call, run.rule)
        if flow is not None and reading.holds(flow.when, [Subject(run=run)])[0]:
            kept.append(run)
    return kept


def _subject(object: str, record: str, since: Mapping[str, Any]) -> Subject:
    return Subject(
        run=Run(
            id="", rule="", version="", release=0, object=object, record=record, causer=None, old=since,
            event={"name": AS_OF} if since else {},
        )
    )  # fmt: skip
