"""Pools: what waits, claimed one by one or many at once, assigned and moved by managers; and a record's way back into its pool.

In: `GET /w/{workspace}/pools`, `…/pools/{name}?q=&after=`, posts below it with ids and `act`; below a record `POST …/claim`, `GET` and
`POST …/pool`, `POST …/stage-task`. Out: pages; after a post 303 back, or a page with what did not go and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import PatronError, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.page.people import choices
from patron_engine.page.pools import PoolPage, pool_page, pools_for
from patron_engine.page.record import record_page
from patron_engine.page.standing import standing_of
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.record.undo import Kept
from patron_engine.ways import pools
from patron_engine.ways.pool_extend import decide, extend
from patron_engine.ways.pool_people import Done
from patron_engine.ways.pools import Back
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.record_form import Form, Posted
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.undone import told_of
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)
Connection = psycopg.Connection[Any]
LONGEST = 60
DONE = ("claimed", "assigned", "moved", "returned", "extended", "refused")
TOLD = {"claim": "claimed", "assign": "assigned", "move": "moved", "grant": "extended", "refuse": "refused"}


@router.get("/pools")
def mine(request: Request, workspace: str) -> Response:
    """His pools; where there is one, that one."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = pools_for(conn, call, visitor.reader(call))
        if len(found) == 1:
            return see_other(visitor.url("pools", found[0].name))
        title = texts_in(visitor.languages[0])("pools.title")
        return page(visitor, call, "pools.html", title=title, here="pools", pools=found)


@router.get("/pools/{name}")
def pool(request: Request, workspace: str, name: str) -> Response:
    return _drawn(enter(request, workspace), name)


@router.post("/pools/{name}")
def act(request: Request, workspace: str, name: str, form: FormData) -> Response:
    """`act`: claim, assign (with `to`), move (with `pool`), grant or refuse more time; `id` several."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    ids = _ids(forms_in.several(form, "id"))
    what = given.get("act", "")
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        shown = pool_page(
            conn, call, visitor.reader(call), name, after=None, q="", secret=visitor.service.runtime.secret
        )
    carried = _carried(shown.object.name, ids, what, given)
    wanting = not ids or carried is None
    if carried is None or wanting:
        return _drawn(visitor, name, wrong="choose_records" if not ids else "choose_aim", status=422)
    made = visitor.workspace.writing(visitor.actor, carried, visitor.cause)
    refused = [(id, error) for id, error in made if error is not None]
    back = visitor.url("pools", name)
    if refused:
        return _left(visitor, shown, refused, len(made), back)
    return see_other(f"{back}?{urlencode({'done': TOLD[what], 'n': len(made)})}")


def _carried(
    object: str, ids: Sequence[str], what: str, given: Any
) -> Callable[[Connection, Call], list[Done]] | None:
    """What a button does; None where it does not say to whom or where to."""
    if what in ("grant", "refuse"):
        note = given.get("note", "").strip() or None
        return lambda conn, call: decide(conn, call, object, ids, what == "grant", note)
    if what == "claim":
        return lambda conn, call: pools.claim(conn, call, object, ids)
    to, aim = given.get("to", "").removeprefix("user:"), given.get("pool", "")
    if what == "assign" and to:
        (person,) = _ids((to,))
        return lambda conn, call: pools.claim(conn, call, object, ids, to=person)
    if what == "move" and aim:
        return lambda conn, call: pools.move(conn, call, object, ids, aim)
    return None


def _drawn(visitor: Visitor, name: str, *, wrong: str = "", status: int = 200) -> Response:
    asked = visitor.request.query_params
    q, after = asked.get("q", "").strip()[:LONGEST], asked.get("after")
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        shown = pool_page(
            conn, call, visitor.reader(call), name, after=after, q=q, secret=visitor.service.runtime.secret
        )
        people = choices(conn, call, "", ("user",)).get("user", []) if shown.pool.manages else []
        done = asked.get("done") if asked.get("done") in DONE else None
        n = asked.get("n", "")
        following = urlencode({"q": q, "after": shown.next}) if shown.next else ""
        return page(
            visitor, call, "pool.html", title=shown.pool.label, here="pools", made=shown, people=people, q=q, wrong=wrong,
            done=done, n=n if n.isdecimal() and len(n) < 5 else "1", following=following, status=status,
        )  # fmt: skip


def _left(
    visitor: Visitor, shown: PoolPage, refused: Sequence[tuple[str, PatronError]], count: int, back: str
) -> Response:
    """What did not go, and why."""
    t = texts_in(visitor.languages[0])
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        kept = [Kept(object=shown.object.name, id=id, why=_why(visitor, error)) for id, error in refused]
        told = told_of(conn, call, kept)
        said = t("lists.result", done=count - len(told), refused=len(told))
        return page(
            visitor, call, "list_result.html", title=shown.pool.label, here="pools", told=told, said=said,
            head=t("lists.refused"), back=back,
        )  # fmt: skip


def _why(visitor: Visitor, error: PatronError) -> str:
    problems = error.problems if isinstance(error, Refused) else ()
    said = [visitor.words(p.message) for p in problems] or [visitor.words(error.detail)]
    return " ".join([*said, visitor.words(error.hint) if error.hint and not problems else ""]).strip()


def _ids(given: Sequence[str]) -> list[str]:
    try:
        return [read_id(id) for id in given]
    except ValueFault as fault:
        raise Refused([Problem(code=fault.code, message=fault.message, path="id")]) from None


# -- one record ---------------------------------------------------------------------------------------------------


@router.post("/o/{object}/{id:uuid}/claim")
def claim(form: Posted) -> Response:
    """From the record's page, and back to it."""
    ((_, error),) = form.write(lambda conn, call: pools.claim(conn, call, form.object, [form.id]))
    if error is not None:
        return _again(form, error)
    return form.back("claimed")


@router.get("/o/{object}/{id:uuid}/pool")
def ask(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """Why it goes back; for managers also to whom it goes, or to which pool."""
    return _asked(enter(request, workspace), object, str(id), {}, "")


@router.post("/o/{object}/{id:uuid}/pool")
def change(form: Posted) -> Response:
    given = form.typed
    what = given.get("act", "return")

    def carried(conn: Connection, call: Call) -> list[Done]:
        if what == "return":
            back = Back(reason=given.get("reason") or None, note=given.get("note", "").strip() or None)
            return pools.give_back(conn, call, form.object, [form.id], back)
        if what == "extend":
            return extend(conn, call, form.object, [form.id], given.get("note", "").strip() or None)
        made = _carried(form.object, [form.id], what, given)
        return made(conn, call) if made is not None else [(form.id, _missing(form))]

    ((_, error),) = form.write(carried)
    if error is not None:
        return _asked(form.visitor, form.object, form.id, given, _why(form.visitor, error), 422)
    if what == "return":
        with form.reading() as (conn, call):
            found = standing_of(
                conn, call, form.visitor.reader(call), call.model.objects[form.object], form.id
            )
        if found.pool is None:  # it is not his to see any more
            return see_other(form.visitor.url("o", form.object))
    return form.back(
        {"return": "returned", "claim": "claimed", "extend": "saved", "move": "saved"}.get(what, "assigned")
    )


def _missing(form: Form) -> PatronError:
    text = texts_in(form.visitor.languages[0])("pools.choose_aim")
    return Refused([Problem(code="required", message=text, path="to")])


def _asked(visitor: Visitor, object: str, id: str, typed: Any, wrong: str, status: int = 200) -> Response:
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        made = record_page(conn, call, reader, object, id)
        found = standing_of(conn, call, reader, made.object, made.id)
        people = (
            choices(conn, call, "", ("user",)).get("user", []) if found.pool and found.pool.manages else []
        )
        return page(
            visitor, call, "record_pool.html", title=made.title, here=made.object.name, made=made, standing=found, people=people,
            typed=typed, wrong=wrong, here_url=visitor.url("o", made.object.name, made.id), status=status,
        )  # fmt: skip


@router.post("/o/{object}/{id:uuid}/stage-task")
def tick(form: Posted) -> Response:
    """`task`: a task of the stage is done."""
    (task,) = _ids((form.typed.get("task", ""),))
    change = Change(action="update", object="task", id=task, set={"status": "done"}, confirm=form.confirm)
    return form.save([change], name="stage-task", done="saved")


def _again(form: Form, error: PatronError) -> Response:
    problem = Problem(code=error.code, message=_why(form.visitor, error))
    return form.again("claim", [replace(problem, level="error")])
