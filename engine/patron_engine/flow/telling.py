"""Telling: steps that say something to people: notify, comment. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run. Nothing is written here. A template is filled in by the worker
that sends: what it says is then told as any other text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_engine.flow.act import Act, Command
from patron_engine.flow.calling import Leave
from patron_engine.flow.people import people
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import Target, targets_of, text_of
from patron_engine.model.model import Object
from patron_engine.record.change import Change
from patron_engine.record.outbox import Parcel
from patron_engine.record.telling import Text

SAID = ("group", "department", "role")  # words of `to` by which a robot of a chat group is found
STEPS_OF = frozenset({"approval", "sla"})  # whose steps tell for their own reason


def reason_of(rule: str) -> str:
    """Why people are told what a step says: the kind of the document the step stands in."""
    kind, _, rest = rule.partition(":")
    return kind if rest and kind in STEPS_OF else "automation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell(Command):
    """People are told something, in the words of `text` and `body`. `channels` is empty where each one's choice decides."""

    people: tuple[str, ...]
    text: Text
    body: Text | None
    about: tuple[str, str] | None
    channels: tuple[str, ...]
    groups: frozenset[str]


def notify(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    acts = []
    for subject, found in zip(subjects, targets_of(reading, step, subjects), strict=True):
        to, groups = people(reading, step, "to", step.body["to"], subject), groups_of(step.body["to"])
        channels = tuple(step.body.get("channels") or ())
        about = found[0][1:] if found else None
        if not to and not ("chat" in channels and groups):
            acts.append(Act(told={"left_out": "nobody"}))
        elif "template" in step.body:
            acts.append(_by_template(reading, flow, step, subject, to, about, channels, groups))
        else:
            text = _text(reading, step, "subject" if "subject" in step.body else "message", subject)
            body = _text(reading, step, "message", subject) if "subject" in step.body else None
            command = Tell(
                people=tuple(to), text=text, body=body, about=about, channels=channels, groups=groups
            )  # fmt: skip
            acts.append(Act(commands=(command,), told={"to": to}))
    return acts


def _by_template(
    reading: Reading, flow: Flow, step: Step, subject: Subject, to: Sequence[str],
    about: tuple[str, str] | None, channels: Sequence[str], groups: frozenset[str],
) -> Act:  # fmt: skip
    """What the worker needs to fill it in: the record, whose rights, whom."""
    payload = {
        "template": step.body["template"], "people": list(to), "channels": list(channels), "groups": sorted(groups),
        "object": about[0] if about else None, "record": about[1] if about else None,
        "as": None if flow.by_system else subject.run.causer, "reason": reason_of(flow.name),
    }  # fmt: skip
    parcel = Parcel(
        id=reading.call.new_id(), kind="tell", target=str(step.body["template"]), payload=payload, run=subject.run.id
    )  # fmt: skip
    return Act(commands=(Leave((parcel,)),), told={"to": list(to)})


def _text(reading: Reading, step: Step, key: str, subject: Subject) -> Text:
    """A worked-out text, or the texts of the definition: each reads it in his language."""
    if step.expressions.get(key) is None and isinstance(step.body.get(key), Mapping):
        return dict(step.body[key])
    return text_of(reading, step, key, subject, reading.call.model.workspace.languages)


def groups_of(words: Any) -> frozenset[str]:
    """Codes of groups, departments and roles that `to` names."""
    found: set[str] = set()
    for item in words if isinstance(words, (list, tuple)) else [words]:
        for word in SAID if isinstance(item, Mapping) else ():
            named = item.get(word) or ()
            found.update([named] if isinstance(named, str) else named)
    return frozenset(found)


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
