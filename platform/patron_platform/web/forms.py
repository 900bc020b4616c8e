"""Forms: a new record, and a record being changed; sent, looked at while one writes, and saved.

In: signed-in requests under /w/{workspace}/o/{object}. Out: the form (200, or 422 with everything typed and what is wrong), 303 to
the record once it is saved, JSON of what changed for the open form. Every write goes through the way save.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NeedsConfirmation, Refused, StaleVersion
from patron_engine.jsonio import dumps, whole
from patron_engine.model.model import Object
from patron_engine.page.conflicts import row_conflicts
from patron_engine.page.form import form_of
from patron_engine.page.form_names import input_name
from patron_engine.page.form_tree import Opening
from patron_engine.page.typed import Typed, TypedRow, as_drawn, typed_of
from patron_engine.query.call import Call
from patron_engine.query.titles import refs_of, titles_of
from patron_engine.record.change import Outcome
from patron_engine.ways.approval_lock import left_open
from patron_platform.api.idempotency import Answer
from patron_platform.web import csrf, forms_in
from patron_platform.web.approval_said import asked_for
from patron_platform.web.arriving import local_address
from patron_platform.web.form_desk import Desk
from patron_platform.web.form_live import live_answer
from patron_platform.web.form_page import Said, draw_form
from patron_platform.web.form_stale import Stale, chosen
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.once import gone_on, once
from patron_platform.web.problems import words_in
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/o/{object}", include_in_schema=False)
Connection = psycopg.Connection[Any]


@router.get("/new")
def new_form(request: Request, workspace: str, object: str) -> Response:
    desk = Desk(visitor=enter(request, workspace), name=object)
    return open_form(desk)


@router.get("/{id}/edit")
def edit_form(request: Request, workspace: str, object: str, id: str) -> Response:
    return open_form(Desk(visitor=enter(request, workspace), name=object, id=id))


@router.post("/new")
def create(request: Request, workspace: str, object: str, form: FormData) -> Response:
    return send_form(Desk(visitor=enter(request, workspace), name=object), form)


@router.post("/{id}/edit")
def update(request: Request, workspace: str, object: str, id: str, form: FormData) -> Response:
    return send_form(Desk(visitor=enter(request, workspace), name=object, id=id), form)


@router.post("/new/preview")
def preview_new(request: Request, workspace: str, object: str, form: FormData) -> Response:
    return preview_form(Desk(visitor=enter(request, workspace), name=object), form)


@router.post("/{id}/preview")
def preview_edit(request: Request, workspace: str, object: str, id: str, form: FormData) -> Response:
    return preview_form(Desk(visitor=enter(request, workspace), name=object, id=id), form)


# -- opening ----------------------------------------------------------------------------------------------------------


def open_form(desk: Desk) -> Response:
    """The form as it begins."""
    visitor = desk.visitor
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        opening = _opening(conn, call, desk)
        if desk.id is None and opening.record_type is None and not desk.dialog:
            chosen = _types(desk, call, opening.object)
            if chosen is not None:
                return chosen
        tree = form_of(conn, call, visitor.reader(call), opening)
        return draw_form(visitor, call, tree, desk.around(None, tree), Said())


def _opening(conn: Connection, call: Call, desk: Desk, typed: Typed | None = None) -> Opening:
    """What is opened; of a record that an approval locks only what it leaves open may be written."""
    opening = replace(
        desk.opening(conn, call, typed), open=left_open(conn, call, desk.object(call).name, desk.id)
    )
    if desk.id is not None and opening.record_type is None:
        opening = replace(opening, record_type=_type_of(conn, call, opening))
    return replace(opening, only=desk.places(call, opening))


def _types(desk: Desk, call: Call, object: Object) -> Response | None:
    """The page that asks which type it shall be, where there are several."""
    visitor, reader = desk.visitor, desk.visitor.reader(call)
    types = [
        t for t in object.record_types.values()
        if not t.roles or visitor.actor.administrator or visitor.actor.roles & set(t.roles)
    ]  # fmt: skip
    if len(types) < 2:
        return None
    rest = {k: v for k, v in desk.parameters.items() if k != "type"}
    choices = [
        {
            "label": reader.say(k.label, k.name),
            "when": reader.say(k.description),
            "address": f"?{urlencode({**rest, 'type': k.name})}",
        }
        for k in types
    ]
    title = texts_in(visitor.languages[0])("forms.new_of", name=reader.say(object.label, object.name))
    return page(visitor, call, "form_types.html", title=title, here=object.name, types=choices)


def _type_of(conn: Connection, call: Call, opening: Opening) -> str | None:
    """The type of a record that is edited."""
    if not opening.object.record_types:
        return opening.record_type
    from patron_engine.ways.read import read_one

    return (
        read_one(conn, call, opening.object.name, opening.id or "", fields=["record_type"])
        .record()
        .get("record_type")
    )


# -- sending --------------------------------------------------------------------------------------------------------


def send_form(desk: Desk, form: Pairs) -> Response:
    """The form was sent: on to where it leads, or the form again."""
    visitor = desk.visitor
    csrf.check(visitor.request, visitor.session.id, forms_in.texts(form))
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        object = desk.object(call)
        typed = chosen(reshaped(object, typed_of(object, form)))
    if {"_add", "_remove", "_redraw", "_more", "_search"} & set(typed.frame):
        return _again(desk, typed, Said(dirty=True))
    try:
        return _save(desk, typed, form).response()
    except NeedsConfirmation as error:
        rules = sorted({p.rule for p in error.problems if p.rule and p.level == "warning"})
        return _again(desk, typed, Said(status=422, confirm=",".join(rules), dirty=True), asked=error)
    except StaleVersion as error:
        return _stale(desk, typed, form, error)
    except Refused as error:
        return _again(desk, typed, Said(status=422, dirty=True), refused=error)


def _save(desk: Desk, typed: Typed, form: Pairs) -> Answer:
    """Writes what was typed, once for a form that is sent twice. What the layout asks for is judged in the same transaction."""
    visitor = desk.visitor
    version = typed.frame.get("_version", "")

    def act(conn: Connection, call: Call) -> Answer:
        tree = form_of(conn, call, visitor.reader(call), _opening(conn, call, desk, typed), typed)
        if tree.wrong:
            raise Refused(tree.wrong)
        change = replace(
            tree.change,
            version=whole(version) if desk.id else None,
            confirm=frozenset(r for r in typed.frame.get("_confirm", "").split(",") if r),
        )
        return _onward(conn, call, desk, typed, desk.carry_out(conn, call, change))

    return once(visitor, form, act)


def _onward(conn: Connection, call: Call, desk: Desk, typed: Typed, outcome: Outcome) -> Answer:
    """Where one goes when it is saved."""
    url = desk.visitor.url
    if desk.dialog:
        title = _title(conn, call, outcome)
        body = dumps({"id": outcome.id, "object": outcome.object, "title": title})
        return Answer(body, 201, {"Cache-Control": "no-store"})
    if outcome.instance is not None:  # it is kept until it is approved, or is being approved from now on
        return gone_on(url("o", outcome.object, str(outcome.id)) + f"?done={asked_for(outcome)}")
    if "_again" in typed.frame:
        kind = {"type": typed.fields["record_type"][""][-1]} if typed.fields.get("record_type") else {}
        return gone_on(url("o", desk.name, "new") + (f"?{urlencode(kind)}" if kind else ""))
    if outcome.action == "submitted":  # it waits for an approval, which the record's page says
        return gone_on(url("o", outcome.object, str(outcome.id)) + "?done=submitted")
    return gone_on(local_address(typed.frame.get("_next")) or desk.landing(outcome))


def _title(conn: Connection, call: Call, outcome: Outcome) -> str:
    ref = (outcome.object, str(outcome.id))
    return titles_of(conn, call, refs_of([ref])).get(ref, "")


def _again(
    desk: Desk, typed: Typed, said: Said, *, refused: Refused | None = None, asked: Refused | None = None
) -> Response:
    """The form once more, with everything that was typed."""
    visitor = desk.visitor
    if refused and desk.field:
        desk = replace(desk, also=tuple(dict.fromkeys(input_name(typed, p.path) for p in refused.problems)))
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        words = words_in(visitor.languages, call.model)
        found = refused.problems if refused else () if asked else None
        tree = form_of(
            conn,
            call,
            visitor.reader(call),
            _opening(conn, call, desk, typed),
            typed,
            words=words,
            found=found,
        )
        if said.version is None:
            said = replace(said, version=whole(typed.frame.get("_version", "0")))
        if asked is not None:
            warnings = [(input_name(typed, p.path), words(p)) for p in asked.problems]
            said = replace(said, warnings=warnings)
        return draw_form(visitor, call, tree, desk.around(typed, tree), said)


def _stale(desk: Desk, typed: Typed, form: Pairs, error: StaleVersion) -> Response:
    """Both values of what two people changed; where they changed different things, both changes are kept."""
    version = int(error.values["version"])
    with desk.visitor.workspace.connection("read") as conn:
        call = desk.visitor.workspace.call(conn, desk.visitor.actor)
        reader, object = desk.visitor.reader(call), desk.object(call)
        rows = row_conflicts(conn, call, reader, object, desk.id or "", typed)
    differs = {
        n: both for n, both in error.values.items()
        if n != "version" and not as_drawn(object.fields[n], typed, both["theirs"], reader)
    }  # fmt: skip
    if not differs and not rows:
        return _send_again(desk, typed, form, version)
    stale = Stale(fields=differs, rows=rows)
    return _again(desk, typed, Said(status=422, stale=stale, version=version, dirty=True))


def _send_again(desk: Desk, typed: Typed, form: Pairs, version: int) -> Response:
    renewed = replace(typed, frame={**typed.frame, "_version": str(version)})
    try:
        return _save(desk, renewed, form).response()
    except Refused as error:
        return _again(desk, renewed, Said(status=422, dirty=True), refused=error)


# -- what the buttons of a form ask besides -----------------------------------------------------------------------------


def reshaped(object: Object, typed: Typed) -> Typed:
    """A row more or less, as buttons ask without scripts."""
    set = typed.frame.get("_add", "")
    removed = typed.frame.get("_remove", "").split(".")
    rows = {s: list(found) for s, found in typed.rows.items()}
    if set in object.details:
        known = {r.key for r in rows.get(set, ())}
        key = next(f"n{n}" for n in range(1, len(known) + 2) if f"n{n}" not in known)
        rows.setdefault(set, []).append(TypedRow(key=key, id=None, fields={}, was={}))
    if len(removed) == 2 and removed[0] in rows:
        rows[removed[0]] = [
            replace(r, delete=True) if r.key == removed[1] else r
            for r in rows[removed[0]]
            if r.key != removed[1] or r.id is not None
        ]
    return replace(typed, rows={s: tuple(found) for s, found in rows.items()})


def preview_form(desk: Desk, form: Pairs) -> Response:
    """What has changed in an open form since it was drawn."""
    visitor = desk.visitor
    csrf.check(visitor.request, visitor.session.id, forms_in.texts(form))
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        typed = typed_of(desk.object(call), form)
        reader = visitor.reader(call)
        words = words_in(visitor.languages, call.model)
        tree = form_of(conn, call, reader, _opening(conn, call, desk, typed), typed, words=words)
        return live_answer(visitor, call, tree, typed)
