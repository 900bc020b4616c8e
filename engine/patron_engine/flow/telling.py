"""Telling: steps that say something to people: notify, comment. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patron_engine.flow.act import Act
from patron_engine.flow.people import of_users, people
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import Target, targets_of, text_of
from patron_engine.model.model import Object
from patron_engine.record.change import Change


def notify(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
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


def comment(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
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
    if target[0].run.event.get("name") == "deleted" and target[2] == target[0].run.record:
        return {}  # nothing can be about what is gone
    return {"about": {"object": target[1], "id": target[2]} if field.link.several else target[2]}
