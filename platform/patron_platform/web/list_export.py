"""Export: exactly a list as a file: its condition, words, order and the columns people see.

In: `GET …/export?form=csv|xlsx` with the parameters of the list; from bulk the chosen records of it. Out: the file as an attachment,
written to disk out of one snapshot and sent from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.transfer.export import export
from patron_engine.transfer.writer import Form
from patron_platform.api.exports import sent
from patron_platform.api.requests import parameters
from patron_platform.web.lists import Asked, asked, title_of
from patron_platform.web.render import HEADERS

LONGEST = 80  # characters of a name
UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]+')
router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)


@router.get("/export")
def export_list(request: Request, workspace: str, object: str) -> Response:
    """Exactly this list as a file: its condition, words, order and columns."""
    given = parameters(request)
    form = given.pop("form", "csv")
    with asked(request, workspace, object, given) as it:
        return file_of(it, form, None)


def file_of(it: Asked, form: str, ids: Sequence[str] | None) -> Response:
    """The list, or the chosen records of it, as a file with the columns people see."""
    kind: Form = "xlsx" if form == "xlsx" else "csv"
    return sent(
        _name(it),
        kind,
        lambda target: export(
            it.conn, it.call, it.object.name, target, form=kind, where=it.question.condition, sort=it.question.sort,
            fields=[c.path for c in it.question.columns], labels=True, bom=True, q=it.question.q, ids=ids,
        ),
        HEADERS,
    )  # fmt: skip


def _name(it: Asked) -> str:
    """What the file is called: the list as people know it, and the day. What a file system would not take is left out."""
    plain = UNFIT.sub(" ", title_of(it)).strip(". ")[:LONGEST]
    return f"{plain or it.object.name} {it.visitor.reader(it.call).today.isoformat()}"
