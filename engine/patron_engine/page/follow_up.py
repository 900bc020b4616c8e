"""Follow-up: what was just done with a customer, in three acts: how, what, and when again.

In: an object, what a person wrote. Out: the `Change`s that write it down: an activity about the record and, with a next contact,
a task for who wrote it. They are saved together. The task hangs on its activity, where the pack's own automation looks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from patron_engine.access.decide import readable
from patron_engine.fields.field import LinkSpec, Option
from patron_engine.fields.options import options_in
from patron_engine.model.model import Object
from patron_engine.page.icons import option_icons
from patron_engine.page.may import allowed
from patron_engine.query.call import Call
from patron_engine.record.change import Change

ACTIVITY, TASK = "activity", "task"
NEEDED = ("kind", "subject", "content", "next_contact_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """`link` is the activity's field that points at the record; `task` whether a next contact makes a task.

    `ways` are those it can be done in, in their order; `icons` of them by name.
    """

    object: str
    ways: tuple[Option, ...]
    icons: Mapping[str, str]
    link: str
    several: bool
    subject_length: int
    task: bool


def follow_up_of(call: Call, object: Object) -> FollowUp | None:
    """How a follow-up about records of an object is written down; None where there is no such thing."""
    found = object.sets.get("activities")
    if found is None or found.object != ACTIVITY or not allowed(call, "create", ACTIVITY):
        return None
    fields = readable(call.model, call.actor, ACTIVITY)
    if any(name not in fields for name in NEEDED):
        return None
    link = fields[found.field]
    assert isinstance(link.spec, LinkSpec)
    task = call.model.objects.get(TASK)
    about = task.fields.get("about") if task else None
    made = about is not None and isinstance(about.spec, LinkSpec) and ACTIVITY in about.spec.to
    return FollowUp(
        object=ACTIVITY,
        ways=tuple(o for o in options_in(fields["kind"].choice).values() if not o.retired),
        icons=option_icons(call.model, ACTIVITY, "kind"),
        link=found.field,
        several=link.spec.several,
        subject_length=fields["subject"].text.max_length,
        task=made and allowed(call, "create", TASK),
    )


def follow_up_changes(
    call: Call,
    found: FollowUp,
    object: str,
    id: str,
    *,
    kind: str,
    text: str,
    next_at: datetime | None,
    confirm: frozenset[str] = frozenset(),
) -> list[Change]:
    """The activity, and the task of its next contact."""
    activity = call.new_id()
    subject, content = _parted(text, found.subject_length)
    values: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        found.link: {"object": object, "id": id} if found.several else id,
    }
    if content:
        values["content"] = content
    if next_at is not None:
        values["next_contact_at"] = next_at.isoformat()
    made = [Change(action="create", object=found.object, id=activity, set=values, confirm=confirm)]
    if next_at is not None and found.task:
        made.append(
            Change(action="create", object=TASK, set=_task(call, activity, subject, next_at), confirm=confirm)
        )
    return made


def _task(call: Call, activity: str, subject: str, next_at: datetime) -> Mapping[str, Any]:
    length = call.model.objects[TASK].fields["title"].text.max_length
    day = next_at.astimezone(call.model.workspace.zone).date()
    return {
        "title": subject[:length],
        "about": {"object": ACTIVITY, "id": activity},
        "due": day.isoformat(),
        "remind_at": next_at.isoformat(),
    }


def _parted(text: str, length: int) -> tuple[str, str]:
    """The first line as the subject; a text that is longer is kept whole beside it."""
    clean = text.strip()
    first = clean.split("\n", 1)[0].strip()
    if clean == first and len(first) <= length:
        return first, ""
    return first[:length], clean
