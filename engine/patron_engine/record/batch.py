"""Batch: the frame of one save: what all its stages share.

In: connection, call, the changes. Out: rows by level (masters first), the environment of expressions, the registry of
every row touched, so that a record met twice is one row. Knows no stage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any

from patron_engine.errors import Forbidden, NeedsConfirmation, NotFound, PatronError, Refused
from patron_engine.fields.field import Field
from patron_engine.model.model import label_of
from patron_engine.phrases import Label, Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.record.context import context_of
from patron_engine.record.environment import Environment
from patron_engine.record.pending import Pending
from patron_engine.record.program import Program, Programs
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn

TAKES_WARNINGS = frozenset(
    {
        "import",
        "automation",
        "approval",
        "pack",
        "system",
        "rollback",
        "handover",
        "erasure",
        "moving",
        "webform",
    }
)
# these causes take warnings and report them; a person or a key is asked (or names them in `confirm`)

WRITES_READONLY = frozenset(
    {"automation", "approval", "pack", "system", "rollback", "erasure", "conversion", "merge", "moving"}
)
# a field that is `readonly: true` is the platform's to write: rules, approvals, packs and conversions may


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """New rows of a table as COPY takes them."""

    rows: Sequence[Row]
    names: Sequence[str]
    blocks: Sequence[bytes]


CARRIED = frozenset(
    {"via", "causer"}
)  # of a cause: what goes from run to event to run, and stands in no history


class Batch:
    """One save under way. `save_more` saves further changes inside it (records `find` creates)."""

    def __init__(
        self, conn: Conn, call: Call, save_more: Callable[[Sequence[Change]], list[Outcome]]
    ) -> None:
        self.call = call
        self.model = call.model
        self.programs = Programs.of(call.tables)
        self.begin(conn, save_more)
        self.levels: list[list[Row]] = []
        self.along: list[Row] = []  # records a deleted detail takes with it
        self.found: dict[tuple[str, str], Row] = {}
        self.rates: dict[tuple[str, date], Decimal | None] = {}
        self.refused: list[Row] = []
        self.attached: dict[str, tuple[str, str]] = {}  # file -> the record and field that take it
        self.ready: dict[tuple[str, str], Ready] = {}  # object, what of it -> rows that are text already
        self.handed: set[Row] = set()  # records that go to somebody else, by somebody who may assign them
        self.asks: list[Any] = []  # approvals that begin, or end, once this is saved
        self.locks: dict[str, Any] = {}  # record -> the approval that an edit begins anew
        self.each = False  # what cannot be saved is set aside; the rest goes on
        self.looking = False  # nothing is written and nothing locked: ways/preview
        self.takes_warnings = call.cause.kind in TAKES_WARNINGS or bool(call.cause.detail.get("bulk"))
        self.writes_readonly = call.cause.kind in WRITES_READONLY or bool(call.cause.detail.get("undo"))
        self.keeps_history = call.cause.kind == "import" and bool(call.cause.detail.get("history"))
        self.follows = call.cause.kind == "moving" or bool(call.cause.detail.get("undo"))
        self.erases = (
            call.cause.kind == "erasure"
        )  # personal data goes, whatever rules ask for; nobody acts upon it

    def begin(self, conn: Conn, save_more: Callable[[Sequence[Change]], list[Outcome]]) -> None:
        """Takes a connection: at first, and again when what was prepared before its turn has its turn."""
        self.pending = Pending(conn)
        context, lookups = context_of(self.pending, self.call)
        self.environment = Environment(self.pending, self.call, context, lookups)
        self._save_more = save_more

    def ready_for(self, key: tuple[str, str], rows: Sequence[Row]) -> Ready | None:
        """The text made ahead for exactly these rows, handed out once."""
        found = self.ready.pop(key, None)
        return found if found is not None and found.rows == rows else None

    @property
    def conn(self) -> Conn:
        """For everybody who reads: what is pending was sent."""
        return self.pending.conn

    @property
    def conditions_warn(self) -> bool:
        """An import of history, an erasure, what follows a merged or converted record, what takes an act back: rules, required
        conditions and lookup conditions become warnings."""
        return self.keeps_history or self.erases or self.follows

    @cached_property
    def cause(self) -> dict[str, Any]:
        """Why this save happens, as the history shows it."""
        return {k: v for k, v in self.call.cause.as_dict().items() if k not in CARRIED}

    def cause_of(self, row: Row) -> dict[str, Any]:
        """The same of one row, with what its change says beside it."""
        change = _top(row).change
        if change is None or not change.because:
            return self.cause
        return {**self.cause, **{k: v for k, v in change.because.items() if k not in CARRIED}}

    def via_of(self, row: Row) -> Sequence[Any]:
        """The rules and records that led to this change, so that no rule goes round in circles."""
        change = _top(row).change
        found: Sequence[Any] = (change.because if change is not None else {}).get(
            "via", self.call.cause.detail.get("via", ())
        )
        return found

    def causer_of(self, row: Row) -> str | None:
        """Who set this going: whoever saves, or whoever caused the automation that does."""
        change = _top(row).change
        return self.person or (change.because if change is not None else {}).get("causer")

    def save_more(self, changes: Sequence[Change]) -> list[Outcome]:
        """Saves further changes inside this save, after what it has written already."""
        self.pending.send()
        self.pending.ahead  # noqa: B018 - nothing may be under way on the connection
        return self._save_more(changes)

    def every(self) -> list[Row]:
        return [row for level in self.levels for row in level]

    def register(self, row: Row) -> Row:
        self.found[(row.object, row.id)] = row
        return row

    def label(self, field: Field) -> Label:
        """What people call a field."""
        return label_of(field.label, field.name, self.call.actor.languages)

    def object_label(self, name: str) -> Label:
        return label_of(self.model.objects[name].label, name, self.call.actor.languages)

    @cached_property
    def person(self) -> str | None:
        return self.call.actor.user

    def stop_if_refused(self, rows: Iterable[Row]) -> None:
        """Raises `RowsRefused` with what stands in the way, all of it at once."""
        every = list(dict.fromkeys(rows))
        if _untroubled(every):
            return
        if any(row.rejected for row in every):
            refused = {id(_top(row)) for row in every if row.rejected}
            raise self._refusal([row for row in every if id(_top(row)) in refused], Refused)
        asking = [
            r for r in every if any(p.level == "warning" and not self._accepted(r, p) for p in r.problems)
        ]
        if asking:
            raise self._refusal(asking, NeedsConfirmation)

    def set_aside(self, rows: Sequence[Row]) -> list[Row]:
        """In mode "each": the rows that may go on; the others keep their problems and are written by nobody."""
        if _untroubled(rows):
            return list(rows)
        asking = {
            id(r) for r in rows if any(p.level == "warning" and not self._accepted(r, p) for p in r.problems)
        }
        going = [r for r in rows if not r.rejected and id(r) not in asking]
        gone = {id(r) for r in rows} - {id(r) for r in going}
        self.refused.extend(r for r in rows if id(r) in gone)
        self.levels = [[r for r in level if id(_top(r)) not in gone] for level in self.levels]
        return going

    def _refusal(self, rows: Sequence[Row], kind: type[Refused]) -> RowsRefused:
        by_index: dict[int, list[Problem]] = defaultdict(list)
        for row in rows:
            by_index[row.index].extend(row.problems)
        problems = [p for found in by_index.values() for p in found]
        problems.sort(key=lambda p: p.level != "error")
        return RowsRefused(dict(by_index), _single(self, problems) or kind(problems, hint=_HINTS.get(kind)))

    def _accepted(self, row: Row, problem: Problem) -> bool:
        if self.takes_warnings or problem.code.startswith("history_"):
            return True
        top = _top(row)
        return top.change is not None and problem.rule in top.change.confirm


class RowsRefused(Exception):
    """Some rows cannot be saved: their problems by place in the request, and the error the caller gets when all or
    nothing was asked for. Never leaves ways/save."""

    def __init__(self, by_index: dict[int, list[Problem]], error: PatronError) -> None:
        super().__init__(str(error))
        self.by_index = by_index
        self.error = error


_HINTS: dict[type[Refused], str] = {
    NeedsConfirmation: Phrase("repeat the request with these rules in `confirm`")
}


_PROBLEMS, _REJECTED, _PROGRAM = attrgetter("problems"), attrgetter("rejected"), attrgetter("program")


def _untroubled(rows: Sequence[Row]) -> bool:
    return not any(map(_PROBLEMS, rows)) and not any(map(_REJECTED, rows))


def _top(row: Row) -> Row:
    while row.master is not None:
        row = row.master
    return row


def _single(batch: Batch, problems: Sequence[Problem]) -> PatronError | None:
    """One record that is not there, or that the caller may not touch, is an error of its own kind."""
    if len(batch.levels) != 1 or len(batch.levels[0]) != 1 or not problems:
        return None
    first = problems[0]
    if first.code == "not_found":
        return NotFound(first.message, hint=first.hint)
    if first.code == "forbidden":
        return Forbidden(first.message, hint=first.hint)
    if first.code == "locked":
        return Refused(problems, code="locked", hint=first.hint)
    return None


def by_object(rows: Iterable[Row]) -> list[tuple[Program, list[Row]]]:
    """Rows grouped by object, objects in the order of their names."""
    every = list(rows)
    if not every:
        return []
    if len(set(map(_PROGRAM, every))) == 1:
        return [(every[0].program, every)]
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in every:
        grouped[row.object].append(row)
    return [(grouped[name][0].program, grouped[name]) for name in sorted(grouped)]
