"""Record tree: the page of one record as data, before it is drawn.

In: nothing; `page/record` makes these. Out: a `RecordPage` with its sheets, facts and tiles, every value as people read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.model.model import Object
from patron_engine.page.below import Grid
from patron_engine.page.form_tree import FormTab
from patron_engine.page.layout import Layout
from patron_engine.page.may import May
from patron_engine.page.show import Shown
from patron_engine.page.stages import StageBar
from patron_engine.page.tags import Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A field with its value. `wide` takes the whole width of its section."""

    name: str
    label: str
    help: str
    shown: Shown
    wide: bool = False
    number: bool = False
    masked: bool = False  # and may be shown on demand
    written: bool = False  # may be changed where it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A section as it holds for this record. `folded` is drawn closed: bookkeeping, and what is empty."""

    name: str
    label: str
    help: str
    columns: int
    facts: tuple[Fact, ...] = ()
    grid: Grid | None = None
    folded: bool = False
    tab: str = ""
    visible: bool = True

    @property
    def on_paper(self) -> Sheet | None:
        """Only what is filled in; None where that is nothing, and for bookkeeping."""
        facts = tuple(replace(f, masked=False) for f in self.facts if not f.shown.empty)
        if self.folded or self.name == "system" or not (facts or (self.grid and self.grid.rows)):
            return None
        return replace(self, facts=facts, grid=self.grid and self.grid.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A set of related records: what it is called, and the sums over it that the object keeps. `link` is the field that points
    here, `several` whether it may point at other objects too; `condition` finds the same records in their object's list."""

    set: str
    label: str
    icon: str
    object: str
    link: str
    several: bool
    condition: str
    sums: tuple[Fact, ...] = ()
    creates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """Something the definitions offer to do with the record: a conversion."""

    name: str
    label: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """`record` is its JSON form: id, version and what else was read."""

    object: Object
    id: str
    version: int
    title: str
    label: str
    icon: str
    currency: str | None
    highlights: tuple[Fact, ...]
    stages: StageBar | None
    sheets: tuple[Sheet, ...]
    tiles: tuple[Tile, ...]
    may: May
    layout: Layout
    record: Mapping[str, Any]
    tabs: tuple[FormTab, ...] = ()
    tags: Tags | None = None
    conversions: tuple[Doing, ...] = ()
    deleted: bool = False
    voided: bool = False
