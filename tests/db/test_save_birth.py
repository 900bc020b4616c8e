"""When a new record was made, and by whom, is known to what judges and completes it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from patron_engine.errors import Refused
from patron_testing.build import NOON, Records, build_workspace

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
---
kind: object
name: deal
label: {en: Deal}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: closes, type: date, label: {en: Closes}}
  - {name: made_on, type: formula, expression: "DAY_OF(created_at)", stored: true, label: {en: Made on}}
rules:
  - {name: early, when: "closes < DAY_OF(created_at)", at: closes, message: {en: A deal does not close before it was made}}
"""


def test_rules_and_formulas_read_when_a_record_is_made(conn: psycopg.Connection[Any]) -> None:
    r = Records(conn, build_workspace(conn, DOCUMENTS))
    with pytest.raises(Refused) as caught:
        r.create("deal", name="a", closes="2026-05-19")
    assert [p.rule for p in caught.value.problems] == ["early"]
    deal = r.create("deal", name="a", closes="2026-05-20")
    row = r.row("deal", deal)
    assert row["created_at"] == row["updated_at"] == NOON
    assert str(row["made_on"]) == "2026-05-20"
    with pytest.raises(Refused):
        r.update("deal", deal, closes="2026-01-01")
