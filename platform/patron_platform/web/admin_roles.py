"""Roles: which there are and who has them; what one gives, object by action; the whole matrix as a file.

In: `GET /admin/roles`, `/admin/roles/{name}`, `/admin/roles/export?form=csv|xlsx`. Out: pages, and a file no spreadsheet runs
anything of. Roles are definitions: they are read here, and changed in the workspace's own layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import IO, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.roles import Role, given_of
from patron_engine.errors import NotFound
from patron_engine.model.model import Object
from patron_engine.page.matrix import ACTIONS, fields_of, rights_of
from patron_engine.phrases import Phrase
from patron_engine.query.spec import Ask
from patron_engine.transfer.writer import Form, open_writer
from patron_platform.api.exports import sent
from patron_platform.web.admin import Desk, desk
from patron_platform.web.conditions_said import said_condition
from patron_platform.web.render import HEADERS
from patron_platform.web.texts import texts_in

router = APIRouter(prefix="/w/{workspace}/admin/roles", include_in_schema=False)


@router.get("")
def roles(request: Request, workspace: str) -> Response:
    with desk(request, workspace) as it:
        held = _held(it)
        rows = [(r, len(held.get(r.name, ()))) for r in given_of(it.call.model).roles.values()]
        return it.draw(
            "admin_roles.html", "roles", rows=rows, objects=lambda r: len(rights_of(it.call.model, r))
        )


@router.get("/export")
def export(request: Request, workspace: str) -> Response:
    """Every role, object and action with its scope and condition; then the fields."""
    form: Form = "xlsx" if request.query_params.get("form") == "xlsx" else "csv"
    with desk(request, workspace) as it:
        rows = [*_lines(it)]

    def write(target: IO[bytes]) -> None:
        with open_writer(target, form, bom=True) as line:
            for row in rows:
                line(row)

    return sent("rights", form, write, HEADERS)


def _lines(it: Desk) -> Iterator[list[Any]]:
    t, reader, model = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call), it.call.model
    held = _held(it)
    yield (
        [t(f"admin.column_{c}") for c in ("role", "people", "object", "field")]
        + [t(f"explained.action_{a}") for a in ACTIONS]
        + [t("admin.column_where")]
    )
    for role in given_of(model).roles.values():
        head = [reader.say(role.label, role.name), len(held.get(role.name, ()))]
        for row in rights_of(model, role):
            label = (
                t("admin.every_other")
                if row.object is None
                else reader.say(row.object.label, row.object.name)
            )
            wheres = dict.fromkeys(c.where for c in row.cells.values() if c.where)
            cells = [scope_word(it, row.object, row.cells[a].scope) for a in ACTIONS]
            yield [*head, label, "", *cells, "; ".join(wheres)]
        for each in fields_of(model, role):
            label = reader.say(each.object.label, each.object.name)
            field = reader.say(each.object.fields[each.field].label, each.field)
            yield [*head, label, field, t(f"admin.right_{each.right}")]


def scope_word(it: Desk, object: Object | None, scope: str) -> str:
    """A scope in one word of the reader's language."""
    t, say = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call).say
    if scope.startswith("through "):
        links = scope.removeprefix("through ").split(", ")
        fields = {n: object.field(n) if object is not None else None for n in links}
        return t(
            "admin.scope_through",
            link=t("explained.or").join(say(f.label, n) if f else n for n, f in fields.items()),
        )
    return t(f"admin.scope_{scope}") if scope else ""


def _held(it: Desk) -> dict[str, list[dict[str, Any]]]:
    """Role -> the people who have it."""
    held: dict[str, list[dict[str, Any]]] = {}
    known = it.call.model.objects["user"].fields
    names = tuple(n for n in ("id", "name", "email", "roles", "active") if n == "id" or n in known)
    for row in it.rows(Ask(object="user", fields=names, sort=("name",))):
        for role in row.get("roles") or ():
            held.setdefault(role, []).append(row)
    return held


@router.get("/{name}")
def role(request: Request, workspace: str, name: str) -> Response:
    with desk(request, workspace) as it:
        found = given_of(it.call.model).roles.get(name)
        if found is None:
            raise NotFound(Phrase("there is no role {name!r}", name=name[:60]))
        return it.draw(
            "admin_role.html", "roles", title=it.visitor.reader(it.call).say(found.label, name), role=found,
            rows=rights_of(it.call.model, found), fields=fields_of(it.call.model, found), actions=ACTIONS,
            people=_held(it).get(name, ()), scope_word=partial(scope_word, it), where=lambda r, text: _where(it, r, text),
            description=_description(it, found),
        )  # fmt: skip


def _where(it: Desk, object: Any, text: str) -> str:
    t, reader = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call)
    return text if object is None else said_condition(it.conn, it.call, object, text, reader, t)


def _description(it: Desk, role: Role) -> str:
    body = it.call.model.documents[("role", role.name)]
    return it.visitor.reader(it.call).say(body.get("description") or None)
