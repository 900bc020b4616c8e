"""`patron serve` over a database of its own: the server below it lives exactly as long as those who use it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patron_platform.database.cluster import Cluster
from patron_platform.database.embedded import attach
from patron_platform.database.processes import processes_in, wait_until
from patron_testing.pg import binaries
from patron_testing.served import served


@pytest.fixture
def home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="patron-"))
    made.chmod(0o755)
    yield made
    for pid in processes_in(made / "postgres"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes_in(made / "postgres"), 10)
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_database_outlives_no_server_and_no_server_outlives_it(home: Path, workers: int) -> None:
    cluster = Cluster(data=home / "postgres", binaries=binaries())
    with attach(home, binaries(), sync=False):
        pass
    with served(home, workers=workers) as server:
        pid = cluster.pid()
        assert pid is not None
        time.sleep(2)
        with attach(home, binaries()):  # a command comes and goes
            pass
        assert cluster.pid() == pid, "the server below was stopped while it was in use"
        log = server.log.read_text()
    assert log == ""
    assert wait_until(lambda: cluster.pid() is None, 30), "the last one stops it"
