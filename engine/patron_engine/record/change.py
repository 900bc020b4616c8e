"""Changes and outcomes: what a caller wants done with records, and what was done. Plan and Effect of the way save.

In: made by the API, the import, an automation. Out: read by ways/save. Values only; nothing here touches a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from patron_engine.problems import Problem

Action = Literal["create", "update", "upsert", "transfer", "delete", "restore", "void", "unvoid", "purge"]
Done = Literal[
    "created",
    "updated",
    "unchanged",
    "deleted",
    "restored",
    "voided",
    "unvoided",
    "purged",
    "refused",
    "submitted",
]
Source = Literal["wire", "text", "typed"]
EMPTY: Mapping[str, Any] = MappingProxyType({})

MAX_CHANGES = 20_000  # one save; imports send chunks
MAX_DETAILS = 2_000  # detail records of one set of one record in one save
MAX_DETAIL_DEPTH = 3  # master, detail, detail of the detail


@dataclass(slots=True, kw_only=True)  # not frozen: of a file's many rows that is felt; nobody changes one
class Change:
    """One record to be created, changed or removed.

    id        the record; for `create` the id it shall have (None: a new one)
    by        (unique field or "external_ids.SOURCE", value) instead of `id`; `upsert` creates when nothing is found
    set       field or detail set name -> value in the form `source` says: JSON of the API ("wire"), text of a cell
              ("text"), or the engine's own values ("typed")
    version   the version the caller has seen; another one by now is StaleVersion
    confirm   names of rules whose warnings the caller has accepted
    A `transfer` is an update that sets the owner and nothing else, by whoever may transfer the record.

    external_ids  source -> id, written with the record
    attach, detach  ids of files that are hung on the record itself, or taken off it
    because   what its cause says beside the call's: of many runs' changes in one save, the run of each
    """

    action: Action
    object: str
    id: str | None = None
    by: tuple[str, Any] | None = None
    set: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    source: Source = "wire"
    version: int | None = None
    confirm: frozenset[str] = frozenset()
    external_ids: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    attach: tuple[str, ...] = ()
    detach: tuple[str, ...] = ()
    because: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a change. `problems` are the warnings that were taken, or, in mode "each", why it was refused.
    `submitted`: it waits for the approval `instance`; a record that was created may have one as well."""

    action: Done
    object: str
    id: str | None
    version: int | None = None
    problems: tuple[Problem, ...] = ()
    changed: tuple[str, ...] = ()
    instance: str | None = None
