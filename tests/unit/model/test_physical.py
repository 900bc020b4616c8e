"""Physical names: decided once, kept through renames, never given to something else, found again by a rollback."""

from __future__ import annotations

from patron_engine.model.physical import EVERYTHING, PhysicalColumn, PhysicalNames, allocate
from patron_testing.compiled import compiled

BASE = """
kind: object
name: lead
title: name
fields:
  - {name: name, type: text}
  - {name: amount, type: text}
"""


def obj(*fields: str, name: str = "lead", head: str = "") -> str:
    return f"kind: object\nname: {name}\n{head}fields:\n" + "".join(f"  - {{{f}}}\n" for f in fields)


def columns(names: PhysicalNames, state: str = "live") -> dict[tuple[str, str], str]:
    return {(c.field, c.part): c.column for c in names.columns if c.state == state}


def test_first_names() -> None:
    names = compiled(BASE).physical
    assert columns(names) == {
        ("", ""): "lead",
        ("name", ""): "name",
        ("name", "sort"): "name__sort",
        ("amount", ""): "amount",
    }
    assert {c.since for c in names.columns} == {1}


def test_a_rename_keeps_the_column_and_the_table() -> None:
    before = compiled(BASE).physical
    model = compiled(
        obj(
            "name: name, type: text",
            "name: budget, was: amount, type: text",
            name="prospect",
            head="was: lead\n",
        ),
        names=before,
        release=2,
    )
    assert model.objects["prospect"].table == "lead"
    assert model.objects["prospect"].fields["budget"].column.name == "amount"
    assert model.objects["prospect"].field("amount") is model.objects["prospect"].fields["budget"]
    assert model.physical.aside == ()


def test_a_type_change_gets_a_column_beside_the_old_one() -> None:
    before = compiled(BASE).physical
    after = compiled(obj("name: name, type: text", "name: amount, type: decimal"), names=before, release=2)
    assert after.objects["lead"].fields["amount"].column.name == "amount__2"
    assert [(c.column, c.until) for c in after.physical.aside] == [("amount", 2)]


def test_going_back_finds_the_old_column() -> None:
    first = compiled(BASE).physical
    second = compiled(
        obj("name: name, type: text", "name: amount, type: decimal"), names=first, release=2
    ).physical
    third = compiled(BASE, names=allocate(second.columns, take_up=EVERYTHING), release=3)
    assert third.objects["lead"].fields["amount"].column.name == "amount"
    assert [(c.column, c.until) for c in third.physical.aside] == [("amount__2", 3)]


def test_a_removed_fields_name_begins_empty_unless_its_data_is_taken_up() -> None:
    first = compiled(BASE).physical
    gone = compiled(obj("name: name, type: text"), names=first, release=2).physical
    assert columns(gone, "aside") == {("amount", ""): "amount"}
    fresh = compiled(BASE, names=gone, release=3)
    assert fresh.objects["lead"].fields["amount"].column.name == "amount__2"
    again = compiled(BASE, names=allocate(gone.columns, take_up=frozenset({("lead", "amount")})), release=3)
    assert again.objects["lead"].fields["amount"].column.name == "amount"
    assert again.physical.aside == ()


def test_a_removed_objects_name_gets_another_table() -> None:
    first = compiled(BASE).physical
    other = obj("name: name, type: text", name="other")
    gone = compiled(other, names=first, release=2).physical
    assert {c.column for c in gone.aside if c.sql == "table"} == {"lead"}
    assert compiled(f"{other}---\n{BASE}", names=gone, release=3).objects["lead"].table == "lead__2"
    back = compiled(f"{other}---\n{BASE}", names=allocate(gone.columns, take_up=EVERYTHING), release=3)
    assert back.objects["lead"].table == "lead"


def test_another_target_is_another_meaning() -> None:
    two = (
        "---\n" + obj("name: name, type: text", name="a") + "---\n" + obj("name: name, type: text", name="b")
    )
    first = compiled(obj("name: who, type: lookup, to: a") + two).physical
    second = compiled(obj("name: who, type: lookup, to: b") + two, names=first, release=2)
    assert second.objects["lead"].fields["who"].column.name == "who__2"


def test_becoming_the_title_adds_the_sort_key_beside_the_value() -> None:
    first = compiled(obj("name: code, type: text", "name: name, type: text", head="title: code\n")).physical
    second = compiled(
        obj("name: code, type: text", "name: name, type: text", head="title: name\n"), names=first, release=2
    )
    assert [c.name for c in second.objects["lead"].fields["name"].columns] == ["name", "name__sort"]
    assert ("code", "sort") in columns(second.physical, "aside")


def test_names_the_database_keeps_for_itself() -> None:
    model = compiled(
        obj("name: xmin, type: text", "name: order, type: integer", "name: select, type: text", name="user")
    )
    assert [f.column.name for f in model.objects["user"].fields.values() if not f.system] == [
        "xmin__f",
        "order",
        "select",
    ]


def test_columns_of_a_second_generation_do_not_meet_others() -> None:
    aside = (
        PhysicalColumn(
            object="lead",
            field="x",
            part="from",
            column="x__from",
            sql="date",
            type="date_range",
            state="aside",
            until=2,
        ),
    )
    names = compiled(
        obj("name: name, type: text", "name: x, type: date_range"), names=allocate(aside), release=3
    ).physical
    assert columns(names)["x", "from"] == "x__2__from" and columns(names)["x", "to"] == "x__2__to"


def test_settling_again_changes_nothing() -> None:
    first = compiled(BASE).physical
    assert compiled(BASE, names=allocate(first.columns), release=9).physical.columns == first.columns
