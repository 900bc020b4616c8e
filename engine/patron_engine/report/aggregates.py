"""Aggregates: a figure of a plan as what the database is asked for it.

In: a Base and the column of its values, None where records are counted. Out: its columns: one, or a sum and a count of an average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.report.measures import Base

PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "sum": sa.func.sum,
    "min": sa.func.min,
    "max": sa.func.max,
}
WIDTH: Final[Mapping[str, int]] = {"avg": 2}  # columns of a figure; the others have one


def aggregates_of(base: Base, value: Any) -> list[Any]:
    if base.function == "count":
        return [sa.func.count() if value is None else sa.func.count(value)]
    if base.function == "count_distinct":
        return [sa.func.count(sa.distinct(value))]
    if base.function == "avg":
        return [sa.func.sum(value), sa.func.count(value)]
    if base.function == "percentile":
        assert base.at is not None
        share: Any = sa.literal(float(base.at) / 100, sa.Double())
        return [sa.func.percentile_cont(share).within_group(sa.cast(value, sa.Double()))]
    return [PLAIN[base.function](value)]
