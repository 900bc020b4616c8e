"""Bulk convert: a conversion of the chosen records of a list, each in its own transaction: what is there already is used.

In: `POST …/convert` with `conversion` and ids, or `every` for all that fit (at most 100); then, from the page that asks, `sure` with the
targets that are left out. Out: that page; after the act 303 to the list, or a page with the records it did not go for and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import Cause
from patron_engine.errors import LimitExceeded, NotFound, PatronError, Refused
from patron_engine.flow.conversions import Conversion
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.ways.convert import Wish, convert
from patron_engine.ways.prospects import open_to
from patron_platform.web import csrf, forms_in
from patron_platform.web.bulk import chosen
from patron_platform.web.bulk_press import went
from patron_platform.web.forms_in import FormData
from patron_platform.web.lists import Asked, Connection, asked, here
from patron_platform.web.problems import words_in
from patron_platform.web.render import page

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)
MOST: Final = 100  # limit_convert_many: records of one request, with all that each makes


@router.post("/convert")
def bulk_convert(request: Request, workspace: str, object: str, form: FormData) -> Response:
    given = forms_in.texts(form)
    parameters = {k: v for k, v in request.query_params.items() if k not in ("after", "band")}
    with asked(request, workspace, object, parameters) as it:
        csrf.check(request, it.visitor.session.id, given)
        permitted_object(it.call, it.object.name, "bulk")
        conversion = _named(it.call, it.object.name, given.get("conversion", ""))
        ids = chosen(it, form)
        if len(ids) > MOST:
            raise LimitExceeded(
                Phrase("at most {most} records are converted at once", most=MOST), code="limit_convert_many"
            )
        if "sure" not in given:
            return _page(it, conversion, ids)
        back = here(it)
    kept = set(forms_in.several(form, "make"))
    wishes = {t.name: Wish(leave_out=True) for t in conversion.to if t.optional and t.name not in kept}
    return _done(it, conversion, ids, wishes, back)


def _named(call: Call, object: str, name: str) -> Conversion:
    found = next((c for c in open_to(call, object) if c.name == name), None)
    if found is None:
        raise NotFound(
            Phrase("{object} has no conversion {name}", object=object, name=name[:60]),
            code="unknown_conversion",
        )
    return found


def _done(
    it: Asked, conversion: Conversion, ids: Sequence[str], wishes: dict[str, Wish], back: str
) -> Response:
    visitor = it.visitor
    cause = Cause(kind=visitor.cause.kind, detail={**visitor.cause.detail, "bulk": True})
    refused: list[tuple[str, str]] = []
    for id in ids:

        def act(conn: Connection, call: Call, id: str = id) -> None:
            convert(conn, call, it.object.name, id, conversion.name, wishes)

        try:
            visitor.workspace.writing(visitor.actor, act, cause)
        except Refused as error:
            words = words_in(visitor.languages, it.call.model)
            refused.append((id, " ".join(dict.fromkeys(words(p) for p in error.problems))))
        except PatronError as error:
            refused.append((id, visitor.words(error.detail)))
    return went(it, ids, refused, back)


def _page(it: Asked, conversion: Conversion, ids: Sequence[str]) -> Response:
    """What each becomes, and what of it may be left out."""
    reader, objects = it.visitor.reader(it.call), it.call.model.objects
    targets = [
        {"name": t.name, "label": reader.say(t.label) or reader.say(objects[t.object].label, t.object), "optional": t.optional}
        for t in conversion.to
    ]  # fmt: skip
    question = replace(it.question, after=None)
    return page(
        it.visitor, it.call, "list_convert.html", title=reader.say(conversion.label, conversion.name), here=it.object.name,
        ids=ids, conversion=conversion, targets=targets, back=here(it),
        action=f"{it.visitor.url('list', it.object.name, 'convert')}?{urlencode(question.parts())}",
    )  # fmt: skip
