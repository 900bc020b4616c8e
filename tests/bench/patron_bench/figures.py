"""Figures: reports over all opportunities joined with their accounts, through the engine and as SQL written by hand.

In: the world. Out: a line for each report: the best and the median of both sides, the ratio of the medians of rounds in which both
were asked in turn. Both have one connection of their own with the settings Patron gives a reader, and both read every row of
their answer; that they answer the same is looked at first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import psycopg
from patron_bench.report import Line
from patron_bench.world import NAME, World, service_of

from patron_engine.report.answer import Request
from patron_engine.ways import figure
from patron_platform.workspace import OPERATOR

BAR = 1.1
SUM = {"name": "amount", "function": "sum", "field": "c_amount"}
COUNT = {"name": "deals", "function": "count"}
# what it is -> the report, the same by hand
REPORTS: dict[str, tuple[dict[str, Any], str]] = {
    "report: sum and count by stage and industry of the account": (
        {"rows": ["c_stage", "c_account.c_industry"], "measures": [SUM, COUNT]},
        """SELECT o.c_stage, a.c_industry, sum(o.c_amount), count(*) FROM {s}.c_opportunity o
        LEFT JOIN {s}.c_account a ON a.id = o.c_account AND a.deleted_at IS NULL WHERE o.deleted_at IS NULL GROUP BY 1, 2""",
    ),
    "report: by owner, stage and month": (
        {"rows": ["owner", "c_stage"], "columns": [{"field": "c_close_date", "by": "month"}], "measures": [SUM, COUNT]},
        """SELECT o.owner, o.c_stage, date_trunc('month', o.c_close_date::timestamp)::date, sum(o.c_amount), count(*)
        FROM {s}.c_opportunity o WHERE o.deleted_at IS NULL GROUP BY 1, 2, 3""",
    ),
    "report: by owner, stage and month, of accounts of two grades, with their revenue": (
        {
            "rows": ["owner", "c_stage"], "columns": [{"field": "c_close_date", "by": "month"}], "where": "c_account.c_grade in ('a', 'b')",
            "measures": [SUM, COUNT, {"name": "revenue", "function": "avg", "field": "c_account.c_revenue"}],
        },
        """SELECT o.owner, o.c_stage, date_trunc('month', o.c_close_date::timestamp)::date, sum(o.c_amount), count(*),
        sum(a.c_revenue), count(a.c_revenue) FROM {s}.c_opportunity o
        LEFT JOIN {s}.c_account a ON a.id = o.c_account AND a.deleted_at IS NULL
        WHERE o.deleted_at IS NULL AND a.c_grade IN ('a', 'b') GROUP BY 1, 2, 3""",
    ),
}  # fmt: skip


def measure(world: World, rounds: int) -> list[Line]:
    with service_of(world.data) as service:
        place = service.runtime.workspace(NAME)
        with place.connection("read") as ours, place.connection("read") as theirs:
            call = place.call(ours, OPERATOR)

            def asked(body: dict[str, Any]) -> Any:
                whole = {"kind": "report", "name": "r", "type": "summary", "object": "c_opportunity", **body}
                return figure.run(ours, call, Request(body=whole))

            return [
                _line(
                    name,
                    lambda body=body: asked(body),
                    lambda sql=sql: _by_hand(theirs, world.schema, sql),
                    rounds,
                )  # type: ignore[misc]
                for name, (body, sql) in REPORTS.items()
            ]


def _by_hand(conn: psycopg.Connection[Any], schema: str, sql: str) -> list[tuple[Any, ...]]:
    return conn.execute(sql.format(s=schema)).fetchall()  # type: ignore[arg-type]


def _line(
    name: str, patron: Callable[[], Any], limit: Callable[[], list[tuple[Any, ...]]], rounds: int
) -> Line:
    answer, rows = patron(), limit()  # warms both up
    told = sum(v[1] for (r, c), v in answer.cells.items() if r and (c or not answer.columns))
    at = next(i for i, v in enumerate(rows[0]) if type(v) is int)
    if told != sum(r[at] for r in rows):
        raise SystemExit(f"{name}: {told} records by the report, {sum(r[at] for r in rows)} by hand")
    seconds: dict[str, list[float]] = {"patron": [], "limit": []}
    for number in range(max(rounds, 3)):
        sides = {"patron": patron, "limit": limit}
        for side in sorted(sides, reverse=number % 2 == 0):
            begun = time.perf_counter()
            sides[side]()
            seconds[side].append(time.perf_counter() - begun)
    ratio = median(p / h for p, h in zip(seconds["patron"], seconds["limit"], strict=True))
    shown = {s: f"{median(v) * 1000:,.0f} ms (best {min(v) * 1000:,.0f})" for s, v in seconds.items()}
    return Line(name, shown["patron"], shown["limit"], ratio, BAR, "×")


__all__ = ["measure"]
