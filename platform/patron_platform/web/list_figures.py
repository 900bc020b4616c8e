"""Figures of a list: how many records it has, its totals, those of a group: asked after the page, so that none slows it.

In: `GET /w/{workspace}/list/{object}/count`, `/totals`, `/bands`, with the parameters of the list. Out: parts of the page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.fields.field import Field
from patron_engine.page.cards import narrowed
from patron_engine.page.filters import among
from patron_engine.page.listing import Band, headings
from patron_engine.page.paths import SUMMED, field_at, value_type
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Shown, shown
from patron_engine.query.spec import Ask
from patron_engine.ways.read import figures, read
from patron_platform.web.figured import LONGEST, Figured, figured
from patron_platform.web.lists import Asked, asked
from patron_platform.web.render import part

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

MAX_BANDS = 200  # groups one part of a list has at most: as many as lines
AT_ONCE = 40  # keys one condition names: a text of the expression language has at most 2,000 characters


@router.get("/count")
def count(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        ask = _counted(it.question.ask(deleted=it.deleted))
        secret = it.visitor.service.runtime.secret
        found = figured(
            it.conn, it.call, ("count", ask), lambda: read(it.conn, it.call, ask, secret=secret).count
        )
        reader = it.visitor.reader(it.call)
        return part(
            it.visitor, it.call, "_list_count.html", number=reader.number(found.found) if found else None,
            at=found.said(reader) if found else "", longest=LONGEST,
        )  # fmt: skip


def _counted(ask: Ask) -> Ask:
    return Ask(
        object=ask.object,
        where=ask.where,
        fields=("id",),
        limit=1,
        count="exact",
        deleted=ask.deleted,
        q=ask.q,
    )


@router.get("/totals")
def totals(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        reader = it.visitor.reader(it.call)
        heads = headings(it.call.model, it.call.actor, it.question, reader)
        measures = measures_of(it)
        rows = _figures(it, it.question, measures)
        values = rows.found[0][2:] if rows else [None] * len(measures)
        found = dict(zip([path for _, path in measures], values, strict=True))
        cells = []
        for head in heads:
            total = next((f for f, path in measures if path == head.path), None)
            cells.append(
                (head, total, figure(head.field, total, found.get(head.path), reader) if total else EMPTY)
            )
        return part(
            it.visitor, it.call, "_list_totals.html", cells=cells, at=rows.said(reader) if rows else "",
            late=rows is None, longest=LONGEST,
        )  # fmt: skip


@router.get("/bands")
def bands(request: Request, workspace: str, object: str) -> Response:
    """The number of records and the totals of the groups a part of the list has, whose keys `bands` names."""
    with asked(request, workspace, object) as it:
        reader = it.visitor.reader(it.call)
        keys = list(dict.fromkeys(it.given.get("bands", "").split(",")))[:MAX_BANDS]
        field = field_at(it.call.model, it.call.actor, it.object, it.question.group or "")
        if field is None or it.question.group is None:
            raise NotFound("the list is not grouped")
        measures = measures_of(it)
        heads = {h.path: h for h in headings(it.call.model, it.call.actor, it.question, reader)}
        told = [(heads[path].field, heads[path].label, total) for total, path in measures]
        found: list[tuple[Band, str, list[tuple[str, str, str]]]] = []
        for at in range(0, len(keys), AT_ONCE):
            few = keys[at : at + AT_ONCE]
            narrow = narrowed(it.question, among(it.question.group, field, few))
            answer = _figures(it, narrow, measures, it.question.group)
            if answer is None:
                continue  # that there are groups stands there already
            rows = {group_key(row[0]): row for row in answer.found}
            for key in few:
                row = rows.get(key, (None, 0, *[None] * len(measures)))
                said = [
                    (label, total, figure(head, total, value, reader).text)
                    for (head, label, total), value in zip(told, row[2:], strict=True)
                ]
                found.append((Band(key=key, shown=EMPTY), reader.number(row[1]), [s for s in said if s[2]]))
        return part(it.visitor, it.call, "_list_bands.html", bands=found)


def _figures(
    it: Asked, question: Question, measures: list[tuple[str, str]], by: str | None = None
) -> Figured | None:
    """Rows of figures; None where they take too long."""
    ask = replace(question.ask(deleted=it.deleted), fields=(), sort=(), after=None)
    key = ("figures", ask, tuple(measures), by)
    return figured(it.conn, it.call, key, lambda: figures(it.conn, it.call, ask, measures, by))


def measures_of(it: Asked) -> list[tuple[str, str]]:
    """The totals of the view's columns that make sense: (function, path)."""
    found = []
    for column in it.question.columns:
        field = field_at(it.call.model, it.call.actor, it.object, column.path)
        if column.total is None or field is None or "." in column.path:
            continue
        adds = value_type(field) in SUMMED or value_type(field) == "percent"
        if (
            column.total == "count"
            or adds
            or (column.total in ("min", "max") and value_type(field) in ("date", "datetime"))
        ):
            found.append((column.total, column.path))
    return found


def figure(field: Field | None, function: str, value: Any, reader: Reader) -> Shown:
    """A figure as people read it: amounts in the workspace's currency, an average to two decimals."""
    if value is None or field is None:
        return EMPTY
    if function == "count":
        return Shown(kind="number", text=reader.number(value), raw=value)
    if value_type(field) in ("date", "datetime"):
        return shown(field, value.isoformat(), reader)
    if function == "avg" and value_type(field) != "money":
        return Shown(kind="number", text=reader.number(value, 2), raw=value)
    return shown(field, str(value), reader)


def group_key(value: Any) -> str:
    """A value as it is grouped by -> the key a line's group has."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
