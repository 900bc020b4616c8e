"""May: what a person may do with an approval, and why he may not do the rest. Pure.

In: a program, an instance, who asks. Out: act -> None, or the reason as a sentence. The page shows it, the way holds to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from patron_engine.actor import Actor
from patron_engine.approval.program import Node, Program
from patron_engine.approval.state import take_back_refused
from patron_engine.approval.value import OPEN, UNDECIDED, Instance, Task
from patron_engine.flow.spans import read_span
from patron_engine.phrases import Phrase

OF_TASK: Final = (
    "approve",
    "finish",
    "reject",
    "return",
    "transfer",
    "delegate",
    "add_signer",
    "remove_signer",
    "claim",
    "ask",
    "comment",
)
OF_SUBMITTER: Final = ("withdraw", "urge", "resubmit")
OF_ADMIN: Final = ("jump", "end", "mend", "revoke")
EXACT: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
URGE: Final = "15 minutes"
NOT_ADMIN: Final = Phrase("only an administrator may")
NOT_SUBMITTER: Final = Phrase("only who submitted may")
NOT_REVOKER: Final = Phrase("only who has the right to revoke approvals may")
FORBIDDEN: Final = (NOT_ADMIN, NOT_SUBMITTER, NOT_REVOKER)  # it is a matter of who asks, not of when


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks. `revokes` holds the right revoke_approval; `submits`: he may change the record, so he may submit it."""

    user: str | None
    administrator: bool = False
    revokes: bool = False
    submits: bool = False


def involved(instance: Instance) -> set[str | None]:
    """Whoever has to do with it."""
    people = {p for t in instance.tasks for p in (t.person, t.behalf, t.decided_by)}
    return {*people, instance.submitter, instance.initiator} - {None}


def closed_to(instance: Instance, actor: Actor) -> bool:
    """What the house decides about a record is for its own people: a customer sees the approvals he has to do with."""
    return actor.kind == "portal" and actor.user not in involved(instance)


def acts_of_task(program: Program, instance: Instance, task: Task, asker: Asker) -> dict[str, Phrase | None]:
    """What he may do with one task."""
    node = program.by_name.get(task.node)
    why = _not_his(instance, task, asker)
    if node is None or why is not None or task.kind == "copy":
        refused = why or Phrase("this is for your information only")
        open = {"comment"} if task.kind == "copy" and why is None else set()
        if node is not None and _waits_for_his(instance, task, asker) and node.allows("remove_signer"):
            open = {"remove_signer"}
        return {act: None if act in open else refused for act in OF_TASK}
    found: dict[str, Phrase | None] = {act: None for act in ("approve", "reject", "comment", "ask")}
    for act in ("finish", "return", "transfer", "delegate", "add_signer", "remove_signer"):
        found[act] = None if node.allows(act) else Phrase("this step does not offer it")
    if task.kind == "opinion":
        for act in ("finish", "return", "transfer", "delegate", "add_signer", "remove_signer"):
            found[act] = Phrase("your opinion was asked for; the decision is not yours")
    elif task.added_by is not None:
        for act in ("add_signer", "delegate"):
            found[act] = Phrase("who was added as a signer does not add others")
        found["finish"] = Phrase("who was added as a signer does not end it")
    found["claim"] = _not_claimed(node, instance, task)
    if found["remove_signer"] is None and not any(
        t.added_by == task.id and t.state in UNDECIDED for t in instance.tasks
    ):
        found["remove_signer"] = Phrase("there is nobody to remove")
    return found


def _waits_for_his(instance: Instance, task: Task, asker: Asker) -> bool:
    """He added signers before him, and one of them has not acted yet."""
    return (
        instance.state == "running"
        and task.person == asker.user
        and task.state == "not_started"
        and any(t.added_by == task.id and t.state in UNDECIDED for t in instance.tasks)
    )


def _not_his(instance: Instance, task: Task, asker: Asker) -> Phrase | None:
    if instance.state != "running" and task.kind != "copy":
        return Phrase("this approval is not running")
    if task.person != asker.user:
        return Phrase("this task is somebody else's")
    if task.state in ("waiting", "copied", "read"):
        return None
    if task.state in ("not_started", "delegated"):
        return Phrase("it is not your turn")
    return Phrase("this is decided already")


def _not_claimed(node: Node, instance: Instance, task: Task) -> Phrase | None:
    if node.mode != "claim" or task.kind != "approve" or task.added_by is not None:
        return Phrase("this step is not claimed")
    return Phrase("it is yours already") if task.claimed else None


def taken_back(program: Program, instance: Instance, task: Task, asker: Asker) -> Phrase | None:
    """Why he cannot take his approval back."""
    if task.person != asker.user and task.decided_by != asker.user:
        return Phrase("this task is somebody else's")
    why = take_back_refused(program, instance, task)
    return {
        None: None,
        "not_approved": Phrase("there is no approval of yours to take back"),
        "not_through": Phrase("this step is not over; add a comment instead"),
        "several_decided": Phrase("several people decided here"),
        "steps_done": Phrase("steps after it are done already"),
        "next_decided": Phrase("the next approver has decided already"),
    }[why]


def acts_of_instance(
    program: Program, instance: Instance, asker: Asker, now: datetime
) -> dict[str, Phrase | None]:
    """What he may do with the whole."""
    admin = None if asker.administrator else NOT_ADMIN
    running = None if instance.state in OPEN else Phrase("this approval is over")
    mine = asker.user is not None and asker.user in (instance.submitter, instance.initiator)
    submitter = None if mine else NOT_SUBMITTER
    return {
        "withdraw": running or submitter or _withdrawn(program, instance),
        "urge": (None if instance.waiting else Phrase("nobody is being waited for"))
        or submitter
        or _urged(program, instance, now),
        "resubmit": (None if instance.state == "returned" else Phrase("it was not returned"))
        or (None if mine or asker.submits else NOT_SUBMITTER),
        "jump": running or admin,
        "end": running or admin,
        "mend": (None if instance.state == "parked" else Phrase("it is not parked")) or admin,
        "revoke": (None if instance.state == "approved" else Phrase("it is not approved"))
        or (None if asker.revokes else NOT_REVOKER),
    }


def _withdrawn(program: Program, instance: Instance) -> Phrase | None:
    rule = program.tells("withdraw") or "before_decision"
    if rule == "never":
        return Phrase("this approval cannot be withdrawn")
    if rule == "before_decision" and instance.decided and instance.state != "returned":
        return Phrase("somebody has decided already")
    return None


def _urged(program: Program, instance: Instance, now: datetime) -> Phrase | None:
    span = read_span(program.tells("urge") or URGE)
    pause = (
        EXACT.get(span.unit.removeprefix("work_").replace("workday", "day"), timedelta(days=30)) * span.count
    )
    if instance.urged_at is None or now - instance.urged_at >= pause:
        return None
    return Phrase(
        "urge again in {minutes} minutes",
        minutes=int((instance.urged_at + pause - now).total_seconds() // 60) + 1,
    )
