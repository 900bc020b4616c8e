"""One's own home page: tiles of reports, lists, goals, in the order and size one likes; begun from a dashboard, changed, given up.

In: `GET /w/{workspace}/own`, with `edit=1` its tools; forms of it. Out: the page, or 303 to it. Kept as a personal document of the
kind dashboard; what a tile shows is asked with the rights of who looks, like every dashboard's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.pick import Body, documents_for
from patron_engine.errors import LimitExceeded, NotFound, Refused, WrongUse
from patron_engine.page.dashboards import body_of, homes_of, placed
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_platform import personal
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.dashboards import OWN, STREAMED, Connection, board_page, chosen_in, own_body
from patron_platform.web.forms_in import FormData
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/own", include_in_schema=False)

Tiles = list[dict[str, Any]]
HOME = "home"
MOST = 30  # limit_own_tiles: tiles of one's own page
SIZES: Mapping[str, tuple[int, int]] = {"report": (6, 4), "view": (6, 4), "goal": (3, 2)}
WIDTHS = (3, 4, 6, 8, 12)
HEIGHTS = (2, 3, 4, 6, 8)


@router.get("")
def own_page(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    given = chosen_in(request)
    tools = (
        (lambda conn, call: offered(conn, call, visitor.reader(call))) if given.get("edit") == "1" else None
    )
    return board_page(
        visitor, lambda conn, call: own_body(conn, call) or {"name": STREAMED}, given, (OWN,), tools
    )


@router.post("/begin")
def begin(request: Request, workspace: str, form: FormData) -> Response:
    """His page begins as the dashboard he looks at."""

    def first(conn: Connection, call: Call, given: Mapping[str, str], tiles: Tiles) -> Tiles:
        if tiles or not given.get("from"):
            return tiles
        return [dict(t) for t in body_of(call, given["from"])["tiles"]][:MOST]

    return _change(request, workspace, form, first)


@router.post("/add")
def add(request: Request, workspace: str, form: FormData) -> Response:
    """A report, list or goal is put at the end: `what=report:NAME`, with `chart` in that form. From elsewhere (`then=home`) his page,
    where he has none, begins as the home he had: what he saw there is not lost; and he is led to what he put there."""

    def added(conn: Connection, call: Call, given: Mapping[str, str], tiles: Tiles) -> Tiles:
        kind, _, name = given.get("what", "").partition(":")
        if kind not in SIZES or not _there(conn, call, kind, name):
            said = Phrase("there is nothing to be put on the page here")
            raise Refused([Problem(code="unknown_tile", message=said, path="what")])
        if given.get("then") == HOME and not tiles:
            tiles = [dict(t) for body in homes_of(call)[:1] for t in body["tiles"]][: MOST - 1]
        w, h = SIZES[kind]
        tile: dict[str, Any] = {"name": _free(tiles), kind: name, "at": {"x": 0, "y": 0, "w": w, "h": h}}
        if kind == "goal":
            tile["of"] = given["of"] if given.get("of") in ("company", "department", "me") else "me"
        if kind == "report" and given.get("chart"):
            tile["chart"] = given["chart"]
        return [*tiles, tile]

    return _change(request, workspace, form, added)


@router.post("/tile")
def change_tile(request: Request, workspace: str, form: FormData) -> Response:
    """`act` of one tile: earlier, later, wider, narrower, taller, lower, remove."""

    def changed(conn: Connection, call: Call, given: Mapping[str, str], tiles: Tiles) -> Tiles:
        at = next((i for i, t in enumerate(tiles) if t["name"] == given.get("tile")), None)
        if at is None:
            raise NotFound("this page has no such tile")
        return _acted(given.get("act", ""), tiles, at)

    return _change(request, workspace, form, changed)


@router.post("/drop")
def drop(request: Request, workspace: str, form: FormData) -> Response:
    """He gives his own page up: the one of his role is his home again."""
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    visitor.workspace.writing(
        visitor.actor, lambda conn, call: personal.remove(conn, call, "dashboard", OWN), visitor.cause
    )
    return see_other(visitor.url(""))


def _change(
    request: Request,
    workspace: str,
    form: FormData,
    act: Callable[[Connection, Call, Mapping[str, str], Tiles], Tiles],
) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)

    def write(conn: Connection, call: Call) -> str:
        tiles = sorted(
            (own_body(conn, call) or {}).get("tiles") or (), key=lambda t: (t["at"]["y"], t["at"]["x"])
        )
        made = act(conn, call, given, [dict(t) for t in tiles])
        if len(made) > MOST:
            raise LimitExceeded(Phrase("a page has at most {most} tiles", most=MOST), code="limit_own_tiles")
        personal.put(conn, call, "dashboard", OWN, {"tiles": placed(made)})
        return str(made[-1]["name"]) if made else ""

    last = visitor.workspace.writing(visitor.actor, write, visitor.cause)
    if given.get("then") == HOME:
        return see_other(f"{visitor.url(OWN)}#tile-{last}-name")
    return see_other(f"{visitor.url(OWN)}?edit=1")


def _acted(act: str, tiles: Tiles, at: int) -> Tiles:
    tile = tiles[at]
    size = dict(tile["at"])
    if act == "remove":
        return tiles[:at] + tiles[at + 1 :]
    if act in ("earlier", "later"):
        to = max(0, min(len(tiles) - 1, at + (1 if act == "later" else -1)))
        rest = tiles[:at] + tiles[at + 1 :]
        return [*rest[:to], tile, *rest[to:]]
    if act in ("wider", "narrower"):
        size["w"] = _next(WIDTHS, size["w"], act == "wider")
    elif act in ("taller", "lower"):
        size["h"] = _next(HEIGHTS, size["h"], act == "taller")
    else:
        raise WrongUse("there is no such act", code="unknown_act")
    return [*tiles[:at], {**tile, "at": size}, *tiles[at + 1 :]]


def _next(steps: tuple[int, ...], now: int, up: bool) -> int:
    beyond = [s for s in steps if (s > now if up else s < now)]
    return (min(beyond) if up else max(beyond)) if beyond else now


def _free(tiles: Tiles) -> str:
    taken = {t["name"] for t in tiles}
    return next(name for n in range(1, len(taken) + 2) if (name := f"tile_{n}") not in taken)


# -- what one may add ---------------------------------------------------------------------------------------------


def offered(conn: Connection, call: Call, reader: Reader) -> dict[str, list[tuple[str, str]]]:
    """Kind -> (name, label) of what may be put on the page, by label."""
    return {
        kind: sorted(
            ((str(b["name"]), reader.say(b.get("label"), str(b["name"]))) for b in _bodies(conn, call, kind)),
            key=lambda pair: pair[1],
        )
        for kind in SIZES
    }


def _bodies(conn: Connection, call: Call, kind: str) -> list[Body]:
    found = documents_for(call.model, call.actor, kind)
    if kind == "goal":
        return found
    own = personal.reports(conn, call) if kind == "report" else ()
    return [*own] + [b for b in found if b.get("object") is None or _reads(call, str(b["object"]))]


def _reads(call: Call, object: str) -> bool:
    return not isinstance(row_rule(call.model, call.actor, "read", object), Deny)


def _there(conn: Connection, call: Call, kind: str, name: str) -> bool:
    return any(b["name"] == name for b in _bodies(conn, call, kind))
