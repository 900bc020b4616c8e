"""The embedded server: shared by processes, stopped by the last, back after kill -9, for root and for anybody."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from patron_engine.errors import Unavailable, WrongUse
from patron_platform.database.binaries import for_everybody, reachable
from patron_platform.database.cluster import Cluster
from patron_platform.database.embedded import attach
from patron_platform.database.pools import Databases
from patron_platform.database.processes import alive, processes_in, wait_until
from patron_platform.database.sizing import memory_of_machine, sized
from patron_platform.database.sockets import LONGEST, SOCKET_NAME, socket_folder
from patron_testing.pg import binaries

LINUX = Path("/proc/self").exists()
ROOT = os.geteuid() == 0
INSIDE_WORKS = LINUX and binaries().major >= 16
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a server, closed (0700) where that works; it is gone afterwards whatever the test did."""
    made = Path(tempfile.mkdtemp(prefix="patron-"))
    if ROOT and not INSIDE_WORKS:
        made.chmod(0o755)
    yield made
    for pid in processes_in(made / "postgres"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes_in(made / "postgres"), 10)
    shutil.rmtree(made, ignore_errors=True)


class Process:
    """Another process that is attached to the server."""

    def __init__(self, home: Path, *more: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
        self.running = subprocess.Popen(
            [sys.executable, "-m", "patron_testing.attached", str(home), *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert self.running.stdout is not None
        self.out = self.running.stdout
        self.url = self.out.readline().strip()

    def leave(self) -> None:
        self.running.communicate("", timeout=60)

    def kill(self) -> None:
        self.running.kill()
        self.running.communicate(timeout=60)


def cluster(home: Path) -> Cluster:
    return Cluster(data=home / "postgres", binaries=binaries())


def server_pid(home: Path) -> int:
    pid = cluster(home).pid()
    assert pid is not None, "the server does not run"
    return pid


def kill_server(home: Path) -> None:
    pid = server_pid(home)
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(pid), 10)


def answers(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=5) as conn:
        return conn.execute("SELECT 1").fetchone() == (1,)


def test_processes_share_one_server_and_the_last_one_stops_it(home: Path) -> None:
    first, second = Process(home), Process(home)
    assert first.url == second.url
    pid = server_pid(home)
    first.leave()
    assert server_pid(home) == pid
    assert answers(second.url)
    second.leave()
    assert cluster(home).pid() is None
    assert processes_in(home / "postgres") == []


def test_processes_that_start_at_once_start_one_server(home: Path) -> None:
    started: list[Process] = []
    threads = [threading.Thread(target=lambda: started.append(Process(home))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert len(started) == 4
    assert all(answers(process.url) for process in started)
    for process in started:
        process.leave()
    assert cluster(home).pid() is None


def test_a_killed_process_is_not_counted_any_more(home: Path) -> None:
    survivor, victim = Process(home), Process(home)
    victim.kill()
    assert answers(survivor.url)
    survivor.leave()
    assert cluster(home).pid() is None


def test_the_server_outlives_its_last_process_when_that_is_killed_and_is_taken_over(home: Path) -> None:
    Process(home).kill()
    pid = server_pid(home)
    with attach(home, binaries()) as attachment:
        assert server_pid(home) == pid
        assert answers(attachment.url)
    assert cluster(home).pid() is None


def test_nothing_committed_is_lost_when_the_server_is_killed(home: Path) -> None:
    with attach(home, binaries(), sync=False):
        writer = Process(home, "100000")
        acknowledged = -1
        while acknowledged < 300:
            acknowledged = int(writer.out.readline())
        os.kill(server_pid(home), signal.SIGKILL)
        rest = writer.running.communicate(timeout=60)[0].split()
        acknowledged = max([acknowledged, *map(int, rest)])
        with attach(home, binaries()) as again, psycopg.connect(again.url) as conn:
            row = conn.execute("SELECT count(*), max(n) FROM kept").fetchone()
    assert row is not None
    count, highest = row
    assert highest >= acknowledged
    assert count == highest + 1


def test_a_new_server_waits_for_the_sessions_of_a_killed_one(home: Path) -> None:
    with attach(home, binaries(), sync=False) as attachment:
        with psycopg.connect(attachment.url, autocommit=True) as conn:
            conn.execute("CREATE TABLE t (n bigint)")
            backend = conn.info.backend_pid
            kill_server(home)
            attachment.revive()
            assert not alive(backend)
        assert answers(attachment.url)


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_a_zombie_is_not_taken_for_the_server(home: Path) -> None:
    """In a container whose first process reaps nobody, a killed server stays in the table of processes."""
    with attach(home, binaries(), sync=False) as attachment:
        kill_server(home)
        wait_until(lambda: not processes_in(home / "postgres"), 10)
        zombie = subprocess.Popen(["/bin/true"])
        wait_until(lambda: f"{zombie.pid} (true) Z" in Path(f"/proc/{zombie.pid}/stat").read_text(), 10)
        pid_file = home / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().split("\n")
        pid_file.write_text("\n".join([str(zombie.pid), *lines[1:]]))
        assert cluster(home).pid() is None
        attachment.revive()
        assert answers(attachment.url)
        assert server_pid(home) != zombie.pid
        zombie.wait()


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_a_stranger_with_the_servers_old_process_id_is_left_alone(home: Path) -> None:
    with attach(home, binaries(), sync=False):
        pass
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        (home / "postgres" / "postmaster.pid").write_text(
            f"{stranger.pid}\n{home / 'postgres'}\n1\n5432\n\n\n\nready\n"
        )
        with attach(home, binaries()) as attachment:
            assert answers(attachment.url)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_pools_answer_again_after_the_server_was_killed(home: Path) -> None:
    with (
        attach(home, binaries(), sync=False) as attachment,
        Databases(attachment.url, revive=attachment.revive) as pools,
    ):
        for _ in range(3):
            with pools.system("read") as conn:
                assert conn.execute("SELECT 1").fetchone() == (1,)
            os.kill(server_pid(home), signal.SIGKILL)
            wait_until(lambda: not processes_in(home / "postgres"), 10)
            with pytest.raises(Unavailable), pools.system("read") as conn:
                conn.execute("SELECT 1")
            assert wait_until(lambda: _works(pools), 10)


def _works(pools: Databases) -> bool:
    try:
        with pools.system("read") as conn:
            return conn.execute("SELECT 1").fetchone() == (1,)
    except Unavailable:
        return False


@pytest.mark.skipif(ROOT and not INSIDE_WORKS, reason="before 16 PostgreSQL cannot stand in a closed folder")
def test_no_permission_of_any_folder_is_changed(home: Path) -> None:
    inner = home / "data"
    inner.mkdir(mode=0o700)
    modes = {p: (p.stat().st_mode, p.stat().st_uid) for p in (inner, *inner.parents)}
    with attach(inner, binaries(), sync=False) as attachment:
        assert answers(attachment.url)
        assert (inner / "postgres").stat().st_mode & 0o777 == 0o700
    assert {p: (p.stat().st_mode, p.stat().st_uid) for p in modes} == modes


@pytest.mark.skipif(not ROOT or INSIDE_WORKS, reason="only where root needs an open folder")
def test_a_folder_that_nobody_can_enter_is_refused_with_the_next_step(home: Path) -> None:
    inner = home / "data"
    inner.mkdir(mode=0o700)
    with pytest.raises(WrongUse, match="cannot enter") as caught:
        attach(inner, binaries())
    assert caught.value.code == "data_not_reachable"
    assert inner.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_an_ordinary_user_starts_a_server_of_his_own(home: Path) -> None:
    """Also where root used Patron before: nothing of root's stands in the way."""
    with attach(home, binaries(), sync=False):
        pass
    nobody = pwd.getpwnam("nobody")
    place = Path(tempfile.mkdtemp(prefix="patron-nobody-"))
    try:
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
        programs = for_everybody(binaries(), place)
        code = (
            "import os, sys; from pathlib import Path; from patron_platform.database.binaries import Binaries\n"
            "from patron_platform.database.embedded import attach; import psycopg\n"
            f"b = Binaries(folder=Path({str(programs.folder)!r}), version={programs.version!r}, origin='test')\n"
            f"a = attach(Path({str(place)!r}), b, sync=False)\n"
            "print(os.getuid(), psycopg.connect(a.url).execute('SELECT 41 + 1').fetchone()[0]); a.close()\n"
        )
        source = [p for p in sys.path if p] + [str(SUPPORT)]
        said = subprocess.run(
            ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", sys.executable, "-c", code],
            capture_output=True, text=True, timeout=120, check=False, cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(source)},
        )  # fmt: skip
        if "Permission denied" in said.stderr and not reachable(Path(sys.executable)):
            pytest.skip(f"an ordinary user cannot reach {sys.executable}")
        assert said.stdout.split() == [str(nobody.pw_uid), "42"], said.stderr
        assert processes_in(place / "postgres") == []
    finally:
        shutil.rmtree(place, ignore_errors=True)


def test_a_data_folder_with_a_long_name_works(home: Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)
    assert len(os.fsencode(deep / "postgres" / SOCKET_NAME)) > LONGEST
    with attach(deep, binaries(), sync=False) as attachment:
        assert answers(attachment.url)
    assert len(os.fsencode(socket_folder(deep / "postgres") / SOCKET_NAME)) <= LONGEST


def test_data_of_another_version_are_refused_and_untouched(home: Path) -> None:
    with attach(home, binaries(), sync=False):
        pass
    (home / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(WrongUse, match="is of PostgreSQL 14") as caught:
        attach(home, binaries())
    assert caught.value.hint is not None
    assert "PATRON_PG_BIN" in caught.value.hint


def test_a_first_start_that_was_killed_leaves_nothing_in_the_way(home: Path) -> None:
    broken = home / "postgres.new"
    broken.mkdir()
    (broken / "PG_VERSION").write_text("18\n")
    with attach(home, binaries(), sync=False) as attachment:
        assert answers(attachment.url)
    assert not broken.exists()


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with attach(home, binaries(), sync=False):
        pass
    (home / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(Unavailable, match="no_such_setting"):
        attach(home, binaries())


def test_settings_for_real_use_lose_nothing(home: Path) -> None:
    with attach(home, binaries(), sync=False) as attachment, psycopg.connect(attachment.url) as conn:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert conn.execute("SELECT current_setting(%s)", (name,)).fetchone() == ("on",), name
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
        assert conn.execute("SELECT upper('ß中é'), lower('ÀÉ')").fetchone() == ("ß中É", "àé")


def test_a_folder_of_before_there_was_an_owner_is_handed_over(home: Path) -> None:
    made = (
        "ALTER DATABASE patron OWNER TO postgres",
        "CREATE SCHEMA w_old",
        "CREATE TABLE w_old.parts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at date)",
        "CREATE TABLE w_old.months (at date) PARTITION BY RANGE (at)",
        "CREATE TABLE w_old.may PARTITION OF w_old.months FOR VALUES FROM ('2026-05-01') TO ('2026-06-01')",
        "INSERT INTO w_old.parts (at) VALUES ('2026-05-03')",
    )
    with attach(home, binaries(), sync=False) as attachment:
        superuser = psycopg.connect(attachment.cluster.url("patron"), autocommit=True)
        for statement in made:
            superuser.execute(statement.encode())
        superuser.close()
    with attach(home, binaries(), sync=False) as attachment, psycopg.connect(attachment.url) as conn:
        assert conn.execute(
            "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (
            "patron",
            False,
        )
        strangers = "SELECT relname FROM pg_class WHERE relnamespace = 'w_old'::regnamespace AND relowner <> 'patron'::regrole"
        assert conn.execute(strangers).fetchall() == []
        assert conn.execute("INSERT INTO w_old.parts (at) VALUES ('2026-05-04') RETURNING id").fetchone() == (
            2,
        )
        conn.execute("DROP SCHEMA w_old CASCADE")


# -- which database ---------------------------------------------------------------------------------------------------


def test_a_data_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongUse, match="cannot be written"):
        attach(tmp_path / "file" / "data", binaries())


@pytest.mark.parametrize(
    ("memory", "buffers"),
    [(256 << 20, "128MB"), (2 << 30, "512MB"), (8 << 30, "2048MB"), (512 << 30, "2048MB")],
)
def test_the_server_takes_memory_by_what_there_is(memory: int, buffers: str) -> None:
    assert sized(memory)["shared_buffers"] == buffers


def test_a_server_starts_with_the_memory_of_this_machine(home: Path) -> None:
    with attach(home, binaries(), sync=False) as attachment, psycopg.connect(attachment.url) as conn:
        row = conn.execute("SHOW shared_buffers").fetchone()
    wanted = sized(memory_of_machine())["shared_buffers"]
    assert row is not None
    assert row[0] in (wanted, f"{int(wanted[:-2]) // 1024}GB")
