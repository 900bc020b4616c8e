"""Joined reports: orders beside payments, month by month, against the same figures worked out in Python."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from patron_engine.errors import Refused
from patron_engine.report import asking
from patron_engine.report.answer import Request, Spot
from patron_engine.ways import figure
from patron_testing.shops import Shops, month, run

JOINED: dict[str, Any] = {
    "kind": "report", "name": "j", "type": "joined", "group": [{"name": "month", "by": "month", "fill": True}],
    "blocks": [
        {"name": "sold", "object": "order", "on": {"month": "ordered_on"}, "measures": [{"name": "ordered", "function": "sum", "field": "amount"}]},
        {"name": "real", "object": "payment", "on": {"month": "paid_on"}, "where": "got > 10",
         "measures": [{"name": "paid", "function": "sum", "field": "got"}, {"name": "payments", "function": "count"}]},
    ],
    "measures": [
        {"name": "open", "expression": "ordered - paid"}, {"name": "rate", "expression": "paid / ordered"},
        {"name": "growth", "expression": "ordered - PREVIOUS(ordered, 'month')"}, {"name": "sum", "expression": "RUNNING(open)"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("reader", [None, "bo"])
def test_blocks_stand_side_by_side_and_figures_are_made_of_them(shops: Shops, reader: str | None) -> None:
    call = shops.as_(reader) if reader else shops.call
    mine = shops.people.get(reader or "")
    ordered: dict[str, int] = defaultdict(int)
    paid: dict[str, list[int]] = defaultdict(list)
    for _, on, amount, owner in shops.orders:
        ordered[month(on)] += amount if mine in (None, owner) else 0
    for on, got, owner in shops.payments:
        if got > 10 and mine in (None, owner):
            paid[month(on)].append(got)
    ordered = {m: v for m, v in ordered.items() if v}
    found = run(shops, JOINED, call)
    months = [k[0] for k in found.row_keys]
    assert months == sorted(months) and set(months) >= {*ordered, *paid}
    running, before = 0, None
    for m in months:
        a, b = ordered.get(m, 0), sum(paid[m])
        running += a - b
        get = {f.name: found.value(f.name, (m,)) for f in found.figures}
        assert (get["ordered"], get["paid"], get["payments"], get["open"]) == (a, b, len(paid[m]), a - b)
        assert get["sum"] == running
        assert get["growth"] == (None if before is None else a - before)
        assert get["rate"] == (pytest.approx(Decimal(b) / a) if a else None)
        before = a
    whole = sum(sum(p) for p in paid.values())
    assert (found.value("ordered"), found.value("paid")) == (sum(ordered.values()), whole)
    assert [f.block for f in found.figures] == ["sold", "real", "real", None, None, None, None]


def test_each_figure_of_a_joined_report_lists_its_own_records(shops: Shops) -> None:
    request = Request(body=JOINED)
    found = run(shops, JOINED)
    for key in (*found.row_keys, ()):
        for name, field in (("ordered", "amount"), ("paid", "got")):
            listed = shops.listed(shops.call, request, Spot(rows=key, figure=name), field)
            assert sum(map(Decimal, listed)) == found.value(name, key)
    assert figure.drill(shops.conn, shops.call, request, Spot(figure="rate")).object == "order"


def test_what_is_wrong_in_a_block_says_where(shops: Shops) -> None:
    first, second = JOINED["blocks"]
    wrong = {**JOINED, "blocks": [first, {**second, "where": "nope > 1"}]}
    with pytest.raises(Refused) as told:
        run(shops, wrong)
    assert [p.path for p in told.value.problems] == ["blocks[1].where"]
    with pytest.raises(Refused) as told:
        run(shops, {**JOINED, "blocks": [first, {**second, "on": {}}]})
    assert [p.path for p in told.value.problems] == ["blocks[1].on.month"]
    with pytest.raises(Refused) as told:
        run(shops, JOINED, filters=("got > 1",))
    assert [p.path for p in told.value.problems] == ["blocks[0].filters[0]"]


def test_a_readers_condition_is_asked_of_every_block(shops: Shops) -> None:
    ann = shops.people["ann"]
    found = run(shops, JOINED, filters=(f"owner == '{ann}'",))
    assert found.value("ordered") == sum(a for _, _, a, o in shops.orders if o == ann)
    assert found.value("paid") == sum(g for _, g, o in shops.payments if o == ann and g > 10)


def test_all_that_a_report_needs_is_one_statement(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, the period before, groups with a limit further in; only what others than the first are called is asked when it is known."""
    asked: list[str] = []
    real = asking.answered

    def counted(conn: Any, call: Any, statement: Any, *rest: Any) -> Any:
        asked.append(statement.text)
        return real(conn, call, statement, *rest)

    monkeypatch.setattr(asking, "answered", counted)
    measures = [{"name": "sum", "function": "sum", "field": "amount"}, {"name": "before", "expression": "PREVIOUS(sum, 'month')"}]  # fmt: skip
    middle = {"name": "middle", "function": "median", "field": "amount"}
    limited: dict[str, Any] = {
        "kind": "report", "name": "l", "type": "summary", "object": "order", "measures": measures,
        "rows": [{"field": "ordered_on", "by": "month"}, {"field": "shop", "limit": 2, "sort": "-sum"}],
    }  # fmt: skip
    for body, times in ((JOINED, 1), (limited, 1), ({**limited, "measures": [*measures, middle]}, 2)):
        asked.clear()
        run(shops, body)
        assert len(asked) == times, body
        told = figure.explain(shops.conn, shops.call, Request(body=body))
        assert asked[0] in told and ("asked after it" in told) == (times == 2)
