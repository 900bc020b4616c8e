"""Hostile questions through the way read: refused with a code and a place, or taken literally; the table stays whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.query.parse import parse_body, parse_parameters
from patron_engine.query.spec import Ask
from patron_engine.ways.read import read, read_one
from patron_testing.build import Records, build_workspace
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

SECRET = b"a key of the tests"


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Records]:
    """The workspace, built once; every test undoes what it did."""
    url = server.make()
    with psycopg.connect(url) as conn:
        yield Records(conn, build_workspace(conn, DOCUMENTS))
    server.drop(url)


@pytest.fixture
def r(built: Records) -> Iterator[Records]:
    with built.conn.transaction(force_rollback=True):
        for name in ("100% sure", "under_score", "back\\slash", "O'Brien", "plain"):
            built.create("account", name=name, city="X")
        yield built


def page(r: Records, **parameters: str) -> list[dict[str, Any]]:
    ask = parse_parameters("account", parameters)
    return read(r.conn, r.call, ask, secret=SECRET).rows()


NAMES = [
    "name; DROP TABLE account--", "(select pg_sleep(5))", "pg_sleep(5)", "field(strcmp(phone,'x'),-1)",
    "CASE WHEN name>'a' THEN 1 END", "name desc nulls last", "name ", " name", "NAME", "Name", "ｎame", "name%00",
    'name") or 1=1--', "name'--", "1", "name::text", "account.name", "w_test.account.name", "ctid", "xmin", "tableoid",
    "oid", "name__sort", "delete_batch", "__class__", "constructor", "name.x", "parent.", ".name", "..", "parent.parent.xmin",
    "name:alias", "*", "--name", "-", "", "count(*)", "a" * 500, "parent['x']; drop", "parent[account].name", "\u202ename",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["sort", "fields"])
def test_names_are_keys_of_a_dictionary_and_nothing_else(r: Records, place: str, name: str) -> None:
    if (place, name) in (("fields", "*"), ("fields", ""), ("sort", "")):
        return
    ask = Ask(object="account", **{place: (name,)})  # type: ignore[arg-type]
    before = time.monotonic()
    if name == "parent[account].name":
        read(r.conn, r.call, ask, secret=SECRET)
        return
    with pytest.raises(Refused) as refused:
        read(r.conn, r.call, ask, secret=SECRET)
    assert time.monotonic() - before < 10
    assert {p.path for p in refused.value.problems} == {place}
    assert {p.code for p in refused.value.problems} <= {"unknown_field", "not_sortable"}
    assert len(page(r)) == 5


@pytest.mark.parametrize(
    "where",
    [
        "name == 'x'; DROP TABLE account",
        "1=1 or pg_sleep(5)",
        "pg_sleep(5) == 1",
        "name == 'a' -- comment",
        "name == 'a' /* */",
        "xmin == 1",
        "w_test.account.name == 'x'",
        "(select 1) == 1",
        'name == "x" OR "1"="1" UNION SELECT 1',
        "name = 1 or 1=1 --",
        'DATEADD(created_at, 1, "year from now()),(select current_user) --") > NOW()',
        "PG_READ_FILE('/etc/passwd') == ''",
        "QUERY_TO_XML('select 1') == ''",
        "set_config('a', 'b', false) == ''",
        "name.__class__ == 1",
        "name[0] == 'x'",
        "lambda: 1",
        "[x for x in name]",
        "name == f'{1}'",
        "9**9**9 > 1",
        "name == 'x' and " * 300 + "true",
        "(" * 200 + "1" + ")" * 200 + " == 1",
        "\x00",
        "name == '\ud800'",
        "name",
        "1 + 'a' > 2",
        "MATCHES(name, '^(a+)+$(')",
    ],
)
def test_conditions_are_the_language_and_nothing_else(r: Records, where: str) -> None:
    before = time.monotonic()
    with pytest.raises(Refused) as refused:
        page(r, where=where)
    assert time.monotonic() - before < 10
    assert {p.path for p in refused.value.problems} == {"where"}
    assert len(page(r)) == 5


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("CONTAINS(name, '%')", ["100% sure"]),
        ("CONTAINS(name, '_')", ["under_score"]),
        ("CONTAINS(name, '\\\\')", ["back\\slash"]),
        ("name == 'O\\'Brien'", ["O'Brien"]),
        ("STARTS_WITH(name, '1__%')", []),
        ("name == '\\' OR \\'1\\'=\\'1'", []),
        ("name == '); delete from account; --'", []),
        ("name == '%s %(x)s {}'", []),
    ],
)
def test_values_are_taken_literally(r: Records, where: str, found: list[str]) -> None:
    assert [x["name"] for x in page(r, where=where)] == found
    assert len(page(r)) == 5


@pytest.mark.parametrize(
    "q",
    [
        "a & ! ( , :*",
        "'; drop table account; --",
        "%",
        "_",
        "!!!",
        "a " * 5_000,
        "x" * 100_000,
        "\\",
        "的",
        "{a,b}",
        '"',
        "a:*",
    ],
)
def test_search_words_are_only_words(r: Records, q: str) -> None:
    before = time.monotonic()
    found = read(r.conn, r.call, Ask(object="account", q=q), secret=SECRET).rows()
    assert time.monotonic() - before < 10
    assert isinstance(found, list)
    assert len(page(r)) == 5


@pytest.mark.parametrize(
    "id", ["", "1", "' or 1=1", "../x", "0" * 36, "{0198c0de-0000-7000-8000-000000000009}", "\x00"]
)
def test_what_is_no_id_is_no_record(r: Records, id: str) -> None:
    with pytest.raises(NotFound):
        read_one(r.conn, r.call, "account", id)


@pytest.mark.parametrize(
    "object", ["", "Account", "account ", "sys__history", "pg_class", "account; drop", "w_test.account"]
)
def test_what_is_no_object_is_not_found(r: Records, object: str) -> None:
    with pytest.raises(NotFound):
        read(r.conn, r.call, Ask(object=object), secret=SECRET)


def test_many_ids_are_one_array_and_past_the_limit_refused(r: Records) -> None:
    id = page(r)[0]["id"]
    many = [id] + [f"0198c0de-0000-7000-8000-{n:012d}" for n in range(999)]
    found = read(r.conn, r.call, parse_body("account", {"ids": many}), secret=SECRET).rows()
    assert [x["id"] for x in found] == [id]
    with pytest.raises(Refused, match="at most 1,000"):
        parse_body("account", {"ids": [*many, id.replace("0", "1")]})
    with pytest.raises(Refused):
        page(r, where=f"id in ({', '.join([repr(id)] * 66_000)})")


def test_joins_have_a_limit_with_a_name(r: Records) -> None:
    paths = [
        f"{'parent.' * depth}{last}"
        for depth in range(1, 6)
        for last in ("name", "created_by.name", "updated_by.name")
    ]
    several = tuple(p for p in paths if p.count(".") <= 5) + tuple(
        f"parent.{'parent.' * n}owner.name" for n in range(4)
    )
    several += tuple(f"{'parent.' * n}owner.manager.name" for n in range(4))
    with pytest.raises(PatronError) as error:
        read(r.conn, r.call, Ask(object="account", fields=several), secret=SECRET)
    assert error.value.code == "query_joins"
    with pytest.raises(Refused) as deep:
        read(r.conn, r.call, Ask(object="account", fields=("parent." * 6 + "name",)), secret=SECRET)
    assert deep.value.problems[0].code == "query_steps"


def test_a_query_that_takes_too_long_is_a_named_limit(r: Records) -> None:
    with r.conn.transaction():
        r.conn.execute("SET LOCAL statement_timeout = '1ms'")
        r.conn.execute("LOCK TABLE w_test.account IN ACCESS SHARE MODE")
        with pytest.raises(PatronError) as error:
            for _ in range(200):
                read(
                    r.conn,
                    r.call,
                    Ask(object="account", where="LEN(REPLACE(name, 'a', 'b')) > 0", count="exact"),
                    secret=SECRET,
                )
            raise AssertionError("1 ms was enough 200 times")
        assert error.value.code == "query_time"
        raise psycopg.Rollback()
