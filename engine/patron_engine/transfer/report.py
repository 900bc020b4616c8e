"""Report: the rows an import refused, as a file one can mend and import again.

In: headings, rows with their problems, `words`: how a message is said in the reader's language. Out: CSV or XLSX: the row as it stood, then its number, the column and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

from patron_engine.transfer.writer import open_writer

ROW, COLUMN, REASON = "row", "column", "problem"
Row = tuple[int, Sequence[str], Sequence[Mapping[str, Any]]]


def write_report(
    target: IO[bytes], headings: Sequence[str], rows: Callable[[], Iterable[Row]],
    words: Callable[[str], str] = str, *, workbook: bool = False, heads: tuple[str, str, str] = (ROW, COLUMN, REASON),
) -> int:  # fmt: skip
    """Writes the file; the number of rows in it. A row that is wider than the headings keeps all its cells. `rows` begins anew each
    time: they are gone through once for the widest and once to be written, and never all in memory."""
    count = 0
    width = max((len(cells) for _, cells, _ in rows()), default=0)
    headings = (*headings, *(f"column {at}" for at in range(len(headings) + 1, width + 1)))
    with open_writer(target, "xlsx" if workbook else "csv", bom=True) as write:
        write((*headings, *heads))
        for number, cells, problems in rows():
            columns = "; ".join(dict.fromkeys(str(p.get("path", "")) for p in problems if p.get("path")))
            reasons = "; ".join(
                f"{words(p['message'])} ({words(p['hint'])})" if p.get("hint") else words(p["message"])
                for p in problems
            )
            padded = (*cells, *[""] * (len(headings) - len(cells)))
            write((*padded[: len(headings)], number, columns, reasons))
            count += 1
    return count
