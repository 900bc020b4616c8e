"""Match: which record a row is, where the mapping says what tells it.

In: items with their values. Out: ids and the values before put into those whose record is there, or the problem of the row; rows
that name one record come one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from patron_engine.fields.field import LinkSpec
from patron_engine.model.model import Object, label_of
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.statements import Conn
from patron_engine.transfer.convert import Item
from patron_engine.transfer.find import Finder
from patron_engine.transfer.mapping import EXTERNAL, ImportMap, called
from patron_engine.transfer.sets import Sets


class Matcher:
    """Of one import."""

    def __init__(self, mapping: ImportMap, object: Object, sets: Sets) -> None:
        self.mapping = mapping
        self.object = object
        self.sets = sets

    def rounds(self, items: Sequence[Item]) -> Iterable[list[Item]]:
        """Rows that name the same record come one after the other: the later one finds what the earlier one made."""
        match = self.mapping.match
        rest = list(items)
        while rest:
            seen: set[Any] = set()
            now, after = [], []
            for item in rest:
                item.key = self._key(item, match) if match else None
                if item.key is not None and item.key in seen:
                    after.append(item)
                else:
                    seen.add(item.key)
                    now.append(item)
            yield now
            rest = after

    @staticmethod
    def _key(item: Item, match: str) -> Any:
        key = item.external.get(match[len(EXTERNAL) :]) if match.startswith(EXTERNAL) else item.set.get(match)
        return str(key) if key is not None else None

    @property
    def foresees(self) -> bool:
        """Whether rows are passed over, by a key that stands in the row."""
        match, fields = self.mapping.match, self.object.fields
        skips = "skip" in (self.mapping.found, self.mapping.others)
        made = match in self.sets.constants or match in self.sets.expressions
        field = fields.get(match or "")
        linked = field is not None and isinstance(field.spec, LinkSpec)
        return skips and match is not None and not made and not linked

    def passed_over(self, conn: Conn, call: Call, items: Sequence[Item]) -> set[int]:
        """The numbers of the rows that are passed over, before any of their links is looked for."""
        match = self.mapping.match or ""
        keys = {item.number: key for item in items if (key := self._key(item, match)) is not None}
        found = Finder().find(conn, call, self.object, match, keys.values())
        there = {n for n, key in keys.items() if len(found.get(key, ())) == 1}
        absent = {n for n, key in keys.items() if key not in found} if match != "id" else set()
        return (there if self.mapping.found == "skip" else set()) | (
            absent if self.mapping.others == "skip" else set()
        )

    def make_keys(self, conn: Conn, call: Call, items: Sequence[Item]) -> None:
        """A match key that the mapping makes itself, from the row alone."""
        match = self.mapping.match
        if match in self.sets.constants:
            for item in items:
                item.set[match] = self.sets.constants[match]
        elif match in self.sets.expressions:
            self.sets.evaluate(conn, call, items, {match: self.sets.expressions[match]})

    def match(self, conn: Conn, call: Call, items: Sequence[Item]) -> None:
        """Which records are there already, and their values before."""
        match = self.mapping.match
        if match is None:
            return
        for item in items:
            if item.key is None and match != "id":
                item.wrong(
                    "match_empty",
                    Phrase(
                        "{match} is empty, so nobody can say which record this is",
                        match=called(self.object, match or ""),
                    ),
                    match,
                )
        keys = [item.key for item in items if item.key is not None]
        finder = Finder()  # keys are looked up afresh: this file may have made the record a moment ago
        found = finder.find(conn, call, self.object, match, keys)
        for item in items:
            ids = found.get(item.key or "", [])
            if len(ids) == 1:
                item.id = ids[0]
            elif ids:
                item.wrong(
                    "match_ambiguous",
                    Phrase(
                        "{count} records of {object} have {match} {key!r}",
                        count=len(ids),
                        object=label_of(self.object.label, self.object.name),
                        match=called(self.object, match or ""),
                        key=item.key,
                    ),
                    match,
                )
            elif match == "id" and item.key is not None:
                item.wrong(
                    "not_found",
                    Phrase(
                        "there is no {object} {key}",
                        object=label_of(self.object.label, self.object.name),
                        key=item.key,
                    ),
                    "id",
                )
        names = (
            {n for item in items for n in (*item.set, *item.emptied)}
            | set(self.sets.constants)
            | set(self.sets.expressions)
        )
        self.old(conn, call, [i for i in items if i.id is not None], sorted(names - {"id"}))

    def old(self, conn: Conn, call: Call, items: Sequence[Item], names: Sequence[str]) -> None:
        paths = [n for n in names if n in self.object.fields]
        values = fetch_values(conn, call, self.object.name, [i.id for i in items if i.id], paths)
        for item in items:
            item.old = values.get(item.id or "", {})
