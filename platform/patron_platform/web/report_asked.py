"""Report asked: what an address of a report asks: which report, with which parameters, narrowed, compared, sorted and drawn how.

In: `/w/{workspace}/reports/{name}?p.since=2026-01-01&where=…&compare=year&sort=-won&chart=line`. Out: `AskedReport`: the body as it
is run and the request of the way figure. A name that begins with "p-" is a personal report. NotFound for one that is not his.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import psycopg
from starlette.requests import Request as Wire

from patron_engine.errors import NotFound, Refused
from patron_engine.jsonio import whole
from patron_engine.page.building_chart import turned
from patron_engine.page.charts import TYPES
from patron_engine.page.comparing import PERIODS, WAS, comparable, compared, figure_names
from patron_engine.page.dashboards import ANY
from patron_engine.page.figure_text import Words
from patron_engine.page.reader import Reader
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.report.answer import Request
from patron_engine.ways import figure
from patron_platform import personal
from patron_platform.api.requests import parameters
from patron_platform.web.texts import Texts, texts_in
from patron_platform.web.visitor import Visitor, enter

Connection = psycopg.Connection[Any]
Body = Mapping[str, Any]
KEPT = ("where", "compare", "sort", "chart")
ICONS: Mapping[str, str] = {
    "figure": "hash", "table": "table-2", "pivot": "table-2", "bar": "chart-column", "stacked": "chart-column-stacked", "line": "chart-line",
    "area": "chart-area", "combined": "chart-column-increasing", "pie": "chart-pie", "funnel": "funnel", "scatter": "chart-scatter",
    "heat_map": "grid-3x3", "treemap": "layout-dashboard", "radar": "radar", "gauge": "gauge", "map": "map", "ranking": "chart-bar-decreasing",
    "list": "list", "cohort": "grid-3x3",
}  # fmt: skip
BESIDE = ("mine", "shared", "personal", "name")  # what personal.py says beside a body


@dataclass(frozen=True, kw_only=True)
class AskedReport:
    visitor: Visitor
    conn: Connection
    call: Call
    name: str
    body: Body  # as it was written
    given: Mapping[str, str]
    own: Body | None = None  # of a personal report: whether it is his, and shared

    @property
    def reader(self) -> Reader:
        return self.visitor.reader(self.call)

    @property
    def t(self) -> Texts:
        return texts_in(self.visitor.languages[0])

    @cached_property
    def words(self) -> Words:
        return words_of(self.t, self.call.model.workspace.fiscal_year_from, self.body, self.reader)

    @cached_property
    def run_body(self) -> Body:
        """The body as this address changes it."""
        body = dict(self.body)
        if self.given.get("compare") in PERIODS:
            t = self.t
            body = compared(
                body, self.given["compare"], self.reader, t("reports.before"), t("reports.growth")
            )
        if self.given.get("compare") in WAS and comparable(body):
            body["as_of"] = {"from": WAS[self.given["compare"]]}
        if sort := self.given.get("sort"):
            if sort.removeprefix("-") not in figure_names(body):
                raise Refused(
                    [Problem(code="unknown_name", message="this is no figure of the report", path="sort")]
                )
            body["sort"] = [sort]
        if self.given.get("chart") in TYPES:
            known = body.get("chart") or {}
            same = known.get("type") == self.given["chart"]
            body["chart"] = (
                {**known, "type": self.given["chart"]} if same else turned(known, self.given["chart"])
            )
        return body

    @cached_property
    def request(self) -> Request:
        where = self.given.get("where")
        return Request(
            body=self.run_body,
            parameters=parameters_in(self.body, self.given),
            filters=(where,) if where else (),
            anew=self.given.get("anew") == "1",
        )

    def parts(self, **changes: Any) -> dict[str, str]:
        """The parameters of this address with some changed; None removes one."""
        kept = {n: v for n, v in self.given.items() if v and (n in KEPT or n.startswith("p."))}
        kept.update({n: "" if v is None else str(v) for n, v in changes.items()})
        return {n: v for n, v in kept.items() if v}

    def address(self, *steps: str, **changes: Any) -> str:
        return f"{self.visitor.url('reports', self.name, *steps)}?{urlencode(self.parts(**changes))}"


def measures_of(body: Body) -> list[Body]:
    """The measures a definition names, those of blocks too; a funnel names none."""
    return [*(body.get("measures") or ()), *(m for b in body.get("blocks") or () for m in b["measures"])]


@contextmanager
def asked(wire: Wire, workspace: str, name: str) -> Iterator[AskedReport]:
    visitor = enter(wire, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        yield asked_of(visitor, conn, call, name, parameters(wire))


def asked_of(
    visitor: Visitor, conn: Connection, call: Call, name: str, given: Mapping[str, str]
) -> AskedReport:
    body, own = body_of(conn, call, name)
    return AskedReport(visitor=visitor, conn=conn, call=call, name=name, body=body, given=given, own=own)


def body_of(conn: Connection, call: Call, name: str) -> tuple[Body, Body | None]:
    """The body of a report, and what is kept beside that of a personal one."""
    if not name.startswith("p-"):
        return figure.request_of(call, name).body, None
    found = next((r for r in personal.reports(conn, call) if r["name"] == name), None)
    if found is None:
        raise NotFound("there is no such report, or it is not yours to see")
    return {k: v for k, v in found.items() if k not in BESIDE}, {k: found[k] for k in BESIDE}


def parameters_in(body: Body, given: Mapping[str, str]) -> dict[str, Any]:
    """The values of parameters in JSON form; those that are not given have their defaults."""
    found: dict[str, Any] = {}
    for parameter in body.get("parameters") or ():
        name, kind = str(parameter["name"]), parameter["type"]
        if given.get(f"p.{name}") == ANY:
            found[name] = None
        elif kind == "date_range":
            ends = {end: given.get(f"p.{name}.{end}") or None for end in ("from", "to")}
            if any(ends.values()):
                found[name] = ends
        elif text := given.get(f"p.{name}", ""):
            found[name] = _json_form(kind, text)
    return found


def _json_form(kind: str, text: str) -> Any:
    if kind == "boolean":
        return text == "true"
    if kind in ("multi_select", "tags"):
        return text.split(",")
    number = whole(text) if kind in ("integer", "rating", "duration") else None
    return text if number is None else number


def words_of(t: Texts, fiscal_from: int, body: Body, reader: Reader) -> Words:
    names = {
        n: t(f"reports.figure_{n}")
        for n in ("count", "value", "conversion", "overall", "stay", "stage", "offset", "cohort", "share")
    }
    blocks = {f"block.{b['name']}": reader.say(b.get("label"), b["name"]) for b in body.get("blocks") or ()}
    return Words(
        none=t("reports.none_value"), rest=t("reports.rest"), total=t("reports.total"), yes=t("record.true"), no=t("record.false"),
        week=t("reports.week"), year=t("reports.fiscal_year"), fiscal_from=fiscal_from, names={**names, **blocks},
    )  # fmt: skip
