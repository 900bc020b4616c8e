"""`patron serve` as anybody runs it: a process of its own with serving processes, over a database, on a free port.

with served(url, workers=2) as server:
    server.call("GET", "/me", key)
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patron_testing.web import V1

START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. `seconds` as its caller waited."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Served:
    """A running server. `log` is what it wrote to standard error and output."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def call(
        self,
        method: str,
        path: str,
        key: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> Said:
        """One request, on `connection` or one of its own. OSError when the server went away."""
        own = connection or self.connect()
        given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **(headers or {})}
        begun = time.monotonic()
        try:
            own.request(method, V1 + path, None if body is None else json.dumps(body), given)
            answer = own.getresponse()
            data = answer.read()
        except http.client.IncompleteRead as cut:  # the headers came, the rest went down with the process
            raise ConnectionResetError(str(cut)) from cut
        finally:
            if connection is None:
                own.close()
        return Said(
            answer.status, {k.lower(): v for k, v in answer.getheaders()}, data, time.monotonic() - begun
        )

    def children(self) -> list[int]:
        """The serving processes."""
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                try:
                    parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                    words = (place / "cmdline").read_bytes()
                except OSError:
                    continue
                if parent == self.process.pid and b"spawn_main" in words:
                    found.append(int(place.name))
        return found


@contextmanager
def served(database: str | Path, *, workers: int = 2) -> Iterator[Served]:
    """The server over a database by its URL, or one of its own in a folder; it is told to stop at the end."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    log = Path(tempfile.mkstemp(prefix="patron-served-", suffix=".log")[1])
    command = [
        str(Path(sys.executable).parent / "patron"),
        "serve",
        "--workers",
        str(workers),
        "--port",
        str(port),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--data" if isinstance(database, Path) else "--database", str(database)],
            stdout=out,
            stderr=out,
            env={**os.environ},
        )
        server = Served(port, process, log)
        try:
            _until_ready(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                for child in server.children():
                    os.kill(child, signal.SIGKILL)
                process.kill()
                process.wait()
            log.unlink()


def _until_ready(server: Served) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()
        try:
            connection = server.connect()
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not answer in time:\n{server.log.read_text()}")
