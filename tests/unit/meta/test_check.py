"""Broken documents: each mistake has its code, its line, its path and a next step, and all are told at once."""

from __future__ import annotations

import pytest

from patron_engine.meta.check import check_document
from patron_engine.meta.reader import read_documents
from patron_engine.problems import Problem

VIEW = "kind: view\nname: v\nobject: account\n"
OBJECT = "kind: object\nname: deal\nfields:\n"
FLOW = "kind: automation\nname: a\nobject: deal\non: {event: created}\n"


def problems_of(text: str) -> list[Problem]:
    documents, faults = read_documents(text, "a.yaml")
    assert faults == []
    return [p for document in documents for p in check_document(document)]


BROKEN = [
    ("kind: setting\nname: s\ntype: integer\nlabel: {en: S}\nmax: 9999999999999999999999\n", "number_range", 5, "max", "every range"),
    # text, code, line, path, part of the hint or message
    ("kind: vieww\nname: v\n", "unknown_kind", 1, "kind", "'view'"),
    (VIEW + "colums: [name]\n", "unknown_key", 4, "colums", "'columns'"),
    (VIEW + "columns: [{feld: name}]\n", "unknown_key", 4, "columns[0].feld", "'field'"),
    (VIEW + "type: lst\n", "unknown_word", 4, "type", "'list'"),
    (VIEW + "type: kanban\n", "missing_key", 4, "type", "group_by"),
    (VIEW + "sort: name\n", "wrong_type", 4, "sort", "[ … ]"),
    (VIEW + "label: 2024\n", "wrong_type", 4, "label", 'quote it: "2024"'),
    (VIEW + "label:\n", "wrong_type", 4, "label", "quote the text"),
    (VIEW + "label: {en: A, zh-CM: B}\n", "unknown_language", 4, "label.zh-CM", "'zh-CN'"),
    (VIEW + "label: {en: Won, first: null}\n", "unknown_language", 4, "label.first", "quote"),
    (VIEW + "where: '=stage == 1'\n", "expression_sign", 4, "where", "no = before it"),
    (VIEW + "where: true\n", "wrong_type", 4, "where", "condition"),
    (VIEW + "for: {role: [a]}\n", "unknown_key", 4, "for.role", "'roles'"),
    (VIEW + "for: {share: 50}\n", "wrong_type", 4, "for.share", "60%"),
    (VIEW + "columns: [name, owner, name]\n", "duplicate_name", 4, "columns.name", "first in line 4"),
    (VIEW + "limit: 0\n", "out_of_range", 4, "limit", "less than 1"),
    ("kind: view\nname: V\nobject: a\n", "bad_name", 2, "name", "a-z"),
    ("kind: view\nname: a__b\nobject: a\n", "bad_name", 2, "name", "__"),
    ("kind: view\nname: v\n", "missing_key", 1, None, "object"),
    ("kind: option_set\nname: o\noptions: [a]\nfor: {roles: []}\n", "unknown_key", 4, "for", "keys here"),
    (OBJECT + "  - {name: a, type: txt}\n", "unknown_word", 4, "fields.a.type", "'text'"),
    (OBJECT + "  - {name: a, type: money, max_length: 4}\n", "key_not_here", 4, "fields.a.max_length", "scale"),
    (OBJECT + "  - {name: a, type: text}\n  - {name: a, type: date}\n", "duplicate_name", 5, "fields.a", "line 4"),
    (OBJECT + "  - {name: owner, type: user}\n", "reserved_name", 4, "fields.owner.name", "by itself"),
    (OBJECT + "  - {name: old, type: text}\n", "reserved_name", 4, "fields.old.name", "expressions"),
    (OBJECT + "  - {name: path, type: lookup, to: x}\n", "reserved_name", 4, "fields.path.name", "paths"),
    (OBJECT + "  - {name: x, type: lookup, to: y, reverse: sla}\n", "reserved_name", 4, "fields.x.reverse", "clocks"),
    (OBJECT + "  - {type: text}\n", "missing_key", 4, "fields[0]", "name"),
    (OBJECT + "  - {name: s, type: select}\n", "one_of", 4, "fields.s", "option_set"),
    (OBJECT + "  - {name: s, type: select, options: [a], option_set: b}\n", "one_of", 4, "fields.s.option_set", "one"),
    (OBJECT + "  - {name: s, type: select, options: [a, b, a]}\n", "duplicate_name", 4, "fields.s.options.a", "'a'"),
    (OBJECT + "  - {name: s, type: lookup}\n", "missing_key", 4, "fields.s", "write to:"),
    (OBJECT + "  - {name: r, type: rollup, of: l, function: sum}\n", "missing_key", 4, "fields.r", "field"),
    (OBJECT + "  - {name: t, type: text, pattern: '(?<!x)y'}\n", "bad_pattern", 4, "fields.t.pattern", "look-around"),
    (OBJECT + "  - {name: n, type: auto_number, pattern: SO-}\n", "bad_form", 4, "fields.n.pattern", "{0000}"),
    (OBJECT + "  - {name: n, type: auto_number, pattern: 'S{yy!}{00}'}\n", "bad_form", 4, "fields.n.pattern", "{yy!}"),
    (OBJECT + "  - {name: n, type: integer, min: 5, max: 4}\n", "out_of_range", 4, "fields.n.min", "more than max"),
    (OBJECT + "  - {name: m, type: master, to: a}\n  - {name: n, type: master, to: b}\n", "second_master", 5,
     "fields.n", "lookup"),
    (OBJECT + "  - {name: b, type: boolean, required: yes}\n", "none", None, None, ""),  # `yes` is a field's name
    (OBJECT + "  - {name: b, was: [c], type: text}\n  - {name: c, type: text}\n", "name_taken", 4, "fields.b.was", "alias"),
    ("kind: object\nname: deal\nhistory: yes\nfields: []\n", "wrong_type", 3, "history", "true or false"),
    ("kind: object\nname: deal\nfields: []\nrules: [{name: a, when: x}]\n", "missing_key", 4, "rules.a", "reader is told"),
    (FLOW + "steps: [{do: creat}]\n", "unknown_word", 5, "steps[0].do", "'create'"),
    (FLOW + "steps: [{do: create, object: a, url: x}]\n", "key_not_here", 5, "steps[0].url", "object"),
    (FLOW + "steps: [{do: wait, for: 3 dayz}]\n", "bad_duration", 5, "steps[0].for", "'days'"),
    (FLOW + "steps: [{do: wait}]\n", "one_of", 5, "steps[0]", "until"),
    (FLOW + "steps: [{do: set, set: {a: 1}}]\n", "step_not_here", 5, "steps[0].do", "timing: before"),
    (FLOW + "timing: before\nsteps: [{do: call, url: x}]\n", "step_not_here", 6, "steps[0].do", "timing: after"),
    (FLOW + "steps: [{do: notify, to: {role: a, user: b}, message: x}]\n", "people_twice", 5, "steps[0].to.user", "list"),
    (FLOW + "steps: [{do: notify, to: {below: true}, message: x}]\n", "people_missing", 5, "steps[0].to", "role"),
    (FLOW + "steps: [{do: notify, to: {role: a}}]\n", "one_of", 5, "steps[0]", "template"),
    (FLOW + "steps: [{do: branch, cases: [{name: a, steps: []}, {name: b, steps: []}]}]\n", "case_never_reached", 5,
     "steps[0].cases.a", "when"),
    (FLOW + "once: sometimes\nsteps: []\n", "unknown_word", 5, "once", "per_record"),
    ("kind: automation\nname: a\non: {event: created}\nsteps: []\n", "missing_key", 3, "on", "object"),
    ("kind: automation\nname: a\non: {event: schedule, cron: 0 25 * * *}\nsteps: []\n", "bad_form", 3, "on.cron", "hour"),
    ("kind: automation\nname: a\non: {event: crated}\nsteps: []\n", "unknown_word", 3, "on.event", "'created'"),
    ("kind: approval\nname: a\nobject: d\non: [submit]\nnodes:\n  - {name: n, type: approve, who: {role: x}, mode: al}\n",
     "unknown_word", 6, "nodes.n.mode", "'all'"),
    ("kind: approval\nname: a\nobject: d\non: [submit]\nnodes:\n  - {name: n, type: approve, who: {approvers_of: m}}\n",
     "unknown_name", 6, "nodes.n.who.approvers_of", "here are n"),
    ("kind: approval\nname: a\nobject: d\non: [submit]\nnodes:\n  - {name: n, type: branch, cases: [{name: x, nodes: []}]}\n",
     "empty_branch", 6, "nodes.n.cases", "no case"),
    ("kind: role\nname: r\nobjects: {deal: {read: mine}}\n", "unknown_word", 3, "objects.deal.read", "own_and_reports"),
    ("kind: role\nname: r\nobjects: {deal: {create: own}}\n", "wrong_type", 3, "objects.deal.create", "true or false"),
    ("kind: role\nname: r\nobjects: {deal: {read: {trough: x}}}\n", "unknown_key", 3, "objects.deal.read.trough",
     "'through'"),
    ("kind: role\nname: r\nactions: [unmaskk]\n", "unknown_word", 3, "actions.unmaskk", "'unmask'"),
    ("kind: report\nname: r\ntype: summary\nobject: d\nmeasures: [{name: a, function: sum}]\n", "missing_key", 5,
     "measures.a", "field"),
    ("kind: report\nname: r\ntype: summary\nobject: d\nmeasures: [{name: won, function: count}]\nsort: [-wun]\n",
     "unknown_name", 6, "sort.wun", "'won'"),
    ("kind: report\nname: r\ntype: funnel\nobject: d\npath: p\nmeasures: []\n", "key_not_here", 6, "measures", "count"),
    ("kind: report\nname: r\ntype: funnel\nobject: d\npath: p\nfigures: [{name: share}]\n", "unknown_name", 6,
     "figures.share", "conversion"),
    ("kind: dashboard\nname: d\ntiles: [{name: t, at: {x: 8, y: 0, w: 6, h: 1}, text: a}]\n", "out_of_range", 3,
     "tiles.t.at", "12"),
    ("kind: dashboard\nname: d\ntiles: [{name: t, at: {x: 0, y: 0, w: 6, h: 1}}]\n", "one_of", 3, "tiles.t", "report"),
    ("kind: menu\nname: m\nentries: [{name: e, object: a, report: b}]\n", "one_of", 3, "entries.e.report", "one"),
    ("kind: workspace\nname: workspace\nzone: Asia/Shangai\n", "unknown_zone", 3, "zone", "Asia/Shanghai"),
    ("kind: workspace\nname: mine\n", "workspace_name", 2, "name", "name: workspace"),
    ("kind: webform\nname: w\nobject: d\nfields: [a]\nopen: {from: 2026-02-30}\n", "bad_form", 5, "open.from", "calendar"),
    ("kind: pack\nname: p\nversion: 1.0\nlabel: P\n", "bad_form", 3, "version", "1.2.0"),
    ("kind: pack\nname: p\nversion: 1.0.0\nlabel: P\nrequires: {core: new}\n", "bad_form", 5, "requires.core", ">=1.0"),
    ("kind: check\nname: c\nsteps: [{as: me, do: create, object: d}]\n", "unknown_name", 3, "steps[0].as", "system"),
    ("kind: change\nof: account\nset: {a: 1}\n", "bad_form", 2, "of", "object/account"),
    ("kind: change\nof: object/account\nadd: {fields: [{name: c_a, type: txt}]}\n", "none", None, None, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "line", "path", "said"), BROKEN, ids=[f"{b[1]}-{b[3]}" for b in BROKEN]
)
def test_a_mistake_is_told_with_place_and_next_step(
    text: str, code: str, line: int | None, path: str | None, said: str
) -> None:
    found = problems_of(text)
    if code == "none":
        assert found == []
        return
    meant = [p for p in found if p.code == code and p.line == line and p.path == path]
    assert meant, [str(p) for p in found]
    assert said in f"{meant[0].message} {meant[0].hint}", str(meant[0])
    assert meant[0].file == "a.yaml"


def test_one_mistake_is_told_once() -> None:
    for text, code, *_ in BROKEN:
        if code != "none":
            assert len([p for p in problems_of(text) if p.level == "error"]) == 1, text


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    text = (
        "kind: object\nname: deal\ntilte: name\nfields:\n"
        "  - {name: a, type: txt}\n  - {name: id, type: text}\n  - {name: b, type: select}\n"
        "rules:\n  - {name: r, when: '=a'}\n"
    )
    assert [(p.line, p.code) for p in problems_of(text)] == [
        (3, "unknown_key"), (5, "unknown_word"), (6, "reserved_name"), (7, "one_of"),
        (9, "missing_key"), (9, "expression_sign"),
    ]  # fmt: skip


def test_system_names_are_free_where_the_object_does_not_have_them() -> None:
    fields = "fields: [{name: department, type: department}, {name: owner, type: user}]\n"
    assert problems_of(f"kind: object\nname: person\nowner: none\n{fields}") == []
    assert len(problems_of(f"kind: object\nname: person\n{fields}")) == 2


def test_words_that_expressions_use_are_free_for_documents_options_and_stages() -> None:
    assert problems_of("kind: option_set\nname: me\noptions: [old, this, none]\n") == []
    assert problems_of(OBJECT + "  - {name: class, type: text}\n  - {name: order, type: text}\n") == []


def test_a_last_case_with_a_condition_is_a_warning() -> None:
    found = problems_of(FLOW + "steps: [{do: branch, cases: [{name: a, when: x, steps: []}]}]\n")
    assert [(p.code, p.level) for p in found] == [("no_last_case", "warning")]


def test_values_of_records_are_not_taken_for_names() -> None:
    text = "kind: data\nname: d\nobject: source\nrecords: [{external_id: a, name: Web__}, {external_id: b, name: Web__}]\n"
    assert problems_of(text) == []


def fields(count: int) -> str:
    return OBJECT + "".join(f"  - {{name: f{n}, type: text}}\n" for n in range(count))


def test_limits_have_names() -> None:
    assert problems_of(fields(500)) == []
    (problem,) = problems_of(fields(501))
    assert (problem.code, problem.path) == ("too_many_fields", "fields")
    assert "500" in problem.message
    assert [p.code for p in problems_of(VIEW + f"label: {'x' * 100_001}\n")] == ["text_too_long"]


def test_words_that_are_maps_are_told_like_any_other() -> None:
    found = problems_of("kind: automation\nname: a\nobject: deal\non: {event: {and: [1]}}\n")
    assert ("wrong_type", "on.event") in {(p.code, p.path) for p in found}
