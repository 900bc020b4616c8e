"""Charts: an answer as a chart, as plain data: a form, members along the axis, series of figures with their texts and spots.

In: an Answer, its definition (`chart`, `measures`), a Reader, Words. Out: JSON-like values the page's script draws from; colours are
names of the palette, every text is written already. What the definition leaves open is chosen here. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from patron_engine.page.chart_maker import SINCE, Maker
from patron_engine.page.chart_points import Plane, Point, axis_named, plane
from patron_engine.page.figure_text import (
    Words,
    axis_label,
    compact,
    member_text,
)
from patron_engine.page.figures import spot_text
from patron_engine.page.reader import Reader
from patron_engine.report.answer import REST, Answer, Key

TYPES = (
    "figure", "table", "pivot", "bar", "stacked", "line", "area", "combined", "pie", "funnel", "scatter", "heat_map", "treemap",
    "radar", "gauge", "map", "ranking",
)  # fmt: skip
TABLES = ("table", "pivot")
MOST_SERIES, MOST_POINTS = 12, 200
MOST_SPOKES, MOST_SLICES = 16, 9  # of a radar and a pie: more of them can be told apart by nobody
Chart = dict[str, Any]


def usual(answer: Answer) -> str:
    """The form of a report that says none."""
    if answer.type == "funnel":
        return "funnel"
    if answer.type == "cohort":
        return "heat_map"
    axes = (*answer.rows, *answer.columns)
    if not axes:
        return "figure"
    if any(a.kind == "period" for a in axes) and len(axes) == 1:
        return "line"
    return "stacked" if len(axes) > 1 else "bar"


def chart_of(answer: Answer, body: Mapping[str, Any], reader: Reader, words: Words) -> Chart | None:
    """The chart of an answer; None for a table, and where there is nothing to be drawn."""
    said = dict(body.get("chart") or {})
    form = str(said.get("type") or usual(answer))
    if form in TABLES or not answer.figures or answer.type == "list":
        return None
    maker = Maker(answer, body, {**said, "type": form}, reader, words)
    made = _DRAWN.get(form, along)(maker, form)
    if made is None:
        return None
    return {"type": form, "references": maker.references(), "left_out": 0, **made}


def along(m: Maker, form: str) -> Chart | None:
    """Bars, lines, areas, pies, rankings, radars, maps: members along an axis, one or more series."""
    x, group = m.axes()
    bars, lines = m.figures("value"), m.figures("line")
    apart = not all(m.adds(at) for at in (*bars, *lines))
    planes = [(at, plane(m.answer, x, group, at, adds=m.adds(at), apart=apart)) for at in (*bars, *lines)]
    members = dict.fromkeys(key for _, p in planes for key in p.along)
    shown = list(members)[: MOST_SPOKES if form == "radar" else MOST_POINTS]
    series: list[dict[str, Any]] = []
    for n, (at, p) in enumerate(planes):
        line = n >= len(bars)
        form_ = m.form(at)
        for key in p.series[:MOST_SERIES]:
            name = member_text(group, key[-1], m.answer, m.reader, m.words) if group and key else m.name(at)
            several = f"{name} · {m.name(at)}" if group and key and len(planes) > 1 else name
            series.append({
                "name": several, "line": line, "color": m.color(group, key),
                "points": [m.point(at, form_, p.points.get((member, key))) for member in shown],
            })  # fmt: skip
    if not shown or not series:
        return None
    left_out = len(members) - len(shown) + max([len(p.series) - MOST_SERIES for _, p in planes] + [0])
    return {
        "x": [m.member(x, key, shown) if x is not None else "" for key in shown],
        "name": axis_label(x, m.reader, m.words) if x is not None else "",
        "colors": [m.color(x, key) for key in shown], "series": series, "scale": m.scale(bars[0]),
        "second": m.scale(lines[0]) if lines else None, "labels": bool(m.said.get("labels")),
        "left_out": left_out, "grouped": group is not None,
        **m.reach(),
    }  # fmt: skip


def pie(m: Maker, form: str) -> Chart | None:
    """A slice a member; of many the largest, the others are one."""
    made = along(m, form)
    at = m.figures("value")[0]
    x, _series = m.axes()
    if (
        made is None
        or x is None
        or len(made["x"]) <= MOST_SLICES
        or len(made["series"]) > 1
        or not m.adds(at)
    ):
        return made
    p = plane(m.answer, x, None, at, adds=True)
    values = [p.points[key, ()].value if (key, ()) in p.points else None for key in p.along]
    sizes = {n: v for n, v in enumerate(values[: len(made["x"])]) if isinstance(v, Decimal)}
    first = sorted(sizes, key=lambda n: -sizes[n])[: MOST_SLICES - 1]
    rest = sum((v for n, v in sizes.items() if n not in first), Decimal(0))
    points = made["series"][0]["points"]
    form_ = m.form(at)
    others = {"v": float(rest / form_.divide), "t": m.alone(form_, rest), "at": ""}
    return {
        **made, "rest": 1, "x": [*(made["x"][n] for n in first), m.words.rest], "colors": [*(made["colors"][n] for n in first), ""],
        "series": [{**made["series"][0], "points": [*(points[n] for n in first), others]}],
    }  # fmt: skip


def ranking(m: Maker, form: str) -> Chart | None:
    """The largest first, unless the report is sorted by a figure itself; what is left of them stays last."""
    made = along(m, form)
    x, _series = m.axes()
    if made is not None:
        made["rest"] = sum(name == m.words.rest for name in made["x"][-1:])
    chosen = {str(item).removeprefix("-") for item in m.body.get("sort") or ()}
    if made is None or x is None or len(made["series"]) > 1 or chosen & {f.name for f in m.answer.figures}:
        return made
    points = made["series"][0]["points"]
    last = {n for n, name in enumerate(made["x"]) if name == m.words.rest}
    order = sorted(range(len(points)), key=lambda n: (n in last, -(points[n] or {"v": float("-inf")})["v"]))
    return {
        **made, "x": [made["x"][n] for n in order], "colors": [made["colors"][n] for n in order],
        "series": [{**made["series"][0], "points": [points[n] for n in order]}],
    }  # fmt: skip


def figure(m: Maker, _: str) -> Chart:
    """One number, with what it is compared with."""
    at = m.figures("value")[0]
    form = m.form(at)
    value = m.answer.value(m.answer.figures[at].name)
    compared = m.figures("compare") or m.beside(at, SINCE)
    made: Chart = {
        "name": m.name(at), "text": m.alone(form, value), "compare": None,
        "at": spot_text((), (), m.answer.figures[at].name) if value is not None else "",
        "value": float(value / form.divide) if isinstance(value, Decimal) else None,
    }  # fmt: skip
    if compared:
        other = m.answer.value(m.answer.figures[compared[0]].name)
        made["compare"] = {
            "name": m.name(compared[0]), "text": m.alone(m.form(compared[0]), other),
            "up": other > 0 if isinstance(other, Decimal) else None,
        }  # fmt: skip
    return made


def gauge(m: Maker, kind: str) -> Chart:
    made = figure(m, kind)
    form = m.form(m.figures("value")[0])
    percent = form.kind == "percent"
    marks = [r["v"] for r in m.references()]
    most = m.reach().get("max") or (marks[0] if marks else 100 if percent else None)
    value = made["value"] or 0
    most = float(most or max(value * 1.25, 1))
    said = compact(Decimal(str(round(most))), m.reader)
    return {**made, "min": m.reach().get("min", 0.0), "max": most, "most": f"{said}%" if percent else said}


def scatter(m: Maker, _: str) -> Chart | None:
    """Every line of the report a point: two measures its place, a third its size."""
    names = [f.name for f in m.answer.figures]
    chosen = [m.said.get("x"), m.said.get("y"), m.said.get("size")]
    x, y = (
        names.index(n) if n in names else d
        for n, d in zip(chosen[:2], (0, min(1, len(names) - 1)), strict=True)
    )
    size = names.index(chosen[2]) if chosen[2] in names else None
    points = []
    spots = ((r, c) for r in m.answer.row_keys for c in m.answer.column_keys)
    for rows, columns in islice(spots, MOST_POINTS * 5):
        cell = m.answer.cells.get((rows, columns))
        across, up = (cell[x], cell[y]) if cell is not None else (None, None)
        if cell is None or not isinstance(across, Decimal) or not isinstance(up, Decimal):
            continue
        places = (x, y) if size is None else (x, y, size)
        said = [f"{m.name(at)}: {m.alone(m.form(at), cell[at])}" for at in places]
        members = (*zip(m.answer.rows, rows, strict=True), *zip(m.answer.columns, columns, strict=True))
        weight = cell[size] if size is not None else None
        points.append({
            "name": " · ".join(member_text(a, one, m.answer, m.reader, m.words) for a, one in members),
            "v": [float(across / m.form(x).divide), float(up / m.form(y).divide)], "t": "\n".join(said),
            "size": float(weight) if isinstance(weight, Decimal) else None,
            "at": spot_text(rows, columns, names[y]),
        })  # fmt: skip
    return {"points": points, "scale": m.scale(x), "second": m.scale(y)} if points else None


def heat(m: Maker, _: str) -> Chart | None:
    """Two groups, a shade for each pair."""
    every = [*m.answer.rows, *m.answer.columns]
    x, _series = m.axes()
    y = axis_named(m.answer, m.said.get("y")) or axis_named(m.answer, m.said.get("series"))
    if m.answer.type == "cohort":
        x, y = m.answer.columns[0], m.answer.rows[0]
    y = y or next((a for a in every if a is not x), None)
    if x is None or y is None:
        return along(m, "bar")
    at = m.figures("value")[0]
    form = m.form(at)
    p = plane(m.answer, x, y, at, adds=m.adds(at))
    left, across = p.along[:MOST_POINTS], p.series[:MOST_POINTS]
    cells = [
        [n, k, made]
        for n, a in enumerate(left) for k, b in enumerate(across)
        if (made := m.point(at, form, p.points.get((a, b)))) is not None
    ]  # fmt: skip
    return {
        "x": [m.member(x, k, left) for k in left], "y": [m.member(y, k, across) for k in across],
        "cells": cells, "scale": m.scale(at),
    } if cells else None  # fmt: skip


def tree(m: Maker, _: str) -> Chart | None:
    """Boxes in boxes: the groups of the rows as they stand."""
    at = m.figures("value")[0]
    form = m.form(at)
    first = axis_named(m.answer, m.said.get("x"))
    if len(m.answer.rows) < 2 or (first is not None and first is not m.answer.rows[0]):
        return along(m, "treemap")
    nodes: dict[Any, dict[str, Any]] = {}
    for key in m.answer.row_keys[: MOST_POINTS * 5]:
        made = m.point(at, form, _total_of(m, key, at))
        if made is None:
            continue
        texts = [
            member_text(a, one, m.answer, m.reader, m.words)
            for a, one in zip(m.answer.rows, key, strict=True)
        ]
        above = nodes.setdefault(key[0], {"name": texts[0], "below": []})
        above["below"].append({"name": " · ".join(texts[1:]), **made})
    return {"nodes": list(nodes.values()), "scale": m.scale(at)} if nodes else None


def _total_of(m: Maker, key: Key, at: int) -> Point | None:
    found: Plane = plane(m.answer, m.answer.rows[-1], None, at, adds=m.adds(at))
    cell = m.answer.cells.get((key, ()))
    return Point(value=cell[at], rows=key) if cell else found.points.get(((key[-1],), ()))


def funnel(m: Maker, _: str) -> Chart | None:
    """Stages one under the other, in their order; the conversion to the next stands beside."""
    made = along(m, "funnel")
    names = [f.name for f in m.answer.figures]
    if made is None:
        return None
    beside = []
    for key in m.answer.row_keys[: len(made["x"])]:
        cell = m.answer.cells.get((key, ()))
        said = [
            f"{m.name(names.index(n))} {m.alone(m.form(names.index(n)), cell[names.index(n)])}"
            for n in ("conversion", "value") if cell is not None and n in names and cell[names.index(n)] is not None
        ]  # fmt: skip
        beside.append(" · ".join(said))
    return {**made, "beside": beside}


def places(m: Maker, _: str) -> Chart | None:
    """By province: the names of places stay as they are, the script knows where they lie."""
    made = along(m, "map")
    x, _series = m.axes()
    if made is None or x is None:
        return None
    keys = plane(m.answer, x, None, m.figures("value")[0], adds=True).along[: len(made["x"])]
    if all(k[-1] in (None, REST) for k in keys):
        return None  # no record says where it is: the table says so
    return {**made, "places": ["" if k[-1] in (None, REST) else str(k[-1]) for k in keys]}


_DRAWN = {
    "figure": figure, "gauge": gauge, "scatter": scatter, "heat_map": heat, "treemap": tree,
    "funnel": funnel, "map": places, "pie": pie, "ranking": ranking,
}  # fmt: skip
