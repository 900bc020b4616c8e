"""People, links and settings: functions whose answers are in tables.

Python asks the Context, SQL asks the planner's binding; nothing here knows a table.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr import sqlparts
from patron_engine.expr.context import Context
from patron_engine.expr.operation import Function, Operation
from patron_engine.expr.sqlparts import NUMERIC, Column, Side
from patron_engine.phrases import Phrase


class NoAnswer(Exception):
    """The place where the expression runs cannot answer this function."""


def _looked_up(name: str) -> Callable[..., Any]:
    def py(ctx: Context, *args: Any) -> Any:
        answer = ctx.lookups.get(name)
        if answer is None:
            raise NoAnswer(Phrase("{name} cannot be answered here", name=name))
        return answer(*args)

    return py


def _setting(ctx: Context, name: str) -> Any:
    if ctx.settings is None:
        raise NoAnswer("SETTING cannot be answered here")
    return ctx.settings(name)


def _label(ctx: Context, path: str, option: str) -> str | None:
    return option if ctx.labels is None else ctx.labels(path, option) or option


def _under_path(x: str, y: str) -> bool:
    return x == y or x.startswith(y + "/")


def _sql_under_path(side: Side, x: Column, y: Column) -> Column:
    return sa.or_(x == y, sa.func.starts_with(x, y.concat(sqlparts.text("/")), type_=sa.Boolean))


_EARTH: Final = 6_371_008.8  # mean radius in metres (IUGG)


def _distance(a: tuple[Decimal | None, ...], b: tuple[Decimal | None, ...]) -> Decimal | None:
    """Along the sphere, rounded to a metre; floats stay inside."""
    if None in a or None in b:
        return None
    lat1, lng1, lat2, lng2 = (radians(float(x)) for x in (*a, *b) if x is not None)
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lng2 - lng1) / 2) ** 2
    return Decimal(int(2 * _EARTH * asin(min(1.0, sqrt(h))) + 0.5))


def _sql_distance(side: Side, lat1: Column, lng1: Column, lat2: Column, lng2: Column) -> Column:
    def angle(x: Column) -> Column:
        return sa.func.radians(sa.cast(x, sa.Double), type_=sa.Double)

    def const(x: str) -> Column:
        return sa.cast(sqlparts.decimal(Decimal(x)), sa.Double)

    def square(x: Column) -> Column:
        return sa.func.power(sa.func.sin(x, type_=sa.Double), const("2"), type_=sa.Double)

    two = const("2")
    cosines = sa.func.cos(angle(lat1), type_=sa.Double) * sa.func.cos(angle(lat2), type_=sa.Double)
    h = square((angle(lat2) - angle(lat1)) / two) + cosines * square((angle(lng2) - angle(lng1)) / two)
    arc = sa.func.asin(
        sa.func.least(const("1"), sa.func.sqrt(h, type_=sa.Double), type_=sa.Double), type_=sa.Double
    )
    whole = sa.func.floor(two * const(str(_EARTH)) * arc + const("0.5"), type_=sa.Double)
    return sa.case(
        (sa.func.num_nulls(lat1, lng1, lat2, lng2) == sqlparts.whole_literal(0), sa.cast(whole, NUMERIC))
    )


ME: Final = Operation(name="me", py=lambda ctx: ctx.me, context=True, bound=True)
SETTING: Final = Operation(name="SETTING", py=_setting, context=True, bound=True)
LABEL: Final = Operation(name="LABEL", py=_label, context=True, bound=True)
REF: Final = Operation(name="REF", py=_looked_up("REF"), context=True, bound=True)
IN_SEGMENT: Final = Operation(name="IN_SEGMENT", py=_looked_up("IN_SEGMENT"), context=True, bound=True)
REPEATED: Final = Operation(name="REPEATED", py=_looked_up("REPEATED"), context=True, bound=True)
UNDER: Final = Operation(name="UNDER", py=_looked_up("UNDER"), context=True, bound=True)
UNDER_PATH: Final = Operation(name="UNDER", py=_under_path, sql=_sql_under_path, copies=2)
DISTANCE: Final = Operation(name="DISTANCE", py=_distance, sql=_sql_distance, copies=2)
REPORTS_TO: Final = Operation(name="REPORTS_TO", py=_looked_up("REPORTS_TO"), context=True, bound=True)
SAME_GROUP: Final = Operation(name="SAME_GROUP", py=_looked_up("SAME_GROUP"), context=True, bound=True)
IN_DEPARTMENT: Final = Operation(
    name="IN_DEPARTMENT", py=_looked_up("IN_DEPARTMENT"), context=True, bound=True
)
IN_ROLE: Final = Operation(name="IN_ROLE", py=_looked_up("IN_ROLE"), context=True, bound=True)
ON_DUTY: Final = Operation(name="ON_DUTY", py=_looked_up("ON_DUTY"), context=True, bound=True)

# What rights are made of (access/scopes.py). Nobody writes them by name, so they are no Functions.
MINE_OR_BELOW: Final = Operation(
    name="MINE_OR_BELOW", py=_looked_up("MINE_OR_BELOW"), context=True, bound=True
)
IN_MY_TREE: Final = Operation(name="IN_MY_TREE", py=_looked_up("IN_MY_TREE"), context=True, bound=True)
THROUGH: Final = Operation(name="THROUGH", py=_looked_up("THROUGH"), context=True, bound=True)
GIVEN: Final = Operation(name="GIVEN", py=_looked_up("GIVEN"), context=True, bound=True)
MY_QUEUE: Final = Operation(name="MY_QUEUE", py=_looked_up("MY_QUEUE"), context=True, bound=True)
BELONGS: Final = Operation(name="BELONGS", py=_looked_up("BELONGS"), context=True, bound=True)

WAITS_IN: Final = Operation(
    name="WAITS_IN", py=_looked_up("WAITS_IN"), strict=False, context=True, bound=True
)
MEANT: Final = Operation(name="MEANT", py=_looked_up("MEANT"), strict=False, context=True, bound=True)
AT_STEP: Final = Operation(name="AT_STEP", py=_looked_up("AT_STEP"), strict=False, context=True, bound=True)


def _entry(name: str, form: str, help: str, example: tuple[str, str], group: str = "people") -> Function:
    return Function(name=name, group=group, form=form, help=help, example=example, special=name.lower())


# The examples run on a record whose owner is me and on lookups of their own: tests/unit/expr/test_functions.py.
FUNCTIONS: Final = (
    _entry("ME", "me()", "My user record: me().department, owner == me().", ("owner == me()", "true")),
    _entry("REPORTS_TO", "REPORTS_TO(user, boss)", "Whether a user reports to another, over any number of levels.",
           ("REPORTS_TO(owner, manager)", "true")),
    _entry("SAME_GROUP", "SAME_GROUP(user, other)", "Whether two users are members of one group.",
           ("SAME_GROUP(owner, manager)", "true")),
    _entry("IN_DEPARTMENT", "IN_DEPARTMENT(user or department, 'code')",
           "Whether a user, or a department itself, is in a department or below it.",
           ("IN_DEPARTMENT(owner, 'sales')", "true")),
    _entry("IN_ROLE", "IN_ROLE(user, 'role')", "Whether a user has a role.", ("IN_ROLE(owner, 'sales_rep')", "true")),
    _entry("ON_DUTY", "ON_DUTY(user)", "Whether a user is at work now, by calendar and absences.",
           ("ON_DUTY(owner)", "true")),
    _entry("SETTING", "SETTING('name')", "A value that customers tune: the setting for this record.",
           ("SETTING('order_limit')", "100000"), "workspace"),
    _entry("REF", "REF('object', 'external id')", "A record that a pack brought, by its external id.",
           ("account == REF('account', 'acme')", "true"), "workspace"),
    _entry("IN_SEGMENT", "IN_SEGMENT('name', link)", "Whether this record, or the linked one, is in a segment.",
           ("IN_SEGMENT('vips', account)", "true"), "workspace"),
    _entry("UNDER", "UNDER(x, y)", "Whether x is y or below it: records of a tree, paths of a cascade.",
           ("UNDER('cn/zj/hz', 'cn/zj')", "true"), "workspace"),
    _entry("REPEATED", "REPEATED(field)", "Whether another record has the same value, among those the reader may see; where rows are chosen.",
           ("REPEATED(name)", "false"), "workspace"),
    _entry("LABEL", "LABEL(choice)", "The label of an option in the reader's language.", ("LABEL(stage)", "'Won'"),
           "workspace"),
    _entry("DISTANCE", "DISTANCE(a, b)", "Metres between two locations, along the sphere.",
           ("DISTANCE(place, place)", "0"), "workspace"),
)  # fmt: skip
