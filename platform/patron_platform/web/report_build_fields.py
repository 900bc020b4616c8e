"""What a report that is being built is made of: fields it may group and count by, sets of records below, what parameters are chosen from.

In: an asked report, its object; `GET /w/{workspace}/reports/build/fields?object=…&set=…` for the fields of one set, which are looked at
when somebody opens it: an object may have thirty. Out: `Choosable`s and `Offer`s; that part of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.model.model import Object
from patron_engine.page.building_offers import Offer, below_of, offers_of, sets_of
from patron_engine.page.filters import Choosable, choosable
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest
from patron_engine.query.names import known_object
from patron_platform.web.render import part
from patron_platform.web.report_asked import AskedReport
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/reports", include_in_schema=False)


@router.get("/build/fields")
def below(request: Request, workspace: str) -> Response:
    """The fields of one set of records below an object."""
    visitor = enter(request, workspace)
    name = request.query_params.get("set", "")[:60]
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader, t = visitor.reader(call), texts_in(visitor.languages[0])
        object = known_object(call, request.query_params.get("object", ""))
        named = dict(sets_of(call, object, reader))
        if name not in named:
            said = Phrase("there is no set {name}", name=name)
            raise NotFound(said, code="unknown_set", hint=nearest(name, named))
        found = below_of(call, object, reader, (name, named[name]), t("reports.number_below"))
        return part(visitor, call, "_report_build_fields.html", of=named[name], several=found)


def fields_for(it: AskedReport, object: Object | None, texts: Iterable[str]) -> dict[str, Choosable]:
    """The fields a report may be made of: its object's, those it links to, and those of the sets that are named in some texts."""
    if object is None:
        return {}
    said, number = "\n".join(texts), it.t("reports.number_below")
    found = choosable(it.call, object, it.reader)
    for named in sets_of(it.call, object, it.reader):
        if f"{named[0]}." in said:
            found += below_of(it.call, object, it.reader, named, number)
    return {f.path: f for f in found}


def sets_left(
    it: AskedReport, object: Object | None, fields: Mapping[str, Choosable]
) -> list[tuple[str, str]]:
    """The sets whose fields are not among these, to be opened."""
    every = sets_of(it.call, object, it.reader) if object is not None else []
    return [(name, label) for name, label in every if f"{name}.id" not in fields]


def offers_for(it: AskedReport, body: Mapping[str, Any]) -> dict[str, Offer]:
    """What a parameter may be chosen from: of the report's object, or of those of its blocks."""
    named = [part["object"] for part in (body, *(body.get("blocks") or ())) if part.get("object")]
    objects = [found for name in dict.fromkeys(named) if (found := it.call.model.object(str(name)))]
    return offers_of(it.call, objects, it.reader)
