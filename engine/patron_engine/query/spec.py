"""Spec: what is asked, and what comes back, as values.

In: made by parse.py from an address or a body, or by the engine itself. Out: read by resolve.py. Names here are what
the caller wrote: nobody has looked yet whether they exist or may be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from patron_engine.access.decide import Action
from patron_engine.jsonio import dumps, loads

DEFAULT_LIMIT = 50
MAX_LIMIT = 200  # query_limit
MAX_FIELDS = 200  # query_fields
MAX_SORT = 8  # query_sort
MAX_IDS = 1_000  # query_ids
MAX_EXPAND = 5  # query_expand
MAX_DETAILS = 1_000  # details of one record in one answer

Count = Literal["none", "exact", "estimate"]
Voided = Literal["no", "yes", "only"]


def quoted(text: str) -> str:
    """A constant text of the expression language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Only the records of one record's set: `account` 0198…, `deals`."""

    object: str
    id: str
    set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A page of one object's records.

    where    a condition in the expression language
    fields   names and paths (`account.name`); None, or "*" among them: all readable but long, rich, json and files
    sort     names and paths, `-` before one that falls; empties last both ways, `id` ends it
    after    the cursor of the page before
    deleted  the recycle bin instead of the living
    voided   whether voided records belong to the answer
    q        words to search for
    within   the set of one record
    ids      only these
    acts     what will be done with them: only those on which the asker may
    """

    object: str
    where: str | None = None
    fields: tuple[str, ...] | None = None
    sort: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    after: str | None = None
    count: Count = "none"
    deleted: bool = False
    voided: Voided = "no"
    q: str | None = None
    within: Within | None = None
    ids: tuple[str, ...] | None = None
    acts: Action = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The answer. `records` is the JSON of the list, `next` the cursor of the following page, `notes` tell of names
    that have newer ones."""

    records: bytes
    next: str | None = None
    count: int | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def json(self) -> bytes:
        """The whole answer: {"records": […], "next": …, "count": …}."""
        tail = dumps(
            {"next": self.next, "count": self.count, **({"notes": self.notes} if self.notes else {})}
        )
        return b'{"records":' + self.records + b"," + tail[1:]

    def rows(self) -> list[dict[str, Any]]:
        """The records as Python values of JSON."""
        found: list[dict[str, Any]] = loads(self.records)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One record. `json` is its JSON object, `version` what stands in the ETag."""

    json: bytes
    version: int

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = loads(self.json)
        return found
