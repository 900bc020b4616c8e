"""Flow as a process runs it: what saves told, worked off, workspace by workspace.

In: a workspace. Out: its automations further on. Each transaction takes at most a hundred events or runs, and a workspace at most a few
seconds before the next has its turn, so that nobody's import holds up another.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from patron_engine.actor import SYSTEM
from patron_engine.errors import ReleaseChanged, Unavailable
from patron_engine.flow import store
from patron_engine.flow.assigning import program_in
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.release.active import load_model
from patron_engine.runtime import Workspace
from patron_engine.ways import clocks, flow, noting, pool_clocks, replaying, timers
from patron_engine.ways.standing import Who

TURN_SECONDS = 2.0

AT_ONCE_SECONDS = 2.0  # that somebody waits for a run he started
AT_ONCE_STEPS = 20

ACTS: Final[tuple[tuple[store.Due, Callable[[Conn, Call], int]], ...]] = (
    ("clocks", timers.tick),
    ("notes", noting.work),
    ("pools", pool_clocks.tick),
    ("slas", clocks.tick),
    ("events", flow.begin),
    ("replays", replaying.go_on),
)  # what carries out what is due, in this order

log = logging.getLogger("patron.worker")


def hands(place: Workspace) -> tuple[Who, flow.Older]:
    """What carrying runs on asks of the process: people as they stand now, automations of former releases."""
    return place.people.who, _older(place)


def carry_on(place: Workspace, run: str) -> Run:
    """Goes on with one run while somebody waits, as far as it goes at once; how it stands. The rest is the worker's."""
    who, older = hands(place)
    end = time.monotonic() + AT_ONCE_SECONDS
    for _ in range(AT_ONCE_STEPS):
        found, _problems = place.writing(
            SYSTEM, lambda conn, call: flow.go_on_with(conn, call, run, who, older)
        )
        due = found.due_at is None or found.due_at <= place.runtime.clock()
        if found.state != "ready" or not due or found.error or time.monotonic() > end:
            break
    return found


def work_flows(place: Workspace) -> int:
    """Takes what is due, for one turn; how many events and steps that were."""
    who, older = hands(place)
    end, done = time.monotonic() + TURN_SECONDS, 0
    while time.monotonic() < end:
        with place.connection("job") as conn:
            due = store.what_is_due(conn, place.schema, place.runtime.clock())
        took = sum(_act(place, of, act) for of, act in ACTS if of in due)
        if due & {"events", "runs"}:
            took += _go_on(place, who, older)
        if not took:
            break
        done += took
    return done


def _act(place: Workspace, of: store.Due, act: Callable[[Conn, Call], int]) -> int:
    """What cannot be carried out is logged, and holds up nothing else of the workspace."""
    try:
        return place.writing(SYSTEM, act)
    except (Unavailable, ReleaseChanged):
        raise
    except Exception:
        log.exception("flow_part_failed", extra={"workspace": place.name, "part": of})
        return 0


def _go_on(place: Workspace, who: Who, older: flow.Older) -> int:
    try:
        return place.writing(SYSTEM, lambda conn, call: flow.go_on(conn, call, who, older))
    except Exception:
        log.exception("flow_failed", extra={"workspace": place.name})
        return place.writing(SYSTEM, lambda conn, call: flow.go_on_alone(conn, call, who, older))


def _older(place: Workspace) -> flow.Older:
    """Read over the connection of the turn, which holds its runs: waiting for a second one could wait for ever. A former release is
    compiled once a turn, not with each step."""
    known: dict[tuple[int, str], Flow | None] = {}

    def older(conn: Conn, release: int, name: str) -> Flow | None:
        if (release, name) not in known:
            known[release, name] = program_in(load_model(conn, place.schema, release, place.vault), name)
        return known[release, name]

    return older
