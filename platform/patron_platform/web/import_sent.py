"""Import, first page: a file is sent for an object, or the template of one is fetched.

In: `GET …/list/{object}/import`, `GET …/import/template?form=xlsx|csv`, `POST …/import` (multipart: `file`, `sheet`, `separator`). Out: the
page, the template, after the post 303 to the page of the file's columns; the same page, saying what is wrong, where the file cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import LimitExceeded, PatronError, Refused
from patron_engine.fields.field import LinkSpec
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.transfer import drafts
from patron_engine.transfer.sheet import open_sheet
from patron_engine.transfer.staged import MAX_ROWS
from patron_engine.transfer.template import Column, write_template
from patron_engine.transfer.writer import Form
from patron_platform.api.errors import status_of
from patron_platform.api.exports import sent
from patron_platform.api.sheets import ENDINGS, MAX_BYTES, sent_sheet
from patron_platform.web import csrf
from patron_platform.web.arriving import see_other
from patron_platform.web.import_choices import Choice, choices_of
from patron_platform.web.list_export import UNFIT
from patron_platform.web.problems import said_of
from patron_platform.web.render import HEADERS, page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/list/{object}/import", include_in_schema=False)
FIELDS = (csrf.FIELD, "sheet", "separator")
SEPARATORS = {"": "found", ",": "comma", ";": "semicolon", "tab": "tab", "|": "bar"}
NOTES = ("date", "datetime")


@router.get("")
def ask(request: Request, workspace: str, object: str) -> Response:
    return _page(enter(request, workspace), object)


@router.post("")
async def send(request: Request, workspace: str, object: str) -> Response:
    """Keeps the file. Its token comes with the form; what another site sends is not even read."""
    visitor = await run_in_threadpool(enter, request, workspace)
    csrf.same_site(request)
    await run_in_threadpool(_permitted, visitor, object)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        csrf.check(request, visitor.session.id, {})  # no form of ours: whatever it is, it needs the token
    try:
        fields, file = await sent_sheet(request, FIELDS)
    except (Refused, LimitExceeded) as error:
        return await run_in_threadpool(_page, visitor, object, error)
    return await run_in_threadpool(_kept, visitor, object, fields, file)


@router.get("/template")
def template(request: Request, workspace: str, object: str) -> Response:
    """An empty file with a column for each field he may write."""
    visitor = enter(request, workspace)
    form: Form = "csv" if request.query_params.get("form") == "csv" else "xlsx"
    t = texts_in(visitor.languages[0])
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = permitted_object(call, object, "import")
        reader = visitor.reader(call)
        columns = _columns(call, found, reader)
        name = t("imports.template_name", name=reader.say(found.plural or found.label, found.name))
    sheets = (t("imports.template_rows"), t("imports.template_options"))
    plain = UNFIT.sub(" ", name).strip(". ")
    return sent(plain, form, lambda target: write_template(target, columns, form, sheets=sheets), HEADERS)


def _permitted(visitor: Visitor, object: str) -> None:
    with visitor.workspace.connection("read") as conn:
        permitted_object(visitor.workspace.call(conn, visitor.actor), object, "import")


def _kept(visitor: Visitor, object: str, fields: Mapping[str, str], file: Path) -> Response:
    try:
        csrf.check(visitor.request, visitor.session.id, fields)
        sheet = open_sheet(
            file, separator=fields.get("separator") or None, sheet=(fields.get("sheet") or "").strip() or None
        )

        def act(conn: psycopg.Connection[Any], call: Call) -> str:
            found = permitted_object(call, object, "import")
            return drafts.keep(conn, call, found.name, sheet, fields["name"])

        id = visitor.workspace.writing(visitor.actor, act)
    except (Refused, LimitExceeded) as error:
        return _page(visitor, object, error, fields)
    finally:
        file.unlink(missing_ok=True)
    return see_other(visitor.url("imports", "drafts", id))


def _page(
    visitor: Visitor, object: str, error: PatronError | None = None, typed: Mapping[str, str] | None = None
) -> Response:
    t = texts_in(visitor.languages[0])
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = permitted_object(call, object, "import")
        reader = visitor.reader(call)
        name = reader.say(found.plural or found.label, found.name)
        return page(
            visitor, call, "import_send.html", title=t("imports.title", name=name), here=found.name, object=found,
            endings=",".join(ENDINGS), most=MAX_BYTES, rows=reader.number(MAX_ROWS), separators=SEPARATORS,
            typed=typed or {}, wrong=said_of(error, visitor.words), status=status_of(error) if error else 200,
        )  # fmt: skip


def _columns(call: Call, object: Object, reader: Reader) -> list[Column]:
    """A column a field; a field in parts has one for each part, a link to several objects one for the first."""
    choices = [c for c in choices_of(call, object, reader) if c.one is not None]
    parted = {c.one.field.name for c in choices if c.one is not None and c.one.part is not None}
    made: list[Column] = []
    seen: set[str] = set()
    for choice in choices:
        one = choice.one
        assert one is not None
        if one.path in seen or (one.part is None and one.field.name in parted):
            continue
        seen.add(one.path)
        made.append(_column(call, object, choice, reader))
    return made


def _column(call: Call, object: Object, choice: Choice, reader: Reader) -> Column:
    one, t = choice.one, texts_in(reader.languages[0])
    assert one is not None
    field = one.field
    options = [reader.say(label) for label in one.options]
    if field.name == "record_type":
        options = [reader.say(r.label, r.name) for r in object.record_types.values()]
    elif field.type == "boolean":
        options = [t("shell.yes"), t("shell.no")]
    several = field.type in ("multi_select", "tags")
    note = t(f"imports.note_{field.type}") if field.type in NOTES else ""
    if isinstance(field.spec, LinkSpec):
        target = call.model.objects[one.object or field.link.to[0]]
        note = t("imports.note_link", object=reader.say(target.label, target.name))
        several = field.link.many
    if several:
        note = f"{note}\n{t('imports.note_several')}".strip()
    return Column(heading=choice.text, required=one.required, note=note, options=options, several=several)
