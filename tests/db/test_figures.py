"""Summaries and matrices against figures told by hand: groups, measures, subtotals, formulas, limits; every cell adds up to its list."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import psycopg
import pytest

from patron_engine.errors import NotFound, Refused
from patron_engine.report import asking, cells
from patron_engine.report.answer import REST, Spot
from patron_engine.ways import figure
from patron_testing.build import Records, build_workspace
from patron_testing.ledger import DOCUMENTS, Ledger, named, plain
from patron_testing.pg import Server

SUM = {"name": "total", "function": "sum", "field": "total"}
COUNT = {"name": "orders", "function": "count"}


def world(r: Records) -> None:
    """Five orders of three people: 100, 200, 400, 800 and 1,600, so that every sum says which are in it."""
    top = r.create("department", name="Sales")
    east = r.create("department", name="East", parent=top)
    west = r.create("department", name="West", parent=top)
    shanghai = r.create("department", name="Shanghai", parent=east)
    ann = r.create("user", name="Ann", department=shanghai)
    bob = r.create("user", name="Bob", department=west)
    eve = r.create("user", name="Eve", department=top)
    pen = r.create("product", name="Pen", series="a_series")
    ink = r.create("product", name="Ink", series="b_series")
    orders = [
        {"seller": ann, "ordered_on": "2026-01-15", "total": "100", "state": "open", "marks": ["vip", "new"], "place": "cn/zj/hz", "paid_at": "2026-01-31T18:00:00Z"},
        {"seller": ann, "ordered_on": "2026-02-10", "total": "200", "state": "done", "marks": ["vip"], "place": "cn/zj/nb"},
        {"seller": bob, "ordered_on": "2026-04-01", "total": "400", "state": "done", "place": "cn/sh"},
        {"seller": eve, "ordered_on": "2025-02-28", "total": "800", "state": "done", "place": "jp"},
        {"ordered_on": "2025-12-31", "total": "1600"},
    ]  # fmt: skip
    made = [r.create("order", name=f"O{i}", **values) for i, values in enumerate(orders)]
    for order, product, quantity in (
        (0, pen, 1), (0, pen, 2), (0, ink, 4), (1, ink, 8), (2, pen, 16), (3, None, 32),
    ):  # fmt: skip
        r.create(
            "line",
            name="L",
            order=made[order],
            quantity=str(quantity),
            **({"product": product} if product else {}),
        )
    void = r.create("order", name="Void", total="9999", ordered_on="2026-01-01")
    r.do("void", "order", void)
    gone = r.create("order", name="Gone", total="9999", ordered_on="2026-01-01")
    r.do("delete", "order", gone)


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Records]:
    url = server.make()
    with psycopg.connect(url) as conn:
        r = Records(conn, build_workspace(conn, DOCUMENTS))
        world(r)
        conn.commit()
        yield r
    server.drop(url)


@pytest.fixture
def ledger(built: Records) -> Iterator[Ledger]:
    with built.conn.transaction(force_rollback=True):
        yield Ledger(built)


GROUPS: list[tuple[Any, list[tuple[Any, Any]]]] = [
    ("seller", [("Ann", 300), ("Bob", 400), ("Eve", 800), (None, 1600)]),
    ("seller.department", [("Sales", 800), ("Shanghai", 300), ("West", 400), (None, 1600)]),
    ({"field": "seller.department", "level": 1}, [("Sales", 1500), (None, 1600)]),
    ({"field": "seller.department", "level": 2}, [("East", 300), ("Sales", 800), ("West", 400), (None, 1600)]),
    ("state", [("open", 100), ("done", 1400), (None, 1600)]),
    ({"field": "place", "level": 1}, [("cn", 700), ("jp", 800), (None, 1600)]),
    ({"field": "place", "level": 2}, [("cn/zj", 300), ("cn/sh", 400), ("jp", 800), (None, 1600)]),
    ({"field": "total", "buckets": [200, 800]}, [(0, 100), (1, 600), (2, 2400)]),
    ({"field": "ordered_on", "by": "year"}, [("2025-01-01", 2400), ("2026-01-01", 700)]),
    ({"field": "ordered_on", "by": "fiscal_year"}, [("2024-04-01", 800), ("2025-04-01", 1900), ("2026-04-01", 400)]),
    ({"field": "ordered_on", "by": "quarter"}, [("2025-01-01", 800), ("2025-10-01", 1600), ("2026-01-01", 300), ("2026-04-01", 400)]),
    ({"field": "ordered_on", "by": "week"}, [("2025-02-24", 800), ("2025-12-29", 1600), ("2026-01-12", 100), ("2026-02-09", 200), ("2026-03-30", 400)]),
    ({"field": "ordered_on", "by": "weekday"}, [(2, 200), (3, 2000), (4, 100), (5, 800)]),
    ({"field": "paid_at", "by": "month"}, [("2026-02-01", 100), (None, 3000)]),
    ({"field": "paid_at", "by": "hour"}, [(2, 100), (None, 3000)]),
    ("marks", [("vip", 300), ("new", 100), (None, 2800)]),
    ("lines.product", [("Ink", 300), ("Pen", 500), (None, 2400)]),
    ("lines.product.series", [("b_series", 300), ("a_series", 500), (None, 2400)]),
    ("half", [("50", 100), ("100", 200), ("200", 400), ("400", 800), ("800", 1600)]),
]  # fmt: skip


@pytest.mark.parametrize(("group", "wanted"), GROUPS, ids=lambda x: str(x) if not isinstance(x, list) else "")
def test_a_group_has_the_records_of_its_members(
    ledger: Ledger, group: Any, wanted: list[tuple[Any, Any]]
) -> None:
    found = ledger.run(rows=[group], totals=["grand"])
    assert [(named(found, k), plain(found.value("total", k))) for k in found.row_keys] == wanted
    assert plain(found.value("total")) == 3100 and plain(found.value("orders")) == 5
    assert ledger.adds_up(ledger.request(rows=[group], totals=["grand"])) >= 2 * len(wanted)


def test_figures_over_a_set_are_of_its_records_and_those_of_the_order_of_the_order(ledger: Ledger) -> None:
    measures = [
        SUM,
        {"name": "pieces", "function": "sum", "field": "lines.quantity"},
        {"name": "lines", "function": "count", "field": "lines.id"},
        {"name": "kinds", "function": "count_distinct", "field": "lines.product"},
        {"name": "middle", "function": "median", "field": "total"},
    ]
    found = ledger.run(
        rows=["lines.product"], columns=["state"], measures=measures, totals=["rows", "columns", "grand"]
    )
    by_name = {named(found, k): [plain(found.value(m["name"], k)) for m in measures] for k in found.row_keys}
    assert by_name == {
        "Ink": [300, 12, 2, 1, 150],
        "Pen": [500, 19, 3, 1, 250],
        None: [2400, 32, 1, 0, 1200],
    }
    assert [plain(found.value(m["name"])) for m in measures] == [3100, 63, 6, 2, 400]
    assert plain(found.value("pieces", (), ("done",))) == 56


def test_a_matrix_has_its_subtotals(ledger: Ledger) -> None:
    body: dict[str, Any] = {
        "type": "matrix", "rows": ["seller.department", "seller"], "columns": [{"field": "ordered_on", "by": "year"}],
        "totals": ["rows", "columns", "grand"],
    }  # fmt: skip
    found = ledger.run(**body)
    sales = next(k[0] for k in found.row_keys if found.titles.get(("seller.department", k[0])) == "Sales")
    assert plain(found.value("total", (sales,), ("2025-01-01",))) == 800
    assert plain(found.value("total", (sales,))) == 800
    assert plain(found.value("total", (), ("2026-01-01",))) == 700
    assert ledger.adds_up(ledger.request(**body)) > 20
    bare = ledger.run(**{**body, "totals": []})
    assert all((len(r), len(c)) in ((2, 1), (0, 0)) for r, c in bare.cells)


def test_formulas_are_right_in_totals(ledger: Ledger) -> None:
    measures = [
        SUM,
        {"name": "average", "expression": "total / orders"},
        {"name": "share", "expression": "total / TOTAL(total)"},
        {"name": "running", "expression": "RUNNING(total)"},
        {"name": "rate", "expression": "COUNT(state == 'done') / COUNT(state in ('done', 'open'))"},
        {"name": "many", "expression": "COUNT(COUNT(lines, quantity > 1) >= 2)"},
        {"name": "none", "expression": "total / COUNT(state == 'none_of_them')"},
        COUNT,
    ]
    with pytest.raises(Refused):
        ledger.run(rows=["state"], measures=measures)
    measures[6]["expression"] = "total / COUNT(total > 9999)"
    found = ledger.run(rows=["state"], measures=measures, totals=["grand"])
    shown = {k[0]: [plain(found.value(m["name"], k)) for m in measures] for k in [*found.row_keys]}
    assert shown["done"][:4] == [1400, pytest.approx(466.6666666667), pytest.approx(0.4516129032), 1500]
    assert shown["open"][3:6] == [100, 0, 1]
    assert shown[None][3:5] == [3100, None]
    assert [plain(found.value(m["name"])) for m in measures] == [3100, 620, 1, 3100, 0.75, 1, None, 5]


def test_before_is_a_period_earlier(ledger: Ledger) -> None:
    measures = [
        SUM,
        {"name": "month", "expression": "PREVIOUS(total, 'month')"},
        {"name": "year", "expression": "PREVIOUS(total, 'year')"},
    ]
    by_month = {"field": "ordered_on", "by": "month", "fill": True}
    found = ledger.run(rows=[by_month], measures=measures, totals=["grand"])
    shown = {
        k[0]: tuple(plain(found.value(n, k)) for n in ("total", "month", "year")) for k in found.row_keys
    }
    assert len(shown) == 15 and shown["2025-03-01"] == (0, 800, None)
    assert shown["2026-01-01"] == (100, 1600, None) and shown["2026-02-01"] == (200, 100, 800)
    assert found.value("year") is None  # of all time there is no year before
    this_year = ledger.run(
        rows=[by_month], where="ordered_on in THIS('year')", measures=measures, totals=["grand"]
    )
    assert (
        plain(this_year.value("month", ("2026-01-01",))) == 1600
    )  # December lies outside of the question, not of the figure
    assert plain(this_year.value("year")) == 2400
    by_seller = ledger.run(
        rows=["seller"], where="ordered_on in THIS('year')", measures=measures, totals=["grand"]
    )
    assert plain(by_seller.value("year")) == 2400
    since = {"name": "since", "type": "date"}
    chosen = ledger.run({"since": "2026-01-01"}, where="ordered_on >= since and ordered_on < '2026-03-01'", parameters=[since], rows=["state"], measures=measures)  # fmt: skip
    assert plain(chosen.value("year")) == 2700


def test_measures_have_conditions_of_their_own(ledger: Ledger) -> None:
    body: dict[str, Any] = {
        "rows": ["seller"],
        "measures": [
            {**SUM, "where": "state == 'done'"},
            {**COUNT, "where": "total >= 200"},
            {"name": "least", "function": "min", "field": "ordered_on"},
            {"name": "high", "function": "percentile", "at": 75, "field": "total"},
            {"name": "mean", "function": "avg", "field": "total"},
        ],
        "totals": ["grand"],
    }
    found = ledger.run(**body)
    assert plain(found.value("total")) == 1400 and plain(found.value("orders")) == 4
    assert (
        str(found.value("least")) == "2025-02-28"
        and plain(found.value("high")) == 800
        and plain(found.value("mean")) == 620
    )
    assert ledger.adds_up(ledger.request(**body)) == 20


def test_beyond_a_limit_is_one_row_and_totals_are_over_all(ledger: Ledger) -> None:
    body: dict[str, Any] = {"rows": ["seller"], "sort": ["-total"], "limit": 2, "totals": ["grand"]}
    found = ledger.run(**body)
    assert [named(found, k) for k in found.row_keys] == [None, "Eve", REST]
    assert plain(found.value("total", (REST,))) == 700 and plain(found.value("total")) == 3100
    assert ledger.adds_up(ledger.request(**body)) == 8
    again = ledger.run(
        **body, measures=[SUM, {"name": "middle", "function": "median", "field": "total"}, COUNT]
    )
    assert plain(again.value("middle", (REST,))) == 200 and plain(again.value("orders", (REST,))) == 3
    nested = ledger.run(rows=["seller", "state"], sort=["-total"], limit=2)
    assert nested.row_keys[-1] == (REST, REST) and plain(nested.value("total", (REST, REST))) == 700
    inner: dict[str, Any] = {"type": "matrix", "rows": ["state"], "columns": [{"field": "seller", "limit": 1, "sort": "-total"}], "totals": ["rows", "columns", "grand"]}  # fmt: skip
    matrix = ledger.run(**inner)
    assert matrix.column_keys == ((None,), (REST,)) and plain(matrix.value("total", (), (REST,))) == 1500
    assert ledger.adds_up(ledger.request(**inner)) == 18


HAND: list[tuple[str | None, str | None, list[str], list[str], int]] = [  # who, state, marks, products, total: as `world` has them
    ("Ann", "open", ["vip", "new"], ["Pen", "Ink"], 100), ("Ann", "done", ["vip"], ["Ink"], 200), ("Bob", "done", [], ["Pen"], 400),
    ("Eve", "done", [], [], 800), (None, None, [], [], 1600),
]  # fmt: skip
PARTS = {
    "seller": lambda o: [o[0]],
    "state": lambda o: [o[1]],
    "marks": lambda o: o[2],
    "lines.product": lambda o: o[3],
}
ODD = [
    SUM, COUNT, {"name": "middle", "function": "median", "field": "total"}, {"name": "mean", "function": "avg", "field": "total"},
    {"name": "states", "function": "count_distinct", "field": "state"},
]  # fmt: skip


def by_hand(orders: list[Any]) -> dict[str, Any]:
    sums = [o[4] for o in orders]
    states = {o[1] for o in orders} - {None}
    return {
        "total": sum(sums),
        "orders": len(sums),
        "middle": median(sums),
        "mean": sum(sums) / len(sums),
        "states": len(states),
    }


@pytest.mark.parametrize(
    ("most", "figure_"), [(1, "total"), (2, "-total"), (1, "-middle"), (2, "mean"), (1, "-mean")]
)
@pytest.mark.parametrize("group", list(PARTS))
def test_what_is_no_sum_is_worked_out_of_the_rest_in_the_same_statement(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, group: str, most: int, figure_: str
) -> None:
    asked, real = [], asking.answered
    monkeypatch.setattr(asking, "answered", lambda *given: asked.append(1) or real(*given))

    def of(orders: list[Any], by: str) -> dict[Any, list[Any]]:
        found: dict[Any, list[Any]] = {}
        for order in orders:
            for member in PARTS[by](order) or [None]:
                found.setdefault(member, []).append(order)
        return found

    members = {m: by_hand(orders) for m, orders in of(HAND, group).items()}
    name, falling = figure_.removeprefix("-"), figure_.startswith("-")
    first = sorted(members, key=lambda m: members[m][name], reverse=falling)[:most]
    others = [o for o in HAND if set(PARTS[group](o) or [None]) - set(first)]
    beside = "seller" if group == "state" else "state"
    for more in ({}, {"rows": [group, beside]}, {"type": "matrix", "columns": [beside]}):
        body = {
            "rows": [group],
            "sort": [figure_],
            "limit": most,
            "totals": ["rows", "columns", "grand"],
            "measures": ODD,
            **more,
        }
        asked.clear()
        found = ledger.run(**body)
        assert len(asked) == 1
        kept = [named(found, key[:1]) for key in dict.fromkeys(k[:1] for k in found.row_keys)]
        assert kept == [*first, *([REST] if others else [])]
        for told, orders in [(m, of(HAND, group)[m]) for m in first] + ([(REST, others)] if others else []):
            key = next(k[:1] for k in found.row_keys if named(found, k[:1]) == told)
            places: list[Any] = [(orders, key, ())]
            if "columns" in more:
                texts = {found.titles.get((beside, k[0]), k[0]): k for k in found.column_keys}
                places += [(some, key, texts[m]) for m, some in of(orders, beside).items()]
            if len(body["rows"]) > 1 and told is REST:
                places = [(orders, (REST, REST), ())]
            for some, rows, columns in places:
                shown = {n: found.value(n, rows, columns) for n in by_hand(some)}
                assert {n: pytest.approx(float(v)) for n, v in shown.items()} == by_hand(some), (
                    rows,
                    columns,
                )


def test_of_equal_figures_the_first_title_stands_for_itself(ledger: Ledger) -> None:
    """The database takes the older record: what it was asked for beforehand is asked again."""
    big = {
        **COUNT,
        "name": "big",
        "where": "total > 150",
    }  # what decides has a condition, and so has the report
    chosen = ledger.run(rows=["marks"], sort=["-big"], limit=1, measures=[big, *ODD], where="total < 1000")
    assert [(named(chosen, k), plain(chosen.value("big", k))) for k in chosen.row_keys] == [
        (None, 2),
        (REST, 1),
    ]
    assert plain(chosen.value("middle", (REST,))) == 150
    found = ledger.run(rows=["lines.product"], sort=["-states"], limit=1, measures=ODD)
    assert [named(found, k) for k in found.row_keys] == ["Ink", REST]
    assert plain(found.value("middle", (REST,))) == 600 and plain(found.value("states", (REST,))) == 2


def test_what_is_cut_is_said(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST", 5)
    assert not ledger.run(rows=["half"]).notes
    monkeypatch.setattr(cells, "MOST", 4)
    found = ledger.run(rows=["half"], totals=["grand"])
    assert len(found.row_keys) == 4 and found.notes and plain(found.value("total")) == 3100
    median = ledger.run(rows=["half"], measures=[{"name": "m", "function": "median", "field": "total"}])
    assert len(median.row_keys) == 4 and median.notes and plain(median.value("m")) == 400


def test_parameters_and_filters_narrow(ledger: Ledger) -> None:
    period = {"name": "period", "type": "date_range", "default": "=THIS('year')"}
    body: dict[str, Any] = {"where": "ordered_on in period", "parameters": [period]}
    assert plain(ledger.run(**body).value("total")) == 700
    assert plain(ledger.run({"period": {"from": "2026-02-01"}}, **body).value("total")) == 600
    assert plain(ledger.run({"period": None}, **body).value("total")) == 3100
    assert plain(ledger.run(filters=["seller.name == 'Ann'"], **body).value("total")) == 300
    state = {
        "name": "state_is",
        "type": "select",
        "options": [{"name": "open"}, {"name": "done"}],
        "required": True,
    }
    picked = {"where": "state == parameters.state_is", "parameters": [state]}
    assert plain(ledger.run({"state_is": "done"}, **picked).value("total")) == 1400
    assert (
        ledger.adds_up(ledger.request({"state_is": "done"}, rows=["seller"], totals=["grand"], **picked)) == 8
    )


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"rows": ["nothing"]}, "rows[0]"),
        ({"where": "nothing == 1"}, "where"),
        ({"rows": [{"field": "state", "by": "month"}]}, "rows[0].by"),
        ({"rows": [{"field": "state", "buckets": [1]}]}, "rows[0].buckets"),
        ({"rows": [{"field": "state", "level": 1}]}, "rows[0].level"),
        ({"rows": [{"field": "ordered_on", "by": "hour"}]}, "rows[0]"),
        ({"measures": [{"name": "x", "function": "sum", "field": "lines.nothing"}]}, "measures[0].field"),
        (
            {"measures": [{"name": "x", "expression": "y + 1"}, {"name": "y", "expression": "x + 1"}]},
            "measures",
        ),
        ({"parameters": [{"name": "p", "type": "date", "required": True}]}, "parameters.p"),
        ({"filters": ["total >"]}, "filters[0]"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_place(
    ledger: Ledger, body: dict[str, Any], path: str
) -> None:
    with pytest.raises(Refused) as refused:
        ledger.run(**body)
    assert path in {p.path for p in refused.value.problems}


def test_an_object_that_is_not_there_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.run(object="nothing")


def test_the_plan_can_be_read(ledger: Ledger) -> None:
    request = ledger.request(rows=["lines.product"], where="total > 1")
    text = figure.explain(ledger.r.conn, ledger.call, request)
    assert (
        "distinct (members, record)" in text
        and "SELECT" in text
        and "rows=" in text
        and "where.0 = 1" in text
    )


def test_the_limit_of_cells_does_not_choose_the_way_to_them(ledger: Ledger) -> None:
    """Beside a GROUP BY a limit would: the plan for the first few groups of many is another one."""
    text = figure.explain(ledger.r.conn, ledger.call, ledger.request(rows=["seller", "state"]))
    assert "LIMIT" in text.partition("AS MATERIALIZED")[2] and "CTE Scan" in text


def test_days_may_be_the_readers_own(ledger: Ledger) -> None:
    from dataclasses import replace

    from patron_engine.actor import Actor

    me = ledger.r.create("user", name="Far", zone="America/New_York")
    ledger.call = replace(ledger.call, actor=Actor(user=me, administrator=True))
    rows = [{"field": "paid_at", "by": "month"}]
    assert ledger.run(rows=rows).row_keys[0] == ("2026-02-01",)
    assert ledger.run(rows=rows, zone="mine").row_keys[0] == ("2026-01-01",)
    assert ledger.adds_up(ledger.request(rows=rows, zone="mine")) == 6


def test_a_list_has_records_and_no_figures(ledger: Ledger) -> None:
    request = ledger.request(type="list", columns=["name", "total"], where="total > 300", sort=["-total"])
    ask = figure.drill(ledger.r.conn, ledger.call, request, Spot())
    assert (ask.object, ask.fields, ask.sort, ask.where) == (
        "order",
        ("name", "total"),
        ("-total",),
        "(total > 300)",
    )
    with pytest.raises(Refused):
        figure.run(ledger.r.conn, ledger.call, request)


def test_formulas_take_days_as_days(ledger: Ledger) -> None:
    measures = [
        {"name": "first", "function": "min", "field": "ordered_on"},
        {"name": "last", "function": "max", "field": "ordered_on"},
    ]
    found = ledger.run(measures=[*measures, {"name": "span", "expression": "DAYS(first, last)"}])
    assert plain(found.value("span")) == 397
    with pytest.raises(Refused):
        ledger.run(measures=[*measures, {"name": "twice", "expression": "last * 2"}])
