"""Listing: a part of a list as data: headings, lines with their values, the place of the next part.

In: a connection, the frame of the call, a Question, a Reader. Out: `Listing`, which the platform draws. One question of the
way read, by keyset: nothing is counted here, so that a list of a million is as quick as one of a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.access.decide import writable
from patron_engine.actor import Actor
from patron_engine.fields.field import Field
from patron_engine.model.model import LINKS, Model, Object
from patron_engine.model.virtual import is_virtual
from patron_engine.page.inputs import widget_of
from patron_engine.page.paths import field_at, gathers, label_at, seen_at, sorts, value_type
from patron_engine.page.question import Column, Question
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Item, Shown, numeric, shown
from patron_engine.page.virtual import virtual_label, virtual_shown
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_SORT
from patron_engine.query.titles import short, title_of
from patron_engine.ways.read import read

EDITED = frozenset({
    "text", "number", "money", "rating", "switch", "choice", "date", "moment", "clock", "record", "lines", "duration",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column as it is drawn. `order` is "asc", "desc" or "" and `rank` its place among several; `next` what a click
    sorts by; `title` marks the column that leads to the record."""

    path: str
    label: str
    field: Field | None
    numeric: bool
    title: bool
    sortable: bool
    order: str = ""
    rank: int = 0
    total: str | None = None
    width: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value. `edited` says that it may be changed where it stands."""

    path: str
    shown: Shown
    edited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The head of a group: the value its lines have in common; `key` is that value as an address gives it."""

    key: str
    shown: Shown

    @property
    def mark(self) -> str:
        """Its name among the elements of the page."""
        return "band-" + "".join(c if c.isalnum() else "-" for c in self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One record. `band` stands before the first line of a group."""

    id: str
    version: int
    title: str
    cells: tuple[Cell, ...]
    band: Band | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """`next` is the cursor of the following part, `last` the key of the group that was open at the end of this one."""

    question: Question
    headings: tuple[Heading, ...]
    lines: tuple[Line, ...]
    next: str | None
    last: str | None = None

    @property
    def bands(self) -> tuple[Band, ...]:
        """The groups that begin in this part."""
        return tuple(line.band for line in self.lines if line.band is not None)


def fitting(model: Model, actor: Actor, question: Question) -> Question:
    """The question without columns and groups of a published view that this person may not read, with a title first."""
    object = question.object
    own = "columns" in question.own
    columns = [
        c for c in question.columns if own or seen_at(model, actor, object, c.path) or is_virtual(c.path)
    ]
    titles = [c for c in columns if c.path == object.title]
    first = titles[0] if titles else Column(path=object.title, label={})
    if titles or field_at(model, actor, object, object.title):
        columns = [first, *(c for c in columns if c is not first)]
    group = question.group
    if group is not None and not gathers(field_at(model, actor, object, group)):
        group = None
    return replace(question, columns=tuple(columns), group=group)


def headings(model: Model, actor: Actor, question: Question, reader: Reader) -> tuple[Heading, ...]:
    """The columns of a question with how each is sorted."""
    order = {key.lstrip("-"): (n, key.startswith("-")) for n, key in enumerate(question.sort, 1)}
    made = []
    for at, column in enumerate(question.columns):
        field = seen_at(model, actor, question.object, column.path)
        rank, falls = order.get(column.path, (0, False))
        made.append(
            Heading(
                path=column.path,
                label=reader.say(column.label)
                or virtual_label(model, question.object, column.path, reader)
                or label_at(model, actor, question.object, column.path, reader),
                field=field,
                numeric=field is not None and numeric(value_type(field)),
                title=at == 0,
                sortable=is_virtual(column.path)
                or sorts(field_at(model, actor, question.object, column.path)),
                order=("desc" if falls else "asc") if rank else "",
                rank=rank,
                total=column.total,
                width=column.width,
            )
        )
    return tuple(made)


def sorted_by(question: Question, path: str, *, more: bool = False) -> str:
    """What `sort` becomes when a heading is chosen: rising, falling, not at all; `more` keeps the other keys."""
    rest = [key for key in question.sort if key.lstrip("-") != path]
    now = next((key for key in question.sort if key.lstrip("-") == path), None)
    chosen = [path] if now is None else [f"-{path}"] if now == path else []
    if more and now is not None and chosen:
        at = question.sort.index(now)
        return ",".join([*question.sort[:at], *chosen, *question.sort[at + 1 :]])
    kept = [*rest, *chosen] if more else chosen
    return ",".join(kept[-MAX_SORT:])


def listing(
    conn: psycopg.Connection[Any], call: Call, question: Question, reader: Reader, *, secret: bytes,
    deleted: bool = False, opened: str | None = None,
) -> Listing:  # fmt: skip
    """A part of the list. `opened` is the group that was open before it. Refused, CursorOutdated as the way read says."""
    also = ["id", question.object.title]
    if question.object.record_currency:
        also.append("currency")
    if question.group:
        also.append(question.group)
    ask = replace(question.ask(also=tuple(also), deleted=deleted), sort=_keys(call, question))
    page = read(conn, call, ask, secret=secret)
    heads = headings(call.model, call.actor, question, reader)
    made: list[Line] = []
    for row in page.rows():
        band = _band(call, question, row, reader) if question.group else None
        if band is not None and band.key == opened:
            band = None
        elif band is not None:
            opened = band.key
        made.append(line(call, question.object, heads, row, reader, band, edited=not deleted))
    return Listing(question=question, headings=heads, lines=tuple(made), next=page.next, last=opened)


def _keys(call: Call, question: Question) -> tuple[str, ...]:
    """What a list is sorted by: its groups first; two records of one title are two groups."""
    if not question.group:
        return question.sort
    field = field_at(call.model, call.actor, question.object, question.group)
    linked = field is not None and field.expr.kind == "link"
    groups = (question.group, f"{question.group}.id") if linked else (question.group,)
    return (*groups, *(k for k in question.sort if k.lstrip("-") not in groups))[:MAX_SORT]


def line(
    call: Call, object: Object, heads: Sequence[Heading], row: Mapping[str, Any], reader: Reader,
    band: Band | None = None, *, edited: bool = True,
) -> Line:  # fmt: skip
    """One record of an answer as a line."""
    may = writable(call.model, call.actor, object.name) if edited else {}
    cells = tuple(
        Cell(
            path=head.path,
            shown=_shown(call, object, head, row, reader),
            edited=head.path in may and editable(may[head.path]),
        )
        for head in heads
    )
    return Line(
        id=str(row["id"]), version=int(row["version"]), title=title_of(object, row), cells=cells, band=band
    )


def editable(field: Field) -> bool:
    """Whether a cell of the field is simple enough to be changed where it stands."""
    if field.type in LINKS and (field.link.many or len(field.link.to) != 1 or field.type == "master"):
        return False
    return widget_of(field, written=True) in EDITED and field.readonly is not True


def _shown(call: Call, object: Object, head: Heading, row: Mapping[str, Any], reader: Reader) -> Shown:
    value = row.get(head.path)
    if head.title and head.path == "id":
        return Shown(kind="text", text=short(str(value)), raw=value)
    if head.field is None:
        return virtual_shown(call.model, head.path, value, reader)
    currency = row.get("currency") if object.record_currency and head.field.object == object.name else None
    return shown(head.field, value, reader, currency)


def _band(call: Call, question: Question, row: Mapping[str, Any], reader: Reader) -> Band:
    assert question.group is not None
    field = field_at(call.model, call.actor, question.object, question.group)
    value = row.get(question.group)
    made = shown(field, value, reader) if field is not None else EMPTY
    return Band(key=key_of(value), shown=made)


def key_of(value: Any) -> str:
    """A value of a group as an address gives it: the id of a record, the name of an option; empty for none."""
    if isinstance(value, Mapping):
        return str(value.get("id") or "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def record_items(found: Sequence[Mapping[str, Any]], object: Object) -> tuple[Item, ...]:
    """Records as items one may choose."""
    return tuple(Item(text=title_of(object, r), object=object.name, id=str(r["id"])) for r in found)
