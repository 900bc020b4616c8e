"""Personal documents: what one person keeps for himself: his views, reports and home page, how he arranged columns, which view
opens first, what he watches.

In: a connection of the workspace, the frame of the call. Out: bodies as the schema of their kind has them; checked by it when
they are written, judged against the release in force when they are opened. Never part of a layer or a release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.access.decide import Deny, row_rule
from patron_engine.errors import LimitExceeded, NotFound, Refused
from patron_engine.meta.check import check_document
from patron_engine.meta.document import Document
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import report_watches

Connection = psycopg.Connection[Any]
Body = Mapping[str, Any]
KINDS = ("view", "arrangement", "start", "report", "dashboard", report_watches.KIND)
MAX_PERSONAL = 500  # personal_documents of one person
MAX_NAME = 120
PREFIX = "p-"  # what names of personal documents begin with in addresses


@dataclass(frozen=True, kw_only=True)
class Personal:
    """What one person has for an object. Bodies of views are named by their id, and say `mine` and `shared`."""

    views: tuple[Body, ...]
    arrangements: Mapping[str, Body]
    start: str | None

    def own(self, name: str) -> Body | None:
        """His own view of that name, or None."""
        return next((v for v in self.views if v["name"] == name and v["mine"]), None)


def of_object(conn: Connection, call: Call, object: str) -> Personal:
    """What he keeps for an object, and the views others share with him: one statement."""
    rows = conn.execute(
        _sql(
            call,
            "SELECT id, owner = %s, kind, name, shared, body FROM {}.sys__personal WHERE object = %s"
            " AND kind IN ('view', 'arrangement', 'start') AND (owner = %s OR (shared AND kind = 'view')) ORDER BY owner <> %s, updated_at, id",
        ),
        (call.actor.user, object, call.actor.user, call.actor.user),
    ).fetchall()
    views: list[Body] = []
    arrangements: dict[str, Body] = {}
    start = None
    for id, mine, kind, _, shared, body in rows:
        if kind == "view":
            views.append(
                {**body, "name": name_of(str(id)), "personal": str(id), "mine": mine, "shared": shared}
            )
        elif kind == "arrangement":
            arrangements[str(body.get("view"))] = body
        else:
            start = str(body.get("view"))
    return Personal(views=tuple(views), arrangements=arrangements, start=start)


def reports(conn: Connection, call: Call) -> tuple[Body, ...]:
    """His own reports and those others share with him, as far as he reads what they are over: one statement."""
    rows = conn.execute(
        _sql(
            call,
            "SELECT id, owner = %s, shared, body FROM {}.sys__personal WHERE kind = 'report' AND (owner = %s OR shared)"
            " ORDER BY owner <> %s, updated_at, id",
        ),
        (call.actor.user,) * 3,
    ).fetchall()
    return tuple(
        {**body, "name": name_of(str(id)), "personal": str(id), "mine": mine, "shared": shared}
        for id, mine, shared, body in rows
        if mine or all(_readable(call, name) for name in objects_of(body))
    )


def objects_of(body: Body) -> tuple[str, ...]:
    """What a report is over: its object, or those of its blocks."""
    blocks = [str(block.get("object")) for block in body.get("blocks") or ()]
    return tuple(blocks) or (str(body.get("object") or ""),)


def _readable(call: Call, object: str) -> bool:
    return not isinstance(row_rule(call.model, call.actor, "read", object), Deny)


def name_of(id: str) -> str:
    """The name a personal view or report has in addresses: nobody's published one is called so."""
    return PREFIX + id.replace("-", "")


def find(conn: Connection, call: Call, kind: str, name: str) -> Body:
    """One document of his; NotFound when there is none."""
    row = conn.execute(
        _sql(call, "SELECT body, shared FROM {}.sys__personal WHERE owner = %s AND kind = %s AND name = %s"),
        (call.actor.user, kind, name),
    ).fetchone()
    if row is None:
        raise NotFound("you have no such document")
    return {**row[0], **({"shared": True} if row[1] else {})}


def put(conn: Connection, call: Call, kind: str, name: str, body: Body, *, shared: bool = False) -> str:
    """Keeps a document of his under a name; its id. Refused with what its schema says."""
    _check(call, kind, name, body)
    count = conn.execute(
        _sql(call, "SELECT count(*) FROM {}.sys__personal WHERE owner = %s"), (call.actor.user,)
    ).fetchone()
    if count is not None and count[0] >= MAX_PERSONAL:
        raise LimitExceeded(
            Phrase("one keeps at most {most} documents", most=MAX_PERSONAL), code="personal_documents"
        )
    row = conn.execute(
        _sql(
            call,
            "INSERT INTO {}.sys__personal (id, owner, kind, name, object, shared, body, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (owner, kind, name)"
            " DO UPDATE SET body = EXCLUDED.body, object = EXCLUDED.object, shared = EXCLUDED.shared,"
            " updated_at = EXCLUDED.updated_at RETURNING id",
        ),
        (
            call.new_id(), call.actor.user, kind, name, objects_of(body)[0], shared,
            Jsonb(dict(body), dumps=jsonio.dumps), call.now,
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    return str(row[0])


def remove(conn: Connection, call: Call, kind: str, name: str) -> bool:
    """Whether there was one to be dropped."""
    dropped = conn.execute(
        _sql(call, "DELETE FROM {}.sys__personal WHERE owner = %s AND kind = %s AND name = %s"),
        (call.actor.user, kind, name),
    )
    return dropped.rowcount > 0


def stored_name(conn: Connection, call: Call, id: str) -> str | None:
    """The name under which his view of that id is kept."""
    row = conn.execute(
        _sql(call, "SELECT name FROM {}.sys__personal WHERE owner = %s AND id::text = %s"),
        (call.actor.user, id),
    ).fetchone()
    return str(row[0]) if row else None


def _check(call: Call, kind: str, name: str, body: Body) -> None:
    problems: list[Problem] = []
    if kind not in KINDS:
        problems.append(
            Problem(
                code="unknown_kind", message=Phrase("a person keeps {kinds}", kinds=list(KINDS)), path="kind"
            )
        )
    if not 0 < len(name) <= MAX_NAME:
        problems.append(
            Problem(
                code="name", message=Phrase("a name has 1 to {most} characters", most=MAX_NAME), path="name"
            )
        )
    if kind == "dashboard":
        problems += check_document(Document(kind="dashboard", name="own", body=_dashboard(body)))
    elif not all(_readable(call, object) for object in objects_of(body)):  # unknown, or not his
        problems.append(Problem(code="unknown_object", message="there is no such object", path="object"))
    if kind == report_watches.KIND:
        problems += report_watches.problems_of(body)
    if kind in ("view", "report"):
        problems += check_document(Document(kind=kind, name=kind, body={**body, "kind": kind, "name": kind}))
    elif kind == "arrangement":
        columns = {
            "kind": "view",
            "name": "view",
            "object": body.get("object"),
            "columns": body.get("columns", []),
        }
        problems += check_document(Document(kind="view", name="view", body=columns))
    if kind in ("arrangement", "start") and not isinstance(body.get("view"), str):
        problems.append(Problem(code="missing_key", message="view says of which", path="view"))
    if problems:
        raise Refused(problems)


def _dashboard(body: Body) -> Body:
    """A page of one's own as its schema has it: tiles of one's own reports, whose names no definition has, look like others."""
    tiles = body.get("tiles")
    if isinstance(tiles, list):
        tiles = [
            {**t, "report": "own"}
            if isinstance(t, Mapping) and str(t.get("report", "")).startswith(PREFIX)
            else t
            for t in tiles
        ]
    return {**body, "tiles": tiles, "kind": "dashboard", "name": "own"}


def _sql(call: Call, text: str) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(call.schema))
