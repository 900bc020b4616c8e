"""Report builder: a report is put together on a page that shows it while one does: fields, rows, columns, values, filter, chart.

In: `GET /w/{workspace}/reports/build?object=…` (begin), `?of=NAME` (from another one), `?body=JSON` (as it stands), or the pairs of its
form. Out: the page, or its part where a script asks; the part's address holds the whole report, so that it can be gone back to. Saving
is a post of report_keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, row_rule
from patron_engine.errors import PatronError, Refused, WrongUse
from patron_engine.jsonio import dumps, loads
from patron_engine.meta.check import check_document
from patron_engine.meta.document import Document
from patron_engine.model.model import Object
from patron_engine.page.building import BUILT, FUNCTIONS, LEVELS, PERIODS, begun, is_measure, path_of, rebuilt
from patron_engine.page.building_kinds import STEPS, Choices, choices_of, joined_by, kinds_shared, rekinded
from patron_engine.page.building_offers import Offer
from patron_engine.page.building_parameters import parametered
from patron_engine.page.charts import chart_of, usual
from patron_engine.page.figures import table_of
from patron_engine.page.filters import Choosable
from patron_engine.page.menu import apps_of, objects_in
from patron_engine.query.names import known_object
from patron_engine.ways import figure
from patron_platform.api.errors import status_of
from patron_platform.web.list_filter import grouped
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.report_asked import ICONS, AskedReport, body_of, measures_of
from patron_platform.web.report_build_chart import drawn_of
from patron_platform.web.report_build_fields import fields_for, offers_for, sets_left
from patron_platform.web.report_build_where import (
    blocks_of,
    conditions_of,
    filter_of,
    parameters_of,
    with_where,
)
from patron_platform.web.reports import problems_of
from patron_platform.web.texts import Texts
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/reports", include_in_schema=False)

FORMS = (
    "bar",
    "stacked",
    "line",
    "area",
    "combined",
    "pie",
    "ranking",
    "heat_map",
    "treemap",
    "radar",
    "scatter",
    "figure",
    "gauge",
    "map",
    "table",
)
FORMS_OF = {
    "funnel": ("funnel", "bar", "table"),
    "cohort": ("heat_map", "line", "table"),
    "joined": ("bar", "stacked", "line", "area", "combined", "table"),
}
LONGEST_BODY = 20_000  # characters
SHOWN = (200, 40)  # lines and columns of the table while one builds
Pairs = tuple[tuple[str, str], ...]


@router.get("/build")
def build(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    pairs: Pairs = tuple(request.query_params.multi_items())
    given = dict(pairs)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        name = given.get("of", "")
        body, own = body_of(conn, call, name) if name else ({}, None)
        it = AskedReport(visitor=visitor, conn=conn, call=call, name=name, body=body, given={}, own=own)
        if given.get("body"):
            body = body_in(given["body"], unfinished=True)
        elif not body:
            if not given.get("object"):
                return _choose(it)
            body = begun(known_object(call, given["object"]).name, _label(it.t))
        body = with_where(dict(body), given)
        object = _object(it, body)
        fields = fields_for(it, object, (dumps(body).decode(), *(value for _, value in pairs)))
        joined = "joined" in (body.get("type"), given.get("type"))
        choices = choices_of(call, object, it.reader, joined=joined)
        offers = offers_for(it, body) if body.get("parameters") or given.get("act") == "parameter:add" else {}
        body = parametered(body, pairs, lambda type: it.t(f"reports.parameter_{type}"), offers)
        made = rekinded(rebuilt(body, pairs, fields, _label(it.t)), pairs, choices, _label(it.t))
        if object is None or made.get("object") != object.name:  # it was about several before, or is now
            object = _object(it, made)
            fields, choices = fields_for(it, object, ()), choices_of(call, object, it.reader, joined=joined)
        return _drawn(it, made, object, fields, choices, offers)


def body_in(text: str, *, unfinished: bool = False) -> dict[str, Any]:
    """The body of an address or a form; whether it is sound is judged where it is run or kept. While one builds, a formula may be
    unfinished: what is wrong with it stands beside it."""
    wrong = WrongUse("this is no report", code="report_body", hint="begin a new one")
    if len(text) > LONGEST_BODY:
        raise wrong
    try:
        found = loads(text.encode())
    except ValueError:
        raise wrong from None
    if not isinstance(found, dict) or any(
        p.level == "error" and not (unfinished and (p.path or "").endswith(".expression"))
        for p in _problems(found)
    ):
        raise wrong
    return {k: v for k, v in found.items() if k not in ("kind", "name")}


def _problems(body: Mapping[str, Any]) -> list[Any]:
    return check_document(
        Document(kind="report", name="report", body={**body, "kind": "report", "name": "report"})
    )


def _label(t: Texts) -> Any:
    return lambda function, field: t(f"reports.measure_{function}", field=field)


def _choose(it: AskedReport) -> Response:
    """What a new report is to be over."""
    may = [
        o
        for o in it.call.model.objects.values()
        if not isinstance(row_rule(it.call.model, it.call.actor, "read", o.name), Deny)
    ]
    first = objects_in(apps_of(it.call.model, it.call.actor))
    may.sort(key=lambda o: (first.index(o.name) if o.name in first else len(first), o.name))
    lines = [(o.name, it.reader.say(o.plural or o.label, o.name), o.icon or "table") for o in may]
    title = it.t("reports.new")
    return page(
        it.visitor, it.call, "report_begin.html", title=title, here="reports", objects=lines, often=len(first)
    )


def _object(it: AskedReport, body: Mapping[str, Any]) -> Object | None:
    return known_object(it.call, str(body["object"])) if body.get("object") else None


def _drawn(
    it: AskedReport,
    body: dict[str, Any],
    object: Object | None,
    fields: dict[str, Choosable],
    choices: Choices,
    offers: Mapping[str, Offer],
) -> Response:
    written = AskedReport(
        visitor=it.visitor, conn=it.conn, call=it.call, name=it.name, body=body, given={}, own=it.own
    )
    answer, said, status = None, [], 200
    beside: dict[str, str] = {}
    try:
        found = [p for p in _problems(body) if p.level == "error"]
        if found:
            raise Refused(found)
        answer = figure.run(it.conn, it.call, written.request) if body.get("type") != "list" else None
    except PatronError as error:
        said, status = problems_of(it, error), status_of(error)
        beside = _beside(it, body, error)
        if isinstance(error, Refused) and len(beside) == len(error.problems):
            said = []
    table = table_of(answer, body.get("totals") or (), it.reader, written.words, SHOWN) if answer else None
    chart = chart_of(answer, body, it.reader, written.words) if answer else None
    form = str((body.get("chart") or {}).get("type") or (usual(answer) if answer else ""))
    values: dict[str, Any] = {
        "it": it, "body": body, "body_json": dumps(body).decode(), "object": object, "fields": grouped(list(fields.values())), "sets": sets_left(it, object, fields),
        "places": [(place, _chips(it, body, place, fields)) for place in _places(body)],
        "table": table, "chart": chart, "chart_json": dumps(chart).decode(), "wrong": said, "answer": answer,
        "form": form, "drawn": drawn_of(it, answer, body, form, written.words), "forms": FORMS_OF.get(str(body.get("type")), FORMS), "icons": ICONS,
        "sorts": _sorts(it, body), "conditions": conditions_of(it, body, body, object), "filter_address": filter_of(it, body, body, object),
        "blocks": blocks_of(it, body), "parameters": parameters_of(it, body, offers), "shared": _shared(it, body, choices),
        "periods": PERIODS, "functions": FUNCTIONS, "choices": choices, "steps": STEPS, "levels": range(1, LEVELS + 1),
        "beside": beside, "figures": [(m["name"], it.reader.say(m.get("label"), m["name"])) for m in measures_of(body)],
    }  # fmt: skip
    if partial_wanted(it.visitor.request):
        of = {"of": it.name} if it.name else {}
        address = f"{it.visitor.url('reports', 'build')}?{urlencode({**of, 'body': values['body_json']})}"
        return part(it.visitor, it.call, "_report_build.html", headers={"HX-Push-Url": address}, **values)
    title = it.reader.say(body.get("label"), it.t("reports.new"))
    return page(
        it.visitor, it.call, "report_build.html", title=title, here="reports", status=status, **values
    )


def _places(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Where something may lie: a joined report has only formulas over the figures of its blocks."""
    if body.get("type") == "joined":
        return ("values",)
    return ("rows", "columns", "values") if body.get("type") in BUILT else ()


def _shared(it: AskedReport, body: dict[str, Any], choices: Choices) -> dict[str, Any]:
    """What the blocks of a joined report stand beside each other by, and what else they could."""
    if body.get("type") != "joined":
        return {}
    kinds = [(key, label or it.t("reports.joined_days")) for key, label in kinds_shared(body, choices)]
    return {"kinds": kinds, "kind": joined_by(body, choices)}


def _beside(it: AskedReport, body: Mapping[str, Any], error: PatronError) -> dict[str, str]:
    """What is wrong with formulas, by their name."""
    found: dict[str, str] = {}
    for problem in error.problems if isinstance(error, Refused) else ():
        for n, measure in enumerate(body.get("measures") or ()):
            places = (f"measures[{n}].expression", f"measures.{measure['name']}.expression")
            if problem.path in places:
                hint = f" ({it.visitor.words(problem.hint)})" if problem.hint else ""
                found.setdefault(str(measure["name"]), it.visitor.words(problem.message) + hint)
    return found


def _chips(
    it: AskedReport, body: Mapping[str, Any], place: str, fields: Mapping[str, Choosable]
) -> list[dict[str, Any]]:
    """What lies in a place, as it is shown."""
    key = "measures" if place == "values" else place
    found = []
    for item in body.get(key) or ():
        path = path_of(item)
        field = fields.get(path)
        named = it.reader.say(item.get("label")) if isinstance(item, Mapping) else ""
        said = (
            f"{field.of} · {field.label}"
            if field is not None and field.of
            else field.label
            if field is not None
            else path
        )
        family = field.family if field is not None else ""
        found.append({
            "json": dumps(item).decode(), "label": named or said or item.get("name", ""),
            "by": item.get("by", "month") if isinstance(item, Mapping) else "month",
            "dated": place != "values" and family in ("date", "datetime"),
            "number": place != "values" and family == "number",
            "buckets": ", ".join(str(b) for b in item.get("buckets") or ()) if isinstance(item, Mapping) else "",
            "function": item.get("function") if place == "values" and is_measure(item) and path else "",
            "numeric": family == "number", "levels": place != "values" and family in ("department", "cascade"),
            "level": item.get("level") if isinstance(item, Mapping) else None,
            "formula": item if place == "values" and is_measure(item) and "expression" in item else None,
        })  # fmt: skip
    return found


def _sorts(it: AskedReport, body: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    now = next(iter(body.get("sort") or ()), "")
    measures = [(m["name"], it.reader.say(m.get("label"), m["name"])) for m in measures_of(body)]
    found = [("", it.t("reports.sort_groups"))]
    for name, label in measures:
        found += [
            (f"-{name}", it.t("reports.sort_falling", name=label)),
            (name, it.t("reports.sort_rising", name=label)),
        ]
    return [(value, text, value == now) for value, text in found]


def builder_of(visitor: Visitor, body: Mapping[str, Any], of: str = "") -> str:
    """The address of the builder with a report in it."""
    return f"{visitor.url('reports', 'build')}?{urlencode({**({'of': of} if of else {}), 'body': dumps(body).decode()})}"
