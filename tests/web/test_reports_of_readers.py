"""Every report of the pack sales, for people of real roles: each figure is that of its drilled list, and no canary shows anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from patron_engine.errors import Refused
from patron_engine.jsonio import dumps
from patron_engine.query.call import Call
from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.report.plan import plan
from patron_engine.report.wire import as_json
from patron_engine.ways import figure
from patron_engine.ways.read import figures
from patron_engine.ways.standing import who_is
from patron_platform.workspace import OPERATOR
from patron_testing.house import CANARIES, WORKSPACE, House

LISTED = ("sum", "count", "min", "max", "avg")
CELLS = 4  # of one report


def compared(conn: Any, call: Call, body: Mapping[str, Any], found: Answer) -> int:
    """Some cells of an answer, total and whole ones, each against its list."""
    request = Request(body=body)
    made: Any = plan(call, request)
    count = 0
    for rows, columns in sorted(found.cells, key=lambda k: (len(k[0]) + len(k[1]), str(k)))[:CELLS]:
        for measure in body["measures"]:
            function, field = measure.get("function"), measure.get("field")
            if function not in LISTED:
                continue
            ask = figure.drill(conn, call, request, Spot(rows=rows, columns=columns, figure=measure["name"]))
            inner = (
                made.base(measure["name"]).place.inner if field else None
            )  # of the records of a set where it is over one
            listed = figures(conn, call, ask, [(function, inner)] if inner else [])[0]
            wanted = listed[2] if inner and function != "count" else listed[1]
            if function == "sum":
                wanted = wanted or 0
            if function == "avg" and wanted is not None:
                wanted = round(wanted, 10)
            assert found.value(measure["name"], rows, columns) == wanted, (
                call.actor.name,
                body["name"],
                rows,
                columns,
                ask.where,
            )
            count += 1
    return count


@pytest.mark.parametrize("who", ["admin", "rep", "manager"])
def test_every_report_adds_up_for_every_reader(home: House, who: str) -> None:
    place = home.service.runtime.workspace(WORKSPACE)

    def look(conn: Any, frame: Call) -> tuple[int, int, str]:
        actor = OPERATOR if who == "admin" else who_is(conn, frame, home.people[who])
        assert actor is not None
        call = place.call(conn, actor)
        ran = cells = 0
        told = b""
        for name in figure.reports_of(call):
            body = call.model.documents["report", name]
            if body["type"] not in ("summary", "matrix"):
                continue
            try:
                found = figure.run(conn, call, figure.request_of(call, name))
            except Refused as refused:  # a figure over what is not his to read
                assert all(p.code in ("unknown_field", "expr_unknown_name") for p in refused.problems), (
                    name,
                    refused,
                )
                continue
            ran += 1
            cells += compared(conn, call, body, found)
            told += dumps(as_json(found, ("en",)))
        return ran, cells, told.decode()

    ran, cells, told = place.reading(OPERATOR, look)
    assert ran > 15 and cells > 30
    if who == "rep":
        hidden = {
            k: v
            for k, v in CANARIES.items()
            if k in ("cost", "product_cost", "worth", "twice", "pin", "verdict")
        }
        assert {k: v for k, v in hidden.items() if v in told} == {}
