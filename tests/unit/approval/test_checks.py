"""What is wrong with an approval before it ever runs."""

from __future__ import annotations

import pytest

from patron_engine.meta.check import check_document
from patron_engine.meta.reader import read_documents

HEAD = "kind: approval\nname: a\nobject: d\non: [submit]\nnodes:\n"


@pytest.mark.parametrize(
    "nodes, code",
    [
        ("  - {name: n, type: branch, cases: [{name: x, nodes: []}, {name: y, nodes: []}]}", "empty_branch"),
        ("  - {name: n, type: approve, who: {chosen_by: approver}}", "nobody_decides"),
        ("  - {name: n, type: approve, who: {approvers_of: m}}\n  - {name: m, type: approve, who: {role: x}}", "nobody_decides"),
        ("  - {name: n, type: approve, who: {approvers_of: n}}", "nobody_decides"),
        ('  - {name: n, type: branch, cases: [{name: x, when: "a > 1", nodes: []}, {name: y, when: "a  > 1", nodes: [{name: m, type: approve, who: {role: x}}]}, {name: z, nodes: []}]}', "node_never_reached"),
        ("  - {name: n, type: branch, cases: [{name: x, nodes: []}, {name: y, nodes: [{name: m, type: approve, who: {role: x}}]}]}", "case_never_reached"),
    ],
)  # fmt: skip
def test_what_could_never_go_on_is_told(nodes: str, code: str) -> None:
    documents, read = read_documents(HEAD + nodes, "a.yaml")
    found = [*read, *(p for d in documents for p in check_document(d))]
    assert code in {p.code for p in found}, [str(p) for p in found]


def test_a_person_from_before_is_somebody() -> None:
    nodes = "  - {name: n, type: approve, who: {role: x}}\n  - {name: m, type: approve, who: [{approvers_of: n}, {chosen_by: approver}]}"
    documents, _ = read_documents(HEAD + nodes, "a.yaml")
    assert not [p for p in check_document(documents[0]) if p.code == "nobody_decides"]
