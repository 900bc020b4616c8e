"""Workbook: XLSX (and XLS, ODS) into rows of texts, read by calamine in a process of its own with limits.

In: a path. Out: a `Sheet`. The archive's directory is looked at before anything is unpacked; memory and time of the reader
are bounded, so a workbook made to explode ends that process and not the service. Values only: no formula is computed, no
link followed, hidden sheets are read only when they are named.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.phrases import Phrase, found_again, kept
from patron_engine.problems import Problem
from patron_engine.transfer.sheet import MAX_CELL, MAX_COLUMNS, Row, Sheet, headed

MAX_UNPACKED = 200 * 1024 * 1024  # workbook_bytes
MAX_RATIO = 100  # workbook_ratio, for files larger than a megabyte
MAX_MEMORY = 768 * 1024 * 1024
MAX_SECONDS = 60  # workbook_seconds of processor time
MAX_ROWS = 1_048_576


def open_workbook(path: Path, sheet: str | None = None, heading_row: int | None = None) -> Sheet:
    """The first visible sheet, or the one named. Refused or LimitExceeded with the reason."""
    if not path.is_file():
        raise Refused(
            [Problem(code="file_missing", message=Phrase("there is no file {path}", path=path.name))],
            code="bad_file",
        )
    _check_archive(path)
    handle, name = tempfile.mkstemp(prefix="patron-sheet-", suffix=".csv")
    os.close(handle)
    target = Path(name)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "patron_engine.transfer.workbook", str(path), str(target), sheet or ""],
            capture_output=True,
            timeout=MAX_SECONDS * 2,
            check=False,
        )
    except subprocess.TimeoutExpired:
        target.unlink(missing_ok=True)
        raise LimitExceeded(
            "the workbook takes too long to read", code="workbook_seconds", hint="save it as CSV"
        ) from None
    if done.returncode:
        target.unlink(missing_ok=True)
        raise _failure(done.stdout)

    def rows() -> Iterator[Row]:
        return _rows(target)

    weakref.finalize(rows, target.unlink, missing_ok=True)  # the copy goes with the sheet that reads it
    return headed(rows, "workbook", heading_row, trim=True)


def _check_archive(path: Path) -> None:
    """Sizes as the archive's directory tells them."""
    if path.suffix.lower() == ".xls":
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        raise _unreadable() from None
    unpacked, packed = sum(e.file_size for e in entries), max(1, path.stat().st_size)
    if unpacked > MAX_UNPACKED:
        raise LimitExceeded(
            "the workbook unpacks to more than 200 MB", code="workbook_bytes", hint="save it as CSV"
        )
    if unpacked > 1_000_000 and unpacked / packed > MAX_RATIO:
        raise LimitExceeded("the workbook unpacks to more than 100 times its size", code="workbook_ratio")


def _unreadable() -> Refused:
    """Whatever the reader stumbles over, the person can do one thing."""
    problem = Problem(
        code="not_workbook",
        message="this file cannot be read as a workbook: it is damaged, has a password, or is something else",
        hint="open it in a spreadsheet program and save it again as XLSX or CSV",
    )
    return Refused([problem], code="bad_file")


def _failure(said: bytes) -> Exception:
    try:
        found = json.loads(said.decode().strip().splitlines()[-1])
        if "message" not in found:
            return _unreadable()
        problem = Problem(code=found["code"], message=found_again(found["message"]))
    except (ValueError, IndexError, KeyError):
        return LimitExceeded(
            "the workbook needs too much memory or time", code="workbook_memory", hint="save it as CSV"
        )
    return Refused([problem], code="bad_file")


def _rows(path: Path) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.reader(file):
            yield int(cells[0]), cells[1:]


def cell_text(value: Any) -> str:
    """A typed cell as the text import reads: ISO for days and moments, plain digits for numbers, of which a spreadsheet
    shows and means fifteen.

    >>> cell_text(3.0), cell_text(True), cell_text(date(2026, 3, 1)), cell_text(0.1 + 0.2), cell_text(1e-05), cell_text(chr(0))
    ('3', 'true', '2026-03-01', '0.3', '0.00001', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(f"{value:.15g}"), "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(int(value.total_seconds()))
    return str(value).replace("\0", "").strip()  # as a text file is read; the database keeps none


def _convert(source: str, target: str, wanted: str) -> None:
    """Runs in the bounded process."""
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    book = CalamineWorkbook.from_path(source)
    visible = [
        s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible
    ] or book.sheet_names
    if wanted and wanted not in book.sheet_names:
        raise LookupError(
            Phrase(
                "there is no sheet {wanted!r}; there are {names}", wanted=wanted, names=list(book.sheet_names)
            )
        )
    sheet = book.get_sheet_by_name(wanted or visible[0])
    with open(target, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if number > MAX_ROWS or len(cells) > MAX_COLUMNS:
                raise LookupError(Phrase("the sheet has too many rows or columns"))
            texts = [cell_text(cell)[:MAX_CELL] for cell in cells]
            if any(texts):
                writer.writerow([number, *texts])


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    try:
        _convert(sys.argv[1], sys.argv[2], sys.argv[3])
    except LookupError as error:
        print(json.dumps({"code": "bad_sheet", "message": kept(error.args[0])}))
        sys.exit(3)
    except Exception as error:  # noqa: BLE001 - whatever the reader stumbles over, the file is at fault
        print(json.dumps({"unreadable": type(error).__name__}))
        sys.exit(3)


if __name__ == "__main__":
    _main()
