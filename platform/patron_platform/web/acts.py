"""Acts: what is done with a whole record from its page: moved to another stage, deleted, brought back, voided, copied.

In: forms of the record page. Out: a write through the way save, and on to the record as it is then. One that was deleted lies in
the recycle bin: the list of its object says so and offers the way back, so does its page. What is missing for a move is asked
for on the spot.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import MustChoose, NeedsConfirmation, NotFound, Refused
from patron_engine.page.asked import inputs_of, offered, small_widget, values_of
from patron_engine.page.below import goes_with
from patron_engine.page.held import held
from patron_engine.page.record import record_page
from patron_engine.page.record_tree import RecordPage
from patron_engine.page.show import shown
from patron_engine.page.stages import Move, move_to, stage_conditions
from patron_engine.page.truths import Truths
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.titles import titles_of
from patron_engine.record.change import Action, Change, Outcome
from patron_engine.record.undo import Done, remember
from patron_engine.ways.save import save
from patron_engine.ways.unmask import unmask
from patron_platform.api.clone import cloned
from patron_platform.web import undo
from patron_platform.web.approval_said import asked_for
from patron_platform.web.arriving import see_other
from patron_platform.web.held import ALSO, also, drawn, note_down, under
from patron_platform.web.record import Sent, draw_record
from patron_platform.web.record_form import Connection, Form, Posted, confirms
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)


@router.post("/stage")
def move(form: Posted) -> Response:
    """`to`: the stage; beside it the fields that were asked for. 422 with the page while something is missing."""
    with form.reading() as (conn, call):
        reader = form.visitor.reader(call)
        made = record_page(conn, call, reader, form.object, form.id)
        truths = Truths(conn, call, made.object.name, made.id, stage_conditions(call, made.object))
        wanted = form.typed.get("to", "")
        bar = made.stages
        moved = bar and move_to(call, reader, made.object, bar, wanted, made.record, truths)
    if not bar or not moved:
        raise NotFound("the record cannot be moved there")
    given = values_of(moved.asked, form.typed, reader)
    empty = any(given.get(f.name) in (None, "") for f in moved.asked)

    def act(conn: Connection, call: Call) -> Outcome:
        note_down(conn, call, made.object, made.id, form.typed, reader, form.confirm)
        change = Change(
            action="update", object=made.object.name, id=made.id, version=made.version, confirm=form.confirm,
            set={**also(call, made.object, form.typed, reader), **given, bar.field: wanted},
        )  # fmt: skip
        return save(conn, call, [change], trial=empty)[0]

    try:
        outcome = form.write(act)
    except Refused as refused:
        return _ask(form, made, moved, refused.problems, confirms(refused))
    except MustChoose:
        if not empty:  # first what the stage asks for, then who decides about the move
            raise
    return _ask(form, made, moved, moved.unmet) if empty else form.back(asked_for(outcome) or "moved")


def _ask(
    form: Form, made: RecordPage, moved: Move, problems: Sequence[Problem] = (), confirm: Sequence[str] = ()
) -> Response:
    """The page with the small form of a move: fields to fill, what holds the record, and what else stands in the way."""
    asked = {f.name for f in moved.asked}
    # What was never shown is not wrong yet: it is asked for.
    problems = [p for p in problems if p.path not in asked or p.path in form.typed]
    with form.reading() as (conn, call):
        reader = form.visitor.reader(call)
        found = held(call, made.object, problems)
        around = drawn(form.visitor, conn, call, made.object, made.id, found, form.typed)
        own = made.stages.field if made.stages else ""  # why it may not move is told, not asked for
        named = {p.path for p in problems} - asked - {own}
        fields = [f for name, f in made.object.fields.items() if name in named and not f.computed]
        inputs = inputs_of(conn, call, reader, moved.asked, form.typed, problems)
        typed = under(ALSO, form.typed)
        inputs += offered((f for f in fields if small_widget(f)), typed, reader, problems, needed=True)
        offers = [f for f in found.fields if f.name not in {i.field.name for i in inputs}]
        inputs += offered(offers, typed, reader, needed=around["needed"])
    shown = {i.field.name for i in inputs}
    rest = [p for p in problems if p not in found.problems]
    more = {
        "step": moved.step, "inputs": inputs, "held": around,
        "elsewhere": [form.visitor.words(p.message) for p in rest if p.path not in shown],
        "others": [reader.say(f.label, f.name) for f in (*moved.asked, *fields) if f.name not in shown],
        "goes": bool(inputs or around["follow_up"] or confirm),
    }  # fmt: skip
    return form.again("stage", problems, confirm=confirm, more=more)


@router.post("/unmask")
def show_masked(form: Posted) -> Response:
    """`field`: the page with its value in full, this once; that he looked is written down."""
    name = form.typed.get("field", "")
    values = form.write(lambda conn, call: unmask(conn, call, form.object, form.id, [name]))
    with form.reading() as (_, call):
        object, reader = known_object(call, form.object), form.visitor.reader(call)
        told = {n: shown(object.fields[n], value, reader).text for n, value in values.items()}
    return draw_record(
        form.visitor, form.object, form.id, sent=Sent(form="unmask", typed={}, more={"unmasked": told})
    )


@router.get("/delete")
def ask_deletion(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """What goes with the record, and what stands in the way, before anything is done."""
    return _deletion(enter(request, workspace), object, str(id))


@router.post("/delete")
def delete(form: Posted) -> Response:
    """On to the list, where it can be taken back."""

    def act(conn: Connection, call: Call) -> tuple[str, str]:
        name = known_object(call, form.object).name
        change = Change(action="delete", object=name, id=form.id, confirm=form.confirm)
        title = titles_of(conn, call, {name: [form.id]}).get((name, form.id), "")
        gone = save(conn, call, [change])[0]
        if gone.action == "submitted":
            return name, ""
        done = Done(object=name, id=str(gone.id), action="deleted", version=gone.version or 0, old={})
        said = texts_in(form.visitor.languages[0])("lists.deleted_one", title=title) if title else ""
        return name, remember(conn, call, [done], said)

    try:
        name, noted = form.write(act)
    except Refused:
        return _deletion(form.visitor, form.object, form.id, status=422)
    return see_other(undo.told(form.visitor.url("o", name), noted)) if noted else form.back("asked")


def _deletion(visitor: Visitor, object: str, id: str, status: int = 200) -> Response:
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
    except MustChoose:
        pass  # it is asked for once he deletes
    here = visitor.url("o", made.object.name, made.id)
    return page(
        visitor, call, "record_delete.html", title=made.title, here=made.object.name, status=status, made=made,
        here_url=here, gone=gone, problems=problems, confirm=confirm, blocked=bool(problems) and not confirm,
    )  # fmt: skip


@router.post("/clone")
def clone(form: Posted) -> Response:
    """A copy of the record with its details; on to the copy."""

    def act(conn: Connection, call: Call) -> str:
        name = known_object(call, form.object).name
        change = Change(action="create", object=name, set=cloned(conn, call, name, form.id))
        return str(save(conn, call, [change])[0].id)

    try:
        new = form.write(act)
    except Refused as refused:
        return form.again("clone", refused.problems)
    return form.back("cloned", id=new)


@router.post("/restore")
def restore(form: Posted) -> Response:
    return _act(form, "restore", "restored")


@router.post("/void")
def void(form: Posted) -> Response:
    return _act(form, "void", "voided")


@router.post("/unvoid")
def unvoid(form: Posted) -> Response:
    return _act(form, "unvoid", "unvoided")


def _act(form: Form, act: Action, done: str) -> Response:
    change = Change(action=act, object=form.object, id=form.id, confirm=form.confirm)
    return form.save([change], name=act, done=done)
