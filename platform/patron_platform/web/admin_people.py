"""People: everybody of a workspace, and one person: his roles, department, manager, what he can do, where he is signed in.

In: `GET /admin/people` with `q, role, department` (with those below), `state`, `GET|POST /admin/people/{id}`. Out: pages; a post saves the user record
through the way save with the giver's own rights. Nobody gives a role that holds more than he has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import writable
from patron_engine.access.roles import given_of
from patron_engine.errors import Refused
from patron_engine.page.matrix import ACTIONS
from patron_engine.query.spec import Ask
from patron_engine.ways.explain import what_can
from patron_engine.ways.read import read
from patron_platform.colleagues import colleague
from patron_platform.giving import give_roles, may_give
from patron_platform.identity import factor
from patron_platform.members import members_of, signed_in
from patron_platform.viewing import may_view
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin import Branch, Desk, at_desk, branches_of, desk
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.handover import absences_of

router = APIRouter(prefix="/w/{workspace}/admin/people", include_in_schema=False)
SHOWN = ("id", "name", "email", "department", "manager", "position", "roles", "kind", "active")
KINDS = ("internal", "portal", "service")
STATES = ("on", "off")
PAGE = 50
MOST_WITHIN = 500  # departments one filter spans


@router.get("")
def people(request: Request, workspace: str) -> Response:
    with desk(request, workspace) as it:
        given = request.query_params
        conditions = []
        if given.get("role") in given_of(it.call.model).roles:
            conditions.append(f'"{given["role"]}" in roles')
        if given.get("state") in STATES:
            conditions.append("active == false" if given["state"] == "off" else "active != false")
        departments = departments_of(it)
        within = [i for i, _, path in departments if given.get("department") in path]
        if within:
            conditions.append(f"department in [{', '.join(repr(i) for i in within[:MOST_WITHIN])}]")
        ask = Ask(
            object="user", fields=_fields(it), sort=("name",), limit=PAGE, count="exact", after=given.get("after") or None,
            q=given.get("q", "").strip()[:100] or None, where=" and ".join(conditions) or None,
        )  # fmt: skip
        found = read(it.conn, it.everybody, ask, secret=it.visitor.service.runtime.secret)
        rows = found.rows()
        with it.visitor.service.databases.system() as conn:
            members = members_of(conn, workspace, [str(r["id"]) for r in rows])
        return it.draw(
            "admin_people.html", "people", rows=rows, members=members, count=found.count, next=found.next,
            given={k: given.get(k, "") for k in ("q", "role", "department", "state")}, roles=roles_labelled(it), states=STATES,
            departments=departments,
        )  # fmt: skip


def departments_of(it: Desk) -> list[tuple[str, str, tuple[str, ...]]]:
    """(id, name, the ids from the top down to it) as a tree is read: each after the one it lies in."""
    if "department" not in it.call.model.objects:
        return []
    known = it.call.model.objects["department"].fields
    fields = ("id", "name", *(n for n in ("parent",) if n in known))
    found: list[tuple[str, str, tuple[str, ...]]] = []

    def walk(some: Sequence[Branch], above: tuple[str, ...]) -> None:
        for each in some:
            found.append((each.id, each.name, (*above, each.id)))
            walk(each.below, found[-1][2])

    walk(branches_of(it.rows(Ask(object="department", fields=fields, sort=("name",))), {}), ())
    return found


def roles_labelled(it: Desk) -> dict[str, str]:
    """Name -> what people call it."""
    say = it.visitor.reader(it.call).say
    return {n: say(r.label, n) for n, r in sorted(given_of(it.call.model).roles.items())}


def _fields(it: Desk) -> tuple[str, ...]:
    known = it.call.model.objects["user"].fields
    return tuple(n for n in SHOWN if n == "id" or n in known)


@router.get("/{id:uuid}")
def person(request: Request, workspace: str, id: UUID) -> Response:
    with desk(request, workspace) as it:
        return draw_person(it, str(id))


def draw_person(it: Desk, id: str, problems: Any = (), status: int = 200) -> Response:
    visitor, model = it.visitor, it.call.model
    about = colleague(it.conn, it.call, id)
    row = read(it.conn, it.everybody, Ask(object="user", ids=(id,), fields=_fields(it)), secret=b"").rows()[0]
    with visitor.service.databases.system() as conn:
        member = members_of(conn, visitor.name, [id]).get(id)
        sessions, keys = signed_in(conn, visitor.name, member) if member else ([], [])
        account = factor.state_of(conn, member.account)[0] if member else None
    can = what_can(it.call, about.actor)
    every = (
        can if not about.actor.administrator else {n: dict.fromkeys(ACTIONS, "all") for n in model.objects}
    )
    roles = [r for r in given_of(model).roles.values() if r.for_users == about.actor.kind or r.name in about.actor.roles]  # fmt: skip
    people = it.rows(Ask(object="user", fields=("id", "name"), sort=("name",)))
    may = frozenset(writable(model, visitor.actor, "user"))
    return it.draw(
        "admin_person.html", "people", title=about.name, about=about, row=row, member=member, sessions=sessions,
        keys=keys, can=every, actions=ACTIONS, roles=sorted(roles, key=lambda r: r.name), departments=departments_of(it),
        people=[p for p in people if p["id"] != id], kinds=KINDS, problems=problems, status=status,
        may_view=may_view(model, visitor.actor, about.actor), gives={r.name for r in roles if may_give(model, visitor.actor, r.name, about.actor.kind)},
        may=may, done=visitor.request.query_params.get("done", ""), account=account, mail=visitor.service.settings.mail is not None,
        positions=_named(it, "position"), groups=_named(it, "group", "members"), absences=absences_of(it.conn, it.call, id),
        may_group="members" in writable(model, visitor.actor, "group") if "group" in model.objects else False,
    )  # fmt: skip


def _named(it: Desk, object: str, *more: str) -> list[dict[str, Any]]:
    """The records of a small object by name, where the workspace has it."""
    if object not in it.call.model.objects:
        return []
    return it.rows(Ask(object=object, fields=("id", "name", *more), sort=("name",)))


@router.post("/{id:uuid}")
def save(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    """Roles, department, manager, position, kind, on or off."""
    with desk(request, workspace) as it:
        visitor = it.visitor
        csrf.check(request, visitor.session.id, dict(forms_in.texts(form)))
        given, may = forms_in.texts(form), writable(it.call.model, visitor.actor, "user")
        about = colleague(it.conn, it.call, str(id))
        more: dict[str, Any] = {n: given[n] or None for n in ("department", "manager", "position", "kind") if n in given and n in may}  # fmt: skip
        if "active" in given and "active" in may:
            more["active"] = given["active"] == "yes"
    roles = forms_in.several(form, "role")
    try:
        give_roles(visitor.workspace, it.call.model, visitor.actor, visitor.cause, about, roles, more)
    except Refused as refused:
        with at_desk(visitor) as it:
            return draw_person(it, str(id), refused.problems, 422)
    return see_other(visitor.url("admin", "people", str(id)) + "?done=saved")
