"""What would refuse a report when it is asked is told when it is published, with its place."""

from __future__ import annotations

from dataclasses import replace

from patron_engine.clock import system_clock
from patron_engine.meta.layers import fold, workspace_layer
from patron_engine.ways.report_checks import report_problems
from patron_testing.build import documents_of, model_of

DOCUMENTS = """
kind: workspace
name: workspace
languages: [en]
currency: CNY
zone: Asia/Shanghai
---
kind: object
name: deal
label: Deal
title: name
history: true
owner: none
fields:
  - {name: name, type: text}
  - {name: amount, type: money}
  - {name: on, type: date}
  - {name: note, type: long_text}
---
kind: report
name: past
type: summary
object: deal
rows: [updated_at]
measures: [{name: n, function: count}]
as_of: =TODAY() - 1
---
kind: report
name: grouped
type: summary
object: deal
rows: [note]
measures:
  - {name: n, function: count}
  - {name: aim, expression: "n / GOAL('nobody')"}
keep: 2 weeks
---
kind: report
name: timeless
type: summary
object: deal
measures:
  - {name: n, function: count}
  - {name: before, expression: "PREVIOUS(n, 'year')"}
---
kind: report
name: side
type: joined
group: [{name: month, by: month}]
blocks:
  - {name: a, object: deal, on: {month: on}, measures: [{name: n, function: count}]}
  - {name: b, object: deal, on: {month: amount}, measures: [{name: m, function: count}]}
---
kind: report
name: sound
type: summary
object: deal
rows: [{field: on, by: month}]
parameters: [{name: since, type: date, required: true}]
where: "on >= since"
measures:
  - {name: first, function: min, field: on}
  - {name: age, expression: "YEAR(first)"}
  - {name: n, function: count}
  - {name: growth, expression: "n / PREVIOUS(n, 'year')"}
keep: 30 minutes
"""


def test_every_fault_has_its_place_and_what_is_sound_has_none() -> None:
    documents = fold([replace(workspace_layer(documents_of(DOCUMENTS)), prefix="")]).documents
    told = list(report_problems(model_of(DOCUMENTS), documents, "w_test", system_clock))
    assert all(p.line and p.file for p in told)
    assert {(p.code, p.path, p.level) for p in told} == {
        ("past_unknown", "rows.updated_at", "error"),
        ("not_groupable", "rows.note", "error"),
        ("unknown_goal", "measures.aim.expression", "error"),
        ("bad_keep", "keep", "error"),
        ("not_a_date", "blocks.b.on.month", "error"),
        ("no_period_before", "measures.before.expression", "warning"),
    }
