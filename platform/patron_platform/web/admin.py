"""Admin: the frame of the pages of people and rights: who may enter, their tabs, departments and sharing rules.

In: requests under `/w/{workspace}/admin`. Out: pages for who manages people; Forbidden for anybody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.roles import given_of
from patron_engine.actor import SYSTEM
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.release.drafts import find_draft
from patron_engine.ways.read import read
from patron_platform.colleagues import must_manage
from patron_platform.drafting import Drafted, drafted, must_design_all
from patron_platform.web.arriving import see_other
from patron_platform.web.conditions_said import said_condition
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/admin", include_in_schema=False)
MAX_ROWS = 5_000  # departments drawn in one tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An open page of the admin area. `everybody` reads as the workspace itself: who manages people reads all of them."""

    visitor: Visitor
    conn: psycopg.Connection[Any]
    call: Call

    @property
    def everybody(self) -> Call:
        return replace(self.call, actor=replace(SYSTEM, languages=self.visitor.languages))

    def rows(self, ask: Ask) -> list[dict[str, Any]]:
        """Every record of a question, at most `MAX_ROWS`."""
        found: list[dict[str, Any]] = []
        ask = replace(ask, limit=200)
        while True:
            part = read(self.conn, self.everybody, ask, secret=b"admin")
            found += part.rows()
            if part.next is None or len(found) >= MAX_ROWS:
                return found
            ask = replace(ask, after=part.next)

    def draw(self, template: str, tab: str, *, title: str = "", **values: Any) -> Response:
        t = texts_in(self.visitor.languages[0])
        return page(
            self.visitor, self.call, template, title=title or t(f"admin.{tab}"), here="admin",
            pending=self.pending, **values,
        )  # fmt: skip

    @property
    def pending(self) -> int:
        """How many documents his draft changes."""
        if not self.visitor.actor.administrator:
            return 0
        draft = find_draft(self.conn, self.visitor.workspace.schema, self.visitor.author)
        return 0 if draft is None else len(draft.documents)


@contextmanager
def desk(request: Request, workspace: str) -> Iterator[Desk]:
    """The admin area, opened for who manages people."""
    with at_desk(enter(request, workspace)) as it:
        yield it


@contextmanager
def at_desk(visitor: Visitor) -> Iterator[Desk]:
    """The desk of a visitor who is in. What saves records has a connection of its own: not while one is held here."""
    with visitor.workspace.connection("write") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        must_manage(call.model, visitor.actor)
        yield Desk(visitor=visitor, conn=conn, call=call)


@contextmanager
def designing(request: Request, workspace: str) -> Iterator[tuple[Desk, Drafted]]:
    """The admin area for who may change definitions, with those his draft would make."""
    with desk(request, workspace) as it:
        must_design_all(it.call.model, it.visitor.actor)
        yield it, drafted(it.conn, it.visitor.workspace, it.visitor.author)


@router.get("")
def begin(request: Request, workspace: str) -> Response:
    with desk(request, workspace) as it:
        return see_other(it.visitor.url("admin", "people"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A department with those below it. `people` are its own, `all` with those below."""

    id: str
    name: str
    head: str
    people: int
    all: int
    below: tuple[Branch, ...]


@router.get("/departments")
def departments(request: Request, workspace: str) -> Response:
    with desk(request, workspace) as it:
        if "department" not in it.call.model.objects:
            return it.draw("admin_departments.html", "departments", branches=())
        known = it.call.model.objects["department"].fields
        wanted = ("id", "name", *(n for n in ("parent", "head") if n in known))
        rows = it.rows(Ask(object="department", fields=wanted, sort=("name",)))
        people: dict[str, int] = {}
        for user in it.rows(Ask(object="user", fields=("id", "department"), where=_on(it))):
            if isinstance(user.get("department"), dict):
                people[user["department"]["id"]] = people.get(user["department"]["id"], 0) + 1
        return it.draw("admin_departments.html", "departments", branches=branches_of(rows, people))


def _on(it: Desk) -> str | None:
    return "active != false" if "active" in it.call.model.objects["user"].fields else None


def branches_of(rows: list[dict[str, Any]], people: Mapping[str, int]) -> tuple[Branch, ...]:
    """The departments as a tree; one whose parent is not there stands at the top."""
    ids = {r["id"] for r in rows}
    below: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        parent = row.get("parent")
        up = parent["id"] if isinstance(parent, dict) and parent["id"] in ids else None
        below.setdefault(up, []).append(row)

    def branch(row: dict[str, Any]) -> Branch:
        inner = tuple(branch(each) for each in below.get(row["id"], ()))
        own = people.get(row["id"], 0)
        head = row.get("head")
        return Branch(
            id=row["id"], name=row["name"], head=str(head.get("title") or "") if isinstance(head, dict) else "",
            people=own, all=own + sum(b.all for b in inner), below=inner,
        )  # fmt: skip

    return tuple(branch(row) for row in below.get(None, ()))


@router.get("/sharing")
def sharing(request: Request, workspace: str) -> Response:
    with desk(request, workspace) as it:
        t, reader = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call)
        rules = [r for rs in given_of(it.call.model).sharing.values() for r in rs]
        rows = [
            {
                "label": reader.say(r.label, r.name), "name": r.name, "object": it.call.model.objects[r.object],
                "where": "" if r.where is None else said_condition(
                    it.conn, it.call, it.call.model.objects[r.object], r.where.source, reader, t),
                "to": whom(it, r.to, r.object), "owned_by": whom(it, r.owned_by, r.object), "give": r.give,
            }
            for r in rules
        ]  # fmt: skip
        known = it.call.model.objects.values()
        shareable = [(o.name, reader.say(o.plural or o.label, o.name)) for o in known if o.owner != "master"]
        shareable.sort(key=lambda o: o[1])
        return it.draw("admin_sharing.html", "sharing", rules=rows, shareable=shareable)


def whom(it: Desk, named: Any, of: str) -> str:
    """Whom a sharing rule names, with the labels of roles and the names of departments."""
    t, reader = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call)
    said: list[str] = []
    for who in named:
        word = next(w for w in who if w != "below")
        codes = (who[word],) if isinstance(who[word], str) else tuple(who[word])
        names = [_name(it, word, str(code), reader, of) for code in codes]
        said.append(t(f"admin.to_{word}" if t.has(f"admin.to_{word}") else "admin.to_other", names=t("admin.comma").join(names)) + (t("admin.and_below") if who.get("below") else ""))  # fmt: skip
    return t("admin.comma").join(said)


def _name(it: Desk, word: str, code: str, reader: Any, of: str) -> str:
    if word == "field":
        field = it.call.model.objects[of].field(code)
        return code if field is None else str(reader.say(field.label, code))
    if word == "role":
        role = given_of(it.call.model).roles.get(code)
        return code if role is None else str(reader.say(role.label, code))
    object = {"department_head": "department"}.get(word, word)
    key = "email" if object == "user" else "code"
    found = it.call.model.objects.get(object)
    if found is None or key not in found.fields or '"' in code or "\\" in code:
        return code
    rows = read(it.conn, it.everybody, Ask(object=object, where=f'{key} == "{code}"', fields=("id", found.title)), secret=b"").rows()  # fmt: skip
    return str(rows[0].get(found.title) or code) if rows else code
