"""Call: the frame of one request: who asks, in which workspace, under which release, at which moment.

Made by the runtime at the beginning of a request and never changed; every stage gets it and nothing global. It holds no
connection: functions that touch the database take one first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from patron_engine.actor import Actor, Cause
from patron_engine.clock import new_id
from patron_engine.model.model import Model
from patron_engine.store.tables import Tables


@dataclass(slots=True)
class Trial:
    """What is collected while something is tried: nothing of it stands. `events` that saves told (at, object, record, kind, release, payload), `runs` that began, `acts`:
    run, number of the step, what it meant."""

    events: list[Any] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    acts: list[tuple[str, int, Any]] = field(default_factory=list)

    def take(self) -> list[Any]:
        """The events since it was asked last."""
        taken, self.events = self.events, []
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`now` is aware and fixed once a request. `schema` is the workspace's PostgreSQL schema. `committed` is done once what
    this call wrote stands in the database; `trial` collects what follows where everything will be undone."""

    workspace: str
    schema: str
    model: Model
    tables: Tables
    actor: Actor
    now: datetime
    cause: Cause = field(default_factory=Cause)
    new_id: Callable[[], str] = new_id
    committed: list[Callable[[], None]] = field(default_factory=list, compare=False)
    trial: Trial | None = field(default=None, compare=False)
    administrators: Callable[[], frozenset[str]] = (
        frozenset  # users who have every right, whatever their record says
    )

    @property
    def today(self) -> date:
        """The business day: the date in the workspace's zone."""
        return self.now.astimezone(self.model.workspace.zone).date()
