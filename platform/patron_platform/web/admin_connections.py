"""Connections for administrators: the mail server of the workspace, its provider of text messages, robots of chat groups.

In: `GET /w/{workspace}/admin/connections`, `…/new?kind=`, `…/{name}`, and posts to them; `…/{name}/test`, `…/{name}/remove`.
Out: pages; 303 after a change; 422 with what is wrong. Secrets are entered and never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.responses import Response

from patron_engine.errors import LimitExceeded, NotFound, PatronError
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record import audit, connections
from patron_engine.record.connections import KINDS, Connection
from patron_platform.outward.connecting import FIELDS, SECRETS, entered, try_out
from patron_platform.outward.mail import server_of
from patron_platform.outward.sending import outside_of
from patron_platform.outward.texting import FORM
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin_outbox import Admin
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor

router = APIRouter(prefix="/w/{workspace}/admin/connections", include_in_schema=False)
Conn = psycopg.Connection[Any]
DONE = ("saved", "removed", "sent")


@router.get("")
def listed(visitor: Admin) -> Response:
    def shown(conn: Conn, call: Call) -> Response:
        reader = visitor.reader(call)
        rows = [
            {"one": c, "failed": reader.moment(c.failed_at) if c.failed_at else ""}
            for c in connections.connections(conn, call.schema)
        ]
        done = visitor.request.query_params.get("done", "")
        return page(
            visitor, call, "admin_connections.html", title=texts_in(visitor.languages[0])("outward.connections"),
            here="admin", rows=rows, kinds=KINDS, done=done if done in DONE else "",
            of_server=server_of(visitor.service.settings) is not None,
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, shown)


@router.get("/new")
def begin(visitor: Admin) -> Response:
    kind = visitor.request.query_params.get("kind", "")
    if kind not in KINDS:
        raise NotFound("there is nothing at this address")
    return _form(visitor, kind, None)


@router.post("/new")
def make(visitor: Admin, form: FormData) -> Response:
    given = _given(visitor, form)
    kind = given.get("kind", "")
    if kind not in KINDS:
        raise NotFound("there is nothing at this address")
    with visitor.workspace.connection("read") as conn:
        taken = {c.name for c in connections.connections(conn, visitor.workspace.schema)}
    return _kept(visitor, kind, given, None, taken)


@router.get("/{name}")
def edit(visitor: Admin, name: str) -> Response:
    one = _one(visitor, name)
    return _form(visitor, one.kind, one)


@router.post("/{name}")
def change(visitor: Admin, name: str, form: FormData) -> Response:
    given = _given(visitor, form)
    one = _one(visitor, name)
    return _kept(visitor, one.kind, given, one, set())


@router.post("/{name}/test")
def test(visitor: Admin, name: str, form: FormData) -> Response:
    """A first message; what went wrong stands beside the form."""
    _given(visitor, form)
    one = _one(visitor, name)
    now = visitor.workspace.runtime.clock()
    t = texts_in(visitor.languages[0])
    try:
        try_out(
            visitor.service, outside_of(visitor.service), one, to=visitor.session.email, number=_number(visitor),
            text=t("outward.test_text", workspace=visitor.name), now=now,
        )  # fmt: skip
    except PatronError as error:
        why = f"{error.code}: {error.detail}"
        visitor.workspace.writing(
            visitor.actor, lambda conn, call: connections.failed(conn, call.schema, one.name, why, now)
        )
        return _form(visitor, one.kind, one, failed=error, status=422)
    visitor.workspace.writing(
        visitor.actor, lambda conn, call: connections.failed(conn, call.schema, one.name, None, now)
    )
    return see_other(visitor.url("admin", "connections") + "?done=sent")


@router.post("/{name}/remove")
def remove(visitor: Admin, name: str, form: FormData) -> Response:
    _given(visitor, form)

    def act(conn: Conn, call: Call) -> None:
        connections.remove(conn, call.schema, name)
        audit.note(conn, call, "connection_removed", name)

    visitor.workspace.writing(visitor.actor, act)
    return see_other(visitor.url("admin", "connections") + "?done=removed")


def _given(visitor: Visitor, form: FormData) -> Mapping[str, str]:
    given = forms_in.texts(form)
    csrf.check(visitor.request, visitor.session.id, given)
    return given


def _one(visitor: Visitor, name: str) -> Connection:
    with visitor.workspace.connection("read") as conn:
        return connections.one(conn, visitor.workspace.schema, name, visitor.workspace.vault)


def _kept(
    visitor: Visitor, kind: str, given: Mapping[str, str], before: Connection | None, taken: set[str]
) -> Response:
    one, wrong = entered(kind, given, before, outside_of(visitor.service))
    if one.name in taken:
        wrong["name_"] = "wrong_taken"
    if wrong:
        return _form(visitor, kind, before, typed=given, wrong=wrong, status=422)
    vault = visitor.workspace.vault

    def act(conn: Conn, call: Call) -> None:
        connections.keep(conn, call.schema, vault, one, call.now)
        audit.note(conn, call, "connection_changed", one.name, {"kind": kind})

    try:
        visitor.workspace.writing(visitor.actor, act)
    except LimitExceeded:
        return _form(visitor, kind, before, typed=given, wrong={"name_": "wrong_many"}, status=422)
    return see_other(visitor.url("admin", "connections", one.name) + "?done=saved")


def _form(
    visitor: Visitor, kind: str, one: Connection | None, *, typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None, failed: PatronError | None = None, status: int = 200,
) -> Response:  # fmt: skip
    values = {f: "" for f in (*FIELDS[kind], "label", "name_")}
    if one is not None:
        values |= {f: str(v) for f, v in one.config.items() if isinstance(v, (str, int))}
        values |= {"label": one.label, "serves": ", ".join(one.config.get("serves") or ())}
    values |= {f: v for f, v in (typed or {}).items() if f not in SECRETS}

    def shown(conn: Conn, call: Call) -> Response:
        title = one.label if one is not None else texts_in(visitor.languages[0])("outward.new_" + kind)
        active = one is None or one.active if typed is None else typed.get("active") == "yes"
        done = visitor.request.query_params.get("done", "")
        return page(
            visitor, call, "admin_connection.html", title=title, here="admin", kind=kind, one=one,
            values=values, wrong=dict.fromkeys((*FIELDS[kind], "label", "name_")) | dict(wrong or {}), failed=failed,
            kept={f for f in SECRETS if one is not None and one.secret.get(f)}, fields=FIELDS[kind], active=active,
            secrets=SECRETS, usual_form=FORM, status=status, done=done if done in DONE else "",
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, shown)


def _number(visitor: Visitor) -> str:
    """His own number, which a first text message goes to."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = [n for n in ("mobile", "phone") if n in call.model.objects["user"].fields]
        found = fetch_values(conn, call, "user", [visitor.actor.user or ""], known).get(
            visitor.actor.user or "", {}
        )
        return str(next((found[n] for n in known if found.get(n)), ""))
