"""References of layout, view, menu, template, webform, dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.meta.document import Path
from patron_engine.meta.reference.kinds import COLOURS, DAYS, LANES, NUMBERS, PLACES
from patron_engine.meta.reference.people import audience
from patron_engine.meta.reference.use import Scope, Walk, follow, submap

_TARGETS = ("view", "report", "dashboard", "webform")


def layout(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    scope = Scope(object=me, roots={"old": me} if me else {})
    walk.name(("object",), "object", me)
    for path, section in walk.maps(("sections",), body.get("sections")):
        table = section.get("table")
        walk.name((*path, "table"), "set", table, object=me)
        inner = follow(me, table) if isinstance(table, str) else me
        rows = scope.inside(inner) if isinstance(table, str) else scope
        for key in ("visible", "readonly"):
            walk.condition((*path, key), section.get(key), scope)
        fields(walk, (*path, "fields"), section.get("fields"), inner, rows)
        walk.field((*path, "totals"), section.get("totals"), inner, kinds=NUMBERS)
        walk.field((*path, "sort"), section.get("sort"), inner)
    related = body.get("related")
    for index, item in enumerate(related if isinstance(related, list) else ()):
        _related(walk, ("related", index), item, scope)
    walk.field(("highlights",), body.get("highlights"), me)
    walk.name(("actions",), "action", body.get("actions"), object=me)


def _related(walk: Walk, path: Path, item: Any, scope: Scope) -> None:
    if isinstance(item, str):
        walk.name(path, "related", item, object=scope.object)
    elif isinstance(item, Mapping):
        walk.name((*path, "name"), "related", item.get("name"), object=scope.object)
        child = follow(scope.object, item.get("name"))
        walk.field((*path, "columns"), item.get("columns"), child)
        walk.field((*path, "sort"), item.get("sort"), child)
        walk.condition((*path, "where"), item.get("where"), scope.among(child))
        walk.condition((*path, "visible"), item.get("visible"), scope)


def fields(walk: Walk, path: Path, items: Any, object: str | None, scope: Scope) -> None:
    """Fields of a form, plain or with their own conditions."""
    walk.field(path, items, object, written=True)
    for at, item in walk.maps(path, items):
        for key in ("required", "readonly", "visible"):
            walk.condition((*at, key), item.get(key), scope)
        if "default" in item and isinstance(item.get("field"), str):
            walk.value((*at, "default"), item["default"], scope, into=(object or "?", item["field"]))


def view(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    walk.name(("object",), "object", me)
    walk.condition(("where",), body.get("where"), Scope(object=me, rows=True))
    for key in ("columns", "sort", "parent", "filters"):
        walk.field((key,), body.get(key), me)
    groups = LANES if body.get("type") == "kanban" else ()
    for key, kinds in (
        ("group_by", groups),
        ("color_by", COLOURS),
        ("from", DAYS),
        ("to", DAYS),
        ("location", PLACES),
    ):
        walk.field((key,), body.get(key), me, kinds=kinds)
    for path, column in walk.maps(("columns",), body.get("columns")):
        if column.get("total") in ("sum", "avg"):
            walk.field((*path, "total"), column.get("field"), me, kinds=NUMBERS)


def menu(walk: Walk) -> None:
    _entries(walk, ("entries",), walk.body.get("entries"))


def _entries(walk: Walk, path: Path, items: Any) -> None:
    for at, entry in walk.maps(path, items):
        walk.name((*at, "object"), "object", entry.get("object"))
        for kind in _TARGETS:
            walk.definition((*at, kind), kind, entry.get(kind))
        walk.condition((*at, "visible"), entry.get("visible"), Scope(object=None, aggregates=False))
        walk.value((*at, "url"), entry.get("url"), Scope(object=None), expects=("text",))
        _entries(walk, (*at, "entries"), entry.get("entries"))


def template(walk: Walk) -> None:
    walk.name(("object",), "object", walk.body.get("object"))


def webform(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    scope = Scope(object=me)
    walk.name(("object",), "object", me)
    fields(walk, ("fields",), body.get("fields"), me, scope)
    walk.set_values(("set",), body.get("set"), scope, me)
    walk.field(("match", "by"), submap(body, "match").get("by"), me)
    opening = submap(body, "open")
    for key in ("from", "until"):
        walk.value(("open", key), opening.get(key), Scope(object=None), expects=("date", "datetime"))


def dashboard(walk: Walk) -> None:
    body = walk.body
    audience(walk, ("home_for",), body.get("home_for"), None)
    shown: dict[str, str] = {}
    for path, tile in walk.maps(("tiles",), body.get("tiles")):
        for kind in ("report", "view", "goal"):
            walk.definition((*path, kind), kind, tile.get(kind))
            if isinstance(tile.get("name"), str) and isinstance(tile.get(kind), str):
                shown[tile["name"]] = f"@{kind}/{tile[kind]}"
    for path, chosen in walk.maps(("filters",), body.get("filters")):
        walk.definition((*path, "option_set"), "option_set", chosen.get("option_set"))
        walk.name((*path, "to"), "object", chosen.get("to"))
        walk.value((*path, "default"), chosen.get("default"), Scope(object=None))
        for reached, field in submap(chosen, "reaches").items():
            if reached not in shown:
                walk.definition((*path, "reaches", reached), "report", reached)
            at, of = (*path, "reaches", reached), shown.get(reached, f"@report/{reached}")
            if isinstance(field, str) and field.startswith("parameters.") and of.startswith("@report/"):
                walk.name(
                    at, "element", field.removeprefix("parameters."), kind="report", of=of.removeprefix("@report/"),
                    element="parameters",
                )  # fmt: skip
            else:
                walk.field(at, field, of, sets=True)
