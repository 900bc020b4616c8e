"""Past: the rows of an object as they were at a moment, of the history of its records: a report `as_of` a day.

In: the frame of the call, a moment. Out: a Building in which every table is its rows then; the values its statements need. The past
value of a field is the old one of the first change after the moment, or where there was none today's. A record was there when its
creation is not among those changes, and in the recycle bin when it was then. What is computed is worked out anew of the values then.

Rights and definitions are today's: a row rule and a right on a field are asked of the record as it is now, with the clock of now;
the report's own TODAY() and NOW() are those of the moment. What was purged since is nowhere. What has no history is refused
(remembered.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import When
from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.evaluate import evaluate
from patron_engine.expr.scope import Scope
from patron_engine.fields.field import Column, Field, Formula
from patron_engine.fields.options import names_of
from patron_engine.model.model import LINKS, Model, Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.binding import parameter, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.source import Building, Row, Source
from patron_engine.report.parameters import context_of
from patron_engine.store.tables import TYPES, Tables

MOMENT: Final = "past.moment"
CLOCK: Final = "past"
OWN_PARTS: Final = frozenset({"", "object", "from", "to", "lat", "lng"})
MICROSECOND: Final = timedelta(microseconds=1)


def moment_of(call: Call, written: Any) -> datetime | None:
    """The moment an `as_of` means: of a day its end. Refused for what is none, and for what is not past."""
    if written is None:
        return None
    value = _read(call, str(written))
    if isinstance(value, datetime):
        moment = value if value.tzinfo is not None else value.replace(tzinfo=call.model.workspace.zone)
    elif isinstance(value, date):
        moment = datetime.combine(value + timedelta(days=1), time(), call.model.workspace.zone) - MICROSECOND
    else:
        said = Phrase("{written!r} is no day", written=str(written)[:60])
        raise Refused(
            (Problem(code="not_a_date", message=said, path="as_of", hint="write it as 2026-01-31"),)
        )
    if moment >= call.now:
        said = Phrase("{written} is not past", written=str(written)[:60])
        raise Refused(
            (Problem(code="not_past", message=said, path="as_of", hint="leave as_of out for what is now"),)
        )
    return moment


def _read(call: Call, written: str) -> Any:
    if written.startswith("="):
        made = compile_expression(written[1:], Scope(catalog=ReadableCatalog(call.tables, call.actor)))
        return evaluate(made, {}, context_of(call)) if isinstance(made, Expression) else None
    try:
        return date.fromisoformat(written) if len(written) == 10 else datetime.fromisoformat(written)
    except ValueError:
        return None


def values_at(call: Call, moment: datetime | None) -> Mapping[str, Any]:
    """The values that the statements of a past moment need besides those of the call."""
    if moment is None:
        return {}
    today = moment.astimezone(call.model.workspace.zone).date()
    return {MOMENT: moment, f"{CLOCK}.now": moment, f"{CLOCK}.today": today}


def at_moment(building: Building) -> Building:
    """The same statement over the rows of the moment."""
    return replace(
        building,
        stands=_standing(building.tables),
        anew=lambda field: not (field.stored and _own(building.model, field)),
        clock=CLOCK,
        condition=_rule_today,
    )


def asked_then(building: Building) -> Building:
    """The same statement over the rows of now, its conditions asked at another moment, its rights now."""
    return replace(building, clock=CLOCK, condition=_rule_today)


def _own(model: Model, field: Field) -> bool:
    """A figure made of nothing but its own record: each save that changed it told what it was."""
    if not field.computed:
        return True
    if (
        not isinstance(field.spec, Formula)
        or field.spec.expression.aggregates
        or field.spec.expression.uses_now
    ):
        return False
    fields = model.objects[field.object].fields
    return all(path in fields and _own(model, fields[path]) for path in field.spec.expression.paths)


def _rule_today(row: Row, decision: When) -> sa.ColumnElement[bool]:
    """A rule asked of the record as it is today, in the recycle bin or not."""
    now = replace(
        row.building,
        stands=None,
        anew=lambda field: not field.stored,
        clock="call",
        condition=rule_condition,
        joins=0,
    )
    table = now.table(row.object)
    asked = Row(building=now, object=row.object, table=table, source=Source(from_=table))
    holds = rule_condition(asked, decision)
    found = sa.select(asked.id).select_from(asked.source.from_).where(asked.id == row.id, holds)
    return sa.exists(found.correlate(row.table))


def _standing(tables: Tables) -> Callable[[Object], sa.FromClause]:
    made: dict[str, sa.FromClause] = {}

    def stands(object: Object) -> sa.FromClause:
        if not object.history:
            return tables.of(object)
        if object.name not in made:
            made[object.name] = _rows(tables, object).subquery()
        return made[object.name]

    return stands


# -- SQL --------------------------------------------------------------------------------------------------------------


def _rows(tables: Tables, object: Object) -> sa.Select[Any]:
    """The rows of an object as they were, with all columns of its table."""
    table = tables.of(object).alias("now")
    after = _first_changes(tables, object)
    born = _after(tables, object, "born")
    unborn = sa.select(born.c.record).where(
        *_later(born, object), born.c.action == _text("created"), born.c.record == table.c.id
    )
    columns: dict[str, Any] = dict(table.c.items())
    for field in object.fields.values():
        for column in field.columns:
            if column.part == "base":
                columns[column.name] = _base(tables, object, field, after.c.old, table)
            elif (found := _then(field, column, after.c.old)) is not None:
                columns[column.name] = sa.case(
                    (_told(after.c.old, field.name), found), else_=table.c[column.name]
                )
    chosen = [sa.type_coerce(c, table.c[name].type).label(name) for name, c in columns.items()]
    joined = table.outerjoin(after, after.c.record == table.c.id)
    return sa.select(*chosen).select_from(joined).where(sa.not_(sa.exists(unborn)))


def _after(tables: Tables, object: Object, name: str) -> Any:
    return tables.system(
        "sys__history",
        object="text",
        record="uuid",
        at="timestamptz",
        version="bigint",
        action="text",
        old="jsonb",
    ).alias(f"{name}_{object.name}")


def _later(history: Any, object: Object) -> list[Any]:
    return [history.c.object == _text(object.name), history.c.at > parameter(MOMENT, TYPES["timestamptz"])]


def _first_changes(tables: Tables, object: Object) -> Any:
    """record -> what stood in each field before its first change after the moment."""
    history = _after(tables, object, "later")
    each = (
        sa.func.jsonb_each(history.c.old)
        .table_valued("key", sa.column("value", TYPES["jsonb"]))
        .lateral("was")
    )
    renamed = {old: new for old, new in object.aliases.items() if new in object.fields}
    key: Any = each.c.key
    if renamed:
        key = sa.case(
            *((each.c.key == _text(old), _text(new)) for old, new in renamed.items()), else_=each.c.key
        )
    changes = sa.select(history.c.record, history.c.version, history.c.at, key.label("key"), each.c.value)
    every = changes.select_from(history.join(each, sa.true())).where(*_later(history, object))
    was = every.subquery(f"changes_{object.name}")
    first = (
        sa.select(was.c.record, was.c.key, was.c.value)
        .ext(pg.distinct_on(was.c.record, was.c.key))
        .order_by(was.c.record, was.c.key, was.c.version, was.c.at)
        .subquery(f"first_{object.name}")
    )
    old = sa.func.jsonb_object_agg(first.c.key, first.c.value, type_=TYPES["jsonb"])
    return (
        sa.select(first.c.record, old.label("old")).group_by(first.c.record).subquery(f"after_{object.name}")
    )


def _told(old: Any, name: str) -> Any:
    """History says what stood there."""
    return sa.func.coalesce(sa.func.jsonb_exists(old, _text(name)), sa.false())


def _then(field: Field, column: Column, old: Any) -> Any | None:
    """What a column held, of the JSON form of the value; None for columns that are not read of the past."""
    if field.encrypted or field.type == "secret":
        return None
    if column.part not in OWN_PARTS and field.type != "address":
        return None
    several = field.type in LINKS and field.link.several
    steps = [field.name, *(["id"] if several and not column.part else [column.part] if column.part else [])]
    if column.sql == "jsonb":
        return sa.func.nullif(
            sa.func.jsonb_extract_path(old, *map(_text, steps)), sa.cast(_text("null"), TYPES["jsonb"])
        )
    if column.sql == "text[]":
        return _several(field, old)
    text = sa.func.jsonb_extract_path_text(old, *map(_text, steps), type_=TYPES["text"])
    return sa.cast(_stored(field, text), TYPES[column.sql])


def _stored(field: Field, text: Any) -> Any:
    """The stored name of an option that history tells under the name it had."""
    if field.expr.kind != "choice" and (field.expr.element is None or field.expr.element.kind != "choice"):
        return text
    names = names_of(field)
    moved = {
        told: names.value_of[path]
        for told, path in names.by_name.items()
        if names.value_of.get(path, told) != told
    }
    if not moved:
        return text
    return sa.case(*((text == _text(told), _text(stored)) for told, stored in moved.items()), else_=text)


def _several(field: Field, old: Any) -> Any:
    """A list of options or tags; an empty one is empty."""
    each = sa.func.jsonb_array_elements_text(sa.func.jsonb_extract_path(old, _text(field.name)))
    one = each.table_valued(sa.column("one", TYPES["text"]), with_ordinality="place").render_derived(
        name=f"each_{field.name}"
    )
    array = sa.func.array(sa.select(_stored(field, one.c.one)).order_by(one.c.place).scalar_subquery())
    empty = sa.cast(pg.array([], type_=TYPES["text"]), pg.ARRAY(TYPES["text"]))
    is_list = sa.func.jsonb_typeof(sa.func.jsonb_extract_path(old, _text(field.name))) == _text("array")
    return sa.case((is_list, sa.func.nullif(array, empty, type_=pg.ARRAY(TYPES["text"]))), else_=sa.null())


def _base(tables: Tables, object: Object, field: Field, old: Any, table: Any) -> Any:
    """An amount in the workspace's currency, as history has it beside the amount. What was written before history had it is told
    of amounts in that currency alone."""
    key = f"{field.name}.base"
    amount = sa.cast(
        sa.func.jsonb_extract_path_text(old, _text(field.name), type_=TYPES["text"]), TYPES["numeric"]
    )
    known = sa.cast(sa.func.jsonb_extract_path_text(old, _text(key), type_=TYPES["text"]), TYPES["numeric"])
    currency = table.c[object.fields["currency"].column.name]
    same = sa.func.coalesce(sa.func.jsonb_extract_path_text(old, _text("currency")), currency) == _text(
        tables.model.workspace.currency
    )
    older = sa.case((same, amount), else_=sa.cast(sa.null(), TYPES["numeric"]))
    return sa.case(
        (_told(old, key), known), (_told(old, field.name), older), else_=table.c[field.part("base").name]
    )


def _text(value: str) -> Any:
    return sa.literal(value, TYPES["text"])
