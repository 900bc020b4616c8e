"""Record: the page of one record is made: what is large on it, its stages, its sections, what hangs below it.

In: a connection, the frame of a call, a Reader, an object and an id. Out: a `RecordPage`, every value as people read it and
nothing that the reader may not see. NotFound as the way read says it. Related records are read when they are opened
(page/below), the timeline when it is looked at (page/timeline).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from patron_engine.access.beside import holds
from patron_engine.access.decide import readable, visible, writable
from patron_engine.errors import NotFound
from patron_engine.fields.field import Field, Rollup
from patron_engine.model.model import Object
from patron_engine.page.below import details_grid
from patron_engine.page.doing import conversions_here
from patron_engine.page.form_parts import in_place, tabs_of
from patron_engine.page.layout import BOOKKEEPING, Layout, Place, Related, Section, layout_of
from patron_engine.page.may import creates, may_of
from patron_engine.page.reader import Reader
from patron_engine.page.record_tree import Doing, Fact, RecordPage, Sheet, Tile
from patron_engine.page.show import EMPTY, Shown, numeric, shown, silent
from patron_engine.page.stages import stage_bar, stage_conditions
from patron_engine.page.tags import tagged, tags_of
from patron_engine.page.truths import Truths
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.spec import MAX_FIELDS
from patron_engine.query.titles import short
from patron_engine.ways.read import read_one
from patron_engine.ways.unmask import masked_fields

Connection = psycopg.Connection[Any]
WIDE_TYPES = frozenset({"long_text", "rich_text", "json"})
SYSTEM = (
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
    "voided_at",
    "currency",
    "record_type",
    "owner",
)


def record_page(conn: Connection, call: Call, reader: Reader, object: str, id: str) -> RecordPage:
    """The page of a living record, or of one in the recycle bin."""
    found = known_object(call, object)
    fields = readable(call.model, call.actor, found.name)
    type_field = found.fields.get("record_type")
    record_type = None
    if type_field is not None and "record_type" in fields:
        record_type = _read(conn, call, found, id, ("record_type",))["record_type"]
    layout = layout_of(call.model, call.actor, found, record_type)
    own = [n for n in SYSTEM if n in fields]
    places = [p.path for s in layout.sections if s.table is None for p in s.places]
    title = (found.title,) if _field(call, found, found.title) else ()
    sums = [f.name for f in fields.values() if _summed(f) or tagged(f)]
    record = _read(conn, call, found, id, dict.fromkeys([*own, *title, *layout.highlights, *places, *sums]))
    maker = _Maker(conn, call, reader, found, layout, record, id)
    return maker.page()


def _read(conn: Connection, call: Call, object: Object, id: str, names: Iterable[str]) -> dict[str, Any]:
    """The record with these fields, living or in the bin; more than one question may ask for are asked in pieces."""
    wanted = [*names] or ["id"]
    made: dict[str, Any] = {}
    for deleted in (False, True):
        try:
            for at in range(0, len(wanted), MAX_FIELDS - 1):
                part = ("id", *wanted[at : at + MAX_FIELDS - 1])
                made.update(read_one(conn, call, object.name, id, fields=part, deleted=deleted).record())
        except NotFound:
            if deleted:
                raise
        else:
            return made
    raise AssertionError("unreachable")


def _summed(field: Field) -> bool:
    """A roll-up of amounts over one set."""
    spec = field.spec
    return (
        isinstance(spec, Rollup) and spec.function == "sum" and len(spec.path) == 1 and not spec.deep
        and field.extra.get("value_type") == "money"
    )  # fmt: skip


def _field(call: Call, object: Object, path: str) -> Field | None:
    """The field he may look at, at the end of a path whose every step he may read."""
    here = object
    steps = path.split(".")
    for step in steps[:-1]:
        link = readable(call.model, call.actor, here.name).get(step)
        if link is None or link.expr.kind != "link" or link.computed or len(link.link.to) != 1:
            return None
        here = call.model.objects[link.link.to[0]]
    return visible(call.model, call.actor, here.name).get(steps[-1])


class _Maker:
    def __init__(
        self,
        conn: Connection,
        call: Call,
        reader: Reader,
        object: Object,
        layout: Layout,
        record: Mapping[str, Any],
        id: str,
    ) -> None:
        self.conn, self.call, self.reader = conn, call, reader
        self.object, self.layout, self.record, self.id = object, layout, record, id
        self.currency: str | None = record.get("currency") if object.record_currency else None
        self.masked = (
            frozenset(masked_fields(conn, call, object, id))
            if holds(call.model, call.actor, "unmask")
            else frozenset()
        )
        self.living = record.get("deleted_at") is None
        may = writable(call.model, call.actor, object.name)
        self.written = frozenset(n for n in in_place(layout) if n in may and may[n].readonly is not True)
        truths = [s.visible for s in layout.sections] + [r.visible for r in layout.related]
        truths += [p.visible for s in layout.sections if s.table is None for p in s.places]
        truths += [p.field.visible for s in layout.sections if s.table is None for p in s.places]
        truths += stage_conditions(call, object)
        self.truths = Truths(conn, call, object.name, id, truths if self.living else ())

    def page(self) -> RecordPage:
        title = shown_at(self.call, self.object, self.object.title, self.record, self.reader).text
        if title in ("", self.id):
            title = short(self.id)
        sheets = [s for s in map(self._sheet, self.layout.sections) if s is not None] if self.living else []
        icon = self.object.icon or "file-text"
        voided = self.record.get("voided_at") is not None
        return RecordPage(
            object=self.object, id=self.id, version=int(self.record.get("version") or 0),
            title=title,
            label=self.reader.say(self.object.label, self.object.name), icon=icon, currency=self.currency,
            highlights=self._highlights(), sheets=tuple(sheets),
            stages=stage_bar(self.call, self.reader, self.object, self.record, self.truths) if self.living else None,
            tiles=tuple(t for t in map(self._tile, self.layout.related) if t is not None) if self.living else (),
            may=may_of(self.conn, self.call, self.object, self.id, living=self.living, voided=voided),
            layout=self.layout, record=self.record,
            tabs=tabs_of(self.layout, sheets, self.reader),
            tags=tags_of(self.call, self.reader, self.object, self.record) if self.living else None,
            conversions=self._conversions() if self.living and not voided else (),
            deleted=not self.living, voided=voided,
        )  # fmt: skip

    def _conversions(self) -> tuple[Doing, ...]:
        return conversions_here(self.conn, self.call, self.reader, self.object, self.id, self.layout.actions)

    def _highlights(self) -> tuple[Fact, ...]:
        made = []
        for path in self.layout.highlights:
            field = _field(self.call, self.object, path)
            if field is not None and path != self.object.title:
                made.append(self._fact(field, path, self.reader.say(field.label, field.name)))
        return tuple(made)

    def _sheet(self, section: Section) -> Sheet | None:
        if not self.truths.holds(section.visible):
            return None
        label = self.reader.say(section.label)
        if section.table is not None:
            grid = details_grid(
                self.conn, self.call, self.reader, self.object, self.id, section, self.currency
            )
            label = label or self.reader.say(section.table.label, section.table.name)
            return Sheet(
                name=section.name, label=label, help=self.reader.say(section.help), columns=1, grid=grid,
                folded=section.collapsed or not grid.rows, tab=section.tab,
            )  # fmt: skip
        seen = [p for p in section.places if self._seen(p)]
        if not seen:
            return None
        facts = tuple(self._placed(p) for p in seen)
        kept = all(
            f.name in BOOKKEEPING or silent(p.field, f.shown) for p, f in zip(seen, facts, strict=True)
        )
        return Sheet(
            name=section.name, label=label, help=self.reader.say(section.help), columns=section.columns,
            facts=facts, folded=section.collapsed or kept, tab=section.tab,
        )  # fmt: skip

    def _seen(self, place: Place) -> bool:
        own = place.field.visible if place.field.object == self.object.name else True
        return self.truths.holds(place.visible) and self.truths.holds(own)

    def _placed(self, place: Place) -> Fact:
        made = self._fact(
            place.field,
            place.path,
            self.reader.say(place.label, place.field.name),
            self.reader.say(place.help),
            wide=place.width > 1 or place.field.type in WIDE_TYPES,
        )
        return made

    def _fact(self, field: Field, path: str, label: str, help: str = "", *, wide: bool = False) -> Fact:
        value = shown_at(self.call, self.object, path, self.record, self.reader, field, self.currency)
        number = numeric(field.extra.get("value_type") or field.type)
        return Fact(
            name=path,
            label=label,
            help=help,
            shown=value,
            wide=wide,
            number=number,
            masked=path in self.masked and not value.empty,
            written=path in self.written,
        )

    def _tile(self, related: Related) -> Tile | None:
        if related.set.name == "comments" or not self.truths.holds(related.visible):
            return None
        of = self.call.model.objects[related.set.object]
        label = self.reader.say(related.label) or self.reader.say(of.plural, of.name)
        sums = [
            self._fact(f, f.name, self.reader.say(f.label, f.name))
            for f in readable(self.call.model, self.call.actor, self.object.name).values()
            if isinstance(f.spec, Rollup) and _summed(f) and f.spec.path[0] == related.set.name
        ]
        return Tile(
            set=related.set.name, label=label, icon=of.icon or "list", object=of.name, link=related.set.field,
            several=of.fields[related.set.field].link.several, condition=self._condition(related),
            sums=tuple(s for s in sums if not s.shown.empty)[:2], creates=creates(self.call, related.set),
        )  # fmt: skip

    def _condition(self, related: Related) -> str:
        found = related.set
        mine = f"'{self.id}' in {found.field}" if found.many else f"{found.field} == '{self.id}'"
        return f"{mine} and ({related.where})" if related.where else mine


def shown_at(
    call: Call,
    object: Object,
    path: str,
    record: Mapping[str, Any],
    reader: Reader,
    field: Field | None = None,
    currency: str | None = None,
) -> Shown:
    """The value at a path of an answer; empty where the path leads nowhere he may look."""
    found = field or _field(call, object, path)
    return EMPTY if found is None else shown(found, record.get(path), reader, currency)
