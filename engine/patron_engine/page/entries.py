"""Entries of a timeline, as values: what happened, when, by whom. Decides nothing, reads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from patron_engine.page.changes import Difference
from patron_engine.page.gifts import Gift
from patron_engine.page.show import EMPTY, Item, Shown

Kind = Literal["activity", "comment", "task", "approval", "change", "file", "record"]
KINDS: tuple[Kind, ...] = ("activity", "comment", "task", "approval", "change", "file", "record")
PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `day` is the one it counts for (an activity's own), `at` when it was written down."""

    kind: Kind
    object: str
    id: str
    day: date
    at: datetime
    icon: str
    what: str
    title: str = ""
    body: Shown = EMPTY
    by: Item | None = None
    by_me: bool = False
    tags: tuple[Shown, ...] = ()
    next: str = ""
    action: str = ""
    cause: str = ""
    named: str = ""
    run: str = ""
    differences: tuple[Difference, ...] = ()
    gift: Gift | None = None
    version: int = 0
