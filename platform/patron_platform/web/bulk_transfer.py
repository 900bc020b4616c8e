"""Bulk transfer: the chosen records of a list are handed over to another owner, with the options of handing one over.

In: `POST …/transfer` with ids, or `every` for all that fit (at most 1,000); then, from the page that asks to whom, `sure` with `to`,
`keep`, `with` (several). Out: that page; after the act 303 to the list, or a page with what did not go and why. Each by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Action
from patron_engine.actor import Cause
from patron_engine.errors import Conflict, PatronError, Refused
from patron_engine.page.people import choices
from patron_engine.phrases import Phrase
from patron_engine.query.names import permitted_object
from patron_engine.record.undo import Kept
from patron_engine.ways.give import offered_sets
from patron_engine.ways.transfer import Handing, transfer_each
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.bulk import chosen
from patron_platform.web.forms_in import FormData
from patron_platform.web.lists import Asked, asked, here
from patron_platform.web.lists import title_of as page_title
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.undone import told_of

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)
WAITS = Phrase("it is handed over when its approval ends well")
RIGHTS: tuple[Action, ...] = ("transfer", "bulk")


@router.post("/transfer")
def bulk_transfer(request: Request, workspace: str, object: str, form: FormData) -> Response:
    given = forms_in.texts(form)
    parameters = {k: v for k, v in request.query_params.items() if k not in ("after", "band")}
    with asked(request, workspace, object, parameters) as it:
        csrf.check(request, it.visitor.session.id, given)
        for right in RIGHTS:
            permitted_object(it.call, it.object.name, right)
        ids = chosen(it, form)
        if "find" in given or "sure" not in given or not given.get("to"):
            return _page(it, ids, given)
        handing = Handing(
            to={"user": given["to"].removeprefix("user:")}, keep=given.get("keep") or None,
            along=forms_in.several(form, "with"),
        )  # fmt: skip
        back = here(it)
    cause = Cause(kind=it.visitor.cause.kind, detail={**it.visitor.cause.detail, "bulk": True})
    made = it.visitor.workspace.writing(
        it.visitor.actor, lambda conn, call: transfer_each(conn, call, it.object.name, ids, handing), cause
    )
    refused = [
        (id, error or Conflict(WAITS))
        for id, went, error in made
        if error is not None or went.instance is not None
    ]
    return see_other(back) if not refused else _left(it, refused, len(made), back)


def _page(it: Asked, ids: Sequence[str], given: Mapping[str, str]) -> Response:
    """To whom."""
    reader = it.visitor.reader(it.call)
    sets = {
        name: reader.say(s.label) or reader.say(it.call.model.objects[s.object].plural, name)
        for name, s in offered_sets(it.call, it.object).items()
    }
    people = choices(it.conn, it.call, given.get("q", ""), ("user",)).get("user", [])
    return page(
        it.visitor, it.call, "list_transfer.html", title=page_title(it), here=it.object.name, ids=ids, people=people, sets=sets,
        typed=given, back=here(it), action=it.visitor.request.url.path + (f"?{it.visitor.request.url.query}" if it.visitor.request.url.query else ""),
        status=422 if "sure" in given and "find" not in given else 200,
    )  # fmt: skip


def _left(it: Asked, refused: Sequence[tuple[str, PatronError]], count: int, back: str) -> Response:
    """What did not go, and why."""
    t = texts_in(it.visitor.languages[0])
    with it.visitor.workspace.connection("read") as conn:
        call = it.visitor.workspace.call(conn, it.visitor.actor)
        kept = [Kept(object=it.object.name, id=id, why=_why(it, error)) for id, error in refused]
        told = told_of(conn, call, kept)
        said = t("lists.result", done=count - len(told), refused=len(told))
        return page(
            it.visitor, call, "list_result.html", title=page_title(it), here=it.object.name, told=told, said=said,
            head=t("lists.refused"), back=back,
        )  # fmt: skip


def _why(it: Asked, error: PatronError) -> str:
    problems = error.problems if isinstance(error, Refused) else ()
    return " ".join(it.visitor.words(p.message) for p in problems) or it.visitor.words(error.detail)
