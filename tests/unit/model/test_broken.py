"""Broken definitions: each fault has its code, the line it stands on and, where there is one, the nearest right name."""

from __future__ import annotations

import pytest

from patron_engine.model import limits
from patron_testing.compiled import codes_of, problems_of

ACCOUNT = """
kind: object
name: account
fields:
  - {name: name, type: text}
  - {name: grade, type: select, options: [a, b]}
  - {name: amount, type: money}
"""

# fields of object deal, what is told: (code, line within the fields from 1, a piece of the message or hint)
FIELDS: list[tuple[str, str, int, str]] = [
    ("- {name: who, type: lookup, to: acount}", "unknown_object", 1, "did you mean 'account'"),
    ("- {name: a, type: lookup, to: account}\n- {name: g, type: formula, expression: a.grad}", "expr_unknown_name", 2, "grade"),
    ("- {name: g, type: formula, expression: \"1 + 'x'\"}", "expr_types", 1, "number"),
    ("- {name: x, type: formula, expression: y}\n- {name: y, type: formula, expression: x}", "formula_cycle", 1, "deal.x → deal.y → deal.x"),
    ("- {name: n, type: integer}\n- {name: f, type: formula, expression: n * 2, returns: text}", "formula_type", 2, "not text"),
    ("- {name: r, type: rollup, of: lines, function: count}", "unknown_set", 1, "no set 'lines'"),
    ("- {name: p, type: lookup, to: deal, tree: true, reverse: kids}\n- {name: t, type: text}\n- {name: r, type: rollup, of: kids, function: sum, field: t}",
     "rollup_type", 3, "needs a number"),
    (("- {name: p, type: lookup, to: deal, reverse: kids}\n- {name: r, type: rollup, of: kids, function: sum, field: s}\n"
     "- {name: s, type: formula, expression: r + 1}"), "formula_cycle", 2, "deal.r → deal.s → deal.r"),
    ("- {name: a, type: lookup, to: account}\n- {name: r, type: text, required: true, readonly: true}", "required_readonly", 2, "nobody may write"),
    ("- {name: f, type: formula, expression: '1', required: true}", "required_computed", 1, "worked out"),
    ("- {name: n, type: auto_number, pattern: 'A-{0000}', default: x}", "default_computed", 1, "no default"),
    ("- {name: n, type: integer, default: 1.5}", "not_integer", 1, "whole number"),
    ("- {name: n, type: integer, default: 50, max: 10}", "too_large", 1, "above 10"),
    ("- {name: s, type: select, options: [a, b], default: c}", "unknown_option", 1, "not one of"),
    ("- {name: d, type: date, default: tomorrow}", "not_date", 1, "not a date"),
    ("- {name: d, type: date, default: '=NOW()'}", "expr_result", 1, "date"),
    ("- {name: o, type: user, default: ann@example.org}", "link_literal", 1, "=me()"),
    ("- {name: a, type: lookup, to: account, default: '=me()'}", "wrong_object", 1, "user"),
    ("- {name: a, type: lookup, to: account, where: 'this.nme == name'}", "expr_unknown_name", 1, "name"),
    ("- {name: a, type: lookup, to: account, fill: {title: grade}}", "unknown_field", 1, "no field 'title'"),
    ("- {name: d, type: date}\n- {name: a, type: lookup, to: account, fill: {d: amount}}", "fill_type", 2, "a number"),
    ("- {name: a, type: lookup, to: account, required: true, on_delete: clear}", "clear_required", 1, "cannot be cleared"),
    ("- {name: a, type: lookup, to: account, reverse: grade}", "set_name_taken", 1, "a field"),
    ("- {name: a, type: lookup, to: account, reverse: x}\n- {name: b, type: lookup, to: account, reverse: x}", "set_name_taken", 2, "deal.a"),
    ("- {name: a, type: lookup, to: account, tree: true}", "tree_elsewhere", 1, "deal itself"),
    ("- {name: s, type: select, options: [{name: x, only_for: [y]}]}", "only_for_alone", 1, "controlled_by"),
    ("- {name: s, type: select, options: [{name: x, only_for: [y]}], controlled_by: t}\n- {name: t, type: select, options: [z]}", "unknown_option", 1, "'y'"),
    ("- {name: s, type: select, options: [x], controlled_by: t}\n- {name: t, type: select, options: [z], controlled_by: s}", "controller_cycle", 1, "itself"),
    ("- {name: s, type: select, options: [x, {name: y, retired: {to: z}}]}", "unknown_option", 1, "retired to 'z'"),
    ("- {name: s, type: select, option_set: gradez}", "unknown_option_set", 1, "gradez"),
    ("- {name: f, type: formula, expression: 'YEAR(TODAY())', unique: true}", "not_stored", 1, "stored: true"),
    ("- {name: t, type: text, max_length: 601, unique: true}", "limit_indexed_text", 1, "600"),
    ("- {name: i, type: integer, encrypted: true}", "not_encryptable", 1, "texts can"),
    ("- {name: e, type: text, encrypted: true}\n- {name: f, type: formula, expression: e}", "expr_encrypted", 2, "copied nowhere"),
    ("- {name: e, type: text, encrypted: true}\n- {name: f, type: formula, expression: \"e > 'a'\"}", "expr_encrypted", 2, "== 'text'"),
    ("- {name: e, type: text, encrypted: true}\n- {name: f, type: text, default: '=e'}", "expr_encrypted", 2, "copied nowhere"),
    ("- {name: e, type: text, encrypted: true}\n- {name: p, type: lookup, to: deal, reverse: kids}\n- {name: r, type: rollup, of: kids, function: first, field: e}",
     "rollup_type", 3, "encrypted"),
    ("- {name: p, type: lookup, to: deal, reverse: kids}\n- {name: r, type: rollup, of: kids, function: concat, field: p}", "rollup_type", 2, "joins texts"),
    ("- {name: n, type: auto_number, pattern: 'A-{00}', reset: master}", "reset_without_master", 1, "no detail"),
    ("- {name: m, type: master, to: deal}", "master_cycle", 1, "deal → deal"),
    ("- {name: created_at, type: date}", "name_taken", 1, "system field"),
    ("- {name: a, type: text}\n- {name: b, type: text, was: [c]}\n- {name: c, type: lookup, to: acc}", "unknown_object", 3, "account"),
    ("- {name: t, type: text, visible: 'nope == 1'}", "expr_unknown_name", 1, "nope"),
    ("- {name: c, type: formula, expression: 'WORKDAYS(TODAY(), TODAY())'}", "formula_no_sql", 1, "stored: true"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "code", "line", "piece"), FIELDS, ids=lambda v: v[:40] if isinstance(v, str) else None
)
def test_fields(fields: str, code: str, line: int, piece: str) -> None:
    indented = "\n".join(f"  {each}" for each in fields.split("\n"))
    problems = problems_of(f"{ACCOUNT}---\nkind: object\nname: deal\nfields:\n{indented}\n")
    found = [p for p in problems if p.code == code]
    assert found, problems
    first = ACCOUNT.count("\n") + 5
    assert found[0].line == first + line - 1
    assert found[0].file == "t.yaml" and found[0].path
    assert any(piece in f"{p.message} {p.hint}" for p in found), found


DEAL = f"""{ACCOUNT}---
kind: object
name: deal
title: name
fields:
  - {{name: name, type: text, required: true}}
  - {{name: account, type: lookup, to: account}}
  - {{name: stage, type: select, options: [new, won]}}
  - {{name: amount, type: money}}
  - {{name: code, type: formula, expression: account.name}}
---
"""

DOCUMENTS: list[tuple[str, str, str]] = [
    ("kind: view\nname: v\nobject: deel\ncolumns: [name]", "unknown_object", "did you mean 'deal'"),
    ("kind: view\nname: v\nobject: deal\ncolumns: [name, amont]", "unknown_field", "did you mean 'amount'"),
    ("kind: view\nname: v\nobject: deal\ncolumns: [name, account.grad]", "unknown_field", "did you mean 'grade'"),
    ("kind: view\nname: v\nobject: deal\ncolumns: [amount.grade]", "not_a_link", "no link"),
    ("kind: view\nname: v\nobject: deal\ncolumns: [name]\nwhere: stage == 'wonn'", "expr_unknown_option", "won"),
    ("kind: view\nname: v\nobject: deal\ncolumns: [name]\nwhere: amount", "expr_result", "condition"),
    ("kind: view\nname: v\nobject: account\ncolumns: [deals]", "set_not_field", "roll-up"),
    ("kind: approval\nname: a\nobject: account\non: [{update: [deals]}]\nnodes: []", "set_not_field", "of the record itself"),
    (("kind: object\nname: bag\nfields:\n- {name: p, type: lookup, to: bag, tree: true, reverse: kids}\n- {name: n, type: rollup, of: kids, function: count}\n---\n"
     "kind: approval\nname: a\nobject: bag\non: [submit, {update: [n]}]\nnodes: []"), "never_asked", "a stage"),
    ("kind: layout\nname: l\nobject: deal\nsections: [{name: a, fields: [amount]}]", "layout_lacks_required", "deal.name"),
    ("kind: duplicate_rule\nname: d\nobject: account\non: [create]\nmatch: [{name: a, fields: {name: person}, level: warn}]", "not_searched", "account.name"),
    ("kind: object\nname: sla_clock\nfields: [{name: about, type: lookup, to: [account]}]\n---\nkind: sla\nname: s\nobject: deal\nclocks: [{name: c, within: 1 hour}]",
     "nowhere_kept", "by a change of object/sla_clock"),
    ("kind: object\nname: bid\ncurrency: record\nfields:\n- {name: a, type: money}\n- {name: b, type: formula, expression: a / 2}", "mixed_currencies", "returns: money"),
    (("kind: object\nname: bid\ncurrency: record\nfields: [{name: a, type: money}]\n---\n"
     "kind: object\nname: bit\nfields:\n- {name: bid, type: master, to: bid, reverse: bits}\n- {name: a, type: money}"), "mixed_currencies", "in bit as well"),
    ("kind: layout\nname: l\nobject: deal\nsections: [{name: a, fields: [name]}, {name: b, table: lines, fields: [x]}]", "unknown_set", "lines"),
    ("kind: layout\nname: l\nobject: deal\nsections: [{name: a, fields: [name]}]\nactions: [fly]", "unknown_action", "fly"),
    ("kind: role\nname: r\nlabel: R\nobjects: {deels: {read: all}}", "unknown_object", "deal"),
    ("kind: role\nname: r\nlabel: R\nfields: {deal: {amout: none}}", "unknown_field", "amount"),
    ("kind: sharing\nname: s\nobject: deal\nwhere: amount > 1\nto: [{role: nobody}]\ngive: read", "unknown_role", "nobody"),
    ("kind: menu\nname: m\nlabel: M\nentries: [{name: a, report: r}]", "unknown_report", "'r'"),
    ("kind: data\nname: d\nobject: deal\nmode: create_once\nrecords: [{external_id: a, name: A, stage: newish}]", "unknown_option", "newish"),
    ("kind: data\nname: d\nobject: deal\nmode: create_once\nrecords: [{external_id: a, nam: A}]", "unknown_field", "name"),
    ("kind: check\nname: c\ngiven: {records: [{name: a, object: deal, set: {name: A, amount: many}}]}\nsteps: [{do: update, record: b, set: {}}]\nthen: []",
     "not_number", "many"),
    ("kind: check\nname: c\ngiven: {records: [{name: a, object: deal, set: {name: A}}]}\nsteps: [{do: update, record: b, set: {}}]\nthen: []",
     "unknown_name", "'b'"),
    ("kind: setting\nname: s\ntype: integer\ndefault: lots", "not_integer", "lots"),
    ("kind: automation\nname: a\nobject: deal\non: {event: updated, fields: [stag]}\nsteps: [{name: s, do: update, set: {amount: \"='x'\"}}]",
     "unknown_field", "stage"),
    ("kind: automation\nname: a\nobject: deal\non: {event: created}\nsteps: [{name: s, do: update, set: {amount: \"=name\"}}]", "expr_result", "a number"),
    ("kind: automation\nname: a\nobject: deal\non: {event: created}\nsteps: [{name: s, do: create, object: deal, set: {account: \"=owner\"}}]",
     "wrong_object", "account"),
    ("kind: stage_path\nname: p\nobject: deal\nfield: stage\nstages: [{name: won}, {name: lost}]", "unknown_option", "lost"),
    ("kind: segment\nname: s\nobject: deal\nwhere: COUNT(linez) > 0", "expr_unknown_name", "linez"),
    ("kind: workspace\nname: workspace\nzone: Asia/Beijing\ncurrency: CNY\nlanguages: [en]", "unknown_zone", "Asia/Shanghai"),
    ("kind: workspace\nname: workspace\nzone: Asia/Shanghai\ncurrency: YUAN\nlanguages: [en]", "unknown_currency", "YUAN"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "code", "piece"), DOCUMENTS, ids=lambda v: v.replace("\n", " ")[:50])
def test_documents(document: str, code: str, piece: str) -> None:
    problems = problems_of(DEAL + document)
    found = [p for p in problems if p.code == code]
    assert found, problems
    assert all(p.line is not None and p.line > DEAL.count("\n") for p in found)
    assert any(piece in f"{p.message} {p.hint}" for p in found), found


def test_objects() -> None:
    problems = problems_of("""
kind: object
name: deal
title: amount
rate_date: name
search: [done, nme]
fields:
  - {name: name, type: text}
  - {name: amount, type: money}
  - {name: done, type: boolean}
  - {name: photo, type: image}
  - {name: twin, type: lookup, to: account, same_currency: true}
  - {name: twins, type: lookup, to: account, many: true, same_currency: true}
unique:
  - {name: a, fields: [photo]}
  - {name: b, fields: [name], where: "created_at > NOW()"}
  - {name: c, fields: [name], where: "owner.name == 'x'"}
indexes: [{name: d, fields: [-amont]}]
rules: [{name: r, when: amount, message: x}]
record_types: [{name: t, options: {nope: [a]}}]
""")
    assert {
        "title_type",
        "rate_date_alone",
        "same_currency_alone",
        "same_currency_many",
        "rate_date_type",
        "search_type",
        "unknown_field",
        "not_stored",
        "index_condition",
    } <= set(codes_of(problems))
    assert [p.path for p in problems if p.code == "index_condition"] == ["unique.b.where"]


def test_details_nest_three_levels() -> None:
    def chain(levels: int) -> str:
        first = "kind: object\nname: o0\nfields: [{name: name, type: text}]\n"
        return first + "".join(
            f"---\nkind: object\nname: o{n}\nfields: [{{name: m, type: master, to: o{n - 1}, reverse: d{n}}}]\n"
            for n in range(1, levels)
        )

    assert "limit_detail_depth" not in codes_of(problems_of(chain(3)))
    assert "limit_detail_depth" in codes_of(problems_of(chain(4)))


@pytest.mark.parametrize(("count", "told"), [(limits.FIELDS, False), (limits.FIELDS + 1, True)])
def test_an_object_has_at_most_so_many_fields(count: int, told: bool) -> None:
    fields = "\n".join(f"  - {{name: f{n}, type: boolean}}" for n in range(count))
    assert ("limit_fields" in codes_of(problems_of(f"kind: object\nname: wide\nfields:\n{fields}\n"))) is told


@pytest.mark.parametrize(("count", "told"), [(limits.INDEXES, False), (limits.INDEXES + 1, True)])
def test_an_object_has_at_most_so_many_indexes(count: int, told: bool) -> None:
    fields = "\n".join(f"  - {{name: f{n}, type: boolean, indexed: true}}" for n in range(count))
    assert (
        "limit_indexes" in codes_of(problems_of(f"kind: object\nname: wide\nfields:\n{fields}\n"))
    ) is told


@pytest.mark.parametrize(("count", "told"), [(limits.FORMULA_DEPTH, False), (limits.FORMULA_DEPTH + 1, True)])
def test_formulas_build_on_each_other_only_so_far(count: int, told: bool) -> None:
    chain = "\n".join(
        f"  - {{name: f{n}, type: formula, expression: f{n + 1} + 1}}" for n in range(count - 1)
    )
    text = f"kind: object\nname: deep\nfields:\n{chain}\n  - {{name: f{count - 1}, type: formula, expression: '1'}}\n"
    assert ("limit_formula_depth" in codes_of(problems_of(text))) is told


def test_removing_what_is_used_is_refused_and_says_where() -> None:
    problems = problems_of(
        DEAL + "kind: view\nname: v\nobject: deal\ncolumns: [name, amount]\n",
        "kind: change\nof: object/deal\nagainst: 1.0.0\nremove: [fields.amount]\n",
    )
    assert [(p.code, p.path, p.file) for p in problems if p.level == "error"] == [
        ("removed_field", "columns.amount", "t.yaml")
    ]
    assert "workspace" in problems[0].message


def test_all_problems_come_at_once() -> None:
    problems = problems_of(
        DEAL + "kind: view\nname: v\nobject: deal\ncolumns: [a, b]\nwhere: c == d\nsort: [e]\n"
    )
    assert sorted(p.path for p in problems if p.path) == [
        "columns.a",
        "columns.b",
        "sort.e",
        "where",
        "where",
    ]
