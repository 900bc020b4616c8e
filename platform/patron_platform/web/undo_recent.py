"""Recent acts: what a person did in the last ten minutes and may take back, wherever he is by now.

In: `GET /w/{workspace}/undo`, the page of them; `GET …/undo/recent`, the small menu of the header, which the bell's number brings along
(web/notices) so that a page needs no request of its own for it. Out: each act with what it was, its record where it was one, the minutes
left and a button (web/undone does it). Only his own acts; a title he may not read is not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
from fastapi import APIRouter
from psycopg import sql
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.query.call import Call
from patron_engine.record.undo import KIND, Kept
from patron_platform.web.arriving import local_address
from patron_platform.web.render import fragment, page, part
from patron_platform.web.texts import texts_in
from patron_platform.web.undo import MINUTES, Connection, without_done
from patron_platform.web.undone import Told, told_of
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)
MOST = 20  # acts the page shows, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """An act. `said` is what it told; without, `key` and `records` make the sentence. `about` is its record where it was one.
    `back` and `kept` are set once it was taken back: how many are as before, and how many stay."""

    id: str
    key: str
    records: int
    said: str
    left: int
    about: Told | None
    back: int | None
    kept: int


def recent_of(conn: Connection, call: Call) -> list[Recent]:
    """The newest first."""
    text = (
        "SELECT b.id::text, b.at, b.payload, r.action, r.object, r.record::text FROM {s}.sys__batch b CROSS JOIN LATERAL"
        " (SELECT action, object, record FROM {s}.sys__batch_record WHERE batch = b.id ORDER BY action LIMIT 1) r"
        " WHERE b.kind = %s AND b.by = %s AND b.at > %s - make_interval(mins => %s) ORDER BY b.at DESC, b.id LIMIT %s"
    )
    rows = conn.execute(
        sql.SQL(text).format(s=sql.Identifier(call.schema)), (KIND, call.actor.user, call.now, MINUTES, MOST)
    ).fetchall()
    single = [r for r in rows if r[2].get("records") == 1 and r[4] in call.model.objects]
    told = told_of(conn, call, [Kept(object=r[4], id=r[5], why="") for r in single]) if single else []
    about = {r[0]: one for r, one in zip(single, told, strict=True)}
    found = []
    for id, at, kept, action, _, _ in rows:
        undone = kept.get("undone")
        ends: timedelta = at + timedelta(minutes=MINUTES) - call.now
        found.append(
            Recent(
                id=id, key=f"done_{action}", records=int(kept.get("records", 0)), said=str(kept.get("said", "")),
                left=max(1, -(-int(ends.total_seconds()) // 60)), about=about.get(id),
                back=undone["back"] if undone else None, kept=len(undone["kept"]) if undone else 0,
            )
        )  # fmt: skip
    return found


def menu_of(visitor: Visitor, conn: Connection, call: Call) -> str:
    """The header's menu for a request that brings it along: "" where there is nothing to take back."""
    acts = recent_of(conn, call)
    if not acts:
        return ""
    return fragment(visitor, call, "_undo_recent.html", acts=acts, back=_page_of(visitor), along=True)


def _page_of(visitor: Visitor) -> str:
    """The page a script asks from."""
    try:
        at = urlsplit(visitor.request.headers.get("hx-current-url", ""))
    except ValueError:  # as of http://[
        return visitor.url("undo")
    found = local_address(without_done(f"{at.path}?{at.query}" if at.query else at.path))
    return found if found and found.startswith(visitor.url("")) else visitor.url("undo")


@router.get("/undo")
def recent_acts(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)

    def look(conn: psycopg.Connection[tuple[object, ...]], call: Call) -> Response:
        title = texts_in(visitor.languages[0])("lists.recent")
        return page(visitor, call, "undo_recent.html", title=title, acts=recent_of(conn, call), back=visitor.url("undo"))  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)


@router.get("/undo/recent")
def recent_menu(request: Request, workspace: str) -> Response:
    """The menu alone, once something was done without leaving the page."""
    visitor = enter(request, workspace)

    def look(conn: psycopg.Connection[tuple[object, ...]], call: Call) -> Response:
        acts = recent_of(conn, call)
        return part(visitor, call, "_undo_recent.html", acts=acts, back=_page_of(visitor), along=False)

    return visitor.workspace.reading(visitor.actor, look)
