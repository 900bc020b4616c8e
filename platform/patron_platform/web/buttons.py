"""Buttons: an automation that somebody starts from a record's page, with the small form of what it asks for.

In: `GET …/o/{object}/{id}/buttons/{button}` for the form, its post (without fields where nothing is asked), `POST …/preview` while one
writes. Out: 303 to the record, which says what became of it; 422 with everything typed and what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression
from patron_engine.fields.registry import type_of
from patron_engine.flow.buttons import Ask, Button, subject_of
from patron_engine.flow.values import Reading
from patron_engine.model.model import say
from patron_engine.page.form_tree import FormTree, Opening
from patron_engine.page.layout import WIDE, Place
from patron_engine.page.pressable import reads_his
from patron_engine.page.typed import Typed, written
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change, Outcome
from patron_engine.ways.press import button_named, press
from patron_platform.jobs.flow import carry_on, hands
from patron_platform.web.form_desk import Desk
from patron_platform.web.form_page import Around
from patron_platform.web.forms import open_form, preview_form, send_form
from patron_platform.web.forms_in import FormData
from patron_platform.web.once import gone_on, once
from patron_platform.web.record_form import Form, Posted
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}/buttons/{button}", include_in_schema=False)
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonDesk(Desk):
    """The form of a button. `pressed` gets the run that began, `seen` the button as it was found."""

    button: str
    pressed: list[str] = field(default_factory=list)
    seen: list[Button] = field(default_factory=list)

    def found(self, call: Call) -> Button:
        return button_named(call, self.object(call).name, self.button)

    def opening(self, conn: Connection, call: Call, typed: Typed | None = None) -> Opening:
        found = self.found(call)
        self.seen.append(found)
        plain = Desk(visitor=self.visitor, name=self.name, id=self.id).opening(conn, call, typed)
        fill = {} if typed is not None else self._begins(conn, call, found)
        return replace(plain, only=tuple(_place(a) for a in found.ask), fill=fill)

    def _begins(self, conn: Connection, call: Call, found: Button) -> dict[str, str]:
        """What stands in fields that are empty yet."""
        given = [a for a in found.ask if a.default is not None]
        if not given or self.id is None:
            return {}
        reader = self.visitor.reader(call)
        there = fetch_values(conn, call, found.object, [self.id], [a.field.name for a in given]).get(
            self.id, {}
        )
        fill: dict[str, str] = {}
        for ask in given:
            if there.get(ask.field.name) is not None:
                continue
            value = ask.default
            if isinstance(value, Expression):
                if not reads_his(call, found, value):
                    continue
                value = Reading(conn, call).evaluate(value, [subject_of(found.object, self.id)])[0]
                value = None if value is None else type_of(ask.field).to_wire(ask.field, value)
            fill |= {n: text for n, text in written(ask.field, ask.field.name, value, reader) if "." not in n}
        return fill

    def around(self, typed: Typed | None, tree: FormTree) -> Around:
        here = self.visitor.url("o", self.name, str(self.id), "buttons", self.button)
        found = self.seen[-1]  # the form was opened for it
        label = say(found.label, self.visitor.languages) or found.name
        plain = Desk(visitor=self.visitor, name=self.name, id=self.id).around(typed, tree)
        return replace(plain, address=here, preview=f"{here}/preview", title=label, send=label)

    def carry_out(self, conn: Connection, call: Call, change: Change) -> Outcome:
        who, _ = hands(self.visitor.workspace)
        self.pressed[:] = [press(conn, call, who, self.button, change).id]
        return Outcome(action="updated", object=known_object(call, self.name).name, id=self.id)

    def landing(self, outcome: Outcome) -> str:
        return f"{self.visitor.url('o', outcome.object, str(outcome.id))}?run={self.pressed[0]}"


def _place(ask: Ask) -> Place:
    return Place(
        field=ask.field, path=ask.field.name, label=ask.label, help=ask.field.help,
        width=2 if ask.field.type in WIDE else 1, required=ask.required,
    )  # fmt: skip


def _desk(request: Request, workspace: str, object: str, id: UUID, button: str) -> ButtonDesk:
    return ButtonDesk(visitor=enter(request, workspace), name=object, id=str(id), button=button)


@router.get("")
def ask(request: Request, workspace: str, object: str, id: UUID, button: str) -> Response:
    return open_form(_desk(request, workspace, object, id, button))


@router.post("/preview")
def preview(request: Request, workspace: str, object: str, id: UUID, button: str, form: FormData) -> Response:
    return preview_form(_desk(request, workspace, object, id, button), form)


@router.post("")
def pressed(button: str, form: Posted) -> Response:
    desk = ButtonDesk(visitor=form.visitor, name=form.object, id=form.id, button=button)
    with form.reading() as (_, call):
        asks = bool(desk.found(call).ask)
    answer = send_form(desk, form.pairs) if asks else _at_once(desk, form)
    for run in desk.pressed if answer.status_code == 303 else ():
        carry_on(form.visitor.workspace, run)
    return answer


def _at_once(desk: ButtonDesk, form: Form) -> Response:
    """A button that asks for nothing."""

    def act(conn: Connection, call: Call) -> Any:
        return gone_on(desk.landing(desk.carry_out(conn, call, Change(action="update", object=desk.name, id=desk.id))))  # fmt: skip

    try:
        return once(form.visitor, form.pairs, act).response()
    except Refused as refused:
        return form.again("button", refused.problems)
