"""Acts: what one step means for the runs that stand at it: changes of records, a wait, other runs. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run. Nothing is written here: ways/flow carries acts out by the save
that people's forms use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from patron_engine.flow.people import of_users, people
from patron_engine.flow.program import NOTHING, Flow, Loop, Step
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import MOST, Target, lock, sets_of, targets_of, text_of
from patron_engine.model.model import Object
from patron_engine.record.change import Change

LOOK_AGAIN: Final = timedelta(minutes=5)  # at the condition of a wait that no save of the record woke


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """`result` is what the step gives before anything is saved; with `made` it is the record of the only change.

    until    the run waits: to then, or (None) until its condition holds; `again` is when that is looked at unasked
    begins   automation, object and record of runs that begin
    told     what stands in the log beside the changes
    """

    changes: tuple[Change, ...] = ()
    result: Any = None
    made: bool = False
    waits: bool = False
    until: datetime | None = None
    again: datetime | None = None
    stops: str | None = None
    begins: tuple[tuple[str, str | None, str | None], ...] = ()
    told: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


def acts_of(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """What the step does for each."""
    return _ACTS[step.do](reading, flow, step, subjects)


# -- the steps ----------------------------------------------------------------------------------------------------


def _update(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    targets = targets_of(reading, step, subjects)
    return _changes(targets, _changed(reading, step, targets))


def _changed(
    reading: Reading, step: Step, targets: Sequence[Sequence[Target]]
) -> dict[tuple[int, str], Change]:
    """The change of each target; `target.` reads it. Targets are locked first: what is worked out from them is written over
    nothing newer."""
    made: dict[tuple[int, str], Change] = {}
    by_object: dict[str, list[tuple[int, Subject, str]]] = {}
    for number, found in enumerate(targets):
        for subject, object, id in found:
            by_object.setdefault(object, []).append(
                (number, Subject(run=subject.run, object=object, id=id), id)
            )
    for object, listed in by_object.items():
        known = reading.call.model.objects[object]
        lock(reading, object, [id for _, _, id in listed])
        sets = sets_of(reading, step, known, [subject for _, subject, _ in listed])
        for (number, _, id), values in zip(listed, sets, strict=True):
            made[number, id] = Change(action="update", object=object, id=id, set=values, source="typed")
    return made


def _changes(targets: Sequence[Sequence[Target]], made: Mapping[tuple[int, str], Change]) -> list[Act]:
    acts = []
    for number, found in enumerate(targets):
        changes = tuple(made[number, id] for _, _, id in found)
        result = {"object": found[0][1], "id": found[0][2]} if found else None
        acts.append(Act(changes=changes, result=result, told={} if found else {"left_out": "no_record"}))
    return acts


def _create(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    object = reading.call.model.objects[step.body["object"]]
    made = sets_of(reading, step, object, subjects)
    return [
        Act(
            changes=(Change(action="create", object=object.name, set=values, source="typed"),),
            made=True,
            result={"object": object.name},
        )
        for values in made
    ]


def _upsert(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    object = reading.call.model.objects[step.body["object"]]
    by = step.body["by"]
    name = by if isinstance(by, str) else by[0]
    acts = []
    for values in sets_of(reading, step, object, subjects):
        change = Change(
            action="upsert", object=object.name, by=(name, values.get(name)), set=values, source="typed"
        )
        acts.append(Act(changes=(change,), made=True, result={"object": object.name}))
    return acts


def _find(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """The first that fits; all of them where a loop goes through what it found."""
    object = step.body["object"]
    looped = any(isinstance(i, Loop) and i.step.body.get("each") == f"steps.{step.name}" for i in flow.code)
    sort = step.body.get("sort") or ()
    choice = Choice(
        key=f"{step.rule}.{step.path}", object=object, where=step.expressions.get("where"),
        sort=(sort,) if isinstance(sort, str) else tuple(sort), limit=MOST if looped else 1,
    )  # fmt: skip
    found = chosen(reading, choice, subjects)
    return [
        Act(result={"object": object, "id": ids[0] if ids else None, **({"ids": ids} if looped else {})})
        for ids in found
    ]


def _delete(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    targets = targets_of(reading, step, subjects)
    return [
        Act(changes=tuple(Change(action="delete", object=o, id=i) for _, o, i in found)) for found in targets
    ]


def _assign(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """The first of the people that are meant becomes the owner."""
    acts = []
    for subject, found in zip(subjects, targets_of(reading, step, subjects), strict=True):
        to = people(reading, step, "to", step.body["to"], subject)
        if not to or not found:
            acts.append(Act(told={"left_out": "no_record" if to else "nobody"}))
            continue
        changes = tuple(
            Change(action="update", object=o, id=i, set={"owner": to[0]}, source="typed") for _, o, i in found
        )
        acts.append(Act(changes=changes, result={"object": found[0][1], "id": found[0][2]}))
    return acts


def _notify(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """A message in each person's inbox, in his language."""
    object = reading.call.model.objects.get("message")
    acts = []
    for subject, found in zip(subjects, targets_of(reading, step, subjects), strict=True):
        to = people(reading, step, "to", step.body["to"], subject)
        about = _about(object, found[0] if found else None)
        if object is None or not to:
            acts.append(Act(told={"left_out": "nobody" if object is not None else "no_messages"}))
            continue
        spoken = of_users(reading, to, "language")
        changes = []
        for user in to:
            language = spoken.get(user, {}).get("language")
            languages = (language,) if language else reading.call.model.workspace.languages
            subjects_text = text_of(
                reading, step, "subject" if "subject" in step.body else "message", subject, languages
            )
            body = text_of(reading, step, "message", subject, languages) if "subject" in step.body else None
            values = {
                "subject": subjects_text[:500], "body": body, "channel": "inbox", "direction": "in", "owner": user,
                "status": "received", "sent_at": reading.call.now, **about,
            }  # fmt: skip
            known = {n: v for n, v in values.items() if n in object.fields and v is not None}
            changes.append(Change(action="create", object="message", set=known, source="typed"))
        acts.append(Act(changes=tuple(changes), told={"to": to}))
    return acts


def _comment(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    object = reading.call.model.objects.get("comment")
    languages = reading.call.model.workspace.languages
    acts = []
    for subject, found in zip(subjects, targets_of(reading, step, subjects), strict=True):
        about = _about(object, found[0] if found else None)
        if object is None or not about:
            acts.append(Act(told={"left_out": "no_record"}))
            continue
        values = {"body": text_of(reading, step, "text", subject, languages), **about}
        change = Change(action="create", object="comment", set=values, source="typed")
        acts.append(Act(changes=(change,), made=True, result={"object": "comment"}))
    return acts


def _about(object: Object | None, target: Target | None) -> dict[str, Any]:
    field = object.field("about") if object is not None else None
    if field is None or target is None or target[1] not in field.link.to:
        return {}
    return {"about": {"object": target[1], "id": target[2]} if field.link.several else target[2]}


def _wait(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """The first time it is seen when the wait ends at the latest; a run that is woken before looks at its condition."""
    until = step.expressions.get("until")
    holds = reading.holds(until, subjects) if until is not None else [False] * len(subjects)
    spans = _spans(reading, step, subjects)
    acts = []
    for subject, over, span in zip(subjects, holds, spans, strict=True):
        began = subject.run.loops.get("wait")
        ends = datetime.fromisoformat(began["until"]) if began and began["until"] else None
        if not began and span is not None:
            ends = after(reading.call.now, read_span(span), reading.context)
        late = ends is not None and ends <= reading.call.now
        if over or late:
            acts.append(Act(result={"timed_out": not over and until is not None}))
        else:
            again = reading.call.now + LOOK_AGAIN if until is not None else None
            acts.append(Act(waits=True, until=ends, again=again))
    return acts


def _spans(reading: Reading, step: Step, subjects: Sequence[Subject]) -> list[str | None]:
    expression = step.expressions.get("for")
    if expression is None:
        return [step.body.get("for")] * len(subjects)
    made = reading.evaluate(expression, subjects)
    return [None if v is None else v if isinstance(v, str) else f"{int(v) // 60} minutes" for v in made]


def _run(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    targets = targets_of(reading, step, subjects)
    return [Act(begins=tuple((step.body["automation"], o, i) for _, o, i in found)) for found in targets]


def _stop(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    return [Act(stops="stop") for _ in subjects]


_ACTS: Final[Mapping[str, Callable[[Reading, Flow, Step, Sequence[Subject]], list[Act]]]] = {
    "update": _update, "create": _create, "upsert": _upsert, "find": _find, "delete": _delete, "assign": _assign,
    "notify": _notify, "comment": _comment, "wait": _wait, "run": _run, "stop": _stop,
}  # fmt: skip
