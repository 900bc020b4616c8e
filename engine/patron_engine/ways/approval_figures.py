"""Figures: how long what takes, at which step, with whom. Part of the way approve.

In: which approval, from when to when, by node or by person. Out: rows: how many were decided, mean and median seconds from arrival to
decision, how many were late. For administrators, and whoever may manage people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import sql

from patron_engine.access.beside import holds
from patron_engine.errors import Forbidden, Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_drawn import names_of

BY: Final = {
    "node": sql.SQL("a.approval, t.node, NULL::text"),
    "person": sql.SQL("a.approval, NULL::text, t.decided_by::text"),
    "both": sql.SQL("a.approval, t.node, t.decided_by::text"),
}
_TOOK: Final = sql.SQL("extract(epoch FROM t.decided_at - t.arrived_at)::float8")
MOST: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`person` decided; times in seconds."""

    approval: str
    node: str | None
    person: str | None
    person_name: str | None
    count: int
    approved: int
    rejected: int
    mean: float | None
    median: float | None
    late: int


def figures(
    conn: Conn, call: Call, by: str = "node", *, approval: str = "", since: datetime | None = None, until: datetime | None = None
) -> list[Figure]:  # fmt: skip
    if not (call.actor.administrator or holds(call.model, call.actor, "manage_users")):
        raise Forbidden(Phrase("only an administrator sees how long others take"))
    if by not in BY:
        raise Refused(
            [Problem(code="unknown_value", message=Phrase("by is one of {known}", known=list(BY)), path="by")]
        )
    rows = conn.execute(
        sql.SQL(
            "SELECT {by}, count(*), count(*) FILTER (WHERE t.state = 'approved'), count(*) FILTER (WHERE t.state = 'rejected'),"
            " avg({took}), percentile_cont(0.5) WITHIN GROUP (ORDER BY {took}),"
            " count(*) FILTER (WHERE t.reminded > 0 OR t.decided_at > t.due_at OR t.why = 'deadline')"
            " FROM {t} t JOIN {a} a ON a.id = t.instance WHERE t.kind = 'approve' AND t.state IN ('approved', 'rejected', 'returned')"
            " AND (t.why IS NULL OR t.why = 'deadline') AND t.arrived_at IS NOT NULL AND (%(approval)s = '' OR a.approval = %(approval)s)"
            " AND (%(since)s::timestamptz IS NULL OR t.decided_at >= %(since)s)"
            " AND (%(until)s::timestamptz IS NULL OR t.decided_at < %(until)s)"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 4 DESC, 3 LIMIT %(most)s"
        ).format(
            by=BY[by],
            took=_TOOK,
            t=sql.Identifier(call.schema, "sys__approval_task"),
            a=sql.Identifier(call.schema, "sys__approval"),
        ),
        {"approval": approval, "since": since, "until": until, "most": MOST},
    ).fetchall()
    names = names_of(conn, call, [r[2] for r in rows if r[2]])
    return [
        Figure(
            approval=a, node=n, person=p, person_name=names.get(p or ""), count=c, approved=yes, rejected=no, mean=mean, median=median,
            late=late,
        )
        for a, n, p, c, yes, no, mean, median, late in rows
    ]  # fmt: skip
