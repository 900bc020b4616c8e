"""Act: what one step means for one run. A value; nothing is written here.

In: nothing. Out: `Act`, and `Command`, of which every effect beside changes of records is one: a frozen dataclass that derives
from it and stands beside the step that makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from patron_engine.flow.program import NOTHING
from patron_engine.record.change import Change


@dataclass(frozen=True, slots=True)
class Command:
    """An effect that is not a change of a record. What carries it out is found by its type (ways/carrying)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """`result` is what the step gives before anything is saved; with `made` it is the record of the only change.

    until    the run waits: to then, or (None) until its condition holds; `again` is when that is looked at unasked, `keeps` what the
             step finds again afterwards in `loops["wait"]`
    begins   automation, object and record of runs that begin
    commands what else is to be done, as values: carried out by ways/carrying in the transaction of the run; a step has
             changes or commands, so that nothing of it stays when one part fails
    alone    of several runs with the same words here only the first takes the step now, the others read what it did
    told     what stands in the log beside the changes
    """

    changes: tuple[Change, ...] = ()
    result: Any = None
    made: bool = False
    waits: bool = False
    until: datetime | None = None
    again: datetime | None = None
    keeps: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    stops: str | None = None
    begins: tuple[tuple[str, str | None, str | None], ...] = ()
    commands: tuple[Command, ...] = ()
    alone: str = ""
    told: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
