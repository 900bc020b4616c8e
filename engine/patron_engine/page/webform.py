"""Webform: a form for people without a login, as a form of its object with the platform's widgets.

In: a connection and the frame of a call of the system, the name of a webform, what was typed. Out: a `FormTree` of its fields; and
what it gives the way intake: these fields and those the form itself sets, as texts. What is sent for any other field is not heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Texts
from patron_engine.fields.options import texts
from patron_engine.fields.registry import type_of
from patron_engine.flow.program import Step
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import sets_of
from patron_engine.model.layouts import ON_WEBFORMS
from patron_engine.model.model import Object
from patron_engine.page.form import Words, form_of
from patron_engine.page.form_tree import FormTree, Opening
from patron_engine.page.inputs import Choice, Input
from patron_engine.page.layout import WIDE, Layout, Place, Section
from patron_engine.page.reader import Reader
from patron_engine.page.typed import WAS, Group, Pairs, Typed, set_of, typed_of, written
from patron_engine.query.call import Call
from patron_engine.ways.intake import body_of

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webform:
    name: str
    label: Texts
    intro: Texts
    object: Object
    body: Mapping[str, Any]
    places: tuple[Place, ...]

    @property
    def password(self) -> str:
        return str((self.body.get("open") or {}).get("password") or "")

    @property
    def asks_proof(self) -> bool:
        return bool((self.body.get("open") or {}).get("captcha"))


def webform_of(call: Call, name: str) -> Webform:
    """NotFound for one that is not there."""
    body = body_of(call.model, name)
    object = call.model.objects[body["object"]]
    places = (_place(object, raw, _compiled(call, body)) for raw in body["fields"])
    return Webform(
        name=name, label=texts(body.get("label")) or {"": name}, intro=texts(body.get("intro")), object=object,
        body=body, places=tuple(p for p in places if p is not None),
    )  # fmt: skip


def _place(object: Object, raw: Any, compiled: Mapping[str, Expression]) -> Place | None:
    entry: Mapping[str, Any] = {"field": raw} if isinstance(raw, str) else raw
    name = entry["field"]
    field = object.field(name)
    if field is None or field.computed or field.type not in ON_WEBFORMS:
        return None
    return Place(
        field=field, path=field.name, label=texts(entry.get("label")) or field.label,
        help=texts(entry.get("help")) or field.help, width=2 if field.type in WIDE else 1,
        required=compiled.get(f"fields.{name}.required", bool(entry.get("required"))), default=entry.get("default"),
    )  # fmt: skip


def _compiled(call: Call, body: Mapping[str, Any]) -> Mapping[str, Expression]:
    found: dict[str, Mapping[str, Expression]] = call.model.kept.setdefault("webforms", {})
    if body["name"] not in found:
        found[body["name"]] = {
            key[2]: e for key, e in call.model.expressions.items() if key[:2] == ("webform", body["name"])
        }
    return found[body["name"]]


def begun(conn: Connection, call: Call, reader: Reader, form: Webform) -> Typed:
    """The form as it begins: what stands in its fields."""
    compiled = _compiled(call, form.body)
    raw = {p.field.name: p.default for p in form.places}
    worked = {n: e for n in raw if (e := compiled.get(f"fields.{n}.default")) is not None}
    return Typed(fields=_worked(conn, call, reader, form, raw, worked))


def typed_in(form: Webform, pairs: Pairs) -> Typed:
    """What somebody typed into its fields: everything that stands in them is given."""
    own = {p.field.name for p in form.places}
    return typed_of(
        form.object,
        [(n, text) for n, text in pairs if not n.startswith(WAS) and n.partition(".")[0] in own],
    )


def tree_of(
    conn: Connection, call: Call, reader: Reader, form: Webform, typed: Typed, *, words: Words, found: Any = None
) -> FormTree:  # fmt: skip
    section = Section(name="webform", label={}, help={}, columns=2, places=form.places)
    layout = Layout(name="webform", object=form.object, sections=(section,), related=(), highlights=(), actions=())  # fmt: skip
    whole = replace(typed, fields={**_sets(conn, call, reader, form), **typed.fields})
    opening = Opening(object=form.object)
    tree = form_of(conn, call, reader, opening, whole, words=words, found=found, layout=layout)
    return replace(
        tree,
        sections=tuple(replace(s, inputs=tuple(map(_plain, s.inputs))) for s in tree.sections),
        change=replace(tree.change, set=set_of(call.model, form.object, whole, reader)),
    )


def _sets(conn: Connection, call: Call, reader: Reader, form: Webform) -> dict[str, Group]:
    """What the form gives its record besides, as if somebody had typed it."""
    raw = form.body.get("set") or {}
    compiled = _compiled(call, form.body)
    worked = {n: e for n in raw if (e := compiled.get(f"set.{n}")) is not None}
    return _worked(conn, call, reader, form, raw, worked)


def _worked(
    conn: Connection, call: Call, reader: Reader, form: Webform, raw: Mapping[str, Any],
    compiled: Mapping[str, Expression],
) -> dict[str, Group]:  # fmt: skip
    """Values of a definition as a form sends them. They read no record: there is none yet."""
    given = {name: value for name, value in raw.items() if value is not None}
    if not given:
        return {}
    rule = f"webform:{form.name}"
    step = Step(
        name=None, do="", path="", rule=rule, body={"set": given},
        expressions={f"set.{n}": e for n, e in compiled.items()},
    )  # fmt: skip
    run = Run(
        id="", rule=rule, version="", release=call.model.release, object=form.object.name, record=None, causer=None
    )  # fmt: skip
    values = sets_of(Reading(conn, call), step, form.object, [Subject(run=run)])[0]
    made: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, value in values.items():
        field = form.object.field(name)
        if field is None or value is None:
            continue
        for sent, text in written(field, field.name, type_of(field).to_wire(field, value), reader):
            parts = made.setdefault(field.name, {})
            part = sent.removeprefix(field.name).removeprefix(".")
            parts[part] = (*parts.get(part, ()), text)
    return dict(made)


def _plain(input: Input) -> Input:
    """Steps down a tree of options need the page drawn anew for each: here they are one list."""
    if input.widget != "cascade":
        return input
    return replace(input, widget="choice", choices=tuple(_flat(input.choices, "")))


def _flat(choices: tuple[Choice, ...], above: str) -> list[Choice]:
    found: list[Choice] = []
    for choice in choices:
        text = f"{above}{choice.text}"
        found += [replace(choice, text=text, below=()), *_flat(choice.below, f"{text} / ")]
    return found
