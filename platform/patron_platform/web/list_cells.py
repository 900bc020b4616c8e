"""Cells: one value of a line is changed where it stands.

In: `GET, POST …/cell?id=&path=` with the parameters of the list; the form sends `value`, and the `version` it was opened with.
Out: the form for the cell, then its whole line as it is after the save (computed values with it); a refused save is the line with
the form and what is wrong in it: 422, 412 with both values when somebody was faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import readable, writable
from patron_engine.errors import (
    Forbidden,
    NeedsConfirmation,
    NotFound,
    PatronError,
    Refused,
    StaleVersion,
)
from patron_engine.fields.base import TextFormats, ValueFault
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.fields.registry import type_of
from patron_engine.jsonio import whole
from patron_engine.model.model import LINKS
from patron_engine.page.filters import options_for
from patron_engine.page.inputs import widget_of
from patron_engine.page.listing import Line, Listing, editable, headings, line
from patron_engine.page.lookup import choices_for, read_by
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED, moment_of, shown
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of
from patron_engine.record.change import Change
from patron_engine.ways.read import read
from patron_platform.api.errors import status_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.approval_said import asked_for
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.lists import Asked, around, asked
from patron_platform.web.lookup import WITH
from patron_platform.web.render import part, partial_wanted
from patron_platform.web.texts import texts_in

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """The form in a cell. `text` is what stands in it; `confirm` names rules whose warnings the next save accepts."""

    path: str
    label: str
    widget: str
    text: str
    version: int
    choices: tuple[tuple[str, str], ...] = ()
    source: str = ""  # where the records a link may point at are looked up
    problem: str = ""
    confirm: str = ""


@router.get("/cell")
def open_cell(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        field = _field(it)
        found, row = _line(it)
        text = text_of(row.get(field.name), field, it.visitor.reader(it.call))
        made = editor(it, field, text, found.version, row)
        return part(
            it.visitor,
            it.call,
            "_list_cell.html",
            line=found,
            **{**around(it, _listing(it)), "editing": made},
        )


@router.post("/cell")
def save_cell(request: Request, workspace: str, object: str, form: FormData) -> Response:
    with asked(request, workspace, object) as it:
        given = forms_in.texts(form)
        csrf.check(request, it.visitor.session.id, given)
        field = _field(it)
        text = given.get("value", "")
        version = whole(given.get("version", ""))
        reader = it.visitor.reader(it.call)
        confirm = frozenset(n for n in given.get("confirm", "").split(",") if n)
    editing, status, waits = None, 200, ""
    try:
        change = Change(action="update", object=it.object.name, id=it.given["id"], version=version, confirm=confirm,
                        set={field.name: read_text(field, text, reader)})  # fmt: skip
        waits = asked_for(it.visitor.workspace.save(it.visitor.actor, [change], cause=it.visitor.cause)[0])
    except (Refused, StaleVersion, Forbidden, ValueFault) as error:
        editing, status = error, status_of(error) if isinstance(error, PatronError) else 422
    if not partial_wanted(request) and editing is None and waits:
        return see_other(it.visitor.url("o", it.object.name, it.given["id"]) + f"?done={waits}")
    if not partial_wanted(request) and editing is None:
        return see_other(f"{it.visitor.url('o', it.object.name)}?{it.question.address()}")
    with asked(request, workspace, object) as it:
        found, row = _line(it)
        again = _again(it, field, text, found, row, editing) if editing is not None else None
        return part(
            it.visitor,
            it.call,
            "_list_line.html",
            status=status,
            line=found,
            **{**around(it, _listing(it)), "editing": again, "waits": field.name if waits == "asked" else ""},
        )


def _again(it: Asked, field: Field, text: str, found: Line, row: Any, error: Exception) -> Editor:
    """The form with what was typed and what is wrong with it."""
    t, words = texts_in(it.visitor.languages[0]), it.visitor.words
    reader = it.visitor.reader(it.call)
    version, confirm = found.version, ""
    if isinstance(error, StaleVersion):
        theirs = shown(field, row.get(field.name), reader).text or t("lists.empty_value")
        said = t("lists.stale", theirs=theirs, mine=text or t("lists.empty_value"))
    elif isinstance(error, NeedsConfirmation):
        confirm = ",".join(sorted({p.rule for p in error.problems if p.rule}))
        said = " ".join([*(words(p.message) for p in error.problems), t("lists.confirm")])
    elif isinstance(error, Refused):
        said = " ".join(words(p.message) for p in error.problems)
    elif isinstance(error, ValueFault):
        said = words(error.message)
    else:
        said = words(error.detail if isinstance(error, PatronError) else str(error))
    return replace(editor(it, field, text, version, row), problem=said, confirm=confirm)


def _field(it: Asked) -> Field:
    """The field of the cell; NotFound for one that is not there, Forbidden for one he may not write here."""
    path = it.given.get("path", "")
    may = writable(it.call.model, it.call.actor, it.object.name)
    if path not in it.object.fields or not it.given.get("id"):
        raise NotFound("there is no such cell")
    if path not in may or not editable(may[path]):
        raise Forbidden("this cannot be changed here", code="read_only")
    return may[path]


def _listing(it: Asked) -> Listing:
    heads = headings(it.call.model, it.call.actor, it.question, it.visitor.reader(it.call))
    return Listing(question=it.question, headings=heads, lines=(), next=None)


def _line(it: Asked) -> tuple[Line, dict[str, Any]]:
    """The record of the cell as a line of the list, and its values."""
    path = it.given["path"]
    also = ["id", it.object.title, path, *(["currency"] if it.object.record_currency else [])]
    field, known = it.object.fields[path], readable(it.call.model, it.call.actor, it.object.name)
    also += [n for n in (read_by(field) if field.type in LINKS else ()) if n in known]
    ask = replace(it.question, where=None, q=None, after=None).ask(
        also=tuple(also), ids=(it.given["id"],), voided="yes"
    )
    rows = read(it.conn, it.call, replace(ask, where=None, sort=()), secret=b"").rows()
    if not rows:
        raise NotFound("there is no such record")
    heads = headings(it.call.model, it.call.actor, it.question, it.visitor.reader(it.call))
    return line(it.call, it.object, heads, rows[0], it.visitor.reader(it.call)), rows[0]


def editor(
    it: Asked, field: Field, text: str, version: int = 0, row: Mapping[str, Any] | None = None
) -> Editor:
    """The form of a field with a text in it; `row` is the record it stands in, if it is one."""
    reader = it.visitor.reader(it.call)
    choices: list[tuple[str, str]] = []
    source = ""
    if field.type in LINKS:
        own = it.object.fields
        values = {n: text_of((row or {}).get(n), own[n], reader) for n in read_by(field) if n in own}
        found = choices_for(it.conn, it.call, reader, field, "", values, it.visitor.service.runtime.secret)
        choices = [(c.value, c.text) for c in found]
        if text and text not in {id for id, _ in choices}:
            choices = [(text, _title(it, field.link.to[0], text)), *choices]
        given = urlencode({f"{WITH}{n}": v for n, v in values.items() if v})
        source = f"{it.visitor.url('o-lookup', it.object.name, field.name)}?{given}"
    elif isinstance(field.spec, ChoiceSpec):
        choices = options_for(field, reader)
    return Editor(
        path=field.name, label=reader.say(field.label, field.name), widget=widget_of(field, written=True), text=text,
        version=version, choices=tuple(choices), source=source,
    )  # fmt: skip


def _title(it: Asked, object: str, id: str) -> str:
    found = it.call.model.objects[object]
    rows = read(
        it.conn, it.call, Ask(object=object, ids=(id,), fields=("id", found.title)), secret=b""
    ).rows()
    return title_of(found, rows[0]) if rows else UNTITLED


def text_of(value: Any, field: Field, reader: Reader) -> str:
    """A value as it stands in its form: a link by its id, a moment in the reader's zone."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(value.get("id") or "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if field.type == "datetime":
        return reader.local(moment_of(str(value))).strftime("%Y-%m-%dT%H:%M")
    return str(value)


def read_text(field: Field, text: str, reader: Reader) -> Any:
    """What was typed as a save takes it. ValueFault for what is none."""
    formats = TextFormats(zone=reader.zone, languages=reader.languages)
    return type_of(field).to_wire(field, type_of(field).read_text(field, text, formats))
