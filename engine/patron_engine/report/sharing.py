"""Sharing: what several ask at once in one process and would be kept for all of them is asked once, and its rows are given to each.

In: a key under which an answer may be kept, and how it is asked. Out: its rows. The key has the statement with its values (so rights),
and what was counted of its tables just before: whoever asks after a change has another one and waits for nobody, so that an answer under
way is as good as a kept one (keeping.py). What ends an asking for its asker alone (his connection broke) leaves the others to ask.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from patron_engine.errors import LimitExceeded

Rows = Sequence[tuple[Any, ...]]
PATIENCE: Final = 60.0  # seconds somebody waits for the answer of another


@dataclass(slots=True)
class _Asking:
    done: threading.Event = field(default_factory=threading.Event)
    rows: Rows | None = None
    refused: LimitExceeded | None = None


_lock = threading.Lock()
_under_way: dict[Hashable, _Asking] = {}


def shared(key: Hashable, ask: Callable[[], Rows]) -> Rows:
    """The rows, of this asking or of one under way. LimitExceeded where that one took too long: another would as well."""
    with _lock:
        found = _under_way.get(key)
        if found is None:
            mine = _under_way[key] = _Asking()
    if found is None:
        return _asked(key, mine, ask)
    found.done.wait(PATIENCE)
    if found.refused is not None:
        raise found.refused
    return found.rows if found.rows is not None else ask()


def _asked(key: Hashable, mine: _Asking, ask: Callable[[], Rows]) -> Rows:
    try:
        mine.rows = ask()
        return mine.rows
    except LimitExceeded as refused:
        mine.refused = refused
        raise
    finally:
        with _lock:
            del _under_way[key]
        mine.done.set()
