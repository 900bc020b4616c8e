"""References of report and goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from patron_engine.meta.document import Path
from patron_engine.meta.reference.kinds import DAYS, NUMBERS, ORDERED
from patron_engine.meta.reference.people import people
from patron_engine.meta.reference.use import Scope, Walk, follow, submap

MEASURED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("sum", "avg", "median", "percentile"), NUMBERS),
    **dict.fromkeys(("min", "max"), ORDERED),
}

# What a parameter's or a setting's type is in an expression.
TYPE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("integer", "decimal", "percent", "money", "rating"), "number"),
    **dict.fromkeys(("text", "long_text", "email", "phone", "url", "cascade", "secret"), "text"),
    **dict.fromkeys(("multi_select", "tags"), "list"),
    "select": "choice",
    "duration": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "date_range": "range",
    "user": "object:user",
    "department": "object:department",
    "json": "json",
}


def report(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    walk.name(("object",), "object", me)
    parameters = _parameters(walk)
    scope = Scope(object=me, roots={"parameters": parameters}, names=parameters)
    walk.condition(("where",), body.get("where"), replace(scope, rows=True))
    if body.get("type") == "joined":
        measured = _blocks(walk, scope)
        groups = _names(body.get("group"))
    else:
        for key in ("rows", "columns"):
            walk.field((key,), body.get(key), me, sets=True)
            for path, group in walk.maps((key,), body.get(key)):
                by, buckets = isinstance(group.get("by"), str), "buckets" in group
                for part, there, kinds in (("by", by, DAYS), ("buckets", buckets, NUMBERS)):
                    walk.field(
                        (*path, part), group.get("field") if there else None, me, sets=True, kinds=kinds
                    )
        measured = {}
        groups = (*_names(body.get("rows")), *_names(body.get("columns")))
    measures = {**measured, **_measures(walk, ("measures",), body.get("measures"), scope, measured)}
    _funnel_and_cohort(walk, me)
    _shown(walk, measures, groups)
    over = Scope(object=None, names={**parameters, **measures}, aggregates=False)
    for path, alert in walk.maps(("alerts",), body.get("alerts")):
        walk.measure((*path, "when"), alert.get("when"), over, expects=("boolean",))
        people(walk, (*path, "to"), alert.get("to"), Scope(object=None))
        walk.value((*path, "message"), alert.get("message"), over, expects=("text",))
    for path, sent in walk.maps(("schedule",), body.get("schedule")):
        people(walk, (*path, "to"), sent.get("to"), Scope(object=None))


def _parameters(walk: Walk) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, parameter in walk.maps(("parameters",), walk.body.get("parameters")):
        name, kind = parameter.get("name"), parameter.get("type")
        to = parameter.get("to")
        walk.definition((*path, "option_set"), "option_set", parameter.get("option_set"))
        walk.name((*path, "to"), "object", to)
        walk.value((*path, "default"), parameter.get("default"), Scope(object=None))
        if isinstance(name, str) and isinstance(kind, str):
            found[name] = (
                f"object:{to}" if kind == "lookup" and isinstance(to, str) else TYPE_WORDS.get(kind, "text")
            )
    return found


def _names(value: Any) -> tuple[str, ...]:
    """What charts and sort may call the groups: their name, their field, and both."""
    names: list[str] = []
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            names.append(item)
        elif isinstance(item, Mapping):
            names += [item[key] for key in ("name", "field") if isinstance(item.get(key), str)]
    return tuple(dict.fromkeys(names))


def _measures(walk: Walk, path: Path, value: Any, scope: Scope, others: Mapping[str, str]) -> dict[str, str]:
    """All figures of a list; formulas may name any of them and `others`."""
    known = {
        m["name"]: _kind(m, scope.object) for _, m in walk.maps(path, value) if isinstance(m.get("name"), str)
    }
    for at, measure in walk.maps(path, value):
        kinds = MEASURED.get(str(measure.get("function")), ())
        walk.field((*at, "field"), measure.get("field"), scope.object, sets=True, kinds=kinds)
        walk.condition((*at, "where"), measure.get("where"), replace(scope, rows=True))
        names = {**scope.names, **others, **{k: v for k, v in known.items() if k != measure.get("name")}}
        walk.measure(
            (*at, "expression"),
            measure.get("expression"),
            replace(scope, names=names, rows=True),
            ("number",),
        )
    return known


def _kind(measure: Mapping[str, Any], object: str | None) -> str:
    """What a measure is in formulas: the smallest of some days is a day."""
    field = measure.get("field")
    if measure.get("function") in ("min", "max") and isinstance(field, str) and object not in (None, "?"):
        return f"measure:{object}.{field}"
    return "number"


def _blocks(walk: Walk, scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    groups = _names(walk.body.get("group"))
    for path, block in walk.maps(("blocks",), walk.body.get("blocks")):
        object = block.get("object")
        walk.name((*path, "object"), "object", object)
        inner = replace(scope, object=object if isinstance(object, str) else "?")
        walk.condition((*path, "where"), block.get("where"), replace(inner, rows=True))
        for group, field in submap(block, "on").items():
            walk.name((*path, "on", group), "here", group, known=groups)
            walk.field((*path, "on", group), field, inner.object, sets=True)
        found.update(_measures(walk, (*path, "measures"), block.get("measures"), inner, {}))
    return found


def _funnel_and_cohort(walk: Walk, me: str | None) -> None:
    body = walk.body
    walk.definition(("path",), "stage_path", body.get("path"))
    if body.get("type") == "funnel":
        walk.field(("value",), body.get("value"), me, kinds=NUMBERS)
    walk.field(("cohort", "field"), submap(body, "cohort").get("field"), me, kinds=DAYS)
    over = submap(body, "over")
    walk.name(("over", "set"), "set", over.get("set"), object=me)
    walk.field(("over", "field"), over.get("field"), follow(me, over.get("set")), kinds=DAYS)


def _shown(walk: Walk, measures: Mapping[str, str], groups: tuple[str, ...]) -> None:
    """sort and chart name measures and groups of this report."""
    body, chart = walk.body, submap(walk.body, "chart")
    figures = (
        (*measures, "count", "value", "conversion", "stay")
        if body.get("type") == "funnel"
        else tuple(measures)
    )
    axes = (*groups, "stage") if body.get("type") == "funnel" else groups
    order = body.get("sort")
    for index, item in enumerate(order if isinstance(order, list) else ()):
        if isinstance(item, str) and item.removeprefix("-") not in (*figures, *groups):
            if body.get("type") == "list":
                walk.field(("sort", index), item, walk.text("object"))
            else:
                walk.name(("sort", index), "here", item.removeprefix("-"), known=(*figures, *groups))
    for key in ("x", "series", "y"):
        walk.name(("chart", key), "here", chart.get(key), known=(*axes, *figures))
    for key in ("value", "line", "size", "compare"):
        walk.name(("chart", key), "here", chart.get(key), known=figures)
    over = Scope(object=None, names=dict(measures), aggregates=False, report=True)
    for path, line in walk.maps(("chart", "reference"), chart.get("reference")):
        walk.value((*path, "value"), line.get("value"), over, expects=("number",))
    for key in ("min", "max"):
        walk.value(("chart", key), chart.get(key), over, expects=("number",))


def goal(walk: Walk) -> None:
    for key in ("measure", "forecast"):
        named = walk.text(key)
        if named and named.count(".") == 1:
            report_name, figure = named.split(".")
            walk.definition((key,), "report", report_name)
            walk.name((key,), "element", figure, kind="report", of=report_name, element="measures")
