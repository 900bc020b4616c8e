"""A pack as the design page writes it becomes a model."""

from __future__ import annotations

from decimal import Decimal

import pytest

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Formula, Rollup
from patron_engine.model.model import Model, say
from patron_testing.compiled import compiled

SALES = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [zh-CN, en]
---
kind: option_set
name: industries
options: [{name: retail, label: {en: Retail, zh-CN: 零售}}, finance]
---
kind: object
name: user
owner: none
fields: [{name: name, type: text}, {name: email, type: email, unique: true}, {name: department, type: department}]
---
kind: object
name: department
owner: none
fields: [{name: name, type: text}, {name: parent, type: lookup, to: department, tree: true, reverse: children}]
---
kind: object
name: account
was: customer
label: {en: Account, zh-CN: 客户}
fields:
  - {name: name, type: text, required: true, max_length: 120}
  - {name: industry, type: select, option_set: industries}
  - {name: phone, type: phone}
  - {name: grade, type: select, options: [a, b]}
  - {name: parent, type: lookup, to: account, tree: true, reverse: subsidiaries}
  - {name: won_total, type: rollup, of: deals, function: sum, field: amount, where: "stage == 'won'"}
  - {name: last_deal, type: rollup, of: deals, function: max, field: close_date}
  - {name: mean, type: rollup, of: deals, function: avg, field: amount}
  - {name: recent, type: rollup, of: deals, function: count, where: "close_date > TODAY() - 30"}
  - {name: family_total, type: rollup, of: subsidiaries, function: sum, field: won_total, deep: true}
---
kind: object
name: contact
fields: [{name: name, type: text}, {name: account, type: master, to: account}]
---
kind: object
name: opportunity
label: {en: Opportunity, zh-CN: 商机}
plural: {en: Opportunities, zh-CN: 商机}
title: name
features: [activities, void]
search: [name, account.name]
fields:
  - {name: name, type: text, required: true, max_length: 120}
  - {name: account, type: lookup, to: account, required: true, on_delete: restrict, reverse: {name: deals, label: {en: Deals}}}
  - {name: partner, type: lookup, to: account}
  - {name: contact, type: lookup, to: contact, where: "account == this.account", fill: {phone: account.phone}}
  - {name: phone, type: phone}
  - name: stage
    type: select
    default: prospecting
    options: [prospecting, {name: won, label: {en: Won, zh-CN: 赢单}}, {name: lost, was: dead}]
  - {name: amount, type: money, min: 0}
  - {name: probability, type: percent, default: 10}
  - {name: twice, type: formula, expression: "expected * 2"}
  - {name: expected, type: formula, expression: "amount * probability / 100"}
  - {name: industry, type: formula, expression: account.industry}
  - {name: age, type: formula, expression: "DAYS(DAY_OF(created_at), TODAY())"}
  - {name: close_date, type: date, required: "stage == 'won'", default: "=TODAY() + 30"}
  - {name: lines_total, type: rollup, of: lines, function: sum, field: subtotal, where: "not cancelled"}
  - {name: line_count, type: rollup, of: lines, function: count}
  - {name: helpers, type: user, many: true}
  - {name: about, type: lookup, to: [account, contact]}
unique: [{name: one_name, fields: [account, name], where: "stage != 'lost'"}]
indexes: [{name: by_stage, fields: [stage, -close_date]}]
rules:
  - {name: close_after_start, when: "close_date < DAY_OF(created_at)", at: close_date, message: {en: Too early}}
  - {name: enough, when: "lines_total > amount or old.stage == 'won'", level: warning, message: Too much}
record_types: [{name: renewal, label: {en: Renewal}, options: {stage: [prospecting, won]}}]
---
kind: object
name: line
fields:
  - {name: opportunity, type: master, to: opportunity, reverse: lines}
  - {name: quantity, type: integer, default: 1}
  - {name: price, type: money}
  - {name: cancelled, type: boolean, default: false}
  - {name: subtotal, type: formula, expression: "quantity * price"}
---
kind: segment
name: big
object: account
where: "won_total > 1000 and COUNT(deals, stage == 'won') > 1"
---
kind: setting
name: order_limit
type: money
default: 100000
---
kind: view
name: mine
object: opportunity
where: "owner == me() and approval.state != 'running'"
columns: [name, account.industry, {field: amount, total: sum}]
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return compiled(SALES)


def test_objects_have_their_system_fields_with_labels(model: Model) -> None:
    deal = model.objects["opportunity"]
    assert list(deal.fields)[:4] == ["id", "owner", "department", "queue"]
    assert say(deal.fields["owner"].label, ("zh-CN",)) == "负责人"
    assert "voided_at" in deal.fields and "voided_at" not in model.objects["account"].fields
    assert "owner" not in model.objects["line"].fields and model.objects["line"].owner == "master"
    assert not model.objects["user"].fields["department"].system


def test_sets_and_details(model: Model) -> None:
    account, deal = model.objects["account"], model.objects["opportunity"]
    assert set(account.sets) == {
        "deals",
        "opportunities",
        "opportunities_by_about",
        "subsidiaries",
        "contacts",
    }
    assert (account.sets["deals"].object, account.sets["deals"].field) == ("opportunity", "account")
    assert account.details == ("contacts",) and deal.details == ("lines",)
    assert model.objects["contact"].master == "account"
    assert "opportunities" in model.objects["contact"].sets


def test_a_detail_needs_its_master(model: Model) -> None:
    assert model.objects["line"].fields["opportunity"].required is True
    assert model.objects["line"].fields["opportunity"].link.on_delete == "cascade"


def test_formulas_stored_or_computed_with_a_reason(model: Model) -> None:
    fields = model.objects["opportunity"].fields
    found = {n: (f.spec.stored, f.spec.why) for n, f in fields.items() if isinstance(f.spec, Formula)}
    assert found["expected"][0] is True and found["twice"][0] is True
    assert found["industry"] == (False, "computed: account.industry belongs to another record")
    assert found["age"] == (False, "computed: it reads the present day or moment")
    assert fields["expected"].column.sql == "numeric" and fields["industry"].columns == ()
    assert model.objects["opportunity"].formulas == ("expected", "twice"), "each after those it uses"


def test_a_quote_has_the_type_and_options_of_what_it_quotes(model: Model) -> None:
    industry = model.objects["opportunity"].fields["industry"]
    assert industry.extra["value_type"] == "select"
    assert [o.name for o in industry.choice.options] == ["retail", "finance"]
    assert say(industry.choice.options[0].label, ("zh-CN",)) == "零售"


def test_rollups_know_whether_they_are_kept(model: Model) -> None:
    account = model.objects["account"].fields
    kept = {n: f.spec.stored for n, f in account.items() if isinstance(f.spec, Rollup)}
    assert kept == {"won_total": True, "last_deal": True, "mean": True, "recent": False, "family_total": True}
    assert account["won_total"].extra["value_type"] == "money" and account["last_deal"].column.sql == "date"
    recent = account["recent"].spec
    assert isinstance(recent, Rollup) and recent.why == "computed: its `where` changes by itself"


def test_feeds_name_what_changes_a_figure(model: Model) -> None:
    feeds = {(f.parent, f.rollup): f for f in model.objects["opportunity"].feeds}
    assert feeds["account", "won_total"].reads == {"account", "amount", "stage"}
    assert feeds["account", "won_total"].link == "account"
    assert {(f.parent, f.rollup) for f in model.objects["line"].feeds} == {
        ("opportunity", "lines_total"),
        ("opportunity", "line_count"),
    }


def test_rules_know_what_asks_them_again(model: Model) -> None:
    rules = {r.name: r for r in model.objects["opportunity"].rules}
    assert rules["close_after_start"].reads == {"close_date", "created_at"}
    assert rules["enough"].reads == {"lines_total", "amount", "stage"} and rules["enough"].level == "warning"


def test_keys_and_columns(model: Model) -> None:
    deal = model.objects["opportunity"]
    assert deal.uniques[0].fields == ("account", "name") and isinstance(deal.uniques[0].where, Expression)
    assert deal.uniques[0].index == "opportunity__one_name__key"
    assert deal.indexes[0].fields == (("stage", False), ("close_date", True))
    assert [c.name for c in deal.fields["name"].columns] == ["name", "name__sort"]
    assert [c.name for c in deal.fields["about"].columns] == ["about", "about__object"]
    assert (
        deal.fields["helpers"].columns == () and deal.fields["helpers"].link.table == "opportunity__helpers"
    )


def test_defaults_are_values_or_expressions(model: Model) -> None:
    fields = model.objects["opportunity"].fields
    assert fields["stage"].default == "prospecting" and fields["probability"].default == Decimal(10)
    assert isinstance(fields["close_date"].default, Expression)
    assert model.objects["line"].fields["cancelled"].default is False
    assert model.settings["order_limit"].default == Decimal(100000)


def test_names_and_old_names(model: Model) -> None:
    assert model.object("customer") is model.objects["account"]
    assert model.objects["account"].table == "account"
    found = model.follow("opportunity", "account.industry")
    assert found is not None and found.name == "industry"


def test_expressions_of_all_kinds_are_kept(model: Model) -> None:
    assert (
        model.expressions["view", "mine", "where"].source == "owner == me() and approval.state != 'running'"
    )
    assert model.segments["big"].where.aggregates[0].sets == ("deals",)
    assert ("object", "opportunity", "rules.enough.when") in model.expressions


def test_the_same_documents_give_the_same_model(model: Model) -> None:
    again = compiled(SALES, names=model.physical, release=2)
    assert again.fingerprint == model.fingerprint and again.physical.columns == model.physical.columns
    assert again.objects == model.objects
