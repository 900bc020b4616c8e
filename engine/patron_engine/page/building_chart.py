"""Building charts: what a chart draws, put together on a page: the groups of its axes, the figures it shows and how each is drawn.

In: a body, the pairs of the form (`chart` its form, `usual` that of a report that says none, `was` what the parts below showed, as JSON;
`c_x`, `c_series`, `c_y`, `c_value`, `c_size`, `c_compare`, `c_labels`; of several figures a `draw` each). Out: the body with its chart.
What nobody changed stays silent, so that it goes on to follow the groups and figures of the report. Pure.

    draw=value:NAME (bars, or whatever the form is)   draw=line:NAME (a line, with the second axis)   draw=:NAME (not at all)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from patron_engine.jsonio import loads

Body = dict[str, Any]
_ALONG: Final = ("x", "series", "draw", "labels")
PARTS: Final[Mapping[str, tuple[str, ...]]] = {  # what each form has to be chosen
    "bar": _ALONG, "stacked": _ALONG, "line": _ALONG, "area": _ALONG, "combined": _ALONG, "radar": ("x", "series", "draw"),
    "pie": ("x", "value"), "ranking": ("x", "value"), "map": ("x", "value"), "treemap": ("value",), "heat_map": ("x", "y", "value"),
    "scatter": ("x", "y", "size"), "figure": ("value", "compare"), "gauge": ("value",), "funnel": ("value",),
}  # fmt: skip
OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "funnel": ("count", "value", "conversion", "overall", "stay"),
    "cohort": ("share",),
}
OF_FIGURES: Final = ("value", "line", "size", "compare")
LONGEST: Final = 4_000  # characters of what the form showed


def drawn(body: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> Body:
    """The body with the chart the form asks for; what it named and is not there any more is chosen anew."""
    given = dict(pairs)
    chart = dict(body.get("chart") or {})
    now = chart.get("type") if chart else given.get("usual")
    changed = _changed(chart, str(now), given, [value for name, value in pairs if name == "draw"])
    if changed != chart:
        chart = {"type": now, **changed}
    chosen = given.get("chart", now)
    if chosen != now:
        chart = turned(chart, chosen) if chosen else {}
    chart = _known(chart, body)
    rest = {key: value for key, value in body.items() if key != "chart"}
    return {**rest, "chart": chart} if chart else rest


def names_of(body: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """What the groups and the figures of a report are called."""
    figures = {
        str(m["name"]) for part in (body, *(body.get("blocks") or ())) for m in part.get("measures") or ()
    }
    own = OWN.get(str(body.get("type")), ())
    return set(_groups(body)), figures | set(own)


def _groups(body: Mapping[str, Any]) -> Iterator[str]:
    for group in (*(body.get("rows") or ()), *(body.get("columns") or ()), *(body.get("group") or ())):
        if isinstance(group, str):
            yield group
        else:
            yield from (str(group[key]) for key in ("name", "field") if group.get(key))
    if body.get("type") == "cohort":
        yield from ("cohort", "offset")
    elif body.get("type") == "funnel":
        yield "stage"


def _changed(chart: Body, form: str, given: Mapping[str, str], draws: Sequence[str]) -> Body:
    """The chart with what stands in the form otherwise than it was shown."""
    was = _was(given.get("was", ""))
    if was is None:
        return chart
    made = dict(chart)
    for part in PARTS.get(form, ()):
        if part == "draw":
            if draws and draws != was.get("draw"):
                bars, lines = (
                    [d.partition(":")[2] for d in draws if d.startswith(f"{way}:")]
                    for way in ("value", "line")
                )
                if not bars:  # something is always drawn
                    bars, lines = lines[:1], lines[1:]
                _put(made, "value", bars)
                _put(made, "line", lines if form == "combined" else [])
        elif part == "labels":
            if (given.get("c_labels") == "1") != bool(was.get("labels")):
                _put(made, "labels", [True] if given.get("c_labels") else [])
        elif f"c_{part}" in given and given[f"c_{part}"] != was.get(part):
            _put(made, part, [given[f"c_{part}"]] if given[f"c_{part}"] else [])
            if part == "series" and not given["c_series"] and "x" in was:
                made.setdefault("x", was["x"])  # an axis that is named: no other group makes series by itself
    return made


def _was(text: str) -> Mapping[str, Any] | None:
    try:
        found = loads(text.encode()) if 0 < len(text) <= LONGEST else None
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None


def _put(chart: Body, key: str, values: Sequence[Any]) -> None:
    chart.pop(key, None)
    if values:
        chart[key] = values[0] if len(values) == 1 else list(values)


def turned(chart: Body, form: str) -> Body:
    """The chart in another form, with what that shares with the one before."""
    before, parts = str(chart.get("type")), PARTS.get(form, ())
    made: Body = {"type": form, **{key: chart[key] for key in ("reference",) if key in chart}}
    figures = [*_several(chart.get("value")), *_several(chart.get("line"))]
    if "draw" in parts and form != "combined":
        _put(made, "value", figures)
    elif "value" in parts:
        _put(made, "value", figures[:1])
    for key in ("x", "series", "labels"):
        if key in parts and key in chart and "scatter" not in (before, form):
            made[key] = chart[key]
    return made


def _known(chart: Body, body: Mapping[str, Any]) -> Body:
    """The chart without the groups and figures the report has no more."""
    groups, figures = names_of(body)
    made = dict(chart)
    points = chart.get("type") == "scatter"
    for key in ("x", "series", "y", *OF_FIGURES):
        if key in made:
            known = figures if key in OF_FIGURES or (points and key != "series") else groups
            _put(made, key, [name for name in _several(made[key]) if name in known])
    return made


def _several(named: Any) -> list[str]:
    return [named] if isinstance(named, str) else [str(name) for name in named or ()]
