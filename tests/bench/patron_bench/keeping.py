"""Keeping: what a save costs more while a report of the release keeps its answers (`keep`), when changes are counted.

In: the prepared world, how many rounds. Out: lines in microseconds a save, with and without, in turn on one connection: time on the
clock, processor time of Python and of PostgreSQL's process behind it. The workspace is the same: what is switched is what a release
with such a report says of itself (store/counters.keeps).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from patron_bench import records
from patron_bench.data import opportunity_id
from patron_bench.processor import taken
from patron_bench.report import Line
from patron_bench.world import NAME, World, service_of

from patron_engine.jsonio import loads
from patron_engine.query.call import Call
from patron_engine.record.begin import write_transaction
from patron_engine.record.change import Change
from patron_engine.store import counters
from patron_engine.ways.save import save
from patron_platform.workspace import OPERATOR

SAVES = 200  # of one round
OBJECT = "c_opportunity"
Cost = tuple[float, float, float]  # microseconds: on the clock, of Python, of PostgreSQL


def measure(world: World, rounds: int) -> list[Line]:
    with service_of(world.data) as service:
        place = service.runtime.workspace(NAME)
        with place.connection("write") as conn:
            call = place.call(conn, OPERATOR)
            works: dict[str, Callable[[int], Change]] = {
                "create": lambda n: Change(
                    action="create", object=OBJECT, set=loads(records.new(n % 1000 + 1))
                ),
                "update one field": lambda n: Change(
                    action="update", object=OBJECT, id=opportunity_id(1), set={"c_amount": n}
                ),
            }
            found: dict[tuple[str, bool], list[Cost]] = {}
            for number in range(max(rounds, 3) + 1):
                for work, change in works.items():
                    for kept in sorted((True, False), reverse=number % 2 == 0):
                        cost = _round(conn, call, change, kept=kept, start=number * SAVES)
                        if number:
                            found.setdefault((work, kept), []).append(cost)
            return [line for work in works for line in _lines(work, found)]


def _round(conn: Any, call: Call, change: Callable[[int], Change], *, kept: bool, start: int) -> Cost:
    call.model.kept[counters._KEPT] = kept
    mine, theirs = os.getpid(), conn.info.backend_pid
    before = (time.perf_counter() * 1e6, taken(mine), taken(theirs))
    for n in range(start, start + SAVES):
        with write_transaction(conn, call):
            save(conn, call, [change(2 * n + kept)])
    after = (time.perf_counter() * 1e6, taken(mine), taken(theirs))
    clock, python, database = ((a - b) / SAVES for a, b in zip(after, before, strict=True))
    return clock, python, database


def _lines(work: str, found: dict[tuple[str, bool], list[Cost]]) -> list[Line]:
    lines = []
    for at, of in enumerate(("on the clock", "Python", "PostgreSQL")):
        kept, none = (median(cost[at] for cost in found[work, side]) for side in (True, False))
        lines.append(
            Line(f"{work}, a report kept: {of}", f"{kept:.0f} µs", f"{none:.0f} µs", kept / none, None, "×")
        )
    return lines
