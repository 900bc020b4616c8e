"""Tree: the records of an object with a tree link, each below its parent: branches are asked for when they are opened.

In: a Question drawn as a tree; `GET …/branch?id=&depth=` for what hangs below a record. Out: lines like those of a list, with a button
where there is something below. Where words or a condition narrow it, what fits stands below its ancestors, all opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, row_rule, writable
from patron_engine.errors import NotFound, PatronError
from patron_engine.jsonio import whole
from patron_engine.page.listing import Listing, listing
from patron_engine.page.paths import field_at
from patron_engine.page.question import Question
from patron_engine.page.tree import Node, narrowed_tree
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.ways.read import figures
from patron_platform.api.requests import parameters
from patron_platform.personal import of_object
from patron_platform.web import lists
from patron_platform.web.lists import Asked, Connection, around, asked, draw_list
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.undo import flash_of
from patron_platform.web.visitor import Visitor

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

DEEPEST = 5  # steps that are indented further
AT_ONCE = 40  # ids one condition names: a text of the expression language has at most 2,000 characters


def draw_tree(it: Asked) -> Response:
    """The roots of the tree; where it is narrowed what fits, below its ancestors."""
    link = parent_of(it)
    if link is None:
        return draw_list(it)
    nodes: dict[str, Node] = {}
    try:
        if it.question.where or it.question.q:
            secret = it.visitor.service.runtime.secret
            found, nodes = narrowed_tree(
                it.conn, it.call, it.question, link, it.visitor.reader(it.call), secret
            )
        else:
            found = _below(it, link, None)
    except PatronError as error:
        return lists.wrong(it, error)
    opens = _opens(it.conn, it.call, it.object.name, link, found)
    more = {
        **around(it, found),
        "tree": True,
        "depth": 0,
        "opens": opens,
        "nodes": nodes,
        "carries": carried_by(it),
    }
    if it.question.after and partial_wanted(it.visitor.request):
        return part(it.visitor, it.call, "_list_rows.html", **more)
    return page(it.visitor, it.call, "list.html", title=lists.title_of(it), here=it.object.name,
                flash=flash_of(it.visitor, it.conn, it.call), wrong=(), **more)  # fmt: skip


def drawer(visitor: Visitor, conn: Connection, call: Call, question: Question) -> Response:
    """The tree as one of the drawings of a list."""
    given = parameters(visitor.request)
    personal = of_object(conn, call, question.object.name)
    return draw_tree(
        Asked(visitor=visitor, conn=conn, call=call, question=question, given=given, personal=personal)
    )


lists.DRAWERS["tree"] = drawer


def parent_of(it: Asked) -> str | None:
    """The link that makes the tree: the view's, or the object's own; None where he may not read it."""
    named = it.question.view.body.get("parent") or lists.tree_link(it.object)
    return named if named and field_at(it.call.model, it.call.actor, it.object, named) is not None else None


def carried_by(it: Asked) -> str:
    """The link a line is moved by (web/tree_move); "" where he may not write it, or where it leads to other records than these."""
    link = parent_of(it)
    found = writable(it.call.model, it.call.actor, it.object.name).get(link or "")
    denied = isinstance(row_rule(it.call.model, it.call.actor, "update", it.object.name), Deny)
    if link is None or found is None or it.deleted or denied or tuple(found.link.to) != (it.object.name,):
        return ""
    return link


def _below(it: Asked, link: str, id: str | None) -> Listing:
    """The records right below one, or the roots."""
    condition = f"{link} == none" if id is None else f"{link} == '{id}'"
    view = replace(
        it.question.view,
        where=f"({it.question.view.where}) and {condition}" if it.question.view.where else condition,
    )
    question = replace(it.question, view=view, group=None)
    reader = it.visitor.reader(it.call)
    found = listing(it.conn, it.call, question, reader, secret=it.visitor.service.runtime.secret)
    return replace(found, question=it.question)


def _opens(conn: Connection, call: Call, object: str, link: str, found: Listing) -> set[str]:
    """Those of the lines that have something below them."""
    opens: set[str] = set()
    ids = [line.id for line in found.lines]
    for at in range(0, len(ids), AT_ONCE):
        opens |= _parents(conn, call, object, link, ids[at : at + AT_ONCE])
    return opens


def _parents(conn: Connection, call: Call, object: str, link: str, ids: Sequence[str]) -> set[str]:
    named = ", ".join(f"'{id}'" for id in ids)
    rows: list[tuple[Any, ...]] = figures(
        conn, call, Ask(object=object, where=f"{link} in ({named},)"), (), link
    )
    return {str(row[0]) for row in rows}


@router.get("/branch")
def branch(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        link, id = parent_of(it), it.given.get("id", "")
        if link is None or len(id) != 36 or not all(c in "0123456789abcdef-" for c in id):
            raise NotFound("there is no such branch")
        depth = max(1, min(whole(it.given.get("depth", "")) or 1, 50))
        found = _below(replace(it, question=replace(it.question, where=None, q=None)), link, id)
        opens = _opens(it.conn, it.call, it.object.name, link, found)
        values = {
            **around(it, found),
            "tree": True,
            "depth": depth,
            "opens": opens,
            "carries": carried_by(it),
            "under": f"{link} == '{id}'",
        }
        return part(it.visitor, it.call, "_list_branch.html", **values)
