"""Filter builder: a form that reads and writes the condition of a list.

In: `GET …/filter` with the parameters of a list; `POST …/filter` with the tree as it stands in the form: the pairs `open` (all, any),
`field`, `op`, `value`, `close` in their order. Out: the form again (with one more condition, one less, other operators), or 303 to the
list's address, which then holds the expression. Works without scripts: every change is a button.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import LimitExceeded
from patron_engine.jsonio import whole
from patron_engine.page.conditions import (
    MAX_CONDITIONS,
    MAX_NESTED,
    Condition,
    Group,
    Parameter,
    holes,
    read_conditions,
    size,
    write_conditions,
)
from patron_engine.page.filters import (
    Choosable,
    adjusted,
    choosable,
    widget_for,
)
from patron_engine.page.paths import field_at
from patron_engine.phrases import Phrase
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.filter_rows import (
    elsewhere,
    operator_of,
    parameter_in,
    parameter_paths,
    parameters_of,
    rows_of,
)
from patron_platform.web.filter_values import number_in, value_wrong
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.list_chips import titles_in
from patron_platform.web.lists import Asked, asked, title_of
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.texts import Texts, texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

Place = tuple[int, ...]  # which item of which group: (1, 0) is the first of the second


@router.get("/filter")
def filter_form(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        where = it.question.where
        named = parameter_paths(parameters_of(it))
        return _form(it, read_conditions(where, named) if where else Group(True, (Condition("", ""),)))


@router.post("/filter")
def change_filter(request: Request, workspace: str, object: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    back = dict(parse_qsl(given.get("back", "")))
    with asked(request, workspace, object, back) as it:
        act, _, place = given.get("act", "apply").partition(":")
        if "text" in given:
            return _go(it, given["text"].strip())
        steps = (whole(step, 4) for step in place.split("."))
        tree = _changed(tree_of(form), act, tuple(n for n in steps if n is not None and n >= 0))
        if size(tree) > MAX_CONDITIONS:
            raise LimitExceeded(
                Phrase("a filter has at most {most} conditions", most=MAX_CONDITIONS),
                code="filter_conditions",
            )
        if act != "apply":
            return _form(it, tree)
        wrong = _wrong(it, tree, texts_in(visitor.languages[0]))
        if wrong:
            return _form(it, tree, wrong, status=422)
        return _go(it, write_conditions(_sound(it, tree)))


def _go(it: Asked, where: str) -> Response:
    parameters = it.question.parts(where=where or None)
    address = f"{it.visitor.url('o', it.object.name)}?{urlencode({**parameters, **_kept(it)})}"
    if to := elsewhere(it):
        path, _, query = to.partition("?")
        address = f"{it.visitor.url(path)}?{urlencode({**dict(parse_qsl(query)), 'where': where})}"
    if partial_wanted(it.visitor.request):
        return part(it.visitor, it.call, "_list_nothing.html", headers={"HX-Redirect": address})
    return see_other(address)


def _kept(it: Asked) -> dict[str, str]:
    return {n: it.given[n] for n in ("deleted", "mode") if it.given.get(n)}


def tree_of(form: Pairs) -> Group:
    """The tree of the form's pairs. What does not fit is left out: a form of a browser always fits."""
    stack: list[tuple[bool, list[Group | Condition]]] = [(True, [])]
    for name, value in form:
        items = stack[-1][1]
        last = items[-1] if items else None
        if name == "open" and len(stack) <= MAX_NESTED + 1:
            stack.append((value != "any", []))
        elif name == "close" and len(stack) > 1:
            all_, inner = stack.pop()
            stack[-1][1].append(Group(all_, tuple(inner)))
        elif name == "field":
            items.append(Condition(value[:200], ""))
        elif name == "op" and isinstance(last, Condition):
            items[-1] = replace(last, operator=value)
        elif name == "value" and isinstance(last, Condition):
            items[-1] = replace(last, values=(*last.values, value))
        elif name == "from" and value and isinstance(last, Condition):
            with suppress(ValueError):
                items[-1] = replace(last, values=(Parameter(value),))
    while len(stack) > 1:
        all_, inner = stack.pop()
        stack[-1][1].append(Group(all_, tuple(inner)))
    top = stack[0][1]
    return top[0] if len(top) == 1 and isinstance(top[0], Group) else Group(True, tuple(top))


def _changed(tree: Group, act: str, place: Place) -> Group:
    """The tree after a button: a condition or group more at a place, or what stands there taken away."""
    if act == "drop" and place:
        return _at(
            tree,
            place[:-1],
            lambda g: replace(g, items=tuple(x for n, x in enumerate(g.items) if n != place[-1])),
        )
    blank = Condition("", "")
    if act == "add":
        return _at(tree, place, lambda g: replace(g, items=(*g.items, blank)))
    if act == "group":
        return _at(tree, place, lambda g: replace(g, items=(*g.items, Group(not g.all, (blank,)))))
    return tree


def _at(tree: Group, place: Place, change: Any) -> Group:
    if not place:
        made: Group = change(tree)
        return made
    items = list(tree.items)
    if place[0] < len(items):
        inner = items[place[0]]
        if isinstance(inner, Group):
            items[place[0]] = _at(inner, place[1:], change)
    return replace(tree, items=tuple(items))


def _sound(it: Asked, tree: Group) -> Group:
    """The tree as it is written: rows nobody filled in are left out, values in the form of their field."""
    items: list[Group | Condition] = []
    for item in tree.items:
        if isinstance(item, Group):
            inner = _sound(it, item)
            if inner.items:
                items.append(inner)
        elif item.path:
            field = field_at(it.call.model, it.call.actor, it.object, item.path)
            operator = operator_of(it, field, item.operator)
            wanted = holes(operator)
            if parameter_in(it, field, operator, item.values):
                optional = wanted == ("A",)  # a range that nobody chose holds everything by itself
                items.append(adjusted(field, replace(item, operator=operator, optional=optional)))
                continue
            values = tuple(v for v in item.values if v) if wanted == ("L",) else item.values[: len(wanted)]
            if widget_for(field, operator) == "number":
                values = tuple(number_in(v) for v in values)
            items.append(adjusted(field, Condition(item.path, operator, values)))
    return Group(tree.all, tuple(items))


def _wrong(it: Asked, tree: Group, t: Texts, at: str = "") -> dict[str, str]:
    """What is wrong with values, by place."""
    found: dict[str, str] = {}
    for n, item in enumerate(tree.items):
        place = f"{at}.{n}" if at else str(n)
        if isinstance(item, Group):
            found.update(_wrong(it, item, t, place))
        elif item.path:
            field = field_at(it.call.model, it.call.actor, it.object, item.path)
            operator = operator_of(it, field, item.operator)
            typed = [v for v in item.values if not isinstance(v, Parameter)]
            said = value_wrong(widget_for(field, operator), holes(operator), typed, t)
            if said and not parameter_in(it, field, operator, item.values):
                found[place] = said
    return found


def _form(
    it: Asked, tree: Group | None, wrong: Mapping[str, str] | None = None, *, status: int = 200
) -> Response:
    reader = it.visitor.reader(it.call)
    fields = choosable(it.call, it.object, reader)
    titles = titles_in(it.conn, it.call, it.object, tree) if tree is not None else {}
    to = elsewhere(it)
    values: dict[str, Any] = {
        "fields": grouped(fields),
        "tree": rows_of(it, tree, titles, wrong or {}, "") if tree is not None else None,
        "where": it.question.where or "",
        "back": urlencode({**it.question.parts(), **_kept(it), **({"to": to} if to else {})}),
        "leave": it.visitor.url(to)
        if to
        else f"{it.visitor.url('o', it.object.name)}?{urlencode(it.question.parts())}",
    }
    if partial_wanted(it.visitor.request):
        return part(it.visitor, it.call, "_list_filter.html", status=status, object=it.object, **values)
    return page(it.visitor, it.call, "list_panel.html", title=title_of(it), here=it.object.name,
                inner="_list_filter.html", status=status, object=it.object, **values)  # fmt: skip


def grouped(fields: Sequence[Choosable]) -> list[tuple[str, list[Choosable]]]:
    """Fields under what they hang on, their own first."""
    found: dict[str, list[Choosable]] = {}
    for field in fields:
        found.setdefault(field.of, []).append(field)
    return list(found.items())
