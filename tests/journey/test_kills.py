"""kill -9 at random moments of publishing, saving and importing: definitions, tables and records agree afterwards, what was
acknowledged is there, and work goes on where it was stopped.

    PATRON_TEST_KILLS=500    so many points in place of KILLS; PATRON_TEST_SEED=7 repeats the moments of a run
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from psycopg import sql

from patron_engine.errors import Unavailable
from patron_engine.record.change import Change
from patron_engine.store.session import configure
from patron_platform.database.cluster import Cluster
from patron_platform.database.embedded import Attachment, attach
from patron_platform.database.processes import processes_in, wait_until
from patron_platform.database.workspaces import create_workspace
from patron_platform.jobs.flow import work_flows
from patron_platform.jobs.tasks import work_off
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR
from patron_testing import shop
from patron_testing.pg import Server, binaries
from patron_testing.victims import WORKSPACE
from patron_testing.wholeness import SCHEMA, Shop, faults

KILLS = 108  # points in all
SEED = int(os.environ.get("PATRON_TEST_SEED", random.randrange(10**6)))
SUPPORT = Path(__file__).parents[1] / "support"
CUSTOMERS, SALES = 12, 60


def rounds(share: float, processes: int = 1) -> int:
    """How often so many processes are killed at once to make a share of all points."""
    return max(1, round(share * int(os.environ.get("PATRON_TEST_KILLS", KILLS)) / processes))


class Field:
    """The shop on one server, with processes that work in it until they are killed."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.dice = random.Random(SEED)
        self.hits = 0
        environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
        self.source = subprocess.Popen(
            [sys.executable, "-m", "patron_testing.victims"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self.running: dict[int, Path] = {}

    def __enter__(self) -> Self:
        with open_service(Settings(database=self.url, jobs=False)) as service:
            with service.databases.system("publish") as conn:
                create_workspace(conn, service.databases, WORKSPACE)
            place = service.runtime.workspace(WORKSPACE)
            place.publish(OPERATOR, place.plan(lambda _, layers: (shop.layer(1),)))
            made = place.save(
                OPERATOR,
                [Change(action="create", object="customer", set={"name": f"C{n}"}) for n in range(CUSTOMERS)],
            )
            sales = [
                {
                    "name": f"seed {n}", "customer": made[n % CUSTOMERS].id, "score": n,
                    "lines": [{"what": "a", "price": "20"}, {"what": "b", "price": str(n)}],
                }
                for n in range(SALES)
            ]  # fmt: skip
            place.save(OPERATOR, [Change(action="create", object="sale", set=values) for values in sales])
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self.source.stdin is not None
        self.source.stdin.close()
        self.source.wait(20)

    def start(self, work: str) -> None:
        """A process that has begun to work."""
        out = self.folder / f"told-{time.monotonic_ns()}"
        given = {"url": self.url, "work": work, "seed": self.dice.randrange(10**9), "out": str(out)}
        assert self.source.stdin is not None and self.source.stdout is not None
        self.source.stdin.write(json.dumps(given) + "\n")
        self.source.stdin.flush()
        self.running[int(self.source.stdout.readline())] = out

    def begun(self) -> bool:
        return all(out.exists() and out.read_bytes() for out in self.running.values())

    def kill(self) -> list[Any]:
        """Kills what runs, at once; what it told."""
        told: list[Any] = []
        for pid in self.running:
            with suppress(ProcessLookupError):  # it failed, and says so
                os.kill(pid, signal.SIGKILL)
        for pid, out in self.running.items():
            assert wait_until(lambda p=pid: not Path(f"/proc/{p}").exists(), 20)  # type: ignore[misc]
            told += [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
            out.unlink(missing_ok=True)
        self.running.clear()
        return told


@contextmanager
def looking(url: str) -> Iterator[tuple[Service, psycopg.Connection[Any]]]:
    with (
        open_service(Settings(database=url, jobs=False, pool=2)) as service,
        psycopg.connect(url, autocommit=True) as conn,
    ):
        configure(conn)
        login = conn.execute("SELECT rolname FROM pg_roles WHERE rolname = %s", (_login(conn),)).fetchone()
        if login is not None:  # else what its sessions do is not shown
            conn.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(login[0])))
        yield service, conn


def _login(conn: psycopg.Connection[Any]) -> str:
    """The login of the application on this database."""
    found = conn.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    return f"patron_{(found or (0,))[0]}_app"


OTHERS = (
    "SELECT count(*) FILTER (WHERE xact_start IS NOT NULL), count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_start > %s AND backend_type = 'client backend'"
)


def one_point(field: Field, service: Service, conn: psycopg.Connection[Any], works: list[str]) -> list[Any]:
    """Processes work for a moment and are killed; once their sessions are gone everything agrees. What they told."""
    (since,) = conn.execute("SELECT clock_timestamp()").fetchone() or (None,)
    for work in works:
        field.start(work)
    assert wait_until(field.begun, 60), "the processes did not begin"

    def inside() -> bool:
        return bool((conn.execute(OTHERS, (since,)).fetchone() or (0,))[0])

    time.sleep(field.dice.uniform(0, 0.35))
    met = inside()
    if field.dice.random() < 0.7:  # a busy machine thinks for long between its transactions: wait for one
        met = met or wait_until(inside, 10)
        time.sleep(field.dice.uniform(0, 0.02))
    field.hits += met
    told = field.kill()
    assert wait_until(lambda: conn.execute(OTHERS, (since,)).fetchone() == (0, 0), 60), "a session stays"
    agree(service, conn, told)
    return told


def agree(service: Service, conn: psycopg.Connection[Any], told: list[Any]) -> None:
    failed = [t["failed"] for t in told if "failed" in t]
    assert not failed, failed[0]
    # A killed worker's lease ends after two minutes, which nobody waits for here; its work goes on and ends. Workers that
    # die in the same piece again and again, as here, would be taken for poisoned by it.
    conn.execute(
        f"UPDATE {SCHEMA}.sys__task SET lease_until = now(), stops = 0 WHERE state = 'running'".encode()
    )
    pending = conn.execute(  # a release that nobody heard of may have left some, too
        f"SELECT count(*) FROM {SCHEMA}.sys__task WHERE state <> 'done' AND kind <> 'import'".encode()
    )
    if (pending.fetchone() or (0,))[0]:
        work_off(service.runtime.workspace(WORKSPACE))
    while work_flows(service.runtime.workspace(WORKSPACE)):
        pass
    found = faults(Shop(service, conn), told)
    assert not found, f"seed {SEED}:\n" + "\n".join(found[:20])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    print(f"PATRON_TEST_SEED={SEED}")
    return tmp_path


@pytest.fixture
def field(server: Server, folder: Path) -> Iterator[Field]:
    url = server.make()
    with Field(url, folder) as made:
        yield made
    server.drop(url)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("works", "share"),
    [
        (["publishing"], 0.25), (["saving"], 0.2), (["importing"], 0.2), (["publishing", "saving", "importing"], 0.25),
        (["flowing", "flowing"], 0.25),
    ],
    ids=["publish", "save", "import", "all at once", "automations"],
)  # fmt: skip
def test_killed_processes(field: Field, works: list[str], share: float) -> None:
    many = rounds(share, len(works))
    told: list[Any] = []
    with looking(field.url) as (service, conn):
        for _ in range(many):
            told += one_point(field, service, conn, works)
        finish(service, conn)
    print(f"{field.hits} of {many} kills met an open transaction; {len(told)} acknowledgements")
    assert field.hits > many / 4, "the processes were killed at rest"


def finish(service: Service, conn: psycopg.Connection[Any]) -> None:
    """What was interrupted goes on to its end, and the next publication is carried out."""
    place = service.runtime.workspace(WORKSPACE)
    work_off(place)
    agree(service, conn, [])
    place.publish(
        OPERATOR, place.plan(lambda c, _: (shop.layer((place.pin(c)[0].release + 1) % shop.FORMS),))
    )
    work_off(place)
    agree(service, conn, [])


@pytest.mark.timeout(3600)
def test_a_killed_server(folder: Path) -> None:
    """PostgreSQL itself, as Patron runs it for real data: what was acknowledged was on the disk."""
    home = Path(tempfile.mkdtemp(prefix="patron-"))
    home.chmod(0o755)
    cluster = Cluster(data=home / "postgres", binaries=binaries())
    try:
        with attach(home, binaries(), sync=False) as attachment, Field(attachment.url, folder) as field:
            acknowledged: list[Any] = []
            for _ in range(rounds(0.05)):
                told = server_point(field, cluster, attachment)
                acknowledged += told
                with looking(field.url) as (service, conn):
                    agree(service, conn, told)
            assert acknowledged, "nothing was acknowledged: the processes did no work"
            with looking(field.url) as (service, conn):
                finish(service, conn)
    finally:
        for pid in processes_in(home / "postgres"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not processes_in(home / "postgres"), 10)
        shutil.rmtree(home, ignore_errors=True)


def server_point(field: Field, cluster: Cluster, attachment: Attachment) -> list[Any]:
    """The server is killed while three processes work, then they; it is started again."""
    for work in ("publishing", "saving", "importing", "flowing"):
        field.start(work)
    assert wait_until(field.begun, 60), "the processes did not begin"
    time.sleep(field.dice.uniform(0, 0.5))
    pid = cluster.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    told = [t for t in field.kill() if not _lost(t.get("failed", ""))]
    attachment.revive()
    return told


def _lost(failed: str) -> bool:
    """What a process says whose database went away."""
    return Unavailable.__name__ in failed or "OperationalError" in failed
