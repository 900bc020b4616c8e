"""Records that were there before a formula or roll-up get its value too."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from patron_engine.store import tasks
from patron_engine.ways import backfill
from patron_testing.workspace_tables import WorkspaceTables

PLAIN = """
kind: object
name: account
title: name
owner: none
fields:
  - {name: name, type: text}
  - {name: limit, type: decimal}
%s
---
kind: object
name: order
title: name
owner: none
fields:
  - {name: name, type: text}
  - {name: account, type: lookup, to: account, reverse: {name: orders}}
  - {name: price, type: decimal}
  - {name: quantity, type: decimal}
%s
"""
TOTAL = '  - {name: total, type: formula, expression: "%s"}'
SUM = """  - {name: ordered, type: rollup, of: orders, function: sum, field: total}
  - {name: count, type: rollup, of: orders, function: count}
  - {name: left, type: formula, expression: "limit - ordered"}"""


@pytest.fixture
def workspace(database_url: str) -> Iterator[WorkspaceTables]:
    made = WorkspaceTables(database_url)
    made.change(PLAIN % ("", ""))
    made.add("account", 3, name="'a' || i", limit="100")
    made.add("order", 6, name="i::text", price="i", quantity="2",
             account="CASE WHEN i < 6 THEN (SELECT id FROM w_tables.account WHERE name = 'a' || (i % 2)) END")  # fmt: skip
    yield made
    made.close()


def publish(workspace: WorkspaceTables, text: str) -> tuple[str, ...]:
    """Changes the tables and runs what a publication queues."""
    old = workspace.model
    made = workspace.change(text)
    queued = backfill.backfills(old, workspace.current(), made)
    for task in queued:
        tasks.enqueue(workspace.conn, workspace.schema, task)
    ended = workspace.run_tasks(**backfill.handlers())
    assert [t.state for t in ended] == ["done"] * len(ended), [t.error for t in ended]
    return tuple(t.sentence for t in queued)


def test_figures_on_figures_are_filled_from_below(workspace: WorkspaceTables) -> None:
    (said,) = publish(workspace, PLAIN % (SUM, TOTAL % "price * quantity"))
    assert said.index("order.total") < said.index("account.ordered") < said.index("account.left")
    assert workspace.rows("SELECT name, total FROM w.order ORDER BY name")[:2] == [
        ("1", Decimal(2)),
        ("2", Decimal(4)),
    ]
    rows = workspace.rows('SELECT name, ordered, "count", "left" FROM w.account ORDER BY name')
    # orders 1, 3, 5 belong to a1; nobody has a0; a2 and a3 have none
    assert rows == [("a1", 18, 3, 82), ("a2", 0, 0, 100), ("a3", 0, 0, 100)]
    assert workspace.rows("SELECT DISTINCT version FROM w.account") == [(1,)]


def test_what_reads_a_changed_formula_is_filled_again(workspace: WorkspaceTables) -> None:
    publish(workspace, PLAIN % (SUM, TOTAL % "price * quantity"))
    (said,) = publish(workspace, PLAIN % (SUM, TOTAL % "price"))
    assert "account.count" not in said
    assert workspace.rows("SELECT ordered, \"left\" FROM w.account WHERE name = 'a1'") == [(9, 91)]


MONEY = """
kind: object
name: deal
title: name
owner: none
currency: record
fields:
  - {name: name, type: text}
  - {name: amount, type: money}
  - {name: half, type: formula, expression: "amount / 2"%s}
"""


def test_a_formula_that_becomes_money_is_filled_in_the_workspaces_currency(
    workspace: WorkspaceTables,
) -> None:
    """Its values stay what they were; what sums and filters read was empty on every record there was."""
    workspace.change(MONEY % "")
    workspace.add("deal", 2, name="i::text", amount="i", amount__base="i", half="i / 2.0", currency="'CNY'")
    publish(workspace, MONEY % ", returns: money")
    assert workspace.rows("SELECT half__base FROM w.deal ORDER BY name") == [(Decimal("0.5"),), (Decimal(1),)]


def test_nothing_is_queued_for_a_label(workspace: WorkspaceTables) -> None:
    text = PLAIN % (SUM, TOTAL % "price * quantity")
    publish(workspace, text)
    assert publish(workspace, text.replace("name: price,", "name: price, label: Price,")) == ()


def test_a_new_object_has_nothing_to_fill(workspace: WorkspaceTables) -> None:
    lead = '---\nkind: object\nname: lead\ntitle: name\nfields: [{name: name, type: text}, {name: two, type: formula, expression: "1 + 1"}]\n'
    assert publish(workspace, PLAIN % ("", "") + lead) == ()


def test_more_records_than_one_piece(workspace: WorkspaceTables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "AT_ONCE", 2)
    publish(workspace, PLAIN % (SUM, TOTAL % "price * quantity"))
    assert workspace.rows("SELECT count(*) FROM w.order WHERE total = price * quantity") == [(6,)]
    assert workspace.rows("SELECT count(*) FROM w.account WHERE ordered IS NOT NULL") == [(3,)]
