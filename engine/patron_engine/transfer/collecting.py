"""Collecting: Python's search for cycles, put off while a piece of rows is worked on.

In: a block of work that makes many objects and keeps them until its end. Out: the same work without the search, which would
walk over all of them again and again and find nothing: they go by themselves, when the piece is done.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = sys.getswitchinterval()
HANDED_OVER = 0.0005  # seconds


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside it no cycles are looked for, in no thread. Blocks inside each other, or beside each other, are fine."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.freeze()  # what there is by now counts as old: the next piece is there already, and is no cycle either
            gc.unfreeze()
            gc.enable()


@contextmanager
def in_turns() -> Iterator[None]:
    """Inside it threads hand Python over to each other as soon as they are asked: the one that feeds the database is not kept
    waiting by the one that prepares what comes after."""
    sys.setswitchinterval(HANDED_OVER)
    try:
        yield
    finally:
        sys.setswitchinterval(USUAL)
