"""Changing: steps that change records: update, create, upsert, find, delete. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from patron_engine.flow.act import Act
from patron_engine.flow.program import Flow, Loop, Step
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import MOST, Target, details_of, lock, matches_of, sets_of, targets_of
from patron_engine.record.change import Change
from patron_engine.record.identify import is_unique


def update(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
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
        files = _files(reading, step, [subject for _, subject, _ in listed])
        for (number, _, id), values, attach in zip(listed, sets, files, strict=True):
            made[number, id] = Change(
                action="update", object=object, id=id, set=values, source="typed", attach=attach
            )
    return made


def _changes(targets: Sequence[Sequence[Target]], made: Mapping[tuple[int, str], Change]) -> list[Act]:
    acts = []
    for number, found in enumerate(targets):
        changes = tuple(made[number, id] for _, _, id in found)
        result = {"object": found[0][1], "id": found[0][2]} if found else None
        acts.append(Act(changes=changes, result=result, told={} if found else {"left_out": "no_record"}))
    return acts


def create(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    object = reading.call.model.objects[step.body["object"]]
    made = sets_of(reading, step, object, subjects)
    rows = details_of(reading, step, object, subjects)
    files = _files(reading, step, subjects)
    changes = [
        Change(action="create", object=object.name, set={**values, **more}, source="typed", attach=attach)
        for values, more, attach in zip(made, rows, files, strict=True)
    ]
    return [Act(changes=(change,), made=True, result={"object": object.name}) for change in changes]


def _files(reading: Reading, step: Step, subjects: Sequence[Subject]) -> list[tuple[str, ...]]:
    """Files that are hung on the records themselves."""
    expression = step.expressions.get("attach")
    if expression is None:
        return [()] * len(subjects)
    found = reading.evaluate(expression, subjects)
    return [tuple(str(id) for id in ids) if isinstance(ids, (list, tuple)) else () for ids in found]


def upsert(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """By one unique field: as the save finds it. By several fields, or one that is not unique: the one record that has these
    values, else a new one."""
    object = reading.call.model.objects[step.body["object"]]
    by = step.body["by"]
    names = (by,) if isinstance(by, str) else tuple(by)
    made = sets_of(reading, step, object, subjects)
    unique = len(names) == 1 and (object.field(names[0]) is None or is_unique(object, names[0]))
    if unique:
        changes = [
            Change(
                action="upsert", object=object.name, by=(names[0], values.get(names[0])), set=values, source="typed"
            )
            for values in made
        ]  # fmt: skip
    else:
        found = matches_of(reading, object, names, made)
        found = [  # empty values name no record
            id if any(values.get(n) is not None for n in names) else None
            for id, values in zip(found, made, strict=True)
        ]
        changes = [
            Change(action="update" if id else "create", object=object.name, id=id, set=values, source="typed")
            for id, values in zip(found, made, strict=True)
        ]
    files = _files(reading, step, subjects)
    changes = [replace(change, attach=attach) for change, attach in zip(changes, files, strict=True)]
    return [
        Act(
            changes=(change,), made=True, result={"object": object.name},
            alone=repr([values.get(n) for n in names]) if not unique else "",
        )
        for change, values in zip(changes, made, strict=True)
    ]  # fmt: skip


def find(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """The first that fits; all of them where a loop goes through what it found."""
    object = step.body["object"]
    looped = any(isinstance(i, Loop) and i.step.body.get("each") == f"steps.{step.name}" for i in flow.code)
    sort = step.body.get("sort") or ()
    choice = Choice(
        key=f"{step.rule}.{step.path}", object=object, where=step.expressions.get("where"),
        sort=(sort,) if isinstance(sort, str) else tuple(sort), limit=max(MOST, flow.max_records) if looped else 1, whole=looped,
    )  # fmt: skip
    found = chosen(reading, choice, subjects)
    return [
        Act(result={"object": object, "id": ids[0] if ids else None, **({"ids": ids} if looped else {})})
        for ids in found
    ]


def delete(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    targets = targets_of(reading, step, subjects)
    return [
        Act(changes=tuple(Change(action="delete", object=o, id=i) for _, o, i in found)) for found in targets
    ]
