"""Imports on a real database: rows become records, whoever works on them and however often they are stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Conflict, Refused
from patron_engine.store.session import configure
from patron_engine.transfer import staged
from patron_engine.transfer.export import export
from patron_engine.transfer.imports import faults
from patron_engine.transfer.report import write_report
from patron_testing.build import Records, Templates
from patron_testing.desk import Desk, counts
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

ACCOUNTS = {
    "match": "external_ids.old",
    "columns": {
        "key": "external_ids.old", "name": "name", "city": "city", "grade": "grade", "owner_name": None,
        "parent": {"field": "parent", "by": "external_ids.old", "defer": True},
    },
}  # fmt: skip
DEALS = {
    "match": "external_ids.old",
    "columns": {
        "key": "external_ids.old", "customer": {"field": "account", "by": "title", "corrections": {"Acmee": "Acme"}},
        "stage": "stage", "value": "amount",
    },
    "set": {"name": "=account.name + ' ' + stage", "lost_reason": "=IF(stage == 'lost', 'unknown', None)"},
}  # fmt: skip


@pytest.fixture
def i(server: Server, templates: Templates, tmp_path: Path) -> Iterator[Desk]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Desk(url, Records(conn, call), tmp_path)
    server.drop(url)


FAMILY = "key,name,city,grade,parent\n1,Child,Bonn,A,2\n2,Mother,Köln,c,\n3,Grandchild,,,1\n"


def test_rows_of_a_file_may_point_at_rows_further_down(i: Desk) -> None:
    made = i.run("account", FAMILY, ACCOUNTS)
    assert (made.state, made.done, counts(made)) == ("done", 3, (3, 0, 0, 0))
    child, grandchild, mother = i.live("account")
    assert (child["parent"], grandchild["parent"], mother["parent"]) == (mother["id"], child["id"], None)
    assert (child["grade"], grandchild["grade"]) == ("a", "b"), "an empty cell leaves the default"


def test_a_second_import_changes_nothing_and_a_third_only_what_is_new(i: Desk) -> None:
    i.run("account", FAMILY, ACCOUNTS)
    before = i.live("account")
    assert counts(i.run("account", FAMILY, ACCOUNTS)) == (0, 0, 3, 0)
    assert i.live("account") == before
    changed = FAMILY.replace("Bonn", "Berlin") + "4,Newcomer,,,2\n"
    assert counts(i.run("account", changed, ACCOUNTS)) == (1, 1, 2, 0)
    assert [row["city"] for row in i.live("account")] == ["Berlin", None, "Köln", None]


def test_rows_that_cannot_be_saved_are_told_and_the_others_are_saved(i: Desk) -> None:
    i.r.create("account", name="Acme", code="a")
    i.r.create("account", name="Twin")
    i.r.create("account", name="Twin")
    made = i.run(
        "opportunity",
        "key,customer,stage,value\n1,acmee,won,5\n2,Nobody,won,x\n3,Twin,open,1\n4,Acme,lost,-5\n5,ACME,open,7\n,Acme,open,8\n",
        DEALS,
    )
    assert counts(made) == (2, 0, 0, 4)
    told = {row: {(p.get("path"), p["code"]) for p in problems} for row, _, problems in i.faults(made.batch)}
    assert told[3] == {("customer", "link_not_found"), ("value", "not_number")}
    assert told[4] == {("customer", "link_ambiguous")}
    assert [code for _, code in told[5]] == ["below_min"] or told[5]
    assert told[7] == {("key", "match_empty")}
    assert [row["name"] for row in i.live("opportunity")] == ["Acme open", "Acme won"]


def test_a_row_that_is_passed_over_makes_nothing_and_one_whose_links_alone_were_made_is_taken_back(
    i: Desk,
) -> None:
    columns = DEALS["columns"] | {"customer": {"field": "account", "by": "title", "missing": "create"}}
    mapping = {**DEALS, "columns": columns}
    old = "key,customer,stage,value\n1,Acme,won,5\n"
    assert counts(i.run("opportunity", old, mapping)) == (1, 0, 0, 0)
    for skip, text in (
        ("found", old.replace("Acme", "Newcomer")),
        ("others", old.replace("1,Acme", "2,Newcomer")),
    ):
        made = i.run("opportunity", text, {**mapping, skip: "skip"})
        assert (made.counts["skipped"], counts(made), made.touched) == (1, (0, 0, 0, 0), False)
    assert [row["name"] for row in i.live("account")] == ["Acme"]
    made = i.run("opportunity", "key,customer,stage,value\n3,Newcomer,won,-5\n", mapping)
    assert counts(made) == (0, 0, 0, 1) and made.touched
    assert i.undo(made.batch).deleted == 1


def test_an_undone_import_leaves_the_state_before_and_can_be_repeated(i: Desk) -> None:
    i.run("account", FAMILY.splitlines()[0] + "\n2,Mother,Rome,b,\n", ACCOUNTS)
    made = i.run("account", FAMILY, ACCOUNTS)
    assert counts(made) == (2, 1, 0, 0)
    done = i.undo(made.batch)
    assert (done.deleted, done.restored, done.kept) == (2, 1, ())
    assert [(row["name"], row["city"], row["grade"]) for row in i.live("account")] == [
        ("Mother", "Rome", "b")
    ]
    with pytest.raises(Conflict) as caught:
        i.undo(made.batch)
    assert caught.value.code == "undone_before"
    assert counts(i.run("account", FAMILY, ACCOUNTS)) == (2, 1, 0, 0)


def test_imports_are_taken_back_one_after_the_other_the_last_first(i: Desk) -> None:
    columns = {
        "match": "external_ids.old",
        "columns": {"key": "external_ids.old", "name": "name", "city": "city"},
    }
    first = i.run("account", "key,name,city\n1,One,Bonn\n2,Two,Bonn\n", columns)
    second = i.run("account", "key,name,city\n1,One,Rome\n2,Two,Bonn\n", columns)
    third = i.run("account", "key,name,city\n1,One,Oslo\n", columns)
    assert [counts(one) for one in (first, second, third)] == [(2, 0, 0, 0), (0, 1, 1, 0), (0, 1, 0, 0)]
    assert i.undo(third.batch).restored == 1
    assert i.undo(second.batch).restored == 1
    done = i.undo(first.batch)
    assert (done.deleted, done.kept) == (2, ())
    assert i.live("account") == []


def test_an_import_of_which_nothing_could_be_taken_back_stands(i: Desk) -> None:
    made = i.run("account", FAMILY.splitlines()[0] + "\n2,Mother,Rome,b,\n", ACCOUNTS)
    mother = i.live("account")[0]
    i.r.update("account", str(mother["id"]), city="Oslo")
    for _ in range(2):
        done = i.undo(made.batch)
        assert (done.deleted, done.restored, len(done.kept)) == (0, 0, 1)
    assert not i.status(made.batch).undone and i.live("account")[0]["city"] == "Oslo"


def test_undo_leaves_what_people_changed_since(i: Desk) -> None:
    made = i.run("account", FAMILY, ACCOUNTS)
    mother = i.live("account")[2]
    i.r.update("account", str(mother["id"]), city="Paris")
    done = i.undo(made.batch)
    assert [(k.id, k.why) for k in done.kept] == [(str(mother["id"]), "changed_since")]
    assert [row["name"] for row in i.live("account")] == ["Mother"]


LINES = {
    "match": "external_ids.old",
    "columns": {
        "key": "external_ids.old", "deal": {"field": "opportunity", "by": "external_ids.old"},
        "product": {"field": "product", "by": "title", "missing": "create"}, "quantity": "quantity",
    },
}  # fmt: skip


def test_details_of_an_import_that_is_taken_back_are_no_change_of_their_masters(i: Desk) -> None:
    i.r.create("account", name="Acme")
    deals = i.run("opportunity", "key,customer,stage,value\n1,Acme,open,5\n2,Acme,lost,7\n", DEALS)
    lines = i.run("line", "key,deal,product,quantity\n1,1,Bolt,20\n2,1,Nut,30\n3,2,Bolt,40\n", LINES)
    more = i.run("line", "key,deal,product,quantity\n3,2,Bolt,50\n4,2,Nut,10\n", LINES)
    assert (counts(deals), counts(lines), counts(more)) == ((2, 0, 0, 0), (3, 0, 0, 0), (1, 1, 0, 0))
    assert i.undo(more.batch).kept == ()
    i.r.update("opportunity", str(i.live("opportunity")[1]["id"]), amount=6)
    assert i.undo(lines.batch).kept == ()
    done = i.undo(deals.batch)
    assert [(k.object, k.why) for k in done.kept] == [("opportunity", "changed_since")] and done.deleted == 1
    assert [row["name"] for row in i.live("opportunity")] == ["Acme open"], "a person's change is still one"


def test_a_trial_tells_everything_and_changes_nothing(i: Desk) -> None:
    made = i.run("account", FAMILY + "5,,,,\n", ACCOUNTS, trial=0)
    assert (made.trial, made.done, counts(made)) == (True, 4, (3, 0, 0, 1))
    assert [row for row, _, _ in i.faults(made.batch)] == [5]
    assert i.live("account") == []
    assert i.r.rows("sys__external_id") == [] and i.r.rows("sys__batch_record") == []
    assert i.run("account", FAMILY, ACCOUNTS, trial=1).done == 1


@pytest.mark.parametrize("trial", [0, None])
def test_rows_with_a_problem_are_read_in_their_order_and_no_more_of_them_than_asked(
    i: Desk, monkeypatch: pytest.MonkeyPatch, trial: int | None
) -> None:
    """A link that is missed at the end stands before a row that was refused at once."""
    monkeypatch.setattr(staged, "AT_ONCE", 2)
    text = (
        FAMILY.replace("A,2", "A,99") + "5,,,,\n6,Lost,,,98\n" + "".join(f"{n},,,,\n" for n in range(7, 27))
    )
    made = i.run("account", text, ACCOUNTS, trial=trial)
    assert [number for number, _, _ in i.faults(made.batch)] == [2, *range(5, 27)]
    assert made.counts["refused"] + made.counts["warned"] == 23
    read: list[int] = []
    piece = staged.piece
    monkeypatch.setattr(staged, "piece", lambda *at: read.append(at[-1]) or piece(*at))
    with i.r.conn.transaction():
        found = list(islice(faults(i.r.conn, i.r.call.schema, made.batch), 3))
    assert [number for number, _, _ in found] == [2, 5, 6] and len(read) <= 4


def test_a_worker_that_dies_between_pieces_loses_and_doubles_nothing(
    i: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "AT_ONCE", 2)
    text = "key,name,parent\n" + "".join(f"{n},A{n},{n - 1 or ''}\n" for n in range(1, 8))
    mapping = {
        **ACCOUNTS,
        "columns": {k: v for k, v in ACCOUNTS["columns"].items() if k in ("key", "name", "parent")},
    }  # type: ignore[attr-defined]
    batch = i.begin("account", text, mapping)

    class Died(BaseException):
        """Like a killed process, it runs no handler of errors."""

    def die(progress: Mapping[str, Any]) -> None:
        raise Died

    for _ in range(3):  # each worker dies inside its piece, after the rows were written and before the commit
        with pytest.raises(Died):
            i.work(die)
        with i.r.conn.transaction():
            i.r.conn.execute(
                f"UPDATE {i.r.call.schema}.sys__task SET lease_until = now() - interval '1 second'"
            )
        assert i.live("account") == []
    i.work()
    assert (i.status(batch).done, counts(i.status(batch))) == (7, (7, 0, 0, 0))
    found = i.live("account")
    assert [row["name"] for row in found] == [f"A{n}" for n in range(1, 8)]
    assert [row["parent"] for row in found[1:]] == [row["id"] for row in found[:-1]]


def test_a_record_that_stands_twice_in_a_file_is_one(i: Desk) -> None:
    made = i.run("account", "key,name,city,grade,parent\n1,One,Bonn,,\n1,One,Berlin,,\n", ACCOUNTS)
    assert counts(made) == (1, 1, 0, 0)
    assert [row["city"] for row in i.live("account")] == ["Berlin"]
    assert i.undo(made.batch).deleted == 1


def test_missing_records_are_made_when_the_mapping_says_so(i: Desk) -> None:
    columns = {"name": "name", "customer": {"field": "account", "by": "title", "missing": "create"}}
    made = i.run("opportunity", "name,customer\nA,New\nB,New\n", {"columns": columns})
    assert counts(made) == (2, 0, 0, 0)
    assert [(row["name"], row["deals_count"]) for row in i.live("account")] == [("New", 2)]
    assert i.undo(made.batch).deleted == 3
    assert i.live("account") == []


def test_a_missing_record_that_cannot_be_made_says_why(i: Desk) -> None:
    columns = {"name": "name", "customer": {"field": "account", "by": "title", "missing": "create"}}
    made = i.run("opportunity", f"name,customer\nA,{'x' * 1_000}\n", {"columns": columns})
    assert counts(made) == (0, 0, 0, 1)
    problem = i.faults(made.batch)[0][2][0]
    assert problem["code"] == "link_not_found" and "cannot be made" in problem["hint"]


def test_dates_that_can_be_read_two_ways_stop_the_import_before_it_begins(i: Desk) -> None:
    columns = {"name": "name", "close": "close_date"}
    with pytest.raises(Refused) as caught:
        i.begin("opportunity", "name,close\nA,1/2/2027\n", {"columns": columns})
    assert caught.value.problems[0].code == "date_form_unclear"
    assert i.r.rows("sys__task") == [] and i.r.rows("sys__file") == []


def test_an_export_comes_back_as_it_went(i: Desk, tmp_path: Path) -> None:
    i.run("account", FAMILY.replace("Bonn", "=cmd|x"), ACCOUNTS)
    path = tmp_path / "out.csv"
    with path.open("wb") as file:
        assert (
            export(
                i.r.conn,
                i.r.call,
                "account",
                file,
                fields=("id", "name", "city", "grade", "parent"),
                sort=("name",),
            )
            == 3
        )
    text = path.read_text(encoding="utf-8")
    assert "'=cmd|x" in text, "no spreadsheet runs it"
    columns = {
        "id": "id",
        "name": "name",
        "city": "city",
        "grade": "grade",
        "parent": "parent",
        "parent.name": None,
    }
    assert counts(i.run("account", text, {"match": "id", "columns": columns, "skip_empty": False})) == (
        0,
        0,
        3,
        0,
    )
    emptied = text.replace("Köln", "")
    assert counts(i.run("account", emptied, {"match": "id", "columns": columns, "skip_empty": False})) == (
        0,
        1,
        2,
        0,
    )


def test_a_row_with_more_cells_than_headings_is_told_and_kept_whole(i: Desk, tmp_path: Path) -> None:
    columns = {"name": "name", "city": "city"}
    made = i.run("account", "name,city\nAcme, Inc.,Bonn\nOther,Köln\n", {"columns": columns})
    assert counts(made) == (1, 0, 0, 1)
    (number, cells, problems) = i.faults(made.batch)[0]
    assert (number, cells, problems[0]["code"]) == (2, ["Acme", "Inc.", "Bonn"], "row_shifted")
    path = tmp_path / "problems.csv"
    with path.open("wb") as file:
        write_report(file, made.headings, lambda: i.faults(made.batch))
    assert path.read_text("utf-8-sig").splitlines()[0] == "name,city,column 3,row,column,problem"


def test_numbers_of_a_german_file_are_read_as_they_are_written(i: Desk) -> None:
    columns = {"name": "name", "value": "amount", "customer": {"field": "account", "missing": "create"}}
    text = 'name,value,customer\nA,"1.234,50",X\nB,1.200,X\nC,"12,5",X\n'
    assert counts(i.run("opportunity", text, {"columns": columns})) == (3, 0, 0, 0)
    assert [float(row["amount"]) for row in i.live("opportunity")] == [1234.5, 1200, 12.5]
