"""Values: what the expressions of a step read, for many runs at once.

    bare names, this.   the record as it is now             old.     the record as the event found it
    event.              what the event offers               me       whose rights the run has
    steps.NAME.         what a step before gave             target.  the record that is written

In: a connection, the frame of a call, runs of one automation. Out: for each run the values by path, as evaluation wants them, one query
for each object that is asked. Definitions see all rows. Changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from patron_engine.expr.compile import Expression
from patron_engine.expr.context import Context
from patron_engine.expr.evaluate import closure
from patron_engine.fields.registry import type_of
from patron_engine.flow.run import Run
from patron_engine.model.model import LINKS
from patron_engine.query.binding import Money
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.context import context_of
from patron_engine.record.environment import value_at
from patron_engine.record.pending import Pending
from patron_engine.record.statements import Conn

AS_OF: Final = "as_of"  # the event of a run that looks at its record as it was: `old` is what changed since
ROOTS: Final = frozenset({"this", "old", "event", "steps", "target", "me", "approver"})
Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run, and the record that is written where that is another one. With an `item`, a record of a set that is gone
    through, bare names are the item's."""

    run: Run
    object: str | None = None
    id: str | None = None
    item: tuple[str, str] | None = None


class Reading:
    """Of one step. What was read is read once; a new step reads anew."""

    def __init__(self, conn: Conn, call: Call) -> None:
        self.conn = conn
        self.call = call
        self.context: Context = context_of(Pending(conn), call)[0]

    def evaluate(
        self, expression: Expression, subjects: Sequence[Subject], money: Money = "own"
    ) -> list[Any]:
        """The value for each subject."""
        made = closure(expression)
        return [made(values, self.context) for values in self.values([expression], subjects, money)]

    def holds(self, condition: Expression | None, subjects: Sequence[Subject]) -> list[bool]:
        """Whether a condition is true; none is true for all. Conditions read money in the workspace's currency."""
        if condition is None:
            return [True] * len(subjects)
        return [bool(v) for v in self.evaluate(condition, subjects, "base")]

    def values(
        self, expressions: Iterable[Expression], subjects: Sequence[Subject], money: Money = "own"
    ) -> list[Values]:
        """path -> value for each subject."""
        expressions = list(expressions)
        found: list[Values] = [{} for _ in subjects]
        if not subjects:
            return found
        by_root: dict[str, set[str]] = defaultdict(set)
        for path in {p for e in expressions for p in e.paths}:
            by_root[_root(path)].add(path)
        aggregates = list({a.key: a for e in expressions for a in e.aggregates}.values())
        self._own(found, subjects, by_root.pop("", set()), by_root.pop("this", set()), aggregates, money)
        fill = {
            "old": self._old,
            "event": self._event,
            "steps": self._steps,
            "target": self._target,
            "me": self._me,
            "approver": self._approver,
        }
        for root, paths in by_root.items():
            fill[root](found, subjects, paths, money)
        return found

    def of_record(self, subject: Subject, path: str) -> Any:
        """What a path from the run's record gives."""
        values: list[Values] = [{}]
        self._own(values, [subject], {path}, set(), [], "own")
        return values[0].get(path)

    # -- by root --------------------------------------------------------------------------------------------------

    def _own(
        self, found: list[Values], subjects: Sequence[Subject], bare: set[str], this: set[str], aggregates: Sequence[Any],
        money: Money,
    ) -> None:  # fmt: skip
        """Bare names and `this.`. Of a record that is gone the event knows what it was."""
        if subjects[0].item is None:
            bare, this = bare | this, set()
        for paths, items in ((bare, True), (this, False)):
            if not paths and not (items and aggregates):
                continue
            there: list[tuple[Values, Subject]] = []
            gone: list[tuple[Values, Subject]] = []
            for values, subject in zip(found, subjects, strict=True):
                of_item = items and subject.item is not None
                deleted = subject.run.event.get("name") == "deleted" and not of_item
                (gone if deleted else there).append((values, subject))
            asked = [s.item if items and s.item else (s.run.object, s.run.record) for _, s in there]
            names = {p: p.removeprefix("this.") for p in paths}
            self._read([v for v, _ in there], asked, names, money, aggregates if items else ())
            past = [(v, s) for v, s in there if s.item is None and s.run.event.get("name") == AS_OF]
            self._as_of(past, names, money)
            self._was([v for v, _ in gone], [s for _, s in gone], names, money)
            if items and aggregates:  # what hung on it went with it
                self._read([v for v, _ in gone], [(None, None)] * len(gone), {}, money, aggregates)

    def _as_of(self, found: Sequence[tuple[Values, Subject]], paths: Mapping[str, str], money: Money) -> None:
        """Of a record at an earlier moment: what was changed since is as the event says."""
        for values, subject in found:
            for path, rest in paths.items():
                name, _, deep = rest.partition(".")
                if name in subject.run.old:
                    values.pop(path, None)
                    before = [(values, self._before(subject.run, name))]
                    self._beyond(before, subject.run.object, name, deep, path, money)

    def _was(
        self, found: list[Values], subjects: Sequence[Subject], paths: Mapping[str, str], money: Money
    ) -> None:
        """Values of records that were deleted: what the event kept of them."""
        for path, rest in paths.items():
            name, _, deep = rest.partition(".")
            before = [
                (v, s.run.record if name == "id" else self._before(s.run, name))
                for v, s in zip(found, subjects, strict=True)
            ]
            if before:
                self._beyond(before, subjects[0].run.object, name, deep, path, money)

    def _old(self, found: list[Values], subjects: Sequence[Subject], paths: set[str], money: Money) -> None:
        for path in paths:
            rest = path.removeprefix("old.")
            name, _, deep = rest.partition(".")
            before: list[tuple[Values, Any]] = []
            same: list[tuple[Values, Subject]] = []
            for values, subject in zip(found, subjects, strict=True):
                values[path] = None
                if name in subject.run.old:
                    before.append((values, self._before(subject.run, name)))
                elif subject.run.event.get("name") != "created" and not subject.run.event.get("supposed"):
                    same.append((values, subject))
            asked = [(s.run.object, s.run.record) for _, s in same]
            self._read([v for v, _ in same], asked, {path: rest}, money)
            self._beyond(before, subjects[0].run.object, name, deep, path, money)

    def _before(self, run: Run, name: str) -> Any:
        field = self._object(run.object).field(name)
        raw = run.old.get(name)
        return None if raw is None or field is None else type_of(field).read_wire(field, raw)

    def _beyond(
        self, values: Sequence[tuple[Values, Any]], object: str | None, name: str, deep: str, path: str, money: Money
    ) -> None:  # fmt: skip
        """What lies at `deep` of a value: a part of it, or a field of the record that it names."""
        field = self._object(object).field(name)
        if not deep or field is None or field.type not in LINKS:
            for kept, value in values:
                kept[path] = value_at({name: value}, f"{name}.{deep}" if deep else name)
            return
        ends = [(_target(value, field.link.to[0])) for _, value in values]
        self._read([kept for kept, _ in values], ends, {path: deep}, money)

    def _event(self, found: list[Values], subjects: Sequence[Subject], paths: set[str], money: Money) -> None:
        for path in paths:
            name, _, deep = path.removeprefix("event.").partition(".")
            given = [s.run.event.get(name) for s in subjects]
            if deep and name in ("by", "from", "to"):
                self._read(found, [("user", g) for g in given], {path: deep}, money)
                continue
            for values, subject, value in zip(found, subjects, given, strict=True):
                offered = self._offered(subject.run, name, value)
                values[path] = value_at({"it": offered}, f"it.{deep}") if deep else offered

    def _offered(self, run: Run, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in ("at", "planned_at", "due_at"):
            return datetime.fromisoformat(value)
        if name == "date":
            return date.fromisoformat(value)
        field = (
            self._object(run.object).field(name) if run.event.get("name") == "button" and run.object else None
        )
        return value if field is None else type_of(field).read_wire(field, value)

    def _steps(self, found: list[Values], subjects: Sequence[Subject], paths: set[str], money: Money) -> None:
        for path in paths:
            name, _, rest = path.removeprefix("steps.").partition(".")
            part = f"{name}.{rest.partition('.')[0]}"  # a target of a conversion
            if any(part in subject.run.results for subject in subjects):
                name, rest = part, rest.partition(".")[2]
            records: list[tuple[str | None, str | None]] = []
            for values, subject in zip(found, subjects, strict=True):
                given = subject.run.results.get(name)
                record = isinstance(given, Mapping) and "object" in given
                records.append((given["object"], given["id"]) if record and given else (None, None))
                if not record:
                    values[path] = _part(given, rest)
                elif rest in ("", "id"):
                    values[path] = given["id"] if given else None
            if rest not in ("", "id"):
                self._read(found, records, {path: rest}, money)

    def _target(
        self, found: list[Values], subjects: Sequence[Subject], paths: set[str], money: Money
    ) -> None:
        asked = [(s.object or s.run.object, s.id if s.object else s.run.record) for s in subjects]
        self._read(found, asked, {p: p.removeprefix("target.") for p in paths}, money)

    def _me(self, found: list[Values], subjects: Sequence[Subject], paths: set[str], money: Money) -> None:
        me = self.call.actor.user
        for path in paths:
            rest = path.partition(".")[2]
            if rest:
                self._read(found, [("user", me)] * len(subjects), {path: rest}, money)
            else:
                for values in found:
                    values[path] = me

    def _approver(
        self, found: list[Values], subjects: Sequence[Subject], paths: set[str], money: Money
    ) -> None:
        """Who decided last, where the run belongs to an approval."""
        for path in paths:
            rest = path.partition(".")[2]
            given = [s.run.event.get("approver") for s in subjects]
            for values, person in zip(found, given, strict=True):
                values[path] = person if rest in ("", "id") else None
            if rest not in ("", "id"):
                self._read(found, [("user", person) for person in given], {path: rest}, money)

    # -- reading --------------------------------------------------------------------------------------------------

    def _read(
        self, found: Sequence[Values], asked: Sequence[tuple[str | None, str | None]], paths: Mapping[str, str],
        money: Money, aggregates: Sequence[Any] = (),
    ) -> None:  # fmt: skip
        """Puts `paths` (key -> path from the record) and aggregates of the asked records; a record that is not there has
        none."""
        by_object: dict[str, set[str]] = defaultdict(set)
        for object, record in asked:
            if object and record and object in self.call.model.objects:
                by_object[object].add(record)
        rows = {
            object: fetch_values(
                self.conn, self.call, object, sorted(ids), dict.fromkeys(paths.values()), aggregates, money
            )
            for object, ids in by_object.items()
        }
        for values, (object, record) in zip(found, asked, strict=True):
            row = rows.get(object or "", {}).get(record or "", {})
            for key, path in paths.items():
                if key not in values or row:
                    values[key] = row.get(path)
            for node in aggregates:
                zero = 0 if str(node.function).lower() in ("count", "sum") else None
                values[node.key] = row.get(node.key, zero)

    def _object(self, name: str | None) -> Any:
        return self.call.model.objects[name or ""]


def _part(given: Any, path: str) -> Any:
    """What lies at a path of a value in JSON form: `body.lines`."""
    for name in path.split(".") if path else ():
        given = given.get(name) if isinstance(given, Mapping) else None
    return given


def _root(path: str) -> str:
    first = path.partition(".")[0].removesuffix("()")
    return first if first in ROOTS else ""


def _target(value: Any, object: str) -> tuple[str | None, str | None]:
    if isinstance(value, Mapping):
        return value.get("object"), value.get("id")
    return object, value if isinstance(value, str) else None
