"""Files as attackers send them to an import: refused with a named reason in bounded time, or read as plain values; nothing is
fetched, computed or left behind."""

from __future__ import annotations

import io
import json
import struct
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from patron_testing.web import Api

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRINGS, SHEET = "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("patron-")] == []


def workbook() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["name", "crew"])
        sheet.write_row(1, 0, ["Boat", 3])
    return target.getvalue()


def changed(parts: dict[str, bytes]) -> bytes:
    """The workbook with other parts."""
    target, book = io.BytesIO(), workbook()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *parts}:
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return target.getvalue()


def part(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook())) as book:
        return book.read(name)


def lying() -> bytes:
    """A directory that promises a hundred bytes of each part."""
    data = bytearray(changed({STRINGS: b"<sst>" + b"<si><t>a</t></si>" * 3_000_000 + b"</sst>"}))
    at = 0
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        struct.pack_into("<I", data, at + 24, 100)
        at += 4
    return bytes(data)


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new, new.open(SHEET, "w") as sheet:
        for _ in range(300):
            sheet.write(b"\0" * 1_000_000)
    return target.getvalue()


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    return f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">{entities}]><sst xmlns="{MAIN}"><si><t>&j;</t></si></sst>'.encode()


OUTSIDE = f'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst xmlns="{MAIN}"><si><t>&x;</t></si><si><t>b</t></si></sst>'
FAR = part(SHEET).replace(
    b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
)
HOSTILE: dict[str, Any] = {
    "zip bomb": bomb,
    "directory that lies": lying,
    "billion laughs": lambda: changed({STRINGS: laughs()}),
    "external entity": lambda: changed({STRINGS: OUTSIDE.encode()}),
    "a cell at the far end": lambda: changed({SHEET: FAR}),
    "no workbook": lambda: b"PK\x03\x04" + b"x" * 500,
    "half a workbook": lambda: workbook()[:2_000],
    "not XML": lambda: changed({SHEET: b"\xff\xfe\x00"}),
}  # fmt: skip


def send(admin: Api, name: str, data: bytes, path: str = "/preview", **form: str) -> Any:
    return admin.call(
        "POST", f"/imports{path}", files={"file": (name, data)}, data={"object": "yd_job", **form}
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_workbooks(admin: Api, name: str) -> None:
    begun = time.perf_counter()
    said = send(admin, "a.xlsx", HOSTILE[name]())
    assert said.status_code == 422, said.text
    assert "root:" not in said.text and "Traceback" not in said.text and len(said.content) < 2_000
    assert time.perf_counter() - begun < 60


def test_formulas_are_not_computed_and_links_not_followed(admin: Api) -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet, hidden = book.add_worksheet(), book.add_worksheet("hidden")
        sheet.write_row(0, 0, ["name", "note"])
        sheet.write_formula(1, 0, '=cmd|"/c calc"!A1', None, "kept")
        sheet.write_url(1, 1, "http://127.0.0.1:1/")
        hidden.write_row(0, 0, ["name", "secret"])
        hidden.hide()
    said = send(admin, "a.xlsx", target.getvalue())
    assert said.status_code == 200
    assert [(c["heading"], c["sample"]) for c in said.json()["columns"]] == [
        ("name", ["kept"]), ("note", ["http://127.0.0.1:1/"]),
    ]  # fmt: skip


def test_entries_outside_are_not_written(admin: Api, tmp_path: Path) -> None:
    assert send(admin, "../../up.xlsx", changed({"../../../evil": b"x"})).status_code == 200
    assert not any(path.name in ("evil", "up.xlsx") for path in tmp_path.parent.rglob("*"))


CSV: dict[str, tuple[bytes, int, str | None]] = {
    "100,000 columns": (b",".join(b"c%d" % n for n in range(100_000)), 422, "sheet_columns"),
    "an endless line": (b"name\n" + b"x" * 3_000_000, 422, "sheet_line"),
    "an open quote": (b'name\n"open\n' + b"a\n" * 1_000_000, 422, "sheet_cell"),
    "NUL": (b"na\x00me\nx", 422, "bad_file"),
    "half of UTF-16": ("name\nx\n".encode("utf-16") + b"\x00", 422, "bad_file"),
    "a half character": (b"name\n\xed\xa0\x80\n", 422, "bad_file"),
    "empty": (b"", 422, "bad_file"),
    "line ends": (b"\n\r\n\r", 422, "bad_file"),
}


@pytest.mark.parametrize("name", CSV)
def test_hostile_texts(admin: Api, name: str) -> None:
    data, status, code = CSV[name]
    said = send(admin, "a.csv", data)
    assert (said.status_code, said.json()["code"]) == (status, code), said.text
    assert len(said.content) < 2_000


@pytest.mark.parametrize("form", [{"separator": "ab"}, {"separator": '"'}, {"sheet": "x\0"}, {"trial": "-1"}, {"trial": "1e3"},
                                  {"object": "pg_class"}, {"object": "__class__"}, {"mapping": "[]"}, {"mapping": "{"}, {"mapping": '{"x":NaN}'},
                                  {"mapping": "[" * 100_000}, {"nothing": "x"}, {"match": "pass"}, {"match": "ctid"}])  # fmt: skip
def test_fields_of_the_form_that_are_none(admin: Api, form: dict[str, str]) -> None:
    said = send(admin, "a.csv", b"name\nx\n", "", **form)
    assert said.status_code in (400, 404, 422), said.text
    assert admin.get("/imports").json()["imports"] == []


@pytest.mark.parametrize(
    "column",
    ["total", "number", "id.x", "__class__", "nothing", {"field": "name", "corrections": [1]}, {"field": "berth", "by": "ctid"},
     {"field": "pass", "by": "id"}, {"field": "budget", "multiply": "NaN"}, {"field": "about", "object": "user"}, 5, [[]], {}],
    ids=str,
)  # fmt: skip
def test_columns_that_become_nothing(admin: Api, column: Any) -> None:
    said = send(admin, "a.csv", b"name\nx\n", "", mapping=json.dumps({"columns": {"name": column}}))
    assert said.status_code == 422, said.text
    assert said.json()["problems"][0]["field"].startswith("columns.name")
    assert admin.get("/imports").json()["imports"] == []


@pytest.mark.parametrize(
    "expression",
    ["=9**9**9", "=().__class__", "=" + "(" * 300, "=pg_sleep(5)", "=lines.count()", "=COUNT(lines)", "=x"],
)
def test_expressions_a_mapping_cannot_have(admin: Api, expression: str) -> None:
    said = send(
        admin,
        "a.csv",
        b"name\nx\n",
        "",
        mapping=json.dumps({"columns": {"name": "name"}, "set": {"crew": expression}}),
    )
    assert said.status_code == 422, said.text
    assert admin.get("/imports").json()["imports"] == []


def test_whoever_may_not_write_imports_nothing(admin: Api, rep: Api, stranger: Api) -> None:
    for path in ("", "/preview"):
        hidden, missing = (
            send(rep, "a.csv", b"name\nx\n", path, object=name) for name in ("yd_job", "yd_boj")
        )
        assert hidden.status_code in (404, 422)
        assert hidden.content.replace(b"yd_job", b"yd_boj") == missing.content, "it does not exist for him"
        assert send(stranger, "a.csv", b"name\nx\n", path).status_code == 401
    assert rep.get("/imports").json() == {"imports": []}
    assert stranger.get("/imports").status_code == 401
