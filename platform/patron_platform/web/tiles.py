"""Tiles: what stands in one place of a dashboard, drawn by itself, and many of them as one stream.

In: a visitor, a dashboard, a tile. Out: HTML of the tile; what went wrong with one stands in its place and nowhere else. A stream
is lines of JSON, `{"tile": NAME, "html": …}`, each as soon as it is there. At most `AT_ONCE` tiles of a process are worked on at a
time, `MINE` of one page once its first is there, in threads of their own: whoever opens a page waits for no dashboard, and of several
who open one at once nobody waits for the second tile of another before he has his first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import anyio
import psycopg
from anyio import to_thread
from anyio.lowlevel import RunVar

from patron_engine.errors import PatronError, Refused
from patron_engine.jsonio import dumps
from patron_engine.page.dashboards import Dashboard, Kind, Tile, narrowed, object_of
from patron_engine.page.listing import fitting, listing
from patron_engine.page.question import question_of
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.store.session import bounded
from patron_platform.web.figure_tiles import goal_tile, report_tile
from patron_platform.web.render import draw, fragment
from patron_platform.web.visitor import Visitor

Connection = psycopg.Connection[Any]
AT_ONCE: Final = 4  # tiles a process works on at a time: a third of its connections
MINE: Final = 2  # of one page
SECONDS: Final = 10  # that one statement of a tile may take
ROWS: Final = 10  # records of a list that says nothing

log = logging.getLogger("patron.web")
_gates: RunVar[anyio.CapacityLimiter] = RunVar("patron-tiles")


async def streamed(jobs: Sequence[tuple[str, Callable[[], str]]]) -> AsyncIterator[bytes]:
    """Each tile as a line, as they get done. Who leaves the page takes what was not begun with him."""
    mine = anyio.Semaphore(1)
    more = iter(range(MINE - 1))

    async def one(name: str, job: Callable[[], str]) -> bytes:
        async with mine:
            html = await to_thread.run_sync(job, limiter=_gate())
        for _ in more:  # the first is there
            mine.release()
        return dumps({"tile": name, "html": html}) + b"\n"

    running = [asyncio.ensure_future(one(name, job)) for name, job in jobs]
    try:
        for done in asyncio.as_completed(running):
            yield await done
    finally:
        for task in running:
            task.cancel()


def _gate() -> anyio.CapacityLimiter:
    with suppress(LookupError):
        return _gates.get()
    made = anyio.CapacityLimiter(AT_ONCE)
    _gates.set(made)
    return made


def jobs_of(visitor: Visitor, dashboard: Dashboard) -> list[tuple[str, Callable[[], str]]]:
    """What draws each tile."""
    return [(tile.name, partial(drawn, visitor, dashboard, tile)) for tile in dashboard.tiles]


def drawn(visitor: Visitor, dashboard: Dashboard, tile: Tile) -> str:
    """One tile, or what went wrong with it. Raises nothing."""
    try:
        with visitor.workspace.connection("read") as conn:
            call = visitor.workspace.call(conn, visitor.actor)
            with bounded(conn, SECONDS):
                made = DRAWERS[tile.kind](visitor, conn, call, dashboard, tile)
            for act in call.committed:  # answers that are kept for the next who looks
                act()
            return made
    except PatronError as error:
        return _failed(visitor, error)
    except Exception:
        log.exception("tile_failed", extra={"workspace": visitor.name, "tile": tile.name})
        return _failed(visitor, None)


def _failed(visitor: Visitor, error: PatronError | None) -> str:
    said = [] if error is None else [visitor.words(error.detail)]
    if isinstance(error, Refused):
        said = [visitor.words(p.message) for p in error.problems]
    hint = visitor.words(error.hint) if error is not None and error.hint else ""
    return draw("_tile_failed.html", visitor.languages, said=said, hint=hint)


# -- each kind ----------------------------------------------------------------------------------------------------


def _text(visitor: Visitor, conn: Connection, call: Call, dashboard: Dashboard, tile: Tile) -> str:
    return fragment(visitor, call, "_tile_text.html", tile=tile)


def _view(visitor: Visitor, conn: Connection, call: Call, dashboard: Dashboard, tile: Tile) -> str:
    """The first records of a view, with the columns that find room."""
    object = known_object(call, object_of(call.model, tile) or "")
    asked = narrowed(call.model, dashboard, tile, object.name)
    given = {
        "view": tile.to,
        "type": "list",
        "group": "-",
        **({"where": asked.condition} if asked.condition else {}),
    }
    question = fitting(call.model, call.actor, question_of(call.model, call.actor, object, given))
    rows = int(tile.body.get("rows") or ROWS)
    question = replace(question, view=replace(question.view, limit=rows))
    found = listing(conn, call, question, visitor.reader(call), secret=b"")
    more = question.address(type=None, group=None)
    return fragment(visitor, call, "_tile_view.html", tile=tile, object=object, listing=found, more=more)


Drawer = Callable[[Visitor, Connection, Call, Dashboard, Tile], str]
DRAWERS: Mapping[Kind, Drawer] = {"text": _text, "view": _view, "report": report_tile, "goal": goal_tile}
