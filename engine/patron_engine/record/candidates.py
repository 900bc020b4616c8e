"""Candidates: the records worth comparing with some rows by a match of a duplicate rule.

In: a batch, a match, rows. Out: ids for each row. Addresses, numbers and codes are found by their indexes; names by what is kept for
searching, so that a million records are as quick to ask as a thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.alike import compared, probes
from patron_engine.model.duplicate_rules import Match, Pair, found_by
from patron_engine.query.tokens import tokens_of
from patron_engine.record.batch import Batch
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled

LOOKED_AT = 50  # candidates of one name


def candidates_of(batch: Batch, match: Match, rows: Sequence[Row]) -> Mapping[Row, list[str]]:
    """The records worth comparing with each row."""
    other = batch.programs[match.object]
    pair = found_by(match, other.object.search)
    by_words = not pair.keyed and pair.other in other.object.search
    return (_named if by_words else _keyed)(batch, other, pair, rows)


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
