"""Figures of a list: how many records it has, its totals, those of a group: asked after the page, so that none slows it.

In: `GET /w/{workspace}/list/{object}/count`, `/totals`, `/band`, with the parameters of the list. Out: parts of the page.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.page.listing import headings
from patron_engine.page.paths import SUMMED, field_at, value_type
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Shown, shown
from patron_engine.query.spec import Ask
from patron_engine.ways.read import figures, read
from patron_platform.web.lists import Asked, asked
from patron_platform.web.render import part

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

MONEY_FUNCTIONS = frozenset({"sum", "avg", "min", "max"})


@router.get("/count")
def count(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        ask = it.question.ask(deleted=it.deleted)
        found = read(it.conn, it.call, _counted(ask), secret=it.visitor.service.runtime.secret)
        return part(
            it.visitor, it.call, "_list_count.html", number=it.visitor.reader(it.call).number(found.count)
        )


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
        rows = figures(it.conn, it.call, it.question.ask(deleted=it.deleted), measures)
        found = dict(zip([path for _, path in measures], rows[0][2:], strict=True))
        cells = []
        for head in heads:
            total = next((f for f, path in measures if path == head.path), None)
            cells.append(
                (head, total, figure(head.field, total, found.get(head.path), reader) if total else EMPTY)
            )
        return part(it.visitor, it.call, "_list_totals.html", cells=cells)


@router.get("/band")
def band(request: Request, workspace: str, object: str) -> Response:
    """The number of records of one group and its totals."""
    with asked(request, workspace, object) as it:
        reader = it.visitor.reader(it.call)
        key = it.given.get("band", "")
        field = field_at(it.call.model, it.call.actor, it.object, it.question.group or "")
        measures = measures_of(it)
        rows = (
            figures(it.conn, it.call, it.question.ask(deleted=it.deleted), measures, it.question.group)
            if field
            else []
        )
        row = next((r for r in rows if group_key(field, r[0]) == key), None) if field else None
        said = []
        for at, (total, path) in enumerate(measures):
            head = field_at(it.call.model, it.call.actor, it.object, path)
            if row is not None:
                said.append(figure(head, total, row[2 + at], reader).text)
        number = reader.number(row[1]) if row is not None else ""
        return part(it.visitor, it.call, "_list_band.html", number=number, said=[s for s in said if s])


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


def group_key(field: Field, value: Any) -> str:
    """A value as the database groups it -> the key a line's group has."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, UUID):
        return str(value)
    spec = field.extra.get("value_spec") or field.spec
    if isinstance(spec, ChoiceSpec):
        return next((o.name for o in spec.options if o.value == value), str(value))
    return str(value)
