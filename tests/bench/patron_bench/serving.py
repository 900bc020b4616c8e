"""Serving: the two servers that are compared, each one process under uvicorn, started and stopped by the benchmark.

In: where the database is. Out: an open `Server` with its port; its memory; how long it took until its first answer.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`seconds`: from the start of the process to its first answer, a record read with a key."""

    pid: int
    port: int
    seconds: float

    def memory(self) -> float:
        """Resident memory that belongs to the process alone, with its libraries, in MB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def patron(data: Path, key: str, first: str) -> Iterator[Server]:
    """`patron serve`, as anybody starts it."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "patron"), "serve", "--port", str(port), "--data", str(data)]
    with _started(command, {}, port, key, first) as server:
        yield server


@contextmanager
def limit(url: str, schema: str, key: str, first: str) -> Iterator[Server]:
    """The hand-written application under the same server."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "limit:app", "--port", str(port), "--log-level", "warning",
               "--no-access-log", "--no-server-header", "--no-date-header"]  # fmt: skip
    environment = {"LIMIT_DATABASE": url, "LIMIT_SCHEMA": schema, "LIMIT_KEY": key}
    with _started(command, environment, port, key, first) as server:
        yield server


def compiled() -> dict[str, str]:
    """The environment of an ordinary machine, where Python keeps what it compiled; kept out of the checkout."""
    return {
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "patron-bench-bytecode"),
    }


@contextmanager
def _started(
    command: list[str], environment: Mapping[str, str], port: int, key: str, first: str
) -> Iterator[Server]:
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=HERE, env={**os.environ, **compiled(), **environment})
    try:
        _until_answered(process, port, key, first)
        yield Server(pid=process.pid, port=port, seconds=time.perf_counter() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_answered(process: subprocess.Popen[bytes], port: int, key: str, first: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", first, headers={"Authorization": f"Bearer {key}"})
            answered = connection.getresponse()
            answered.read()
            if answered.status == 200:
                return
            raise RuntimeError(f"the server answered {answered.status} to {first}")
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("the server did not answer in time")
