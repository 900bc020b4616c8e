"""Watches of reports: what somebody has sent to himself on its days, or is told when a figure crosses a border he set.

In: a body as it is kept (`{"report": "won_by_month", "watch": "schedule", "every": "week", "on": 1, "at": "08:00", "as": "xlsx"}`, or
`{"report": …, "watch": "alert", "figure": "won", "is": "below", "value": "1000"}`). Out: what is wrong with it; the entry a clock goes by; whether a
value has crossed. A watch concerns nobody but its owner, and shows him what his own rights show him.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import psycopg
from psycopg import sql

from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call

KIND: Final = "watch"  # of a personal document
MOST: Final = 20  # limit_report_watches of one person: each alert is worked out every quarter of an hour
EVERY: Final[Mapping[str, tuple[int, int]]] = {
    "day": (0, 0),
    "week": (1, 7),
    "month": (1, 28),
}  # which days `on` may be
FORMS: Final = ("xlsx", "csv", "pdf", "link")
SIGNS: Final = ("below", "above")
LONGEST: Final = 40  # characters of a border


def problems_of(body: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a watch."""
    known = {"report", "object", "watch", "every", "on", "at", "as", "figure", "is", "value"}
    wrong = [key for key in body if key not in known]
    if not isinstance(body.get("report"), str) or len(body["report"]) > 100:
        wrong.append("report")
    if body.get("watch") == "schedule":
        days = EVERY.get(str(body.get("every")))
        on = body.get("on", 0)
        if days is None:
            wrong.append("every")
        elif not isinstance(on, int) or isinstance(on, bool) or not days[0] <= on <= days[1]:
            wrong.append("on")
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(body.get("at"))):
            wrong.append("at")
        if body.get("as") not in FORMS:
            wrong.append("as")
    elif body.get("watch") == "alert":
        if not isinstance(body.get("figure"), str) or len(body["figure"]) > 100:
            wrong.append("figure")
        if body.get("is") not in SIGNS:
            wrong.append("is")
        if _border(body) is None:
            wrong.append("value")
    else:
        wrong.append("watch")
    return [
        Problem(
            code="bad_value", message=Phrase("a watch cannot have this as its {key}", key=key[:60]), path=key
        )
        for key in wrong
    ]


def _border(body: Mapping[str, Any]) -> Decimal | None:
    value = body.get("value")
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    try:
        border = Decimal(value)
    except InvalidOperation:
        return None
    return border if border.is_finite() else None


def entry_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule as a definition would have it: with a cron of the workspace's zone."""
    hour, minute = (int(part) for part in str(body["at"]).split(":"))
    days = {"day": "* * *", "week": f"* * {body.get('on', 1) % 7}", "month": f"{body.get('on', 1)} * *"}[
        str(body["every"])
    ]
    return {"cron": f"{minute} {hour} {days}", "as": body["as"]}


def crossed(body: Mapping[str, Any], value: Any) -> bool:
    """Whether a figure lies on the side he wants to know of; where there is none, it does not."""
    border = _border(body)
    if not isinstance(value, Decimal) or border is None:
        return False
    return value < border if body["is"] == "below" else value > border


def all_of(conn: psycopg.Connection[Any], call: Call) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Every watch of the workspace: its id, whose it is, its body."""
    rows = conn.execute(
        sql.SQL("SELECT id::text, owner::text, body FROM {}.sys__personal WHERE kind = %s").format(
            sql.Identifier(call.schema)
        ),
        (KIND,),
    ).fetchall()
    return [(id, owner, body) for id, owner, body in rows if not problems_of(body)]
