"""Notifications: how somebody wants to be told, and the link in a letter that ends letters of its sort.

In: `GET|POST /w/{workspace}/me/notices`; `GET|POST /stop/{token}`, which needs no sign-in. Out: pages; a choice in
`sys__telling`. A post to the link alone ends them (RFC 8058), a visit asks first: programs that look at links end nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.record import telling
from patron_engine.record.telling import CHANNELS, FOUND, REASONS, RHYTHMS, Choice
from patron_platform.outward.links import read_stop_token
from patron_platform.service import Service
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.render import answer, draw, page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter, languages_for

router = APIRouter(include_in_schema=False)
HOURS = tuple(str(hour) for hour in range(24))


@router.get("/w/{workspace}/me/notices")
def notices(request: Request, workspace: str) -> Response:
    return _page(enter(request, workspace))


@router.post("/w/{workspace}/me/notices")
def choose(request: Request, workspace: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    user = visitor.actor.user
    made = _chosen(visitor, form)
    if made is None or user is None:
        return _page(visitor, wrong=True, status=422)
    with visitor.workspace.connection("write") as conn:
        telling.choose(conn, visitor.workspace.schema, user, made)
    return see_other(visitor.url("me", "notices") + "?done=saved")


def _chosen(visitor: Visitor, form: Pairs) -> Choice | None:
    """None for a choice that is none."""
    given = forms_in.texts(form)
    ticked = set(forms_in.several(form, "way"))
    channels = {
        r: [c for c in CHANNELS if f"{r}.{c}" in ticked or (c == "inbox" and r in FOUND)] for r in REASONS
    }
    hours = [given.get(n, "") for n in ("daily_at", "quiet_from", "quiet_until")]
    if given.get("rhythm") not in RHYTHMS or any(h not in ("", *HOURS) for h in hours) or not hours[0]:
        return None
    quiet = (int(hours[1]), int(hours[2])) if hours[1] and hours[2] and hours[1] != hours[2] else None
    zone = visitor.preferences.get("zone")
    return Choice(
        channels=channels, rhythm=given["rhythm"], daily_at=int(hours[0]), quiet=quiet, zone=str(zone) if zone else None
    )  # fmt: skip


def _page(visitor: Visitor, *, wrong: bool = False, status: int = 200) -> Response:
    user = visitor.actor.user or ""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        choice = telling.choices(conn, call.schema, [user]).get(user, Choice()) if user else Choice()
        return page(
            visitor, call, "me_notices.html", title=texts_in(visitor.languages[0])("tell.title"), here="me",
            choice=choice, reasons=REASONS, channels=CHANNELS, found=FOUND, rhythms=RHYTHMS, hours=HOURS, wrong=wrong,
            done=visitor.request.query_params.get("done") == "saved", status=status,
        )  # fmt: skip


# -- the link in a letter -----------------------------------------------------------------------------------------


@router.get("/stop/{token}")
def ask(request: Request, token: str) -> Response:
    _, _, reason = _read(request, token)
    return _stop_page(request, {"token": token, "reason": reason, "done": False})


@router.post("/stop/{token}")
def stop(request: Request, token: str) -> Response:
    """The token is what allows it."""
    csrf.same_site(request)
    workspace, person, reason = _read(request, token)
    service: Service = request.app.state.service
    place = service.runtime.workspace(workspace)
    with place.connection("write") as conn:
        telling.stop_letters(conn, place.schema, person, reason)
    return _stop_page(request, {"token": token, "reason": reason, "done": True})


def _read(request: Request, token: str) -> tuple[str, str, str]:
    service: Service = request.app.state.service
    found = read_stop_token(service.runtime.secret, token)
    if found[2] not in REASONS:
        raise NotFound("this link is not valid", code="link_not_valid")
    return found


def _stop_page(request: Request, values: Mapping[str, Any]) -> Response:
    languages = languages_for(request, {})
    return answer(draw("stop.html", languages, title=texts_in(languages[0])("tell.stop_title"), **values))
