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

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.fields.alike import alike, compared, probes
from patron_engine.model.duplicate_rules import Match, Pair, found_by, matches_of
from patron_engine.model.model import say
from patron_engine.query import fetch
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask
from patron_engine.query.tokens import tokens_of
from patron_engine.record.batch import Batch
from patron_engine.record.load import read_images
from patron_engine.record.plan import lock_values
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled

MOST = 5  # twins told of one record
LOOKED_AT = 50  # candidates of one name
TAKEN_SILENTLY = frozenset({"pack", "system", "rollback", "approval"})  # nobody reads their warnings
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
        pair = found_by(match, other.object.search)
        by_words = not pair.keyed and pair.other in other.object.search
        candidates = (_named if by_words else _keyed)(batch, other, pair, due)
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


def _keyed(batch: Batch, other: Program, pair: Pair, rows: Sequence[Row]) -> Mapping[Row, list[str]]:
    """The records with the same address, number or code."""
    column = other.fields[pair.other].column

    def make() -> Statement:
        table = other.table
        chosen = sa.select(table.c[column.name], table.c.id).where(
            any_of(table.c[column.name], "values"), table.c.deleted_at.is_(None)
        )
        return compiled(chosen.order_by(table.c.created_at.desc()).limit(20_000))

    statement = batch.programs.keep(("duplicates.keyed", other.object.name, pair.other), make)
    values = {r: _column_value(other, pair, r) for r in rows}
    wanted = sorted({v for v in values.values() if v is not None}, key=repr)
    there: dict[Any, list[str]] = defaultdict(list)
    for value, id in statement.run(batch.conn, values=wanted) if wanted else ():
        there[str(value)].append(str(id))
    return {r: there.get(str(v), []) for r, v in values.items()}


def _column_value(other: Program, pair: Pair, row: Row) -> Any:
    """The row's value as the other's column holds it."""
    value = row.values.get(pair.own)
    return other.encode({pair.other: value}, [pair.other]).get(other.fields[pair.other].column.name)


def _named(batch: Batch, other: Program, pair: Pair, rows: Sequence[Row]) -> Mapping[Row, list[str]]:
    """The records that are found under the words of a name."""
    asked: list[tuple[Row, list[str]]] = []
    for row in rows:
        text = str(compared(pair.way, row.values.get(pair.own)))
        asked += [(row, tokens) for part in probes(pair.least, text) if (tokens := tokens_of([part]))]
    found: dict[Row, list[str]] = defaultdict(list)
    if not asked:
        return found
    numbers, arrays = list(range(len(asked))), ["{" + ",".join(f'"{t}"' for t in ts) + "}" for _, ts in asked]
    conn = batch.conn
    # The planner guesses badly how rare words are; walking through the whole table for some that are would take a second.
    conn.execute("SELECT set_config('enable_seqscan', 'off', true)")
    statement: Statement = batch.programs.keep("duplicates.named", lambda: _by_words(batch))
    hits = statement.run(
        conn, numbers=numbers, arrays=arrays, object=other.object.name, field=pair.other, most=LOOKED_AT
    )
    conn.execute("SELECT set_config('enable_seqscan', 'on', true)")
    for number, id in hits:
        if str(id) not in found[asked[number][0]]:
            found[asked[number][0]].append(str(id))
    return found


def _by_words(batch: Batch) -> Statement:
    """For each array of tokens the records that have them all."""
    kept = batch.call.tables.system(
        "sys__search", object="text", record="uuid", field="text", tokens="text[]"
    )
    asked = (
        sa.func.unnest(
            sa.bindparam("numbers", type_=pg.ARRAY(sa.Integer())),
            sa.bindparam("arrays", type_=pg.ARRAY(sa.Text())),
        )
        .table_valued(sa.column("n", sa.Integer()), sa.column("tokens", sa.Text()))
        .render_derived()
    )
    there = (
        sa.select(kept.c.record)
        .where(
            sa.type_coerce(kept.c.tokens, pg.ARRAY(sa.Text())).contains(
                sa.cast(asked.c.tokens, pg.ARRAY(sa.Text()))
            ),
            kept.c.object == sa.bindparam("object", type_=sa.Text()),
            kept.c.field == sa.bindparam("field", type_=sa.Text()),
        )
        .limit(sa.bindparam("most", type_=sa.Integer()))
        .lateral()
    )
    return compiled(sa.select(asked.c.n, there.c.record).select_from(asked.join(there, sa.true())))


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
