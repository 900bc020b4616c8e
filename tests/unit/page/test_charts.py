"""An answer as a chart: which group lies along the axis, what is summed and what is not, where a point leads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.page.charts import TYPES, Chart, chart_of
from patron_engine.page.figure_text import Words
from patron_engine.page.reader import Reader
from patron_engine.report.answer import Answer, Axis, Figure

WORDS = Words(
    none="(none)",
    rest="Other",
    total="Total",
    yes="Yes",
    no="No",
    week="{first} – {last}",
    year="FY {year}",
    names={},
)
READER = Reader(
    languages=("en",), zone=ZoneInfo("UTC"), currency="CNY", now=datetime(2026, 11, 27, tzinfo=UTC)
)
D = Decimal
SUM, RATE = {"name": "won", "function": "sum", "field": "amount"}, {"name": "rate", "expression": "a / b"}
MONTHS = ("2026-02-01", "2026-01-01")


def answer(rows: int = 2, **more: Any) -> Answer:
    """Teams and owners (two of one name in two teams) by month; teams alone with `rows=1`."""
    axes = (Axis(name="team"), Axis(name="owner", path="account.owner"))[:rows]
    keys = (("east", "li"), ("east", "wu"), ("west", "li")) if rows == 2 else (("east",), ("west",))
    cells = {
        (key, (month,)): (D(n + 1), D("0.1") * (n + 1), D(n))
        for n, key in enumerate(keys) for month in MONTHS
    }  # fmt: skip
    figures = (Figure(name="won", unit="money"), Figure(name="rate", unit="ratio"), Figure(name="deals"))
    return Answer(
        report="r", type="matrix", object="opportunity", rows=axes, columns=(Axis(name="month", kind="period", by="month"),),
        figures=figures, row_keys=keys, column_keys=tuple((m,) for m in MONTHS), cells=cells, base="CNY", **more,
    )  # fmt: skip


def drawn(of: Answer, **chart: Any) -> Chart:
    made = chart_of(
        of, {"measures": [SUM, RATE, {"name": "deals", "function": "count"}], "chart": chart}, READER, WORDS
    )
    assert made is not None
    json.dumps(made, allow_nan=False)  # it is plain data
    return made


def values(made: Chart) -> dict[str, list[Any]]:
    return {s["name"]: [p and p["v"] for p in s["points"]] for s in made["series"]}


def test_time_lies_along_the_axis_in_its_order_and_the_other_group_makes_series() -> None:
    made = drawn(answer(rows=1), type="stacked")
    assert made["x"] == ["Jan 2026", "Feb 2026"]
    assert values(made) == {"east": [1, 1], "west": [2, 2]}


def test_a_point_leads_to_its_spot_and_says_its_figure() -> None:
    made = drawn(answer(rows=1), type="bar", x="team", series="month")
    point = made["series"][0]["points"][0]
    assert json.loads(point["at"]) == [["east"], ["2026-02-01"], "won"]
    assert point["t"] == "CN¥1"


def test_sums_are_put_together_over_a_group_that_is_not_drawn() -> None:
    made = drawn(answer(), type="bar", x="owner", series="month")
    assert made["x"] == ["li", "wu"]
    assert values(made) == {"Feb 2026": [4, 2], "Jan 2026": [4, 2]}
    assert made["series"][0]["points"][0]["at"] == ""  # two spots: it leads to neither


def test_a_rate_is_never_summed_its_members_stay_apart() -> None:
    made = drawn(answer(), type="bar", x="account.owner", series="month", value="rate")
    assert made["x"] == ["li (east)", "wu", "li (west)"]
    assert values(made)["Jan 2026"] == [10.0, 20.0, 30.0]


def test_a_total_that_is_there_is_taken_instead_of_a_sum() -> None:
    of = answer(rows=1)
    cells = {**of.cells, ((), ("2026-01-01",)): (D(99), D("0.5"), D(1))}
    from dataclasses import replace

    made = drawn(replace(of, cells=cells), type="line", x="month", value="won")
    assert values(made) == {"won": [99, 3]}


def test_a_line_over_bars_has_its_own_axis() -> None:
    made = drawn(answer(rows=1), type="combined", x="month", value="won", line="deals")
    assert [(s["name"], s["line"]) for s in made["series"]] == [("won", False), ("deals", True)]
    assert made["second"]["name"] == "deals"


def test_a_line_of_reference_is_written_as_its_measure() -> None:
    made = drawn(answer(rows=1, references=(({"en": "Goal"}, D(5000)),)), type="bar", x="month")
    assert made["references"] == [{"v": 5000.0, "label": "Goal", "t": "CN¥5,000"}]


def test_colours_of_options_are_those_of_the_palette() -> None:
    made = drawn(
        answer(rows=1, colors={("team", "east"): "green", ("team", "west"): "#ff0001"}),
        type="stacked",
        x="month",
        series="team",
    )
    assert [s["color"] for s in made["series"]] == ["#30a46c", "#e5484d"]


@pytest.mark.parametrize("form", [t for t in TYPES if t not in ("table", "pivot")])
def test_every_form_draws_two_groups_and_three_measures(form: str) -> None:
    assert drawn(answer(), type=form)["type"] == form


@pytest.mark.parametrize("form", [t for t in TYPES if t not in ("table", "pivot", "figure", "gauge")])
def test_no_form_draws_an_answer_without_lines(form: str) -> None:
    empty = Answer(
        report="r",
        type="summary",
        object="o",
        rows=(Axis(name="team"),),
        figures=(Figure(name="won"),),
        row_keys=(),
        cells={},
    )
    assert chart_of(empty, {"measures": [SUM], "chart": {"type": form}}, READER, WORDS) is None


def test_a_figure_alone_is_compared_with_another_measure() -> None:
    of = Answer(report="r", type="summary", object="o", rows=(), figures=(Figure(name="won", unit="money"), Figure(name="rate", unit="ratio")),
                row_keys=((),), cells={((), ()): (D(1200), D("-0.25"))}, base="CNY")  # fmt: skip
    made = drawn(of, type="figure", value="won", compare="rate")
    assert (made["text"], made["compare"]) == ("CN¥1,200", {"name": "rate", "text": "−25.0%", "up": False})


def test_a_funnel_keeps_the_order_of_its_stages_and_says_the_conversion() -> None:
    figures = (
        Figure(name="count"),
        Figure(name="conversion", unit="ratio"),
        Figure(name="value", unit="money"),
    )
    cells = {(("new",), ()): (D(10), None, D(900)), (("won",), ()): (D(4), D("0.4"), None)}
    of = Answer(report="r", type="funnel", object="o", rows=(Axis(name="stage", kind="stage"),), figures=figures,
                row_keys=(("new",), ("won",)), cells=cells, options={("stage", "won"): {"en": "Won"}}, base="CNY")  # fmt: skip
    made = chart_of(of, {}, READER, WORDS)
    assert made is not None and made["type"] == "funnel"
    assert (made["x"], made["beside"]) == (["new", "Won"], ["value CN¥900", "conversion 40.0%"])


def test_a_map_keeps_the_names_of_places() -> None:
    cells = {(("广东省",), ()): (D(5),), ((None,), ()): (D(2),)}
    of = Answer(report="r", type="summary", object="o", rows=(Axis(name="province"),), figures=(Figure(name="won"),),
                row_keys=(("广东省",), (None,)), cells=cells)  # fmt: skip
    assert drawn(of, type="map", x="province")["places"] == ["广东省", ""]


def people(values: list[int], *more: Figure) -> Answer:
    """One figure by person, p0 p1 …; and the same again for more figures."""
    keys = tuple((f"p{n}",) for n in range(len(values)))
    cells = {(key, ()): (D(v),) * (1 + len(more)) for key, v in zip(keys, values, strict=True)}
    return Answer(
        report="r", type="summary", object="opportunity", rows=(Axis(name="owner"),), columns=(), row_keys=keys, column_keys=((),),
        figures=(Figure(name="won", unit="money"), *more), cells=cells, base="CNY",
    )  # fmt: skip


def test_a_ranking_ranks_unless_the_report_is_sorted_by_a_figure() -> None:
    of = people([2, 9, 4])
    assert drawn(of, type="ranking")["x"] == ["p1", "p2", "p0"]
    sorted_ = chart_of(of, {"measures": [SUM], "sort": ["won"], "chart": {"type": "ranking"}}, READER, WORDS)
    assert sorted_ is not None and sorted_["x"] == ["p0", "p1", "p2"]


def test_a_pie_of_many_shows_the_largest_and_the_others_as_one() -> None:
    made = drawn(people(list(range(1, 21))), type="pie")
    shares = values(made)["won"]
    assert (made["x"][:2], made["x"][-1], shares[0], shares[-1]) == (
        ["p19", "p18"],
        "Other",
        20,
        sum(range(1, 13)),
    )
    assert made["series"][0]["points"][-1]["at"] == "", "nothing stands behind it alone"
    assert drawn(people([1] * 40), type="radar")["left_out"] == 24


def test_figures_of_one_kind_stand_beside_each_other_and_another_kind_is_a_line() -> None:
    of = people([1, 2], Figure(name="paid", unit="money"), Figure(name="rate", unit="ratio"))
    assert [s["name"] for s in drawn(of, type="bar")["series"]] == ["won", "paid"]
    assert [(s["name"], s["line"]) for s in drawn(of, type="combined")["series"]] == [
        ("won", False), ("paid", False), ("rate", True),
    ]  # fmt: skip


def test_a_rate_beside_bars_keeps_both_over_the_same_members() -> None:
    made = drawn(answer(), type="combined", x="account.owner", value="won", line="rate")
    assert made["x"] == ["li (east)", "wu", "li (west)"] and all(None not in v for v in values(made).values())


def test_a_map_of_records_without_a_place_is_none() -> None:
    of = Answer(
        report="r", type="summary", object="account", rows=(Axis(name="province"),), columns=(), row_keys=((None,),), column_keys=((),),
        figures=(Figure(name="won"),), cells={((None,), ()): (D(3),)},
    )  # fmt: skip
    assert chart_of(of, {"measures": [SUM], "chart": {"type": "map"}}, READER, WORDS) is None


def test_a_comparison_draws_what_was_beside_what_is() -> None:
    figures = (
        *(Figure(name=name, unit="money") for name in ("won", "won_before")),
        Figure(name="won_growth", unit="ratio"),
    )
    cells = {((team,), ()): (D(n + 4), D(n + 2), D("0.5")) for n, team in enumerate(("east", "west"))}
    of = Answer(
        report="r", type="summary", object="opportunity", rows=(Axis(name="team"),), figures=figures,
        row_keys=(("east",), ("west",)), column_keys=((),), cells=cells, base="CNY",
    )  # fmt: skip
    assert values(drawn(of, type="bar", value="won")) == {"won": [4.0, 5.0], "won_before": [2.0, 3.0]}
    assert values(drawn(of, type="stacked", value="won")) == {"won": [4.0, 5.0]}, "what was adds to nothing"
