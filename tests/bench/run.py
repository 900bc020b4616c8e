"""The benchmark: Patron beside its hand-written limit, in one run on one machine.

    python tests/bench/run.py                 50,000 rows, a few minutes
    python tests/bench/run.py --full          1,000,000 rows
    python tests/bench/run.py --only records  one group; --json FILE keeps the figures

Ratios are what counts: both sides are asked in turn, so that other load on the machine touches both.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from patron_bench import (
    figures,
    importing,
    keeping,
    lists,
    processor,
    publishing,
    records,
    rights,
    serving,
    tiles,
)
from patron_bench.client import Client
from patron_bench.data import opportunity_id
from patron_bench.report import Line, machine, show
from patron_bench.rounds import interleaved
from patron_bench.world import World, prepare


def measure_records(world: World, rounds: int) -> list[Line]:
    """Reading and writing over HTTP; and what it took to start, and the memory it took."""
    first = f"{records.OBJECT}/{opportunity_id(1)}"
    with (
        serving.patron(world.data, world.key, first),
        serving.limit(world.url, world.schema, world.key, first),
    ):
        pass  # the first start ever compiles Python's files; the second is a warm one
    with ExitStack() as stack:
        ours = stack.enter_context(serving.patron(world.data, world.key, first))
        theirs = stack.enter_context(serving.limit(world.url, world.schema, world.key, first))
        resting = ours.memory()
        clients = {
            "patron": stack.enter_context(Client(ours.port, world.key)),
            "limit": stack.enter_context(Client(theirs.port, world.key)),
        }
        _same_answer(clients, first)
        timings = interleaved(records.cases(world.rows), clients, rounds)
        lines = [
            Line(
                t.case.name, f"{t.patron * 1000:.2f} ms", f"{t.limit * 1000:.2f} ms", t.ratio, t.case.bar, "×"
            )
            for t in timings
        ]
        lines.append(
            Line(
                "warm start to the first answer",
                f"{ours.seconds:.2f} s",
                f"{theirs.seconds:.2f} s",
                ours.seconds,
                1.5,
                "s",
            )
        )
        lines.append(
            Line(
                "memory of a serving process at rest",
                f"{resting:.0f} MB",
                f"{theirs.memory():.0f} MB",
                resting,
                150,
                "MB",
            )
        )
        lines.append(
            Line("memory after all of the above", f"{ours.memory():.0f} MB", "", ours.memory(), None, "MB")
        )
    return lines


def _same_answer(clients: dict[str, Client], path: str) -> None:
    """The two answer the same record the same way, or the comparison would be worth nothing."""
    found = {
        side: json.loads(client.send(client.request("GET", path))[1]) for side, client in clients.items()
    }
    if found["patron"].keys() != found["limit"].keys():
        raise SystemExit(f"the limit answers other fields: {found['patron'].keys() ^ found['limit'].keys()}")


GROUPS: dict[str, Callable[[World, int], list[Line]]] = {
    "records": measure_records,
    "processor": processor.measure,
    "lists": lists.measure,
    "rights": rights.measure,
    "figures": figures.measure,
    "tiles": tiles.measure,
    "keep": keeping.measure,
    "import": importing.measure,
    "field": publishing.measure_field,
    "label": publishing.measure_label,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="a million rows")
    parser.add_argument("--rows", type=int, help="so many rows")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--only", action="append", choices=sorted(GROUPS), help="only this group; again for more"
    )
    parser.add_argument("--data", type=Path, help="data folder that is kept between runs")
    parser.add_argument("--fresh", action="store_true", help="throw the data folder away first")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    given = parser.parse_args()
    rows = given.rows or (1_000_000 if given.full else 50_000)
    with ExitStack() as stack:
        data = given.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patron-bench-")))
        if given.fresh:
            shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True, exist_ok=True)
        world = prepare(data, rows)
        lines = [line for name in given.only or GROUPS for line in GROUPS[name](world, given.rounds)]
    about = machine() | {"rows": rows}
    show(lines, about)
    if given.json:
        given.json.write_text(
            json.dumps({"about": about, "lines": [line.as_dict() for line in lines]}, indent=2)
        )


if __name__ == "__main__":
    main()
