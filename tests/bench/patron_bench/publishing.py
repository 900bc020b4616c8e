"""Publishing: a field added to a large table while people read it, and a changed label in a workspace of 200 objects; and
the memory of a process that serves those 200.

In: the world. Out: lines in seconds, milliseconds and MB.
"""

from __future__ import annotations

import time
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Self

import psycopg
from patron_bench import serving
from patron_bench.report import Line
from patron_bench.world import ADMINISTRATOR, DEFINITIONS, NAME, World, service_of

from patron_engine.errors import Conflict
from patron_engine.runtime import Workspace
from patron_platform.folder import read_folder
from patron_platform.identity.keys import create_key
from patron_platform.jobs.tasks import work_off
from patron_platform.workspace import OPERATOR, make_workspace

LARGE = "large"
OBJECTS = 200


def measure_field(world: World, rounds: int) -> list[Line]:
    """From the order to publish until the field can be written, and the longest any reader waited meanwhile."""
    taken, waited = [], []
    with service_of(world.data) as service:
        place = service.runtime.workspace(NAME)
        for _ in range(min(rounds, 3)):
            with _Reader(world) as reader:
                planned = place.plan_own(_one_field_more(place))
                begun = time.perf_counter()
                place.publish(OPERATOR, planned)
                work_off(place)
                taken.append(time.perf_counter() - begun)
            waited.append(reader.longest)
    work = f"add a field to {world.rows:,} rows"
    return [
        Line(f"{work}, until usable", f"{median(taken) * 1000:.0f} ms", "", median(taken) * 1000, 250, "ms"),
        Line(
            "longest wait of a reader meanwhile",
            f"{max(waited) * 1000:.0f} ms",
            "",
            max(waited) * 1000,
            100,
            "ms",
        ),
    ]


def measure_label(world: World, rounds: int) -> list[Line]:
    """Planning and publishing together, the way an administrator waits for it; then a process serving them all."""
    with service_of(world.data) as service:
        with suppress(Conflict):  # made by a run before
            make_workspace(service, LARGE, administrator=ADMINISTRATOR)
        place = service.runtime.workspace(LARGE)
        _publish(place, _many("first"))
        work_off(place)
        taken = []
        for number in range(min(rounds, 5)):
            begun = time.perf_counter()
            _publish(place, _many(f"label {number} {time.time_ns()}"))
            taken.append(time.perf_counter() - begun)
        with service.databases.system() as conn:
            key = create_key(conn, ADMINISTRATOR, LARGE)
    with serving.patron(world.data, key, "/api/v1/records/c_thing_7?limit=1") as server:
        memory, started = server.memory(), server.seconds
    return [
        Line(
            f"publish a changed label among {OBJECTS} objects",
            f"{median(taken):.2f} s",
            "",
            median(taken),
            1.0,
            "s",
        ),
        Line(f"memory of a process serving {OBJECTS} objects", f"{memory:.0f} MB", "", memory, 250, "MB"),
        Line(
            f"its start to the first answer with {OBJECTS} objects",
            f"{started:.2f} s",
            "",
            started,
            None,
            "s",
        ),
    ]


class _Reader:
    """Somebody in another process who reads the table all the time; `longest` is his longest wait in seconds."""

    def __init__(self, world: World) -> None:
        processes = get_context("spawn")
        self._stop, self._began, self._longest = (
            processes.Event(),
            processes.Event(),
            processes.Value("d", 0.0),
        )
        self._process = processes.Process(
            target=_read_on, args=(world.url, world.schema, self._stop, self._began, self._longest)
        )

    @property
    def longest(self) -> float:
        return float(self._longest.value)

    def __enter__(self) -> Self:
        self._process.start()
        self._began.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._process.join()


def _read_on(url: str, schema: str, stop: Any, began: Any, longest: Any) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        while not stop.is_set():
            begun = time.perf_counter()
            conn.execute(f"SELECT c_name FROM {schema}.c_opportunity LIMIT 1").fetchone()
            if began.is_set():
                longest.value = max(longest.value, time.perf_counter() - begun)
            began.set()
            time.sleep(0.001)


def _one_field_more(place: Workspace):  # type: ignore[no-untyped-def]
    """The benchmark's definitions with one more field for each release there was."""
    with place.connection("read") as conn:
        place.stale()
        number = place.pin(conn)[0].release
    text = (DEFINITIONS / "records.yaml").read_text()
    at = "  - {name: c_source, type: select"
    added = f"  - {{name: c_added_{number}, type: select, default: low, label: Added, options: [{{name: low}}, {{name: high}}]}}"
    return _read(text.replace(at, f"{added}\n{at}"))


def _many(label: str):  # type: ignore[no-untyped-def]
    """OBJECTS objects of ten fields, linked to each other; `label` is what one of them is called."""
    documents = []
    for n in range(OBJECTS):
        name = label if n == 7 else f"Thing {n}"
        documents.append(f"""kind: object
name: c_thing_{n}
label: "{name}"
title: c_name
search: [c_name]
fields:
  - {{name: c_name, type: text, label: Name, required: true}}
  - {{name: c_code, type: text, label: Code, unique: true}}
  - {{name: c_before, type: lookup, to: c_thing_{(n - 1) % OBJECTS}, label: Before, reverse: c_after}}
  - {{name: c_amount, type: money, min: 0, label: Amount}}
  - {{name: c_share, type: percent, label: Share}}
  - {{name: c_part, type: formula, expression: "c_amount * c_share / 100", label: Part}}
  - {{name: c_from, type: date, label: From}}
  - {{name: c_days, type: formula, expression: "DAYS(c_from, TODAY())", label: Days}}
  - {{name: c_state, type: select, default: open, label: State, options: [{{name: open}}, {{name: done}}]}}
  - {{name: c_total, type: rollup, of: c_after, function: sum, field: c_amount, where: "c_state == 'done'", label: Total}}
rules:
  - {{name: c_late, when: "c_state == 'done' and c_from > TODAY()", at: c_from, message: Not yet}}
""")
    return _read("---\n".join(documents))


def _read(text: str):  # type: ignore[no-untyped-def]
    with TemporaryDirectory() as folder:
        (Path(folder) / "objects.yaml").write_text(text)
        return read_folder(Path(folder))


def _publish(place: Workspace, documents) -> None:  # type: ignore[no-untyped-def]
    place.publish(OPERATOR, place.plan_own(documents))
