"""What plans, the designer and the API ask a model: what changed, who uses what, what is a field."""

from __future__ import annotations

import orjson

from patron_engine.jsonio import dumps
from patron_engine.model.describe import describe_object
from patron_engine.model.diff import diff
from patron_engine.model.impact import Uses, sentences
from patron_testing.compiled import compiled, folded

BEFORE = """
kind: object
name: account
fields:
  - {name: name, type: text}
  - {name: grade, type: select, options: [a, b]}
---
kind: object
name: deal
title: name
fields:
  - {name: name, type: text}
  - {name: account, type: lookup, to: account}
  - {name: amount, type: money}
  - {name: big, type: formula, expression: amount > 100}
  - {name: note, type: long_text}
rules: [{name: r, when: amount < 0, message: x}]
---
kind: view
name: deals
object: deal
columns: [name, account.grade, amount]
where: account.grade == 'a'
---
kind: segment
name: good
object: account
where: "COUNT(deals, amount > 5) > 1"
---
kind: role
name: rep
label: Rep
objects: {deal: {read: all}}
fields: {deal: {amount: masked}}
"""
AFTER = (
    BEFORE.replace("name: amount, type: money", "name: budget, was: amount, type: money, required: true")
    .replace("amount > 100", "budget > 200")
    .replace("  - {name: note, type: long_text}\n", "")
    .replace("options: [a, b]", "options: [a, {name: bb, was: b}, c]")
)


def test_diff_knows_renames() -> None:
    old = compiled(BEFORE)
    said = [c.sentence for c in diff(old, compiled(AFTER, names=old.physical, release=2))]
    assert "field deal.amount is called budget" in said
    assert "required of deal.budget: no → yes" in said
    assert "formula of deal.big: amount > 100 → budget > 200" in said
    assert "field deal.note is removed; its column stays with its data" in said
    assert "option b of account.grade is called bb" in said
    assert "option c of account.grade is new" in said
    assert not any("deal.budget is new" in s for s in said)


def test_diff_of_nothing_is_empty() -> None:
    model = compiled(BEFORE)
    assert diff(model, compiled(BEFORE, names=model.physical, release=2)) == ()
    assert [c.name for c in diff(None, model)] == ["account", "deal"]


def test_impact_finds_every_use() -> None:
    uses = Uses(folded(BEFORE))
    assert set(sentences(uses.of_field("deal", "amount"))) == {
        "object deal: fields.big.expression", "object deal: rules.r.when", "view deals: columns.amount",
        "segment good: where", "role rep: fields.deal.amount",
    }  # fmt: skip
    assert set(sentences(uses.of_field("account", "grade"))) == {
        "view deals: columns.account.grade",
        "view deals: where",
    }
    assert sentences(uses.of_option("account", "grade", "a")) == ("view deals: where",)
    assert "view deals: object" in sentences(uses.of_object("deal"))
    assert uses.of_field("deal", "note") == ()


def test_a_place_has_a_line() -> None:
    place = next(p for p in Uses(folded(BEFORE)).of_field("account", "grade") if p.path == "where")
    assert place.line is not None and BEFORE.splitlines()[place.line - 1].startswith("where: account.grade")
    assert place.text == "account.grade == 'a'"


def test_describe_is_json_with_what_a_client_needs() -> None:
    deal = compiled(BEFORE).objects["deal"]
    told = orjson.loads(dumps(describe_object(deal)))
    fields = {f["name"]: f for f in told["fields"]}
    assert (
        fields["big"]["expression"] == "amount > 100"
        and fields["big"]["stored"] is True
        and "why" in fields["big"]
    )
    assert fields["account"]["to"] == ["account"] and fields["big"]["readonly"] is True
    assert fields["created_at"]["system"] is True
    assert told["rules"] == [{"name": "r", "level": "error", "at": None, "message": {"": "x"}}]


def test_describe_leaves_out_what_may_not_be_read() -> None:
    deal = compiled(BEFORE).objects["deal"]
    told = describe_object(deal, readable={"id", "name", "account"}, writable={"name"})
    assert [f["name"] for f in told["fields"]] == ["id", "name", "account"]
    assert [f["readonly"] for f in told["fields"]] == [True, False, True]
