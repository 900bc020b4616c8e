"""Sheet: a file of rows as people send it, made into headings and rows of texts.

In: a path or bytes of CSV or XLSX. Out: `Sheet`, whose rows are read when they are asked for. Encodings are told apart, never
guessed silently past UTF-8, UTF-16 with its mark, and GB18030; the separator is found in the first lines. Limits have
names: a file may be large, a single line or the number of columns may not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.problems import Problem
from patron_engine.transfer.writer import unguarded

MAX_COLUMNS = 1_000  # sheet_columns
MAX_CELL = 1_000_000  # sheet_cell: characters of one cell, so that an open quote does not swallow the file
SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT = 64 * 1024  # bytes in which encoding and separator are found

Row = tuple[int, list[str]]  # number in the file, counting the headings as 1; cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`rows()` begins anew each time. `form` says how the file was read, for the report."""

    headings: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    form: str


def open_sheet(path: Path, *, separator: str | None = None, sheet: str | None = None) -> Sheet:
    """A file by its ending. Refused with what is wrong, LimitExceeded past a limit."""
    if separator not in (None, "") and (
        not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n\0'
    ):
        raise _refused("bad_separator", "a separator is one character", "for example ; or a tab")
    if sheet is not None and (not isinstance(sheet, str) or "\0" in sheet):
        raise _refused("bad_sheet", "a sheet is named by a text", None)
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods"):
        from patron_engine.transfer.workbook import open_workbook

        return open_workbook(path, sheet)
    return _open_csv(path, separator)


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
    told = {"utf-8-sig": "not the UTF-8", "utf-16": "not the UTF-16"}.get(possible[0])
    message = f"the file is {told} it says it is" if told else "the file is neither UTF-8 nor GB18030"
    raise _refused("unknown_encoding", message, "save it as CSV UTF-8")


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


def _open_csv(path: Path, separator: str | None) -> Sheet:
    if not path.is_file():
        raise _refused("file_missing", f"there is no file {path.name}", None)
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    if not head.strip():
        raise _refused("empty_file", f"{path.name} is empty", None)
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused("not_text", f"{path.name} is not a text file", "CSV, or XLSX with its own ending")
    encoding = encoding_of(head, lambda name: _decodes(path, name))
    found = separator or separator_of(head.decode(encoding, "ignore"))
    rows = _csv_rows(path, encoding, found)
    first = next(rows, None)
    if first is None:
        raise _refused("empty_file", f"{path.name} is empty", None)
    headings = tuple(_headings(first[1]))

    def body() -> Iterator[Row]:
        everything = _csv_rows(path, encoding, found)
        next(everything, None)
        return (_fitted(row, len(headings)) for row in everything if any(row[1]))

    return Sheet(headings=headings, rows=body, form=f"CSV, {encoding}, separator {found!r}")


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _csv_rows(path: Path, encoding: str, separator: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    with path.open(encoding=encoding, newline="") as file:
        lines = (line.replace("\x00", "") for line in _bounded(file))
        number = 0
        try:
            for number, cells in enumerate(csv.reader(lines, delimiter=separator, strict=False), start=1):
                if len(cells) > MAX_COLUMNS:
                    raise LimitExceeded(
                        f"row {number} has {len(cells):,} columns, at most {MAX_COLUMNS:,} are read",
                        code="sheet_columns",
                    )
                yield number, [unguarded(cell.strip()) for cell in cells]
        except csv.Error as error:
            if "field larger" in str(error):
                raise LimitExceeded(
                    f"a cell after row {number} is longer than {MAX_CELL:,} characters", code="sheet_cell",
                    hint="a quotation mark may be missing",
                ) from None  # fmt: skip
            raise _refused("csv_form", f"after row {number}: {error}", None) from None


def _bounded(file: io.TextIOBase) -> Iterator[str]:
    """Lines, none of which may be endless."""
    while line := file.readline(MAX_CELL + 1):
        if len(line) > MAX_CELL:
            raise LimitExceeded(f"a line is longer than {MAX_CELL:,} characters", code="sheet_line")
        yield line


def _headings(cells: Sequence[str]) -> Iterator[str]:
    """Headings, made distinct: a second `name` is `name (2)`, an empty one `column 3`."""
    seen: dict[str, int] = {}
    for index, cell in enumerate(cells, start=1):
        name = cell or f"column {index}"
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def _fitted(row: Row, width: int) -> Row:
    """As many cells as headings; what stands beyond them is not read."""
    number, cells = row
    return number, (cells + [""] * (width - len(cells)))[:width]


def _refused(code: str, message: str, hint: str | None) -> Refused:
    return Refused([Problem(code=code, message=message, hint=hint)], code="bad_file")
