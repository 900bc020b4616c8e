"""Answering: a plan -> its answer: asked, totalled, sorted, cut to its limits, worked out, named.

In: a connection, the frame of the call, a Plan. Out: an Answer. What a limit made one is REST; what was cut is said in `notes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from patron_engine.expr.context import Context
from patron_engine.model.cache import uncollected
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.report import cells as figures
from patron_engine.report.answer import REST, Answer, Key
from patron_engine.report.arranging import Order, filled, first_members, limit_of
from patron_engine.report.asking import Wanted, several
from patron_engine.report.between import THEN
from patron_engine.report.cells import Cells, Chosen, Place
from patron_engine.report.earlier import before, earlier_plan
from patron_engine.report.foretold import deciding, foretold, single_of, whole_row_of
from patron_engine.report.formulas import Goal, Values, early, measured, work_out
from patron_engine.report.naming import colors_in, options_in, titles_in
from patron_engine.report.parameters import context_of
from patron_engine.report.plan import Plan, axes, total_of
from patron_engine.report.references import references

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plan's answer is made of: its cells, those before by unit of PREVIOUS, those of each group with a limit further in,
    by its place: what decides there is its figures over everything. With those of the first group among them the cells have the rest
    as one already (`foretold`)."""

    found: Cells
    before: Mapping[str, Cells | None]
    alone: Mapping[int, Cells]


def needs(call: Call, plan: Plan, chosen: Chosen | None = None, *, whole_row: bool = False) -> list[Wanted]:
    """Every question behind a plan's answer; the order is that of `gather`."""
    first = foretold(plan)
    if first is not None and chosen is None:
        return [Wanted(plan, whole_row=whole_row_of(plan), first=first), Wanted(deciding(plan))]
    earlier = [p for p in _earlier(call, plan).values() if p is not None]
    found = [Wanted(p, chosen or {}, whole_row) for p in (plan, *earlier)]
    return found if chosen is not None else [*found, *(Wanted(p) for p in _alone(plan).values())]


def gather(call: Call, plan: Plan, some: Sequence[Cells]) -> Asked:
    """The answers of `needs`, each where it belongs."""
    found, *rest = some
    if rest and foretold(plan) is not None:
        return Asked(found, {}, {0: rest[0]})
    cells = iter(rest)
    earlier = {
        unit: before(plan, asked, next(cells)) if asked is not None else None
        for unit, asked in _earlier(call, plan).items()
    }
    return Asked(found, earlier, dict(zip(_alone(plan), cells, strict=False)))


def _earlier(call: Call, plan: Plan) -> dict[str, Plan | None]:
    return {unit: earlier_plan(call, plan, unit) for unit in sorted(plan.units)}


def _alone(plan: Plan) -> dict[int, Plan]:
    """The groups with a limit that are not the first of the rows, each by itself."""
    return {
        place: single_of(plan, place)
        for place in range(len(plan.groups))
        if limit_of(plan, place) is not None and (place > 0 or not plan.rows)
    }


def answer(
    conn: Connection, call: Call, plan: Plan, goal: Goal | None = None, asked: Asked | None = None
) -> Answer:
    """The answer of a summary or matrix. `asked`: what was asked for it together with others."""
    asked = asked or gather(call, plan, several(conn, call, needs(call, plan)))
    with uncollected():
        return _answer(conn, call, plan, goal, asked)


def _answer(conn: Connection, call: Call, plan: Plan, goal: Goal | None, asked: Asked) -> Answer:
    then = call if plan.as_of is None else replace(call, now=plan.as_of)
    context = context_of(then, ZoneInfo(plan.zone))
    asked, settled = _settled(conn, call, plan, asked, context)
    before = asked.before
    found, left_out = _filled(plan, _both(plan, asked.found, before), context)
    titles = titles_in(conn, call, plan, found)
    values = _valued(plan, found, before, context, goal)
    order = Order(plan, values, titles)
    kept = {} if settled else _kept(conn, call, plan, order, context, asked.alone)
    if kept:
        found, before = _limited(conn, call, plan, found, before, kept)
        found, left_out = _filled(plan, _both(plan, found, before), context)
        values = _valued(plan, found, before, context, goal)
        order = Order(plan, values, titles)
    across, down = len(plan.rows), len(plan.columns)
    rows = order.rows({r: None for r, _ in found.raw if len(r) == across})
    columns = order.columns({c: None for _, c in found.raw if len(c) == down})
    firsts = list(dict.fromkeys(key[:1] for key in rows if key))
    running = {first: firsts[: i + 1] for i, first in enumerate(firsts)} or {(): [()]}
    earlier = {unit: measured_all(plan, b, context) for unit, b in before.items() if b is not None}
    late = [f for f in plan.formulas if f not in early(plan)]
    work_out(late, values, context, earlier=earlier, goal=goal, running=running)
    return Answer(
        report=str(plan.body.get("name") or ""),
        type=str(plan.body["type"]),
        object=plan.object.name,
        rows=axes(plan.rows),
        columns=axes(plan.columns),
        figures=plan.figures,
        row_keys=tuple(rows),
        column_keys=tuple(columns),
        cells=_shown(plan, values, rows, columns),
        titles=titles,
        options=options_in(plan, found),
        colors=colors_in(plan, found),
        parameters=plan.parameters.wire,
        references=references(call, plan, values.get(((), ()), {}), context, goal),
        notes=_notes(found, left_out),
        as_of=plan.as_of,
        since=plan.since,
        base=call.model.workspace.currency if any(f.unit == "money" for f in plan.figures) else None,
    )


def _valued(
    plan: Plan, found: Cells, before: Mapping[str, Cells | None], context: Context, goal: Goal | None
) -> Values:
    """All figures that do not hang on the order of the groups."""
    values = measured(plan, found)
    earlier = {unit: measured_all(plan, b, context) for unit, b in before.items() if b is not None}
    work_out(early(plan), values, context, earlier=earlier, goal=goal)
    return values


def measured_all(plan: Plan, found: Cells, context: Context) -> Values:
    """The figures of another time: formulas too, but what they themselves ask of other times and goals is empty."""
    values = measured(plan, found)
    work_out(early(plan), values, context)
    return values


def _settled(conn: Connection, call: Call, plan: Plan, asked: Asked, context: Context) -> tuple[Asked, bool]:
    """The answers with the rest as one, where the statement found it out: asked again only where others had to stand for themselves, as
    of equal figures the first title does."""
    if 0 not in asked.alone or foretold(plan) is None:
        return asked, False
    alone, single = asked.alone[0], deciding(plan)
    order = Order(single, measured_all(single, alone, context), titles_in(conn, call, single, alone))
    members = first_members(single, order, limit_of(plan, 0) or 0)
    if members is None:
        members = [m for at, m in alone.stored if at == 0]
    if {m for at, m in asked.found.stored if at == 0} == set(members):
        return asked, True
    chosen = {0: tuple(alone.stored.get((0, m), m) for m in members)}
    again = several(conn, call, needs(call, plan, chosen, whole_row=whole_row_of(plan)))
    return gather(call, plan, again), True


def _kept(
    conn: Connection, call: Call, plan: Plan, order: Order, context: Context, alone: Mapping[int, Cells]
) -> dict[int, list[Any]]:
    """Of the groups with a limit, the members that stand for themselves."""
    found: dict[int, list[Any]] = {}
    if plan.rows and (most := limit_of(plan, 0)) is not None:
        members = first_members(plan, order, most)
        found.update({0: members} if members is not None else {})
    for place, single in _alone(plan).items():
        titles = titles_in(conn, call, single, alone[place])
        known = Order(single, measured_all(single, alone[place], context), titles)
        members = first_members(single, known, limit_of(plan, place) or 0)
        found.update({place: members} if members is not None else {})
    return found


def _limited(
    conn: Connection,
    call: Call,
    plan: Plan,
    found: Cells,
    before: Mapping[str, Cells | None],
    kept: Mapping[int, Sequence[Any]],
) -> tuple[Cells, dict[str, Cells | None]]:
    """The figures with everything beyond the limits as one: added up, or where that is no sum, asked again."""
    whole_row = 0 in kept and whole_row_of(plan)
    if plan.additive:

        def rename(place: Place) -> Place:
            return renamed(plan, place, kept, whole_row)

        return figures.gathered(plan, found, rename), {
            unit: None if b is None else figures.gathered(plan, b, rename) for unit, b in before.items()
        }
    chosen = {at: tuple(found.stored.get((at, m), m) for m in members) for at, members in kept.items()}
    again = gather(call, plan, several(conn, call, needs(call, plan, chosen, whole_row=whole_row)))
    return again.found, dict(again.before)


def renamed(plan: Plan, place: Place, kept: Mapping[int, Sequence[Any]], whole_row: bool) -> Place:
    """A key in which what is not kept is the rest."""
    members = [*place[0], *place[1]]
    for at, known in kept.items():
        if members[at] not in known:
            members[at] = REST
    across = len(plan.rows)
    if whole_row and members[0] is REST:
        members[:across] = [REST] * across
    return tuple(members[:across]), tuple(members[across:])


def _both(plan: Plan, found: Cells, before: Mapping[str, Cells | None]) -> Cells:
    """The cells with those that only the first of two moments has: they are over nothing now."""
    then = before.get(THEN)
    if then is None:
        return found
    nothing = tuple(figures.nothing(b) for b in plan.bases)
    return replace(
        found, raw={**dict.fromkeys(then.raw, nothing), **found.raw}, stored={**then.stored, **found.stored}
    )


def _filled(plan: Plan, found: Cells, context: Context) -> tuple[Cells, bool]:
    """The cells with those of empty periods, whose figures are over nothing; and whether these had to be left out."""
    if not any(g.fill for g in plan.groups):
        return found, False
    whole = found.whole(plan)
    rows, cut = filled([r for r, _ in whole], plan.rows, context, figures.MOST)
    columns, also = filled([c for _, c in whole], plan.columns, context, figures.MOST)
    nothing = tuple(figures.nothing(b) for b in plan.bases)
    empty: dict[Place, Any] = {(key, ()): nothing for key in rows} | {((), key): nothing for key in columns}
    return replace(found, raw={**empty, **found.raw}), cut or also


def _shown(
    plan: Plan, values: Values, rows: Sequence[Key], columns: Sequence[Key]
) -> dict[Place, tuple[Any, ...]]:
    """The cells of the answer: those of whole keys, the totals the definition asks for, the grand one."""
    names = [f.name for f in plan.figures]
    known_rows = {k[:i] for k in rows for i in range(len(k) + 1)}
    known_columns = {k[:i] for k in columns for i in range(len(k) + 1)}
    wanted = {
        (i, j)
        for i in range(len(plan.rows) + 1)
        for j in range(len(plan.columns) + 1)
        if not (i or j) or total_of(plan, i, j) <= plan.totals
    }
    return {
        (row, column): tuple([_plain(known.get(n)) for n in names])
        for (row, column), known in values.items()
        if (len(row), len(column)) in wanted
        and ((row in known_rows and column in known_columns) or not (row or column))
    }


def _plain(value: Any) -> Any:
    return Decimal(int(value)) if isinstance(value, bool) else value


def _notes(found: Cells, left_out: bool) -> tuple[Phrase, ...]:
    notes = []
    if found.cut:
        notes.append(
            Phrase("only the {most} largest groups are shown; totals are over all of them", most=figures.MOST)
        )
    if left_out:
        notes.append(Phrase("empty periods are left out: there are more than {most}", most=figures.MOST))
    return tuple(notes)
