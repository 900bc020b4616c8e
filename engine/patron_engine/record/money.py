"""Money: every amount of a `currency: record` object also in the workspace's currency, by the rate of one day.

In: rows whose currency, rate date or amounts changed. Out: `values["amount.base"]`. The rate is that of the object's rate
date (or the day the record was made), fixed when it is saved: a later change of the rate changes no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa

from patron_engine.fields.field import NumberSpec
from patron_engine.fields.numerals import currency_digits
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled
from patron_engine.store.tables import Id

RATE_OBJECT = "rate"  # of pack core: currency, date (from), rate (one unit in the workspace's currency)
BASE_PLACES = 10


def currencies(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """New records of a `currency: record` object get one: their document's, or the workspace's."""
    if not program.object.record_currency:
        return  # its `currency` may be a field of its own
    for row in rows:
        if row.values.get("currency") is not None:
            continue
        master = row.master
        own = master is not None and master.program.object.record_currency
        inherited = master.values.get("currency") if master is not None and own else None
        if inherited is None and row.fresh:
            inherited = _currency_of_document(batch, program, row)
        row.put("currency", inherited or batch.model.workspace.currency)


def _currency_of_document(batch: Batch, program: Program, row: Row) -> str | None:
    """That of the first record it makes one document with: its master, then links with `same_currency`."""
    for field in program.links:
        id = row.values.get(field.name)
        if field.link.document and id is not None:
            target = field.link.to[0]
            if batch.model.objects[target].record_currency:
                found = batch.environment.fetch(target, [id], ["currency"])
                return found.get(id, {}).get("currency")
    return None


def brought_amount(
    batch: Batch, program: Program, row: Row, name: str, amount: Decimal | None, of: tuple[str, str, str]
) -> Decimal | None:
    """An amount that `fill` brings into a record with a currency of its own: as it stands when it is in the same
    currency, else what `amount`, the workspace's, is at the rate of the record's day. `of` is object, id and path."""
    object, id, path = of
    source = batch.programs[object]
    if amount is not None and path in source.bases:
        found = _as_it_stands(batch, source, path).run(batch.conn, id=id)
        if found and found[0][1] == row.values.get("currency"):
            own: Decimal | None = found[0][0]
            return own
    rate = _rate(batch, program, row)
    if amount is None or rate == 1:
        return amount
    if rate is None:
        _tell_no_rate(batch, program, row, name)
        return None
    digits = currency_digits(str(row.values.get("currency")))
    return (amount / rate).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _as_it_stands(batch: Batch, source: Program, path: str) -> Statement:
    def make() -> Statement:
        table, fields = source.table, source.fields
        columns = (table.c[c.name] for c in fields[path].columns if c.part == "")
        currency = table.c[fields["currency"].column.name]
        return compiled(sa.select(*columns, currency).where(table.c.id == sa.bindparam("id", type_=Id())))

    found: Statement = batch.programs.keep(("money.own", source.object.name, path), make)
    return found


def bases(batch: Batch, program: Program, rows: Sequence[Row], *, figures: bool = False) -> None:
    """Brings `amount.base` up to date for every money field whose amount, currency or day changed."""
    if not program.bases:
        return
    by_day = program.object.rate_date
    for row in rows:
        if row.rejected:
            continue
        changed = row.figures if figures else row.changed
        all_change = not figures and (
            row.fresh or "currency" in changed or (by_day is not None and by_day in changed)
        )
        names = [n for n in program.bases if all_change or n in changed]
        late = [n for n in program.bases if figures and n not in names and _without(row, n)]
        names += late
        for name in program.workspace_figures.intersection(names):
            row.values[f"{name}.base"] = row.values.get(name)
        names = [n for n in names if n not in program.workspace_figures]
        if not names:
            continue
        rate = _rate(batch, program, row)
        for name in names:
            amount = row.values.get(name)
            value = None
            if amount is not None:
                if rate is None and name in late:
                    continue
                if rate is None:
                    _tell_no_rate(batch, program, row, name)
                    break
                value = (amount * rate).quantize(_places(program, name), rounding=ROUND_HALF_UP)
            row.values[f"{name}.base"] = value


def _without(row: Row, name: str) -> bool:
    """The amount was there before its field was said to be money, or its object to have currencies."""
    return row.values.get(name) is not None and row.values.get(f"{name}.base") is None


def _tell_no_rate(batch: Batch, program: Program, row: Row, name: str) -> None:
    row.wrong(
        "no_rate",
        Phrase(
            "there is no rate of {value} for {day}",
            value=row.values.get("currency"),
            day=_day(batch, program, row),
        ),
        name,
        hint="enter one in the currency's rates",
    )


def _places(program: Program, name: str) -> Decimal:
    spec = program.fields[name].spec
    scale = spec.scale if isinstance(spec, NumberSpec) and spec.scale is not None else BASE_PLACES
    return Decimal(1).scaleb(-scale)


def _day(batch: Batch, program: Program, row: Row) -> date:
    given = _rate_day(batch, program, row) or row.values.get("created_at") or batch.call.now
    if isinstance(given, datetime):
        return given.astimezone(batch.model.workspace.zone).date()
    assert isinstance(given, date)
    return given


def _rate_day(batch: Batch, program: Program, row: Row) -> date | datetime | None:
    """What the object's `rate_date` says; a detail without one looks at its master's."""
    if program.object.rate_date is not None:
        own: date | datetime | None = row.values.get(program.object.rate_date)
        return own
    if program.object.master is None:
        return None
    if row.master is not None:
        return _rate_day(batch, row.master.program, row.master)
    target = program.fields[program.object.master].link.to[0]
    named = batch.model.objects[target].rate_date
    id = row.values.get(program.object.master)
    if named is None or id is None:
        return None
    found: date | datetime | None = batch.environment.fetch(target, [id], [named]).get(id, {}).get(named)
    return found


def _rate(batch: Batch, program: Program, row: Row) -> Decimal | None:
    currency = row.values.get("currency")
    if currency is None or currency == batch.model.workspace.currency:
        return Decimal(1)
    day = _day(batch, program, row)
    known: dict[tuple[str, date], Decimal | None] = batch.rates
    if (currency, day) not in known:
        known[(currency, day)] = _ask(batch, str(currency), day)
    return known[(currency, day)]


def _ask(batch: Batch, currency: str, day: date) -> Decimal | None:
    """The latest rate of a currency entered for that day or before."""
    if RATE_OBJECT not in batch.model.objects:
        return None
    program = batch.programs[RATE_OBJECT]
    names = _rate_fields(program)
    if names is None:
        return None

    def make() -> Statement:
        table = program.table
        code, since, rate = (table.c[program.fields[n].column.name] for n in names)
        chosen = sa.select(rate).where(
            table.c.deleted_at.is_(None), since <= sa.bindparam("day", type_=sa.Date())
        )
        link = program.fields[names[0]]
        if link.type == "text" or link.type == "select":
            chosen = chosen.where(code == sa.bindparam("currency", type_=sa.Text()))
        else:
            target = batch.programs[link.link.to[0]]
            key = target.fields["code"].column.name
            chosen = chosen.join(target.table, target.table.c.id == code)
            chosen = chosen.where(target.table.c[key] == sa.bindparam("currency", type_=sa.Text()))
        return compiled(chosen.order_by(since.desc(), table.c.id.desc()).limit(1))

    rows = batch.programs.keep("money.rate", make).run(batch.conn, currency=currency, day=day)
    return rows[0][0] if rows else None


def _rate_fields(program: Program) -> tuple[str, str, str] | None:
    """The rate object's own names for currency, first day and rate."""

    def first(*names: str) -> str | None:
        return next((n for n in names if n in program.fields), None)

    currency, since, rate = (
        first("currency", "code"),
        first("date", "from_date", "valid_from", "day"),
        first("rate", "value"),
    )
    if currency is None or since is None or rate is None:
        return None
    return currency, since, rate
