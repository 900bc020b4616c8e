"""The examples of the contract: every kind, whole, passes its check; and the schemas cover what people may write."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from patron_engine.meta.check import check_document
from patron_engine.meta.document import Document, is_expression, walk
from patron_engine.meta.kinds import KINDS, bundled_schema, schema
from patron_engine.meta.reader import read_documents
from patron_engine.meta.reference import WALKERS, expressions_of, references
from patron_engine.meta.writer import write_document

CONTRACT = Path(__file__).parent / "contract"


def examples() -> list[Document]:
    found: list[Document] = []
    for file in sorted(CONTRACT.glob("*.yaml")):
        documents, problems = read_documents(file.read_bytes(), file.name)
        assert problems == []
        found += documents
    return found


EXAMPLES = examples()
IDS = [f"{d.kind}-{d.name}" for d in EXAMPLES]


@pytest.mark.parametrize("document", EXAMPLES, ids=IDS)
def test_an_example_of_the_contract_passes(document: Document) -> None:
    assert [str(p) for p in check_document(document)] == []


@pytest.mark.parametrize("document", EXAMPLES, ids=IDS)
def test_an_example_is_written_and_read_back(document: Document) -> None:
    again, problems = read_documents(write_document(document.body), "again.yaml")
    assert problems == []
    assert again[0].body == document.body


def test_every_kind_has_an_example() -> None:
    assert {d.kind for d in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("document", EXAMPLES, ids=IDS)
def test_every_expression_of_an_example_is_found(document: Document) -> None:
    """By the key it stands under, or by its sign: nothing that is worked out escapes the table."""
    if document.kind == "change":
        return
    found = {use.path for use in expressions_of(document)}
    opaque = {"given", "steps", "then"} if document.kind == "check" else set()
    for path, value in walk(document.body):
        if not isinstance(value, str) or not path or path[0] in opaque:
            continue
        if path[-1] in ("when", "where", "expression", "stop_when", "done_when", "takes") or is_expression(
            value
        ):
            assert path in found, path


@pytest.mark.parametrize("kind", sorted({*KINDS, "common"}))
def test_a_schema_is_valid_closed_and_explains_every_key(kind: str) -> None:
    body = schema(kind)
    Draft202012Validator.check_schema(body)
    for path, part in walk(body):
        if isinstance(part, dict) and isinstance(part.get("properties"), dict) and path[-1:] != ("if",):
            assert part.get("additionalProperties") is not None, path
            for key, inner in part["properties"].items():
                known = isinstance(inner, dict) and ("description" in inner or "$ref" in inner)
                assert known, (*path, key)


def test_a_bundled_schema_stands_alone() -> None:
    plain = {"kind": "view", "name": "v", "object": "account", "columns": ["name"]}
    assert list(Draft202012Validator(bundled_schema("view")).iter_errors(plain)) == []
    assert list(Draft202012Validator(bundled_schema("view")).iter_errors({**plain, "colums": []}))


def test_every_kind_that_names_something_has_a_walker() -> None:
    assert set(KINDS) - set(WALKERS) == {"pack", "change", "option_set"}


def test_broken_documents_never_break_the_walkers() -> None:
    """Whatever stands where: the walkers collect what they understand and raise nothing."""
    junk: list[object] = [
        None,
        True,
        5,
        "x",
        "=x",
        [],
        ["=a", {"name": 1}],
        {},
        {"name": []},
        {"where": {"a": 1}},
    ]
    for document in EXAMPLES:
        for key in document.body:
            for value in junk:
                if key in ("kind", "name", "of"):
                    continue
                broken = Document(kind=document.kind, name=document.name, body={**document.body, key: value})
                references(broken)
                if value == {"name": []}:
                    check_document(broken)
