"""Writer: rows of plain values into CSV or XLSX, row by row, in constant memory.

In: a binary file, rows of texts and numbers. Out: a file a spreadsheet opens without running anything: what a cell begins
with cannot make it a formula. The mark put in front (an apostrophe) is taken off again by the reader of imports.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import IO, Any, Literal

from patron_engine.errors import LimitExceeded
from patron_engine.phrases import Phrase

Form = Literal["csv", "xlsx"]
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "'")
MOST = 10**15  # a spreadsheet's numbers are exact below it
CELL = 32_767  # export_cell: characters of a cell of a workbook
MOST_ROWS = 1_048_576  # export_rows: of a sheet of a workbook


def guarded(text: str) -> str:
    """A cell no spreadsheet takes for a formula; numbers stay as they are.

    >>> guarded("=1+1"), guarded("-5"), guarded("-x"), guarded("plain"), guarded("'quoted")
    ("'=1+1", '-5', "'-x", 'plain', "''quoted")
    """
    if text[:1] in DANGEROUS and not _number(text):
        return f"'{text}"
    return text


def unguarded(text: str) -> str:
    """The cell before `guarded`.

    >>> unguarded("'=1+1"), unguarded("'s-Hertogenbosch"), unguarded("''s")
    ('=1+1', "'s-Hertogenbosch", "'s")
    """
    return text[1:] if text[:1] == "'" and text[1:2] in DANGEROUS and text[1:2] else text


def _number(text: str) -> bool:
    plain = text[1:] if text[:1] in "+-" else text
    whole, _, fraction = plain.partition(".")
    return whole.isascii() and whole.isdigit() and (not fraction or fraction.isdigit())


Write = Callable[[Sequence[Any]], None]


@contextmanager
def open_writer(target: IO[bytes], form: Form, *, bom: bool = False) -> Iterator[Write]:
    """Writes rows until the block ends. `bom` marks a CSV as UTF-8 for Excel."""
    with _csv(target, bom) if form == "csv" else _workbook(target) as write:
        yield write


@contextmanager
def _csv(target: IO[bytes], bom: bool) -> Iterator[Write]:
    text = io.TextIOWrapper(target, encoding="utf-8-sig" if bom else "utf-8", newline="", write_through=False)
    writer = csv.writer(text, lineterminator="\r\n")
    try:
        yield lambda row: writer.writerow([guarded(c) if isinstance(c, str) else c for c in row])
    finally:
        text.flush()
        text.detach()


@contextmanager
def _workbook(target: IO[bytes]) -> Iterator[Write]:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(target, options)
    sheet = book.add_worksheet()
    place = count()

    def write(row: Sequence[Any]) -> None:
        at = next(place)
        if at >= MOST_ROWS:
            raise LimitExceeded(
                Phrase("a workbook holds {most:,} rows", most=MOST_ROWS),
                code="export_rows",
                hint="export CSV",
            )
        for column, cell in enumerate(row):
            if isinstance(cell, bool):
                sheet.write_boolean(at, column, cell)
            elif isinstance(cell, int | Decimal) and -MOST < cell < MOST:
                sheet.write_number(at, column, cell)
            elif cell is not None and cell != "":
                text = str(cell)
                if len(text) > CELL:
                    raise LimitExceeded(
                        Phrase("row {at} has a text of {count:,} characters, a cell of a workbook holds {cell:,}", at=at + 1, count=len(text), cell=CELL),
                        code="export_cell", hint="export CSV, or leave the field out",
                    )  # fmt: skip
                sheet.write_string(at, column, text)

    try:
        yield write
    finally:
        book.close()
