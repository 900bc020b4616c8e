"""Sharing: who has a record beside its owner, on its page and on a page of its own where that is changed.

In: `GET …/{id}/sharing`, with `q=` to find people among many; posts below it. Out: the page; after a change 303 back to it; 422 with
what was typed and why it was refused. What may be given is said by ways/give and ways/transfer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, PatronError, Refused
from patron_engine.page.may import allowed
from patron_engine.page.people import choices, people_of
from patron_engine.page.record import record_page
from patron_engine.ways.give import Wish, give, given, offered_sets, take
from patron_engine.ways.transfer import Handing, Went, transfer
from patron_platform.web.arriving import see_other
from patron_platform.web.record_form import Form, Posted, confirms
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}/sharing", include_in_schema=False)


@router.get("")
def sharing(request: Request, workspace: str, object: str, id: UUID) -> Response:
    return _draw(enter(request, workspace), object, str(id), {"q": request.query_params.get("q", "")})


@router.post("")
def add(form: Posted) -> Response:
    """`reason` share or team, `to` KIND:ID, `level`, `until`, `role`, `with` (several)."""
    reason = "team" if form.typed.get("reason") == "team" else "share"
    wish = Wish(
        reason="team" if reason == "team" else "share", to=_to(form.typed), level=form.typed.get("level", "read"),
        until=form.typed.get("until"), role=form.typed.get("role") if reason == "team" else None,
        along=form.several("with"),
    )  # fmt: skip
    return _done(form, lambda: form.write(lambda conn, call: give(conn, call, form.object, form.id, wish)))


@router.post("/remove")
def remove(form: Posted) -> Response:
    """`reason` and `principal`."""
    typed = form.typed
    reason = "team" if typed.get("reason") == "team" else "share"
    return _done(
        form,
        lambda: form.write(
            lambda conn, call: take(
                conn,
                call,
                form.object,
                form.id,
                typed.get("principal", ""),
                "team" if reason == "team" else "share",
            )
        ),
    )


@router.post("/transfer")
def hand_over(form: Posted) -> Response:
    """`to` KIND:ID, `keep`, `with` (several)."""
    handing = Handing(
        to=_to(form.typed),
        keep=form.typed.get("keep") or None,
        along=form.several("with"),
        confirm=form.confirm,
    )
    went: list[Went] = []

    def act() -> None:
        went.append(form.write(lambda conn, call: transfer(conn, call, form.object, form.id, handing)))

    answer = _done(form, act)
    return form.back("asked") if went and went[0].instance is not None else answer


def _to(typed: Mapping[str, str]) -> dict[str, str]:
    kind, _, id = typed.get("to", "").partition(":")
    return {kind: id}


def _done(form: Form, act: Any) -> Response:
    """Back to the page; to the record's list where it is no longer his to see."""
    try:
        act()
    except (Refused, Conflict, Forbidden, LimitExceeded) as error:
        confirm = confirms(error) if isinstance(error, Refused) else ()
        return _draw(form.visitor, form.object, form.id, form.typed, error=error, confirm=confirm)
    here = form.visitor.url("o", form.object, form.id)
    try:
        form.visitor.workspace.reading(
            form.visitor.actor, lambda conn, call: given(conn, call, form.object, form.id)
        )
    except NotFound:
        return see_other(form.visitor.url("o", form.object))
    return see_other(f"{here}/sharing")


def _draw(
    visitor: Visitor, object: str, id: str, typed: Mapping[str, str], *, error: PatronError | None = None,
    confirm: tuple[str, ...] = (),
) -> Response:  # fmt: skip
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        made = record_page(conn, call, reader, object, id)
        if made.deleted:
            raise NotFound("the record is in the recycle bin")
        sets = {
            name: reader.say(s.label) or reader.say(call.model.objects[s.object].plural, name)
            for name, s in offered_sets(call, made.object).items()
        }
        return page(
            visitor, call, "record_sharing.html", title=texts_in(visitor.languages[0])("sharing.title"), here=made.object.name,
            made=made, here_url=visitor.url("o", made.object.name, made.id), typed=typed, sets=sets, confirm=confirm,
            people=people_of(conn, call, made.object.name, made.id), choices=choices(conn, call, typed.get("q", "")),
            shares=allowed(call, "share", made.object.name) and made.object.owner != "master",
            transfers=allowed(call, "transfer", made.object.name) and "owner" in made.object.fields,
            error=error.detail if error else "", status=200 if error is None else 422,
        )  # fmt: skip
