"""Processor: what a request costs in processor time, of the serving process and of PostgreSQL's processes behind it.

In: the prepared world, how many rounds. Out: lines in microseconds a request, both servers asked the same in turn. Unlike
seconds they hardly depend on what else the machine does: for comparing two versions on a busy machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import psycopg
from patron_bench import records, serving
from patron_bench.client import Client
from patron_bench.data import opportunity_id
from patron_bench.report import Line
from patron_bench.rounds import Case
from patron_bench.serving import Server
from patron_bench.world import World

CALLS = 500  # requests a round


class Meter:
    """Processor time of one server: its own, and that of the connections it has open."""

    def __init__(self, server: Server, url: str, application: str) -> None:
        self.server = server
        with psycopg.connect(url, autocommit=True) as conn:
            found = conn.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " AND application_name = %s",
                (application,),
            )
            self.backends = [row[0] for row in found]

    def read(self) -> tuple[float, float]:
        """Microseconds until now: of Python, of PostgreSQL."""
        return taken(self.server.pid), sum(map(taken, self.backends))


def measure(world: World, rounds: int) -> list[Line]:
    """Every case on both sides, in turn."""
    first = f"{records.OBJECT}/{opportunity_id(1)}"
    with ExitStack() as stack:
        ours = stack.enter_context(serving.patron(world.data, world.key, first))
        theirs = stack.enter_context(serving.limit(world.url, world.schema, world.key, first))
        sides = {"patron": (ours, "patron serving"), "limit": (theirs, "")}
        found: dict[tuple[str, str], list[tuple[float, float]]] = {}
        cases = records.cases(world.rows)
        for number in range(rounds + 1):
            for case in cases:
                for side, (server, application) in sides.items():
                    meter = Meter(server, world.url, application)
                    with Client(server.port, world.key) as client:  # one kept idle would be closed
                        cost = _round(client, case, side, meter)
                    if number:
                        found.setdefault((case.name, side), []).append(cost)
    return [line for case in cases for line in _lines(case.name, found)]


def _round(client: Client, case: Case, side: str, meter: Meter) -> tuple[float, float]:
    make = case.patron if side == "patron" else case.limit
    requests = make(client, CALLS)
    before = meter.read()
    for request in requests:
        status, body = client.send(request)
        if status != case.status:
            raise RuntimeError(f"answered {status}: {body[:500].decode(errors='replace')}")
    after = meter.read()
    return (after[0] - before[0]) / CALLS, (after[1] - before[1]) / CALLS


def _lines(name: str, found: dict[tuple[str, str], list[tuple[float, float]]]) -> list[Line]:
    lines = []
    for number, of in enumerate(("Python", "PostgreSQL")):
        ours = _middle([cost[number] for cost in found[name, "patron"]])
        limit = _middle([cost[number] for cost in found[name, "limit"]])
        lines.append(Line(f"{name}: {of}", f"{ours:.0f} µs", f"{limit:.0f} µs", ours / limit, None, "×"))
    return lines


def _middle(costs: Sequence[float]) -> float:
    return median(costs)


def taken(pid: int) -> float:
    """Microseconds a process and its threads have run."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000
