"""Processes: is a server alive, who stands in its folder, waiting.

In: process ids and folders. Out: yes or no. Sends no signal.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

STEP_SECONDS = 0.01
PROC = Path("/proc")


def alive(pid: int, folder: Path | None = None) -> bool:
    """Does the process run, not as a zombie, and (where this can be seen) with `folder` as its working folder?

    A killed server stays a zombie until its parent asks, in a container whose first process is ours for ever; and after
    a restart of the machine its id may be somebody else's.
    """
    if (PROC / "self").exists():
        try:
            state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in ("Z", "X") and (folder is None or _stands_in(pid, folder) is not False)
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.returncode == 0 and not said.stdout.strip().startswith("Z")


def processes_in(folder: Path) -> list[int]:
    """Live processes whose working folder is `folder`: a server and its sessions. Empty where there is no /proc."""
    if not (PROC / "self").exists():
        return []
    pids = [int(p.name) for p in PROC.iterdir() if p.name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and _stands_in(pid, folder) and alive(pid)]


def _stands_in(pid: int, folder: Path) -> bool | None:
    """None where we may not look."""
    try:
        here = os.stat(PROC / str(pid) / "cwd")
        there = os.stat(folder)
    except PermissionError:
        return None
    except (FileNotFoundError, ProcessLookupError):
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Looks every hundredth of a second; False when the time is over first."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(STEP_SECONDS)
    return True
