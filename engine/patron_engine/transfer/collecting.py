"""Collecting: Python's search for cycles, put off while a piece of rows is worked on.

In: a block of work that makes many objects and keeps them until its end. Out: the same work without the search, which would
walk over all of them again and again and find nothing: they go by themselves, when the piece is done.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside it no cycles are looked for, in no thread. Blocks inside each other, or beside each other, are fine."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
