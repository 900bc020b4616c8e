"""Substitutes: who decides for somebody while he is away: his own page, beside his settings.

In: `GET /w/{workspace}/me/substitutes`; forms: `substitute`, `from`, `until` (days), `approvals`, `objects` (several); `remove`. Out:
the page, 422 with what is wrong and everything typed; 303 back. Everybody names his own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import PatronError, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import substitutes
from patron_engine.ways.approval_drawn import names_of
from patron_platform.api.errors import status_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.approval_said import people_offered
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.inbox import approvals_in
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/me/substitutes", include_in_schema=False)
Connection = psycopg.Connection[Any]
DONE = ("named", "removed")


@router.get("")
def mine(request: Request, workspace: str) -> Response:
    return _draw(enter(request, workspace))


@router.post("")
def name(request: Request, workspace: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)

    def act(conn: Connection, call: Call) -> None:
        reader = visitor.reader(call)
        begins = _day(given, "from", reader) or call.now
        until = _day(given, "until", reader)
        substitutes.name(
            conn, call, str(visitor.actor.user), _user(given), begins,
            until + timedelta(days=1) if until is not None else None,
            approvals=[n for n in forms_in.several(form, "approvals") if n],
        )  # fmt: skip

    try:
        visitor.workspace.writing(visitor.actor, act, visitor.cause)
    except PatronError as error:
        return _draw(visitor, form, error)
    return see_other(visitor.url("me", "substitutes") + "?done=named")


@router.post("/remove")
def remove(request: Request, workspace: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    try:
        id = read_id(given.get("id", ""))
    except ValueFault:
        id = "00000000-0000-0000-0000-000000000000"
    visitor.workspace.writing(
        visitor.actor, lambda conn, call: substitutes.remove(conn, call, id), visitor.cause
    )
    return see_other(visitor.url("me", "substitutes") + "?done=removed")


def _user(given: Mapping[str, str]) -> str:
    try:
        return read_id(given.get("substitute", ""))
    except ValueFault:
        raise Refused(
            [Problem(code="not_users", message=Phrase("name somebody who works here"), path="substitute")]
        ) from None


def _day(given: Mapping[str, str], name: str, reader: Reader) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        if not 2000 <= day.year <= 2200:
            raise ValueError
    except ValueError:
        raise Refused([Problem(code="not_date", message=Phrase("this is no day"), path=name)]) from None
    return datetime.combine(day, time(), reader.zone)


def _draw(visitor: Visitor, form: Pairs = (), error: PatronError | None = None) -> Response:
    problems = getattr(error, "problems", ())
    wrong = dict.fromkeys(("", "substitute", "from", "until", "approvals"), "")
    wrong |= {p.path or "": visitor.words(p.message) for p in problems}
    if error is not None and not problems:
        wrong[""] = visitor.words(error.detail)

    def look(conn: Connection, call: Call) -> Response:
        rows = [r for r in substitutes.listed(conn, call) if visitor.actor.user in (r.person, r.substitute)]
        done = visitor.request.query_params.get("done") if visitor.request.method == "GET" else None
        return page(
            visitor, call, "substitutes.html", title=texts_in(visitor.languages[0])("approvals.substitutes"), here="me",
            status=status_of(error) if error is not None else 200, rows=rows, me=visitor.actor.user,
            names=names_of(conn, call, [p for r in rows for p in (r.person, r.substitute)]), wrong=wrong, typed=forms_in.texts(form),
            chosen=forms_in.several(form, "approvals"), people=people_offered(conn, call, without=visitor.actor.user),
            approvals=dict(approvals_in(call.model, visitor.reader(call))), done=done if done in DONE else None,
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)
