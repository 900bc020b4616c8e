"""Importing: a file of opportunities through the ordinary import: links found by code, checks, formulas, roll-ups of the
accounts, history, search; beside a bare COPY of the same rows into a table of the same columns and indexes.

In: the world and how many rows. Out: rows a second on both sides, and how the memory grew.
"""

from __future__ import annotations

import csv
import resource
import time
from pathlib import Path

import psycopg
from patron_bench.data import account_id
from patron_bench.report import Line
from patron_bench.world import NAME, World, service_of

from patron_platform.jobs.imports import carry_out, queue
from patron_platform.workspace import OPERATOR

MAPPING = {
    "object": "c_opportunity",
    "columns": {
        "Name": "c_name",
        "Account": {"field": "c_account", "by": "c_code"},
        "Stage": "c_stage",
        "Amount": "c_amount",
        "Closes": "c_close_date",
        "Source": "c_source",
    },
}


def measure(world: World, rounds: int) -> list[Line]:
    """One import; 100,000 rows where the world is full."""
    rows = 100_000 if world.rows >= 1_000_000 else 10_000
    file = world.data / "opportunities.csv"
    _write(file, rows, world.rows)
    with service_of(world.data) as service:
        place = service.runtime.workspace(NAME)
        place.reading(OPERATOR, lambda conn, call: None)  # who serves has read the definitions long ago
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        made = carry_out(place, queue(place, OPERATOR, "c_opportunity", file, map=MAPPING).batch)
        seconds = time.perf_counter() - begun
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        if made.state != "done" or made.counts.get("created") != rows:
            raise RuntimeError(f"the import ended as {made.as_dict()}")
        bare = _copy(world, rows)
    name = f"import {rows:,} rows"
    return [
        Line(
            name,
            f"{rows / seconds:,.0f} rows/s",
            f"{rows / bare:,.0f} rows/s",
            rows / seconds,
            10_000,
            "rows/s",
            True,
        ),
        Line("memory the import took", f"{grown:.0f} MB", "", grown, None, "MB"),
    ]


def _write(file: Path, rows: int, accounts: int) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["Name", "Account", "Stage", "Amount", "Closes", "Source"])
        for n in range(rows):
            stage = ("open", "offer", "talks", "won")[n % 4]
            account = f"K{n * 7 % accounts}"
            writer.writerow(
                [f"Imported deal {n}", account, stage, n % 9000 + 1, f"2027-0{1 + n % 9}-11", "fair"]
            )


def _copy(world: World, rows: int) -> float:
    """Seconds of the same rows by COPY, committed."""
    with psycopg.connect(world.url) as conn:
        conn.execute(
            f"CREATE TABLE {world.schema}.bench_copy (LIKE {world.schema}.c_opportunity INCLUDING ALL)"
        )
        conn.commit()
        begun = time.perf_counter()
        copying = f"""COPY {world.schema}.bench_copy (id, created_at, updated_at, version, c_name, c_name__sort, c_account,
            c_stage, c_amount, c_probability, c_expected, c_close_date, c_source) FROM STDIN"""
        with conn.cursor().copy(copying) as copy:
            for n in range(rows):
                name = f"Imported deal {n}"
                copy.write_row(
                    (
                        f"01900000-0009-7000-8000-{n:012x}", "2026-11-24T00:00Z", "2026-11-24T00:00Z", 1, name, name.lower(),
                        account_id(n * 7 % world.rows), "open", n % 9000 + 1, 10, (n % 9000 + 1) / 10,
                        f"2027-0{1 + n % 9}-11", "fair",
                    )
                )  # fmt: skip
        conn.commit()
        seconds = time.perf_counter() - begun
        conn.execute(f"DROP TABLE {world.schema}.bench_copy")
    return seconds
