"""Whose name is it? Roots, paths over links, sets, virtual fields, old names."""

from __future__ import annotations

from patron_engine.expr.types import DATE, NUMBER, ExprType
from patron_testing.deals import compiled, refused


def test_paths_follow_links() -> None:
    made = compiled("account.industry in ('retail', 'finance') and old.stage != stage")
    assert made.paths == {"account.industry", "old.stage", "stage"}


def test_a_link_to_several_objects_names_one() -> None:
    assert compiled("about['account'].grade == 'a'").paths == {"about[account].grade"}
    assert compiled("about['contact'] == about").paths == {"about[contact]", "about"}
    code, _, hint = refused("about.grade == 'a'")
    assert code == "expr_path" and hint == "write about['account'].grade"
    assert refused("about['order'].total > 1")[0] == "expr_path"


def test_this_is_the_record_that_asks() -> None:
    made = compiled("account == this.account and total > 0", object="order", roots={"this": "deal"})
    assert made.paths == {"account", "this.account", "total"}
    assert compiled("account == this", object="order", roots={"this": "account"}).paths == {
        "account",
        "this.id",
    }


def test_typed_names_of_a_place() -> None:
    roots = {
        "steps": {
            "erp.status": NUMBER,
            "erp.body": ExprType("json"),
            "contract": ExprType("link", objects=("account",)),
        }
    }
    assert compiled("steps.erp.status == 200", roots=roots).paths == {"steps.erp.status"}
    assert compiled("steps.contract.grade == 'a'", roots=roots).paths == {"steps.contract.grade"}
    assert compiled("steps.erp.body.number == 'a'", roots=roots).paths == {"steps.erp.body.number"}
    assert refused("steps.epr.status == 200", roots=roots)[2] == "did you mean 'erp.status'?"


def test_virtual_fields_and_parts() -> None:
    assert compiled("approval.state == 'approved'").paths == {"approval.state"}
    assert compiled("path.main.since > created_at").paths == {"path.main.since", "created_at"}
    assert compiled("address.city == 'x'").paths == {"address.city"}
    assert compiled("valid.from < TODAY()").paths == {"valid.from"}
    assert compiled("TODAY() in valid").paths == {"valid.from", "valid.to"}
    assert refused("valid.begin < TODAY()")[0] == "expr_path"


def test_me_and_my_fields() -> None:
    made = compiled("me().department == owner.department and owner == me()")
    assert made.paths == {"me.department", "owner.department", "owner"} and made.uses_me
    assert not compiled("owner == manager").uses_me


def test_old_names_mean_todays() -> None:
    made = compiled("sum > 1 and stage == 'win'")
    assert made.paths == {"amount", "stage"} and made.source.startswith("amount > 1")


def test_sets_in_conditions() -> None:
    made = compiled(
        "COUNT(orders.lines, product.family == 'pump') > 0 and SUM(orders, total) <= amount", aggregates=True
    )
    first, second = made.aggregates
    assert (first.key, first.sets, first.object) == (
        "COUNT(orders.lines, product.family == 'pump')", ("orders", "lines"), "line",
    )  # fmt: skip
    assert first.condition is not None and first.condition.paths == {"product.family"} and first.value is None
    assert second.function == "sum" and second.value is not None and second.value.paths == {"total"}
    assert made.paths == {"amount"}


def test_inside_a_set_this_is_the_record_around() -> None:
    (node,) = compiled("COUNT(lines, sold > this.close_date) > 0", aggregates=True).aggregates
    assert node.condition is not None and node.condition.paths == {"sold", "this.close_date"}
    (node,) = compiled("COUNT(account.deals) > 1", aggregates=True).aggregates
    assert (node.base, node.sets) == ("account", ("deals",))


def test_sets_are_refused_where_a_value_is_shown() -> None:
    code, _, hint = refused("COUNT(orders)")
    assert code == "expr_set" and "roll-up" in hint
    assert "roll-up" in refused("orders")[2]
    assert refused("SUM(orders, account)", aggregates=True)[0] == "expr_types"
    assert refused("COUNT(orders, total)", aggregates=True)[0] == "expr_types"
    assert refused("SUM(orders)", aggregates=True)[0] == "expr_arguments"


def test_measures_of_a_report() -> None:
    given = {"measures": True, "aggregates": True, "names": {"won": NUMBER, "deals": NUMBER}}
    rate = compiled("COUNT(stage == 'won') / COUNT(stage in ('won', 'lost'))", **given)
    assert [a.sets for a in rate.aggregates] == [(), ()] and rate.paths == frozenset()
    assert compiled("won / deals", **given).paths == {"won", "deals"}
    assert compiled("won / TOTAL(won)", **given).paths == {"won", "TOTAL(won)"}
    assert compiled("won / PREVIOUS(won, 'year') - 1", **given).paths == {"won", "PREVIOUS(won, 'year')"}
    assert compiled("MAX(won, deals)", **given).aggregates == ()
    (repeaters,) = compiled("COUNT(COUNT(orders, ordered_on in THIS('year')) >= 2)", **given).aggregates
    assert repeaters.condition is not None and repeaters.condition.aggregates[0].sets == ("orders",)
    # names in the brackets of a set are the set's own, also where a measure is called the same
    named = {**given, "names": {"total": NUMBER, "orders": NUMBER}}
    (sold,) = compiled("SUM(SUM(orders, total))", **named).aggregates
    assert sold.sets == () and sold.value is not None and sold.value.aggregates[0].sets == ("orders",)
    code, _, hint = refused("COUNT(orders, total > 1)", **named)
    assert code == "expr_set" and hint == "add them up: SUM(COUNT(orders, …))"
    assert refused("TOTAL(won)")[0] == "expr_unknown_function"
    assert refused("TOTAL(wonn)", **given)[0] == "expr_arguments"


def test_names_that_must_exist() -> None:
    assert refused("SETTING('order_limt') > 1")[0] == "expr_unknown_setting"
    assert refused("IN_SEGMENT('vip')")[0] == "expr_unknown_segment"
    assert refused("IN_SEGMENT('vips')")[0] == "expr_types"
    assert compiled("IN_SEGMENT('hot')").paths == {"id"}
    assert refused("REF('acount', 'x') == account")[0] == "expr_unknown_object"
    assert refused("RONUD(1)")[2] == "did you mean 'ROUND'?"
    assert refused("account == owner")[0] == "expr_types"
    assert refused("stage == 'wonn'")[2] == "did you mean 'won'?"
    assert refused("DATEADD(close_date, 1, 'fortnight')")[0] == "expr_arguments"


def test_the_result_must_fit_its_place() -> None:
    assert compiled("amount > 1", expects=("boolean",))
    assert refused("amount", expects=("boolean",))[0] == "expr_result"
    assert compiled("'won'", expects=("choice",)) and compiled("waited", expects=("number",))
    assert compiled("'2026-03-09'", expects=("date",)).type == DATE
    assert refused("amount", expects=("date", "datetime"))[1].startswith(
        "the value must be a date or a moment"
    )


def test_what_chooses_rows_must_have_sql() -> None:
    code, message, hint = refused("PINYIN(name) == 'ke hu'", rows=True)
    assert code == "expr_no_sql" and "PINYIN" in message and "formula" in hint
    assert not compiled("PINYIN(name) == 'ke hu'").has_sql
    assert refused("COUNT(lines, LUNAR(sold) == 'x') > 0", aggregates=True)[0] == "expr_no_sql"
    assert compiled("owner == me() and close_date in THIS('month')", rows=True).uses_now
