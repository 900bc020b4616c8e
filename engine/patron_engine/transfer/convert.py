"""Convert: cells become values, column by column, by the parser every field type has.

In: rows of texts and an `ImportMap`. Out: `Item`s with values, links still as texts, external ids, and the problems of
each row. A column's reader is prepared once and remembers what it has read. Asks no database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any

from patron_engine.fields.base import TextFormats, ValueFault
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.fields.moments import loose_date
from patron_engine.fields.numerals import plain_number
from patron_engine.fields.options import walk_options
from patron_engine.fields.registry import type_of
from patron_engine.jsonio import decimal_text
from patron_engine.model.model import Model, Object, label_of, say
from patron_engine.phrases import OF_FIELD, Phrase
from patron_engine.problems import Problem
from patron_engine.transfer.mapping import EXTERNAL, ImportMap, Target

REMEMBERED = 20_000  # texts of one column whose values are kept
LISTED = 8  # options named to who wrote none of them
LONGEST = 60  # characters of such a text: longer ones rarely come again

Read = Callable[[str], Any]


@dataclass(slots=True, eq=False)
class Item:
    """One row on its way.

    set       field -> value; `links`: field -> (target, text) still to be looked up; `later` the same, when all rows are there
    parts     field -> part -> text, of fields that several columns fill
    emptied   fields whose cell is empty and empties the field of a record that is found
    id        the record it is, when there is one; `new` the id it gets when it becomes one
    """

    number: int
    cells: Sequence[str]
    set: dict[str, Any] = field(default_factory=dict)
    links: dict[str, tuple[Target, str]] = field(default_factory=dict)
    later: dict[str, tuple[Target, str]] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    external: dict[str, str] = field(default_factory=dict)
    emptied: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    key: Any = None
    id: str | None = None
    new: str | None = None
    old: Mapping[str, Any] = field(default_factory=dict)

    def wrong(self, code: str, message: str, column: str, hint: str | None = None) -> None:
        self.problems.append(Problem(code=code, message=message, path=column, hint=hint))


class Converter:
    """The readers of one import."""

    def __init__(
        self, model: Model, mapping: ImportMap, headings: Sequence[str], languages: tuple[str, ...]
    ) -> None:
        self.mapping = mapping
        self.object: Object = model.objects[mapping.object]
        self.languages = languages
        self.formats = TextFormats(
            dates=mapping.dates,
            decimal=mapping.decimal,
            thousands=mapping.thousands,
            zone=model.workspace.zone,
            languages=languages,
        )
        self._known: dict[tuple[int, str], dict[str, Any]] = defaultdict(dict)
        self.places = {heading: at for at, heading in enumerate(headings)}
        self.columns = [
            (self.places[heading], heading, target)
            for heading, targets in mapping.columns.items()
            if heading in self.places
            for target in targets
        ]

    def convert(self, rows: Iterable[tuple[int, Sequence[str]]]) -> list[Item]:
        """Every row as an item; the problems of all its cells are told."""
        items = [Item(number=number, cells=cells) for number, cells in rows]
        for item in items:
            if len(item.cells) > len(self.places):
                item.wrong("row_shifted", Phrase("the row has {count} cells and there are {count2} headings", count=len(item.cells), count2=len(self.places)),
                           "", "a text that holds the separator stands in quotation marks")  # fmt: skip
        for at, heading, target in self.columns:
            self._column(items, at, heading, target)
        for item in items:
            for name, parts in item.parts.items():
                self._compose(item, name, parts)
        return items

    def _column(self, items: Sequence[Item], at: int, heading: str, target: Target) -> None:
        words = target.words
        name = target.field
        put = self._putter(heading, target)
        known = self._known[(at, name)]
        for item in items:
            cell = text = item.cells[at]
            if cell in known:
                item.set[name] = known[cell]
                continue
            if words and (meant := words.get(text.strip().casefold(), text)) is not text:
                text = meant or ""
            if text and not text.isspace():
                if put(item, text) and len(cell) <= LONGEST and len(known) < REMEMBERED:
                    known[cell] = item.set[name]
            elif not self.mapping.skip_empty and "." not in name and name != "id":
                item.emptied.append(name)

    def _putter(self, heading: str, target: Target) -> Callable[[Item, str], bool | None]:
        """What puts a text into an item; true where it was read and the same text gives the same value again."""
        name = target.field
        if name.startswith(EXTERNAL):
            return lambda item, text: item.external.__setitem__(name[len(EXTERNAL) :], text.strip())
        first, _, part = name.partition(".")
        if part:
            return lambda item, text: item.parts.setdefault(first, {}).__setitem__(part, text)
        own = self.object.fields[name]
        if isinstance(own.spec, LinkSpec) and name != "id":
            if target.defer:
                return lambda item, text: item.later.__setitem__(name, (target, text))
            return lambda item, text: item.links.__setitem__(name, (target, text))
        read = self.reader(own, target)
        label = label_of(own.label, name, self.languages)

        def put(item: Item, text: str) -> bool:
            try:
                item.set[name] = read(text)
            except ValueFault as fault:
                item.wrong(
                    fault.code,
                    Phrase(OF_FIELD, field=label, reason=Phrase(fault.message)),
                    heading,
                    self._choice(own) if fault.code == "unknown_option" else fault.hint,
                )
                return False
            return True

        return put

    def reader(self, own: Field, target: Target) -> Read:
        """Reads the cells of one column."""
        if own.name == "record_type":
            return self._record_type
        formats = replace(self.formats, dates=target.form) if target.form else self.formats
        if target.multiply is not None:
            return _times(own, formats, target.multiply)
        return type_of(own).reader(own, formats)

    def _record_type(self, text: str) -> str:
        for name, known in self.object.record_types.items():
            if text.strip().casefold() in {name.casefold(), *(w.casefold() for w in known.label.values())}:
                return name
        raise ValueFault("unknown_record_type", Phrase("there is no record type {text!r}", text=text), None)

    def _choice(self, own: Field) -> Phrase:
        """What could stand there, in words of the one who imports: a file has labels, not names of options."""
        labels = (
            say(o.label, self.languages) or o.name
            for _, _, o in walk_options(own.choice.options)
            if not o.retired and not o.options
        )
        return Phrase("one of {value_of}", value_of=list(islice(labels, LISTED)))

    def _compose(self, item: Item, name: str, parts: Mapping[str, str]) -> None:
        """The value of a field whose parts stand in several columns."""
        own = self.object.fields[name]
        try:
            wire: dict[str, Any] = dict(parts)
            if own.type == "date_range":
                wire = {"from": None, "to": None} | {
                    p: loose_date(t, self.formats).isoformat() for p, t in parts.items()
                }
            item.set[name] = type_of(own).read_wire(own, wire)
        except ValueFault as fault:
            item.wrong(
                fault.code,
                Phrase(
                    OF_FIELD, field=label_of(own.label, name, self.languages), reason=Phrase(fault.message)
                ),
                name,
                fault.hint,
            )


def _times(own: Field, formats: TextFormats, factor: Decimal) -> Read:
    kind = type_of(own)

    def read(text: str) -> Any:
        return kind.read_text(own, decimal_text(plain_number(text, formats) * factor))

    return read


# -- dates whose form nobody declared -------------------------------------------------------------------------------

GUESSES: tuple[str, ...] = (
    "MM/DD/YYYY", "DD/MM/YYYY", "MM-DD-YYYY", "DD-MM-YYYY", "DD.MM.YYYY", "MM/DD/YY", "DD/MM/YY", "DD.MM.YY", "YY/MM/DD",
)  # fmt: skip


class DateGuess:
    """Decides the form of one column by all its cells: a form stays possible until a cell contradicts it."""

    def __init__(self, heading: str) -> None:
        self.heading = heading
        self.forms: set[str] = set(GUESSES)
        self.clear = True  # every cell so far began with its year
        self._seen: set[str] = set()

    def look(self, text: str) -> None:
        text = text.strip()
        if not text or text in self._seen:
            return
        if len(self._seen) < REMEMBERED:
            self._seen.add(text)
        if _reads(text, ()):
            return
        possible = {form for form in self.forms if _reads(text.split(" ")[0], (form,))}
        if possible:  # a cell that fits nothing is that row's problem, not the column's
            self.clear = False
            self.forms = possible

    def form(self) -> tuple[str, ...] | Problem:
        """The forms to read with, or the question to be answered."""
        if self.clear:
            return ()
        if len(self.forms) == 1:
            return tuple(self.forms)
        known = " or ".join(sorted(self.forms))
        return Problem(
            code="date_form_unclear",
            message=Phrase("the dates of {heading!r} may be {known}", heading=self.heading, known=known),
            hint='declare it: formats: {date: "MM/DD/YYYY"}',
            path=f"columns.{self.heading}",
        )


def _reads(text: str, forms: tuple[str, ...]) -> bool:
    try:
        loose_date(text, TextFormats(dates=forms))
    except ValueFault:
        return False
    return True
