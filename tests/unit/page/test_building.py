"""A report is put together of what lies where in a form: groups, measures, what becomes of the rest of its definition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patron_engine.page.building import begun, rebuilt
from patron_engine.page.building_offers import Offer
from patron_engine.page.building_parameters import parametered
from patron_engine.page.filters import Choosable

FIELDS = {
    f.path: f
    for f in (
        Choosable(path="stage", label="Stage", family="choice"), Choosable(path="amount", label="Amount", family="number"),
        Choosable(path="close_date", label="Close date", family="date"), Choosable(path="account.owner", label="Owner", family="user", of="Account"),
    )
}  # fmt: skip

OFFERS = {
    "select:stage": Offer(
        label="Stage", body={"type": "select", "options": [{"name": "open"}, {"name": "won"}]}
    ),
    "lookup:account": Offer(label="Account", body={"type": "lookup", "to": "account"}),
}


def label(function: str, field: str) -> str:
    return f"{function} {field}".strip()


def built(body: dict[str, Any], *pairs: tuple[str, str]) -> dict[str, Any]:
    return rebuilt(body, pairs, FIELDS, label)


NEW = begun("opportunity", label)


def test_a_field_becomes_a_group_a_date_by_month_and_a_number_a_sum() -> None:
    made = built(NEW, ("act", "add:rows:stage"))
    made = built(made, ("act", "add:columns:close_date"))
    made = built(made, ("act", "add:values:amount"))
    assert (made["rows"], made["columns"]) == (["stage"], [{"field": "close_date", "by": "month"}])
    amount = {"name": "amount_sum", "label": "sum Amount", "function": "sum", "field": "amount"}
    assert made["measures"] == [amount], "what a new report counts gives way to the first amount"
    assert made["type"] == "matrix"


def test_what_was_dragged_lies_where_the_form_has_it() -> None:
    item = {"field": "close_date", "by": "month"}
    made = built(NEW, ("at", "rows"), ("item", json.dumps("stage")), ("at", "columns"), ("item", json.dumps(item)), ("by", "quarter"),
                 ("at", "values"), ("item", json.dumps(NEW["measures"][0])), ("item", json.dumps("account.owner")))  # fmt: skip
    assert (made["rows"], made["columns"]) == (["stage"], [{"field": "close_date", "by": "quarter"}])
    assert [m["name"] for m in made["measures"]] == ["records", "account_owner_count_distinct"]


def test_a_measure_dragged_into_rows_is_its_field_and_a_group_dragged_into_values_a_measure() -> None:
    measure = {"name": "won", "function": "sum", "field": "amount"}
    made = built(
        NEW,
        ("at", "rows"),
        ("item", json.dumps(measure)),
        ("at", "values"),
        ("item", json.dumps({"field": "close_date", "by": "year"})),
    )
    assert made["rows"] == ["amount"]
    assert [m["function"] for m in made["measures"]] == ["count_distinct"]


@pytest.mark.parametrize(
    ("act", "rows", "columns"),
    [
        ("move:rows:0:1", ["account.owner", "stage"], ["amount"]), ("move:rows:0:-1", ["stage", "account.owner"], ["amount"]),
        ("drop:rows:0", ["account.owner"], ["amount"]), ("over:rows:1", ["stage"], ["amount", "account.owner"]),
        ("over:columns:0", ["stage", "account.owner", "amount"], []), ("drop:rows:9", ["stage", "account.owner"], ["amount"]),
        ("add:rows:secret", ["stage", "account.owner"], ["amount"]), ("drop:nowhere:0", ["stage", "account.owner"], ["amount"]),
    ],
)  # fmt: skip
def test_buttons_move_and_drop_what_lies_there(act: str, rows: list[str], columns: list[str]) -> None:
    made = built({**NEW, "rows": ["stage", "account.owner"], "columns": ["amount"]}, ("act", act))
    assert (made["rows"], made["columns"]) == (rows, columns)


def test_another_function_renames_a_measure_that_was_named_here_and_no_other() -> None:
    own = {"name": "amount_sum", "label": "sum Amount", "function": "sum", "field": "amount"}
    named = {**own, "name": "won", "label": {"en": "Won"}}
    made = built(
        NEW,
        ("at", "values"),
        ("item", json.dumps(own)),
        ("fn", "avg"),
        ("item", json.dumps(named)),
        ("fn", "max"),
    )
    assert [(m["function"], m["label"]) for m in made["measures"]] == [
        ("avg", "avg Amount"),
        ("max", {"en": "Won"}),
    ]


def test_borders_make_buckets_and_nonsense_makes_none() -> None:
    made = built(NEW, ("at", "rows"), ("item", json.dumps("amount")), ("buckets", "5000, 1000，x, 1e3"))
    assert made["rows"] == [{"field": "amount", "buckets": [1000, 5000]}]
    assert built(made, ("at", "rows"), ("item", json.dumps(made["rows"][0])), ("buckets", ""))["rows"] == [
        {"field": "amount"}
    ]


def test_formulas_parameters_and_conditions_of_a_report_are_kept() -> None:
    body = {**NEW, "where": "amount > 0", "parameters": [{"name": "since", "type": "date"}],
            "measures": [*NEW["measures"], {"name": "half", "expression": "records / 2"}]}  # fmt: skip
    made = built(body, ("act", "add:rows:stage"))
    assert {key: made[key] for key in ("where", "parameters", "measures")} == {
        k: body[k] for k in ("where", "parameters", "measures")
    }


def test_what_is_sorted_by_goes_with_its_measure() -> None:
    body = {**NEW, "measures": [{"name": "won", "function": "sum", "field": "amount"}], "sort": ["-won"]}
    assert built(body)["sort"] == ["-won"]
    assert "sort" not in built(body, ("at", "values"), ("item", json.dumps("account.owner")))


@pytest.mark.parametrize(
    ("given", "kept"), [("20", 20), ("", None), ("0", None), ("many", None), ("10001", None)]
)
def test_a_limit_is_a_whole_number_in_reach(given: str, kept: int | None) -> None:
    assert built({**NEW, "limit": 5}, ("limit", given)).get("limit") == kept


def test_the_chart_forgets_groups_and_figures_that_went_and_keeps_its_form() -> None:
    body = {
        **NEW,
        "rows": ["stage"],
        "chart": {"type": "bar", "x": "stage", "value": "records", "reference": [{"value": 5}]},
    }
    assert built(body, ("chart", "bar"))["chart"] == body["chart"]
    kept = {"type": "bar", "value": "records", "reference": [{"value": 5}]}
    assert built(body, ("act", "drop:rows:0"))["chart"] == kept
    assert built(body, ("at", "values"), ("item", '"amount"'))["chart"] == {
        "type": "bar",
        "reference": [{"value": 5}],
    }
    assert built(body, ("chart", "pie"))["chart"] == {**body["chart"], "type": "pie"}


def test_each_figure_of_a_chart_is_drawn_as_it_was_chosen_and_what_nobody_chose_stays_silent() -> None:
    measures = [{"name": n, "function": "count"} for n in ("won", "lost", "rate")]
    body = {**NEW, "rows": ["stage", "close_date"], "measures": measures, "chart": {"type": "combined"}}
    was = {"x": "stage", "series": "", "draw": ["value:won", "value:lost", "line:rate"], "labels": False}

    def drew(
        chart: dict[str, Any], *changed: tuple[str, str], draw: tuple[str, ...] = tuple(was["draw"])
    ) -> Any:
        pairs = [("was", json.dumps(was)), ("c_x", "stage"), ("c_series", ""), *(("draw", d) for d in draw)]
        return built({**body, "chart": chart} if chart else body, *pairs, *changed).get("chart")

    assert drew({}, ("usual", "combined")) == {"type": "combined"}
    assert drew({}, draw=("line:won", ":lost", "value:rate")) == {
        "type": "combined",
        "value": "rate",
        "line": "won",
    }
    assert drew({}, draw=("line:won", "line:lost", ":rate")) == {
        "type": "combined",
        "value": "won",
        "line": "lost",
    }
    assert drew({}, draw=("value:won", "value:lost", ":rate")) == {
        "type": "combined",
        "value": ["won", "lost"],
    }
    assert drew({}, ("c_x", "close_date"), ("c_labels", "1")) == {
        "type": "combined",
        "x": "close_date",
        "labels": True,
    }
    assert drew({}, ("c_x", "secret")) == {"type": "combined"}, "no group of the report is called so"
    lines = {"type": "combined", "value": "won", "line": ["lost", "rate"], "labels": True}
    assert drew(lines, ("chart", "bar")) == {
            "type": "bar", "value": ["won", "lost", "rate"], "labels": True,
        }  # fmt: skip
    spots = {"type": "scatter", "x": "won", "y": "rate", "size": "lost"}
    assert built({**body, "chart": spots}, ("was", "{"), ("chart", "scatter"))["chart"] == spots


def test_a_funnel_keeps_its_definition_but_for_its_chart() -> None:
    body = {"object": "opportunity", "type": "funnel", "path": "sales_path"}
    assert built(body, ("chart", "bar"), ("act", "add:rows:stage")) == {**body, "chart": {"type": "bar"}}


def test_hostile_items_are_left_out() -> None:
    made = built(
        NEW,
        ("at", "rows"),
        ("item", "{"),
        ("item", "[1]"),
        ("item", '"' + "x" * 5000 + '"'),
        ("item", "{}"),
        ("by", "century"),
    )
    assert made["rows"] == []


def test_the_form_nobody_chose_follows_the_groups_and_a_chosen_one_stays() -> None:
    marked = (("chart", "figure"), ("usual", "figure"))
    assert "chart" not in built(NEW, *marked, ("act", "add:rows:stage"))
    made = built(NEW, ("chart", "pie"), ("usual", "figure"))
    assert made["chart"] == {"type": "pie"}
    assert built(made, ("chart", "pie"), ("act", "add:rows:stage"))["chart"] == {"type": "pie"}


def test_a_parameter_is_added_named_and_kept_while_something_names_it() -> None:
    def asked(body: dict[str, Any], *pairs: tuple[str, str]) -> dict[str, Any]:
        return parametered(body, pairs, lambda type: f"a {type}", OFFERS)

    made = asked(NEW, ("act", "parameter:add"))
    period = {"name": "choice_1", "label": "a date_range", "type": "date_range", "default": "=THIS('year')"}
    assert made["parameters"] == [period]
    form = [("parameter", "0"), ("p_label", "When"), ("p_type", "decimal"), ("p_default", "=THIS('year')")]
    number = asked(made, *form)["parameters"][0]
    assert number == {"name": "choice_1", "label": "When", "type": "decimal", "default": "0"}
    named = {**made, "where": "close_date in parameters.choice_1"}
    kept = asked(named, *form, ("act", "parameter:drop:0"))["parameters"]
    assert kept == [{**period, "label": "When"}], "a condition names it: it stays, and stays what it is"
    assert "parameters" not in asked(made, ("act", "parameter:drop:0"))
    for value in ("=DROP", "1; x", "=me()"):
        assert asked(made, ("parameter", "0"), ("p_default", value)) == made
    one = asked(made, ("parameter", "0"), ("p_type", "select:stage"))
    stage = {
        "name": "choice_1",
        "label": "Stage",
        "type": "select",
        "options": [{"name": "open"}, {"name": "won"}],
    }
    assert one["parameters"] == [stage]
    assert asked(one, ("parameter", "0"), ("p_type", "select:stage"), ("p_default", "won"))["parameters"] == [
        {**stage, "default": "won"}
    ]
    assert asked(one, ("parameter", "0"), ("p_default", "lost")) == one
    record = asked(one, ("parameter", "0"), ("p_type", "lookup:account"))
    assert record["parameters"] == [
        {"name": "choice_1", "label": "Account", "type": "lookup", "to": "account"}
    ]
    person = asked(record, ("parameter", "0"), ("p_type", "user"))
    assert asked(person, ("parameter", "0"), ("p_default", "=me()"))["parameters"][0]["default"] == "=me()"
    for wrong in (record, one):
        assert asked(wrong, ("parameter", "0"), ("p_default", "=me()")) == wrong
    several = {**made, "parameters": [{**period, "label": {"en": "Period", "zh-CN": "期间"}}]}
    assert asked(several, ("parameter", "0"), ("p_label", "期间")) == several, (
        "a label of two languages is kept"
    )
