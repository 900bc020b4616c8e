"""Funneled: the plan of a funnel -> one statement under the reader's rights -> its answer.

In: a connection, the frame of the call, a Funnel (funnel.py says what it means). Out: an Answer: a row a stage, in their order.
The statement has two parts over the same records: how far they came, with their value; and the stays of theirs that ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import psycopg
import sqlalchemy as sa

from patron_engine.access.grants import audience
from patron_engine.expr.sql import condition_sql
from patron_engine.phrases import Phrase
from patron_engine.query.binding import SqlBinding
from patron_engine.query.call import Call
from patron_engine.query.sets import tie
from patron_engine.query.shape import shape_of
from patron_engine.query.source import Row
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values
from patron_engine.report.answer import Answer, Axis, Figure, Key, Request, Value
from patron_engine.report.cells import EXACT, rounded
from patron_engine.report.explain import expected
from patron_engine.report.funnel import AXIS, STAYS, Funnel, came_to, funnel
from patron_engine.report.keeping import answered
from patron_engine.report.measures import as_written
from patron_engine.report.statement import building_of
from patron_engine.report.units import unit_of_field
from patron_engine.store.tables import TYPES

NEVER_BEGAN = Phrase("stays in stages are not yours to read: each record counts up to where it stands today")

# -- statement --------------------------------------------------------------------------------------------------------


def statement(call: Call, plan: Funnel) -> Statement:
    """Rows of (0, rank of the furthest stage, records, value) and (1, rank of a stage, seconds in it, stays that ended)."""
    building = building_of(call)
    row = building.root(plan.object.name)
    shape = shape_of(plan.where) if plan.where is not None else None
    binding = SqlBinding(row=row, ruled=True, constants=shape.given if shape is not None else None)
    where = [*row.live(voided=False), *row.ruled()]
    if plan.where is not None:
        where.append(condition_sql(plan.where, binding))
    value = binding.column(plan.value.inner) if plan.value is not None else sa.null()
    rank = _rank(binding.of_field(row, plan.field), plan, lambda s: (s.stored,))
    if plan.reached and plan.stays is not None:
        came = _came_to(plan, row)
        row.source.from_ = row.source.from_.outerjoin(came, came.c.record == row.id)
        furthest = binding.guarded(row, plan.field, came.c.rank)
        rank = sa.func.greatest(rank, furthest, type_=sa.Integer())
    counted = sa.cast(value, TYPES["numeric"]).label("value")
    asked = (
        sa.select(row.id.label("id"), rank.label("rank"), counted)
        .select_from(row.source.from_)
        .where(*where)
        .cte("asked")
    )
    count = sa.func.count(type_=sa.BigInteger())
    sums = sa.select(
        sa.literal(0, sa.Integer()).label("arm"),
        asked.c.rank.label("rank"),
        sa.cast(count, TYPES["numeric"]).label("a"),
        sa.func.sum(asked.c.value).label("b"),
    ).where(asked.c.rank.is_not(None))
    arms: list[Any] = [sums.group_by(asked.c.rank)]
    if plan.stays is not None:
        arms.append(_times(plan, row, asked))
    return compiled(sa.union_all(*arms), call.model.release, each_time=True)


def _rank(value: sa.ColumnElement[Any], plan: Funnel, words: Any) -> sa.ColumnElement[Any]:
    """The place of a stage on the way, from 1; of an end beside it the first where reaching counts, else none."""
    found = [(value.in_([*words(s)]), sa.literal(n, sa.Integer())) for n, s in enumerate(plan.stages, 1)]
    if plan.reached:
        found += [(value.in_([*words(s)]), sa.literal(1, sa.Integer())) for s in plan.aside]
    return sa.case(*found, else_=sa.cast(sa.null(), sa.Integer()))


def _stay_rows(plan: Funnel, outer: Row) -> tuple[SqlBinding, list[sa.ColumnElement[bool]]]:
    """The stays on the path that are his to read."""
    stays = outer.building.root(STAYS)
    binding = SqlBinding(row=stays, ruled=True)
    on_path = binding.column("stage_path") == sa.literal(plan.path, TYPES["text"])
    return binding, [on_path, *stays.live(voided=False), *stays.ruled()]


def _came_to(plan: Funnel, outer: Row) -> Any:
    """record -> the furthest stage it ever stayed in."""
    binding, where = _stay_rows(plan, outer)
    record = binding.row.column(binding.row.object.fields["about"])
    rank = sa.func.max(_rank(binding.column("to"), plan, lambda s: s.words), type_=sa.Integer())
    found = sa.select(record.label("record"), rank.label("rank")).select_from(binding.row.source.from_)
    return found.where(*where).group_by(record).subquery(outer.building.alias())


def _times(plan: Funnel, outer: Row, asked: Any) -> Any:
    """Of the stays that ended, of the records in question: seconds, and how many they were."""
    assert plan.stays is not None
    binding, where = _stay_rows(plan, outer)
    mine = tie(binding.row, plan.stays, sa.select(asked.c.id))
    left, came = binding.column("left_at"), binding.column("at")
    seconds = sa.func.extract("epoch", left - came)
    rank = sa.case(
        *(
            (binding.column("to").in_([*s.words]), sa.literal(n, sa.Integer()))
            for n, s in enumerate(plan.stages, 1)
        ),
        else_=sa.cast(sa.null(), sa.Integer()),
    )
    inner = sa.select(rank.label("rank"), sa.cast(seconds, TYPES["numeric"]).label("seconds"))
    rows = inner.select_from(binding.row.source.from_).where(*where, left.is_not(None), mine).subquery()
    return (
        sa.select(
            sa.literal(1, sa.Integer()),
            rows.c.rank,
            sa.func.sum(rows.c.seconds),
            sa.cast(sa.func.count(), TYPES["numeric"]),
        )
        .where(rows.c.rank.is_not(None))
        .group_by(rows.c.rank)
    )


# -- answer -----------------------------------------------------------------------------------------------------------


def answer(conn: psycopg.Connection[Any], call: Call, request: Request) -> Answer:
    """The answer: a row a stage, in their order; the total is every record on the way."""
    plan = funnel(call, request)
    made, given = _asked(call, plan)
    rows = answered(conn, call, made, given, request.keeping, str(plan.body.get("name") or ""))
    figures = figures_of(plan)
    total = ((), ())
    cells: dict[tuple[Key, Key], tuple[Value, ...]] = {}
    numbers = _numbers(plan, rows)
    for stage, values in zip(plan.stages, numbers, strict=True):
        cells[(stage.name,), ()] = tuple(values[f.name] for f in figures)
    cells[total] = tuple(_whole(plan, numbers)[f.name] for f in figures)
    return Answer(
        report=str(plan.body.get("name") or ""),
        type="funnel",
        object=plan.object.name,
        rows=(Axis(name=AXIS, label=plan.field.label, kind="stage", field=plan.field, path=plan.field.name),),
        figures=figures,
        row_keys=tuple((s.name,) for s in plan.stages),
        cells=cells,
        options={(AXIS, s.name): s.label for s in plan.stages},
        colors={(AXIS, s.name): s.color for s in plan.stages if s.color},
        parameters=plan.parameters.wire,
        notes=(NEVER_BEGAN,) if plan.reached and plan.stays is None else (),
        base=call.model.workspace.currency if any(f.unit == "money" for f in figures) else None,
    )


def explain(conn: psycopg.Connection[Any], call: Call, request: Request) -> str:
    """What counts in which stage, the SQL, what the database expects of it."""
    plan = funnel(call, request)
    made, given = _asked(call, plan)
    stages = [f"  {stage.name:<10}{came_to(plan, at, whole=False)}" for at, stage in enumerate(plan.stages)]
    lines = [
        f"report {plan.body.get('name') or ''} (funnel) over {plan.object.name}",
        f"  records   {plan.where_text or 'all'}, as the reader may see them, each once",
        *stages,
        f"  value     {plan.value.path if plan.value is not None else 'none'}",
        f"  stays     {'as the reader may see them' if plan.stays is not None else 'not his to read'}",
        "",
        "SQL",
        made.text,
        "",
        "the database expects",
        expected(conn, made, given),
    ]
    return "\n".join(lines) + "\n"


def _asked(call: Call, plan: Funnel) -> tuple[Statement, dict[str, Any]]:
    """The statement and its values."""
    shape = shape_of(plan.where) if plan.where is not None else None
    key = (
        "funnel", audience(call.actor), plan.object.name, plan.path, plan.reached, plan.stays is not None,
        plan.value and plan.value.path, shape and shape.key,
    )  # fmt: skip
    made = kept(call.tables).get(key, lambda: statement(call, plan))
    return made, call_values(call) | (dict(shape.values) if shape is not None else {})


def figures_of(plan: Funnel) -> tuple[Figure, ...]:
    """`conversion` is the part that came on from the stage before, `overall` from the first, `stay` seconds on average."""
    found = [Figure(name="count")]
    if plan.value is not None:
        label = plan.value.field.label if plan.value.field is not None else {}
        found.append(Figure(name="value", label=label, unit=unit_of_field("sum", plan.value)))
    if plan.reached:
        found += [Figure(name="conversion", unit="ratio", format={"as": "percent"})]
        found += [Figure(name="overall", unit="ratio", format={"as": "percent"})]
    if plan.stays is not None:
        found.append(Figure(name="stay", unit="duration", format={"as": "duration"}))
    return as_written(found, plan.body)


def _numbers(plan: Funnel, rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Value]]:
    """The figures of each stage."""
    many = len(plan.stages)
    counts, values = [Decimal(0)] * (many + 1), [Decimal(0)] * (many + 1)
    times: dict[int, tuple[Decimal, Decimal]] = {}
    for arm, rank, a, b in rows:
        if arm:
            times[rank] = (a, b)
        else:
            counts[rank], values[rank] = Decimal(a), Decimal(b or 0)
    found: list[dict[str, Value]] = []
    for rank in range(1, many + 1):
        here = slice(rank, None) if plan.reached else slice(rank, rank + 1)
        count = sum(counts[here], Decimal(0))
        before = found[-1]["count"] if found else None
        seconds = times.get(rank)
        found.append({
            "count": count,
            "value": sum(values[here], Decimal(0)),
            "conversion": _share(count, before),
            "overall": _share(count, found[0]["count"] if found else count),
            "stay": rounded(EXACT.divide(*seconds)) if seconds is not None and seconds[1] else None,
            "seconds": seconds[0] if seconds is not None else Decimal(0),
            "stays": seconds[1] if seconds is not None else Decimal(0),
        })  # fmt: skip
    return found


def _whole(plan: Funnel, numbers: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    """Every record on the way, what of it came to the end, and a stay whatever the stage."""

    def added(name: str) -> Any:
        return sum((n[name] for n in numbers), Decimal(0))  # type: ignore[type-var]

    first = numbers[0] if numbers else {}
    stays = added("stays")
    return {
        "count": first.get("count") if plan.reached else added("count"),
        "value": first.get("value") if plan.reached else added("value"),
        "conversion": None,
        "overall": numbers[-1]["overall"] if numbers else None,
        "stay": rounded(EXACT.divide(added("seconds"), stays)) if stays else None,
    }


def _share(count: Decimal, of: Any) -> Decimal | None:
    return rounded(EXACT.divide(count, of)) if isinstance(of, Decimal) and of else None
