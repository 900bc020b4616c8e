"""A broken pack: every mistake is told once, where it was made, with the way out, and nothing that only follows from it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from patron_engine.meta.check import check_document, sound
from patron_engine.meta.document import Document
from patron_engine.meta.layers import fold, workspace_layer
from patron_engine.meta.reader import read_documents
from patron_engine.model.compile import compile_model
from patron_engine.model.physical import PhysicalNames
from patron_engine.problems import Problem
from patron_platform.checking import check_folder

MANIFEST = (
    'kind: pack\nname: tried\nversion: 1.0.0\nlabel: Tried\nrequires: {core: ">=0.1"}\nlanguages: [en]\n'
)
PARCEL = """kind: object
name: parcel
label: Parcel
plural: Parcels
title: name
fields:
  - {name: name, type: text, required: true}
  - {name: state, type: select, options: [new, sent]}
  - {name: amount, type: money}
  - {name: account, type: lookup, to: account}
  - {name: items_total, type: rollup, of: items, function: sum, field: price}
---
kind: object
name: item
label: Item
plural: Items
title: name
fields:
  - {name: name, type: text}
  - {name: parcel, type: master, to: parcel}
  - {name: price, type: money}
"""
USES = """kind: view
name: v
object: parcel
type: list
columns: [name, amount, account.name]
where: amount > 3
---
kind: layout
name: parcel
object: parcel
sections: [{name: a, fields: [name, amount, account]}]
---
kind: automation
name: au
object: parcel
on: [{event: updated, fields: [amount]}]
steps: [{name: s, do: update, set: {amount: 3}}]
---
kind: role
name: r
label: R
objects: {parcel: {read: all}}
fields: {parcel: {amount: none}}
"""


def check(folder: Path, base: str, more: str = "", **files: str) -> list[Problem]:
    """What is wrong with a pack of these files. No server is needed: what cannot be compiled is never tried."""
    texts = {"pack.yaml": MANIFEST, "objects/base.yaml": base, "more/x.yaml": more, **files}
    for name, text in texts.items():
        path = folder / "tried" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(check_folder(cast(Any, None), str(folder / "tried")).errors)


@pytest.mark.parametrize(
    ("right", "wrong", "code", "line"),
    [
        ("amount, type: money", "amount, type: mony", "unknown_word", 9),
        ("{name: amount, type", "{nam: amount, type", "unknown_key", 9),
        ("required: true}", "required: true", "yaml_syntax", 8),
        ("kind: object", "kind: objekt", "unknown_kind", 1),
        ("title: name", "titel: name", "unknown_key", 5),
        ("to: account", "to: acount", "unknown_object", 10),
    ],
)
def test_what_only_follows_from_a_mistake_is_not_told(
    tmp_path: Path, right: str, wrong: str, code: str, line: int
) -> None:
    found = check(tmp_path, PARCEL.replace(right, wrong, 1), USES)
    assert [(p.code, p.line) for p in found] == [(code, line)]


def test_a_document_that_cannot_be_read_leaves_the_others_of_its_file(tmp_path: Path) -> None:
    more = (
        "kind: view\nname: {x\n---\nkind: view\nname: ok\nobject: nope\ncolumns: [name]\n---\nkind: 'x\n---\n"
        "kind: setting\nname: y\ntyp: text\n---\nkind: setting\nname: z\n\ttype: text\n---\nkind: setting\nname: q\ntype: txt\n"
    )
    found = [(p.code, p.line) for p in check(tmp_path, PARCEL, more) if p.code != "key_without_value"]
    assert found == [
        ("yaml_syntax", 3), ("unknown_object", 6), ("yaml_syntax", 10), ("unknown_key", 13), ("yaml_syntax", 17),
        ("unknown_word", 21),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "field",
    [
        "{name: x, type: txt}", "{name: X, type: text}", "{name: created_at, type: date}", "{name: x}",
        "{name: x, type: decimal, scale: 50}", "{name: x, type: decimal, min: 5, max: 1}", "{name: x, type: text, max_length: ten}",
        "{name: x, type: select, options: [a, a]}", "{name: x, type: auto_number, pattern: 'X'}",
        "{name: name, type: text}", "{name: x, type: formula, expression: '=amount'}", "{name: x, type: master, to: account, many: true}",
    ],
)  # fmt: skip
def test_one_mistake_is_told_once(tmp_path: Path, field: str) -> None:
    found = check(tmp_path, PARCEL.replace("  - {name: items_total", f"  - {field}\n  - {{name: items_total"))
    assert len(found) == 1, found


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("{name: x, type: number}", "write decimal"), ("{name: x, type: string}", "write text"), ("{name: x, type: Picklist}", "write select"),
        ("{name: x, type: reference, to: account}", "write lookup"), ("{name: OrderNo, type: text}", "try orderno"),
        (f"{{name: {'a' * 41}, type: text}}", "it has 41 characters, a name has at most 40"), ("{name: a-b, type: text}", "try a_b"),
        ("{name: x, type: text, label: {zh: 甲}}", "'zh-CN'"), ("{name: x, type: text, label: {EN: A}}", "'en'"),
        ("{name: x, type: text, label: {zh-cn: 甲}}", "'zh-CN'"), ("{name: x, type: text, label: {zh-Hant: 甲}}", "'zh-TW'"),
        ("{name: x, type: text, required: yes}", "write true"), ("{name: x, type: formula, expression: TODAY}", "write its brackets"),
        ("{name: x, type: text, visible: 'this.amount > 1'}", "bare names are the fields"),
        ("{name: p, type: secret}\n  - {name: x, type: formula, expression: p}", "never read"),
        ("{name: x, type: rollup, of: items}", "write function: …"),
    ],
)  # fmt: skip
def test_hints_name_the_next_step(tmp_path: Path, field: str, hint: str) -> None:
    found = check(tmp_path, PARCEL.replace("  - {name: items_total", f"  - {field}\n  - {{name: items_total"))
    assert [p.hint for p in found if hint in str(p.hint)], found


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        ("kind: view\nname: v\nobject: parcel\ntype: kanban\ngroup_by: amount\ncolumns: [name]", "field_type", "group_by"),
        ("kind: view\nname: v\nobject: parcel\ntype: calendar\nfrom: name", "field_type", "from"),
        ("kind: view\nname: v\nobject: parcel\ntype: map\ncolumns: [name]", "missing_key", "type"),
        ("kind: view\nname: v\nobject: account\ntype: map\ncolumns: [name]", "", ""),
        ("kind: view\nname: v\nobject: parcel\ncolumns: [{field: name, total: sum}]", "field_type", "columns.name.total"),
        ("kind: view\nname: v\nobject: parcel\ncolumns: [approval.stat]", "unknown_field", "columns.approval.stat"),
        ("kind: layout\nname: l\nobject: parcel\nsections: [{name: a, table: items, fields: [name], totals: [name]}]", "field_type",
         "sections.a.totals.name"),
        ("kind: menu\nname: m\nlabel: M\nentries: [{name: a, url: 'javascript:alert(1)', label: A}]", "bad_address", "entries.a.url"),
        ("kind: template\nname: t\nobject: parcel\nchannel: email\nsubject: x\nbody: {en: '{{ name '}", "template_syntax", "body.en"),
        ("kind: data\nname: d\nobject: parcel\nrecords: [{external_id: a, name: x}, {external_id: a, name: y}]", "duplicate_name",
         "records.a.external_id"),
        ("kind: data\nname: d\nobject: parcel\nrecords: [{external_id: a}]", "required", "records.a"),
        ("kind: data\nname: d\nobject: parcel\nrecords: [{external_id: a, name: x, account: acme}]", "unknown_record", "records.a.account"),
        ("kind: data\nname: d\nobject: item\nrecords: [{external_id: a, parcel: \"=REF('parcel', 'p')\"}]", "", ""),
        ("kind: webform\nname: w\nobject: parcel\nfields: [name]\nopen: {from: 2026-02-01, until: 2026-01-01}", "range_order", "open.until"),
        ("kind: automation\nname: a\nobject: parcel\non: [{event: stage_entered, stage: zz}]\nsteps: [{name: s, do: stop}]",
         "unknown_element", "on[0].stage"),
        ("kind: automation\nname: a\nobject: parcel\non: [{event: date, field: name}]\nsteps: [{name: s, do: stop}]", "field_type", "on.name.field"),
        ("kind: approval\nname: a\nobject: parcel\non: [submit]\nnodes: [{name: n, type: approve, who: {field: name}}]", "field_type",
         "nodes.n.who.field"),
        ("kind: sharing\nname: s\nobject: parcel\nto: [{manager: 1}]\ngive: read", "sharing_people", "to[0]"),
        ("kind: pool\nname: s\nobject: parcel\nmembers: [{manager: 1}]", "pool_people", "members[0]"),
        ("kind: sharing\nname: s\nobject: parcel\nto: [{role: admin}]\nowned_by: [{user: a@example.com, where: active}]\ngive: read", "sharing_people", "owned_by[0]"),
        ("kind: stage_path\nname: p\nobject: parcel\nfield: name\nstages: [{name: new}]", "field_type", "field"),
        ("kind: report\nname: r\nlabel: R\ntype: summary\nobject: parcel\nmeasures: [{name: a, function: sum, field: name}]", "field_type",
         "measures.a.field"),
        ("kind: report\nname: r\nlabel: R\ntype: summary\nobject: parcel\nrows: [{field: name, by: month}]\nmeasures: [{name: a, function: count}]",
         "field_type", "rows.name.by"),
        ("kind: report\nname: r\nlabel: R\ntype: summary\nobject: parcel\nmeasures: [{name: a, function: max, field: items.price}]", "", ""),
    ],
)  # fmt: skip
def test_documents_are_checked_against_the_fields_they_name(
    tmp_path: Path, document: str, code: str, path: str
) -> None:
    found = check(tmp_path, PARCEL, f"{document}\n---\nkind: view\nname: broken\nobject: nobody\n")
    told = [(p.code, p.path) for p in found if p.code != "unknown_object"]
    assert told == ([(code, path)] if code else [])


def test_a_template_file_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    more = "kind: template\nname: t\nobject: parcel\nchannel: print\nbody_file: templates/t.html\n"
    found = check(tmp_path, PARCEL, more, **{"templates/t.html": "<p>\n{% if name %}\n{% endfor %}"})
    assert [(p.code, p.file, p.line) for p in found] == [("template_syntax", "templates/t.html", 3)]


ODD = (
    None, True, 0, -1, 10**30, "", "x", "=", "amount > 1", "a.b", "'", [], {}, ["x"], [None], [[]], [{}], {"x": 1},
    {"name": "x"}, ["a", "a"],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def spoilt(document: Document, chance: random.Random) -> Document:
    """The document with something of another form in one place."""
    body: Any = deepcopy(dict(document.body))
    path = chance.choice([p for p in places(body) if p and p[-1] not in ("kind", "of") and p != ("name",)])
    holder = body
    for step in path[:-1]:
        holder = holder[step]
    if chance.random() < 0.3:
        del holder[path[-1]]
    else:
        holder[path[-1]] = deepcopy(chance.choice(ODD))
    return replace(document, body=body)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_form_a_document_has_the_check_comes_to_its_end(seed: int) -> None:
    """Wrong types in any place are problems, never a failure of the check."""
    chance = random.Random(seed)
    account = "kind: object\nname: account\nlabel: A\nfields: [{name: name, type: text}]\n---\n"
    workspace = "kind: workspace\nname: workspace\nzone: UTC\ncurrency: EUR\nlanguages: [en]\n---\n"
    documents, problems = read_documents(f"{workspace}{account}{PARCEL}---\n{USES}", "t.yaml")
    assert not problems
    for _ in range(25):
        broken = [spoilt(d, chance) if chance.random() < 0.4 else d for d in documents]
        found = [p for d in broken for p in check_document(d)]
        effective = fold((workspace_layer(tuple(map(sound, broken))),))
        compile_model(effective, PhysicalNames(), 1, earlier=found)
