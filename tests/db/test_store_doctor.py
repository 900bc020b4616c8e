"""The doctor names exactly what somebody changed by hand."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from patron_engine.problems import Problem
from patron_engine.store.doctor import drift, orphans
from patron_engine.store.physical_rows import known_columns
from patron_testing.pg import Server
from patron_testing.workspace_tables import WorkspaceTables

TEXT = """
kind: object
name: account
title: name
owner: none
fields:
  - {name: name, type: text}
  - {name: amount, type: decimal, indexed: true}
  - {name: code, type: text, unique: true}
---
kind: object
name: contact
title: name
owner: none
fields:
  - {name: name, type: text}
  - {name: account, type: lookup, to: account}
"""


@pytest.fixture
def workspace(database_url: str) -> Iterator[WorkspaceTables]:
    made = WorkspaceTables(database_url)
    made.change(TEXT)
    yield made
    made.close()


def found(workspace: WorkspaceTables) -> list[Problem]:
    return drift(
        workspace.conn, workspace.current(), workspace.schema, known_columns(workspace.conn, workspace.schema)
    )


@pytest.mark.parametrize(
    ("act", "code", "place"),
    [
        ("ALTER TABLE w.account DROP COLUMN name", "drift_column_missing", "account.name"),
        ("ALTER TABLE w.account ADD COLUMN stray text", "drift_column_stray", "account.stray"),
        ("ALTER TABLE w.account ALTER COLUMN name SET NOT NULL", "drift_column_null", "account.name"),
        ("ALTER TABLE w.contact ALTER COLUMN account TYPE text", "drift_column_type", "contact.account"),
        ("DROP TABLE w.contact__access", "drift_table_missing", "contact__access"),
        ("CREATE TABLE w.stray (n int)", "drift_table_stray", "stray"),
        ("DROP INDEX w.account__code__unique", "drift_index_missing", "account.account__code__unique"),
        (
            "COMMENT ON INDEX w.account__amount__ix IS 'x'",
            "drift_index_differs",
            "account.account__amount__ix",
        ),
        ("CREATE INDEX by_hand ON w.account (amount, name)", "drift_index_stray", "account.by_hand"),
        (
            "ALTER TABLE w.account DROP CONSTRAINT amount__sane",
            "drift_constraint_missing",
            "account.amount__sane",
        ),
        (
            "ALTER TABLE w.contact DROP CONSTRAINT account__fk",
            "drift_constraint_missing",
            "contact.account__fk",
        ),
        (
            "DELETE FROM w.sys__column WHERE object = 'account' AND field = 'amount'",
            "drift_registry",
            "account.amount",
        ),
    ],
)
def test_each_change_by_hand(workspace: WorkspaceTables, act: str, code: str, place: str) -> None:
    assert found(workspace) == []
    if "TYPE text" in act:
        workspace.do("ALTER TABLE w.contact DROP CONSTRAINT account__fk")
    workspace.do(act)
    told = [(p.code, p.path) for p in found(workspace)]
    assert (code, place) in told
    about = place.split(".")[-1]
    rest = [t for t in told if about not in str(t[1]) and t[0] != "drift_constraint_missing"]
    assert [t for t in rest if about not in ("name",)] == []


def test_what_can_be_put_right_is_put_right_by_the_next_plan(workspace: WorkspaceTables) -> None:
    for act in (
        "ALTER TABLE w.account DROP COLUMN amount",
        "DROP TABLE w.contact__access",
        "DROP INDEX w.account__code__unique",
        "ALTER TABLE w.contact DROP CONSTRAINT account__fk",
    ):
        workspace.do(act)
    assert found(workspace)
    workspace.change(TEXT)
    assert found(workspace) == []


def test_an_invalid_index_is_named_and_mended(workspace: WorkspaceTables, server: Server) -> None:
    with psycopg.connect(server.strong(workspace.url)) as conn:
        conn.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'w_tables.account__code__unique'::regclass"
        )
    (problem,) = found(workspace)
    assert problem.code == "drift_index_invalid"
    assert "not active" in problem.message
    workspace.change(TEXT)
    assert found(workspace) == []


def test_links_to_nothing_are_counted(workspace: WorkspaceTables) -> None:
    workspace.do("ALTER TABLE w.contact DROP CONSTRAINT account__fk")
    workspace.add("contact", 3, account="gen_random_uuid()")
    (problem,) = orphans(workspace.conn, workspace.current(), workspace.schema)
    assert problem.code == "drift_orphan_rows"
    assert problem.message.startswith("3 rows")


def test_a_removed_field_is_no_drift(workspace: WorkspaceTables) -> None:
    workspace.change(TEXT.replace("  - {name: amount, type: decimal, indexed: true}\n", ""))
    assert found(workspace) == []


def test_a_removed_object_is_no_drift(workspace: WorkspaceTables) -> None:
    workspace.change(TEXT.partition("---")[0])
    assert found(workspace) == []
