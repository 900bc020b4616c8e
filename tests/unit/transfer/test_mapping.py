"""Mapping files: what they may say, what is told when they are wrong, what headings suggest."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from patron_engine.access.decide import writable
from patron_engine.errors import Refused
from patron_engine.fields.base import TextFormats
from patron_engine.fields.moments import loose_date
from patron_engine.model.model import Model
from patron_engine.problems import Problem
from patron_engine.transfer.convert import Converter, DateGuess
from patron_engine.transfer.mapping import ImportMap
from patron_engine.transfer.marks import MarkGuess
from patron_engine.transfer.reading import read_mapping
from patron_engine.transfer.suggest import suggest
from patron_testing.build import ADMIN, model_of
from patron_testing.sales import DOCUMENTS


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(DOCUMENTS)


def mapping(model: Model, headings: list[str], **raw: Any) -> ImportMap:
    return read_mapping({"object": "opportunity", **raw}, model, ADMIN, headings)


def told(model: Model, headings: list[str], **raw: Any) -> set[tuple[str | None, str]]:
    with pytest.raises(Refused) as caught:
        mapping(model, headings, **raw)
    return {(p.path, p.code) for p in caught.value.problems}


def test_everything_wrong_with_a_mapping_is_told_at_once(model: Model) -> None:
    found = told(
        model,
        ["A", "B"],
        columns={"A": "nam", "C": "name", "B": {"field": "stage", "by": "name", "what": 1}},
        match="external_ids.old",
        formats={"date": "MM/YYYY", "decimal": ","},
        set={"expected": 1},
    )
    assert found >= {
        ("columns.A", "unknown_field"), ("columns.C", "unknown_heading"), ("columns.B.by", "not_link"),
        ("columns.B.what", "unknown_key"), ("match", "match_unmapped"), ("formats.date", "date_form"),
        ("set.expected", "not_importable"),
    }  # fmt: skip


def test_a_field_from_two_columns_is_refused(model: Model) -> None:
    assert told(model, ["A", "B"], columns={"A": "name", "B": "name"}) == {("columns.B", "column_twice")}


def test_a_link_to_several_objects_says_which(model: Model) -> None:
    raw = {"object": "note", "columns": {"A": {"field": "about", "by": "title"}}}
    with pytest.raises(Refused) as caught:
        read_mapping(raw, model, ADMIN, ["A"])
    assert caught.value.problems[0].code == "object_missing"


def test_a_mapping_says_itself_again(model: Model) -> None:
    made = mapping(
        model,
        ["A", "B"],
        columns={
            "A": ["name", "external_ids.old"],
            "B": {"field": "account", "by": "code", "corrections": {"x": "y"}},
        },
        match="external_ids.old",
        set={"stage": "won"},
    )
    assert read_mapping(made.as_dict(), model, ADMIN, ["A", "B"]) == made


def test_cells_become_values_and_every_wrong_cell_is_told(model: Model) -> None:
    headings = ["Name", "Amount", "Stage", "Closed", "Locked"]
    made = mapping(
        model,
        headings,
        columns={
            "Name": "name",
            "Amount": {"field": "amount", "multiply": 1000},
            "Stage": {
                "field": "stage",
                "values": {"Gewonnen": "won"},
                "corrections": {"Gewonen": "Gewonnen"},
            },
            "Closed": "close_date",
            "Locked": "locked",
        },
        formats={"date": "MM/DD/YYYY"},
    )
    converter = Converter(model, made, headings, ("en",))
    good, bad = converter.convert(
        [
            (2, ["A", "￥1,234.5", "gewonen", "10/20/2016", "是"]),
            (3, ["B", "much", "maybe", "20/10/2016", ""]),
        ]
    )
    assert not good.problems
    assert (str(good.set["amount"]), good.set["stage"], good.set["locked"]) == ("1234500", "won", True)
    assert good.set["close_date"].isoformat() == "2016-10-20"
    assert {p.path for p in bad.problems} == {"Amount", "Stage", "Closed"}
    assert "locked" not in bad.set, "an empty cell leaves a field as it is"


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["10/20/2016", "1/2/2017"], ("MM/DD/YYYY",)),
        (["20/10/2016", "1/2/2017"], ("DD/MM/YYYY",)),
        (["2016-10-20", ""], ()),
        (["31.12.2016", "x"], ("DD.MM.YYYY",)),
    ],
)
def test_the_form_of_dates_is_decided_over_the_whole_column(cells: list[str], form: tuple[str, ...]) -> None:
    guess = DateGuess("Closed")
    for cell in cells:
        guess.look(cell)
    assert guess.form() == form


@pytest.mark.parametrize(
    "cells",
    [
        [
            "2024年3月5日",
            "2024/3/5",
            "05.03.2024",
            "45356",
            "5 Mar 2024",
            "March 5, 2024",
            "05-MAR-2024",
            "20240305",
        ]
    ],
)
def test_dates_of_a_column_may_be_written_in_many_ways(cells: list[str]) -> None:
    guess = DateGuess("Closed")
    for cell in cells:
        guess.look(cell)
    form = guess.form()
    assert not isinstance(form, Problem)
    assert {loose_date(cell, TextFormats(dates=form)) for cell in cells} == {date(2024, 3, 5)}


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["1.234,50", "1.200", "7"], (",", ".")), (["12,5"], (",", ".")), (["1.234.567"], (",", ".")),
        (["1,234.50", "1,200"], (".", ",")), (["1,234", "1.234"], (".", ",")), (["12,5", "12.5"], (".", ",")),
        (["￥1.234,50", "15,5%", "n/a", ""], (",", ".")), (["0,125"], (",", ".")),
    ],
)  # fmt: skip
def test_the_marks_of_numbers_are_decided_over_the_file(cells: list[str], marks: tuple[str, str]) -> None:
    guess = MarkGuess()
    for cell in cells:
        guess.look(cell)
    assert guess.marks() == marks


def test_dates_that_can_be_read_two_ways_are_asked_about() -> None:
    guess = DateGuess("Closed")
    guess.look("1/2/2017")
    found = guess.form()
    assert (
        isinstance(found, Problem)
        and found.code == "date_form_unclear"
        and "MM/DD/YYYY" in (found.hint or "")
    )


def test_headings_suggest_fields_in_any_language(model: Model) -> None:
    fields = writable(model, ADMIN, "account")
    found = suggest(["名称", "PHONE", "Grade *", "Citty", "something else"], model.objects["account"], fields)
    assert {h: f for h, (f, _) in found.items()} == {
        "名称": "name",
        "PHONE": "phone",
        "Grade *": "grade",
        "Citty": "city",
    }
    assert found["名称"][1] == 100 > found["Citty"][1]


@pytest.mark.parametrize(
    "column",
    [
        {"field": "name", "corrections": [1]},
        {"field": "name", "values": "x"},
        {"field": "name", "multiply": "NaN"},
        {"field": "name", "multiply": "1e999999"},
        {"field": "account", "by": "name", "object": "nothing"},
        {"field": "account", "by": "name", "object": ["account"]},
        {"field": "account", "by": {"x": 1}},
        {"field": {"x": 1}},
        {"field": "name", "missing": []},
        {"field": "name", "format": [{}]},
    ],
    ids=str,
)
def test_shapes_no_mapping_has_are_told_at_their_place(model: Model, column: dict[str, Any]) -> None:
    places = [path or "" for path, _ in told(model, ["a"], columns={"a": column})]
    assert places and all(place.startswith("columns.a") for place in places), places


@pytest.mark.parametrize("key", ["columns", "set", "formats"])
@pytest.mark.parametrize("value", ["x", [1], 5, True])
def test_parts_that_are_no_objects_are_told(model: Model, key: str, value: Any) -> None:
    assert key in {path for path, _ in told(model, ["a"], **{"columns": {"a": "name"}, key: value})}
