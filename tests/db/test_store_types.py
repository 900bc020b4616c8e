"""Fields that change their type, go and come back: what becomes of their values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_engine.errors import Refused
from patron_engine.store import catalog, plan, preview
from patron_engine.store.apply import apply
from patron_testing.workspace_tables import WorkspaceTables


def thing(*fields: str) -> str:
    listed = "".join(f"  - {{{f}}}\n" for f in fields)
    return f"kind: object\nname: thing\ntitle: name\nowner: none\nfields:\n  - {{name: name, type: text}}\n{listed}"


AS_TEXT = thing("name: size, type: text")
AS_NUMBER = thing("name: size, type: decimal, scale: 2")
GONE = thing()


@pytest.fixture
def workspace(database_url: str) -> Iterator[WorkspaceTables]:
    made = WorkspaceTables(database_url)
    made.change(AS_TEXT)
    yield made
    made.close()


def sizes(workspace: WorkspaceTables) -> list[object]:
    column = workspace.column("thing", "size")
    return [r[0] for r in workspace.rows(f'SELECT "{column}" FROM w.thing ORDER BY name')]


def fill(workspace: WorkspaceTables, *values: str) -> None:
    column = workspace.column("thing", "size")
    for number, value in enumerate(values):
        workspace.add("thing", 1, name=f"'{number}'", **{column: value})


def test_the_preview_names_values_that_cannot_be_converted_and_refuses(workspace: WorkspaceTables) -> None:
    fill(workspace, "'1'", "'2.50'", "'three'", "NULL", "'1,000'")
    made = workspace.planned(workspace.compile(AS_NUMBER))
    (preview,) = made.previews
    assert (preview["converts"], preview["loses"], preview["fails"]) == (3, 0, 1)
    assert preview["samples"][0]["value"] == "three"
    (risk,) = [r for r in made.risks if r.level == "error"]
    assert risk.code == "mf_conversion_fails"
    assert "'three'" in risk.message


def test_values_that_lose_something_are_shown_and_need_a_confirmation(workspace: WorkspaceTables) -> None:
    workspace.change(AS_NUMBER)
    fill(workspace, "1.5", "2")
    made = workspace.planned(workspace.compile(thing("name: size, type: integer")))
    (risk,) = [r for r in made.risks if r.level == "warning"]
    assert risk.code == "ds_conversion_loses"
    assert "1.5" in risk.message


def test_values_convert_and_the_old_ones_stay_aside(workspace: WorkspaceTables) -> None:
    fill(workspace, "'1'", "'2.50'", "NULL")
    before = workspace.column("thing", "size")
    workspace.change(AS_NUMBER)
    assert [None if s is None else float(str(s)) for s in sizes(workspace)] == [1.0, 2.5, None]
    assert workspace.rows(f'SELECT "{before}" FROM w.thing ORDER BY name') == [("1",), ("2.50",), (None,)]


def test_rolling_back_finds_originals_and_carries_back_what_was_written_since(
    workspace: WorkspaceTables,
) -> None:
    fill(workspace, "'1.0'", "'2.50'", "'3'", "NULL")
    workspace.change(AS_NUMBER)
    column = workspace.column("thing", "size")
    workspace.do(f"UPDATE w.thing SET \"{column}\" = 9 WHERE name = '1'")
    workspace.do(f"UPDATE w.thing SET \"{column}\" = NULL WHERE name = '2'")
    workspace.do(f"UPDATE w.thing SET \"{column}\" = 7.5 WHERE name = '3'")
    workspace.change(AS_TEXT, back=True)
    assert sizes(workspace) == ["1.0", "9", None, "7.5"]


def test_a_value_that_went_bad_after_the_plan_refuses_the_publication(workspace: WorkspaceTables) -> None:
    fill(workspace, "'1'")
    made = workspace.planned(workspace.compile(AS_NUMBER))
    workspace.do("UPDATE w.thing SET size = 'bad'")
    with pytest.raises(Refused) as refused:
        apply(workspace.conn, made)
    assert refused.value.problems[0].code == "mf_conversion_fails"
    workspace.conn.rollback()
    assert sizes(workspace) == ["bad"]


def test_a_large_table_is_converted_by_a_task_and_goes_on_where_it_stopped(
    workspace: WorkspaceTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "SMALL_CONVERSION", 10)
    workspace.add("thing", 5_000, name="'n' || i", size="CASE WHEN i % 1000 = 0 THEN '9' ELSE i::text END")
    made = workspace.change(AS_NUMBER)
    assert [t.kind for t in made.tasks] == ["convert_column"]
    column = workspace.column("thing", "size")
    workspace.do(f"UPDATE w.thing SET \"{column}\" = -1 WHERE name = 'n7'")  # somebody was faster
    (task,) = workspace.run_tasks()
    assert (task.state, task.progress["written"], task.progress["failures"]) == ("done", 4_999, 0)
    rows = workspace.rows(f'SELECT count(*), sum("{column}") FROM w.thing')
    assert [(n, int(total)) for n, total in rows] == [
        (5_000, sum(i if i % 1000 else 9 for i in range(1, 5_001)) - 8)
    ]


def test_rolling_back_before_the_task_ran_loses_nothing(
    workspace: WorkspaceTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "SMALL_CONVERSION", 2)
    fill(workspace, "'1'", "'2'", "'3'")
    workspace.change(AS_NUMBER)
    column = workspace.column("thing", "size")
    workspace.do(f"UPDATE w.thing SET \"{column}\" = 8 WHERE name = '1'")
    workspace.change(AS_TEXT, back=True)
    assert {t.state for t in workspace.run_tasks()} == {"done"}
    assert sizes(workspace) == ["1", "8", "3"]


def test_a_removed_field_is_found_again_by_a_rollback(workspace: WorkspaceTables) -> None:
    fill(workspace, "'1'")
    made = workspace.change(GONE)
    assert made.empty
    assert "ds_kept_aside" in {r.code for r in made.risks}
    workspace.change(AS_TEXT, back=True)
    assert sizes(workspace) == ["1"]


def test_a_new_field_of_a_taken_name_starts_empty(workspace: WorkspaceTables) -> None:
    fill(workspace, "'1'")
    workspace.change(GONE)
    workspace.change(AS_TEXT)
    assert sizes(workspace) == [None]
    assert workspace.column("thing", "size") == "size__2"


def test_a_rename_changes_no_table(workspace: WorkspaceTables) -> None:
    fill(workspace, "'1'")
    made = workspace.change(thing("name: extent, was: [size], type: text"))
    assert made.empty
    assert workspace.column("thing", "extent") == "size"


def test_one_link_becomes_many_and_one_again(workspace: WorkspaceTables) -> None:
    one = thing("name: parent, type: lookup, to: thing")
    many = thing("name: parent, type: lookup, to: thing, many: true")
    workspace.change(one)
    workspace.add("thing", 2, name="i::text")
    workspace.do("UPDATE w.thing SET parent = (SELECT id FROM w.thing WHERE name = '1') WHERE name = '2'")
    workspace.change(many)
    links = workspace.rows(
        "SELECT a.name, b.name FROM w.thing__parent l JOIN w.thing a ON a.id = l.record JOIN w.thing b ON b.id = l.target"
    )
    assert links == [("2", "1")]
    workspace.do("INSERT INTO w.thing__parent SELECT id, id, 0 FROM w.thing WHERE name = '1'")
    workspace.change(one, back=True)
    column = workspace.column("thing", "parent")
    found = workspace.rows(
        f'SELECT a.name, b.name FROM w.thing a JOIN w.thing b ON b.id = a."{column}" ORDER BY 1'
    )
    assert found == [("1", "1"), ("2", "1")]


def test_a_field_that_becomes_the_title_gets_its_order(workspace: WorkspaceTables) -> None:
    fill(workspace, "'重庆'", "'北京'")
    workspace.change(AS_TEXT.replace("title: name", "title: size"))
    workspace.run_tasks()
    sort = workspace.column("thing", "size", "sort")
    assert workspace.rows(f'SELECT size FROM w.thing ORDER BY "{sort}" COLLATE "C"') == [("北京",), ("重庆",)]


def test_indexes_follow_the_column(workspace: WorkspaceTables) -> None:
    workspace.change(thing("name: size, type: text, indexed: true"))
    workspace.change(thing("name: size, type: decimal, indexed: true"))
    live = catalog.read(workspace.conn, workspace.schema).tables["thing"]
    assert [i.columns for i in live.indexes.values() if "size" in i.name] == [
        (workspace.column("thing", "size"),)
    ]


def test_an_object_that_gets_a_currency_for_each_record_keeps_its_amounts(workspace: WorkspaceTables) -> None:
    plain = thing("name: amount, type: money")
    workspace.change(plain)
    workspace.add("thing", 1, name="'a'", amount="12.5")
    workspace.change(plain.replace("owner: none", "owner: none\ncurrency: record"))
    assert workspace.rows("SELECT amount::text, amount__base::text, currency FROM w.thing") == [
        ("12.5", "12.5", "CNY")
    ]


@pytest.mark.parametrize("to", ["decimal, scale: 2", "decimal", "integer"])
def test_the_quick_preview_counts_what_the_slow_one_counts(
    workspace: WorkspaceTables, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nasty = ["1", "-1.5", "1.555", "007", "1e5", " 3 ", "+4", "1,000", "", "-", ".5", "5.", "١", "1\n", "NaN", "9" * 15,
             "9" * 16, "9" * 26, "-0", "1.00000", "二", "12%", "1 2", "0x10"]  # fmt: skip
    fill(workspace, *("'" + value + "'" if value else "NULL" for value in nasty))
    model = workspace.compile(thing(f"name: size, type: {to}"))
    quick = workspace.planned(model).previews
    monkeypatch.setattr(preview, "plain_condition", lambda _: None)
    assert workspace.planned(model).previews == quick
    assert quick[0]["fails"] > 0
