"""kill -9 of workers, and of the database server, at random moments of runs that write records and call somebody outside: what is
in the database happened once, what left left at least once and under one id, and nothing stands longer than a sending may take.

    PATRON_TEST_KILLS=100    so many points in place of KILLS; PATRON_TEST_SEED=7 repeats the moments of a run
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from patron_engine.clock import system_clock
from patron_engine.errors import Unavailable
from patron_engine.record.outbox import STALLED
from patron_platform.database.cluster import Cluster
from patron_platform.database.embedded import Attachment, attach
from patron_platform.database.processes import processes_in, wait_until
from patron_platform.database.workspaces import create_workspace
from patron_platform.jobs.flow import work_flows
from patron_platform.jobs.outbox import work_outbox
from patron_platform.service import open_service
from patron_platform.workspace import OPERATOR
from patron_testing.leaving import WORKSPACE, layer, settings
from patron_testing.peer import Peer, peer
from patron_testing.pg import Server, binaries

KILLS = 6  # points in all
OF_THE_SERVER = 0.4  # their share at which the database is killed
SEED = int(os.environ.get("PATRON_TEST_SEED", random.randrange(10**6)))
SUPPORT = Path(__file__).parents[1] / "support"
SCHEMA = f"w_{WORKSPACE}"
AT_WORK = 2  # processes at a time


def points(share: float) -> int:
    return max(1, round(share * int(os.environ.get("PATRON_TEST_KILLS", KILLS))))


class Yard:
    """The workspace, the other side of its calls, and processes that work until they are killed."""

    def __init__(self, url: str, folder: Path, other: Peer) -> None:
        self.url, self.folder, self.other = url, folder, other
        self.dice = random.Random(SEED)
        self.made: set[str] = set()
        self.keys: dict[str, set[str]] = defaultdict(set)  # job -> ids under which its call came
        self.calls = 0
        environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
        self.source = subprocess.Popen(
            [sys.executable, "-m", "patron_testing.leaving"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self.running: dict[int, Path] = {}
        self.closing = ExitStack()

    def __enter__(self) -> Self:
        self.service = self.closing.enter_context(open_service(settings(self.url)))
        with self.service.databases.system("publish") as conn:
            create_workspace(conn, self.service.databases, WORKSPACE)
        place = self.service.runtime.workspace(WORKSPACE)
        place.publish(OPERATOR, place.plan(lambda _, layers: (layer(self.other.url),)))
        place.runtime.clock = lambda: system_clock() + STALLED  # what the dead held is free by then
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.closing.close()
        assert self.source.stdin is not None
        self.source.stdin.close()
        self.source.wait(20)

    def start(self) -> None:
        """Processes that have begun to work."""
        assert self.source.stdin is not None and self.source.stdout is not None
        for _ in range(AT_WORK):
            out = self.folder / f"told-{time.monotonic_ns()}"
            given = {"url": self.url, "seed": self.dice.randrange(10**9), "out": str(out)}
            self.source.stdin.write(json.dumps(given) + "\n")
            self.source.stdin.flush()
            self.running[int(self.source.stdout.readline())] = out
        assert wait_until(lambda: all(o.exists() and o.read_bytes() for o in self.running.values()), 60)

    def kill(self) -> None:
        """Kills what runs, at once, and remembers what was acknowledged."""
        for pid in self.running:
            with suppress(ProcessLookupError):  # it failed, and says so
                os.kill(pid, signal.SIGKILL)
        for pid, out in self.running.items():
            assert wait_until(lambda p=pid: not Path(f"/proc/{p}").exists(), 20)  # type: ignore[misc]
            for line in out.read_text().splitlines():
                told = json.loads(line)
                assert "failed" not in told or _lost(told["failed"]), told
                self.made.update(told.get("made", ()))
            out.unlink()
        self.running.clear()

    def agree(self) -> Mapping[str, int]:
        """The next worker carries everything to its end; how it stood before, for who reads the output."""
        with psycopg.connect(self.url) as conn:
            before = dict(_all(conn, "SELECT state, count(*) FROM SCHEMA.sys__run GROUP BY state"))
        while self._round():
            pass
        with psycopg.connect(self.url) as conn:
            self._look(conn)
        return before

    def _round(self) -> int:
        place = self.service.runtime.workspace(WORKSPACE)
        try:
            return work_flows(place) + work_outbox(self.service, place)
        except Unavailable:  # a connection from before the database was killed
            return 1

    def _look(self, conn: psycopg.Connection[Any]) -> None:
        states = _all(
            conn, "SELECT state, error, count(*) FROM SCHEMA.sys__run WHERE state <> 'done' GROUP BY 1, 2"
        )
        assert states == [], f"seed {SEED}: runs stand"
        left = _all(
            conn, "SELECT state, count(*) FROM SCHEMA.sys__outbox WHERE state <> 'sent' GROUP BY state"
        )
        assert left == [], f"seed {SEED}: parcels stand"
        jobs = {str(j): rest for j, *rest in _all(conn, "SELECT id, marks, answered FROM SCHEMA.job")}
        parts = _all(conn, "SELECT job::text, count(*) FROM SCHEMA.part GROUP BY job")
        assert self.made <= jobs.keys(), f"seed {SEED}: what was acknowledged is gone"
        wrong = {job: found for job, found in jobs.items() if found != [1, 1]}
        assert not wrong, f"seed {SEED}: not done once: {wrong}"
        assert dict(parts) == dict.fromkeys(jobs, 1), f"seed {SEED}: parts were not made once"
        for _ in range(self.other.count()):
            asked = self.other.next()
            self.calls += 1
            self.keys[asked.json["job"]].add(asked.headers["idempotency-key"])
        assert self.keys.keys() == jobs.keys(), f"seed {SEED}: calls of {self.keys.keys() ^ jobs.keys()}"
        several = {job: keys for job, keys in self.keys.items() if len(keys) != 1}
        assert not several, f"seed {SEED}: called under several ids: {several}"


def _all(conn: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return conn.execute(query.replace("SCHEMA", SCHEMA).encode()).fetchall()


def _lost(failed: str) -> bool:
    """What a process says whose database went away."""
    return "Unavailable" in failed or "OperationalError" in failed or "AdminShutdown" in failed


@pytest.fixture
def other() -> Iterator[Peer]:
    with peer() as made:
        made.say(200, {"ok": True})
        yield made


@pytest.mark.timeout(3600)
def test_killed_workers(server: Server, tmp_path: Path, other: Peer) -> None:
    url, many, open_runs = server.make(), points(1 - OF_THE_SERVER), 0
    with Yard(url, tmp_path, other) as yard:
        for _ in range(many):
            yard.start()
            time.sleep(yard.dice.uniform(0, 0.6))
            yard.kill()
            before = yard.agree()
            open_runs += before.keys() - {"done"} != set()
        print(
            f"seed {SEED}: {many} kills, {open_runs} met open runs; {len(yard.keys)} jobs, {yard.calls} calls"
        )
    assert yard.made, "nothing was acknowledged: the processes did no work"
    server.drop(url)


@pytest.mark.timeout(3600)
def test_a_killed_database(tmp_path: Path, other: Peer) -> None:
    """PostgreSQL itself, as Patron runs it for real data."""
    home = Path(tempfile.mkdtemp(prefix="patron-"))
    home.chmod(0o755)
    cluster, many, open_runs = Cluster(data=home / "postgres", binaries=binaries()), points(OF_THE_SERVER), 0
    try:
        with (
            attach(home, binaries(), sync=False) as attachment,
            Yard(attachment.url, tmp_path, other) as yard,
        ):
            for _ in range(many):
                yard.start()
                time.sleep(yard.dice.uniform(0, 0.6))
                _kill(cluster, attachment, yard)
                before = yard.agree()
                open_runs += before.keys() - {"done"} != set()
            print(
                f"seed {SEED}: {many} kills of the server, {open_runs} met open runs; {len(yard.keys)} jobs, {yard.calls} calls"
            )
            assert yard.made, "nothing was acknowledged: the processes did no work"
    finally:
        for pid in processes_in(home / "postgres"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not processes_in(home / "postgres"), 10)
        shutil.rmtree(home, ignore_errors=True)


def _kill(cluster: Cluster, attachment: Attachment, yard: Yard) -> None:
    """The server while processes work, then they; it is started again."""
    pid = cluster.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    yard.kill()
    attachment.revive()
