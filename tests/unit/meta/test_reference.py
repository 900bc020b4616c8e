"""References: which object a bare name, a path or a value belongs to, wherever it stands."""

from __future__ import annotations

from patron_engine.meta.document import path_text
from patron_engine.meta.reader import read_documents
from patron_engine.meta.reference import ExpressionUse, Reference, References, ValueUse, references


def uses(text: str) -> References:
    documents, problems = read_documents(text, "a.yaml")
    assert problems == []
    return references(documents[0])


def by_path(text: str) -> dict[str, ExpressionUse]:
    documents, _ = read_documents(text, "a.yaml")
    return {path_text(documents[0].body, e.path): e for e in references(documents[0]).expressions}


def named(found: References, what: str) -> set[tuple[str, str | None]]:
    return {(r.name, r.object or r.kind) for r in found.names if r.what == what}


LINE = "kind: object\nname: line\nfields:\n"


def test_a_condition_that_chooses_other_records_has_their_names_bare() -> None:
    found = by_path(
        LINE + "  - {name: price, type: lookup, to: price, where: product == this.product,\n"
        "     find: {where: min <= this.quantity, sort: [-min], create: {product: =product}}, fill: {unit: product.unit}}\n"
    )
    where, find = found["fields.price.where"], found["fields.price.find.where"]
    for use in (where, find):
        assert (use.object, use.roots, use.rows, use.expects) == (
            "price",
            {"this": "line"},
            True,
            ("boolean",),
        )
    create = found["fields.price.find.create.product"]
    assert (create.object, create.roots["this"], create.into, create.rows) == (
        "line",
        "line",
        ("price", "product"),
        False,
    )


def test_a_link_to_several_objects_is_checked_on_each() -> None:
    found = uses(LINE + "  - {name: about, type: lookup, to: [a, b], where: open, fill: {x: y}}\n")
    assert [e.object for e in found.expressions] == ["a", "b"]
    assert named(found, "field") == {("y", "a"), ("y", "b"), ("x", "line")}


def test_a_roll_up_counts_the_records_of_its_set() -> None:
    text = (
        LINE
        + "  - {name: r, type: rollup, of: a.b, function: sum, field: amount, where: x == this.y, sort: [-z]}\n"
    )
    found = uses(text)
    assert named(found, "set") == {("a.b", "line")}
    assert named(found, "field") == {("amount", "line/a/b"), ("z", "line/a/b")}
    assert found.expressions[0].object == "line/a/b"
    assert found.expressions[0].roots == {"this": "line"}


def test_formulas_have_no_aggregates_and_conditions_do() -> None:
    found = by_path(
        LINE + "  - {name: f, type: formula, expression: a + b}\n  - {name: t, type: text, required: c}\n"
    )
    assert (found["fields.f.expression"].aggregates, found["fields.f.expression"].role) == (False, "formula")
    assert (found["fields.t.required"].aggregates, found["fields.t.required"].rows) == (True, False)
    assert found["fields.t.required"].roots == {"old": "line"}


def test_options_are_those_of_the_controlling_field() -> None:
    found = uses(
        LINE + "  - {name: c, type: select, controlled_by: p, options: [{name: x, only_for: [cn]}]}\n"
    )
    assert Reference(path=("fields", 0, "options", 0, "only_for", 0), what="option", name="cn", object="line",
                     field="p") in found.names  # fmt: skip


FLOW = """\
kind: automation
name: a
object: order
on: [{event: button, label: Go, ask: [{field: note, required: true}]}, {event: stage_entered, stage: won}]
steps:
  - {name: found, do: find, object: contract, where: order == this.id and "x" == event.stage}
  - {name: up, do: update, target: "=steps.found.id", set: {amount: "=amount + target.amount"}}
  - {name: parent, do: update, target: {parent: account}, set: {hot: true}}
  - {do: update, target: {each: lines, where: price > this.limit}, set: {note: =event.note}}
  - {do: update, target: {object: task, where: about == this.id}, set: {done: true}}
  - {name: other, do: update, target: =owner, set: {x: 1}}
  - {name: each, do: for_each, each: lines, where: open, steps: [{name: made, do: create, object: task, set: {title: =steps.each.name}}]}
  - {name: erp, do: call, url: "https://x", body: {a: {each: lines, set: {q: =quantity}}}, on_error: [{do: comment, text: =steps.erp.error}]}
  - {name: conv, do: convert, conversion: c}
  - {name: br, do: branch, cases: [{name: one, when: steps.erp.status == 200, steps: [{name: inner, do: create, object: task, set: {}}]}, {name: else, steps: []}]}
  - {do: update, target: =steps.inner.id, set: {title: "=steps.conv.deal.name"}}
"""


def test_steps_write_the_record_they_name_and_leave_their_result() -> None:
    text = FLOW.replace('order == this.id and "x" == event.stage', "order == this.id")
    found, paths = uses(text), by_path(text)
    targets = {(v.object, v.field) for v in found.values}
    assert targets == {("order/account", "hot"), ("task", "done"), ("order/owner", "x")}
    up = paths["steps.up.set.amount"]
    assert (up.object, up.roots["target"], up.into) == ("order", "contract", ("contract", "amount"))
    assert up.roots["steps"] == {"found": "object:contract"}
    lines = paths["steps[3].target.where"]
    assert (lines.object, lines.roots["this"], lines.rows) == ("order/lines", "order", True)
    assert paths["steps[3].set.note"].into == ("order/lines", "note")
    assert paths["steps.each.steps.made.set.title"].roots["steps"]["each"] == "object:order/lines"  # type: ignore[index]
    assert paths["steps.erp.body.a.set.q"].object == "order/lines"
    assert paths["steps.erp.on_error[0].text"].roots["steps"]["erp.error"] == "text"  # type: ignore[index]
    last = paths["steps[10].set.title"]
    assert last.into == ("task", "title")
    assert last.roots["steps"]["conv"] == "conversion:c"  # type: ignore[index]
    assert "each" not in last.roots["steps"]


def test_what_an_event_offers_is_known() -> None:
    found = by_path("kind: automation\nname: a\nobject: order\non:\n"
                    "  - {event: button, ask: [note, {field: day}]}\n  - {event: stage_entered, stage: won}\n"
                    "when: event.stage == 'x'\nsteps: []\n")  # fmt: skip
    offered = found["when"].roots["event"]
    assert isinstance(offered, dict)
    assert offered["note"] == "field:order.note"
    assert offered["day"] == "field:order.day"
    assert (offered["stage"], offered["by"]) == ("text", "object:user")


def test_a_schedule_over_an_object_chooses_rows() -> None:
    text = "kind: automation\nname: a\nobject: o\non: {event: schedule, cron: 0 8 * * *}\nwhen: late\nsteps: []\n"
    assert by_path(text)["when"].rows
    assert not by_path(text.replace("schedule, cron: 0 8 * * *", "created"))["when"].rows


def test_candidates_are_users_and_this_is_the_record() -> None:
    found = by_path(
        "kind: sharing\nname: s\nobject: lead\nto: [{role: rep, where: this.region in regions}]\ngive: read\n"
    )
    use = found["to[0].where"]
    assert (use.object, use.roots["this"]) == ("user", "lead")


def test_measures_know_one_another_and_parameters() -> None:
    found = by_path(
        "kind: report\nname: r\ntype: summary\nobject: deal\nwhere: closed >= since\n"
        "measures: [{name: won, function: sum, field: lines.amount}, {name: rate, expression: won / 2}]\n"
        "parameters: [{name: since, type: date}, {name: who, type: lookup, to: account}]\n"
        "alerts: [{name: a, when: rate < 1, to: {role: x}}]\n"
    )
    assert found["where"].names == {"since": "date", "who": "object:account"}
    assert found["where"].roots["parameters"] == {"since": "date", "who": "object:account"}
    rate = found["measures.rate.expression"]
    assert (rate.role, rate.report, rate.names["won"], rate.object) == ("measure", True, "number", "deal")
    assert "rate" not in rate.names
    assert found["alerts.a.when"].object is None
    assert found["alerts.a.when"].names["rate"] == "number"


def test_a_conversion_reads_one_record_and_writes_others() -> None:
    text = (
        "kind: conversion\nname: c\nobject: lead\nto:\n"
        "  - {name: customer, object: account, find: {where: code == this.code}, set: {name: =company}}\n"
        "  - {name: deal, object: deal, set: {account: =steps.customer.id, type: new},\n"
        "     details: [{each: lines, to: items, set: {product: =product}}]}\n"
        "move: [files]\nback: {deal: =steps.deal.id}\n"
    )
    found, paths = uses(text), by_path(text)
    assert (paths["to.customer.find.where"].object, paths["to.customer.find.where"].roots) == (
        "account",
        {"this": "lead"},
    )
    assert paths["to.customer.set.name"].into == ("account", "name")
    assert paths["to.deal.set.account"].roots["steps"] == {"customer": "object:account"}
    assert paths["to.deal.details[0].set.product"].into == ("deal/items", "product")
    assert paths["to.deal.details[0].set.product"].object == "lead/lines"
    assert paths["back.deal"].into == ("lead", "deal")
    assert named(found, "related") == {("files", "lead")}
    assert ValueUse(path=("to", 1, "set", "type"), value="new", object="deal", field="type") in found.values


def test_records_of_checks_and_data_are_loose_values_and_details_belong_to_their_set() -> None:
    found = uses("kind: data\nname: d\nobject: price_list\nrecords:\n"
                 "  - {external_id: std, name: {en: A}, owner: =me(), prices: [{product: p, price: 5}]}\n")  # fmt: skip
    assert {(v.object, v.field, v.loose) for v in found.values} == {
        ("price_list", "name", True), ("price_list/prices", "product", True), ("price_list/prices", "price", True),
    }  # fmt: skip
    assert named(found, "set") == {("prices", "price_list")}
    assert found.expressions[0].into == ("price_list", "owner")


def test_references_of_a_dashboard_lead_to_the_reports_object() -> None:
    found = uses(
        "kind: dashboard\nname: d\ntiles: [{name: t, view: v, at: {x: 0, y: 0, w: 1, h: 1}}]\n"
        "filters: [{name: f, type: date, reaches: {t: day, r: closed}}]\n"
    )
    assert named(found, "field") == {("day", "@view/v"), ("closed", "@report/r")}
    assert named(found, "definition") == {("v", "view"), ("r", "report")}


def test_an_expression_no_walker_knows_is_found_with_the_documents_object() -> None:
    found = by_path("kind: template\nname: t\nobject: deal\nchannel: sms\nsubject: =amount\nbody: b\n")
    assert (found["subject"].object, found["subject"].role) == ("deal", "value")


def test_organisation_codes_roles_and_elements_of_other_documents() -> None:
    found = uses(
        "kind: approval\nname: a\nobject: order\non: [submit, {stage: won}]\nfor: {roles: [rep], record_types: [x]}\n"
        "nodes: [{name: n, type: approve, who: {department: fin, below: true}}]\n"
    )
    assert named(found, "code") == {("fin", "department")}
    assert named(found, "definition") == {("rep", "role")}
    assert named(found, "record_type") == {("x", "order")}
    (stage,) = [r for r in found.names if r.what == "element"]
    assert (stage.name, stage.kind, stage.element, stage.object) == ("won", "stage_path", "stages", "order")
