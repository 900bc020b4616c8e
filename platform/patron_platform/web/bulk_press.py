"""Bulk press: a button is pressed for the chosen records of a list, each in its own transaction.

In: `POST …/press` with `button` and ids, or `every` for all that fit (at most 200); then, from the page that asks, `sure` with the
fields. Out: that page; after the act 303 to the list, or a page with the records it did not go for and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import Cause
from patron_engine.errors import LimitExceeded, PatronError, Refused
from patron_engine.flow.buttons import Button
from patron_engine.model.model import say
from patron_engine.page.asked import inputs_of, values_of
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.record.change import Change
from patron_engine.record.undo import Kept
from patron_engine.ways.press import button_named, press
from patron_platform.jobs.flow import carry_on, hands
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.bulk import chosen
from patron_platform.web.forms_in import FormData
from patron_platform.web.lists import Asked, Connection, asked, here
from patron_platform.web.lists import title_of as page_title
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.undone import told_of

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)
MOST: Final = 200  # limit_button_records: records a button is pressed for at once


@router.post("/press")
def bulk_press(request: Request, workspace: str, object: str, form: FormData) -> Response:
    given = forms_in.texts(form)
    parameters = {k: v for k, v in request.query_params.items() if k not in ("after", "band")}
    with asked(request, workspace, object, parameters) as it:
        csrf.check(request, it.visitor.session.id, given)
        permitted_object(it.call, it.object.name, "bulk")
        button = button_named(it.call, it.object.name, given.get("button", ""))
        ids = chosen(it, form)
        if len(ids) > MOST:
            raise LimitExceeded(
                Phrase("a button is pressed for at most {most} records at once", most=MOST), code="limit_button_records"
            )  # fmt: skip
        if "sure" not in given:
            return _page(it, button, ids, given)
        back = here(it)
        values = values_of([a.field for a in button.ask], given, it.visitor.reader(it.call))
    return _done(it, button, ids, {n: v for n, v in values.items() if v is not None}, back)


def _done(it: Asked, button: Button, ids: Sequence[str], values: Mapping[str, Any], back: str) -> Response:
    visitor = it.visitor
    who, _ = hands(visitor.workspace)
    cause = Cause(kind=visitor.cause.kind, detail={**visitor.cause.detail, "bulk": True})
    refused: list[tuple[str, str]] = []
    for id in ids:
        change = Change(action="update", object=it.object.name, id=id, set=dict(values))

        def act(conn: Connection, call: Call, change: Change = change) -> str:
            return press(conn, call, who, button.name, change).id

        try:
            run = visitor.workspace.writing(visitor.actor, act, cause)
            carry_on(visitor.workspace, run)
        except Refused as error:
            refused.append((id, " ".join(visitor.words(p.message) for p in error.problems)))
        except PatronError as error:
            refused.append((id, visitor.words(error.detail)))
    return went(it, ids, refused, back)


def went(it: Asked, ids: Sequence[str], refused: Sequence[tuple[str, str]], back: str) -> Response:
    """Back to the list; a page with the records it did not go for, where there are any."""
    visitor = it.visitor
    if not refused:
        return see_other(back)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        kept = [Kept(object=it.object.name, id=id, why=why) for id, why in refused]
        told = told_of(conn, call, kept)
        t = texts_in(visitor.languages[0])
        said = t("lists.result", done=len(ids) - len(told), refused=len(told))
        return page(visitor, call, "list_result.html", title=page_title(it), here=it.object.name, told=told, said=said,
                    head=t("lists.refused"), back=back)  # fmt: skip


def _page(it: Asked, button: Button, ids: Sequence[str], given: Mapping[str, str]) -> Response:
    """What it asks for, or whether it shall be."""
    reader = it.visitor.reader(it.call)
    must = {a.field.name for a in button.ask if a.required is not False}
    inputs = inputs_of(it.conn, it.call, reader, [a.field for a in button.ask], given, ())
    return page(
        it.visitor, it.call, "list_press.html", title=say(button.label, it.visitor.languages), here=it.object.name,
        ids=ids, button=button, inputs=[replace(i, required=i.name in must) for i in inputs], back=here(it),
        action=f"{it.visitor.url('list', it.object.name, 'press')}?{urlencode(it.question.parts())}",
    )  # fmt: skip
