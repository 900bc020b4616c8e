"""Values of an approval under way: the instance, where it stands, its tasks, and what one event makes of them.

    running    somebody is to decide, or steps are being done      approved, rejected
    parked     it cannot go on: an administrator mends it          withdrawn   by whoever submitted
    returned   whoever submitted is to mend the record             revoked     after it was approved
                                                                   ended       by an administrator
Touches no database, decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from patron_engine.approval.program import Case, Node

State = Literal["running", "parked", "returned", "approved", "rejected", "withdrawn", "revoked", "ended"]
TaskState = Literal[
    "not_started", "waiting", "approved", "rejected", "returned", "transferred", "delegated", "decided_by_other", "cancelled",
    "copied", "read",
]  # fmt: skip
OPEN: Final = ("running", "parked", "returned")  # states in which a record has its one approval
UNDECIDED: Final = ("not_started", "waiting", "delegated")  # tasks that somebody is still to decide
HOWS: Final = ("before", "after", "beside")
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One person at one node.

    kind      approve; copy; opinion (somebody to whom it was delegated: then it comes back)
    behalf    whose task it is, where a substitute has it
    added_by, how   the task whose approver added this signer: before, after or beside him
    opinion_for     the task that waits for this opinion
    why       what decided it when nobody did: same_person, self_approval, deadline
    """

    id: str
    node: str
    round: int
    person: str
    state: TaskState
    kind: str = "approve"
    order: int = 0
    behalf: str | None = None
    added_by: str | None = None
    how: str | None = None
    opinion_for: str | None = None
    claimed: bool = False
    arrived_at: datetime | None = None
    due_at: datetime | None = None
    reminded: int = 0
    decided_at: datetime | None = None
    decided_by: str | None = None
    comment: str | None = None
    why: str | None = None
    urged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node that was entered, or passed: open | done | skipped. `cases` are those that were taken."""

    state: str
    round: int
    at: datetime
    cases: tuple[str, ...] = ()
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """`trigger` is what asked for it: submit, create, update …; `intent` the change that is kept until it is approved;
    `chosen` whom the submitter chose, by node; `returned_from` the node that sent it back."""

    id: str
    approval: str
    version: str
    release: int
    object: str
    record: str
    trigger: str
    submitter: str | None
    initiator: str | None
    began_at: datetime
    state: State = "running"
    round: int = 1
    places: Mapping[str, Place] = field(default_factory=lambda: NOTHING)
    tasks: tuple[Task, ...] = ()
    snapshot: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    intent: Mapping[str, Any] | None = None
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOTHING)
    returned_from: str | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    comment: str | None = None
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    urged_at: datetime | None = None

    def at(self, node: str) -> tuple[Task, ...]:
        """The tasks of a node in the round it was entered in."""
        place = self.places.get(node)
        return tuple(t for t in self.tasks if t.node == node and place is not None and t.round == place.round)

    def task(self, id: str) -> Task | None:
        return next((t for t in self.tasks if t.id == id), None)

    @property
    def waiting(self) -> tuple[Task, ...]:
        return tuple(t for t in self.tasks if t.state == "waiting")

    @property
    def approvers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(t.person for t in self.waiting))

    @property
    def decided(self) -> bool:
        """Whether somebody has decided since it was submitted (again)."""
        return any(
            t.round >= self.round and t.state in ("approved", "rejected", "returned") and t.why is None and t.kind == "approve"
            for t in self.tasks
        )  # fmt: skip


# -- what an event asks for beside the new instance -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DoSteps:
    """The steps of a `do` node begin."""

    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """What follows a result: its intent, the steps of `after`, events."""

    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """People are told: to_decide | copied | approved | rejected | returned | withdrawn | urged | late | asked …"""

    kind: str
    people: tuple[str, ...]
    node: str | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One line of what happened. `behalf`: for whom it was done, `person` whom it concerns."""

    kind: str
    by: str | None = None
    behalf: str | None = None
    node: str | None = None
    task: str | None = None
    person: str | None = None
    comment: str | None = None
    detail: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A node was left: approved | rejected. Automations may listen to it."""

    node: str
    result: str


Effect = DoSteps | Follow | Tell | Log | Left


class Facts(Protocol):
    """What the core asks about the world while it works out what comes next."""

    now: datetime

    def new_id(self) -> str: ...
    def fits(self, case: Case) -> bool: ...
    def people(self, instance: Instance, node: Node) -> list[str]: ...
    def instead(self, instance: Instance, rule: str) -> list[str]: ...
    def above(self, person: str) -> list[str]: ...
    def substitute(self, instance: Instance, person: str) -> str | None: ...
    def active(self, person: str) -> bool: ...
    def due(self, node: Node, again: bool) -> datetime | None: ...
    def transfer_to(self, instance: Instance, node: Node, key: str) -> list[str]: ...


def changed(instance: Instance, task: Task, **more: Any) -> Instance:
    """The instance with one task changed."""
    made = replace(task, **more)
    return replace(instance, tasks=tuple(made if t.id == task.id else t for t in instance.tasks))
