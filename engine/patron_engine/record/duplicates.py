"""Duplicates: records that may be the same as those being saved, by the duplicate rules of the workspace.

In: rows about to be written, or one of an open form. Out: `Twin`s; at a save problems: `block` refuses, `warn` asks (`confirm`
names the rule). All records are compared, whoever may see them: of one that the reader may not see he is told only what the
rule reveals. Addresses, numbers and codes are found by their indexes; names by what is kept for searching, so a name that is
compared has to be in `search` of its object, else only an equal one is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.fields.alike import alike, compared
from patron_engine.model.duplicate_rules import Match, matches_of
from patron_engine.model.model import say
from patron_engine.query import fetch
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask
from patron_engine.record.batch import Batch
from patron_engine.record.candidates import candidates_of
from patron_engine.record.identify import lock_values
from patron_engine.record.load import read_images
from patron_engine.record.program import Program
from patron_engine.record.row import Row

MOST = 5  # twins told of one record
TAKEN_SILENTLY = frozenset(
    {"pack", "system", "rollback", "approval", "webform"}
)  # nobody reads their warnings
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A record that may be the same. `title` is "" where the reader may not see it; `facts` what the rule reveals then."""

    match: Match
    object: str
    id: str
    title: str = ""
    facts: Mapping[str, Any]


def check_duplicates(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Problems of the rows that are there already."""
    rows = [r for r in rows if not r.rejected]
    event = "import" if batch.call.cause.kind == "import" else None
    silent = batch.call.cause.kind in TAKEN_SILENTLY
    matches = [m for m in _matches(batch, program) if m.blocks or not silent]
    if not matches or batch.call.cause.kind == "rollback":
        return
    _lock(batch, program, matches, rows, event)
    for row, twins in _found(batch, program, matches, rows, event).items():
        for match, mine in _by_match(twins).items():
            _tell(batch, row, match, mine)


def twins_of(batch: Batch, row: Row) -> tuple[Twin, ...]:
    """What is there already of an open form."""
    matches = _matches(batch, row.program)
    found = _found(batch, row.program, matches, [row], None) if matches else {}
    return tuple({(t.object, t.id): t for t in reversed(found.get(row, ()))}.values())[::-1][:MOST]


def _matches(batch: Batch, program: Program) -> tuple[Match, ...]:
    found: tuple[Match, ...] = batch.programs.keep(
        ("duplicates", program.object.name), lambda: matches_of(batch.model, program.object.name)
    )
    return found


def _due(batch: Batch, program: Program, match: Match, rows: Sequence[Row], event: str | None) -> list[Row]:
    """The rows a match looks at: new ones, and those in which a value it compares has changed."""
    due = [
        r for r in rows
        if (event or ("create" if r.fresh else "update")) in match.on
        and (r.fresh or not r.changed.isdisjoint(p.own for p in match.pairs))
        and all(compared(p.way, r.values.get(p.own)) is not None for p in match.pairs)
    ]  # fmt: skip
    if match.when is None or not due:
        return due
    batch.environment.fill(due, program.needs(match.when))
    holds = program.closure(match.when)
    return [r for r in due if holds(program.in_base(r.values), batch.environment.context)]


def _lock(
    batch: Batch, program: Program, matches: Sequence[Match], rows: Sequence[Row], event: str | None
) -> None:
    """Two saves of the same at one moment come one after the other, so that the second finds the first."""
    lock_values(batch, sorted({
        (program.object.name, f"{m.rule}.{m.name}", repr(_key(m, r)))
        for m in matches if m.blocks and m.object == program.object.name for r in _due(batch, program, m, rows, event)
    }))  # fmt: skip


def _key(match: Match, row: Row) -> Key:
    """What of a row is compared where equal is asked for."""
    return tuple(compared(p.way, row.values.get(p.own)) for p in match.pairs if p.least == 1)


def _found(
    batch: Batch, program: Program, matches: Sequence[Match], rows: Sequence[Row], event: str | None
) -> dict[Row, list[Twin]]:
    found: dict[Row, list[Twin]] = defaultdict(list)
    own = {r.id for r in rows}
    source = batch.call.cause.detail.get("from")  # what it is made of is no duplicate of it
    for match in matches:
        due = _due(batch, program, match, rows, event)
        if not due:
            continue
        other = batch.programs[match.object]
        candidates = candidates_of(batch, match, due)
        ids = sorted({i for some in candidates.values() for i in some})
        images = read_images(batch, batch.conn, other, ids, other.peek) if ids else {}
        seen: dict[Key, Row] = {}
        for row in due:
            same = match.object == program.object.name
            for id in candidates.get(row, ()):
                theirs = images.get(id)
                if theirs is None or theirs.get("deleted_at") is not None or (same and id in own):
                    continue
                if source == {"object": match.object, "id": id}:
                    continue
                if all(
                    alike(p.way, p.least, row.values.get(p.own), theirs.get(p.other)) for p in match.pairs
                ):
                    found[row].append(Twin(match=match, object=match.object, id=id, facts=theirs))
            equal = same and all(p.least == 1 for p in match.pairs)
            first = seen.setdefault(_key(match, row), row) if equal else row
            if first is not row:
                found[row].append(Twin(match=match, object=match.object, id=first.id, facts=first.values))
    return _seen_by(batch, found, own)


def _seen_by(batch: Batch, found: dict[Row, list[Twin]], own: set[str]) -> dict[Row, list[Twin]]:
    """The twins as the reader may know them: with their titles, or with what the rule reveals."""
    titles: dict[tuple[str, str], str] = {}
    ids: dict[str, set[str]] = defaultdict(set)
    for twins in found.values():
        for twin in twins[: MOST * 4]:
            ids[twin.object].add(twin.id)
    for object, some in ids.items():
        title = batch.model.objects[object].title
        if isinstance(row_rule(batch.model, batch.call.actor, "read", object), Deny) or title not in readable(
            batch.model, batch.call.actor, object
        ):
            continue
        ask = Ask(object=object, ids=tuple(sorted(some)), fields=("id", title), limit=len(some), voided="yes")
        for row in fetch.typed(batch.conn, batch.call, resolve(batch.call, ask), b"")[0]:
            titles[(object, str(row["id"]))] = str(row.get(title) or "…")
    return {
        row: [
            replace(t, title=titles.get((t.object, t.id), ""))
            if t.id not in own
            else replace(t, title=str(t.facts.get(batch.model.objects[t.object].title) or "…"))
            for t in twins
        ]
        for row, twins in found.items()
    }


# -- what is told -----------------------------------------------------------------------------------------------------


def _by_match(twins: Sequence[Twin]) -> dict[tuple[str, str], list[Twin]]:
    grouped: dict[tuple[str, str], list[Twin]] = defaultdict(list)
    for twin in twins:
        grouped[(twin.match.rule, twin.match.name)].append(twin)
    return grouped


def _tell(batch: Batch, row: Row, which: tuple[str, str], twins: Sequence[Twin]) -> None:
    match = twins[0].match
    languages = batch.call.actor.languages
    why = say(match.message, languages) or say(match.label, languages) or match.rule
    names = dict.fromkeys(_name(batch, t) for t in twins[:MOST])
    blocks = any(t.match.blocks for t in twins)
    code = "duplicate" if blocks else "maybe_duplicate"
    if batch.conditions_warn:
        code, blocks = "history_duplicate", False
    row.wrong(
        code, f"{why}: {', '.join(names)}", match.pairs[0].own, rule=match.rule,
        level="error" if blocks else "warning",
        hint="use the record that is there" if blocks else None,
    )  # fmt: skip


def _name(batch: Batch, twin: Twin) -> str:
    """A record as the reader may know it."""
    if twin.title:
        return twin.title
    told = revealed(batch, twin)
    label = batch.object_label(twin.object)
    return f"{label} ({', '.join(told)})" if told else label


def revealed(batch: Batch, twin: Twin) -> list[str]:
    """The texts of what a rule reveals of a record that the reader may not see."""
    fields = batch.model.objects[twin.object].fields
    found = []
    for name in twin.match.reveal:
        field, value = fields.get(name), twin.facts.get(name)
        if field is None or value is None or field.type == "secret":
            continue
        if field.expr.kind == "link":
            value = _titles(batch, field.expr.objects[0], str(value))
        if value:
            found.append(str(value))
    return found


def _titles(batch: Batch, object: str, id: str) -> str:
    """What a record that a revealed field points at is called: revealed with it."""
    title = batch.model.objects[object].title
    return str(batch.environment.fetch(object, [id], [title]).get(id, {}).get(title) or "")
