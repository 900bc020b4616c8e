"""Doors: what saves and runs ask of approvals, which save and run themselves and so stand above them.

In: what ways/approval_doors.py gives when this package is loaded. Out: the same, for who stands below. Decides nothing; a door that
nobody opened is a fault of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.asking import Ask
from patron_engine.record.gone import Gone
from patron_engine.record.statements import Conn


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """begin      a save asked for an approval; the change that waits, if one does: the id of the instance
    gone       records went, or came back
    start, withdraw   steps of automations
    node_done  the steps of a node came to their end, or are parked
    """

    begin: Callable[[Conn, Call, Ask, Mapping[str, Any] | None], str]
    gone: Callable[[Conn, Call, Sequence[Gone]], None]
    start: Callable[[Conn, Call, str, str, str | None, str | None], str]
    withdraw: Callable[[Conn, Call, str, str, str | None], str | None]
    node_done: Callable[[Conn, Call, Run], None]


_opened: list[Doors] = []


def open_doors(doors: Doors) -> None:
    _opened[:] = [doors]


def approvals() -> Doors:
    return _opened[0]
