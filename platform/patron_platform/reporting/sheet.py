"""Sheet: a table of figures as CSV or a workbook, for people who go on reckoning.

In: a `Table` of page/figures, a title, a binary file. Out: the file. Numbers are numbers, with the form the page has; every line says
all its groups, so that it can be sorted and filtered; headings stay in sight. Texts cannot become formulas (transfer/writer).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

from patron_engine.errors import LimitExceeded
from patron_engine.fields.moments import moment_text
from patron_engine.page.figure_text import Form
from patron_engine.page.figures import Cell, Head, Table
from patron_engine.phrases import Phrase
from patron_engine.transfer.writer import MOST, MOST_ROWS, open_writer

DAY_SECONDS = 86_400
MOST_COLUMNS = 16_384  # limit_export_columns: of a sheet of a workbook
WIDEST = 40  # characters of a column


@dataclass(frozen=True, slots=True)
class Row:
    kind: str
    heads: tuple[str, ...]
    cells: tuple[Cell, ...]


def rows_of(table: Table) -> Iterator[Row]:
    """Every line with all its groups, those it shares with the line above too."""
    depth = len(table.corner)
    open_heads: list[str] = []
    left: list[int] = []
    for line in table.lines:
        kept = [(text, n - 1) for text, n in zip(open_heads, left, strict=True) if n > 1]
        own = [(h.text, h.down) for h in line.heads]
        open_heads, left = [t for t, _ in (*kept, *own)], [n for _, n in (*kept, *own)]
        heads = (*open_heads, *[""] * (depth - len(open_heads)))[:depth]
        yield Row(line.kind, tuple(heads), line.cells)


def headings(table: Table) -> list[list[str]]:
    """The lines of headings over the figures, each as wide as the figures are."""
    grid: list[list[str | None]] = [[] for _ in table.tops]
    for level, top in enumerate(table.tops):
        for head in top:
            at = next((i for i, v in enumerate(grid[level]) if v is None), len(grid[level]))
            for offset in range(head.spans):
                for below in range(head.down):
                    _put(grid[level + below], at + offset, _named(head) if not below else "")
    return [[text or "" for text in line] for line in grid]


def _put(line: list[str | None], at: int, text: str) -> None:
    line.extend([None] * (at + 1 - len(line)))
    line[at] = text


def _named(head: Head) -> str:
    return f"{head.text} ({head.unit})" if head.unit else head.text


def write_csv(table: Table, target: IO[bytes]) -> int:
    """One line of headings: those over a column joined. Returns how many lines were written."""
    tops = headings(table)
    names = [" / ".join(t for t in column if t) for column in zip(*tops, strict=True)]
    count = 0
    with open_writer(target, "csv", bom=True) as write:
        write([*(h.text for h in table.corner), *names])
        for row in rows_of(table):
            write([*row.heads, *(_plain(cell.value) for cell in row.cells)])
            count += 1
    return count


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value.normalize() if value else Decimal(0), "f")
    if isinstance(value, datetime):
        return moment_text(value)
    return value.isoformat() if isinstance(value, date | time) else str(value)


def write_workbook(table: Table, title: str, about: Sequence[str], target: IO[bytes]) -> int:
    """A sheet: what it is, headings, lines. `about` are lines below the title. LimitExceeded for what no sheet holds."""
    import xlsxwriter

    tops = headings(table)
    depth, wide = len(table.corner), len(table.corner) + (len(tops[0]) if tops else 0)
    first = len(about) + 2
    if wide > MOST_COLUMNS or first + len(tops) + len(table.lines) > MOST_ROWS:
        raise LimitExceeded(
            Phrase("a workbook holds {rows:,} rows and {columns:,} columns", rows=MOST_ROWS, columns=MOST_COLUMNS),
            code="limit_export_columns", hint="narrow the report, or export CSV",
        )  # fmt: skip
    book = xlsxwriter.Workbook(
        target,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    sheet = book.add_worksheet()
    looks = _Looks(book)
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 14}))
    for n, line in enumerate(about, 1):
        sheet.write_string(n, 0, line, book.add_format({"font_color": "#666666"}))
    head = book.add_format(
        {"bold": True, "bg_color": "#F1F2F4", "bottom": 1, "text_wrap": True, "valign": "top"}
    )
    for level, top in enumerate(tops):
        for n, corner in enumerate(table.corner):
            sheet.write_string(first + level, n, corner.text if level == len(tops) - 1 else "", head)
        for n, text in enumerate(top):
            sheet.write_string(first + level, depth + n, text, head)
    widths = [len(c.text) for c in table.corner] + [10] * (wide - depth)
    at = first + len(tops)
    for row in rows_of(table):
        bold = row.kind != "line"
        for n, text in enumerate(row.heads):
            sheet.write_string(at, n, text, looks.of(None, bold))
            widths[n] = max(widths[n], _wide(text))
        for n, cell in enumerate(row.cells):
            form = table.forms[n % len(table.forms)]
            _write(sheet, at, depth + n, cell, form, looks.of(form, bold or cell.total))
            widths[depth + n] = max(widths[depth + n], _wide(cell.text))
        at += 1
    for n, width in enumerate(widths):
        sheet.set_column(n, n, min(width + 2, WIDEST))
    sheet.freeze_panes(first + len(tops), depth)
    book.close()
    return at - first - len(tops)


def _wide(text: str) -> int:
    """A Chinese character is as wide as two others."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _write(sheet: Any, at: int, column: int, cell: Cell, form: Form, look: Any) -> None:
    value = cell.value
    if value is None:
        sheet.write_blank(at, column, None, look)
    elif isinstance(value, Decimal) and -MOST < value < MOST:
        if form.kind == "percent" and form.figure.unit == "percent":
            value = value / 100  # a percent field holds 10, a sheet 0.1
        sheet.write_number(at, column, value / DAY_SECONDS if form.kind == "duration" else value, look)
    elif isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(at, column, datetime.combine(value, time()), look)
    else:
        sheet.write_string(at, column, cell.text, look)


class _Looks:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, bool], Any] = {}

    def of(self, form: Form | None, bold: bool) -> Any:
        code = "" if form is None else number_format(form)
        found = self._made.get((code, bold))
        if found is None:
            given = {"bold": bold, **({"num_format": code} if code else {})}
            found = self._made[code, bold] = self._book.add_format(given)
        return found


def number_format(form: Form) -> str:
    """How a spreadsheet writes the values of a figure: whole amounts, where a page writes ten thousands.

    Amounts in 万 are exact to the cent in the sheet."""
    if form.kind == "date":
        return "yyyy-mm-dd"
    if form.kind == "duration":
        return "[h]:mm"
    if form.kind in ("datetime", "time", "text"):
        return ""
    scale = 2 if form.divide > 1 or form.kind == "compact" else (form.scale or 0)
    digits = "#,##0" + ("." + "0" * scale if scale else "")
    if form.kind == "percent":
        return f"0.{'0' * form.scale}%" if form.scale else "0%"
    return (
        f"{digits};[Red]-{digits}"
        if form.negative == "red"
        else f"{digits};({digits})"
        if form.negative == "brackets"
        else digits
    )
