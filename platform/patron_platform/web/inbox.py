"""Inbox: decisions: what waits for a person, what he decided, submitted, got a copy of; several decided at once. The rest of one's
inbox are notices (web/notices), at the same address.

In: `GET /w/{workspace}/inbox?box=waiting|done|started|copied&q=&object=&approval=&person=&since=&until=&before=`; a form with `task`
(several), `_act`, `_comment`. Out: the page of a box; what became of each task; the number that waits, for the header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import LimitExceeded, NotFound, PatronError, Refused
from patron_engine.jsonio import whole
from patron_engine.model.model import Model
from patron_engine.page.notices import notices_of
from patron_engine.page.reader import Reader
from patron_engine.page.show import Shown, shown
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import approval_box, deciding
from patron_engine.ways.approval_box import Box, Item, Narrow
from patron_engine.ways.approval_people import Wish
from patron_engine.ways.approvals_seen import look as look_at
from patron_platform.api.approvals import MAX_BATCH
from patron_platform.web import csrf, forms_in
from patron_platform.web.approval_said import people_offered
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/inbox", include_in_schema=False)
Connection = psycopg.Connection[Any]

FILTERS = ("q", "object", "approval", "person", "since", "until")
LONGEST = 100
MOST = 99  # what the header shows; more is 99+


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An item as a page writes it."""

    item: Item
    summary: Sequence[tuple[str, Shown]]
    names: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one task of a batch."""

    title: str
    why: str
    address: str


@router.get("/waiting")
def waiting(request: Request, workspace: str) -> Response:
    """How many decisions wait, for the header; nothing where none does."""
    visitor = enter(request, workspace)
    number = visitor.workspace.reading(
        visitor.actor, lambda conn, call: approval_box.counts(conn, call)["waiting"]
    )
    return answer("" if not number else str(number) if number <= MOST else f"{MOST}+")


@router.post("/decide")
def decide(request: Request, workspace: str, form: FormData) -> Response:
    """Each by itself: what cannot be decided is told, the others are."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    tasks, verb = list(dict.fromkeys(t for t in forms_in.several(form, "task") if t)), given.get("_act", "")
    if verb not in ("approve", "reject"):
        raise NotFound("there is no such page, or it is not yours to see")
    if len(tasks) > MAX_BATCH:
        raise LimitExceeded(
            Phrase("at most {most} tasks at once", most=MAX_BATCH), code="limit_approval_batch"
        )
    wish = Wish(act=verb, comment=given.get("_comment") or None)

    def act(conn: Connection, call: Call) -> list[tuple[str, str]]:
        return [(task, _one(visitor, conn, call, task, wish)) for task in tasks]

    outcomes = visitor.workspace.writing(visitor.actor, act, visitor.cause)
    return draw_box(visitor, "waiting", {}, decided=outcomes, verb=verb, comment=given.get("_comment", ""))


def _one(visitor: Visitor, conn: Connection, call: Call, task: str, wish: Wish) -> str:
    """Why it was not decided; "" when it was."""
    try:
        with conn.transaction():
            deciding.act_in_batch(conn, call, task, wish)
    except PatronError as error:
        problems = getattr(error, "problems", ())
        return " ".join(visitor.words(p.message) for p in problems) or visitor.words(error.detail)
    return ""


# -- a box ----------------------------------------------------------------------------------------------------------


def draw_box(
    visitor: Visitor, name: str, given: Mapping[str, str], *, decided: Sequence[tuple[str, str]] = (), verb: str = "", comment: str = ""
) -> Response:  # fmt: skip
    """One page of a box. Refused for a box there is not, a day that is none."""
    asked = {n: given.get(n, "").strip()[:LONGEST] for n in FILTERS}
    before = given.get("before", "")

    def look(conn: Connection, call: Call) -> Response:
        reader = visitor.reader(call)
        found = approval_box.box(
            conn, call, name, before=whole(before) if before else None, narrow=_narrow(asked, reader)
        )
        categories = notices_of(conn, call, reader)
        older = {"box": name, **{k: v for k, v in asked.items() if v}, "before": found.following}
        return page(
            visitor, call, "inbox.html", title=texts_in(visitor.languages[0])("approvals.inbox"), here="inbox", box=name, counts=found.counts,
            categories=categories,
            lines=lines_of(call, reader, found), older=urlencode(older) if found.following else "", asked=asked,
            narrowed=any(asked.values()), approvals=approvals_in(call.model, reader),
            objects=_objects(call.model, reader), people=people_offered(conn, call) if name != "started" else [],
            results=_results(conn, call, visitor, decided), done_count=sum(1 for _, why in decided if not why), verb=verb,
            comment=comment if any(why for _, why in decided) else "",
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)


def _narrow(asked: Mapping[str, str], reader: Reader) -> Narrow:
    until = _day(asked["until"], "until", reader)
    return Narrow(
        object=asked["object"], approval=asked["approval"], person=asked["person"], words=asked["q"],
        since=_day(asked["since"], "since", reader), until=until + timedelta(days=1) if until is not None else None,
    )  # fmt: skip


def _day(text: str, name: str, reader: Reader) -> datetime | None:
    """The beginning of a day in his zone."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day, time(), reader.zone) if 1900 <= day.year <= 9000 else None
    except ValueError:
        raise Refused([Problem(code="not_date", message=Phrase("this is no day"), path=name)]) from None


def lines_of(call: Call, reader: Reader, found: Box) -> list[Line]:
    made = []
    for item in found.items:
        fields = call.model.objects[item.object].fields
        summary = [
            (str(s["label"]), shown(fields[s["field"]], s["value"], reader))
            for s in item.summary
            if s["field"] in fields
        ]
        who = ", ".join(found.names.get(p, "…") for p in item.approvers)
        made.append(Line(item=item, summary=[pair for pair in summary if not pair[1].empty], names=who))
    return made


def approvals_in(model: Model, reader: Reader) -> list[tuple[str, str]]:
    named = [
        (n, reader.say(b.get("label"), n)) for (kind, n), b in model.documents.items() if kind == "approval"
    ]
    return sorted(named, key=lambda pair: pair[1])


def _objects(model: Model, reader: Reader) -> list[tuple[str, str]]:
    """Objects that approvals are about."""
    names = {b["object"] for (kind, _), b in model.documents.items() if kind == "approval"}
    named = [(n, reader.say(model.objects[n].label, n)) for n in names if n in model.objects]
    return sorted(named, key=lambda pair: pair[1])


def _results(
    conn: Connection, call: Call, visitor: Visitor, decided: Sequence[tuple[str, str]]
) -> list[Result]:
    """Those that were not decided, by what their task is called."""
    found = []
    for task, why in decided:
        if not why:
            continue
        try:
            title = look_at(conn, call, deciding.id_of(task)).subject
        except PatronError:
            title = "…"
        found.append(Result(title=title, why=why, address=visitor.url("approvals", task)))
    return found
