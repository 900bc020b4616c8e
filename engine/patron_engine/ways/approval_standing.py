"""Standing: how a record stands to approvals, for its page: the latest one in short, and what it may be submitted to. Part of the way
approve.

In: a record, who looks. Out: a `Standing`, or None for an object without approvals: then nothing is asked. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_engine.access.decide import readable
from patron_engine.approval import store
from patron_engine.approval.may import acts_of_instance, closed_to
from patron_engine.approval.value import OPEN, UNDECIDED, Instance, Task
from patron_engine.fields.field import Texts
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record.asking import Trigger, triggers_of
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_drawn import called, names_of
from patron_engine.ways.approval_lock import Lock, has_approvals, lock_of
from patron_engine.ways.approve import asker_of, candidates
from patron_engine.ways.approving import frame_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One thing the record may be submitted to. `button` where that is what asks for it."""

    approval: str
    label: str
    button: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`instance` is the latest, in the program of its version; `locks`: "" (open), running, after, reapprove, with the fields that are
    left `open`. `task` is the one that waits for the viewer; `returned` what was said when it came back."""

    instance: Instance | None = None
    label: str = ""
    steps: Sequence[str] = ()
    names: Mapping[str, str] | None = None
    acts: Mapping[str, Phrase | None] | None = None
    task: Task | None = None
    returned: Mapping[str, Any] | None = None
    log: Sequence[Mapping[str, Any]] = ()
    locks: str = ""
    open: Sequence[Texts] = ()
    ways: Sequence[Way] = ()


def standing(conn: Conn, call: Call, object: Object, record: str, *, submits: bool) -> Standing | None:
    """`submits`: he may change the record."""
    if not has_approvals(call, object.name):
        return None
    id = store.of_record(conn, call.schema, object.name, record)
    instance = store.load(conn, call.schema, id) if id is not None else None
    if instance is not None and closed_to(instance, call.actor):
        return None
    running = instance is not None and instance.state in OPEN
    ways = _ways(conn, call, object.name, record) if submits and not running else ()
    if instance is None:
        return Standing(ways=ways)
    frame = frame_of(conn, call, instance)
    lock = lock_of(conn, call, object.name, record)
    lines = store.logged(conn, call.schema, instance.id)
    people = [p for line in lines for p in (line["by"], line["person"], line["behalf"]) if p]
    people += [*instance.approvers, *(p for p in (instance.submitter, instance.initiator) if p)]
    mine = [t for t in instance.tasks if t.person == call.actor.user and t.kind != "copy"]
    asker = asker_of(conn, call, instance)
    return Standing(
        instance=instance, label=called(call, frame.program.body.get("label"), frame.program.name),
        steps=[called(call, n.body.get("label"), n.name) for n in frame.program.by_name.values()
               if n.type not in ("branch", "parallel", "inclusive") and (p := instance.places.get(n.name)) and p.state == "open"],
        names=names_of(conn, call, people), acts=acts_of_instance(frame.program, instance, asker, call.now),
        task=next((t for t in mine if t.state in UNDECIDED), None) if instance.state == "running" else None,
        returned=next((line for line in reversed(lines) if line["kind"] == "returned"), None) if instance.state == "returned" else None,
        log=lines, locks=lock.locks if lock is not None else "", open=_open(call, lock, object) if lock is not None else (),
        ways=() if lock is not None and lock.locks == "after" else ways,
    )  # fmt: skip


def _open(call: Call, lock: Lock, object: Object) -> list[Texts]:
    """Labels of what may be changed all the same, as far as he knows of it."""
    fields = readable(call.model, call.actor, object.name)
    sets = {n: s for n, s in object.sets.items() if s.field in readable(call.model, call.actor, s.object)}
    found = [fields.get(n) or sets.get(n) for n in (object.aliases.get(o, o) for o in sorted(lock.open))]
    return [known.label for known in found if known is not None]


def _ways(conn: Conn, call: Call, object: str, record: str) -> tuple[Way, ...]:
    """The best approval for submitting by hand, and one for each button that asks."""
    by_hand = [_way(call, t) for t in candidates(conn, call, object, record)[:1]]
    return (*by_hand, *ways_by_button(conn, call, object, record))


def asking_buttons(call: Call, object: str) -> list[str]:
    """The buttons that ask for an approval of records of the object."""
    triggers = triggers_of(Programs.of(call.tables)).get(object, ())
    return list(dict.fromkeys(b for t in triggers if t.verb == "button" for b in sorted(t.fields)))


def ways_by_button(conn: Conn, call: Call, object: str, record: str) -> list[Way]:
    """Those of them that fit the record as it is now."""
    return [
        _way(call, t, button)
        for button in asking_buttons(call, object)
        for t in candidates(conn, call, object, record, button)[:1]
    ]


def _way(call: Call, trigger: Trigger, button: str = "") -> Way:
    return Way(
        approval=trigger.approval,
        label=called(call, trigger.body.get("label"), trigger.approval),
        button=button,
    )
