"""Dashboards: tiles that load by themselves, filters over all of them, the address as their state; the home pages among them.

In: `GET /w/{workspace}/dashboards/{name}?period=this_month`. Out: the page with empty places, and `/tiles/{name}` with the same
parameters as the stream that fills them; with `whole=1` everything in one page, for who has no scripts and for printing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from patron_engine.access.pick import Body
from patron_engine.errors import NotFound
from patron_engine.page.dashboard_filters import PRESETS
from patron_engine.page.dashboards import (
    Dashboard,
    Tile,
    body_of,
    dashboard_of,
    homes_of,
    narrowed,
    object_of,
    opens,
)
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of
from patron_engine.record.context import context_of
from patron_engine.record.pending import Pending
from patron_platform import personal
from patron_platform.web.arriving import see_other
from patron_platform.web.render import HEADERS, page
from patron_platform.web.texts import texts_in
from patron_platform.web.tiles import drawn, jobs_of, streamed
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)

Connection = psycopg.Connection[Any]
OWN = "own"  # where one's own home page stands, and the name it is kept under
STREAMED = "-"  # what its stream is called: no definition is called so
DESK = "desk"
CUSTOM = "custom"  # of a choice of days: neither a preset nor everything
STREAM = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One of the home pages: its address inside the workspace, its name."""

    way: tuple[str, ...]
    label: str
    here: bool = False


@router.get("/dashboards/{name}")
def dashboard(request: Request, workspace: str, name: str) -> Response:
    visitor = enter(request, workspace)
    given = chosen_in(request)
    if (tidy := tidied(given)) is not None:
        return see_other(f"{visitor.url('dashboards', name)}?{urlencode(tidy)}")
    return board_page(visitor, lambda conn, call: body_of(call, name), given, ("dashboards", name))


@router.get("/tiles/{name}")
def tiles(request: Request, workspace: str, name: str) -> Response:
    """The tiles of a dashboard, each as a line of JSON as soon as it is there."""
    visitor = enter(request, workspace)
    given = chosen_in(request)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        body = own_body(conn, call) if name == STREAMED else body_of(call, name)
        board = seen(conn, call, body or {"name": STREAMED}, given)
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    return StreamingResponse(streamed(jobs_of(visitor, board)), headers=headers, media_type=STREAM)


def chosen_in(request: Request) -> dict[str, str]:
    """The parameters of an address; what is said several times is a list."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        found[name] = f"{found[name]},{value}" if found.get(name) else value
    return found


def tidied(given: Mapping[str, str]) -> dict[str, str] | None:
    """The address without the fields of a form: `period=custom&period.from=…&period.to=…` is `period=…`. None where it is tidy."""
    fields = [n for n in given if n.endswith((".from", ".to"))]
    if not fields:
        return None
    tidy = {n: v for n, v in given.items() if n not in fields}
    for name in dict.fromkeys(n.rpartition(".")[0] for n in fields):
        if given.get(name) == CUSTOM:
            first, last = given.get(f"{name}.from", ""), given.get(f"{name}.to", "")
            tidy[name] = f"{first}..{last}" if first or last else ""
    return tidy


def own_body(conn: Connection, call: Call) -> Body | None:
    """What he put on his own home page; None where he has none."""
    with suppress(NotFound):
        return {**personal.find(conn, call, "dashboard", OWN), "name": STREAMED}
    return None


def seen(conn: Connection, call: Call, body: Body, given: Mapping[str, str]) -> Dashboard:
    """The dashboard with the tiles he may look at."""
    context = context_of(Pending(conn), call)[0]
    board = dashboard_of(call.model, body, given, context)
    return replace(board, tiles=tuple(t for t in board.tiles if opens(call, t)))


def homes_for(visitor: Visitor, conn: Connection, call: Call, here: tuple[str, ...]) -> list[Home]:
    """His own home page, those of his roles, and the desk: what is due and where he was."""
    t, reader = texts_in(visitor.languages[0]), visitor.reader(call)
    found: list[tuple[tuple[str, ...], str]] = []
    if own_body(conn, call) is not None:
        found.append(((OWN,), t("dashboards.own")))
    found += [
        (("dashboards", str(b["name"])), reader.say(b.get("label"), str(b["name"]))) for b in homes_of(call)
    ]
    found.append(((DESK,), t("dashboards.desk")))
    return [Home(way=way, label=label, here=way == here) for way, label in found]


def board_page(
    visitor: Visitor, find: Callable[[Connection, Call], Body], given: dict[str, str], here: tuple[str, ...],
    editing: Callable[[Connection, Call], Mapping[str, Any]] | None = None,
) -> Response:  # fmt: skip
    """The page of a dashboard. `editing`: what one may add to his own."""
    whole = drawn_at_once(visitor, find, given) if given.get("whole") == "1" else None
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        board, reader = seen(conn, call, find(conn, call), given), visitor.reader(call)
        homes = homes_for(visitor, conn, call, here)
        address = urlencode({n: v for n, v in given.items() if n not in ("whole", "edit")})
        source = visitor.url("tiles", board.name) + (f"?{address}" if address else "")
        named = (
            texts_in(visitor.languages[0])("dashboards.own")
            if here == (OWN,)
            else reader.say(board.label, board.name)
        )
        title = next((h.label for h in homes if h.here), named)
        return page(
            visitor, call, "dashboard.html", title=title, here="home" if any(h.here for h in homes) else board.name, whole=whole, board=board, homes=homes, source=source,
            names=names_of(conn, call, reader, board),
            ways={tile.name: way_of(visitor, call, board, tile) for tile in board.tiles},
            own=here == (OWN,), editing=None if editing is None else editing(conn, call), here_way=here,
            at_once=f"{visitor.url(*here)}?{urlencode({**given, 'whole': '1'})}", presets=tuple(PRESETS),
            picked=picked(conn, call, board), custom=CUSTOM,
        )  # fmt: skip


def drawn_at_once(
    visitor: Visitor, find: Callable[[Connection, Call], Body], given: Mapping[str, str]
) -> dict[str, Markup]:
    """Every tile, one after the other."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        board = seen(conn, call, find(conn, call), given)
    return {tile.name: Markup(drawn(visitor, board, tile)) for tile in board.tiles}


def names_of(conn: Connection, call: Call, reader: Reader, board: Dashboard) -> dict[str, str]:
    """What stands above each tile."""
    personally = any(tile.kind == "report" and tile.to.startswith(personal.PREFIX) for tile in board.tiles)
    own = {str(body["name"]): body for body in (personal.reports(conn, call) if personally else ())}
    return {tile.name: name_of(call, reader, tile, own) for tile in board.tiles}


def name_of(call: Call, reader: Reader, tile: Tile, own: Mapping[str, Body]) -> str:
    """What stands above a tile: its own name, else that of what it shows; a report of his own that is gone has none."""
    body = call.model.documents.get((tile.kind, tile.to)) or own.get(tile.to, {})
    if not body and tile.to.startswith(personal.PREFIX):
        return texts_in(reader.languages[0])("reports.unnamed")
    return reader.say(tile.label) or reader.say(
        body.get("label") or tile.body.get("name"), tile.to or tile.name
    )


def way_of(visitor: Visitor, call: Call, board: Dashboard, tile: Tile) -> str:
    """Where its heading leads: to the same figures or records under the same filters; "" for a text."""
    if tile.kind == "goal":
        return visitor.url("goals", tile.to)
    if tile.kind == "text":
        return ""
    object = object_of(call.model, tile)
    asked = narrowed(call.model, board, tile, object)
    where = {"where": asked.condition} if asked.condition else {}
    if tile.kind == "view":
        return f"{visitor.url('o', str(object))}?{urlencode({'view': tile.to, **where})}"
    chart = {"chart": str(tile.body["chart"])} if tile.body.get("chart") else {}
    address = urlencode({**where, **asked.parameters, **chart})
    return visitor.url("reports", tile.to) + (f"?{address}" if address else "")


def picked(conn: Connection, call: Call, board: Dashboard) -> dict[tuple[str, str], str]:
    """(object, id) -> title of the records that are chosen in the filters."""
    wanted: dict[str, list[str]] = {}
    for one in board.chosen:
        if one.to and one.values:
            wanted.setdefault(one.to, []).extend(one.values)
    return titles_of(conn, call, wanted) if wanted else {}
