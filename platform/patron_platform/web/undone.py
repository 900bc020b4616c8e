"""Undone: an act is taken back from a page, and what stayed is named.

In: `POST /w/{workspace}/undo/{act}` from the message of the act, with `back`. Out: 303 to the page it stood on, or to
`GET …/undo/{act}`, which says for ten minutes which records stayed as they are, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.phrases import Phrase, found_again
from patron_engine.query.call import Call
from patron_engine.query.titles import refs_of, titles_of
from patron_engine.record.undo import Kept
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import local_address, see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.undo import MINUTES, Connection, act_of, told, undo
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)

WHYS = frozenset({"changed_since", "gone", "unknown_object", "refused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A record that stays as it is, or was refused, and why; "" is the title of one that he may not read, or that is gone."""

    object: str
    id: str
    title: str
    why: str


@router.post("/undo/{act}")
def undo_act(request: Request, workspace: str, act: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    _, kept = visitor.workspace.writing(
        visitor.actor, lambda conn, call: undo(conn, call, act), visitor.cause
    )
    back = local_address(given.get("back")) or visitor.url("")
    if kept:
        return see_other(f"{visitor.url('undo', act)}?{urlencode({'back': back})}")
    return see_other(told(back, act))


@router.get("/undo/{act}")
def undone_act(request: Request, workspace: str, act: str) -> Response:
    """Which records an undo left as they are, and why."""
    visitor = enter(request, workspace)
    t = texts_in(visitor.languages[0])
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = act_of(conn, call, act)
        if found is None or found.undone is None:
            raise NotFound(
                "nothing was taken back here, or it is longer ago",
                hint=Phrase("it is kept for {minutes} minutes", minutes=MINUTES),
            )
        kept = [Kept(object=o, id=i, why=found_again(why)) for o, i, why in found.undone["kept"]]
        stayed = [
            replace(one, why=t(f"lists.kept_{one.why}") if one.why in WHYS else visitor.words(one.why))
            for one in told_of(conn, call, kept)
        ]
        return page(
            visitor, call, "list_result.html", title=t("lists.undo"), here="", back=_back(visitor), told=stayed,
            said=t("lists.undone_some", n=found.undone["back"], kept=len(stayed)), head=t("lists.stayed"),
        )  # fmt: skip


def _back(visitor: Visitor) -> str:
    return local_address(visitor.request.query_params.get("back")) or visitor.url("")


def told_of(conn: Connection, call: Call, records: Sequence[Kept]) -> list[Told]:
    """What records are called, those in the recycle bin too; of one he may not read, or that is gone, nothing."""
    wanted = refs_of((r.object, r.id) for r in records)
    living = titles_of(conn, call, wanted)
    left = {object: [id for id in ids if (object, id) not in living] for object, ids in wanted.items()}
    found = living | titles_of(conn, call, left, deleted=True)
    return [Told(object=r.object, id=r.id, title=found.get((r.object, r.id), ""), why=r.why) for r in records]
