"""Above: what is read of the records that stand above saved ones, when their figures are brought up to date.

In: the model and the feeds of a release. Out: for each object the fields its roll-ups, the formulas over them, the rules
that watch them and the figures still further up may read, and the statement that reads just these. Many parents of a large
save are so read at a fraction of their width. Where anything reads what is not a column, everything is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from patron_engine.record.check import conditions
from patron_engine.record.feeds import Feeds, Figure, feeds_of
from patron_engine.record.layout import Layout
from patron_engine.record.program import Program
from patron_engine.record.statements import ByIds, by_ids

ALWAYS = frozenset(
    {"id", "version", "created_at", "updated_at", "updated_by", "deleted_at", "voided_at", "currency"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Rows by id, locked against other writers in the order of their ids, and how their columns are values."""

    statement: ByIds
    layout: Layout


def reading_of(program: Program) -> Reading:
    """How parents of this object are read, made when first asked for."""
    found: Reading = program.programs.keep(("above", program.object.name), lambda: _make(program))
    return found


def _make(program: Program) -> Reading:
    names = _names(program)
    if names is None or program.many or program.files:
        return Reading(statement=program.load, layout=program.layout)
    fields = [program.fields[n] for n in program.names if n in names]
    columns = [c.name for f in fields for c in f.columns]
    table = program.table
    locked = sa.select(*(table.c[c] for c in columns)).order_by(table.c.id).with_for_update(key_share=True)
    statement = by_ids(table.c.id, locked.where)
    return Reading(statement=statement, layout=Layout(fields, columns))


def _names(program: Program) -> frozenset[str] | None:
    """The fields that may be read; None where that cannot be said."""
    object, feeds = program.object, feeds_of(program.programs)
    if any(
        kind == "automation" and body.get("object") == object.name
        for (kind, _), body in program.model.documents.items()
    ):
        return None  # its conditions may read anything
    figures = {f.name for f in program.rollups} | {name for name, _, _ in program.formulas}
    wanted = {*ALWAYS, *figures, *program.bases}
    for _, _, needs in program.formulas:
        wanted |= needs.reads
    for condition in conditions(program):
        if any(name in figures or name.startswith("set:") for name in condition.watches):
            wanted |= {*condition.needs.reads, *((condition.field.name,) if condition.field else ())}
    further = _further(object.name, feeds)
    if further is None:
        return None
    wanted |= further
    wanted |= {name for name in (object.master, object.rate_date) if name is not None}
    return frozenset(wanted)


def _further(object: str, feeds: Feeds) -> frozenset[str] | None:
    """What figures of records still further up read of this object's records."""
    leaves: Iterable[Figure] = feeds.figures.get(object, ())
    wanted: set[str] = set()
    for figure in leaves:
        if figure.reads is None:
            return None
        wanted |= {*figure.reads, figure.hops[0].link.name}
    for figure, number in feeds.between.get(object, ()):
        wanted.add(figure.hops[number].link.name)
    wanted |= {figure.tree for figure in feeds.trees.get(object, ()) if figure.tree is not None}
    wanted |= {follower.reads for follower in feeds.followers.get(object, ())}
    return frozenset(name.partition(".")[0] for name in wanted)
