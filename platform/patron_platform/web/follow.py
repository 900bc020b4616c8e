"""Follow: what people add to a record from its page: a follow-up, comments with mentions, tags, and that they follow it.

In: forms of the record page. Out: a write through the way save, and back to the page; 422 with the page and everything typed when
it is refused. The people one may mention are answered as JSON for a picker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Forbidden, NeedsConfirmation, NotFound, Refused
from patron_engine.jsonio import dumps
from patron_engine.page.follow_up import follow_up_changes, follow_up_of
from patron_engine.page.record import record_page
from patron_engine.problems import Problem
from patron_engine.query.follows import follow, unfollow
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.ways.read import read, read_one
from patron_platform.web import forms_in
from patron_platform.web.forms_in import FormData
from patron_platform.web.login import see_other
from patron_platform.web.record import Sent, draw_record, sent_by
from patron_platform.web.render import HEADERS
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)
PEOPLE = 20
COMMENT = "comment"


def save_or_again(
    request: Request,
    visitor: Visitor,
    object: str,
    id: str,
    changes: Sequence[Change],
    *,
    form: str,
    typed: Mapping[str, str],
    done: str,
) -> Response:
    """Saves and goes back to the record; the page again, with what was typed, when the save is refused."""
    try:
        visitor.workspace.save(visitor.actor, changes, cause=visitor.cause)
    except NeedsConfirmation as refused:
        rules = tuple(sorted({p.rule for p in refused.problems if p.rule}))
        sent = Sent(form=form, typed=typed, problems=refused.problems, confirm=rules)
        return draw_record(request, visitor, object, id, sent=sent, status=422)
    except Refused as refused:
        sent = Sent(form=form, typed=typed, problems=refused.problems)
        return draw_record(request, visitor, object, id, sent=sent, status=422)
    return see_other(f"{visitor.url('o', object, id)}?done={done}")


@router.post("/follow-up")
def follow_up(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """kind, text, next: an activity and, with a next contact, a task."""
    visitor = sent_by(request, workspace, form)
    typed = forms_in.texts(form)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        owner = known_object(call, object)
        read_one(conn, call, owner.name, str(id), fields=("id",))
        found = follow_up_of(call, owner)
        zone = visitor.reader(call).zone
    if found is None:
        raise NotFound("there is nothing to follow up here")
    problems = []
    next_at = None
    if not typed.get("text", "").strip():
        problems.append(Problem(code="required", message="say what was done", path="text"))
    try:
        if typed.get("next"):
            next_at = datetime.fromisoformat(typed["next"]).replace(tzinfo=zone)
    except (ValueError, OverflowError):
        problems.append(Problem(code="not_moment", message="this is no date and time", path="next"))
    if problems:
        sent = Sent(form="follow-up", typed=typed, problems=tuple(problems))
        return draw_record(request, visitor, owner.name, str(id), sent=sent, status=422)
    changes = follow_up_changes(
        call, found, owner.name, str(id), kind=typed.get("kind") or "call", text=typed["text"], next_at=next_at,
        confirm=frozenset(forms_in.several(form, "confirm")),
    )  # fmt: skip
    return save_or_again(
        request, visitor, owner.name, str(id), changes, form="follow-up", typed=typed, done="followed_up"
    )


@router.post("/comments")
def comment(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """body, mention (several): a comment about the record."""
    visitor = sent_by(request, workspace, form)
    typed = forms_in.texts(form)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        owner = known_object(call, object)
        found = owner.sets.get("comments")
    if found is None or found.object != COMMENT:
        raise NotFound("there are no comments here")
    several = call.model.objects[COMMENT].fields[found.field].link.several
    values: dict[str, Any] = {
        "body": typed.get("body", ""),
        found.field: {"object": owner.name, "id": str(id)} if several else str(id),
        "mentions": list(dict.fromkeys(forms_in.several(form, "mention"))),
    }
    change = Change(action="create", object=COMMENT, set=values)
    return save_or_again(
        request, visitor, owner.name, str(id), [change], form="comment", typed=typed, done="commented"
    )


@router.post("/comments/{comment:uuid}")
def change_comment(
    request: Request, workspace: str, object: str, id: UUID, comment: UUID, form: FormData
) -> Response:
    """One's own comment: another text, or `delete`."""
    visitor = sent_by(request, workspace, form)
    typed = forms_in.texts(form)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = read_one(conn, call, COMMENT, str(comment), fields=("created_by", "about")).record()
    if not _about(known, str(id)):
        raise NotFound("there is no such comment here")
    if (known["created_by"] or {}).get("id") != visitor.actor.user:
        raise Forbidden("a comment is its writer's")
    if "delete" in typed:
        change = Change(action="delete", object=COMMENT, id=str(comment))
        done = "removed"
    else:
        change = Change(action="update", object=COMMENT, id=str(comment), set={"body": typed.get("body", "")})
        done = "saved"
    return save_or_again(
        request, visitor, object, str(id), [change], form=f"comment-{comment}", typed=typed, done=done
    )


def _about(comment: Mapping[str, Any], id: str) -> bool:
    about = comment.get("about") or {}
    return bool(about.get("id") == id)


@router.post("/follow")
def change_following(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """Whether one follows the record: `on` is 1 or 0."""
    visitor = sent_by(request, workspace, form)
    on = forms_in.texts(form).get("on") == "1"
    with visitor.workspace.connection("write") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        owner = known_object(call, object)
        if "follow" not in owner.features:
            raise NotFound("records of this object are not followed")
        read_one(conn, call, owner.name, str(id), fields=("id",))
        (follow if on else unfollow)(conn, call, owner.name, str(id))
    return see_other(visitor.url("o", owner.name, str(id)))


@router.post("/tags")
def change_tags(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """`add`: tags with commas between them; `remove`: one that goes."""
    visitor = sent_by(request, workspace, form)
    typed = forms_in.texts(form)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        made = record_page(conn, call, visitor.reader(call), object, str(id))
    if made.tags is None:
        raise NotFound("the record has no tags")
    added = [part.strip() for part in typed.get("add", "").replace("，", ",").split(",") if part.strip()]
    kept = [v for v in made.tags.values if v != typed.get("remove")]
    values = list(dict.fromkeys([*kept, *added]))
    change = Change(action="update", object=made.object.name, id=made.id, set={made.tags.field: values})
    return save_or_again(
        request, visitor, made.object.name, made.id, [change], form="tags", typed=typed, done="saved"
    )


@router.get("/people")
def people(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """`?q=`: people one may mention, as `{"options": [{"value", "text", "hint"}]}`."""
    visitor = enter(request, workspace)
    q = request.query_params.get("q", "")[:60].strip()
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        read_one(conn, call, object, str(id), fields=("id",))
        title = known_object(call, "user").title
        ask = Ask(object="user", fields=("id", title, "email"), sort=(title,), q=q or None, limit=PEOPLE)
        rows = read(conn, call, ask, secret=b"").rows()
    options = [{"value": r["id"], "text": r.get(title) or "…", "hint": r.get("email") or ""} for r in rows]
    return Response(dumps({"options": options}), media_type="application/json", headers=dict(HEADERS))
