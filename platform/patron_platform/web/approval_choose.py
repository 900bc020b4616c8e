"""Choosing: a form that begins an approval for which he is to say who decides: the form once more, with nothing but that question.

In: the request of any form, what is to be chosen. Out: the page; it sends everything the form sent to the same address, and beside it
`_chosen.STEP` (several), which the visitor of that request takes along (visitor.cause). Saves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import MustChoose
from patron_platform.web.approval_said import people_offered
from patron_platform.web.arriving import local_address
from patron_platform.web.forms_in import CHOSEN, chosen_in, form_of
from patron_platform.web.render import answer, draw, page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor


def choose_way(visitor: Visitor, status: int, headers: Mapping[str, str]) -> Response:
    """For a script that sent a change (a card dragged, a cell, a small form): the same form as the page would send it, which goes on
    to the page that asks by itself."""
    request = visitor.request
    values = {"address": address_of(request), "kept": form_of(request)}
    return answer(draw("_approval_way.html", visitor.languages, **values), status, headers)


def address_of(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def choose_page(visitor: Visitor, error: MustChoose, status: int) -> Response:
    request = visitor.request
    form = form_of(request)
    given = chosen_in(form)
    came = urlsplit(request.headers.get("referer", ""))
    wrong = {
        str(p.path).removeprefix("chosen."): [p.message] for p in error.problems if given
    }  # at first nothing is wrong yet: it is asked for
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        choose = [
            {**c, "people": people_offered(conn, call, c["from"]), "chosen": given.get(c["node"], ())}
            for c in error.choose
        ]
        return page(
            visitor, call, "approval_choose.html", status=status, title=texts_in(visitor.languages[0])("approvals.choose_people"),
            address=address_of(request), kept=[pair for pair in form if not pair[0].startswith(CHOSEN)], choose=choose, wrong=wrong,
            back=local_address(came.path) or visitor.url(),
        )  # fmt: skip
