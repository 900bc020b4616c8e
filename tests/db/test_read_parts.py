"""A page is read in parts where an index serves one: strung together, pages are what one statement sorts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.query import fetch, sql
from patron_engine.query.call import Call
from patron_engine.query.rows import Shape
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.ways.read import figures, read, walk
from patron_engine.ways.save import save
from patron_testing.build import Records, build_workspace
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

SECRET = b"a key of the tests"
WORLD = (
    DOCUMENTS.replace("{name: grade, type: select,", "{name: grade, type: select, indexed: true,")
    .replace(
        "search: [name, phone]",
        "search: [name, phone]\nindexes: [{name: graded, fields: [grade, code]}, {name: bare, fields: [bare, name]}]",
    )
    .replace(
        "  - {name: tags,", "  - {name: bare, type: select, label: Bare, options: []}\n  - {name: tags,", 1
    )
    + "---\n{kind: view, name: changed_lately, object: account, columns: [name], sort: [-updated_at]}\n"
    + "---\n{kind: object, name: queue, label: queue, title: name, owner: none, fields: [{name: name, type: text, label: N},"
    + " {name: code, type: text, label: C}, {name: members, type: user, many: true, label: M}]}\n"
    + "---\n{kind: object, name: group, label: group, title: name, owner: none, fields: [{name: name, type: text, label: N},"
    + " {name: code, type: text, label: C}, {name: members, type: user, many: true, label: M}]}\n"
    + "---\n{kind: role, name: names, objects: {account: {read: all, where: {read: code != None}}}, fields: {account: {name: read, '*': none}}}\n"
    + "---\n{kind: role, name: graded, objects: {account: {read: all, where: {read: grade == 'a'}}}}\n"
)
SORTS: tuple[tuple[str, ...], ...] = (
    ("name",), ("-name",), ("name", "-grade"), ("grade",), ("-grade",), ("grade", "name"), ("-grade", "-name"),
    ("grade", "-code"), ("parent",), ("-parent",), ("parent", "name"), ("-parent", "-grade"), ("parent", "parent.id"),
    ("parent.grade",), ("-parent.grade", "name"), ("parent.parent", "grade"), ("code",), ("-code",),
    ("-updated_at",), ("-updated_at", "name"), ("updated_at",),
)  # fmt: skip


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[tuple[Records, Call]]:
    """Accounts with and without a grade, a code, a parent; parents of one title, without one, in the recycle bin. And the call of a person who
    reads of most of them their name alone."""
    url = server.make()
    with psycopg.connect(url) as conn:
        r = Records(conn, build_workspace(conn, WORLD))
        tops = [
            r.create("account", name=name, grade=grade)
            for name, grade in (("Same", "a"), ("Same", None), ("张三", "c"), ("Gone", "b"))
        ]
        below = r.create("account", name="Below", grade="b", parent=tops[0])
        for n in range(31):
            parent = (*tops, below, None)[n % 6]
            r.create(
                "account", name=f"a{n * 7 % 5}", grade=("c", None, "a", "b")[n % 4], parent=parent,
                code=f"k{n}" if n % 3 else None,
            )  # fmt: skip
        save(r.conn, r.call, [Change(action="delete", object="account", id=tops[3])])
        # changed minutes, hours, days and months ago, some of them in the same moment
        conn.execute(
            f"UPDATE {r.call.schema}.account a SET updated_at = %s - power(o.n / 3, 4) * interval '7 minutes'"
            f" FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM {r.call.schema}.account) o WHERE o.id = a.id",
            (r.call.now,),
        )
        half = Actor(user=r.create("user", name="Half"), roles=frozenset({"names", "graded"}))
        yield r, replace(r.call, actor=half)
    server.drop(url)


@pytest.fixture
def many(world: tuple[Records, Call]) -> Records:
    return world[0]


def pages(r: Records, sort: tuple[str, ...], limit: int, where: str | None = None) -> list[str]:
    seen: list[str] = []
    after = None
    for _ in range(60):
        found = read(
            r.conn,
            r.call,
            Ask(object="account", fields=("id",), sort=sort, limit=limit, after=after, where=where),
            secret=SECRET,
        )
        assert len(found.rows()) <= limit
        seen += [row["id"] for row in found.rows()]
        after = found.next
        if after is None:
            break
    return seen


@pytest.mark.parametrize("limit", [1, 4, 200])
@pytest.mark.parametrize("sort", SORTS, ids=",".join)
def test_pages_are_what_one_statement_sorts(many: Records, sort: tuple[str, ...], limit: int) -> None:
    ask = Ask(object="account", fields=("id",), sort=sort)
    whole = [str(row["id"]) for part in walk(many.conn, many.call, ask) for row in part]
    assert pages(many, sort, limit) == whole and len(whole) == 35


@pytest.mark.parametrize("sort", [("-updated_at",), ("-updated_at", "-grade")], ids=",".join)
def test_so_are_those_of_what_was_changed_lately_among_many(
    many: Records, sort: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "is_large", lambda *_: True)
    ask = Ask(object="account", fields=("id",), sort=sort)
    whole = [str(row["id"]) for part in walk(many.conn, many.call, ask) for row in part]
    for limit in (1, 4, 200):
        assert pages(many, sort, limit) == whole
    with many.conn.transaction(force_rollback=True):
        many.conn.execute("SET LOCAL enable_seqscan = off")
        lately = f"SELECT * FROM {many.call.schema}.account WHERE updated_at >= now() - interval '2 hours'"
        plan = many.conn.execute(f"EXPLAIN {lately}").fetchall()
    assert any("account__updated__ix" in line for (line,) in plan)


@pytest.mark.parametrize("sort", ["-updated_at", "updated_at", "-created_at"])
def test_rows_on_which_the_moment_is_hidden_come_last_and_none_is_lost(
    world: tuple[Records, Call], sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "is_large", lambda *_: True)
    half = Records(world[0].conn, world[1])
    ask = Ask(object="account", fields=("id", sort.removeprefix("-")), sort=(sort,))
    whole = [row for part in walk(half.conn, half.call, ask) for row in part]
    seen = [row[sort.removeprefix("-")] is not None for row in whole]
    assert True in seen and False in seen and seen == sorted(seen, reverse=True)
    for limit in (1, 4, 200):
        assert pages(half, (sort,), limit) == [str(row["id"]) for row in whole]


@pytest.mark.parametrize(
    "where",
    [
        "grade in ('a', 'c')",
        "grade not in ('a', 'c')",
        "grade != 'b' and name != 'a2'",
        "grade == None",
        "not (grade == 'a')",
    ],
)
def test_so_are_those_of_some_options_in_the_order_of_something_else(
    many: Records, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a record whose option the definition does not know any more."""
    asked: list[str] = []
    made = sql.listing

    def kept(*given: Any) -> Any:
        found = made(*given)
        asked.append(found.statement.text)
        return found

    monkeypatch.setattr(sql, "listing", kept)
    monkeypatch.setattr(fetch, "is_large", lambda *_: True)
    with many.conn.transaction(force_rollback=True):
        many.conn.execute(
            f"UPDATE {many.call.schema}.account SET grade = 'bb' WHERE id ="
            f" (SELECT id FROM {many.call.schema}.account WHERE grade = 'b' AND deleted_at IS NULL ORDER BY id LIMIT 1)"
        )
        for sort in (("code",), ("-code", "name")):
            ask = Ask(object="account", fields=("id",), sort=sort, where=where)
            whole = [str(row["id"]) for part in walk(many.conn, many.call, ask) for row in part]
            assert len(whole) > 5
            for limit in (2, 200):
                assert pages(many, sort, limit, where) == whole
    assert any("UNION ALL" in text for text in asked)
    assert pages(many, ("name",), 200, "bare == None"), "a choice without options has no arms"


@pytest.mark.parametrize(
    ("sort", "short"), [("parent", 2), ("-parent", 2), ("grade", 4), ("-parent.grade", 2), ("-name", 2)]
)
def test_a_full_page_needs_one_statement_and_a_short_one_as_many_as_there_are_parts(
    many: Records, sort: str, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Shape] = []
    made = sql.listing

    def counted(call: Any, question: Any, shape: Shape) -> Any:
        asked.append(shape)
        return made(call, question, shape)

    monkeypatch.setattr(sql, "listing", counted)
    for limit, wanted in ((3, 1), (199, short)):
        asked.clear()
        read(
            many.conn,
            many.call,
            Ask(object="account", fields=("id", "city"), sort=(sort,), limit=limit),
            secret=SECRET,
        )
        assert len(asked) == wanted and all(shape.part is not None for shape in asked)


def test_groups_are_counted_whether_they_stand_for_a_link_an_option_or_a_computed_value(
    many: Records,
) -> None:
    by_grade = {
        row[0]: row[1:]
        for row in figures(many.conn, many.call, Ask(object="account"), [("count", "code")], "grade")
    }
    assert by_grade["a"] == (9, 5) and sum(row[0] for row in by_grade.values()) == 35 and None in by_grade
    by_parent = figures(many.conn, many.call, Ask(object="account"), [], "parent.grade")
    assert sum(row[1] for row in by_parent) == 35
    shares = figures(many.conn, many.call, Ask(object="account"), [("sum", "deals_count")], "won_share")
    assert shares == [(None, 35, 0)]
