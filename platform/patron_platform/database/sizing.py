"""Sizing: how much memory the embedded server may use, by what the machine has.

In: bytes of memory. Out: settings of PostgreSQL. A quarter of it for its own buffers, as its manual advises for a server
that shares the machine; they are taken as they are touched. A million records and their indexes then stay in memory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

MB = 1 << 20
LEAST, MOST = (
    128 * MB,
    2048 * MB,
)  # of buffers: below the first nothing runs well, above the second little is gained here
CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def sized(memory: int) -> Mapping[str, str]:
    """Settings that grow with the machine.

    >>> sized(8 << 30)
    {'shared_buffers': '2048MB', 'effective_cache_size': '4096MB', 'maintenance_work_mem': '128MB'}
    >>> sized(1 << 30)["shared_buffers"]
    '256MB'
    """
    buffers = min(max(memory // 4, LEAST), MOST)
    upkeep = min(max(memory // 64, 64 * MB), 512 * MB)  # building an index over what is there
    return {
        "shared_buffers": f"{buffers // MB}MB",
        "effective_cache_size": f"{max(memory // 2, LEAST) // MB}MB",
        "maintenance_work_mem": f"{upkeep // MB}MB",
    }


def memory_of_machine() -> int:
    """Bytes this process may count on: the machine's memory, or its container's where that is less."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for place in CONTAINER_LIMITS:
        try:
            found = min(found, int(Path(place).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return found
