"""Personal data: the administrators' pages: the inventory, one person found, shown, taken out and erased.

In: `/w/{workspace}/admin/privacy`; `/person?record=OBJECT/ID&record=…` is one person. Out: pages; a ZIP; after an explicit confirmation
an erasure. What somebody is looked for by is posted: it stands in no address. To others the pages are not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, LimitExceeded, NotFound, Refused
from patron_engine.model.model import say
from patron_engine.query.call import Call
from patron_engine.ways import erase as erasing
from patron_engine.ways.inventory import inventory
from patron_engine.ways.subject import Found, Ref, find_person, others, refs_of
from patron_platform.api.exports import sent
from patron_platform.privacy import erase, write_zip
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import HEADERS, page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/admin/privacy", include_in_schema=False)
Connection = psycopg.Connection[Any]


def entered(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is nothing at this address")
    return visitor


Admin = Annotated[Visitor, Depends(entered)]


@router.get("")
def look(visitor: Admin) -> Response:
    return _list(visitor)


@router.post("")
def find(visitor: Admin, form: FormData) -> Response:
    """`value`: a number, an address, a name."""
    given = forms_in.texts(form)
    csrf.check(visitor.request, visitor.session.id, given)
    value = given.get("value", "").strip()
    try:
        found = visitor.workspace.reading(visitor.actor, lambda conn, call: find_person(conn, call, value))
    except (Refused, LimitExceeded) as refused:
        return _list(visitor, value=value, wrong=refused.detail, status=422)
    return _list(visitor, value=value, found=found)


@router.get("/person")
def person(visitor: Admin) -> Response:
    return _person(visitor, visitor.request.query_params.getlist("record"))


@router.post("/export")
def export(visitor: Admin, form: FormData) -> Response:
    csrf.check(visitor.request, visitor.session.id, forms_in.texts(form))
    records = forms_in.several(form, "record")
    refs = visitor.workspace.reading(visitor.actor, lambda _, call: _refs(call, records))
    return sent(
        "person", "zip",
        lambda target: write_zip(visitor.service, visitor.workspace, visitor.actor, visitor.cause, refs, target), HEADERS,
    )  # fmt: skip


@router.post("/erase")
def erase_person(visitor: Admin, form: FormData) -> Response:
    """`sure` is the box that says it cannot be undone, `confirm` the checksum of what was shown."""
    given = forms_in.texts(form)
    csrf.check(visitor.request, visitor.session.id, given)
    records = forms_in.several(form, "record")
    if not given.get("sure"):
        wrong = texts_in(visitor.languages[0])("privacy.sure_needed")
        return _person(visitor, records, wrong=wrong, status=422)
    refs = visitor.workspace.reading(visitor.actor, lambda _, call: _refs(call, records))
    try:
        erase(
            visitor.service, visitor.workspace, visitor.actor, visitor.cause, refs, given.get("confirm", "")
        )
    except (Refused, Conflict) as refused:
        return _person(visitor, records, wrong=visitor.words(refused.detail), status=422)
    return see_other(
        visitor.url("admin", "privacy", "person") + "?" + urlencode([*_asked(refs), ("erased", "1")])
    )


def _list(
    visitor: Visitor, *, value: str = "", found: Sequence[Found] | None = None, wrong: str = "", status: int = 200
) -> Response:  # fmt: skip
    def drawn(conn: Connection, call: Call) -> Response:
        reader = visitor.reader(call)
        return page(
            visitor, call, "admin_privacy.html", title=texts_in(visitor.languages[0])("privacy.title"), here="privacy",
            status=status, entries=inventory(conn, call), value=value, found=found, wrong=wrong,
            objects=_objects(call, reader.languages), labels=_labels(call, reader.languages),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, drawn)


def _person(visitor: Visitor, records: Sequence[str], *, wrong: str = "", status: int = 200) -> Response:
    def drawn(conn: Connection, call: Call) -> Response:
        refs = _refs(call, records)
        shown = erasing.preview(conn, call, refs)
        reader = visitor.reader(call)
        return page(
            visitor, call, "admin_privacy_person.html", title=shown.parts[0].title or "…", here="privacy", status=status,
            shown=shown, perhaps=others(conn, call, refs), records=[f"{r.object}/{r.id}" for r in refs], wrong=wrong,
            erased=visitor.request.query_params.get("erased") == "1",
            objects=_objects(call, reader.languages), labels=_labels(call, reader.languages),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, drawn)


def _refs(call: Call, records: Sequence[str]) -> list[Ref]:
    parts = [record.partition("/") for record in records]
    return refs_of(call, [{"object": object, "id": id} for object, _, id in parts])


def _asked(refs: Sequence[Ref]) -> list[tuple[str, str]]:
    return [("record", f"{ref.object}/{ref.id}") for ref in refs]


def _objects(call: Call, languages: tuple[str, ...]) -> Mapping[str, str]:
    return {name: say(object.label, languages) or name for name, object in call.model.objects.items()}


def _labels(call: Call, languages: tuple[str, ...]) -> Mapping[tuple[str, str], str]:
    """What people call the personal fields."""
    return {
        (o.name, f.name): say(f.label, languages) or f.name
        for o in call.model.objects.values()
        for f in o.fields.values()
        if f.personal is not None
    }
