"""Record page: one record with everything that belongs to it, also on paper.

In: `GET /w/{workspace}/o/{object}/{id}`, with `?tab=SET` for a related list in the place of the fields, `?kind=` for one kind of
the timeline, `?print=1` for a page without anything to press. Out: HTML of page/record's data; a script gets the part that it
swaps. Looking at a record writes down when. A form of the page that was refused is answered with the same page. While automations
still work on what was saved, the page says so to its script, which asks for it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.flow.buttons import Button, offered
from patron_engine.flow.look import Seen, opened
from patron_engine.flow.store import settling
from patron_engine.page.below import Grid, related_grid
from patron_engine.page.entries import Entry
from patron_engine.page.follow_up import follow_up_of
from patron_engine.page.people import people_of
from patron_engine.page.record import record_page
from patron_engine.page.record_tree import RecordPage, Tile
from patron_engine.page.standing import standing_of
from patron_engine.page.timeline import Timeline, timeline
from patron_engine.problems import Problem
from patron_engine.query import recent
from patron_engine.query.call import Call
from patron_engine.query.files import record_files
from patron_engine.query.follows import follows
from patron_engine.query.history import Wanted
from patron_engine.record.merged import merged_into
from patron_engine.ways.approval_standing import standing
from patron_platform.web.arriving import see_other
from patron_platform.web.once import token
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.texts import texts_in
from patron_platform.web.undo import flash_of
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)
DONE = (
    "saved", "followed_up", "commented", "restored", "voided", "unvoided", "moved", "cloned", "file_added",
    "file_removed", "removed", "claimed", "returned", "assigned", "merged_here", "unmerged", "asked", "asked_created", "submitted",
    "withdrawn", "urged", "resubmitted",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A related list as it stands open on the page."""

    tile: Tile
    grid: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What somebody sent from the page and what was wrong with it: the page comes again with all of it.

    form      which of the page's forms it was
    typed     what stood in it
    problems  why it was refused; `confirm` names the rules whose warnings may be accepted
    more      what the template needs besides
    """

    form: str
    typed: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    confirm: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@router.get("")
def record(request: Request, workspace: str, object: str, id: UUID) -> Response:
    return draw_record(enter(request, workspace), object, str(id))


def draw_record(
    visitor: Visitor, object: str, id: str, *, sent: Sent | None = None, status: int = 200
) -> Response:
    """The page of a record, with what was sent from it when it was refused."""
    request = visitor.request
    given = request.query_params if request.method == "GET" else {}
    tab = given.get("tab") or ""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        made = record_page(conn, call, reader, object, id)
        if made.deleted and request.method == "GET":
            onward = merged_into(conn, call, made.object.name, made.id)
            if onward is not None:
                return see_other(f"{visitor.url('o', made.object.name, onward)}?done=merged_here")
        values: dict[str, Any] = {
            "made": made,
            "here_url": visitor.url("o", made.object.name, made.id),
            "opened": opened_tab(conn, call, visitor, made, tab),
            "tab": tab,
            "sent": sent,
            "once_token": token,
            "approval": standing(conn, call, made.object, made.id, submits=made.may.update)
            if not made.deleted
            else None,
        }
        locked = values["approval"]
        values["in_place"] = (
            made.may.update
            and not given.get("print")
            and (not locked or locked.locks not in ("running", "after") or bool(locked.open))
        )
        if partial_wanted(request) and request.headers.get("hx-target", "").endswith("record-body"):
            return part(visitor, call, "_record_body.html", **values)
        if given.get("print"):
            return page(visitor, call, "record_print.html", title=made.title, here=made.object.name, **values)
        values |= dict.fromkeys(
            ("told", "follow_up", "follows", "files", "news", "people", "buttons", "standing"), ()
        )
        values["span_of"] = partial(span_said, visitor)
        if not made.deleted:
            values |= _around(conn, call, visitor, made, given)
        values["settling"] = settling(conn, call.schema, made.id, call.now)
        values["pressed"] = pressed_in(conn, call, made, given["run"]) if given.get("run") else None
        values["merged"] = _merge_told(given)
        values["flash"] = flash_of(visitor, conn, call)
        values["done"] = given.get("done") if given.get("done") in DONE else None
        answer = page(
            visitor, call, "record.html", title=made.title, here=made.object.name, status=status, **values
        )
    if status == 200 and visitor.viewing is None:
        with visitor.workspace.connection("write") as conn:
            recent.look(conn, visitor.workspace.call(conn, visitor.actor), made.object.name, made.id)
    return answer


def _merge_told(given: Mapping[str, str]) -> str:
    """The merge that led here, so that it can be taken back."""
    try:
        return str(UUID(given.get("merged") or ""))
    except ValueError:
        return ""


def _around(
    conn: psycopg.Connection[Any], call: Call, visitor: Visitor, made: RecordPage, given: Mapping[str, str]
) -> dict[str, Any]:
    """What stands beside a living record: its timeline, what is new in it, the forms that add to it."""
    secret = visitor.service.runtime.secret
    told = timeline(
        conn, call, visitor.reader(call), made.layout, made.id, secret=secret, kind=given.get("kind"),
        wanted=wanted_in(given),
    )  # fmt: skip
    since = recent.last_look(conn, call, made.object.name, made.id)
    return {
        "told": told,
        "news": () if given.get("kind") else news(told, since),
        "follows": follows(conn, call, made.object.name, made.id),
        "follow_up": follow_up_of(call, made.object),
        "buttons": buttons_in(conn, call, made),
        "standing": standing_of(conn, call, visitor.reader(call), made.object, made.id),
        "people": people_of(conn, call, made.object.name, made.id),
        "files": record_files(conn, call, made.object.name, made.id) if made.may.attach else (),
    }


def buttons_in(conn: psycopg.Connection[Any], call: Call, made: RecordPage) -> list[Button]:
    """The buttons that fit the record now, those first that the layout names."""
    order = {name: place for place, name in enumerate(made.layout.actions)}
    found = offered(conn, call, made.object.name, made.id)
    return sorted(found, key=lambda b: order.get(b.name, len(order)))


def pressed_in(conn: psycopg.Connection[Any], call: Call, made: RecordPage, run: str) -> Seen | None:
    """What became of the run that a button of this page started, for who pressed it."""
    try:
        seen, _ = opened(conn, call.schema, str(UUID(run)))
    except (ValueError, NotFound):
        return None
    mine = seen.causer == call.actor.user and seen.record == made.id
    return seen if mine else None


def span_said(visitor: Visitor, seconds: int) -> str:
    """A length of time in its two largest units."""
    t, minutes = texts_in(visitor.languages[0]), abs(seconds) // 60
    if minutes < 60:
        return t("pools.minutes", n=minutes)
    if minutes < 48 * 60:
        return t("pools.hours", h=minutes // 60, m=minutes % 60)
    return t("pools.days", d=minutes // 1440, h=minutes % 1440 // 60)


def wanted_in(given: Mapping[str, str]) -> Wanted:
    """Which changes an address asks for: `field`, `by`."""
    return Wanted(field=given.get("field") or "", by=given.get("by") or "")


def opened_tab(
    conn: psycopg.Connection[Any], call: Call, visitor: Visitor, made: RecordPage, tab: str
) -> Opened | None:
    """The related list a tab names. NotFound for one that the record does not have."""
    if not tab:
        return None
    tile = next((t for t in made.tiles if t.set == tab), None)
    if tile is None:
        raise NotFound("the record has no such list")
    related = next(r for r in made.layout.related if r.set.name == tab)
    grid = related_grid(conn, call, visitor.reader(call), made.object, made.id, related)
    return Opened(tile=tile, grid=grid)


def news(told: Timeline, since: Any) -> tuple[Entry, ...]:
    """What others did since one last looked, as far as the first page of the timeline reaches."""
    if since is None:
        return ()
    return tuple(e for e in told.entries if e.at > since and not e.by_me)
