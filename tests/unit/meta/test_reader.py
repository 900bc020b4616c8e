"""The reader: YAML 1.2 values, the line of every part, and every way a file can be wrong."""

from __future__ import annotations

from decimal import Decimal
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron_engine.meta.document import Document
from patron_engine.meta.reader import MAX_DEPTH, MAX_FILE_BYTES, read_documents
from patron_engine.meta.writer import write_document, write_documents


def one(text: str | bytes) -> Document:
    documents, problems = read_documents(text, "a.yaml")
    assert problems == []
    assert len(documents) == 1
    return documents[0]


def faults(text: str | bytes, file: str = "a.yaml") -> list[tuple[str, int | None]]:
    return [(p.code, p.line) for p in read_documents(text, file)[1]]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("null", None), ("~", None), ("", None), ("true", True), ("false", False), ("12", 12), ("-3", -3), ("0", 0),
        ("1.50", Decimal("1.50")), ("-0.5", Decimal("-0.5")),
        # what other YAML readers take for something else stays the text that was written
        ("yes", "yes"), ("on", "on"), ("True", "True"), ("2024-01-01", "2024-01-01"), ("12:30", "12:30"),
        ("0123", "0123"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("1e3", "1e3"), (".5", ".5"), (".inf", ".inf"),
        ("+86", "+86"), ('"12"', "12"), ("'true'", "true"),
    ],
)  # fmt: skip
def test_plain_scalars_are_null_truths_and_exact_numbers(written: str, value: object) -> None:
    found = one(f"kind: view\nname: v\nx: {written}\n").body["x"]
    assert found == value
    assert type(found) is type(value)


def test_a_key_named_on_is_a_text() -> None:
    assert one("kind: automation\nname: a\non: {event: created}\n").body["on"] == {"event": "created"}


def test_a_version_stays_a_text() -> None:
    body = one("kind: pack\nname: p\nversion: 1.10\nrequires: {core: 1.10}\nprice: 1.10\n").body
    assert body["version"] == "1.10"
    assert body["requires"] == {"core": "1.10"}
    assert body["price"] == Decimal("1.10")


def test_every_part_has_its_line() -> None:
    document = one(
        "kind: object\nname: o\nfields:\n  - name: a\n    type: text\n  - {name: b,\n     type: money}\n"
    )
    assert document.line(("fields", 0, "type")) == 5
    assert document.line(("fields", 1)) == 6
    assert document.line(("fields", 1, "type")) == 7
    assert document.line(("fields", 1, "missing")) == 6
    assert document.where(("fields", 1, "type")) == {"file": "a.yaml", "line": 7, "path": "fields.b.type"}


def test_several_documents_keep_the_lines_of_the_file() -> None:
    documents, problems = read_documents(
        "kind: view\nname: a\n---\n# nothing\n---\nkind: view\nname: b\n", "a.yaml"
    )
    assert problems == []
    assert [(d.name, d.line(("name",))) for d in documents] == [("a", 2), ("b", 7)]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("kind: view\nname: v\nlabel: {en: Won, first touch}\n", "key_without_value", 3),
        ("kind: view\nname: v\nname: w\n", "duplicate_key", 3),
        ("kind: view\nname: v\nx: {a: 1, a: 2}\n", "duplicate_key", 3),
        ("kind: view\nname: v\nx: !!python/object/apply:os.system [ls]\n", "yaml_tag", 3),
        ("kind: view\nname: v\nx: !mine 5\n", "yaml_tag", 3),
        ("kind: view\nname: v\nx: *nothing\n", "yaml_syntax", 3),
        ("kind: view\nname: v\nx: &a [*a]\n", "yaml_alias", 3),
        ("kind: view\nname: v\nx:\n  <<: {a: 1}\n", "yaml_merge", 4),
        ("kind: view\nname: v\n? [a]\n: 1\n", "yaml_key", 3),
        ("kind: view\nname: v\n\tx: 1\n", "yaml_syntax", 3),
        ("kind: view\nname: v\nlabel: a: b\n", "yaml_syntax", 3),
        ("- a\n- b\n", "not_a_document", 1),
        ("name: v\n", "missing_key", 1),
        ("kind: view\n", "missing_key", 1),
        ("kind: view\nname: 5\n", "missing_key", 2),
        ("kind: change\nname: x\n", "missing_key", 1),
        ("kind: view\nname: v\nx: \x07\n", "yaml_character", None),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, code: str, line: int | None) -> None:
    found = faults(text)
    assert (code, line) in found or (code == "yaml_syntax" and ("yaml_alias", line) in found), found


def test_a_comma_in_a_text_says_quote_it() -> None:
    problem = read_documents("kind: view\nname: v\nlabel: {en: Won, first touch}\n", "a.yaml")[1][0]
    assert problem.hint == 'quote it: "Won, first touch"'
    assert problem.path == "label.first touch"


def test_all_problems_of_a_file_are_told_at_once() -> None:
    text = "kind: view\nname: v\nx: !a 1\nx: 2\ny: {a, b: 1}\n---\nkind: view\nname: w\nz: !b 1\n"
    assert faults(text) == [("yaml_tag", 3), ("duplicate_key", 4), ("key_without_value", 5), ("yaml_tag", 9)]


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    assert faults(b"kind: view\nname: \xff\n") == [("not_utf8", 2)]
    assert faults("kind: view\nname: \ud800\n") == [("not_utf8", None)]
    assert one(b"\xef\xbb\xbfkind: view\nname: v\n").name == "v"


def test_json_is_read_too() -> None:
    document, problems = read_documents(
        '{"kind": "view",\n "name": "v", "x": "\\ud83d\\ude00 \\/ 1"}', "a.json"
    )
    assert problems == []
    assert document[0].body["x"] == "😀 / 1"
    assert document[0].line(("x",)) == 2


def test_aliases_may_stand_for_values_and_may_not_grow() -> None:
    body = one("kind: view\nname: v\na: &a [1, {b: 2}]\nc: *a\n").body
    assert body["c"] == [1, {"b": 2}]
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
    )
    assert [code for code, _ in faults(f"kind: view\nname: v\n{bomb}")] == ["yaml_alias_growth"]


def test_depth_has_a_limit() -> None:
    def nested(depth: int) -> str:
        return f"kind: view\nname: v\nx: {'[' * depth}{']' * depth}\n"

    assert faults(nested(MAX_DEPTH)) == []
    assert faults(nested(MAX_DEPTH + 1)) == [("too_deep", 3)]


@pytest.mark.parametrize("mark", ["[", "{a: ", "- ", "a: &a\n ", "? "])
def test_hostile_nesting_is_refused_quickly(mark: str) -> None:
    began = thread_time()
    assert faults(f"kind: view\nname: v\nx:\n  {mark * 200_000}")
    assert thread_time() - began < 5


def test_size_has_a_limit() -> None:
    text = "kind: view\nname: v\n#"
    assert faults(text + "x" * (MAX_FILE_BYTES - len(text))) == []
    assert faults(text + "x" * (MAX_FILE_BYTES - len(text) + 1)) == [("file_too_large", None)]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
    | texts
    | st.sampled_from(
        ["yes", "no", "on", "null", "12", "1.5", "2024-01-01", "12:30", "=a + 1", "'=x", "- a", "a: b"]
    )
    | st.sampled_from(
        ["# no", "a\nb\n", "a\n  b", "\n", " x", "x ", "a, b", "[x]", "{y}", '"', "'", "\\", "|", "~"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(texts.filter(lambda k: k not in ("kind", "name", "version", "against", "platform",
                                                        "requires", "optional")), values, max_size=6))  # fmt: skip
def test_what_is_written_is_read_back(rest: dict[str, object]) -> None:
    body = {"kind": "view", "name": "v", **rest}
    text = write_document(body)
    document = one(text)
    assert document.body == body
    assert write_document(document.body) == text


def test_written_documents_are_readable() -> None:
    text = write_documents(
        [one("name: v\nlabel: {zh-CN: 客户, en: A}\ncolumns: [a, {total: sum, field: b}]\nkind: view\n")]
    )
    assert text == (
        "kind: view\nname: v\nlabel: {zh-CN: 客户, en: A}\ncolumns:\n  - a\n  - {total: sum, field: b}\n"
    )
