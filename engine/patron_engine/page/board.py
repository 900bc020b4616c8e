"""Board: the records of a question in columns, one for each value of a choice or of a link (kanban).

In: a connection, the frame of the call, a Question. Out: a `Board`: columns with the count and the sum over all their
records, and the first cards of each; `more_cards` gives the following ones by a cursor. Never the whole set.
Of an object with very many records the page gets its columns alone; figures and cards come after it (`figured`, `more_cards`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg
from babel.numbers import format_compact_currency, format_compact_decimal

from patron_engine.access.decide import writable
from patron_engine.access.pick import documents_for
from patron_engine.fields.field import Field
from patron_engine.model.model import LINKS
from patron_engine.page.cards import Card, Cards, choice_of, narrowed
from patron_engine.page.palette import token_of
from patron_engine.page.paths import field_at
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED
from patron_engine.query.call import Call
from patron_engine.query.counts import is_large
from patron_engine.query.groups import Group, groups
from patron_engine.query.spec import Ask, quoted
from patron_engine.ways.read import read

FIRST_CARDS = 20  # cards a column begins with, and gets each time one comes to its end
NO_KEY = "-none-"  # stands for no column at all
SHORT_FROM = 10_000  # a sum that is smaller stands in a heading as it is
MAX_COLUMNS = 60  # of a board by records: the fullest ones
NEWEST = 20_000  # records of a very large object among which those with most are looked for

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardColumn:
    """One value. `value` is None for the records without one; `end` how a stage ends; `open` whether cards may come here."""

    value: str | None
    label: str
    color: str | None = None
    end: str | None = None
    count: int | None = 0  # None: not known yet
    figure: str = ""
    exact: str = ""
    cards: tuple[Card, ...] = ()
    next: str | None = None
    folded: bool = False
    open: bool = True

    @property
    def key(self) -> str:
        """What stands for it in addresses and ids."""
        return self.value if self.value is not None else "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """`movable`: cards may be brought to another column; `summed` is the heading of the figure, or "". `later`: figures and cards
    are asked for after the page."""

    by: str
    field: Field
    label: str
    columns: tuple[BoardColumn, ...]
    movable: bool
    summed: str
    hidden: int = 0
    later: bool = False

    @property
    def folded(self) -> str:
        """What the address says of narrow columns."""
        return ",".join(c.key for c in self.columns if c.folded) or NO_KEY


class Boards:
    """Boards of one question for one reader."""

    def __init__(
        self, conn: Connection, call: Call, question: Question, reader: Reader, secret: bytes
    ) -> None:
        self.conn = conn
        self.call = call
        self.question = question
        self.reader = reader
        self.secret = secret
        self.cards = Cards(call, question, reader)
        self.by = self._by()

    def board(self, folded: frozenset[str] | None = None, *, filled: bool = True) -> Board | None:
        """The board; None where nothing can make columns. `folded` are the keys of narrow columns (None: ends without
        records); without `filled` only counts and sums are read. Columns alone where figures and cards come later."""
        if self.by is None:
            return None
        if is_large(self.conn, self.call, self.question.object.name):
            return self._made(self._bare(self.by[1], folded), later=True)
        spread = self.spread()
        columns = self._figured(spread, folded)
        return self._made([self._filled(c) for c in columns] if filled else columns, spread)

    def figured(self, spread: tuple[Group, ...], folded: frozenset[str] | None = None) -> Board | None:
        """The columns the page of a very large object has, with their figures, which `spread` gives."""
        if self.by is None:
            return None
        shown = {c.value for c in self._bare(self.by[1], folded)}
        columns = [c for c in self._figured(spread, folded or frozenset()) if c.value in shown]
        return self._made(columns, spread)

    def spread(self) -> tuple[Group, ...]:
        """How all records of the question are spread over the values, with the sum."""
        assert self.by is not None
        figure = self._figure()
        return groups(self.conn, self.call, self.cards.ask(), self.by[0], [figure[0]] if figure else [])

    def _made(
        self, columns: list[BoardColumn], spread: tuple[Group, ...] = (), *, later: bool = False
    ) -> Board:
        assert self.by is not None
        path, field = self.by
        figure = self._figure()
        shown = {c.value for c in columns}
        return Board(
            by=path,
            field=field,
            label=self.reader.say(field.label, field.name),
            columns=tuple(columns),
            movable=path in writable(self.call.model, self.call.actor, self.question.object.name),
            summed=self._label(*figure) if figure else "",
            hidden=sum(g.count for g in spread if g.value not in shown),
            later=later,
        )

    def _figured(self, spread: tuple[Group, ...], folded: frozenset[str] | None) -> list[BoardColumn]:
        assert self.by is not None
        values, figure = self._values(self.by[1], spread), self._figure()
        return [self._column(c, spread, figure, folded) for c in values]

    def _bare(self, field: Field, folded: frozenset[str] | None) -> list[BoardColumn]:
        """The columns without figures. Of a choice: none where it must be filled, and no retired options; of a link: the records
        that most of the newest records have."""
        assert self.by is not None
        spread = tuple(Group(value=None, count=0, sums=()) for _ in range(field.required is not True))
        if choice_of(field) is None:
            spread += groups(self.conn, self.call, self.cards.ask(), self.by[0], (), NEWEST)
        return [replace(c, count=None, folded=c.key in (folded or ())) for c in self._values(field, spread)]

    def more_cards(self, value: str | None, after: str | None) -> tuple[tuple[Card, ...], str | None]:
        """The next cards of one column, and the place behind them."""
        assert self.by is not None
        path, _ = self.by
        condition = f"{path} == {quoted(value) if value is not None else 'None'}"
        own = Cards(self.call, narrowed(self.question, condition), self.reader)
        found = self._read(own.ask(path, limit=FIRST_CARDS), after)
        return tuple(own.card(r, without=(path,)) for r in found.rows()), found.next

    def one(self, id: str) -> tuple[Card, str | None] | None:
        """The card of one record and the value it stands under; None when it is not on this board (any more)."""
        if self.by is None:
            return None
        path, _ = self.by
        rows = self._read(self.cards.ask(path, limit=1, ids=(id,)), None).rows()
        if not rows:
            return None
        value = rows[0].get(path)
        key = value.get("id") if isinstance(value, Mapping) else value
        return self.cards.card(rows[0], without=(path,)), key

    # -- inside ---------------------------------------------------------------------------------------------------

    def _read(self, ask: Ask, after: str | None) -> Any:
        return read(self.conn, self.call, replace(ask, after=after), secret=self.secret)

    def _by(self) -> tuple[str, Field] | None:
        """What makes the columns: what was asked for, the field of a stage path, the first choice."""
        model, actor, object = self.call.model, self.call.actor, self.question.object
        paths = [p for p in (self.question.group,) if p]
        paths += [str(body.get("field")) for body in documents_for(model, actor, "stage_path", object.name)]
        paths += [
            name for name, field in self.cards.fields.items() if field.type == "select" and not field.system
        ]
        for path in paths:
            field = field_at(model, actor, object, path)
            if field is not None and _makes_columns(field):
                return path, field
        return None

    def _figure(self) -> tuple[str, Field] | None:
        """What is summed: the first column with a sum, else the first amount among the columns, else that of the object.
        Sums of amounts are those of the workspace's currency."""
        known = self.cards.columns
        summed = [c.path for c in self.question.columns if c.total == "sum" and c.path in known]
        own = {n: f for n, f in self.cards.fields.items() if f.columns and not f.system}
        amounts = [p for fields in (known, own) for p, f in fields.items() if _amount(f)]
        found = next((p for p in (*summed, *amounts) if "." not in p), None)
        return None if found is None else (found, known.get(found) or own[found])

    def _values(self, field: Field, spread: tuple[Group, ...]) -> list[BoardColumn]:
        """The columns in their order, without figures: options that are not retired, and what records stand under."""
        spec = choice_of(field)
        there = {g.value for g in spread}
        none = [BoardColumn(value=None, label="", open=field.required is not True)] if None in there else []
        if spec is None:
            return [*none, *self._records(field, spread)]
        ends = self._ends(field.name)
        return none + [
            BoardColumn(
                value=option.name,
                label=self.reader.say(option.label, option.name),
                color=token_of(option.color) or "gray",
                end=ends.get(option.name),
                open=not option.retired,
            )
            for option in spec.options
            if not option.retired or option.name in there
        ]

    def _records(self, field: Field, spread: tuple[Group, ...]) -> list[BoardColumn]:
        """Columns of a link: the records that are linked, by title."""
        ids = [str(g.value) for g in spread if g.value is not None][:MAX_COLUMNS]
        target = self.call.model.objects[field.link.to[0]]
        if not ids:
            return []
        ask = Ask(object=target.name, fields=("id", target.title), ids=tuple(ids), limit=MAX_COLUMNS)
        rows = self._read(ask, None).rows()
        made = [BoardColumn(value=r["id"], label=_title(r.get(target.title))) for r in rows]
        return sorted(made, key=lambda c: c.label)

    def _ends(self, name: str) -> Mapping[str, str]:
        """Stage -> how it ends, where a stage path says so."""
        model, actor = self.call.model, self.call.actor
        for body in documents_for(model, actor, "stage_path", self.question.object.name):
            if body.get("field") == name:
                return {s["name"]: s["end"] for s in body.get("stages") or () if s.get("end")}
        return {}

    def _column(
        self,
        column: BoardColumn,
        spread: tuple[Group, ...],
        figure: tuple[str, Field] | None,
        folded: frozenset[str] | None,
    ) -> BoardColumn:
        """The column with its count and sum."""
        found = next((g for g in spread if g.value == column.value), None)
        narrow = column.key in folded if folded is not None else found is None and column.end is not None
        column = replace(column, folded=narrow)
        if found is None:
            return column
        column = replace(column, count=found.count)
        if figure is None or not found.sums[0]:
            return column
        short, exact = self._money(found.sums[0], figure[1])
        return replace(column, figure=short, exact=exact)

    def _label(self, path: str, field: Field) -> str:
        return self.cards.labels.get(path) or self.reader.say(field.label, field.name)

    def _money(self, value: Decimal, field: Field) -> tuple[str, str]:
        """A sum as it fits a heading, and exactly."""
        reader = self.reader
        exact = reader.money(value) if _amount(field) else reader.number(value)
        if abs(value) < SHORT_FROM:
            return exact, exact
        if _amount(field):
            short = format_compact_currency(value, reader.currency, locale=reader.locale, fraction_digits=1)
        else:
            short = format_compact_decimal(value, locale=reader.locale, fraction_digits=1)
        return str(short), exact

    def _filled(self, column: BoardColumn) -> BoardColumn:
        if not column.count or column.folded:
            return column
        cards, following = self.more_cards(column.value, None)
        return replace(column, cards=cards, next=following)


def _amount(field: Field) -> bool:
    return (field.extra.get("value_type") or field.type) == "money"


def _makes_columns(field: Field) -> bool:
    if choice_of(field) is not None:
        return field.expr.kind == "choice"
    return field.type in LINKS and not field.link.several and not field.link.many and field.type != "master"


def _title(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("title")
    return str(value) if value not in (None, "") else UNTITLED
