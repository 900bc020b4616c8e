"""Watching a report: what somebody has it sent to himself, and what he is told when a figure crosses a border.

In: `GET /w/{workspace}/reports/{name}/watch`; `POST` with `act` add (and `watch` schedule or alert with what it says) or drop. Out: the
page, 303 to it, or 422 with what is wrong. A watch is a personal document: nobody is sent anything by somebody else, and each file and
figure is made with the rights of who gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from psycopg import sql
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import LimitExceeded, NotFound, PatronError, Refused, WrongUse
from patron_engine.fields.base import PLAIN_FORMATS, ValueFault
from patron_engine.fields.numerals import plain_number
from patron_engine.jsonio import decimal_text, whole
from patron_engine.page.figure_text import Form, alone, figure_label, form_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.report.answer import Answer
from patron_engine.ways import figure
from patron_engine.ways.report_watches import EVERY, KIND, MOST
from patron_platform import personal
from patron_platform.personal import Connection
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.report_asked import AskedReport, asked, asked_of
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/reports", include_in_schema=False)


@router.get("/{name}/watch")
def watching(request: Request, workspace: str, name: str) -> Response:
    with asked(request, workspace, name) as it:
        return _drawn(it)


@router.post("/{name}/watch")
def change(request: Request, workspace: str, name: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    act = given.get("act", "")
    if act not in ("add", "drop"):
        raise WrongUse("there is no such act", code="unknown_act")
    with visitor.workspace.connection("read") as conn:
        it = asked_of(visitor, conn, visitor.workspace.call(conn, visitor.actor), name, {})
        try:
            body = _body(it, given) if act == "add" else {}
        except Refused as refused:
            return _drawn(it, given, [visitor.words(p.message) for p in refused.problems])

    def write(conn: Connection, call: Call) -> None:
        if act == "drop":
            if not personal.remove(conn, call, KIND, given.get("watch", "")[:100]):
                raise NotFound("you have no such document")
            return
        if len(_kept(conn, call)) >= MOST:
            said = Phrase("one watches at most {most} figures and reports", most=MOST)
            raise LimitExceeded(said, code="limit_report_watches")
        personal.put(conn, call, KIND, call.new_id(), body)

    visitor.workspace.writing(visitor.actor, write, visitor.cause)
    return see_other(visitor.url("reports", name, "watch"))


def _kept(conn: Connection, call: Call) -> list[tuple[str, Mapping[str, Any]]]:
    """His watches, the oldest first: the name each is kept under, what it says."""
    rows = conn.execute(
        sql.SQL("SELECT name, body FROM {}.sys__personal WHERE owner = %s AND kind = %s ORDER BY id").format(
            sql.Identifier(call.schema)
        ),
        (call.actor.user, KIND),
    ).fetchall()
    return [(name, body) for name, body in rows]


def _body(it: AskedReport, given: Mapping[str, str]) -> dict[str, Any]:
    """What the form says. Refused with its places; the rest is judged where it is kept."""
    body: dict[str, Any] = {
        "report": it.name,
        "object": personal.objects_of(it.body)[0],
        "watch": given.get("watch", ""),
    }
    if body["watch"] == "schedule":
        every = given.get("every", "")
        on = whole(given.get(f"on_{every}", ""), 2) if every != "day" else 0
        first, last = EVERY.get(every, (0, 0))
        return {
            **body,
            "every": every,
            "on": max(first, min(last, on or first)),
            "at": given.get("at", ""),
            "as": given.get("as", ""),
        }
    figures = {name: form for name, _, form, _ in _figures(it)}
    name = given.get("figure", "")
    if name not in figures:
        raise Refused(
            [Problem(code="unknown_name", message=Phrase("this is no figure of the report"), path="figure")]
        )
    try:
        typed = plain_number(given.get("value", "").strip().removesuffix("%"), PLAIN_FORMATS)
    except ValueFault as fault:
        raise Refused([Problem(code=fault.code, message=fault.message, path="value")]) from None
    return {
        **body,
        "figure": name,
        "is": given.get("is", ""),
        "value": decimal_text(typed / _factor(figures[name])),
    }


def _factor(form: Form) -> int:
    """What is a ratio is written as a percentage."""
    return 100 if form.kind == "percent" and form.figure.unit != "percent" else 1


def _figures(it: AskedReport) -> list[tuple[str, str, Form, str]]:
    """The figures that may be watched: those with a value over the whole report; name, label, form, what it is now."""
    if it.body["type"] == "list":
        return []
    try:
        answer: Answer = figure.run(it.conn, it.call, it.request)
    except PatronError:
        return []
    found = []
    for one in answer.figures:
        value = answer.value(one.name)
        if isinstance(value, Decimal):
            form = form_of(one, (value,), it.reader)
            found.append(
                (
                    one.name,
                    figure_label(one, it.reader, it.words),
                    form,
                    alone(form, value, it.reader, answer.base),
                )
            )
    return found


def _drawn(
    it: AskedReport, given: Mapping[str, str] | None = None, wrong: list[str] | None = None
) -> Response:
    figures = _figures(it)
    known = {name: (label, form) for name, label, form, _ in figures}
    lines = [
        (kept, _line(it, body, known))
        for kept, body in _kept(it.conn, it.call)
        if body.get("report") == it.name
    ]
    label = it.reader.say(it.body.get("label"), it.t("reports.unnamed"))
    return page(
        it.visitor, it.call, "report_watch.html", title=it.t("watching.title", name=label), here="reports", it=it, label=label,
        lines=lines, figures=[(name, said, now, _factor(form) == 100) for name, said, form, now in figures], given=given or {},
        wrong=wrong or [], status=422 if wrong else 200, forms=("xlsx", "csv", "link") if it.body["type"] == "list" else ("xlsx", "pdf", "csv", "link"),
        weekdays=range(1, 8), monthdays=range(1, 29), zone=str(it.call.model.workspace.zone),
    )  # fmt: skip


def _line(it: AskedReport, body: Mapping[str, Any], known: Mapping[str, tuple[str, Form]]) -> str:
    """A watch in words."""
    if body["watch"] == "schedule":
        day = it.t(f"watching.day_{body['on']}") if body["every"] == "week" else str(body.get("on", ""))
        when = it.t(f"watching.said_{body['every']}", day=day, at=body["at"])
        return it.t("watching.said_schedule", when=when, form=it.t(f"watching.as_{body['as']}"))
    label, form = known.get(str(body["figure"]), (str(body["figure"]), None))
    value = Decimal(str(body["value"]))
    said = (
        alone(form, value, it.reader, it.call.model.workspace.currency)
        if form is not None
        else it.reader.number(value)
    )
    return it.t(f"watching.said_{body['is']}", figure=label, value=said)
