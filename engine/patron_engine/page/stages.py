"""Stages: the path a record goes, where it stands on it, and what a move asks for.

In: the `stage_path` documents of an object, a record and its conditions. Out: a `StageBar`, and for one move a `Move`: the fields
that must be filled first and what else stands in the way, told before anything is saved: the save asks for the same (record/stages).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from patron_engine.access.decide import readable, writable
from patron_engine.access.pick import Body, documents_for
from patron_engine.expr.context import Context
from patron_engine.expr.evaluate import evaluate
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.fields.options import options_in, texts
from patron_engine.model.model import Object
from patron_engine.page.palette import token_of
from patron_engine.page.reader import Reader
from patron_engine.page.truths import Truth, Truths
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.stage_moves import opens

State = Literal["done", "current", "ahead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage. `end` is how it ends there (won, lost, void, done); `open` whether the record may be moved to it; `by` the
    conversions that bring a record there: where there are any, it gets there by these."""

    name: str
    label: str
    state: State
    end: str | None
    open: bool
    color: str | None
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageBar:
    """`steps` in their order without the ends, `ends` after them; `now` is where it stands, `guidance` what helps there."""

    field: str
    label: str
    steps: tuple[Step, ...]
    ends: tuple[Step, ...]
    now: Step | None
    guidance: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """`asked` are fields to fill on the spot, `unmet` the criteria that do not hold yet, as the save would tell them."""

    step: Step
    asked: tuple[Field, ...]
    unmet: tuple[Problem, ...]


def stage_conditions(call: Call, object: Object) -> list[Truth]:
    """Every condition of the object's paths, so that what they read is read once."""
    names = {body["name"] for body in documents_for(call.model, call.actor, "stage_path", object.name)}
    return [
        expression
        for (kind, name, _), expression in call.model.expressions.items()
        if kind == "stage_path" and name in names
    ]


def stage_bar(
    call: Call, reader: Reader, object: Object, record: Mapping[str, Any], truths: Truths
) -> StageBar | None:
    """The bar of the first path the record goes; None without one, or where its field is not his to read."""
    body = _path(call, object, record, truths)
    if body is None:
        return None
    field = readable(call.model, call.actor, object.name)[body["field"]]
    current = record.get(field.name)
    names = [stage["name"] for stage in body["stages"]]
    at = names.index(current) if current in names else -1
    may = field.name in writable(call.model, call.actor, object.name) and record.get("voided_at") is None
    steps = []
    for n, stage in enumerate(body["stages"]):
        state: State = "current" if n == at else "done" if n < at else "ahead"
        opened = may and n != at and opens(body, current, stage["name"], call.actor)
        steps.append(
            replace(
                _step(reader, field, stage, state, opened), by=_bringing(call, object, field, stage["name"])
            )
        )
    here = body["stages"][at] if at >= 0 else {}
    ended = here.get("end") in ("lost", "void")
    plain = tuple(replace(s, state="ahead" if ended else s.state) for s in steps if s.end is None)
    return StageBar(
        field=field.name,
        label=reader.say(body.get("label")) or reader.say(field.label, field.name),
        steps=plain,
        ends=tuple(s for s in steps if s.end is not None),
        now=steps[at] if at >= 0 else None,
        guidance=reader.say(texts(here.get("guidance"))) if here.get("guidance") else "",
        body=body,
    )


def move_to(
    call: Call,
    reader: Reader,
    object: Object,
    bar: StageBar,
    name: str,
    record: Mapping[str, Any],
    truths: Truths,
) -> Move | None:
    """What moving to a stage asks for; None for one that is not open."""
    step = next((s for s in (*bar.steps, *bar.ends) if s.name == name and s.open), None)
    if step is None:
        return None
    stages = {stage["name"]: stage for stage in bar.body["stages"]}
    target = stages[name]
    may = writable(call.model, call.actor, object.name)
    wanted = [may[n] for n in target.get("required") or () if n in may]
    wanted += [
        f for f in may.values() if f.name != bar.field and _asked_at(f, bar.field, name, truths.context)
    ]
    empty = {f.name: f for f in wanted if record.get(f.name) in (None, "", [])}
    unmet = [
        *_unmet(call, reader, bar.body, target, "enter_when", truths),
        *_unmet(call, reader, bar.body, stages[bar.now.name] if bar.now else {}, "leave_when", truths),
    ]
    return Move(step=step, asked=tuple(empty.values()), unmet=tuple(unmet))


def _path(call: Call, object: Object, record: Mapping[str, Any], truths: Truths) -> Body | None:
    for body in documents_for(call.model, call.actor, "stage_path", object.name, record.get("record_type")):
        when = body.get("when")
        if when is not None and not isinstance(when, bool):
            when = call.model.expressions.get(("stage_path", body["name"], "when"), True)
        fields = readable(call.model, call.actor, object.name)
        if body["field"] in fields and truths.holds(True if when is None else when, False):
            return body
    return None


def _bringing(call: Call, object: Object, field: Field, stage: str) -> tuple[str, ...]:
    """The conversions of the object that write this stage back."""
    return tuple(
        name
        for (kind, name), body in sorted(call.model.documents.items(), key=lambda item: item[0])
        if kind == "conversion"
        and body["object"] == object.name
        and (body.get("back") or {}).get(field.name) == stage
    )


def _step(reader: Reader, field: Field, stage: Body, state: State, opened: bool) -> Step:
    spec = field.spec
    option = options_in(spec).get(stage["name"]) if isinstance(spec, ChoiceSpec) else None
    label = reader.say(texts(stage.get("label"))) if stage.get("label") else ""
    return Step(
        name=stage["name"],
        label=label or (reader.say(option.label, option.name) if option else stage["name"]),
        state=state,
        end=stage.get("end"),
        open=opened,
        color=token_of(option.color) if option else None,
    )


def _asked_at(field: Field, stage_field: str, name: str, context: Context) -> bool:
    """Whether a field's own condition asks for it in this stage: the save would refuse the move without it."""
    required = field.required
    if isinstance(required, bool) or required.aggregates or required.paths != frozenset({stage_field}):
        return False
    return bool(evaluate(required, {stage_field: name}, context))


def _unmet(call: Call, reader: Reader, body: Body, stage: Body, kind: str, truths: Truths) -> list[Problem]:
    made = []
    for criterion in stage.get(kind) or ():
        key = f"stages.{stage['name']}.{kind}.{criterion['name']}.when"
        found = call.model.expressions.get(("stage_path", body["name"], key))
        if found is not None and not truths.holds(found):
            message = reader.say(texts(criterion.get("message"))) or criterion["name"]
            name = criterion["name"]
            made.append(Problem(code="stage_criterion", message=message, path=body["field"], rule=name))
    return made
