"""Statement: a SQLAlchemy Core expression made into text once, with the order of its values, and kept.

In: a built `sa.Select` whose values of the request are named parameters (binding.parameter). Out: `Statement(text,
names)`; raw psycopg executes it. Constants of definitions are written into the text as typed literals, so that partial
and expression indexes match; values of a request are always bound, so that one shape is one prepared statement.

Kept per release (with its `Tables`) under audience, object and shape; a new release has new texts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg, PGDialect_psycopg

from patron_engine.store.tables import Tables

KEPT: Final = 2_000  # statements of one release

Made = TypeVar("Made")


class _Compiler(PGCompiler_psycopg):
    """Writes every constant out; only named parameters are bound."""

    def visit_bindparam(self, bindparam: Any, *args: Any, **kwargs: Any) -> str:
        if bindparam.unique:
            kwargs["literal_execute"] = True
        return str(super().visit_bindparam(bindparam, *args, **kwargs))  # type: ignore[no-untyped-call]


class _Dialect(PGDialect_psycopg):
    statement_compiler = _Compiler
    supports_statement_cache = True


_DIALECT: Final = _Dialect(paramstyle="format")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """`names` are the parameters in the order psycopg binds them. `each_time`: it is planned with the values of every
    execution, since the best plan differs with them; else it is prepared and one plan serves all."""

    text: str
    names: tuple[str, ...]
    each_time: bool = False

    @property
    def prepare(self) -> bool | None:
        """What psycopg is told: never, or as it sees fit."""
        return False if self.each_time else None

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The values of one execution; KeyError for one that is missing, which is a fault of the planner."""
        return [given[name] for name in self.names]


def compiled(built: sa.sql.ClauseElement, release: int, *, each_time: bool = False) -> Statement:
    """The text of a statement. The release stands in it, so that a new one is prepared anew."""
    made = built.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    assert isinstance(made, _Compiler)
    return Statement(
        text=f"/* r{release} */ {made}", names=tuple(made.positiontup or ()), each_time=each_time
    )


class Kept:
    """What was made for one release, bounded: the least used goes first. Thread-safe."""

    def __init__(self) -> None:
        self._items: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, key: Hashable) -> Any:
        """What stands under `key`, or None."""
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
            return found

    def put(self, key: Hashable, made: Any) -> None:
        with self._lock:
            self._items[key] = made
            self._items.move_to_end(key)
            while len(self._items) > KEPT:
                self._items.popitem(last=False)

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What stands under `key`, made when it is not there (twice at once at worst)."""
        found: Made | None = self.look(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found

    def __len__(self) -> int:
        return len(self._items)


_OF_RELEASE: WeakKeyDictionary[Tables, Kept] = WeakKeyDictionary()
_LOCK = threading.Lock()


def kept(tables: Tables) -> Kept:
    """What was made for the release and schema of these tables."""
    found = _OF_RELEASE.get(tables)
    if found is None:
        with _LOCK:
            found = _OF_RELEASE.setdefault(tables, Kept())
    return found
