"""Changes: what the visitor's draft changes, what publishing it would do and to whom, and the way back to an older release.

In: `GET /admin/changes`; posts that publish exactly the plan that was shown, drop the draft or take one document out of it;
`/admin/changes/back/{number}`. Out: pages; a release. The draft is the one the API knows: whatever it holds is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.roles import given_of
from patron_engine.errors import Conflict, NotFound, PatronError, Refused
from patron_engine.meta.compare import MISSING
from patron_engine.meta.diff import DocumentChange, PropertyChange
from patron_engine.page.matrix import ACTIONS
from patron_engine.release.drafts import Draft, drop_draft, find_draft, take_out
from patron_engine.release.releases import releases
from patron_engine.ways.publish import Publication
from patron_engine.ways.shifts import Shift
from patron_platform.drafting import must_design_all, must_show_no_more
from patron_platform.planned import Planned, forget_plans, planned_back, planned_draft
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin import Desk, at_desk, desk
from patron_platform.web.admin_roles import scope_word
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor

router = APIRouter(prefix="/w/{workspace}/admin/changes", include_in_schema=False)
LONGEST = 200  # characters of a value that are shown


@router.get("")
def changes(request: Request, workspace: str) -> Response:
    return _draw(*_looked(request, workspace))


def _looked(
    request: Request, workspace: str, given: Mapping[str, str] | None = None
) -> tuple[Visitor, int, Draft | None]:
    """The visitor, who may change definitions, the release in force, and his draft. A plan takes its time: nothing is held open for
    it. `given`: a form that changes something."""
    with desk(request, workspace) as it:
        if given is not None:
            csrf.check(request, it.visitor.session.id, given)
        must_design_all(it.call.model, it.visitor.actor)
        return it.visitor, it.call.model.release, find_draft(it.conn, it.call.schema, it.visitor.author)


def _draw(
    visitor: Visitor, release: int, draft: Draft | None, error: str = "", status: int = 200
) -> Response:
    planned = _his(visitor, planned_draft(visitor.workspace, release, draft))
    with at_desk(visitor) as it:
        return it.draw(
            "admin_changes.html", "changes", draft=draft, plan=planned.made, problems=planned.problems,
            error=error or planned.error, lines=_lines(it, planned.made), shifts=_shifts(it, planned.made),
            releases=releases(it.conn, it.call.schema, limit=20), done=visitor.request.query_params.get("done", ""),
            status=status,
        )  # fmt: skip


@router.post("/publish")
def publish(request: Request, workspace: str, form: FormData) -> Response:
    """`checksum` of the plan that was shown."""
    given = forms_in.texts(form)
    visitor, release, draft = _looked(request, workspace, given)
    place = visitor.workspace
    if draft is None:
        return _draw(visitor, release, None, texts_in(visitor.languages[0])("rights.nothing"), 409)
    plan = _his(visitor, planned_draft(place, release, draft)).made
    if plan is None:
        return _draw(visitor, release, draft, status=422)
    refused = _publish(visitor, plan, given, draft.id)
    if refused is None:
        return see_other(visitor.url("admin", "changes") + "?done=published")
    return _draw(*_looked(request, workspace), refused.detail, _status(refused))


def _his(visitor: Visitor, planned: Planned) -> Planned:
    """The plan, where it shows nobody more than he may read himself."""
    try:
        if planned.made is not None:
            must_show_no_more(visitor.workspace, visitor.actor, planned.made)
    except Refused as refused:
        return Planned(problems=refused.problems)
    return planned


def _publish(
    visitor: Visitor, plan: Publication, given: Mapping[str, str], draft: str | None = None
) -> PatronError | None:
    """Carries the plan out, or says why not; either way it is kept no longer."""
    try:
        visitor.workspace.publish(visitor.actor, plan, confirm=given.get("checksum", ""), draft=draft)
    except (Refused, Conflict) as error:
        return error
    finally:
        forget_plans(visitor.workspace)
    return None


def _status(refused: PatronError) -> int:
    return 422 if isinstance(refused, Refused) else 409


@router.post("/drop")
def drop(request: Request, workspace: str, form: FormData) -> Response:
    """The whole draft; with `kind` and `name` what it says of one document."""
    given = forms_in.texts(form)
    visitor, _, draft = _looked(request, workspace, given)
    place = visitor.workspace
    if draft is not None:
        with place.connection("write") as conn, conn.transaction():
            if "name" in given:
                take_out(conn, place.schema, draft, given.get("kind", ""), given["name"])
            if "name" not in given or len(draft.documents) <= 1:
                drop_draft(conn, place.schema, draft.id)
    return see_other(visitor.url("admin", "changes") + "?done=dropped")


@router.get("/back/{number:int}")
def back(request: Request, workspace: str, number: int) -> Response:
    visitor, release, _ = _looked(request, workspace)
    return _draw_back(visitor, release, number)


def _back_to(visitor: Visitor, release: int, number: int) -> Planned:
    if number < 1 or number > 2**31:
        raise NotFound("there is nothing at this address")
    return planned_back(visitor.workspace, release, number)


def _draw_back(visitor: Visitor, release: int, number: int, error: str = "", status: int = 200) -> Response:
    planned = _back_to(visitor, release, number)
    t = texts_in(visitor.languages[0])
    with at_desk(visitor) as it:
        return it.draw(
            "admin_back.html", "changes", title=t("rights.back_title", n=number), number=number, plan=planned.made,
            problems=planned.problems, error=error or planned.error, lines=_lines(it, planned.made),
            shifts=_shifts(it, planned.made), status=status,
        )  # fmt: skip


@router.post("/back/{number:int}")
def go_back(request: Request, workspace: str, number: int, form: FormData) -> Response:
    """`checksum` of the plan that was shown."""
    given = forms_in.texts(form)
    visitor, release, _ = _looked(request, workspace, given)
    plan = _back_to(visitor, release, number).made
    if plan is None:
        return _draw_back(visitor, release, number, status=422)
    refused = _publish(visitor, plan, given)
    if refused is None:
        return see_other(visitor.url("admin", "changes") + "?done=published")
    visitor, release, _ = _looked(request, workspace)
    return _draw_back(visitor, release, number, refused.detail, _status(refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One document that changes, with what changes of it in words: (what, before, after)."""

    kind: str
    name: str
    label: str
    action: str
    parts: tuple[tuple[str, str, str], ...]


def _lines(it: Desk, plan: Publication | None) -> list[Line]:
    return [] if plan is None else [_line(it, plan, change) for change in plan.changes]


def _line(it: Desk, plan: Publication, change: DocumentChange) -> Line:
    body = plan.model.documents.get((change.kind, change.name)) or it.call.model.documents.get(
        (change.kind, change.name)
    )
    say = it.visitor.reader(it.call).say
    label = say((body or {}).get("label"), change.name)
    return Line(
        kind=change.kind, name=change.name, label=label, action=change.action,
        parts=tuple(p for each in change.properties for p in _parts(it, change.kind, each)),
    )  # fmt: skip


def _parts(it: Desk, kind: str, each: PropertyChange) -> Iterator[tuple[str, str, str]]:
    """A property in words; rights on objects and fields one by one."""
    steps = each.path.split(".")
    if kind == "role" and steps[0] in ("objects", "fields"):
        old, new = ({} if v is MISSING or v is None else v for v in (each.old, each.new))
        yield from (
            part for part in _rights(it, steps, old, new) if part[1] != part[2]
        )  # none is as good as silent
    else:
        yield each.path, _shown(each.old), _shown(each.new)


def _rights(it: Desk, steps: list[str], old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    """Goes down to single rights, whether the whole part, one object's or one right has changed."""
    if len(steps) < 3 and (isinstance(old, dict) or isinstance(new, dict)):
        before, after = (v if isinstance(v, dict) else {} for v in (old, new))
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) != after.get(key):
                yield from _rights(it, [*steps, key], before.get(key, ""), after.get(key, ""))
        return
    t, say = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call).say
    object = it.call.model.objects.get(steps[1])
    what = t("admin.every_other") if object is None else say(object.plural or object.label, object.name)
    field = None if object is None or len(steps) < 3 else object.field(steps[2])
    if steps[0] == "fields":
        named = say(field.label, field.name) if field is not None else ".".join(steps[2:])
        words = [
            t(f"admin.right_{v}") if isinstance(v, str) and t.has(f"admin.right_{v}") else ""
            for v in (old, new)
        ]
        yield f"{what} · {named}", words[0], words[1]
    elif steps[2] in ACTIONS:
        yield (
            f"{what} · {t(f'explained.action_{steps[2]}')}",
            _scope(it, object, old),
            _scope(it, object, new),
        )
    else:
        yield f"{what} · {t('admin.column_where')}", _shown(old), _shown(new)


def _scope(it: Desk, object: Any, said: Any) -> str:
    if isinstance(said, dict) and "through" in said:
        links = said["through"]
        return scope_word(it, object, "through " + (links if isinstance(links, str) else ", ".join(links)))
    if said is True:
        return scope_word(it, object, "yes")
    return scope_word(it, object, said) if isinstance(said, str) and said != "none" else ""


def _shown(value: Any) -> str:
    if value is MISSING or value in (None, "", {}, []):
        return ""
    text = ", ".join(f"{v}" for v in value.values()) if isinstance(value, dict) else f"{value}"
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _shifts(it: Desk, plan: Publication | None) -> list[dict[str, Any]]:
    """Who gains or loses how many records, with the names people know."""
    if plan is None:
        return []
    say, roles = it.visitor.reader(it.call).say, given_of(it.call.model).roles

    def named(shift: Shift) -> dict[str, Any]:
        object = it.call.model.objects.get(shift.object)
        return {
            "roles": [say(roles[r].label, r) if r in roles else r for r in shift.roles], "people": shift.people,
            "object": say(object.plural, object.name) if object else shift.object, "action": shift.action, "moved": shift.moved,
        }  # fmt: skip

    return [named(shift) for shift in plan.access]
