"""Cache: checked expressions, remembered by their text and by everything the check looked at; and what documents name.

Compiling a release asks for thousands of expressions of which a publication changes a few. An answer holds as long as the
catalogue gives the same answers to the same questions, so those are kept beside it and asked again: nothing has to be
declared stale, and workspaces with the same packs share their expressions.
"""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.scope import Catalog, Scope
from patron_engine.expr.types import ExprType
from patron_engine.jsonio import canonical
from patron_engine.meta.document import Document
from patron_engine.meta.reference import References, references
from patron_engine.model.limits import DOCUMENTS, EXPRESSIONS_KEPT
from patron_engine.problems import Problem

Answer = Expression | tuple[Problem, ...]
Question = tuple[str, tuple[str, ...]]  # method of the catalogue, arguments


class _Listening:
    """A catalogue that notes what it was asked and what it said."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.heard: dict[Question, Any] = {}

    def field(self, object: str, name: str) -> ExprType | None:
        return self._ask("field", object, name)  # type: ignore[no-any-return]

    def set_object(self, object: str, name: str) -> str | None:
        return self._ask("set_object", object, name)  # type: ignore[no-any-return]

    def names(self, object: str) -> tuple[str, ...]:
        return self._ask("names", object)  # type: ignore[no-any-return]

    def sets(self, object: str) -> tuple[str, ...]:
        return self._ask("sets", object)  # type: ignore[no-any-return]

    def setting(self, name: str) -> ExprType | None:
        return self._ask("setting", name)  # type: ignore[no-any-return]

    def segment(self, name: str) -> str | None:
        return self._ask("segment", name)  # type: ignore[no-any-return]

    def canonical(self, object: str, name: str) -> str:
        return self._ask("canonical", object, name)  # type: ignore[no-any-return]

    def _ask(self, method: str, *args: str) -> Any:
        question = (method, args)
        if question not in self.heard:
            self.heard[question] = getattr(self.catalog, method)(*args)
        return self.heard[question]


@dataclass(frozen=True, slots=True)
class _Entry:
    heard: tuple[tuple[Question, Any], ...]
    answer: Answer

    def holds(self, catalog: Catalog) -> bool:
        return all(getattr(catalog, method)(*args) == said for (method, args), said in self.heard)


class ExpressionCache:
    """Bounded, thread-safe; least recently used entries go first."""

    def __init__(self, size: int = EXPRESSIONS_KEPT) -> None:
        self._size = size
        self._entries: OrderedDict[Any, tuple[_Entry, ...]] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def compile(self, text: str, scope: Scope) -> Answer:
        """compile_expression, or what it said when everything it asked was as it is now."""
        key = (text, scope.object, _frozen(scope.roots), _frozen(scope.names), scope.expects, scope.rows,
               scope.aggregates, scope.measures)  # fmt: skip
        entries = self._entries.get(key, ())
        for entry in entries:
            if entry.holds(scope.catalog):
                self.hits += 1
                with self._lock:
                    if key in self._entries:
                        self._entries.move_to_end(key)
                return entry.answer
        self.misses += 1
        listening = _Listening(scope.catalog)
        answer = compile_expression(text, replace(scope, catalog=listening))
        entry = _Entry(heard=tuple(listening.heard.items()), answer=answer)
        with self._lock:
            self._entries[key] = (entry, *entries[:3])
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return answer


def _frozen(names: Mapping[str, Any]) -> Any:
    return tuple((k, v if isinstance(v, str | ExprType) else _frozen(v)) for k, v in names.items())


class ReferenceCache:
    """What documents name, by their content: a walk over a large workspace's documents costs more than all else."""

    def __init__(self, size: int = DOCUMENTS) -> None:
        self._size = size
        self._entries: OrderedDict[Any, References] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, document: Document) -> References:
        key = (document.kind, document.name, canonical(document.body))
        found = self._entries.get(key)
        if found is None:
            found = references(document)
        with self._lock:
            self._entries[key] = found
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles: a compilation or a plan makes many objects, keeps them all, and no circles. It
    would look at everything again and again; a quarter of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


EXPRESSIONS = ExpressionCache()
REFERENCES = ReferenceCache()
