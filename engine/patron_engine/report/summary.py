"""Summary: a summary or matrix, asked and answered; goals are read where its formulas or its chart name one.

In: a connection, the frame of the call, a Request. Out: its Answer; of one cell the question whose list adds up to it.
"""

from __future__ import annotations

from typing import Any

import psycopg

from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.report import answering
from patron_engine.report.answer import REST, Answer, Request, Spot
from patron_engine.report.drill import Depth
from patron_engine.report.explain import text
from patron_engine.report.goal_cells import Goals
from patron_engine.report.past_records import listed_then
from patron_engine.report.plan import plan

Connection = psycopg.Connection[Any]


def answer(conn: Connection, call: Call, request: Request) -> Answer:
    made = plan(call, request)
    return answering.answer(conn, call, made, Goals(conn, call, made))


def ask(conn: Connection, call: Call, request: Request, spot: Spot, depth: Depth) -> Ask:
    made = plan(call, request)

    def kept(at: int) -> list[Any]:
        """The members that stand for themselves, where the rest is asked for."""
        found = answering.answer(conn, call, made)
        across = len(made.rows)
        keys = [k[at] for k in found.row_keys] if at < across else [k[at - across] for k in found.column_keys]
        return [m for m in dict.fromkeys(keys) if m is not REST]

    return listed_then(conn, call, made, spot, depth, kept)


def explain(conn: Connection, call: Call, request: Request) -> str:
    return text(conn, call, plan(call, request))
