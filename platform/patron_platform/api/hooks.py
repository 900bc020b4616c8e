"""Hooks over HTTP: `POST /hooks/{token}` is what other systems call; the address is shown and changed below /automations.

In: a body of JSON, of a form, or of text, at most 256 KB, or a letter as it arrived (`message/rfc822`, for the event `email`); `Patron-Signature: sha256=HMAC(secret, body)` where the address demands it.
Out: 202 `{"run": id}`, null where the automation's condition does not hold. 404 for an address that is none, whatever is wrong with it.
An `Idempotency-Key` makes a call that is repeated begin one run, and so does the
Message-ID of a letter. Letters to other addresses than the automation's, and those that programs answer with, begin nothing.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any, Final, cast
from urllib.parse import parse_qsl

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import SYSTEM, Cause
from patron_engine.errors import LimitExceeded, NotFound
from patron_engine.flow.run import Run
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.runtime import Workspace
from patron_engine.ways import hooks
from patron_platform.api.arrived import read_letter
from patron_platform.api.body import BadBody, UnsupportedMedia, read_json
from patron_platform.api.door import Caller
from patron_platform.api.enclosed import kept
from patron_platform.api.errors import Unauthenticated
from patron_platform.api.idempotency import Answer, write, write_named
from patron_platform.api.requests import Body
from patron_platform.service import Service

router = APIRouter()
LARGEST: Final = 256 * 1024  # limit_hook_body: bytes of a call
LETTER: Final = "message/rfc822"
LONGEST: Final = 300  # characters of the last part of an address
SECRETS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})  # headers no automation reads
Connection = psycopg.Connection[Any]


@router.post("/hooks/{token}")
def receive(request: Request, token: str, data: Body) -> Response:
    service: Service = request.app.state.service
    place, rule = _named(service, token)
    hook = place.reading(SYSTEM, lambda conn, call: _known(conn, call, service, rule))
    if not hmac.compare_digest(hook.token.encode(), token.encode()):
        raise _nothing()
    _signed(request, hook, data)
    caller = Caller(principal=f"hook:{rule}", actor=SYSTEM, workspace=place, cause=Cause(kind="automation", detail={"rule": rule}))  # fmt: skip
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == LETTER:
        return _letter(request, caller, rule, data)
    if not place.reading(SYSTEM, lambda _, call: hooks.listens(call.model, rule, "webhook")):
        raise UnsupportedMedia(Phrase("this address takes letters: {type}", type=LETTER))
    if len(data) > LARGEST:
        raise LimitExceeded(Phrase("a call has at most {most} bytes", most=LARGEST), code="limit_hook_body")
    offered = {
        "body": _read(request, data),
        "headers": {k.replace("-", "_"): v for k, v in request.headers.items() if k not in SECRETS},
        "query": dict(request.query_params),
    }

    def act(conn: Connection, call: Call) -> Answer:
        run = hooks.received(conn, call, rule, offered)
        return _begun(run)

    return write(request, caller, data, act)


def _letter(request: Request, caller: Caller, rule: str, data: bytes) -> Response:
    """A letter begins one run, however often it is delivered."""
    letter, service = read_letter(data), cast(Service, request.app.state.service)

    def act(conn: Connection, call: Call) -> Answer:
        wanted = not letter.automatic and hooks.listens(call.model, rule, "email", letter.addresses)
        run = None
        with conn.transaction() as inside:  # without a run nothing of its files stays
            if wanted:
                takes = hooks.files_taken(call.model, rule, letter.addresses)
                files = kept(conn, call, letter.enclosed, takes, service.settings.files)
                run = hooks.received(conn, call, rule, {**letter.offered(), **files}, "email")
            if run is None:
                raise psycopg.Rollback(inside)
        return _begun(run)

    if not letter.id or request.headers.get("idempotency-key") is not None:
        return write(request, caller, data, act)
    return write_named(caller, f"{caller.principal}\nletter\n{letter.id}", letter.id, act).response()


def _begun(run: Run | None) -> Answer:
    return Answer(dumps({"run": run.id if run is not None else None}), 202)


def _named(service: Service, token: str) -> tuple[Workspace, str]:
    parts = token.rsplit(".", 2)
    if len(parts) != 3 or len(token) > LONGEST or not token.isprintable():
        raise _nothing()
    try:
        return service.runtime.workspace(parts[0]), parts[1]
    except NotFound:
        raise _nothing() from None


def _known(conn: Connection, call: Call, service: Service, rule: str) -> hooks.Hook:
    try:
        return hooks.hook_of(conn, call, service.runtime.secret, rule)
    except NotFound:
        raise _nothing() from None


def _nothing() -> NotFound:
    return NotFound(Phrase("there is no such address"), code="hook_not_found")


def _signed(request: Request, hook: hooks.Hook, data: bytes) -> None:
    """A signature that is sent is right, and where one is demanded it is sent."""
    sent = request.headers.get("patron-signature")
    if sent is None and not hook.signed:
        return
    right = "sha256=" + hmac.digest(hook.secret.encode(), data, sha256).hex()
    if not hmac.compare_digest(right.encode(), (sent or "").encode("utf-8", "replace")):
        raise Unauthenticated(
            "the signature of this call is missing or wrong",
            hint="Patron-Signature: sha256= and the HMAC-SHA256 of the body, with the secret of the address",
        )


def _read(request: Request, data: bytes) -> Any:
    """What `event.body` is: JSON as it is, a form as an object of texts, anything else as a text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not data:
        return None
    if kind.endswith("json"):
        return read_json("application/json", data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadBody("a text is sent as UTF-8", code="bad_encoding") from None
    if "\x00" in text:
        raise BadBody("a text holds no NUL", code="nul")
    return dict(parse_qsl(text)) if kind == "application/x-www-form-urlencoded" else text
