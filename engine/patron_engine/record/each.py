"""Each: many changes, every one for itself: what can be saved is saved, the others are told why not.

In: numbered changes and what saves a list of them whole. Out: an outcome for every number. Also how changes are cut into
runs that can go through the stages together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from patron_engine.errors import Conflict, LimitExceeded, PatronError, Refused
from patron_engine.problems import Problem
from patron_engine.record.batch import RowsRefused
from patron_engine.record.change import Change, Done, Outcome
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn

Numbered = tuple[int, Change]
SaveAll = Callable[[Sequence[Numbered]], dict[int, Outcome]]


def runs_of(changes: Sequence[Numbered]) -> list[list[Numbered]]:
    """Consecutive changes that can go through the stages together: of one kind, none naming a record again."""
    found: list[list[Numbered]] = []
    kind, named = "", set[Any]()
    for n, change in changes:
        writes = change.action in ("create", "update", "upsert")  # a transfer is judged by another right
        this = "write" if writes else change.action
        keys = _keys(change)
        if this != kind or keys & named or not found:
            found.append([])
            kind, named = this, set()
        found[-1].append((n, change))
        named |= keys
    return found


def _keys(change: Change) -> set[tuple[str, str]]:
    """What it names its record by."""
    keys = set()
    if change.id is not None:
        keys.add((change.object, change.id))
    if change.by is not None:
        keys.add((change.object, repr(change.by)))
    return keys


def save_each(
    conn: Conn, save_all: SaveAll, changes: Sequence[Numbered], outcomes: dict[int, Outcome]
) -> None:
    """Saves what can be saved. What is refused late takes its savepoint with it: then without the guilty, or, where
    nobody can be named, in halves."""
    if not changes:
        return
    try:
        with conn.transaction():
            saved = save_all(changes)
        outcomes.update(saved)
        return
    except RowsRefused as refusal:
        by_index, error = refusal.by_index, refusal.error
    except (LimitExceeded, Conflict) as refused:
        if isinstance(refused, Conflict) and refused.code == "raced":
            raise
        by_index, error = {}, refused
    if len(changes) == 1:
        n, change = changes[0]
        outcomes[n] = refused_outcome(change, by_index.get(n) or problems_of(error))
        return
    guilty = {n: p for n, p in by_index.items() if p}
    if guilty:
        for n, change in changes:
            if n in guilty:
                outcomes[n] = refused_outcome(change, guilty[n])
        save_each(conn, save_all, [c for c in changes if c[0] not in guilty], outcomes)
        return
    half = len(changes) // 2
    save_each(conn, save_all, changes[:half], outcomes)
    save_each(conn, save_all, changes[half:], outcomes)


def refused_outcome(change: Change, problems: Sequence[Problem]) -> Outcome:
    return Outcome(action="refused", object=change.object, id=change.id, problems=tuple(problems))


def problems_of(error: PatronError) -> Sequence[Problem]:
    """What an error says, problem by problem."""
    if isinstance(error, Refused):
        return error.problems
    return [Problem(code=error.code, message=error.detail, hint=error.hint)]


DONE: dict[str, Done] = {
    "create": "created", "update": "updated", "delete": "deleted", "restore": "restored", "void": "voided",
    "unvoid": "unvoided", "purge": "purged",
}  # fmt: skip


def outcomes_of(rows: Iterable[Row]) -> dict[int, Outcome]:
    """What the caller is told about each change, by its place in the request."""
    found: dict[int, Outcome] = {}
    before: Row | None = None
    changed: tuple[str, ...] = ()
    for row in rows:
        if before is None or not _alike(row, before):  # most rows change the same names
            changed = _changed(row)
        before = row
        wrote = row.written or row.action == "purge" or row.raised
        found[row.index] = Outcome(
            action=DONE[row.action] if wrote else "unchanged",
            object=row.object,
            id=row.id,
            version=None if row.action == "purge" else row.version,
            problems=tuple(row.problems),
            changed=changed,
        )
    return found


def _alike(row: Row, other: Row) -> bool:
    return row.program is other.program and row.changed == other.changed and row.given == other.given


def _changed(row: Row) -> tuple[str, ...]:
    return tuple(n for n, system in row.program.order if n in row.changed and (not system or n in row.given))
