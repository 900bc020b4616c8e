"""Problems: what is wrong with an author's or a user's input, as values, all of them at once.

In: whoever checks something adds to a `Problems` collector. Out: a sorted tuple. A check never stops at the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from patron_engine.phrases import Phrase

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    code     stable name, e.g. "unknown_field"; listed in docs/reference/problems.md
    message  what is wrong, in the reader's words
    hint     the next step, or the nearest right name
    file     the document's file as given by the author, or None
    line     1-based line in that file, or None
    path     place within the document ("fields.amount.type") or the record's field ("lines[0].price")
    level    error refuses; a warning asks to be confirmed; info only tells
    rule     name of the rule or check that found it, when it has one (what `confirm` names)
    """

    code: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    path: str | None = None
    level: Level = "error"
    rule: str | None = None

    def as_dict(self) -> dict[str, Any]:
        names = ("code", "message", "hint", "file", "line", "path", "level", "rule")
        return {n: getattr(self, n) for n in names if getattr(self, n) is not None}

    def __str__(self) -> str:
        place = ":".join(str(p) for p in (self.file, self.line) if p is not None)
        parts = [p for p in (place, self.path) if p]
        tail = f" ({self.hint})" if self.hint else ""
        return (
            f"{' '.join(parts)}: {self.code}: {self.message}{tail}"
            if parts
            else f"{self.code}: {self.message}{tail}"
        )


class Problems:
    """A collector. `at` prefixes nothing by itself: callers say the whole place."""

    def __init__(self, initial: Iterable[Problem] = ()) -> None:
        self._items: list[Problem] = list(initial)

    def add(self, code: str, message: str, **place: Any) -> None:
        self._items.append(Problem(code=code, message=message, **place))

    def extend(self, problems: Iterable[Problem], **defaults: Any) -> None:
        """Adds problems; `defaults` fill places they leave open (file, line, path)."""
        for p in problems:
            open_places = {k: v for k, v in defaults.items() if getattr(p, k) is None}
            self._items.append(replace(p, **open_places) if open_places else p)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(p for p in self if p.level == "error")

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._items, key=lambda p: (p.file or "", p.line or 0, p.path or "", p.code)))

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)


def beyond(earlier: Iterable[Problem], later: Iterable[Problem]) -> list[Problem]:
    """What a later stage finds beyond an earlier one: of a place that is wrong already nothing more is told.

    A list whose element is told says the same as the element, and an element the same as its name or type.
    """
    told = {(p.file, p.line, p.path) for p in earlier if p.path and p.level == "error"}
    around = {
        (file, line, place)
        for file, line, path in told
        for place in (path, path.rpartition(".")[0], f"{path}.name", f"{path}.type")
        if path
    }
    return [p for p in later if (p.file, p.line, p.path) not in (around if p.code in _SAID_AROUND else told)]


_SAID_AROUND = frozenset({"duplicate_option", "name_taken", "unknown_type"})


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A hint with the nearest right name, or None: `nearest("acount", ["account"])` -> "did you mean 'account'?"."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return Phrase("did you mean {name!r}?", name=found[0]) if found else None
