"""Reports by themselves: on their days a parcel for each recipient, and alerts where a figure crossed.

In: a workspace. Out: parcels of the outbox, which outward/reported writes and sends with each recipient's own rights; notices. An
alert is worked out with the rights of each whom it may concern, outside of any write: what he may not see crosses nothing for him.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import psycopg

from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.expr.evaluate import evaluate
from patron_engine.fields.options import texts
from patron_engine.flow.telling import groups_of
from patron_engine.meta.document import is_expression
from patron_engine.page.figure_text import alone, figure_label, form_of
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record import connections
from patron_engine.record.context import context_of
from patron_engine.record.outbox import Parcel
from patron_engine.record.pending import Pending
from patron_engine.record.telling import tell
from patron_engine.report.answer import Answer, Request
from patron_engine.runtime import Workspace
from patron_engine.store.session import bounded
from patron_engine.ways import figure, leaving, report_clocks, report_watches
from patron_engine.ways.report_clocks import CHAT, Due
from patron_platform.colleagues import colleague
from patron_platform.outward.letters import reader_of
from patron_platform.service import Service
from patron_platform.web.report_asked import body_of, words_of
from patron_platform.web.texts import texts_in

Connection = psycopg.Connection[Any]
MOST: Final = 500  # people one schedule or alert reaches
SECONDS: Final = 30  # of one look at the figures of an alert

log = logging.getLogger("patron.worker")


def work_reports(service: Service, place: Workspace) -> int:
    """What is due now; how many schedules and alerts that were."""
    with place.connection("read") as conn:
        if not report_clocks.waits(conn, place.call(conn, SYSTEM)):
            return 0

    def take(conn: Connection, call: Call) -> list[tuple[Due, list[str]]]:
        found = []
        for due in report_clocks.take(conn, call):
            people = report_clocks.people_of(conn, call, due)
            if len(people) > MOST:
                _too_many(conn, call, place, due, len(people))
            found.append((due, people[:MOST]))
        for due, people in found:
            if due.kind == "schedule":
                leaving.put(conn, call, [_parcel(call, due, person) for person in people])
        return found

    due = place.writing(SYSTEM, take)
    for one, people in due:
        if one.kind == "alert":
            _look(service, place, one, people)
    return len(due)


def _too_many(conn: Connection, call: Call, place: Workspace, due: Due, count: int) -> None:
    """Whoever administers the workspace hears that some were left out, each time it happens: nothing is cut in silence."""
    log.warning(
        "report_people_cut",
        extra={
            "workspace": place.name,
            "report": due.report,
            "part": due.name,
            "people": count,
            "most": MOST,
        },
    )
    said = Phrase(
        "{name} of the report {report} reaches {most} of {count} people",
        name=due.name,
        report=due.report,
        most=MOST,
        count=count,
    )
    tell(conn, call, sorted(call.administrators()), "report", text=said, body=Phrase("divide it into several, or name fewer people"),
         about=None, link=f"/reports/{due.report}")  # fmt: skip


def _parcel(call: Call, due: Due, person: str) -> Parcel:
    payload = {"report": due.report, "as": due.body.get("as") or "xlsx", "schedule": due.name}
    return Parcel(id=call.new_id(), kind="report", target=due.report, person=person, payload=payload)


# -- alerts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An alert as one person sees it: whether it holds, what is said where it is worked out of his figures, these in his words and in
    the workspace's."""

    holds: bool
    message: str | None
    figures: str
    shared: str
    values: Mapping[str, Any]
    label: Mapping[str, str]


def _look(service: Service, place: Workspace, due: Due, people: list[str]) -> None:
    """One alert, for each whom it may concern."""
    found: dict[str, Looked] = {}
    for person in people:
        try:
            seen = _found(service, place, due, person)
        except PatronError as error:  # of one report, that cannot be worked out: it holds up nobody
            log.warning(
                "alert_failed", extra={"workspace": place.name, "report": due.report, "why": str(error)}
            )
            continue
        if seen is not None:
            found[person] = seen
    channels, groups = list(due.body.get("channels") or ()), groups_of(due.body.get("to") or ())
    crossed = {person: seen.holds for person, seen in found.items()}
    if "chat" in channels:
        crossed[CHAT] = any(crossed.values())
    everybody = _shared(found, people)

    def write(conn: Connection, call: Call) -> None:
        said = texts(due.body["message"]) if _plain(due.body.get("message")) else None
        for person in report_clocks.news(conn, call, due, crossed):
            one: Looked | None = found.get(person)
            figures: str | None = None
            if person == CHAT and everybody and connections.serve_only(conn, call.schema, groups):
                one, figures = everybody, everybody.shared
            elif one is not None:
                figures = one.figures
            known = next(iter(found.values()), None)
            label = known.label if known is not None else {"": due.report}
            text = (one.message if one is not None else None) or said or label
            ways = ["chat"] if person == CHAT else [c for c in channels if c != "chat"]
            if channels and not ways:
                continue
            try:
                leaving.deliver(
                    conn, call, [] if person == CHAT else [person], text=text, body=figures, about=None,
                    channels=ways, groups=groups, run=None, reason="report", link=f"/reports/{due.report}",
                )  # fmt: skip
            except Refused as error:  # no robot, no provider: the others are told all the same
                why = "; ".join(str(p.message) for p in error.problems)
                log.warning("alert_untold", extra={"workspace": place.name, "report": due.report, "why": why})
        report_clocks.tidy(conn, call, due, people)

    place.writing(SYSTEM, write)


def _shared(found: Mapping[str, Looked], people: list[str]) -> Looked | None:
    """What a chat of all these people may be told: what each of them sees, where that is the same, and nobody sees less."""
    seen = list(found.values())
    if (
        not seen or len(seen) < len(people) or len(people) >= MOST
    ):  # of more than that some were not looked at
        return None
    same = all(
        (s.holds, s.message, s.values) == (seen[0].holds, seen[0].message, seen[0].values) for s in seen
    )
    return seen[0] if same else None


def _plain(message: Any) -> bool:
    return message is not None and not is_expression(message)


def _found(service: Service, place: Workspace, due: Due, person: str) -> Looked | None:
    """For what this person may see; None for whom it is not."""
    with place.connection("job") as conn, bounded(conn, SECONDS):
        try:
            one = colleague(conn, place.call(conn, SYSTEM), person)
        except NotFound:
            return None
        call = place.call(conn, one.actor)
        if not one.on:
            return None
        try:
            body, _ = body_of(conn, call, due.report)
        except NotFound:
            return None
        answer = figure.run(conn, call, Request(body=body))
        values = {f.name: answer.value(f.name) for f in answer.figures}
        holds, message = _judged(conn, call, due, values)
        figures, shared = (_told(service, conn, call, p, answer, values, body) for p in (person, ""))
        label = texts(body.get("label")) or {"": due.report}
        return Looked(
            holds=holds, message=message, figures=figures, shared=shared, values=values, label=label
        )


def _judged(conn: Connection, call: Call, due: Due, values: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Whether an alert holds for these figures, and what is said where that is worked out of them."""
    if due.person is not None:
        return report_watches.crossed(due.body, values.get(str(due.body["figure"]))), None
    condition = call.model.expressions["report", due.report, f"alerts.{due.name}.when"]
    context = context_of(Pending(conn), call)[0]
    worked = call.model.expressions.get(("report", due.report, f"alerts.{due.name}.message"))
    message = None if worked is None else str(evaluate(worked, values, context) or "") or None
    return bool(evaluate(condition, values, context)), message


def _told(
    service: Service, conn: Connection, call: Call, person: str, answer: Answer, values: Mapping[str, Any], body: Mapping[str, Any]
) -> str:  # fmt: skip
    reader = reader_of(service, conn, call, person)
    t = texts_in(reader.languages[0])
    words = words_of(t, call.model.workspace.fiscal_year_from, body, reader)
    lines = []
    for one in answer.figures:
        value = values[one.name]
        if value is not None:
            number = (value,) if isinstance(value, Decimal) else ()
            lines.append(
                f"{figure_label(one, reader, words)}: {alone(form_of(one, number, reader), value, reader, answer.base)}"
            )
    return "\n".join(lines)
