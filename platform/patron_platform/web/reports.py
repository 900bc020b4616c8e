"""Reports: the list of those one may open, a report with its chart and table, and the records behind a figure.

In: `GET /w/{workspace}/reports`, `…/reports/{name}` with what report_asked reads, `…/{name}/records?at=SPOT`. Out: pages; a spot leads
to the list of its records (303), whose condition stands in the address, so that it is counted and summed there. What is wrong with an
address is said on the page, 422, and the report is still there to be asked otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.design import reach_of
from patron_engine.errors import NotFound, PatronError, Refused, WrongUse
from patron_engine.jsonio import dumps, loads
from patron_engine.model.model import Object
from patron_engine.page.charts import TABLES, chart_of, usual
from patron_engine.page.comparing import figure_names, ways
from patron_engine.page.figures import key_of, table_of
from patron_engine.page.listing import Listing, listing
from patron_engine.page.question import Question, question_of
from patron_engine.query.names import known_object
from patron_engine.report.answer import Answer, Spot
from patron_engine.ways import figure
from patron_platform import personal
from patron_platform.api.errors import status_of
from patron_platform.web import list_chips
from patron_platform.web.arriving import see_other
from patron_platform.web.render import page
from patron_platform.web.report_asked import ICONS, AskedReport, asked, measures_of
from patron_platform.web.report_inputs import inputs_of
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/reports", include_in_schema=False)

LONGEST_SPOT = 2_000  # characters
SWITCHES = ("bar", "stacked", "line", "area", "pie", "ranking", "table")  # forms one may turn a chart into


@router.get("")
def reports(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    q = request.query_params.get("q", "").strip()[:100]
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        own = personal.reports(conn, call)
        published = [
            {**call.model.documents["report", name], "name": name} for name in figure.reports_of(call)
        ]
        found: dict[str, list[Mapping[str, Any]]] = {}
        for body in (*own, *published):
            label = reader.say(body.get("label"), body["name"])
            about = reader.say(body.get("description"))
            if q.lower() not in f"{label} {about}".lower():
                continue
            object = call.model.object(personal.objects_of(body)[0])
            under = reader.say(object.plural or object.label, object.name) if object is not None else ""
            line = {
                "name": body["name"], "label": label, "about": about, "own": body.get("mine"), "shared": body.get("shared"),
                "form": (body.get("chart") or {}).get("type") or body["type"], "object": under,
            }  # fmt: skip
            found.setdefault("" if body.get("personal") else under, []).append(line)
        title = texts_in(visitor.languages[0])("reports.title")
        return page(
            visitor, call, "reports.html", title=title, here="reports", groups=list(found.items()), q=q, icons=ICONS,
            any=bool(own or published),
        )  # fmt: skip


@router.get("/{name}")
def report(request: Request, workspace: str, name: str) -> Response:
    with asked(request, workspace, name) as it:
        return drawn(it)


def drawn(it: AskedReport) -> Response:
    """The page of a report, or of what is wrong with what its address asks."""
    answer: Answer | None = None
    found: Listing | None = None
    said: list[str] = []
    status = 200
    try:
        if it.body["type"] == "list":
            found = listed(it)
        else:
            answer = figure.run(it.conn, it.call, it.request)
    except PatronError as error:
        said, status = problems_of(it, error), status_of(error)
    if status == 404:
        raise NotFound("there is no such report, or it is not yours to see")
    table, chart = None, None
    if answer is not None:
        table = table_of(answer, it.body.get("totals") or (), it.reader, it.words)
        chart = (
            None if it.given.get("chart") in TABLES else chart_of(answer, it.run_body, it.reader, it.words)
        )
    return page(
        it.visitor, it.call, "report.html", title=it.reader.say(it.body.get("label"), it.t("reports.unnamed")), here=it.name,
        status=status, it=it, wrong=said, answer=answer, table=table, chart=chart, chart_json=dumps(chart).decode(),
        listing=found, about=it.reader.say(it.body.get("description")), question=_question(it), chips=_chips(it),
        inputs=inputs_of(it, answer), periods=ways(it.body, it.call.model), forms=forms_of(it, answer),
        may=_may(it), filter_address=filter_address(it), icons=ICONS,
    )  # fmt: skip


def problems_of(it: AskedReport, error: PatronError) -> list[str]:
    """What is wrong, for the reader."""
    words = it.visitor.words
    found = error.problems if isinstance(error, Refused) else ()
    said = [words(p.message) + (f" ({words(p.hint)})" if p.hint else "") for p in found]
    return said or [words(error.detail) + (f" ({words(error.hint)})" if error.hint else "")]


def forms_of(it: AskedReport, answer: Answer | None) -> list[tuple[str, bool]]:
    """The forms a chart may be turned into, and which it has now."""
    if (
        answer is None
        or it.body["type"] in ("joined", "funnel", "cohort")
        or not answer.rows + answer.columns
    ):
        own = (
            []
            if answer is None
            else [str((it.body.get("chart") or {}).get("type") or usual(answer)), "table"]
        )
    else:
        first = str((it.body.get("chart") or {}).get("type") or usual(answer))
        own = list(dict.fromkeys([first, *SWITCHES]))
    now = it.given.get("chart") or (own[0] if own else "")
    return [(form, form == now) for form in own]


def _may(it: AskedReport) -> dict[str, bool]:
    export = all(
        not isinstance(row_rule(it.call.model, it.call.actor, "export", name), Deny)
        for name in personal.objects_of(it.body)
    )
    return {"export": export, "design": bool(reach_of(it.call.model, it.visitor.actor))}


def _question(it: AskedReport) -> Question | None:
    """The conditions of the address, as those of a list are shown and written."""
    name = it.body.get("object")
    object = it.call.model.object(str(name)) if name else None
    if object is None:
        return None
    given = {"view": "all", "where": it.given.get("where", "")}
    return question_of(it.call.model, it.call.actor, object, given)


def _chips(it: AskedReport) -> list[list_chips.Chip]:
    question = _question(it)
    return list_chips.chips_of(it.conn, it.call, question, it.reader, it.t) if question is not None else []


def filter_address(it: AskedReport) -> str:
    """Where the conditions are put together: the form of lists, which leads back here."""
    question = _question(it)
    if question is None:
        return ""
    to = f"reports/{it.name}?{urlencode(it.parts(where=None))}"
    where = {"where": it.given["where"]} if it.given.get("where") else {}
    return f"{it.visitor.url('list', question.object.name, 'filter')}?{urlencode({'view': 'all', **where, 'to': to})}"


def listed(it: AskedReport) -> Listing:
    """The first lines of a report that is a list."""
    ask = figure.drill(it.conn, it.call, it.request, Spot())
    object = known_object(it.call, ask.object)
    columns = [c if isinstance(c, str) else c["field"] for c in it.body.get("columns") or ()]
    given = {
        "view": "all",
        "where": ask.where or "",
        "sort": ",".join(ask.sort),
        "columns": ",".join(columns),
    }
    question = question_of(it.call.model, it.call.actor, object, {k: v for k, v in given.items() if v})
    return listing(it.conn, it.call, question, it.reader, secret=it.visitor.service.runtime.secret)


@router.get("/{name}/records")
def records(request: Request, workspace: str, name: str) -> Response:
    """The list of the records behind a figure."""
    with asked(request, workspace, name) as it:
        spot = spot_in(it.given.get("at", ""))
        known = figure_names(it.run_body)
        if known and spot.figure is not None and spot.figure not in known:
            raise no_spot()
        ask = figure.drill(it.conn, it.call, it.request, spot)
        object = known_object(it.call, ask.object)
        given = {"view": "all", "where": ask.where or "", "type": "list"}
        columns = [c if isinstance(c, str) else c["field"] for c in it.body.get("columns") or ()]
        if it.body["type"] == "list":
            given |= {"columns": ",".join(columns), "sort": ",".join(ask.sort)}
        elif summed := _summed(it, spot.figure, object):
            plain = question_of(it.call.model, it.call.actor, object, {"view": "all"})
            paths = [c.path for c in plain.columns if c.path != summed]
            given["columns"] = ",".join([*paths[:1], f"{summed}:sum", *paths[1:]])
        kept = {k: v for k, v in given.items() if v}
        return see_other(f"{it.visitor.url('o', object.name)}?{urlencode(kept)}")


def _summed(it: AskedReport, name: str | None, listed: Object) -> str:
    """The field whose sum a figure is, where it is one of the listed record's own."""
    measures = measures_of(it.run_body)
    found: Mapping[str, Any] = next((m for m in measures if m["name"] == name), {})
    path = str(found.get("field") or "")
    *sets, field = path.split(".")
    here = it.call.model.object(str(it.body.get("object") or ""))
    for step in sets:
        below = here.sets.get(here.aliases.get(step, step)) if here is not None else None
        here = it.call.model.object(below.object) if below is not None else None
    own = not sets or (here is not None and here.name == listed.name)
    return field if found.get("function") == "sum" and own else ""


def spot_in(text: str) -> Spot:
    """The spot of an address; none at all is everything."""
    if not text:
        return Spot()
    if len(text) > LONGEST_SPOT:
        raise no_spot()
    try:
        given = loads(text.encode())
    except ValueError:
        raise no_spot() from None
    plain = (str, int, float, bool, type(None))
    if not isinstance(given, list) or len(given) != 3 or not isinstance(given[2], str):
        raise no_spot()
    for key in given[:2]:
        if not isinstance(key, list) or not all(isinstance(m, plain) or m == {} for m in key):
            raise no_spot()
    return Spot(rows=key_of(given[0]), columns=key_of(given[1]), figure=given[2] or None)


def no_spot() -> WrongUse:
    return WrongUse(
        "this is no figure of the report", code="unknown_spot", hint="open the report and choose one"
    )
