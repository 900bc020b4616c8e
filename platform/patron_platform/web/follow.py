"""Follow: what people add to a record from its page: comments with mentions, tags, and that they follow it.

In: forms of the record page. Out: a write through the way save, and back to the page; 422 with the page and everything typed when
it is refused. The people one may mention are answered as JSON for a picker.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Forbidden, NotFound
from patron_engine.jsonio import dumps
from patron_engine.page.record import record_page
from patron_engine.query.call import Call
from patron_engine.query.follows import follow, unfollow
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways.read import read, read_one
from patron_platform.web.record_form import Posted
from patron_platform.web.render import HEADERS
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)
PEOPLE = 20
COMMENT = "comment"


@router.post("/comments")
def comment(form: Posted) -> Response:
    """body, mention (several): a comment about the record."""
    with form.reading() as (_, call):
        owner = known_object(call, form.object)
        found = owner.sets.get("comments")
    if found is None or found.object != COMMENT:
        raise NotFound("there are no comments here")
    several = call.model.objects[COMMENT].fields[found.field].link.several
    values: dict[str, Any] = {
        "body": form.typed.get("body", ""),
        found.field: {"object": owner.name, "id": form.id} if several else form.id,
        "mentions": list(dict.fromkeys(form.several("mention"))),
    }
    return form.save([Change(action="create", object=COMMENT, set=values)], name="comment", done="commented")


@router.post("/comments/{comment:uuid}")
def change_comment(form: Posted, comment: UUID) -> Response:
    """One's own comment: another text, or `delete`."""
    with form.reading() as (conn, call):
        known = read_one(conn, call, COMMENT, str(comment), fields=("created_by", "about")).record()
    if (known.get("about") or {}).get("id") != form.id:
        raise NotFound("there is no such comment here")
    if (known["created_by"] or {}).get("id") != form.visitor.actor.user:
        raise Forbidden("a comment is its writer's")
    name = f"comment-{comment}"
    if "delete" in form.typed:
        return form.save(
            [Change(action="delete", object=COMMENT, id=str(comment))], name=name, done="removed"
        )
    values = {"body": form.typed.get("body", "")}
    return form.save(
        [Change(action="update", object=COMMENT, id=str(comment), set=values)], name=name, done="saved"
    )


@router.post("/follow")
def change_following(form: Posted) -> Response:
    """Whether one follows the record: `on` is 1 or 0."""
    change = follow if form.typed.get("on") == "1" else unfollow
    with form.visitor.workspace.connection("write") as conn:
        call = form.visitor.workspace.call(conn, form.visitor.actor)
        owner = known_object(call, form.object)
        if "follow" not in owner.features:
            raise NotFound("records of this object are not followed")
        read_one(conn, call, owner.name, form.id, fields=("id",))
        change(conn, call, owner.name, form.id)
    return form.back()


@router.post("/tags")
def change_tags(form: Posted) -> Response:
    """`add`: tags with commas between them; `remove`: one that goes."""
    with form.reading() as (conn, call):
        made = record_page(conn, call, form.visitor.reader(call), form.object, form.id)
    if made.tags is None:
        raise NotFound("the record has no tags")
    parts = form.typed.get("add", "").replace("，", ",").split(",")
    added = [part.strip() for part in parts if part.strip()]
    kept = [v for v in made.tags.values if v != form.typed.get("remove")]
    values = {made.tags.field: list(dict.fromkeys([*kept, *added]))}
    change = Change(action="update", object=made.object.name, id=made.id, set=values)
    return form.save([change], name="tags", done="saved")


@router.get("/people")
def people(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """`?q=`: people one may mention, as `{"options": [{"value", "text", "hint"}]}`."""
    visitor = enter(request, workspace)
    q = request.query_params.get("q", "")[:60].strip()
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        read_one(conn, call, object, str(id), fields=("id",))
        rows = _people(conn, call, q)
    options = [{"value": r["id"], "text": r["title"] or "…", "hint": r.get("email") or ""} for r in rows]
    return Response(dumps({"options": options}), media_type="application/json", headers=dict(HEADERS))


def _people(conn: Conn, call: Call, q: str) -> list[dict[str, Any]]:
    """Users he reads, with their titles; nobody where he reads none."""
    try:
        title = known_object(call, "user").title
        ask = Ask(object="user", fields=("id", title, "email"), sort=(title,), q=q or None, limit=PEOPLE)
        return [{**r, "title": r.get(title)} for r in read(conn, call, ask, secret=b"").rows()]
    except NotFound:
        return []
