"""Below: records that hang on a record, as tables: details inside a section, related lists, how many there are.

In: a connection, the frame of a call, a Reader, a set of a record. Out: a `Grid` of values as people read them. Every read is
the way read's, narrowed to the set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import psycopg

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.errors import Refused
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.model.model import Object
from patron_engine.page.layout import Layout, Related, Section
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Shown, numeric, shown
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask, Page, Within
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
MOST_COUNTED = 999  # more are told as "999+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    path: str
    label: str
    number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """`totals` stands under the columns, empty where nothing is added up; `more` tells that rows were left out."""

    object: str
    heads: tuple[Head, ...]
    rows: tuple[Line, ...]
    totals: tuple[Shown, ...] = ()
    more: bool = False

    @property
    def title(self) -> int:
        """The column whose value leads to the record: the first that is not a number."""
        return next((n for n, head in enumerate(self.heads) if not head.number), 0)

    @property
    def filled(self) -> Grid:
        """Only the columns that have a value in some row: for paper, and for details that are read."""
        kept = [n for n in range(len(self.heads)) if any(not row.cells[n].empty for row in self.rows)]
        return replace(
            self,
            heads=tuple(self.heads[n] for n in kept),
            rows=tuple(replace(row, cells=tuple(row.cells[n] for n in kept)) for row in self.rows),
            totals=tuple(self.totals[n] for n in kept) if self.totals else (),
        )


def details_grid(
    conn: Connection,
    call: Call,
    reader: Reader,
    owner: Object,
    id: str,
    section: Section,
    currency: str | None,
) -> Grid:
    """The details of a section with their totals."""
    assert section.table is not None
    places = [(p.path, reader.say(p.label, p.field.name), p.field) for p in section.places]
    paths = tuple(p for p, _, _ in places)
    page = _ask(conn, call, owner, id, section.table.name, paths, section.sort, None, MAX_LIMIT)
    grid = _grid(call, reader, section.table.object, places, page, currency)
    if grid.more or not section.totals or not grid.rows:
        return grid
    sums = _totals(page.rows(), places, section.totals, reader, currency)
    return Grid(object=grid.object, heads=grid.heads, rows=grid.rows, totals=sums)


def related_grid(
    conn: Connection, call: Call, reader: Reader, owner: Object, id: str, related: Related
) -> Grid:
    """The first records of a related list in its columns."""
    of = call.model.objects[related.set.object]
    places = []
    for path in related.columns:
        field = call.model.follow(of.name, path)
        if field is not None:
            places.append((path, reader.say(field.label, field.name), field))
    paths = tuple(p for p, _, _ in places)
    page = _ask(conn, call, owner, id, related.set.name, paths, related.sort, related.where, related.limit)
    return _grid(call, reader, of.name, places, page, None)


def count_of(conn: Connection, call: Call, owner: Object, id: str, related: Related) -> int | None:
    """How many records a related list has; None where its condition is no longer his to ask."""
    ask = Ask(
        object=related.set.object, within=Within(object=owner.name, id=id, set=related.set.name),
        where=related.where, fields=("id",), limit=1, count="exact",
    )  # fmt: skip
    try:
        return read(conn, call, ask, secret=b"").count
    except Refused:
        return None


def _ask(
    conn: Connection,
    call: Call,
    owner: Object,
    id: str,
    set: str,
    paths: Sequence[str],
    sort: Sequence[str],
    where: str | None,
    limit: int,
) -> Page:
    of = call.model.objects[owner.sets[set].object]
    more = ("currency",) if of.record_currency and "currency" in of.fields else ()
    known = readable(call.model, call.actor, of.name)
    ask = Ask(
        object=of.name,
        within=Within(object=owner.name, id=id, set=set),
        fields=tuple(dict.fromkeys(["id", *paths, *(m for m in more if m in known)])),
        sort=tuple(sort),
        where=where,
        limit=limit,
    )
    return read(conn, call, ask, secret=b"below")


def _grid(
    call: Call,
    reader: Reader,
    object: str,
    places: Sequence[tuple[str, str, Field]],
    page: Page,
    currency: str | None,
) -> Grid:
    heads = tuple(
        Head(path=path, label=label, number=numeric(field.extra.get("value_type") or field.type))
        for path, label, field in places
    )
    rows = tuple(
        Line(
            id=str(row["id"]),
            cells=tuple(
                shown(field, row.get(path), reader, row.get("currency") or currency)
                for path, _, field in places
            ),
        )
        for row in page.rows()
    )
    return Grid(object=object, heads=heads, rows=rows, more=page.next is not None)


def _totals(
    rows: Sequence[Mapping[str, Any]],
    places: Sequence[tuple[str, str, Field]],
    named: Sequence[str],
    reader: Reader,
    currency: str | None,
) -> tuple[Shown, ...]:
    made = []
    for path, _, field in places:
        if path not in named:
            made.append(EMPTY)
            continue
        total = sum((Decimal(str(r[path])) for r in rows if r.get(path) is not None), Decimal(0))
        made.append(shown(field, str(total), reader, currency))
    return tuple(made)


def counts_of(
    conn: Connection, call: Call, owner: Object, id: str, layout: Layout
) -> Mapping[str, int | None]:
    """How many records each related list of the layout has, by the name of its set."""
    return {r.set.name: count_of(conn, call, owner, id, r) for r in layout.related}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """`count` records of a set: they go along, stay and lose their link, or hold the record."""

    label: str
    count: int
    fate: Literal["goes", "stays", "holds"]


def goes_with(conn: Connection, call: Call, reader: Reader, owner: Object, id: str) -> tuple[Gone, ...]:
    """What becomes of the records below when this one is deleted."""
    made = []
    for found in owner.sets.values():
        of = call.model.objects[found.object]
        spec = of.fields[found.field].spec
        if not isinstance(spec, LinkSpec) or of.name not in call.model.objects:
            continue
        if isinstance(row_rule(call.model, call.actor, "read", of.name), Deny):
            continue
        ask = Ask(
            object=of.name, within=Within(object=owner.name, id=id, set=found.name), fields=("id",), limit=1,
            count="exact", voided="yes",
        )  # fmt: skip
        count = read(conn, call, ask, secret=b"").count or 0
        if count:
            label = reader.say(found.label) or reader.say(of.plural) or reader.say(of.label, of.name)
            fates: Mapping[str, Literal["goes", "stays", "holds"]] = {
                "cascade": "goes", "clear": "stays", "restrict": "holds",
            }  # fmt: skip
            made.append(
                Gone(label=label, count=count, fate="goes" if found.master else fates[spec.on_delete])
            )
    return tuple(sorted(made, key=lambda g: -g.count))
