"""Statements: what is made for a release is made once in a process, for all copies of one workspace.

A running Patron makes the text of a statement once a release and keeps it. Each file of the tests opens a copy of a workspace of
its own, and would make all of them again: most of what its first pages cost. Copies share what was made where everything a
statement is made of is the same: the release, its documents, schema, columns, collation and the key of encrypted fields.

with shared():
    …
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from weakref import WeakKeyDictionary

from patron_engine.query import statement
from patron_engine.query.statement import Kept
from patron_engine.store.tables import Tables

WORKSPACES: Final = 8  # different ones remembered at once


class _Shared:
    """Stands where the statements of a release are found by its tables; finds them by what the tables are."""

    def __init__(self) -> None:
        self._alike: WeakKeyDictionary[Tables, Kept] = WeakKeyDictionary()
        self._made: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tables: Tables) -> Kept | None:
        return self._alike.get(tables)

    def setdefault(self, tables: Tables, kept: Kept) -> Kept:
        key = _what_it_is(tables)
        with self._lock:
            found = self._made.setdefault(key, kept)
            self._made.move_to_end(key)
            while len(self._made) > WORKSPACES:
                self._made.popitem(last=False)
            return self._alike.setdefault(tables, found)


def _what_it_is(tables: Tables) -> Hashable:
    model = tables.model
    vaults = [f.extra.get("vault") for o in model.objects.values() for f in o.fields.values()]
    keys = frozenset(vault._blind_key for vault in vaults if vault is not None)
    return tables.schema, tables.collation, model.release, model.fingerprint, model.physical.columns, keys


@contextmanager
def shared() -> Iterator[None]:
    own: Any = statement._OF_RELEASE
    statement._OF_RELEASE = _Shared()  # type: ignore[assignment]
    try:
        yield
    finally:
        statement._OF_RELEASE = own
