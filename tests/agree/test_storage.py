"""Model, DDL and catalogue agree: what a model wants is what the database says, and a second plan is empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from patron_engine.fields.registry import TYPES
from patron_engine.store import catalog
from patron_engine.store.desired import desired
from patron_engine.store.doctor import drift, orphans
from patron_engine.store.physical_rows import known_columns
from patron_testing.workspace_tables import WorkspaceTables

NEEDS = {
    "select": "options: [a, b]",
    "multi_select": "options: [a, b]",
    "cascade": "options: [{name: cn, options: [zj]}]",
    "lookup": "to: other",
    "master": "to: other",
    "formula": 'expression: "1 + 1"',
    "rollup": "of: deals, function: count",
    "auto_number": 'pattern: "D-{0000}"',
}
ORGANISATION = """
kind: object
name: user
owner: none
title: name
fields: [{name: name, type: text}, {name: email, type: email, unique: true}]
---
kind: object
name: department
owner: none
title: name
fields: [{name: name, type: text}]
---
kind: object
name: queue
owner: none
title: name
fields: [{name: name, type: text}]
---
"""


@pytest.fixture
def workspace(database_url: str) -> Iterator[WorkspaceTables]:
    made = WorkspaceTables(database_url)
    yield made
    made.close()


def agrees(workspace: WorkspaceTables) -> None:
    model = workspace.current()
    live = catalog.read(workspace.conn, workspace.schema)
    want = desired(model, workspace.schema, model.physical.aside)
    assert {n: live.tables.get(n) for n in want.tables} == dict(want.tables)
    assert workspace.planned(model).empty
    assert (
        drift(workspace.conn, model, workspace.schema, known_columns(workspace.conn, workspace.schema)) == []
    )
    assert orphans(workspace.conn, model, workspace.schema) == []


def test_every_field_type(workspace: WorkspaceTables) -> None:
    fields = []
    for name in TYPES:
        if name in ("rollup", "master"):
            continue
        own = f", {NEEDS[name]}" if name in NEEDS else ""
        fields.append(f"  - {{name: a_{name}, type: {name}{own}}}")
        if name in ("lookup", "user", "department", "file", "image"):
            fields.append(f"  - {{name: many_{name}, type: {name}, many: true{own}}}")
    text = (
        ORGANISATION
        + "kind: object\nname: thing\ntitle: a_text\ncurrency: record\nfeatures: [void]\nfields:\n"
        + "\n".join(fields)
        + "\n---\nkind: object\nname: other\ntitle: name\nfields:\n  - {name: name, type: text}\n"
        + "  - {name: things, type: rollup, of: lines, function: count}\n"
        + "---\nkind: object\nname: line\ntitle: name\nfields:\n  - {name: name, type: text}\n"
        + "  - {name: other, type: master, to: other, reverse: {name: lines}}\n"
        + "  - {name: about, type: lookup, to: [thing, other], reverse: {name: abouts}}\n"
    )
    workspace.change(text)
    agrees(workspace)


def test_names_that_are_words_of_sql(workspace: WorkspaceTables) -> None:
    words = "select from where order group table user_ union primary default check ctid xmin class".replace(
        "user_", "limit"
    )
    fields = "\n".join(f"  - {{name: {w}, type: decimal, indexed: true}}" for w in words.split())
    workspace.change(
        f"{ORGANISATION}kind: object\nname: select\ntitle: name\nfields:\n  - {{name: name, type: text}}\n{fields}\n"
    )
    agrees(workspace)


def test_longest_names(workspace: WorkspaceTables) -> None:
    """Forty characters each: every composed name must still be one of its own."""
    names = [f"{'f' * 38}{i:02}" for i in range(4)]
    fields = "\n".join(f"  - {{name: {n}, type: money, indexed: true}}" for n in names)
    many = "\n".join(
        f"  - {{name: {'l' * 39}{i}, type: lookup, to: {'o' * 40}, many: true, reverse: {'r' * 39}{i}}}"
        for i in range(2)
    )
    uniques = f'unique: [{{name: {"u" * 40}, fields: [{names[0]}, {names[1]}], where: "{names[2]} > 0.5"}}]'
    workspace.change(
        f"{ORGANISATION}kind: object\nname: {'o' * 40}\ntitle: name\ncurrency: record\n{uniques}\nfields:\n"
        f"  - {{name: name, type: text}}\n{fields}\n{many}\n"
    )
    agrees(workspace)


def test_pack_core(workspace: WorkspaceTables) -> None:
    folder = Path(__file__).parents[2] / "packs/patron_packs/core"
    files = [f for f in sorted(folder.rglob("*.yaml")) if f.name != "pack.yaml"]
    workspace.change("\n---\n".join(f.read_text(encoding="utf-8") for f in files))
    agrees(workspace)


def test_growing_step_by_step_ends_where_one_step_ends(workspace: WorkspaceTables, database_url: str) -> None:
    thing = "kind: object\nname: thing\ntitle: name\nfields:\n  - {name: name, type: text}\n"
    steps = [
        thing,
        thing + "  - {name: amount, type: decimal}\n  - {name: other, type: lookup, to: thing}\n",
        thing
        + "  - {name: amount, type: decimal, indexed: true}\n  - {name: other, type: lookup, to: thing}\n"
        "  - {name: tags, type: tags}\n  - {name: friends, type: lookup, to: thing, many: true}\n",
        thing + "  - {name: amount, type: decimal, indexed: true, unique: true}\n"
        "  - {name: other, type: lookup, to: thing}\n"
        "  - {name: tags, type: tags}\n  - {name: friends, type: lookup, to: thing, many: true}\n"
        'unique: [{name: one, fields: [name, other], where: "amount > 3"}]\n',
    ]
    for text in steps:
        workspace.change(ORGANISATION + text)
        agrees(workspace)
    at_once = WorkspaceTables(database_url, "w_at_once")
    try:
        at_once.change(ORGANISATION + steps[-1])
        first = catalog.read(workspace.conn, workspace.schema).tables
        assert first == catalog.read(at_once.conn, "w_at_once").tables
    finally:
        at_once.close()
