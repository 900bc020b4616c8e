"""Files as people send them: encodings, separators, quotes, limits."""

from __future__ import annotations

import gc
import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.transfer import sheet as sheets
from patron_engine.transfer import writer as writers
from patron_engine.transfer.sheet import open_sheet
from patron_engine.transfer.writer import guarded, open_writer, unguarded


def rows(path: Path, **more: str) -> tuple[tuple[str, ...], list[list[str]]]:
    found = open_sheet(path, **more)
    return found.headings, [cells for _, cells in found.rows()]


def written(tmp_path: Path, data: bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_is_read_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "客户,城市\r\n阿里巴巴,杭州\r\n".encode(encoding))
    assert rows(path) == (("客户", "城市"), [["阿里巴巴", "杭州"]])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    path = written(
        tmp_path, separator.join(["name", "city"]).encode() + b"\n" + separator.join(["a", "b"]).encode()
    )
    assert rows(path) == (("name", "city"), [["a", "b"]])


def test_quotes_line_ends_and_short_rows(tmp_path: Path) -> None:
    path = written(tmp_path, b'name,note,city\n"A ""B"", C","two\r\nlines"\r\n\r\n,,\nx\ny,1,2,,,\nz,1,2,3\n')
    assert rows(path)[1] == [
        ['A "B", C', "two\r\nlines", ""], ["x", "", ""], ["y", "1", "2"], ["z", "1", "2", "3"],
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["Müller,Köln", "Café Zoë;Übersee", "Société Générale"])
def test_other_old_encodings_are_refused_and_not_read_as_chinese(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused) as caught:
        rows(written(tmp_path, b"name,city\n" * 20_000 + text.encode("cp1252") + b"\n"))
    assert caught.value.problems[0].code == "unknown_encoding"


def test_traditional_chinese_in_gb18030_is_read(tmp_path: Path) -> None:
    text = "客戶名稱,聯絡人\n臺灣積體電路製造,魏哲家\n鴻海精密工業,劉揚偉\n玥珺,堃\n"
    assert rows(written(tmp_path, text.encode("gb18030")))[0] == ("客戶名稱", "聯絡人")


def test_a_title_and_blank_lines_above_the_headings_are_passed_over(tmp_path: Path) -> None:
    text = "\n客户清单 2024,,\n,,\nname,city,phone\nA,Bonn,1\n"
    found = open_sheet(written(tmp_path, text.encode()))
    assert found.headings == ("name", "city", "phone")
    assert list(found.rows()) == [(5, ["A", "Bonn", "1"])]
    assert rows(written(tmp_path, b"\n\nname\nA\n")) == (("name",), [["A"]])


def test_the_row_of_headings_may_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, b"Report,2024\nname,city\nA,Bonn\n")
    assert open_sheet(path, heading_row=2).headings == ("name", "city")
    with pytest.raises(Refused) as caught:
        open_sheet(path, heading_row=9)
    assert caught.value.problems[0].code == "no_headings"


@pytest.mark.parametrize(
    ("named", "fine"), [("tab", True), ("\\t", True), (";;", False), ('"', False), ("\n", False)]
)
def test_a_separator_is_one_character(tmp_path: Path, named: str, fine: bool) -> None:
    path = written(tmp_path, b"name\tcity\nA\tBonn\n")
    if fine:
        assert rows(path, separator=named)[0] == ("name", "city")
        return
    with pytest.raises(Refused) as caught:
        rows(path, separator=named)
    assert caught.value.problems[0].code == "bad_separator"


def test_a_workbook_with_a_title_and_the_same_heading_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.merge_range("B3:D3", "Customers")
        page.write_row("B4", ["name", "phone", "phone"])
        page.write_row("B6", ["A", 19.99 * 3, 0.00001, None, "a note beside the table"])
    found = open_sheet(path)
    assert found.headings == ("name", "phone", "phone (2)")
    assert [(number, cells[-3:]) for number, cells in found.rows()] == [(6, ["A", "59.97", "0.00001"])]


def test_the_copy_of_a_workbook_goes_with_the_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file, open_writer(file, "xlsx") as write:
        write(["name", "city"])
        write(["A", "Bonn"])
    found = open_sheet(path)
    assert [cells for _, cells in found.rows()] == [cells for _, cells in found.rows()]
    assert list(tmp_path.glob("patron-sheet-*"))
    del found
    gc.collect()
    assert not list(tmp_path.glob("patron-sheet-*"))


def test_headings_are_told_apart(tmp_path: Path) -> None:
    assert rows(written(tmp_path, b"name,name,,name\n1,2,3,4\n"))[0] == (
        "name",
        "name (2)",
        "column 3",
        "name (3)",
    )


def test_row_numbers_are_those_of_the_spreadsheet(tmp_path: Path) -> None:
    found = open_sheet(written(tmp_path, b"name\na\n\nb\n"))
    assert [number for number, _ in found.rows()] == [2, 4]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"a,b\n\x00\x01", "not_text"),
        (b"name\n\xff\xfe\xff\xff\x80", "unknown_encoding"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        rows(written(tmp_path, data))
    assert caught.value.problems[0].code == code


def test_too_many_columns_and_endless_cells_are_named_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LimitExceeded) as caught:
        rows(written(tmp_path, b"," * sheets.MAX_COLUMNS))
    assert caught.value.code == "sheet_columns"
    monkeypatch.setattr(sheets, "MAX_CELL", 100)
    with pytest.raises(LimitExceeded) as caught:
        rows(written(tmp_path, b'name\n"' + b"x\n" * 200))
    assert caught.value.code == "sheet_cell", "a missing quotation mark does not swallow the file"
    with pytest.raises(LimitExceeded) as caught:
        rows(written(tmp_path, b"name\n" + b"x" * 200))
    assert caught.value.code == "sheet_line"


def test_a_workbook_is_read_as_typed(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file, open_writer(file, "xlsx") as write:
        write(["name", "amount", "yes"])
        write(["=1+1", 12, True])
    assert rows(path) == (("name", "amount", "yes"), [["=1+1", "12", "true"]])


def test_a_workbook_made_to_explode_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    with pytest.raises(LimitExceeded) as caught:
        open_sheet(path)
    assert caught.value.code == "workbook_ratio"
    with pytest.raises(Refused):
        open_sheet(written(tmp_path, b"not a zip", "b.xlsx"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1 x", "-x", "@SUM(A1)", "\tx", "'quoted", "''", "'s-Hertogenbosch", "-5", "plain", "'"]
)
def test_no_cell_of_an_export_is_a_formula_and_none_is_changed_on_the_way_back(text: str) -> None:
    cell = guarded(text)
    assert cell[:1] not in ("=", "@", "\t") and (cell[:1] not in "+-" or cell == "-5")
    assert unguarded(cell) == text


def test_a_csv_is_written_with_a_mark_for_excel_only_when_asked() -> None:
    plain, marked = io.BytesIO(), io.BytesIO()
    for target, bom in ((plain, False), (marked, True)):
        with open_writer(target, "csv", bom=bom) as write:
            write(["a", 1])
    assert plain.getvalue() == b"a,1\r\n"
    assert marked.getvalue() == b"\xef\xbb\xbfa,1\r\n"


def test_what_does_not_fit_into_a_workbook_is_told_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitExceeded) as caught, open_writer(io.BytesIO(), "xlsx") as write:
        write(["x" * 32_767])
        write(["x" * 32_768])
    assert caught.value.code == "export_cell"
    monkeypatch.setattr(writers, "MOST_ROWS", 2)
    with pytest.raises(LimitExceeded) as caught, open_writer(io.BytesIO(), "xlsx") as write:
        for _ in range(3):
            write(["x"])
    assert caught.value.code == "export_rows"


@pytest.mark.parametrize(
    "data",
    [
        "name\nx\n".encode("utf-16") + b"\x00",
        b"\xff\xfe\x00\xd8a\x00",
        b"\xef\xbb\xbfname\ncaf\xe9\n",
        b"name\ncaf\xe9\x80\xff\n",
    ],
)
def test_a_file_that_is_not_in_the_encoding_it_says_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        rows(written(tmp_path, data))
    assert refused.value.problems[0].code == "unknown_encoding"


@pytest.mark.parametrize(
    ("key", "value"),
    [("separator", v) for v in ("ab", '"', "\n", "\0", 5, [])] + [("sheet", v) for v in ("x\0", 5, {})],
)
def test_separators_and_sheets_that_cannot_be(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        rows(written(tmp_path, b"name\nx\n"), **{key: value})
    assert refused.value.problems[0].code == f"bad_{key}"


def test_a_workbook_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "made"))
    (tmp_path / "made").mkdir()
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file, open_writer(file, "xlsx") as write:
        write(["name"])
        write(["x"])
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self").exists() else 0
    for _ in range(3):
        assert rows(path) == (("name",), [["x"]])
    gc.collect()
    assert list((tmp_path / "made").iterdir()) == []
    assert not before or len(os.listdir("/proc/self/fd")) <= before
