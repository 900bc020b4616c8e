"""The way press: somebody presses a button of a record.

    who -> may he -> does it fit -> what was asked for is saved, as his -> a run begins -> its first step, at once

In: the record, the name of the button, what was filled in. Out: the run, as it stands. Everything is one transaction of the caller:
where the first step is refused nothing of it stays, and he is told why. Further steps have transactions of their own
(ways/flow.go_on_with); what is left of them is the worker's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from patron_engine.errors import Conflict, NotFound, Refused
from patron_engine.fields.registry import type_of
from patron_engine.flow.buttons import Button, asks_answers, given_to, offered, required_of, subject_of
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways import flow
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save
from patron_engine.ways.standing import Who
from patron_engine.ways.steps import flow_named


def button_named(call: Call, object: str, name: str) -> Button:
    """A button he may press. NotFound."""
    mine = given_to(call.model, call.actor, object)
    found = next((b for b in mine if b.name == name), None)
    if found is None:
        raise NotFound(
            Phrase("there is no button {name!r} here, or it is not yours to press", name=name[:60]),
            code="button_not_found", hint=nearest(name[:60], [b.name for b in mine]),
        )  # fmt: skip
    return found


def press(conn: Conn, call: Call, who: Who, name: str, change: Change) -> Run:
    """`change` is the update with what was asked for, of the record the button belongs to."""
    object = known_object(call, change.object)
    id = str(read_one(conn, call, object.name, change.id or "", fields=("id",)).record()["id"])
    button = button_named(call, object.name, name)
    program = flow_named(call, button.rule)
    if program is None or button not in offered(conn, call, object.name, id):
        raise _unfit(button, call)
    if change.set:
        _only_asked(button, change)
        save(conn, call, [change])
    run = _run(conn, call, button, program, object.name, id)
    begun = flow.start(conn, call, [run])
    if not begun:
        raise Conflict(Phrase("this was done once, and is not done again"), code="button_once")
    first, problems = flow.go_on_with(conn, call, run.id, who)
    if problems:
        raise Refused([replace(problem, path=None) for problem in problems])
    return first


def _run(conn: Conn, call: Call, button: Button, program: Flow, object: str, id: str) -> Run:
    """The run, its event with what was asked for as it stands in the record now."""
    known = call.model.objects[object].fields
    values = fetch_values(conn, call, object, [id], [a.field.name for a in button.ask], money="own").get(
        id, {}
    )
    reading = Reading(conn, call)
    needed = required_of(reading, button.ask, subject_of(object, id))
    missing = [a for a in needed if values.get(a.field.name) in (None, "", ())]
    if missing:
        raise Refused(
            [
                Problem(
                    code="required", path=a.field.name,
                    message=Phrase("{field} is required", field=label_of(a.label, a.field.name, call.actor.languages)),
                )
                for a in missing
            ]
        )  # fmt: skip
    event: dict[str, Any] = {"name": "button", "at": call.now.isoformat(), "by": call.actor.user, "button": button.name}  # fmt: skip
    for name, value in values.items():
        event[name] = None if value is None else type_of(known[name]).to_wire(known[name], value)
    if asks_answers(button) and not reading.holds(button.when, [subject_of(object, id, event)])[0]:
        raise _unfit(button, call)
    return Run(
        id=call.new_id(), rule=program.name, version=program.version, release=call.model.release, object=object, record=id,
        causer=call.actor.user, event=event,
    )  # fmt: skip


def _only_asked(button: Button, change: Change) -> None:
    asked = [a.field.name for a in button.ask]
    others = [n for n in change.set if n not in asked]
    if others:
        raise Refused(
            [
                Problem(
                    code="not_asked", path=others[0], hint=nearest(others[0][:60], asked),
                    message=Phrase("this button does not ask for {name!r}", name=others[0][:60]),
                )
            ]
        )  # fmt: skip


def _unfit(button: Button, call: Call) -> Conflict:
    label = label_of(button.label, button.name, call.actor.languages)
    return Conflict(
        Phrase("{button} does not fit this record as it is now", button=label), code="button_unfit",
        hint=Phrase("look at it again"),
    )  # fmt: skip
