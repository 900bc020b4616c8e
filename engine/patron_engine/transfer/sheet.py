"""Sheet: a file of rows as people send it, made into headings and rows of texts.

In: a path or bytes of CSV or XLSX. Out: `Sheet`, whose rows are read when they are asked for. Encodings are told apart, never
guessed silently past UTF-8, UTF-16 with its mark, and GB18030; the separator and the row of headings are found in the first
lines. Limits have names: a file may be large, a single line or the number of columns may not.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.transfer.writer import unguarded

MAX_COLUMNS = 1_000  # sheet_columns
MAX_CELL = 1_000_000  # sheet_cell: characters of one cell, so that an open quote does not swallow the file
SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT = 64 * 1024  # bytes in which the separator is found
LOOKED_ROWS = 20  # rows in which the headings are found
_PAIR = re.compile(rb"[\x81-\xfe]([\x40-\xfe])")

Row = tuple[int, list[str]]  # number in the file, counting the headings as 1; cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`rows()` begins anew each time. `form` says how the file was read, for the report."""

    headings: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    form: str


def open_sheet(
    path: Path, *, separator: str | None = None, sheet: str | None = None, heading_row: int | None = None
) -> Sheet:
    """A file by its ending. `heading_row` is the number of the row with the headings; None finds it. Refused with what is
    wrong, LimitExceeded past a limit."""
    if sheet is not None and (not isinstance(sheet, str) or "\0" in sheet):
        raise _refused("bad_sheet", "a sheet is named by a text", None)
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods"):
        from patron_engine.transfer.workbook import open_workbook

        return open_workbook(path, sheet, heading_row)
    return _open_csv(path, _mark(separator), heading_row)


def headed(
    rows: Callable[[], Iterator[Row]], form: str, heading_row: int | None, *, trim: bool = False
) -> Sheet:
    """The sheet whose headings are found among the rows: the first row with two cells, so that a title and blank lines
    above it are passed over; a file of one column has them in its first. `trim` leaves out columns right of the headings."""
    number, cells = _heading_row(rows(), heading_row)
    width = max((at for at, cell in enumerate(cells, start=1) if cell), default=0) if trim else len(cells)

    def body() -> Iterator[Row]:
        return (_fitted(row, width, trim=trim) for row in rows() if row[0] > number and any(row[1]))

    return Sheet(headings=tuple(_headings(cells[:width])), rows=body, form=form)


def _heading_row(rows: Iterator[Row], wanted: int | None) -> Row:
    if wanted is not None:
        found = next((row for row in islice(rows, wanted) if row[0] == wanted and any(row[1])), None)
        if found is None:
            raise _refused(
                "no_headings",
                Phrase("row {wanted} is empty", wanted=wanted),
                "heading_row names the row with the headings",
            )
        return found
    looked = [row for row in islice(rows, LOOKED_ROWS) if any(row[1])]
    if not looked:
        raise _refused("empty_file", "the file is empty", None)
    return next((row for row in looked if sum(map(bool, row[1])) > 1), looked[0])


def _mark(separator: str | None) -> str | None:
    """A separator as people write it: one character, or a tab by its name."""
    if separator is None or separator == "":
        return None
    found = separator
    if isinstance(separator, str):
        found = {"tab": "\t", "\\t": "\t"}.get(separator.lower(), separator)
    if not isinstance(found, str) or len(found) != 1 or found in '"\r\n\0':
        raise _refused(
            "bad_separator",
            Phrase("{separator!r} cannot separate cells", separator=separator),
            'one character, for example ";", or tab',
        )
    return found


def encoding_of(head: bytes, whole: Callable[[str], bool]) -> str:
    """The encoding of a text file. `whole(name)` says whether all of it decodes so.

    >>> encoding_of(b"\\xef\\xbb\\xbfname", lambda name: True)
    'utf-8-sig'
    """
    if head.startswith(b"\xef\xbb\xbf"):
        possible = ["utf-8-sig"]
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        possible = ["utf-16"]
    else:
        possible = ["utf-8", "gb18030"]
    for name in possible:
        if whole(name):
            return name
    told = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16"}.get(possible[0])
    message = (
        Phrase("the file is not the {told} it says it is", told=told)
        if told
        else "the file is neither UTF-8 nor GB18030"
    )
    raise _refused("unknown_encoding", message, "save it as “CSV UTF-8”")


def _chinese(path: Path) -> bool:
    """Whether the bytes past ASCII pair up as Chinese does. Other languages' old encodings often decode as GB18030 too, into
    nonsense; there one letter with an accent stands before a plain one."""
    pairs = plain = 0
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            for last in _PAIR.findall(data):
                pairs += 1
                plain += last.isalpha() and last.isascii()
    return plain * 3 <= pairs * 2


def separator_of(head: str) -> str:
    """The separator the first lines use most, outside of quotes; a comma when there is none.

    >>> separator_of("a;b;c\\n1;2,5;3")
    ';'
    """
    quoted, counts = False, dict.fromkeys(SEPARATORS, 0)
    lines = 0
    for character in head:
        if character == '"':
            quoted = not quoted
        elif not quoted and character in counts:
            counts[character] += 1 if lines else 4  # headings say it best
        elif not quoted and character == "\n":
            lines += 1
    best = max(counts, key=lambda s: counts[s])
    return best if counts[best] else ","


def _open_csv(path: Path, separator: str | None, heading_row: int | None) -> Sheet:
    if not path.is_file():
        raise _refused("file_missing", Phrase("there is no file {path}", path=path.name), None)
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    if not head.strip():
        raise _refused("empty_file", "the file is empty", None)
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused("not_text", "this is not a text file", "CSV, or XLSX with its own ending")
    encoding = encoding_of(head, lambda name: _decodes(path, name))
    found = separator or separator_of(head.decode(encoding, "ignore"))
    return headed(
        lambda: _csv_rows(path, encoding, found), f"CSV, {encoding}, separator {found!r}", heading_row
    )


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return encoding != "gb18030" or _chinese(path)


def _csv_rows(path: Path, encoding: str, separator: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    with path.open(encoding=encoding, newline="") as file:
        lines = (line.replace("\x00", "") for line in _bounded(file))
        number = 0
        try:
            for number, cells in enumerate(csv.reader(lines, delimiter=separator, strict=False), start=1):
                if len(cells) > MAX_COLUMNS:
                    raise LimitExceeded(
                        Phrase(
                            "row {number} has {count:,} columns, at most {most:,} are read",
                            number=number,
                            count=len(cells),
                            most=MAX_COLUMNS,
                        ),
                        code="sheet_columns",
                    )
                yield number, [unguarded(c) if (c := cell.strip())[:1] == "'" else c for cell in cells]
        except csv.Error as error:
            if "field larger" in str(error):
                raise LimitExceeded(
                    Phrase("a cell after row {number} is longer than {most:,} characters", number=number, most=MAX_CELL), code="sheet_cell",
                    hint="a quotation mark may be missing",
                ) from None  # fmt: skip
            raise _refused(
                "csv_form", Phrase("after row {number}: {error}", number=number, error=error), None
            ) from None


def _bounded(file: io.TextIOBase) -> Iterator[str]:
    """Lines, none of which may be endless."""
    while line := file.readline(MAX_CELL + 1):
        if len(line) > MAX_CELL:
            raise LimitExceeded(
                Phrase("a line is longer than {most:,} characters", most=MAX_CELL), code="sheet_line"
            )
        yield line


def _headings(cells: Sequence[str]) -> Iterator[str]:
    """Headings, made distinct: a second `name` is `name (2)`, an empty one `column 3`."""
    seen: dict[str, int] = {}
    for index, cell in enumerate(cells, start=1):
        name = cell or f"column {index}"
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def _fitted(row: Row, width: int, *, trim: bool) -> Row:
    """As many cells as headings. More stay where they are unless `trim`: whoever reads the row says that it is shifted."""
    number, cells = row
    if len(cells) == width:
        return row
    if len(cells) < width or trim or not any(cells[width:]):
        return number, (cells + [""] * (width - len(cells)))[:width]
    return row


def _refused(code: str, message: str, hint: str | None) -> Refused:
    return Refused([Problem(code=code, message=message, hint=hint)], code="bad_file")
