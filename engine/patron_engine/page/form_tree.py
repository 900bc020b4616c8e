"""Form tree: an open form as data: sections, inputs, tables of details. Made by page/form, drawn by the platform. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from patron_engine.model.model import Object
from patron_engine.page.inputs import Input
from patron_engine.page.layout import Place
from patron_engine.page.show import Shown
from patron_engine.page.similar import Similar
from patron_engine.problems import Problem
from patron_engine.record.change import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Which form. `id` of the record that is edited; `fill` what a new one begins with; `lookup` where records are found;
    `more` the table that shall show more of its rows; `only` these fields, whatever the layout says; `without` fields that something
    else sets; `open` of a record that is locked, the fields and sets it leaves open."""

    object: Object
    id: str | None = None
    record_type: str | None = None
    fill: Mapping[str, str] = field(default_factory=dict)
    lookup: str = ""
    more: str = ""
    only: tuple[Place, ...] = ()
    without: frozenset[str] = frozenset()
    open: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRow:
    key: str
    id: str | None
    inputs: tuple[Input, ...]
    problems: tuple[str, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTable:
    """Details edited inside the form. `blank` is a row to make new ones of; `order` the field that keeps their order; `left` how
    many rows there are besides, `more` whether the form has room for them."""

    set: str
    columns: tuple[Input, ...]
    rows: tuple[FormRow, ...]
    blank: FormRow
    totals: Mapping[str, Shown]
    order: str | None = None
    readonly: bool = False
    left: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTab:
    """A tab of a form; hidden while everything on it is."""

    name: str
    label: str
    visible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSection:
    """`tab` is the one it stands on; "" above them all."""

    name: str
    label: str
    help: str
    columns: int
    inputs: tuple[Input, ...]
    table: FormTable | None = None
    collapsed: bool = False
    visible: bool = True
    tab: str = ""

    def every(self) -> Iterable[Input]:
        """The inputs of the section, those of its rows among them."""
        yield from self.inputs
        for row in self.table.rows if self.table is not None else ():
            yield from row.inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTree:
    """`problems` are those of no input. `change` is what saving it asks; `wrong` everything that stands in the way of it where
    the layout asks for more than the object does: a save would not know. `similar` are records that may be the same."""

    object: Object
    id: str | None
    version: int
    title: str
    record_type: str | None
    sections: tuple[FormSection, ...]
    problems: tuple[str, ...]
    change: Change
    wrong: tuple[Problem, ...] = ()
    tabs: tuple[FormTab, ...] = ()
    similar: tuple[Similar, ...] = ()

    def inputs(self) -> Iterable[Input]:
        for section in self.sections:
            yield from section.every()
