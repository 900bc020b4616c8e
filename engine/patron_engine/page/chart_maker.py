"""Chart maker: what every chart of an answer needs: its groups, its measures, names, colours, points and scales.

In: an Answer, its definition and its `chart`, a Reader, Words. Out: pieces of plain data that page/charts puts together. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from patron_engine.page.chart_points import Point, axis_named
from patron_engine.page.figure_text import (
    SPANS,
    STEPS,
    Form,
    Words,
    alone,
    figure_label,
    form_of,
    member_text,
)
from patron_engine.page.figures import spot_text
from patron_engine.page.palette import TOKENS, token_of
from patron_engine.page.reader import Reader
from patron_engine.report.answer import Answer, Axis, Key

BESIDE = ("bar", "stacked", "line", "area", "combined", "radar")  # forms that show several figures
BESIDE_THEN = ("bar", "line", "combined", "radar")  # of them, those that show what a figure was beside it
THEN, SINCE = (
    ("_before", "_then"),
    ("_growth", "_change"),
)  # what figures of a comparison end in (page/comparing, report/between)
SUMMED = frozenset({"sum", "count"})


@dataclass(frozen=True)
class Maker:
    answer: Answer
    body: Mapping[str, Any]
    said: Mapping[str, Any]
    reader: Reader
    words: Words

    def axes(self) -> tuple[Axis | None, Axis | None]:
        """The group along the axis and the one that makes series. What is not said: time goes along the axis."""
        every = [*self.answer.rows, *self.answer.columns]
        x = axis_named(self.answer, self.said.get("x"))
        series = axis_named(self.answer, self.said.get("series"))
        rest = [a for a in every if a is not series]
        if x is None:
            x = next((a for a in rest if a.kind in ("period", "offset")), next(iter(rest), None))
        given = "series" in self.said or "x" in self.said
        if series is None and not given and len(self.figures("value")) <= 1:
            series = next((a for a in every if a is not x), None)
        return x, series

    def figures(self, key: str) -> list[int]:
        named = self.said.get(key)
        wanted = [named] if isinstance(named, str) else list(named or ())
        known = [f.name for f in self.answer.figures]
        found = [known.index(name) for name in wanted if name in known]
        if key == "value" and found and self.said.get("type") in BESIDE_THEN and self._one_group():
            found = [one for at in found for one in (at, *self.beside(at, THEN))]
        if found or named or key not in ("value", "line"):
            return found or ([0] if key == "value" else [])
        bars, lines = self._usual()
        return bars if key == "value" else lines

    def _usual(self) -> tuple[list[int], list[int]]:
        """Bars and lines where nobody said: along one group all figures that are told in what the first is told in; what is told
        otherwise has the second axis of a combined chart."""
        form, several = self.said.get("type"), len(self.answer.figures) > 1
        if not self._one_group() or not several or form not in BESIDE:
            return [0], []
        like = [self.form(at).kind for at in range(len(self.answer.figures))]
        bars = [at for at, kind in enumerate(like) if kind == like[0]]
        if form != "combined":
            return bars, []
        if self.said.get("line") or self.said.get("value"):
            return [0], []
        lines = [at for at in range(len(like)) if at not in bars] or bars[-1:]
        return [at for at in bars if at not in lines], lines

    def _one_group(self) -> bool:
        return len(self.answer.rows) + len(self.answer.columns) == 1

    def beside(self, at: int, parts: Sequence[str]) -> list[int]:
        """What the reader has compared the figure with, where he has."""
        names = [f.name for f in self.answer.figures]
        return [names.index(one) for one in (f"{names[at]}{part}" for part in parts) if one in names][:1]

    def adds(self, at: int) -> bool:
        """Whether the figures of a measure may be summed: sums and counts may, what is worked out of them may not."""
        name = self.answer.figures[at].name
        blocks = [m for b in self.body.get("blocks") or () for m in b["measures"]]
        found: Mapping[str, Any] = next(
            (m for m in (*(self.body.get("measures") or ()), *blocks) if m["name"] == name), {}
        )
        return found.get("function") in SUMMED

    @cached_property
    def forms(self) -> list[Form]:
        return [
            form_of(figure, (cell[at] for cell in self.answer.cells.values()), self.reader)
            for at, figure in enumerate(self.answer.figures)
        ]

    def form(self, at: int) -> Form:
        return self.forms[at]

    def name(self, at: int) -> str:
        return figure_label(self.answer.figures[at], self.reader, self.words)

    def member(self, axis: Axis, key: Key, every: Sequence[Key]) -> str:
        """The text of a member; with the group above it where several are called the same."""
        text = member_text(axis, key[-1], self.answer, self.reader, self.words)
        if len(key) > 1 and sum(1 for other in every if other[-1] == key[-1]) > 1:
            side = self.answer.rows if axis in self.answer.rows else self.answer.columns
            above = member_text(side[len(key) - 2], key[-2], self.answer, self.reader, self.words)
            return f"{text} ({above})"
        return text

    def color(self, axis: Axis | None, key: Key) -> str:
        named = self.answer.colors.get((axis.name, key[-1])) if axis is not None and key else None
        token = token_of(named) if named else None
        return TOKENS[token] if token else ""

    def point(self, at: int, form: Form, point: Point | None) -> dict[str, Any] | None:
        """One figure: its place, its text, the spot one drills to."""
        if point is None or not isinstance(point.value, Decimal):
            return None
        name = self.answer.figures[at].name
        spot = spot_text(point.rows, point.columns, name) if point.rows is not None else ""
        return {"v": float(point.value / form.divide), "t": self.alone(form, point.value), "at": spot}

    def alone(self, form: Form, value: Any) -> str:
        return alone(form, value, self.reader, self.answer.base)

    def scale(self, at: int) -> dict[str, Any]:
        """How the ticks of an axis are written: the script fills in the numbers."""
        form = self.form(at)
        steps = STEPS.get(self.reader.languages[0], STEPS["en"])
        return {
            "kind": form.kind,
            "unit": form.unit,
            "steps": [list(step) for step in steps],
            "spans": list(SPANS.get(self.reader.languages[0], SPANS["en"])),
            "name": self.name(at),
        }

    def references(self) -> list[dict[str, Any]]:
        at = self.figures("value")[0]
        form = self.form(at)
        return [
            {"v": float(value / form.divide), "label": self.reader.say(label), "t": self.alone(form, value)}
            for label, value in self.answer.references
        ]

    def reach(self) -> dict[str, Any]:
        """Where the axis begins and ends, as the definition says it."""
        given = {key: self.said.get(key) for key in ("min", "max")}
        return {key: float(v) for key, v in given.items() if isinstance(v, int | float | Decimal)}
