"""Starting: the console script, and how modules are loaded on the way to the first answer.

In: the command line. Out: the exit code of its command. What loading makes stays for the process's life, so nobody looks for
circles in it: neither meanwhile, which would be a tenth of the start, nor ever after.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

CIRCLES_EVERY = (
    10_000  # objects made and not yet gone; Python's own number suits programs a tenth of this size
)


@contextmanager
def loading() -> Iterator[None]:
    """Around imports that make a large part of the program."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def main() -> None:
    """`patron`."""
    with loading():
        from patron_platform.cli import app
        from patron_platform.commands.frame import run
    gc.set_threshold(CIRCLES_EVERY)
    sys.exit(run(app))
