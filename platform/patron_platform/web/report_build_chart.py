"""What a chart draws, as the builder has it chosen: the groups of its axes, its figures and how each is drawn.

In: an answer, the body of its report, the form of the chart. Out: `Control`s in the order they are drawn in, and what they show as JSON:
what comes back otherwise was chosen (page/building_chart).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patron_engine.jsonio import dumps
from patron_engine.page.building_chart import PARTS
from patron_engine.page.chart_maker import Maker
from patron_engine.page.figure_text import Words, axis_label, figure_label
from patron_engine.report.answer import Answer, Axis
from patron_platform.web.report_asked import AskedReport

Named = tuple[str, str]  # name, what people read


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One thing to choose: `name` of the form's field, what may be chosen, what is."""

    name: str
    label: str
    options: tuple[Named, ...]
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """`labels` is whether figures stand at the points; None where the form has none."""

    controls: tuple[Control, ...] = ()
    labels: bool | None = None
    was: str = ""


def drawn_of(
    it: AskedReport, answer: Answer | None, body: Mapping[str, Any], form: str, words: Words
) -> Drawn:
    """Everything that may be chosen of a chart of this form; nothing where there is nothing to choose."""
    parts = PARTS.get(form, ())
    if answer is None or not answer.figures or not parts:
        return Drawn()
    chart = {**(body.get("chart") or {}), "type": form}
    maker = Maker(answer, body, chart, it.reader, words)
    figures = [(f.name, figure_label(f, it.reader, words)) for f in answer.figures]
    every = [] if answer.type == "cohort" else [*answer.rows, *answer.columns]
    groups = [(axis.name, axis_label(axis, it.reader, words)) for axis in every]
    found: list[Control] = []
    for part in parts:
        if part == "draw":
            found += _draws(it, maker, figures, form)
        elif part in ("x", "y", "series") and form != "scatter":
            found += _group(it, maker, groups, part) if len(groups) > 1 else ()
        elif part != "labels" and len(figures) > 1:
            found.append(_figure(it, chart, maker, figures, part))
    labels = bool(chart.get("labels")) if "labels" in parts else None
    was: dict[str, Any] = {c.name.removeprefix("c_"): c.now for c in found if c.name != "draw"}
    was["draw"] = [c.now for c in found if c.name == "draw"]
    return Drawn(controls=tuple(found), labels=labels, was=dumps({**was, "labels": bool(labels)}).decode())


def _draws(it: AskedReport, maker: Maker, figures: list[Named], form: str) -> list[Control]:
    """A choice for each figure: not drawn, drawn, of bars and lines on which axis."""
    if len(figures) < 2:
        return []
    bars, lines = maker.figures("value"), maker.figures("line")
    ways = ("value", "line", "") if form == "combined" else ("value", "")
    said = {
        "value": it.t("reports.draw_bars" if form == "combined" else "reports.draw_shown"),
        "line": it.t("reports.draw_line"),
        "": it.t("reports.draw_none"),
    }
    found = []
    for at, (name, label) in enumerate(figures):
        now = "value" if at in bars else "line" if at in lines else ""
        options = tuple((f"{way}:{name}", said[way]) for way in ways)
        found.append(Control(name="draw", label=label, options=options, now=f"{now}:{name}"))
    return found


def _group(it: AskedReport, maker: Maker, groups: list[Named], part: str) -> list[Control]:
    x, series = maker.axes()
    if part == "y":
        series = next(
            (a for a in (*maker.answer.rows, *maker.answer.columns) if a.name == maker.said.get("y")), series
        )
    chosen: Axis | None = x if part == "x" else series
    none = (("", it.t("reports.draw_no_series")),) if part == "series" else ()
    return [
        Control(
            name=f"c_{part}", label=it.t(f"reports.draw_{part}"), options=(*none, *groups), now=chosen.name if chosen is not None else "",
        )
    ]  # fmt: skip


def _figure(
    it: AskedReport, chart: Mapping[str, Any], maker: Maker, figures: list[Named], part: str
) -> Control:
    """One figure of the report in a place of the chart."""
    names = [name for name, _ in figures]
    named = chart.get(part)
    usual = {"x": names[0], "y": names[1], "value": names[maker.figures("value")[0]]}.get(part, "")
    none = (("", it.t("reports.draw_nothing")),) if part in ("size", "compare") else ()
    return Control(
        name=f"c_{part}", label=it.t(f"reports.draw_{part}"),
        options=(*none, *figures), now=str(named) if named in names else usual,
    )  # fmt: skip
