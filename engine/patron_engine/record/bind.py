"""Bind: what the caller wrote becomes values, by the one parser of each field's type.

In: rows with their changes. Out: `values`, `given` and `changed`; problems for unknown, computed and read-only fields and
for values that cannot be read. Links are left to record/links. Never decides whether values make sense together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from patron_engine.access.decide import readable, writable
from patron_engine.access.grants import audience
from patron_engine.fields.base import TextFormats, ValueFault
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.model.model import RecordType
from patron_engine.phrases import OF_FIELD, Phrase
from patron_engine.problems import nearest
from patron_engine.query.statement import kept
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.change import Source
from patron_engine.record.program import Program
from patron_engine.record.row import Row

Cell = tuple[Field, Callable[[Any], Any] | None]  # a field and what reads it

HISTORY_FIELDS = frozenset({"created_at", "created_by", "updated_at", "updated_by"})
# an import of history may say who made a record, and when


def bind(batch: Batch, rows: Sequence[Row]) -> list[tuple[Row, Field, Any]]:
    """Binds everything but links, which are returned raw for record/links: (row, field, what was written)."""
    links: list[tuple[Row, Field, Any]] = []
    for program, mine in by_object(r for r in rows if not r.rejected):
        reader = _Reader(batch, program)
        for row in mine:
            change = row.change
            if change is None or row.action == "delete":
                continue
            if row.fresh:
                _begin(row)
            given, cells = row.given, reader.cells(change.source)
            for name, raw in change.set.items():
                cell = cells.get(name) or reader.cell(row, name, change.source)
                if cell is None:
                    continue
                field, read = cell
                given.add(field.name)
                if read is None:
                    links.append((row, field, raw))
                    continue
                try:
                    row.put(field.name, read(raw))
                except ValueFault as fault:
                    reader.tell(row, field, fault)
            if change.by is not None and row.fresh:
                _by_value(row, reader, change.by, change.source, links)
    return links


def _begin(row: Row) -> None:
    """A new record: every kept name is empty; a detail points at its master."""
    kept = row.values
    row.values = row.program.nothing.copy()
    row.values.update(kept)
    row.values["id"] = row.id
    if row.master is not None and row.program.object.master:
        row.put(row.program.object.master, row.master.id)


def _by_value(
    row: Row, reader: _Reader, by: tuple[str, Any], source: Source, links: list[tuple[Row, Field, Any]]
) -> None:
    """A record an upsert creates has the value it was asked by."""
    name, raw = by
    if name.startswith("external_ids.") or row.program.object.aliases.get(name, name) in row.given:
        return
    cell = reader.cell(row, name, "text" if isinstance(raw, str) and source == "wire" else source)
    if cell is None:
        return
    field, read = cell
    row.given.add(field.name)
    if read is None:
        links.append((row, field, raw))
        return
    try:
        row.put(field.name, read(raw))
    except ValueFault as fault:
        reader.tell(row, field, fault)


class _Reader:
    """Readers of one object's fields for one caller, prepared once a batch."""

    def __init__(self, batch: Batch, program: Program) -> None:
        self.batch = batch
        self.program = program
        object = program.object
        model, actor, store = batch.model, batch.call.actor, kept(batch.call.tables)
        key = (audience(actor), object.name)
        self.writable = store.get(("writable", *key), lambda: writable(model, actor, object.name))
        self.readable = store.get(("readable", *key), lambda: readable(model, actor, object.name))
        self.formats = TextFormats(zone=batch.model.workspace.zone, languages=batch.call.actor.languages)
        self._cells: dict[str, dict[str, Cell]] = {}

    def cells(self, source: Source) -> dict[str, Cell]:
        """What is known by now of the names of one form."""
        return self._cells.setdefault(source, {})

    def cell(self, row: Row, name: str, source: Source) -> Cell | None:
        """The field a caller may set under this name, and what reads its values (None for links, read elsewhere);
        None with a problem when there is none."""
        field = self.field(row, name)
        if field is None:
            return None
        read = None if isinstance(field.spec, LinkSpec) else self._reader(field, source)
        found = self.cells(source)[name] = (field, read)
        return found

    def tell(self, row: Row, field: Field, fault: ValueFault) -> None:
        """A value that cannot be read."""
        row.wrong(
            fault.code,
            Phrase(OF_FIELD, field=self.batch.label(field), reason=Phrase(fault.message)),
            field.name,
            hint=fault.hint,
        )

    def field(self, row: Row, name: str) -> Field | None:
        """The field a caller may set under this name; None with a problem when there is none."""
        if (
            row.change is not None and row.change.action == "transfer"
        ):  # by another right than those that write fields
            if name == "owner":
                return self.program.fields.get(name)
            row.wrong("not_a_transfer", Phrase("a transfer changes the owner and nothing else"), name)
            return None
        found = self.writable.get(name) or self.writable.get(self.program.object.aliases.get(name, ""))
        if found is not None:
            return found
        today = self.program.object.aliases.get(name, name)
        if today in self.program.sets:
            return None  # details: they are rows of their own
        field = self.program.fields.get(today)
        if field is not None and not field.hidden and (today in self.readable or field.type == "secret"):
            if self._platform_may(field):
                return field
            if field.computed:
                row.wrong(
                    "computed_field",
                    Phrase("{field} is computed; nobody writes it", field=self.batch.label(field)),
                    name,
                )
            else:
                row.wrong(
                    "readonly_field", Phrase("{field} cannot be written", field=self.batch.label(field)), name
                )
            return None
        hint = nearest(name, [*self.writable, *self.program.sets])
        beside = self.program.object.sets.get(name)
        if beside is not None and beside.field in readable(
            self.batch.model, self.batch.call.actor, beside.object
        ):
            hint = "only details are saved with their master; save these records by themselves"
        row.wrong(
            "unknown_field",
            Phrase("{object} has no field {name!r}", object=self.program.object.name, name=name),
            name,
            hint=hint,
        )
        return None

    def _platform_may(self, field: Field) -> bool:
        if field.computed:
            return False
        if field.system:
            return self.batch.keeps_history and field.name in HISTORY_FIELDS
        return field.readonly is True and self.batch.writes_readonly

    def _reader(self, field: Field, source: Source) -> Callable[[Any], Any]:
        if field.name == "record_type":
            return lambda raw: _record_type(self.program.object.record_types, raw)
        kind = type_of(field)
        if source == "text":
            text = kind.reader(field, self.formats)
            return lambda raw: text(raw) if isinstance(raw, str) else kind.read_wire(field, raw)
        if source == "wire":
            return lambda raw: kind.read_wire(field, raw)
        return _typed


def _typed(raw: Any) -> Any:
    """The engine's own value; an empty text or list is none."""
    return raw if raw or (raw != "" and raw != ()) else None


def _record_type(known: Mapping[str, RecordType], raw: Any) -> Any:
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str) or raw not in known:
        raise ValueFault("unknown_record_type", "there is no such record type", nearest(str(raw)[:60], known))
    return raw
