"""Acts: what is done with a whole record from its page: moved to another stage, deleted, brought back, voided, copied.

In: forms of the record page. Out: a write through the way save, and on to the record as it is then: one that was deleted lies in the
recycle bin, and its page offers the way back. What is missing for a move is asked for on the spot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NeedsConfirmation, NotFound, Refused
from patron_engine.page.asked import inputs_of, values_of
from patron_engine.page.below import goes_with
from patron_engine.page.record import RecordPage, record_page
from patron_engine.page.stages import Move, move_to, stage_conditions
from patron_engine.page.truths import Truths
from patron_engine.problems import Problem
from patron_engine.query.names import known_object
from patron_engine.record.change import Action, Change
from patron_engine.ways.save import save
from patron_platform.api.clone import cloned
from patron_platform.web import forms_in
from patron_platform.web.follow import save_or_again
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.login import see_other
from patron_platform.web.record import Sent, draw_record, sent_by
from patron_platform.web.render import page
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)
ACTS: Mapping[Action, str] = {"restore": "restored", "void": "voided", "unvoid": "unvoided"}


@router.post("/stage")
def move(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """`to`: the stage; beside it the fields that were asked for. 422 with the page while something is missing."""
    visitor = sent_by(request, workspace, form)
    typed = forms_in.texts(form)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        made = record_page(conn, call, reader, object, str(id))
        truths = Truths(conn, call, made.object.name, made.id, stage_conditions(call, made.object))
        wanted = typed.get("to", "")
        bar = made.stages
        moved = bar and move_to(call, reader, made.object, bar, wanted, made.record, truths)
    if not bar or not moved:
        raise NotFound("the record cannot be moved there")
    given = values_of(moved.asked, typed, reader)
    if moved.unmet or any(given.get(f.name) in (None, "") for f in moved.asked):
        return _ask(request, visitor, made, moved, typed)
    change = Change(
        action="update", object=made.object.name, id=made.id, version=made.version,
        set={**moved.set, **given, bar.field: wanted}, confirm=frozenset(forms_in.several(form, "confirm")),
    )  # fmt: skip
    try:
        visitor.workspace.save(visitor.actor, [change], cause=visitor.cause)
    except NeedsConfirmation as refused:
        rules = tuple(sorted({p.rule for p in refused.problems if p.rule}))
        return _ask(request, visitor, made, moved, typed, refused.problems, rules)
    except Refused as refused:
        return _ask(request, visitor, made, moved, typed, refused.problems)
    return see_other(f"{visitor.url('o', made.object.name, made.id)}?done=moved")


def _ask(
    request: Request,
    visitor: Visitor,
    made: RecordPage,
    moved: Move,
    typed: Mapping[str, str],
    problems: tuple[Problem, ...] = (),
    confirm: tuple[str, ...] = (),
) -> Response:
    """The page with the small form of a move: fields to fill, and what else stands in the way."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        named = {p.path for p in problems} - {f.name for f in moved.asked}
        more_fields = [f for name, f in made.object.fields.items() if name in named and not f.computed]
        fields = (*moved.asked, *more_fields)
        inputs = inputs_of(conn, call, reader, fields, typed, problems)
    shown = {i.name for i in inputs}
    more = {
        "step": moved.step, "unmet": moved.unmet, "inputs": inputs,
        "elsewhere": [visitor.words(p.message) for p in problems if p.path not in shown],
        "others": [reader.say(f.label, f.name) for f in fields if f.name not in shown],
    }  # fmt: skip
    sent = Sent(form="stage", typed=typed, problems=problems, confirm=confirm, more=more)
    return draw_record(request, visitor, made.object.name, made.id, sent=sent, status=422)


@router.get("/delete")
def ask_deletion(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """What goes with the record, and what stands in the way, before anything is done."""
    return _deletion(request, enter(request, workspace), object, str(id))


@router.post("/delete")
def delete(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    visitor = sent_by(request, workspace, form)
    confirm = frozenset(forms_in.several(form, "confirm"))
    change = Change(action="delete", object=object, id=str(id), confirm=confirm)
    try:
        visitor.workspace.save(visitor.actor, [change], cause=visitor.cause)
    except (Refused, NeedsConfirmation):
        return _deletion(request, visitor, object, str(id), status=422)
    return see_other(visitor.url("o", object, str(id)))


def _deletion(request: Request, visitor: Visitor, object: str, id: str, status: int = 200) -> Response:
    confirm: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    change = Change(action="delete", object=object, id=id)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        made = record_page(conn, call, visitor.reader(call), object, id)
        if made.deleted or not made.may.delete:
            raise NotFound("there is nothing to delete here")
        gone = goes_with(conn, call, visitor.reader(call), made.object, made.id)
    try:
        visitor.workspace.writing(visitor.actor, lambda conn, call: save(conn, call, [change], trial=True))
    except NeedsConfirmation as refused:
        problems, confirm = refused.problems, tuple(sorted({p.rule for p in refused.problems if p.rule}))
    except Refused as refused:
        problems = refused.problems
    here = visitor.url("o", made.object.name, made.id)
    return page(
        visitor, call, "record_delete.html", title=made.title, here=made.object.name, status=status, made=made,
        here_url=here, gone=gone, problems=problems, confirm=confirm, blocked=bool(problems) and not confirm,
    )  # fmt: skip


@router.post("/clone")
def clone(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    """A copy of the record with its details; on to the copy."""
    visitor = sent_by(request, workspace, form)
    new: list[str] = []

    def act(conn: Any, call: Any) -> None:
        name = known_object(call, object).name
        change = Change(action="create", object=name, set=cloned(conn, call, name, str(id)))
        new[:] = [str(save(conn, call, [change])[0].id)]

    try:
        visitor.workspace.writing(visitor.actor, act, visitor.cause)
    except Refused as refused:
        sent = Sent(form="clone", typed={}, problems=refused.problems)
        return draw_record(request, visitor, object, str(id), sent=sent, status=422)
    return see_other(f"{visitor.url('o', object, new[0])}?done=cloned")


@router.post("/restore")
def restore(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    return _act(request, workspace, object, str(id), form, "restore")


@router.post("/void")
def void(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    return _act(request, workspace, object, str(id), form, "void")


@router.post("/unvoid")
def unvoid(request: Request, workspace: str, object: str, id: UUID, form: FormData) -> Response:
    return _act(request, workspace, object, str(id), form, "unvoid")


def _act(request: Request, workspace: str, object: str, id: str, form: Pairs, act: Action) -> Response:
    visitor = sent_by(request, workspace, form)
    change = Change(action=act, object=object, id=id, confirm=frozenset(forms_in.several(form, "confirm")))
    typed = forms_in.texts(form)
    return save_or_again(request, visitor, object, id, [change], form=act, typed=typed, done=ACTS[act])
