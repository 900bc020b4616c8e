"""Columns: which stand in a list, in which order and how wide; by what it is sorted and gathered.

In: `GET, POST …/columns` with the parameters of the list; `POST …/widths` from a grip. Out: a form, or 303 to the list. Columns and
widths are kept for this person and view; sorting and groups stand in the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import readable
from patron_engine.errors import Refused
from patron_engine.jsonio import whole
from patron_engine.page.filters import UNASKED
from patron_engine.page.paths import field_at, gathers, label_at, sorts
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.lists import Asked, asked, title_of
from patron_platform.web.render import answer, page, part, partial_wanted
from patron_platform.web.views import WIDTHS, arrange

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

SORTS = 3  # keys the form has; an address may have more
LONG = frozenset({"id", "version", "deleted_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One field that may be a column."""

    path: str
    label: str
    shown: bool


@router.get("/columns")
def columns_form(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        values: dict[str, Any] = {
            "object": it.object, "items": items_of(it), "sorting": _sorting(it), "groups": _groups(it),
            "sort": [*it.question.sort[:SORTS], *[""] * (SORTS - len(it.question.sort))], "group": it.question.group,
            "back": urlencode({**it.question.parts(), **{n: it.given[n] for n in ("deleted", "mode") if it.given.get(n)}}),
        }  # fmt: skip
        if partial_wanted(request):
            return part(it.visitor, it.call, "_list_columns.html", **values)
        return page(
            it.visitor,
            it.call,
            "list_panel.html",
            title=title_of(it),
            here=it.object.name,
            inner="_list_columns.html",
            **values,
        )


def items_of(it: Asked) -> list[Item]:
    """The columns in their order, then the other fields."""
    reader = it.visitor.reader(it.call)
    model, actor = it.call.model, it.call.actor
    shown = [c.path for c in it.question.columns]
    others = [
        f.name for f in readable(model, actor, it.object.name).values()
        if f.name not in shown and f.name not in LONG and (f.type not in UNASKED or f.type == "date_range")
    ]  # fmt: skip
    paths = [*shown, *others]
    return [Item(path=p, label=label_at(model, actor, it.object, p, reader), shown=p in shown) for p in paths]


def _sorting(it: Asked) -> list[tuple[str, str]]:
    reader = it.visitor.reader(it.call)
    fields = readable(it.call.model, it.call.actor, it.object.name).values()
    return [(f.name, reader.say(f.label, f.name)) for f in fields if sorts(f) and f.name not in LONG]


def _groups(it: Asked) -> list[tuple[str, str]]:
    reader = it.visitor.reader(it.call)
    fields = readable(it.call.model, it.call.actor, it.object.name).values()
    return [(f.name, reader.say(f.label, f.name)) for f in fields if gathers(f)]


@router.post("/columns")
def keep_columns(request: Request, workspace: str, object: str, form: FormData) -> Response:
    given = forms_in.texts(form)
    with asked(request, workspace, object, dict(parse_qsl(given.get("back", "")))) as it:
        csrf.check(request, it.visitor.session.id, given)
        widths = {c.path: c.width for c in it.question.columns}
        chosen = [
            (_place(given.get(f"at.{path}", "")), n, path)
            for n, path in enumerate(forms_in.several(form, "show"))
        ]
        paths = [path for _, _, path in sorted(chosen)]
        unknown = [p for p in paths if field_at(it.call.model, it.call.actor, it.object, p) is None]
        if unknown or not paths:
            raise Refused(
                [
                    Problem(
                        code="unknown_field", message="choose at least one field that is there", path="show"
                    )
                ]
            )
        columns = [{"field": p, "width": widths[p]} if widths.get(p) else {"field": p} for p in paths]
        keys = [k for n in range(SORTS) if (k := given.get(f"sort.{n}", ""))]
        falls = {n for n in range(SORTS) if given.get(f"falls.{n}") == "1"}
        sort = ",".join(f"-{k}" if n in falls else k for n, k in enumerate(keys))
        changes = {"sort": None if tuple(sort.split(",")) == it.question.view.sort else sort, "columns": None}
        group = given.get("group", "")
        changes["group"] = None if group == (it.question.view.group_by or "") else group or "-"
        address = it.question.address(**changes)
        view = it.question.view.name
    arrange(it.visitor, object, view, columns)
    return see_other(f"{it.visitor.url('o', object)}?{address}")


def _place(text: str) -> int:
    found = whole(text, 4)
    return 999 if found is None else found


@router.post("/widths")
def keep_width(request: Request, workspace: str, object: str, form: FormData) -> Response:
    given = forms_in.texts(form)
    with asked(request, workspace, object) as it:
        csrf.check(request, it.visitor.session.id, given)
        path, width = given.get("path", ""), whole(given.get("width", ""))
        if width is None or not WIDTHS[0] <= width <= WIDTHS[1]:
            raise Refused(
                [
                    Problem(
                        code="width",
                        message=Phrase(
                            "a width is {widths} to {widths2}", widths=WIDTHS[0], widths2=WIDTHS[1]
                        ),
                        path="width",
                    )
                ]
            )
        columns: list[dict[str, Any]] = []
        for column in it.question.columns:
            kept = width if column.path == path else column.width
            columns.append({"field": column.path, "width": kept} if kept else {"field": column.path})
        view = it.question.view.name
    arrange(it.visitor, object, view, columns)
    return answer("", 204)
