"""Carry: a piece of rows becomes records, in the caller's transaction, through the way save.

    rows -> convert -> look links up -> match -> set -> save (each for itself) -> what was done, kept for undo

In: rows, a `Carrier` prepared once an import. Out: a `Piece`: counts, the rows that were refused with reasons, links left
for the end. Commits nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from patron_engine.fields.registry import type_of
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.record.statements import Conn
from patron_engine.record.undo import Done
from patron_engine.transfer.convert import Converter, Item
from patron_engine.transfer.find import Finder
from patron_engine.transfer.mapping import EXTERNAL, ImportMap, Target
from patron_engine.transfer.masters import held_versions, masters_of, raised
from patron_engine.transfer.match import Matcher
from patron_engine.transfer.sets import Sets
from patron_engine.transfer.touched import keep, keep_made
from patron_engine.ways.prepare import Draft, draft
from patron_engine.ways.save import retrying, save, save_draft

COUNTS = ("created", "updated", "unchanged", "skipped", "refused", "warned")
Later = tuple[int, str, dict[str, str]]  # row number, record, field -> cell


@dataclass(slots=True, kw_only=True)
class Piece:
    """What became of one piece of rows. `faults`: (row number, cells, problems)."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    faults: list[tuple[int, Sequence[str], Sequence[Problem]]] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A piece before its turn: its rows, their cells as values, and most of their save where that could be done."""

    rows: Sequence[tuple[int, Sequence[str]]]
    items: list[Item]
    draft: Draft | None = None


class Carrier:
    """One import under one release: its readers, its expressions, what its lookups found."""

    def __init__(self, call: Call, mapping: ImportMap, headings: Sequence[str], batch: str | None) -> None:
        self.mapping = mapping
        self.batch = batch
        self.converter = Converter(call.model, mapping, headings, call.actor.languages)
        self.object = self.converter.object
        self.finder = Finder()
        self.sets = Sets(call, mapping, self.object)
        self.matcher = Matcher(mapping, self.object, self.sets)
        targets = (t for ts in mapping.columns.values() for t in ts)
        self._drafts = (
            mapping.match is None
            and not self.sets.expressions
            and all(t.missing != "create" for t in targets)
        )

    def begin(self, call: Call, rows: Sequence[tuple[int, Sequence[str]]]) -> Prepared:
        """Cells become values. New records get their ids here, in the order of the file: a piece is begun before the next
        one is."""
        items = self.converter.convert(rows)
        for item in items:
            item.new = call.new_id()
        return Prepared(rows=rows, items=items)

    def prepare(self, conn: Conn, call: Call, rows: Sequence[tuple[int, Sequence[str]]]) -> Prepared:
        """What `carry` begins with and no earlier piece can change: cells become values, names that are known by now are
        remembered, new records are drafted. What is not found here is looked up again when it is this piece's turn."""
        begun = self.begin(call, rows)
        known = self.finder.remember(conn, call, begun.items, self.object)
        sound = [item for item in begun.items if not item.problems]
        if not (known and sound and self._drafts):
            return begun
        try:
            self._set(conn, call, sound)
            return replace(begun, draft=draft(conn, call, [self._change(item) for item in sound]))
        except Exception:  # noqa: BLE001 - whatever it is, it is told in its turn
            self._drafts = False  # the next piece would meet it again
            return begun

    def _again(self, call: Call, begun: Prepared) -> Prepared:
        """The same piece from its cells on; its records keep their ids."""
        anew = self.converter.convert(begun.rows)
        for item, before in zip(anew, begun.items, strict=True):
            item.new = before.new
        return Prepared(rows=begun.rows, items=anew)

    def carry(self, conn: Conn, call: Call, prepared: Prepared) -> Piece:
        """Imports rows. A lost deadlock repeats the piece, from its cells on."""

        def attempts() -> Iterator[Prepared]:
            yield prepared
            while True:
                yield self._again(call, prepared)

        attempt = attempts()
        return retrying(lambda: self._inside(conn, call, next(attempt)))

    def _inside(self, conn: Conn, call: Call, prepared: Prepared) -> Piece:
        piece, items = Piece(), prepared.items
        with conn.transaction():
            if prepared.draft is not None:
                self._save(conn, call, self._sound(items, piece), piece, prepared.draft)
                return piece
            if self.matcher.foresees:
                items = self._passed_over(conn, call, self._sound(items, piece), piece)
            keep_made(conn, call, self.batch, self.finder.links(conn, call, items, self.object))
            items = self._sound(items, piece)
            self.matcher.make_keys(conn, call, items)
            items = self._sound(items, piece)
            for group in self.matcher.rounds(items):
                self.matcher.match(conn, call, group)
                group = self._wanted(self._sound(group, piece), piece)
                self._set(conn, call, group)
                self._save(conn, call, self._sound(group, piece), piece)
        return piece

    def link(
        self, conn: Conn, call: Call, rows: Sequence[Later], cells: Mapping[int, Sequence[str]]
    ) -> Piece:
        """The second pass: links between rows of the file, when all of them are there."""
        return retrying(lambda: self._link(conn, call, rows, cells))

    def _link(
        self, conn: Conn, call: Call, rows: Sequence[Later], cells: Mapping[int, Sequence[str]]
    ) -> Piece:
        piece = Piece()
        targets = {t.field: t for ts in self.mapping.columns.values() for t in ts if t.defer}
        items = []
        for number, id, texts in rows:
            item = Item(number=number, cells=cells.get(number, ()), id=id)
            item.later = {f: (targets[f], text) for f, text in texts.items() if f in targets}
            items.append(item)
        with conn.transaction():
            keep_made(conn, call, self.batch, self.finder.links(conn, call, items, self.object, later=True))
            items = self._sound(items, piece)
            self.matcher.old(conn, call, items, sorted(targets))
            self._save(conn, call, items, piece)
        # These rows were counted when they were made: they are there, without a link that could not be set.
        piece.counts["warned"] += piece.counts["refused"]
        piece.counts["updated"] = piece.counts["unchanged"] = piece.counts["refused"] = 0
        piece.faults = [
            (number, row, [replace(p, level="warning") for p in problems])
            for number, row, problems in piece.faults
        ]
        return piece

    # -- stages -----------------------------------------------------------------------------------------------

    def _sound(self, items: Sequence[Item], piece: Piece) -> list[Item]:
        """Those without a problem; the others are told and go no further."""
        for item in items:
            if item.problems:
                piece.counts["refused"] += 1
                piece.faults.append((item.number, item.cells, item.problems))
        return [item for item in items if not item.problems]

    def _passed_over(self, conn: Conn, call: Call, items: Sequence[Item], piece: Piece) -> list[Item]:
        """The rest of them: what the links of a row name is neither looked for nor made where the row is passed over."""
        over = self.matcher.passed_over(conn, call, items)
        piece.counts["skipped"] += len(over)
        return [item for item in items if item.number not in over]

    def _wanted(self, items: Sequence[Item], piece: Piece) -> list[Item]:
        """Those that the mapping does not pass over."""
        wanted = [
            item
            for item in items
            if (self.mapping.others if item.id is None else self.mapping.found) != "skip"
        ]
        piece.counts["skipped"] += len(items) - len(wanted)
        return wanted

    def _set(self, conn: Conn, call: Call, items: Sequence[Item]) -> None:
        """Constants, then expressions over the row as it will be; an address in parts keeps its other parts."""
        for item in items:
            for name in item.parts:
                before, given = item.old.get(name), item.set.get(name)
                if isinstance(before, Mapping) and isinstance(given, Mapping):
                    item.set[name] = {**before, **given}
            if self.sets.constants:
                item.set.update(self.sets.constants)
            if item.id is not None:
                item.set.update(dict.fromkeys(item.emptied))
            item.set.pop("id", None)
        self.sets.evaluate(
            conn, call, items, {n: e for n, e in self.sets.expressions.items() if n != self.mapping.match}
        )

    def _save(
        self, conn: Conn, call: Call, items: Sequence[Item], piece: Piece, draft: Draft | None = None
    ) -> None:
        self._free(conn, call, items)
        masters = masters_of(self.object, items) if self.batch is not None else set()
        before = held_versions(conn, call, masters)
        if draft is not None:
            outcomes = save_draft(conn, call, draft)
        else:
            outcomes = save(conn, call, [self._change(item) for item in items], mode="each") if items else []
        done: list[Done] = []
        for item, outcome in zip(items, outcomes, strict=True):
            if outcome.action == "refused":
                piece.counts["refused"] += 1
                piece.faults.append((item.number, item.cells, outcome.problems))
                continue
            piece.counts[outcome.action] = piece.counts.get(outcome.action, 0) + 1
            if outcome.problems:
                piece.counts["warned"] += 1
                piece.faults.append((item.number, item.cells, outcome.problems))
            assert outcome.id is not None
            if item.later and item.cells:
                deferred = {f: text for f, (_, text) in item.later.items()}
                piece.later.append((item.number, outcome.id, deferred))
            if outcome.action in ("created", "updated"):
                done.append(self._done(item, outcome))
        keep(conn, call, self.batch, [*done, *raised(before, held_versions(conn, call, masters))])

    def _free(self, conn: Conn, call: Call, items: Sequence[Item]) -> None:
        """External ids of records that lie in the recycle bin name nobody: an import taken back can be repeated."""
        given: dict[str, list[str]] = defaultdict(list)
        for item in items:
            for source, value in item.external.items():
                given[source].append(value)
        query = sql.SQL(
            "DELETE FROM {s}.sys__external_id e WHERE e.object = %s AND e.source = %s AND e.external_id = ANY(%s)"
            " AND EXISTS (SELECT 1 FROM {s}.{t} r WHERE r.id = e.record AND r.deleted_at IS NOT NULL)"
        ).format(s=sql.Identifier(call.schema), t=sql.Identifier(self.object.table))
        for source, values in given.items():
            conn.execute(query, (self.object.name, source, values))

    def _change(self, item: Item) -> Change:
        match = self.mapping.match
        if item.id is None and match is None:
            return Change(
                action="create",
                object=self.object.name,
                id=item.new,
                set=item.set,
                source="typed",
                external_ids=item.external,
            )
        common: dict[str, Any] = {
            "object": self.object.name, "set": item.set, "source": "typed", "external_ids": item.external,
        }  # fmt: skip
        if item.id is not None:
            return Change(action="update", id=item.id, **common)
        if match is not None and (match.startswith(EXTERNAL) or self.object.fields[match].unique):
            value = item.key if match.startswith(EXTERNAL) else item.set[match]
            return Change(action="upsert", by=(match, value), **common)
        return Change(action="create", id=item.new, **common)

    def _done(self, item: Item, outcome: Outcome) -> Done:
        old: dict[str, Any] = {}
        if outcome.action == "updated":
            fields = self.object.fields
            old = {
                n: type_of(fields[n]).to_wire(fields[n], item.old.get(n))
                for n in outcome.changed
                if n in item.old and n in fields
            }
        return Done(
            object=self.object.name,
            id=str(outcome.id),
            action=outcome.action,
            version=outcome.version or 1,
            old=old,
        )


__all__ = ["COUNTS", "Carrier", "Later", "Piece", "Target"]
