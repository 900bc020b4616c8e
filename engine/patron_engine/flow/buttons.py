"""Buttons: automations that people start from a record, as they are offered to one person.

In: the model of a release, an actor; a connection where a record is asked. Out: `Button`s. A button is for who has one of its roles
(unless it says so for everybody of the house, and for no customer), may write the fields it asks for, and only where `when` of its automation holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from patron_engine.access.decide import writable
from patron_engine.actor import Actor
from patron_engine.expr.compile import Expression
from patron_engine.expr.evaluate import closure
from patron_engine.fields.field import Field, Texts, nothing
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading, Subject
from patron_engine.meta.document import Path, path_text
from patron_engine.model.automations import automations, events_of
from patron_engine.model.model import Model
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn

ICON: Final = "zap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One field that is filled before the run begins. `required` is a truth or an expression about the record as it then is."""

    field: Field
    required: bool | Expression
    device: bool
    label: Texts
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """`event` is its place in the automation's list; `confirm` a question, or True for the usual one."""

    name: str
    rule: str
    event: int
    object: str
    label: Texts
    icon: str
    roles: frozenset[str]
    confirm: bool | Texts
    ask: tuple[Ask, ...]
    when: Expression | None

    def for_actor(self, actor: Actor) -> bool:
        everybody = not self.roles and actor.kind != "portal"
        return everybody or actor.administrator or bool(self.roles & actor.roles)


def buttons_of(model: Model, object: str) -> tuple[Button, ...]:
    """Every button of an object, in the order of their automations' names; made once a release."""
    kept: Mapping[str, tuple[Button, ...]] | None = model.kept.get("flow.buttons")
    if kept is None:
        made: dict[str, list[Button]] = {}
        for rule, body in automations(model):
            for number, entry in enumerate(events_of(body)):
                if entry["event"] == "button" and body.get("object") in model.objects:
                    made.setdefault(body["object"], []).append(_button(model, rule, body, number, entry))
        kept = model.kept["flow.buttons"] = {name: tuple(found) for name, found in made.items()}
    return kept.get(object, ())


def _button(
    model: Model, rule: str, body: Mapping[str, Any], number: int, entry: Mapping[str, Any]
) -> Button:
    several = isinstance(body.get("on"), list | tuple)
    place: Path = ("on", number, "ask") if several else ("on", "ask")
    asked = []
    for position, item in enumerate(entry.get("ask") or ()):
        said: Mapping[str, Any] = {"field": item} if isinstance(item, str) else item
        field = model.objects[body["object"]].field(said["field"])
        if field is None:
            continue
        at = (*place, position)
        required = _made(model, rule, body, (*at, "required"), said.get("required", False))
        asked.append(
            Ask(
                field=field,
                required=required if isinstance(required, Expression) else bool(required),
                device=said.get("from") == "device",
                label=_texts(said.get("label")) or field.label,
                default=_made(model, rule, body, (*at, "default"), said.get("default")),
            )
        )
    confirm = entry.get("confirm", False)
    return Button(
        name=entry.get("name") or rule, rule=rule, event=number, object=body["object"],
        label=_texts(entry.get("label")) or _texts(body.get("label")) or {"en": rule}, icon=entry.get("icon") or ICON,
        roles=frozenset(entry.get("roles") or ()), confirm=confirm if isinstance(confirm, bool) else _texts(confirm),
        ask=tuple(asked), when=model.expressions.get(("automation", rule, "when")),
    )  # fmt: skip


def _made(model: Model, rule: str, body: Mapping[str, Any], path: Path, said: Any) -> Any:
    """The expression that stands there, else what is said."""
    return model.expressions.get(("automation", rule, path_text(body, path)), said)


def _texts(said: Any) -> Texts:
    return nothing() if not said else {"en": said} if isinstance(said, str) else said


def given_to(model: Model, actor: Actor, object: str) -> tuple[Button, ...]:
    """The buttons of an object that this person may press, whatever stands in a record."""
    found = [b for b in buttons_of(model, object) if b.for_actor(actor)]
    if not any(b.ask for b in found):
        return tuple(found)
    may = writable(model, actor, object)
    return tuple(b for b in found if all(a.field.name in may for a in b.ask))


def offered(conn: Conn, call: Call, object: str, id: str) -> tuple[Button, ...]:
    """Those of them that fit a record as it is now. What a condition says about the answers is judged when they are given."""
    found = given_to(call.model, call.actor, object)
    asked = [b.when for b in found if b.when is not None and not asks_answers(b)]
    if not asked:
        return found
    reading = Reading(conn, call)
    values = reading.values(asked, [subject_of(object, id)], "base")[0]
    return tuple(
        b for b in found if b.when is None or asks_answers(b) or closure(b.when)(values, reading.context)
    )


def asks_answers(button: Button) -> bool:
    """Whether its condition is about what is asked for."""
    return button.when is not None and any(p.partition(".")[0] == "event" for p in button.when.paths)


def subject_of(object: str, id: str, event: Mapping[str, Any] | None = None) -> Subject:
    run = Run(
        id="", rule="", version="", release=0, object=object, record=id, causer=None, event=event or {"name": "button"}
    )  # fmt: skip
    return Subject(run=run)


def required_of(reading: Reading, asks: Sequence[Ask], subject: Subject) -> list[Ask]:
    """Which of them must be filled, as the record is now."""
    return [
        a for a in asks
        if (reading.holds(a.required, [subject])[0] if isinstance(a.required, Expression) else a.required)
    ]  # fmt: skip
