"""Access page: who may do what with one record, and why; the change that would let somebody, as a button where it is one act.

In: `GET /w/{workspace}/o/{object}/{id}/access` with `?user=&action=&field=`; posts that share it with him or give him a role. Out: the answer
for the chosen person, and everybody who may see the record. Who does not manage people, and does not own the record, reads
about himself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Action, visible
from patron_engine.access.roles import given_of
from patron_engine.actor import SYSTEM
from patron_engine.errors import LimitExceeded, NotFound, Refused
from patron_engine.model.model import Object
from patron_engine.query.actionable import reached_among
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask
from patron_engine.ways.give import Wish, give
from patron_engine.ways.read import read
from patron_platform.answers import Answer, Asked, answer, audience, facts_of, owns
from patron_platform.colleagues import Colleague, colleague, manages, must_manage
from patron_platform.giving import give_roles, may_give
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}/access", include_in_schema=False)
OFFERED = ("read", "update", "delete", "assign", "share", "transfer", "export")
MAX_OFFERED = 2_000  # people in the choice; of more the address or id is typed into the address of the page


@router.get("")
def access(request: Request, workspace: str, object: str, id: UUID) -> Response:
    return _draw(enter(request, workspace), object, str(id), request.query_params)


def _draw(visitor: Visitor, object: str, id: str, given: Mapping[str, str], error: str = "") -> Response:
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = known_object(call, object)
        facts = facts_of(conn, call, found, id)
        managing = manages(call.model, visitor.actor)
        about = _about(conn, call, given.get("user") or "", managing)
        asked = Asked(
            object=found.name, id=id, action=given.get("action") or "read", field=given.get("field") or None
        )
        made: Answer | None = answer(conn, call, about, asked) if about else None
        gives = _gives(visitor, call, made) if made is not None and managing else ()
        reaching = None
        if managing or owns(conn, call, found, id):
            reaching = audience(conn, call, found, id)
        return page(
            visitor, call, "record_access.html", title=texts_in(visitor.languages[0])("explained.title"),
            here=found.name, made=made, about=about, asked=asked, facts=facts, object=found, managing=managing,
            people=people_asked(conn, call) if managing else (), fields=_fields(visitor, call, found), actions=OFFERED,
            reaching=reaching, gives=gives, here_url=visitor.url("o", found.name, id), done=given.get("done", ""),
            shares=_shares(conn, call, found.name, id, made), error=error, status=422 if error else 200,
        )  # fmt: skip


def _shares(conn: psycopg.Connection[Any], call: Call, object: str, id: str, made: Answer | None) -> bool:
    """Whether sharing this record with the person, as the answer proposes, is the asker's to do."""
    offered = [c for c in made.told.cures if c.kind == "share"] if made is not None else []
    if made is None or not offered or made.about.id == call.actor.user:
        return False
    needed: tuple[Action, ...] = ("share", "update") if offered[0].scope == "edit" else ("share",)
    return all(reached_among(conn, call, object, action, [id]) for action in needed)


@router.post("/share")
def share(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """The share that an explanation offered: given as on the page of sharing, with its history and its notice."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    wish = Wish(reason="share", to={"user": given.get("user", "")}, level=given.get("level", "read"))
    try:
        visitor.workspace.writing(
            visitor.actor, lambda conn, call: give(conn, call, object, str(id), wish), visitor.cause
        )
    except (Refused, LimitExceeded) as error:
        return _draw(visitor, object, str(id), given, visitor.words(error.detail))
    return _back(visitor, object, id, given, "share")


@router.post("/role")
def give_role(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """The role that an explanation offered, given to the person: saved as his record, with its history and rules."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        must_manage(call.model, visitor.actor)
        known_object(call, object)
        role = given_of(call.model).roles.get(given.get("role", ""))
        if role is None:
            raise NotFound("there is no such role")
        about = colleague(conn, call, given.get("user", ""))
    roles = about.actor.roles | {role.name}
    give_roles(visitor.workspace, call.model, visitor.actor, visitor.cause, about, roles)
    return _back(visitor, object, id, {**given, "user": about.id}, "role")


def _back(visitor: Visitor, object: str, id: UUID, given: Mapping[str, str], done: str) -> Response:
    """To the same question, which is answered otherwise now."""
    asked = {n: given[n] for n in ("user", "action", "field") if given.get(n)}
    return see_other(visitor.url("o", object, str(id), "access") + "?" + urlencode({**asked, "done": done}))


def _gives(visitor: Visitor, call: Call, made: Answer) -> list[str]:
    """The roles an answer offers that are his to give."""
    offered = [c.name for c in made.told.cures if c.kind == "give_role"]
    return [r for r in offered if may_give(call.model, visitor.actor, r, made.about.actor.kind)]


def _about(conn: psycopg.Connection[Any], call: Call, user: str, managing: bool) -> Colleague | None:
    """The person chosen; himself for who may ask about nobody else."""
    own = call.actor.user
    if not managing and own is not None:
        return colleague(conn, call, own)
    return colleague(conn, call, user) if user else None


def people_asked(conn: psycopg.Connection[Any], call: Call) -> list[tuple[str, str, str]]:
    """(id, name, address) of the people who may be asked about."""
    ask = Ask(object="user", fields=("id", "name", "email"), sort=("name",), limit=200)
    rows: list[tuple[str, str, str]] = []
    while True:
        found = read(conn, replace(call, actor=SYSTEM), ask, secret=b"people")
        rows += [(str(r["id"]), str(r["name"]), str(r["email"] or "")) for r in found.rows()]
        if found.next is None or len(rows) >= MAX_OFFERED:
            return rows
        ask = replace(ask, after=found.next)


def _fields(visitor: Visitor, call: Call, object: Object) -> list[tuple[str, str]]:
    say = visitor.reader(call).say
    names = visible(call.model, visitor.actor, object.name)
    return sorted(((n, say(f.label, n)) for n, f in names.items() if not f.system), key=lambda f: f[1])
