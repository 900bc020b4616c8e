"""Figures: an answer as a table, as data: headings over headings, lines with subtotals, every figure with the spot it is of.

In: an Answer (report/answer), which totals its definition asks for, a Reader, Words. Out: a `Table` that a template draws, an
export writes and a tile shortens: all kinds of reports have this one form. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

from patron_engine import jsonio
from patron_engine.page.figure_text import (
    Form,
    Words,
    axis_label,
    figure_label,
    form_of,
    member_text,
    text_of,
    unit_of,
)
from patron_engine.page.reader import Reader
from patron_engine.report.answer import REST, Answer, Key, Value

MOST_LINES, MOST_COLUMNS = 1_000, 120  # of a table on a page; an export has all of them
HEATS = 7  # shades of a heat table


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A heading. `spans` is over how many columns or lines it stands; `figure` the measure it is of, by which one sorts."""

    text: str
    spans: int = 1
    down: int = 1
    unit: str = ""
    figure: str = ""
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure. `at` names the spot it is of ("" where there is nothing to be seen); `heat` its shade, 0 to 6."""

    text: str
    value: Value = None
    at: str = ""
    below: bool = False
    total: bool = False
    heat: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`heads` are those that begin at this line: a group that goes on is spanned by its first one."""

    kind: Literal["line", "subtotal", "total"]
    heads: tuple[Head, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`corner` are the headings of the row groups, `tops` the lines of headings over the figures."""

    corner: tuple[Head, ...]
    tops: tuple[tuple[Head, ...], ...]
    lines: tuple[Line, ...]
    cut_lines: int = 0  # how many are not drawn
    cut_columns: int = 0
    forms: tuple[Form, ...] = ()

    @property
    def empty(self) -> bool:
        return not any(line.kind == "line" for line in self.lines)


@dataclass(frozen=True)
class _Maker:
    answer: Answer
    totals: frozenset[str]
    reader: Reader
    words: Words
    most: tuple[int, int]
    forms: list[Form] = field(default_factory=list)

    def table(self) -> Table:
        answer = self.answer
        for at, figure in enumerate(answer.figures):
            values = (cell[at] for cell in answer.cells.values() if at < len(cell))
            self.forms.append(form_of(figure, values, self.reader))
        rows, columns = answer.row_keys[: self.most[0]], answer.column_keys[: self.most[1]]
        spread = self._columns(columns)
        corner = tuple(Head(text=axis_label(a, self.reader, self.words)) for a in answer.rows)
        return Table(
            corner=corner, tops=self._tops(spread), lines=tuple(self._lines(rows, spread)), forms=tuple(self.forms),
            cut_lines=len(answer.row_keys) - len(rows), cut_columns=len(answer.column_keys) - len(columns),
        )  # fmt: skip

    def _columns(self, columns: Sequence[Key]) -> list[Key]:
        """The keys of the columns with their subtotals and the total, in their order."""
        depth = len(self.answer.columns)
        if not depth:
            return [()]
        known = {key for _, key in self.answer.cells}
        found: list[Key] = []
        for n, key in enumerate(columns):
            found.append(key)
            following = columns[n + 1] if n + 1 < len(columns) else ()
            for level in range(depth - 1, 0, -1):
                if key[:level] != following[:level] and key[:level] in known:
                    found.append(key[:level])
        return [*found, ()] if self._total_column() else found

    def _total_column(self) -> bool:
        asked = self.answer.type == "cohort" or bool(self.totals & {"rows", "grand"})
        return asked and any(not c for r, c in self.answer.cells if len(r) == len(self.answer.rows))

    def _tops(self, spread: list[Key]) -> tuple[tuple[Head, ...], ...]:
        axes, figures = self.answer.columns, self.answer.figures
        tops: list[tuple[Head, ...]] = []
        for level, axis in enumerate(axes):
            line: list[Head] = []
            for prefix, group in groupby(spread, key=lambda k: (k[: level + 1], len(k) > level)):
                key, members = prefix[0], list(group)
                wide = len(members) * len(figures)
                if len(key) > level:
                    text = member_text(axis, key[level], self.answer, self.reader, self.words)
                    line.append(Head(text=text, spans=wide))
                elif len(key) == level:  # a total: its heading reaches down over the groups it is over
                    line.append(Head(text=self.words.total, spans=wide, down=len(axes) - level, total=True))
            tops.append(tuple(line))
        if len(figures) > 1 or not axes:
            names = [
                Head(
                    text=figure_label(f, self.reader, self.words), figure=f.name,
                    unit=unit_of(form, self.reader, self.answer.base),
                )
                for f, form in zip(figures, self.forms, strict=True)
            ]  # fmt: skip
            tops.append(tuple(names) * len(spread))
        if len({f.block for f in figures} - {None}) > 1:
            tops.insert(0, self._blocks())
        return tuple(tops)

    def _blocks(self) -> tuple[Head, ...]:
        """Over the figures of a joined report: which block they come of."""
        return tuple(
            Head(text=self.words.names.get(f"block.{block}", block or ""), spans=len(list(group)))
            for block, group in groupby(f.block for f in self.answer.figures)
        )

    def _lines(self, rows: Sequence[Key], spread: list[Key]) -> list[Line]:
        depth = len(self.answer.rows)
        known = {key for key, _ in self.answer.cells}
        made: list[tuple[Literal["line", "subtotal"], Key]] = []
        for n, key in enumerate(rows):
            made.append(("line", key))
            following = rows[n + 1] if n + 1 < len(rows) else ()
            for level in range(depth - 1, 0, -1):
                if key[:level] != following[:level] and key[:level] in known and "rows" in self.totals:
                    made.append(("subtotal", key[:level]))
        heat = self._heat(rows)
        lines = [
            Line(kind=kind, heads=self._heads(made, n), cells=self._cells(key, spread, heat))
            for n, (kind, key) in enumerate(made)
        ]
        if depth and self.totals & {"grand", "columns"} and () in known:
            total = Head(text=self.words.total, spans=depth, total=True)
            lines.append(Line(kind="total", heads=(total,), cells=self._cells((), spread, heat)))
        return lines

    def _heads(self, made: Sequence[tuple[str, Key]], n: int) -> tuple[Head, ...]:
        kind, key = made[n]
        depth = len(self.answer.rows)
        before = made[n - 1][1] if n else None
        heads: list[Head] = []
        for level, axis in enumerate(self.answer.rows):
            if level >= len(key):
                break
            if before is not None and before[: level + 1] == key[: level + 1]:
                continue
            down = 1
            while n + down < len(made) and made[n + down][1][: level + 1] == key[: level + 1]:
                down += 1
            text = member_text(axis, key[level], self.answer, self.reader, self.words)
            heads.append(Head(text=text, down=down))
        if kind == "subtotal":
            heads.append(Head(text=self.words.total, spans=depth - len(key), total=True))
        return tuple(heads)

    def _cells(self, key: Key, spread: list[Key], heat: tuple[Decimal, Decimal] | None) -> tuple[Cell, ...]:
        return tuple(
            self._cell(key, column, at, heat) for column in spread for at in range(len(self.answer.figures))
        )

    def _cell(self, key: Key, column: Key, at: int, heat: tuple[Decimal, Decimal] | None) -> Cell:
        found = self.answer.cells.get((key, column))
        value = found[at] if found is not None else None
        number = value if isinstance(value, Decimal) else None
        total = len(key) < len(self.answer.rows) or len(column) < len(self.answer.columns)
        return Cell(
            text=text_of(self.forms[at], value, self.reader),
            value=value,
            at=spot_text(key, column, self.answer.figures[at].name) if value is not None else "",
            below=number is not None and number < 0 and self.forms[at].negative == "red",
            total=total,
            heat=_shade(number, heat) if heat is not None and not total else None,
        )

    def _heat(self, rows: Sequence[Key]) -> tuple[Decimal, Decimal] | None:
        """Least and most of a cohort's figures."""
        if self.answer.type != "cohort":
            return None
        whole = {key for key in rows}
        values = [
            v for (r, c), cell in self.answer.cells.items() for v in cell
            if r in whole and c and isinstance(v, Decimal)
        ]  # fmt: skip
        return (min(values), max(values)) if values else None


def _shade(value: Decimal | None, reach: tuple[Decimal, Decimal]) -> int | None:
    if value is None:
        return None
    least, most = reach
    return int((value - least) / (most - least) * (HEATS - 1)) if most > least else HEATS - 1


def table_of(
    answer: Answer,
    totals: Sequence[str],
    reader: Reader,
    words: Words,
    most: tuple[int, int] = (MOST_LINES, MOST_COLUMNS),
) -> Table:
    """The table of an answer."""
    return _Maker(answer, frozenset(totals), reader, words, most).table()


def spot_text(rows: Key, columns: Key, figure: str) -> str:
    """The name of a spot in an address: its keys and figure. The rest of a limit is an empty object."""
    return jsonio.dumps([_plain(rows), _plain(columns), figure]).decode()


def _plain(key: Key) -> list[Any]:
    return [{} if member is REST else member for member in key]


def key_of(given: Sequence[Any]) -> Key:
    """A key again of what an address has."""
    return tuple(REST if member == {} else member for member in given)
