"""Environment: brings together what expressions read: values beyond links, of the person, of before, of sets.

In: rows and the needs of the expressions about to be evaluated. Out: the paths, put into `row.values` under their own
names, fetched with one query for each object asked. Decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from patron_engine.expr.evaluate import Context
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.lookups import Lookups
from patron_engine.record.needs import LinkPath, Needs
from patron_engine.record.pending import Pending
from patron_engine.record.program import Programs
from patron_engine.record.row import Row

NOTHING: Mapping[str, Any] = {}
_ZERO_OF_NOTHING = frozenset({"count", "count_distinct", "sum"})


class Environment:
    """One a save. Values of other records are read once; `forget` is called after writing."""

    def __init__(self, pending: Pending, call: Call, context: Context, lookups: Lookups) -> None:
        self._pending = pending
        self.call = call
        self.context = context
        self.lookups = lookups
        self.programs = Programs.of(call.tables)
        self._known: dict[tuple[str, tuple[str, ...]], dict[str, Mapping[str, Any]]] = {}

    def forget(self) -> None:
        self._known.clear()
        self.lookups.forget()

    def fetch(self, object: str, ids: Iterable[str], paths: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """id -> path -> value; ids that do not live are missing."""
        key = (object, tuple(sorted(paths)))
        known = self._known.setdefault(key, {})
        missing = sorted({i for i in ids if i not in known})
        if missing:
            found = fetch_values(self._pending.conn, self.call, object, missing, key[1])
            for i in missing:
                known[i] = found.get(i, NOTHING)
        return known

    def fill(self, rows: Sequence[Row], needs: Needs) -> None:
        """Puts everything `needs` names into the values of the rows, all of one object."""
        if needs.simple or not rows:
            return
        if needs.links:
            self._links(rows, needs.links, lambda row, name: row.values.get(name))
        if needs.old_links:
            self._links(rows, needs.old_links, lambda row, name: row.old.get(name))
        if needs.me:
            self._me(rows, needs.me)
        if needs.virtual:
            self._virtual(rows, needs.virtual)
        for row in rows:
            for name in needs.old:
                row.values[f"old.{name}"] = value_at(row.old, name)
                if f"{name}.base" in row.old:
                    row.values[f"old.{name}.base"] = row.old[f"{name}.base"]
            for key, name, part in needs.parts:
                whole = row.values.get(name)
                row.values[key] = whole.get(part) if isinstance(whole, Mapping) else None
        if needs.rollups or needs.aggregates:
            self.figures(rows, needs)
        for name in needs.formulas:
            program = rows[0].program
            spec: Any = program.fields[name].spec
            value = program.closure(spec.expression)
            for row in rows:
                row.values[name] = value(row.values, self.context)
        for key, name in needs.aliases:
            for row in rows:
                row.values[key] = row.values.get(name)

    def _links(self, rows: Sequence[Row], links: Sequence[LinkPath], at: Callable[[Row, str], Any]) -> None:
        wanted: dict[tuple[str, str], list[LinkPath]] = defaultdict(list)
        for link in links:
            wanted[(link.link, link.target)].append(link)
        for (name, target), paths in wanted.items():
            ids = {row.path + row.id: target_id(at(row, name), target) for row in rows}
            found = self.fetch(target, {i for i in ids.values() if i}, [p.path for p in paths])
            for row in rows:
                values = found.get(ids[row.path + row.id] or "", NOTHING)
                for path in paths:
                    row.values[path.key] = values.get(path.path)

    def _me(self, rows: Sequence[Row], paths: Sequence[str]) -> None:
        me = self.call.actor.user
        own = [p for p in paths if p]
        values = NOTHING
        if me is not None and own and "user" in self.call.model.objects:
            values = self.fetch("user", [me], own).get(me, NOTHING)
        for row in rows:
            for path in paths:
                row.values[f"me.{path}" if path else "me"] = values.get(path) if path else me

    def _virtual(self, rows: Sequence[Row], names: Sequence[str]) -> None:
        """What flow keeps about records that are there; of a new one nothing."""
        there = [row.id for row in rows if row.written or not row.fresh]
        found = (
            fetch_values(self._pending.conn, self.call, rows[0].object, there, names) if there else NOTHING
        )
        for row in rows:
            values = found.get(row.id, NOTHING)
            for name in names:
                row.values[name] = values.get(name, "none" if name == "approval.state" else None)

    def figures(self, rows: Sequence[Row], needs: Needs) -> None:
        """Sets and computed roll-ups: nothing for a record that is not written yet."""
        program = rows[0].program
        there = [row.id for row in rows if row.written or not row.fresh]
        found: Mapping[str, Mapping[str, Any]] = NOTHING
        if there:
            found = fetch_values(
                self._pending.conn,
                self.call,
                program.object.name,
                there,
                needs.rollups,
                aggregates=needs.aggregates,
            )
        for row in rows:
            values = found.get(row.id)
            for name in needs.rollups:
                spec: Any = program.fields[name].spec
                row.values[name] = (
                    values.get(name) if values else (0 if spec.function in _ZERO_OF_NOTHING else None)
                )
            for node in needs.aggregates:
                zero = 0 if str(node.function).lower() in ("count", "sum") else None
                row.values[node.key] = values.get(node.key) if values else zero


def target_id(value: Any, target: str) -> str | None:
    """The id a link value points at, when it points at `target`."""
    if isinstance(value, Mapping):
        return value["id"] if value.get("object") == target else None
    return value if isinstance(value, str) else None


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """A value or a part of it: "stage", "period.from", "body.customer.code"."""
    name, *parts = path.split(".")
    found = values.get(name)
    for part in parts:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
