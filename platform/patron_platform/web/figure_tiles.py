"""Tiles of figures: a report with its chart or table, a goal with how far it is; what the filters of the dashboard ask goes along.

In: what web/tiles gives a drawer. Out: HTML. Every figure leads to the records behind it, under the same filters: they stand in the
address as a condition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from patron_engine.jsonio import dumps
from patron_engine.page.charts import TABLES, chart_of
from patron_engine.page.dashboards import Dashboard, Narrowed, Tile, narrowed
from patron_engine.page.figure_text import Form, alone, form_of
from patron_engine.page.figures import table_of
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.ways import figure, goal
from patron_engine.ways.goal import Progress
from patron_platform.web.render import fragment
from patron_platform.web.report_asked import Connection, asked_of
from patron_platform.web.reports import listed
from patron_platform.web.visitor import Visitor

MOST = (60, 40)  # lines and columns of a table in a tile


def of_report(call: Call, board: Dashboard, tile: Tile, body: Any) -> Narrowed:
    """What the filters ask of a report; also where it is a personal one, which no release knows."""
    return narrowed(call.model, board, tile, str(body["object"]) if body.get("object") else None)


def report_tile(visitor: Visitor, conn: Connection, call: Call, board: Dashboard, tile: Tile) -> str:
    first = asked_of(visitor, conn, call, tile.to, {})
    asked = of_report(call, board, tile, first.body)
    given = {"where": asked.condition or "", "chart": str(tile.body.get("chart") or ""), **asked.parameters}
    it = asked_of(visitor, conn, call, tile.to, {k: v for k, v in given.items() if v})
    title = it.reader.say(tile.label) or it.reader.say(it.body.get("label"), tile.to)
    drill = it.address("records", chart=None)
    if it.body["type"] == "list":
        found = listed(it)
        object = found.question.object
        return fragment(
            visitor,
            call,
            "_tile_view.html",
            tile=tile,
            object=object,
            listing=found,
            more=found.question.address(),
        )
    request = replace(it.request, filters=asked.filters, reaches=asked.reaches)
    answer = figure.run(conn, call, request)
    table = table_of(answer, it.body.get("totals") or (), it.reader, it.words, MOST)
    form = (it.run_body.get("chart") or {}).get("type")
    chart = None if form in TABLES else chart_of(answer, it.run_body, it.reader, it.words)
    return fragment(
        visitor, call, "_tile_report.html", table=table, chart=chart, chart_json=dumps(chart).decode(), answer=answer,
        name=title, drill=drill,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The figures of a goal as people read them; `share` is 0 to 100 of the bar, `state` how it stands."""

    reached: str
    target: str
    share: str
    bar: int
    due: int
    pace: str
    forecast: str
    expected: str
    state: str


def shown_goal(found: Progress, reader: Reader, base: str) -> Shown:
    form = form_of(found.figure, (found.reached, found.target), reader)

    def said(value: Decimal | None) -> str:
        return "" if value is None else alone(form, _whole(form, value), reader, base)

    return Shown(
        reached=said(found.reached if found.reached is not None else Decimal(0)),
        target=said(found.target),
        share=_percent(found.share, reader),
        bar=_hundredths(found.share),
        due=_hundredths(found.elapsed),
        pace=_percent(found.pace, reader),
        forecast=said(found.forecast),
        expected=said(found.expected),
        state=_state(found),
    )


def _whole(form: Form, value: Decimal) -> Decimal:
    """A forecast of deals is no fraction of a deal."""
    return value if form.kind in ("percent", "duration") else round(value, form.scale or 0)


def _percent(value: Decimal | None, reader: Reader) -> str:
    return "" if value is None else f"{reader.number(value * 100, 1)}%"


def _hundredths(value: Decimal | None) -> int:
    return 0 if value is None else int(max(Decimal(0), min(Decimal(1), value)) * 100)


def _state(found: Progress) -> str:
    if found.target is None:
        return "none"
    if found.share is not None and found.share >= 1:
        return "reached"
    return (
        "good"
        if found.pace is not None and found.pace >= 1
        else "late"
        if found.pace is not None and found.pace < Decimal("0.8")
        else "near"
    )


def goal_tile(visitor: Visitor, conn: Connection, call: Call, board: Dashboard, tile: Tile) -> str:
    of = tile.body.get("of")
    found = goal.progress(conn, call, tile.to, of if of in ("company", "department") else "me")
    reader = visitor.reader(call)
    return fragment(
        visitor,
        call,
        "_tile_goal.html",
        found=found,
        goal=shown_goal(found, reader, call.model.workspace.currency),
        tile=tile,
    )
