"""Handing over: the pages for what belongs to somebody who leaves, for who manages people.

In: `/w/NAME/admin/handover`, then a user. Out: who there is and which runs there were; what he owns, who stands in for him, a form
that begins a run or switches him off. The run itself is a task (ways/handover). Nobody else gets here.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, Refused
from patron_engine.page.people import choices
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.query.titles import titles_of
from patron_engine.ways import handover
from patron_engine.ways.read import read
from patron_platform.colleagues import must_manage
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/admin/handover", include_in_schema=False)
Connection = psycopg.Connection[Any]
ABSENCES = 5


def entered(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        must_manage(visitor.workspace.call(conn, visitor.actor).model, visitor.actor)
    return visitor


Manager = Annotated[Visitor, Depends(entered)]


@router.get("")
def people(visitor: Manager) -> Response:
    """`q=` narrows the users; without it none is listed. `before=` is the run after which the older ones are shown."""
    words, before = (visitor.request.query_params.get(n, "") for n in ("q", "before"))

    def look(conn: Connection, call: Call) -> Response:
        runs = handover.runs(conn, call, before=before or None)
        older = runs[-1].id if runs and handover.runs(conn, call, before=runs[-1].id) else ""
        names = titles_of(conn, call, {"user": list(dict.fromkeys(r.user for r in runs))})
        return page(
            visitor, call, "handover.html", title=texts_in(visitor.languages[0])("handover.title"), here="admin",
            users=choices(conn, call, words, ("user",)).get("user", []) if words.strip() else [], q=words, runs=runs, names=names, older=older,
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)


@router.get("/{user:uuid}")
def one(visitor: Manager, user: UUID) -> Response:
    return _draw(visitor, str(user))


@router.post("/{user:uuid}")
def begin(visitor: Manager, user: UUID, form: FormData) -> Response:
    """`to` (several), `to.OBJECT` (several) for one object alone; or `off`: he is switched off."""
    typed = forms_in.texts(form)
    csrf.check(visitor.request, visitor.session.id, typed)
    id = str(user)
    by_object = {
        name.removeprefix("to."): forms_in.several(form, name)
        for name in typed if name.startswith("to.") and any(forms_in.several(form, name))
    }  # fmt: skip

    def act(conn: Connection, call: Call) -> None:
        if "off" in typed:
            handover.switch_off(conn, call, id)
        else:
            handover.begin(conn, call, id, [t for t in forms_in.several(form, "to") if t], by_object)

    try:
        visitor.workspace.writing(visitor.actor, act, visitor.cause)
    except (Refused, Conflict, Forbidden, LimitExceeded) as refused:
        return _draw(visitor, id, wrong=refused.detail, status=422)
    return see_other(visitor.url("admin", "handover", id))


def _draw(visitor: Visitor, user: str, *, wrong: str = "", status: int = 200) -> Response:
    def look(conn: Connection, call: Call) -> Response:
        object = call.model.objects["user"]
        fields = [n for n in (object.title, "email", "active") if n in object.fields]
        rows = read(
            conn, call, Ask(object="user", ids=(user,), fields=("id", *dict.fromkeys(fields))), secret=b""
        ).rows()
        if not rows:
            raise NotFound("there is no such user")
        reader = visitor.reader(call)
        return page(
            visitor, call, "handover_user.html", title=str(rows[0].get(object.title) or "…"), here="admin", status=status,
            user=rows[0], counts=handover.belongings(conn, call, user), wrong=wrong,
            labels={n: reader.say(o.plural, n) for n, o in call.model.objects.items()},
            successors=[
                (c.value.partition(":")[2], c)
                for c in choices(conn, call, "", ("user",)).get("user", []) if not c.value.endswith(user)
            ],
            runs=handover.runs(conn, call, user=user), absences=absences_of(conn, call, user),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)


def absences_of(conn: Connection, call: Call, user: str) -> list[dict[str, Any]]:
    """Who stands in for him, and when, the latest first."""
    object = call.model.objects.get("absence")
    wanted = ("reason", "period", "substitute")
    if object is None or not {"user", *wanted} <= object.fields.keys():
        return []
    ask = Ask(
        object="absence",
        where=f"user == '{UUID(user)}'",
        fields=("id", *wanted),
        sort=("-created_at",),
        limit=ABSENCES,
    )
    return read(conn, call, ask, secret=b"").rows()
