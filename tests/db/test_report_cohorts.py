"""Cohorts of shops against the same figures worked out in Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.report.answer import Request, Spot
from patron_testing.shops import Shops, later, month, run

COHORT: dict[str, Any] = {
    "kind": "report", "name": "c", "type": "cohort", "object": "shop", "cohort": {"field": "began_on", "by": "month"},
    "over": {"set": "orders", "field": "ordered_on", "by": "month"}, "measures": [{"name": "buyers", "function": "count"}],
}  # fmt: skip


@pytest.mark.parametrize("reader", [None, "ann"])
def test_a_cohort_counts_each_record_once_a_period(shops: Shops, reader: str | None) -> None:
    call = shops.as_(reader) if reader else shops.call
    mine = shops.people.get(reader or "")
    sizes: dict[str, int] = defaultdict(int)
    buyers: dict[tuple[str, int], set[str]] = defaultdict(set)
    for _, began, _owner in (s for s in shops.shops if mine in (None, s[2])):
        sizes[month(began)] += 1
    starts = {shop: began for shop, began, _ in shops.shops}
    for shop, on, _, _ in (o for o in shops.orders if mine in (None, o[3])):
        buyers[month(starts[shop]), later(starts[shop], on)].add(shop)
    share_ = [{"name": "share", "label": {"en": "Came back"}, "format": {"scale": 1}}]
    found = run(shops, {**COHORT, "figures": share_}, call)
    assert (found.figures[1].label, found.figures[1].format) == (
        {"en": "Came back"},
        {"as": "percent", "scale": 1},
    )
    assert [k[0] for k in found.row_keys] == sorted(sizes)
    assert {k[0]: found.value("buyers", k) for k in found.row_keys} == sizes
    for (first,) in found.row_keys:
        for (offset,) in found.column_keys:
            past = date.fromisoformat(first).month + offset <= 5 or bool(buyers[first, offset])
            expected = Decimal(len(buyers[first, offset])) if past else None
            assert found.value("buyers", (first,), (offset,)) == expected
            if past:
                share = found.value("share", (first,), (offset,))
                assert share == pytest.approx(expected / sizes[first] if expected is not None else None)
    assert len(found.notes) == int(any(n < 0 for _, n in buyers if buyers[_, n]))


def test_the_records_of_a_cohorts_cell_are_listed(shops: Shops) -> None:
    request = Request(body=COHORT)
    found = run(shops, COHORT)
    for (row, column), cell in found.cells.items():
        if row or column:
            assert len(shops.listed(shops.call, request, Spot(rows=row, columns=column), "id")) == cell[0], (
                row,
                column,
            )


def test_a_cohort_adds_up_amounts(shops: Shops) -> None:
    body = {**COHORT, "measures": [{"name": "turnover", "function": "sum", "field": "orders.amount"}]}
    found = run(shops, body)
    starts = {shop: began for shop, began, _ in shops.shops}
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for shop, on, amount, _ in shops.orders:
        sums[month(starts[shop]), later(starts[shop], on)] += amount
    shown = {(r[0], c[0]): cell[0] for (r, c), cell in found.cells.items() if r and c}
    assert {k: v for k, v in shown.items() if v} == {k: v for k, v in sums.items() if k[1] >= 0}
    assert found.base == "CNY" and [f.name for f in found.figures] == ["turnover"]


def test_what_a_cohort_cannot_do_is_refused(shops: Shops) -> None:
    for wrong, code in (
        ({"measures": [{"name": "x", "function": "avg", "field": "orders.amount"}]}, "cohort_measure"),
        ({"cohort": {"field": "began_on", "by": "weekday"}}, "cohort_by"),
    ):
        with pytest.raises(Refused) as told:
            run(shops, {**COHORT, **wrong})
        assert [p.code for p in told.value.problems] == [code]
    far = shops.r.create("order", name="far", shop=shops.shops[0][0], ordered_on="2036-12-01", amount=1)
    with pytest.raises(LimitExceeded, match="periods"):
        run(shops, COHORT)
    shops.r.do("delete", "order", far)
