"""Template: an empty file to be filled in: a heading a field, in a workbook with the options of choices to pick from.

In: columns as texts in the reader's language. Out: CSV (headings alone) or XLSX: headings, the required ones marked and bold, lists to
choose from, and a second sheet with what may stand in each column. Nothing in it is a formula that reads a cell's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

from patron_engine.transfer.writer import Form, open_writer

LISTED_ROWS = 1_000  # rows below the headings that offer the options
MOST_OPTIONS = 2_000  # of one column
WIDE = 18  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`several`: a cell may name more than one option, which no list of a spreadsheet can choose. `free`: others may stand there too."""

    heading: str
    required: bool = False
    note: str = ""
    options: Sequence[str] = ()
    several: bool = False


def write_template(
    target: IO[bytes], columns: Sequence[Column], form: Form, *, sheets: tuple[str, str]
) -> None:
    """`sheets` are the names of the two sheets."""
    headings = [f"{c.heading} *" if c.required else c.heading for c in columns]
    if form == "csv":
        with open_writer(target, "csv", bom=True) as write:
            write(headings)
        return
    import xlsxwriter

    book = xlsxwriter.Workbook(
        target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    try:
        _fill(book, columns, headings, sheets)
    finally:
        book.close()


def _fill(book: Any, columns: Sequence[Column], headings: Sequence[str], sheets: tuple[str, str]) -> None:
    rows, told = book.add_worksheet(sheets[0]), book.add_worksheet(sheets[1])
    bold, plain = book.add_format({"bold": True}), book.add_format({})
    rows.freeze_panes(1, 0)
    told.freeze_panes(1, 0)
    for at, (column, heading) in enumerate(zip(columns, headings, strict=True)):
        style = bold if column.required else plain
        rows.write_string(0, at, heading, style)
        told.write_string(0, at, heading, bold)
        for sheet in (rows, told):
            sheet.set_column(at, at, max(WIDE, min(len(heading) + 4, 40)))
        if column.note:
            rows.write_comment(0, at, column.note)
        options = list(column.options)[:MOST_OPTIONS]
        lines = options or ([column.note] if column.note else [])
        for n, line in enumerate(lines, start=1):
            told.write_string(n, at, line)
        if options and not column.several:
            name = sheets[1].replace("'", "''")
            where = f"='{name}'!{_cell(1, at)}:{_cell(len(options), at)}"
            rows.data_validation(
                1, at, LISTED_ROWS, at, {"validate": "list", "source": where, "error_type": "warning"}
            )


def _cell(row: int, column: int) -> str:
    """An absolute address.

    >>> _cell(1, 0), _cell(9, 27)
    ('$A$2', '$AB$10')
    """
    name, at = "", column + 1
    while at:
        at, letter = divmod(at - 1, 26)
        name = chr(65 + letter) + name
    return f"${name}${row + 1}"
