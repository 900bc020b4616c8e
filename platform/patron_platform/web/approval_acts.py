"""Approval acts: what people do with an approval from its page: decide, hand on, speak; withdraw, urge; what administrators do.

In: forms of the page: `_act`, `_comment`, `_person` (several), `_to` (a step), `_how`, `_signature`, `_confirm`, `_chosen.NODE`, and
the fields of the record that the step opens. Out: 303 to the page of the approval or, after a decision, to the next that waits; the
page again with everything typed and why it was not done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.approval.value import Instance
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, PatronError, Refused
from patron_engine.page.step_form import given_of
from patron_engine.page.typed import Typed, typed_of
from patron_engine.query.call import Call
from patron_engine.ways import approval_admin, approval_box, approve, deciding
from patron_engine.ways.approval_people import Wish, speak_of
from patron_engine.ways.approval_right import looking
from patron_engine.ways.approvals_seen import look
from patron_platform.api.errors import status_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.approval_page import Sent, draw_approval, granted_of
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/approvals", include_in_schema=False)
Connection = psycopg.Connection[Any]
SAID = {
    "approve": "approved", "finish": "finished", "reject": "rejected", "return": "returned", "transfer": "transferred", "delegate": "delegated",
    "add_signer": "signer_added", "remove_signer": "signer_removed", "claim": "claimed", "ask": "asked_people",
    "comment": "commented", "take_back": "taken_back",
}  # fmt: skip
DECISIONS = (
    "approve",
    "finish",
    "reject",
    "return",
    "transfer",
    "delegate",
)  # after these the next one that waits is opened
Whole = Callable[[Connection, Call, str, Mapping[str, str]], Instance]
WHOLE: Mapping[str, tuple[str, Whole]] = {
    "withdraw": ("withdrawn", lambda conn, call, id, given: approve.withdraw(conn, call, id, given.get("_comment") or None)),
    "urge": ("urged", lambda conn, call, id, given: approve.urge(conn, call, id)),
    "resubmit": ("resubmitted", lambda conn, call, id, given: approve.resubmit(conn, call, id, given.get("_comment") or None, call.cause.chosen)),
    "jump": ("jumped", lambda conn, call, id, given: approval_admin.jump(conn, call, id, given.get("_to", ""), given.get("_comment") or None)),
    "end": ("ended", lambda conn, call, id, given: approval_admin.end(conn, call, id, given.get("_comment") or None)),
    "revoke": ("revoked", lambda conn, call, id, given: approval_admin.revoke(conn, call, id, given.get("_comment") or None)),
    "mend": ("mended", lambda conn, call, id, given: approval_admin.mend(conn, call, id, mended_by(given), call.cause.chosen)),
}  # fmt: skip


def mended_by(given: Mapping[str, str]) -> dict[str, list[str]]:
    """Who decides where nobody was found: the step and the person of the form."""
    return {given["_to"]: [given["_person"]]} if given.get("_to") and given.get("_person") else {}


@router.post("/{id:uuid}")
def act(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    """`_act` says which."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    name = given.get("_act", "")
    if name in WHOLE:
        return _whole(visitor, str(id), name, given)
    return _of_task(visitor, str(id), name, form)


def _whole(visitor: Visitor, id: str, name: str, given: Mapping[str, str]) -> Response:
    done, carry_out = WHOLE[name]

    def write(conn: Connection, call: Call) -> Instance:
        return carry_out(conn, call, look(conn, call, id).instance.id, given)

    try:
        made = visitor.workspace.writing(visitor.actor, write, visitor.cause)
    except (Refused, Conflict, Forbidden, LimitExceeded) as error:
        return _again(visitor, id, name, Typed(frame=given), error)
    if given.get("_back") == "record":
        return see_other(visitor.url("o", made.object, made.record) + f"?done={done}")
    if given.get("_back") == "admin":
        return see_other(visitor.url("admin", "approvals") + f"?done={done}")
    return see_other(visitor.url("approvals", id) + f"?done={done}")


# -- tasks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """What was typed, and the fields among it that the step does not open but what follows may ask for."""

    typed: Typed
    more: frozenset[str]
    instance: str
    own: bool  # the address is that of a task of his
    files: tuple[str, ...] = ()


def _of_task(visitor: Visitor, id: str, name: str, form: Pairs) -> Response:
    typing, wish = _read(visitor, id, name, form)
    again = {"_add", "_remove", "_redraw", "_more", "_search"} & set(typing.typed.frame)
    if again or name in ("", "look"):
        return draw_approval(
            visitor, id, Sent(act="look", typed=typing.typed, more=typing.more, files=typing.files)
        )
    if name not in SAID:
        raise NotFound("there is no such page, or it is not yours to see")
    try:
        visitor.workspace.writing(
            visitor.actor, lambda conn, call: _carry_out(conn, call, id, typing, wish), visitor.cause
        )
    except (Refused, Conflict, Forbidden, LimitExceeded) as error:
        return _again(visitor, id, name, typing.typed, error, typing.more, typing.files)
    return see_other(_onward(visitor, id, name))


def _carry_out(conn: Connection, call: Call, id: str, typing: Typing, wish: Wish) -> Instance:
    """With his task; who has none may speak of the whole, as far as he sees it."""
    if wish.act == "comment" and not typing.own:
        return speak_of(conn, call, typing.instance, wish)
    return deciding.act(conn, call, id, wish)


def _read(visitor: Visitor, id: str, name: str, form: Pairs) -> tuple[Typing, Wish]:
    """The form as a wish; NotFound for an approval that is not his to see."""
    frame = {n: v for n, v in form if n.startswith("_")}
    people = [p for p in forms_in.several(form, "_person") if p]
    people += [p for p in forms_in.several(form, "mention") if p and name in ("comment", "ask")]

    def read(conn: Connection, call: Call) -> tuple[Typing, Wish]:
        seen = look(conn, call, id)
        object, reader = call.model.objects[seen.instance.object], visitor.reader(call)
        call = looking(call, seen.viewer)
        typed = typed_of(object, [(n, v) for n, v in form if n != "mention"])
        asked = frozenset(n for n in frame.get("_asked", "").split(",") if n in object.fields)
        granted = granted_of(call, seen, asked)
        wish = Wish(
            act=name, comment=frame.get("_comment") or None, how=frame.get("_how") or "after", source="text",
            to=_to(name, frame, people), fields=given_of(call, reader, granted, typed) if name in ("approve", "finish") else {},
            signature=frame.get("_signature") or None, files=tuple(f for f in forms_in.several(form, "_files") if f), confirm=frame.get("_confirm") or None,
            chosen=forms_in.chosen_in(form),
        )  # fmt: skip
        own = any(m.task.id == id for m in seen.mine)
        return Typing(typed=typed, more=asked, instance=seen.instance.id, own=own, files=wish.files), wish

    return visitor.workspace.reading(visitor.actor, read)


def _to(name: str, frame: Mapping[str, str], people: list[str]) -> Any:
    if name == "return":
        return frame.get("_to") or "submitter"
    if name == "remove_signer":
        return frame.get("_signer", "")
    if name == "comment":
        return people or None
    return people[0] if name in ("transfer", "delegate") and len(people) == 1 else people


def _again(
    visitor: Visitor,
    id: str,
    name: str,
    typed: Typed,
    error: PatronError,
    more: frozenset[str] = frozenset(),
    files: Sequence[str] = (),
) -> Response:
    """The page as it is now, with everything typed and why it was not done."""
    problems = tuple(getattr(error, "problems", ()))
    if error.code == "after_refused":
        more |= {str(p.path).partition(".")[0].partition("[")[0] for p in problems if p.path}
    values: Mapping[str, Any] = (
        error.values if isinstance(error, Conflict) and error.code == "route_changed" else {}
    )
    shown = Sent(
        act=name, typed=typed, problems=problems, told="" if problems else error.detail, more=more,
        confirm=str(values.get("confirm", "")), files=files, route=values.get("route", ()),
    )  # fmt: skip
    return draw_approval(visitor, id, shown, status=status_of(error))


def _onward(visitor: Visitor, id: str, name: str) -> str:
    """The next decision that waits; the same page where none does, or nothing was decided."""
    done = SAID[name]

    def following(conn: Connection, call: Call) -> str | None:
        return next((i.task for i in approval_box.box(conn, call, "waiting", most=1).items), None)

    after = visitor.workspace.reading(visitor.actor, following) if name in DECISIONS else None
    return visitor.url("approvals", after or id) + f"?done={done}"
