"""Webhooks for administrators: which systems are told of saves, what they took, and their secrets.

In: `GET /w/{workspace}/admin/webhooks`, posts to it and `…/{id}/renew|settle|switch|remove`; `GET …/{id}` is its log. Out:
pages. A secret is shown once, on the page that answers the form which made it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.responses import Response

from patron_engine.errors import LimitExceeded
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record import audit, hooks, outbox
from patron_platform.outward.client import host_of
from patron_platform.outward.sending import outside_of
from patron_platform.outward.subscribing import problems_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin_outbox import Admin, lines
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor

router = APIRouter(prefix="/w/{workspace}/admin/webhooks", include_in_schema=False)
Conn = psycopg.Connection[Any]


@router.get("")
def listed(visitor: Admin) -> Response:
    return _list(visitor)


@router.post("")
def subscribe(visitor: Admin, form: FormData) -> Response:
    given = _given(visitor, form)
    label, url = given.get("label", "").strip(), given.get("url", "").strip()
    events = [e for e in re.split(r"[,，\s]+", given.get("events", "")) if e]
    vault = visitor.workspace.vault
    outside = outside_of(visitor.service)

    def act(conn: Conn, call: Call) -> tuple[Sequence[Problem], str]:
        found = problems_of(call.model, label, url, events, outside)
        if found:
            return found, ""
        try:
            secret = hooks.subscribe(
                conn, call.schema, vault, call.new_id(), label=label, url=url, events=events, person=call.actor.user,
                now=call.now,
            )  # fmt: skip
        except LimitExceeded as error:
            return [Problem(code=error.code, message=error.detail, path="label")], ""
        audit.note(conn, call, "webhook_changed", label)
        return (), secret

    wrong, secret = visitor.workspace.writing(visitor.actor, act)
    return _list(visitor, typed=given, wrong=wrong, secret=secret, status=422 if wrong else 200)


@router.get("/{id:uuid}")
def opened(visitor: Admin, id: UUID) -> Response:
    return _open(visitor, str(id))


@router.post("/{id:uuid}/renew")
def renew(visitor: Admin, id: UUID, form: FormData) -> Response:
    _given(visitor, form)
    vault = visitor.workspace.vault
    secret = visitor.workspace.writing(
        visitor.actor, lambda conn, call: hooks.renew(conn, call.schema, vault, str(id))
    )
    return _open(visitor, str(id), secret)


@router.post("/{id:uuid}/settle")
def settle(visitor: Admin, id: UUID, form: FormData) -> Response:
    _given(visitor, form)
    visitor.workspace.writing(visitor.actor, lambda conn, call: hooks.settle(conn, call.schema, str(id)))
    return see_other(visitor.url("admin", "webhooks", str(id)))


@router.post("/{id:uuid}/switch")
def switch(visitor: Admin, id: UUID, form: FormData) -> Response:
    on = _given(visitor, form).get("on") == "yes"
    visitor.workspace.writing(visitor.actor, lambda conn, call: hooks.switch(conn, call.schema, str(id), on))
    return see_other(visitor.url("admin", "webhooks", str(id)))


@router.post("/{id:uuid}/remove")
def remove(visitor: Admin, id: UUID, form: FormData) -> Response:
    _given(visitor, form)

    def act(conn: Conn, call: Call) -> None:
        label = hooks.webhook(conn, call.schema, str(id)).label
        hooks.unsubscribe(conn, call.schema, str(id))
        audit.note(conn, call, "webhook_removed", label)

    visitor.workspace.writing(visitor.actor, act)
    return see_other(visitor.url("admin", "webhooks"))


def _given(visitor: Visitor, form: FormData) -> Mapping[str, str]:
    given = forms_in.texts(form)
    csrf.check(visitor.request, visitor.session.id, given)
    return given


def _list(
    visitor: Visitor, *, typed: Mapping[str, str] | None = None, wrong: Sequence[Problem] = (), secret: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    def shown(conn: Conn, call: Call) -> Response:
        found = [{"hook": h, "host": host_of(h.url)} for h in hooks.webhooks(conn, call.schema)]
        return page(
            visitor, call, "admin_webhooks.html", title=texts_in(visitor.languages[0])("outward.webhooks"),
            here="admin", rows=found, typed=typed if wrong and typed else {}, secret=secret, status=status,
            wrong={p.path: visitor.words(p.message) for p in wrong},
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, shown)


def _open(visitor: Visitor, id: str, secret: str = "") -> Response:
    vault = visitor.workspace.vault

    def shown(conn: Conn, call: Call) -> Response:
        hook = hooks.webhook(conn, call.schema, id)
        parcels = outbox.listed(conn, call.schema, state="all", via=id)
        return page(
            visitor, call, "admin_webhook.html", title=hook.label, here="admin", hook=hook, secret=secret,
            changing=len(hooks.secrets_of(conn, call.schema, vault, id)) > 1,
            parcels=lines(visitor, conn, call, parcels),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, shown)
