"""References of automation, approval, stage_path, assignment, pool, sla, conversion, duplicate_rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from patron_engine.meta.document import Path
from patron_engine.meta.document import walk as parts
from patron_engine.meta.reference.events import WHOLE_OBJECT, events
from patron_engine.meta.reference.kinds import CHOICES
from patron_engine.meta.reference.people import people
from patron_engine.meta.reference.steps import details, steps
from patron_engine.meta.reference.use import Scope, Walk, submap


def _scope(me: str | None) -> Scope:
    return Scope(object=me, roots={"old": me} if me else {})


def automation(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    walk.name(("object",), "object", me)
    scope = _scope(me).under(event=events(walk, ("on",), body.get("on"), me))
    listed = body.get("on") if isinstance(body.get("on"), list) else [body.get("on")]
    scheduled = any(isinstance(e, Mapping) and str(e.get("event")) in WHOLE_OBJECT for e in listed or ())
    walk.condition(("when",), body.get("when"), replace(scope, rows=scheduled and me is not None))
    walk.condition(("stop_when",), body.get("stop_when"), scope)
    walk.value(("once",), body.get("once"), scope)
    steps(walk, ("steps",), body.get("steps"), scope)


def approval(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    walk.name(("object",), "object", me)
    scope = _scope(me)
    for path, trigger in walk.maps(("on",), body.get("on")):
        walk.field((*path, "update"), trigger.get("update"), me, written=True)
        stage = {"kind": "stage_path", "of": "", "element": "stages", "object": me}
        walk.name((*path, "stage"), "element", trigger.get("stage"), **stage)
    walk.condition(("when",), body.get("when"), scope)
    walk.field(("lock", "except"), submap(body, "lock").get("except"), me, sets=True)
    walk.field(("summary",), body.get("summary"), me, sets=True)
    _notify(walk, ("notify",), body.get("notify"), scope)
    nodes = _node_names(body.get("nodes"))
    scope = _nodes(walk, ("nodes",), body.get("nodes"), scope.under(approver="user"), nodes)
    for key in ("no_approver", "self_approval"):
        people(walk, (key, "to"), submap(body, key).get("to"), scope, nodes) if submap(body, key) else None
    for key, after in submap(body, "after").items():
        steps(walk, ("after", key), after, scope)


def _node_names(value: Any) -> tuple[str, ...]:
    names = []
    for path, part in parts(value):
        if isinstance(part, Mapping) and len(path) and "type" in part and isinstance(part.get("name"), str):
            names.append(part["name"])
    return tuple(names)


def _nodes(walk: Walk, path: Path, value: Any, scope: Scope, names: tuple[str, ...]) -> Scope:
    for at, node in walk.maps(path, value):
        if "who" in node:
            people(walk, (*at, "who"), node["who"], scope, names)
        if "among" in node:
            people(walk, (*at, "among"), node["among"], scope, names)
        for name in submap(node, "fields"):
            walk.field((*at, "fields", name), name, scope.object, sets=True)
        walk.field((*at, "summary"), node.get("summary"), scope.object, sets=True)
        walk.definition((*at, "print"), "template", node.get("print"))
        _notify(walk, (*at, "notify"), node.get("notify"), scope)
        deadline = submap(node, "deadline")
        moments = ("duration", "text", "date", "datetime")
        walk.value((*at, "deadline", "after"), deadline.get("after"), scope, expects=moments)
        for key in ("then", "finally"):
            if "transfer" in submap(deadline, key):
                people(walk, (*at, "deadline", key, "transfer"), deadline[key]["transfer"], scope, names)
        for here, case in walk.maps((*at, "cases"), node.get("cases")):
            walk.condition((*here, "when"), case.get("when"), scope)
            scope = _nodes(walk, (*here, "nodes"), case.get("nodes"), scope, names)
        scope = steps(walk, (*at, "steps"), node.get("steps"), scope)
    return scope


def _notify(walk: Walk, path: Path, value: Any, scope: Scope) -> None:
    if isinstance(value, Mapping):
        if "to" in value:
            people(walk, (*path, "to"), value["to"], scope)
        walk.definition((*path, "template"), "template", value.get("template"))
        walk.value((*path, "message"), value.get("message"), scope, expects=("text",))


def stage_path(walk: Walk) -> None:
    me, body, field = walk.text("object"), walk.body, walk.text("field")
    scope = _scope(me)
    walk.name(("object",), "object", me)
    walk.field(("field",), field, me, kinds=CHOICES)
    walk.condition(("when",), body.get("when"), scope)
    walk.definition(("moves", "reopen"), "role", submap(body, "moves").get("reopen"))
    for path, stage in walk.maps(("stages",), body.get("stages")):
        if me and field:
            walk.name((*path, "name"), "option", stage.get("name"), object=me, field=field)
            walk.name((*path, "moves"), "option", stage.get("moves"), object=me, field=field)
        for key in ("enter_when", "leave_when"):
            for at, criterion in walk.maps((*path, key), stage.get(key)):
                walk.condition((*at, "when"), criterion.get("when"), scope)
        walk.field((*path, "required"), stage.get("required"), me)
        walk.set_values((*path, "set"), stage.get("set"), scope, me)
        for at, task in walk.maps((*path, "tasks"), stage.get("tasks")):
            if "who" in task:
                people(walk, (*at, "who"), task["who"], scope)
            walk.value((*at, "due"), task.get("due"), scope, expects=("duration", "text"))
            walk.condition((*at, "done_when"), task.get("done_when"), scope)


def assignment(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    walk.name(("object",), "object", me)
    scope = _scope(me).under(event=events(walk, ("on",), body.get("on"), me))
    walk.condition(("when",), body.get("when"), scope)
    for path, rule in walk.maps(("rules",), body.get("rules")):
        walk.condition((*path, "when"), rule.get("when"), scope)
        people(walk, (*path, "to"), rule.get("to"), scope)
        load = submap(rule, "load")
        walk.name((*path, "load", "object"), "object", load.get("object"))
        if isinstance(load.get("object"), str):
            walk.condition((*path, "load", "where"), load.get("where"), scope.among(load["object"]))
    walk.condition(("again", "while"), submap(body, "again").get("while"), scope)


def pool(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    rows = Scope(object=me, rows=True)
    walk.name(("object",), "object", me)
    for key in ("takes", "exempt_when"):
        walk.condition((key,), body.get(key), rows)
    for key in ("managers", "members"):
        if key in body:
            people(walk, (key,), body[key], rows)
    walk.field(("hidden",), body.get("hidden"), me, sets=True)
    walk.field(("columns",), body.get("columns"), me)
    walk.condition(("claim", "counts_when"), submap(body, "claim").get("counts_when"), rows)
    for part in ("claim", "lock"):
        for path, entry in walk.maps((part, "limits"), submap(body, part).get("limits")):
            people(walk, (*path, "who"), entry.get("who"), rows)
    walk.definition(("transfer", "to"), "pool", submap(body, "transfer").get("to"))
    walk.field(("lock", "field"), submap(body, "lock").get("field"), me, types=("boolean",))
    for path, case in walk.maps(("return",), body.get("return")):
        walk.condition((*path, "when"), case.get("when"), rows)
        for key in case:
            if key.startswith("no_"):
                walk.name((*path, key), "object", key.removeprefix("no_"))
    back = submap(body, "on_return")
    walk.name(("on_return", "with"), "set", back.get("with"), object=me)
    walk.set_values(("on_return", "set"), back.get("set"), Scope(object=me), me)


def sla(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    scope = _scope(me)
    walk.name(("object",), "object", me)
    _calendar(walk, ("calendar",), body.get("calendar"))
    for key in ("when", "pause_when"):
        walk.condition((key,), body.get(key), scope)
    for path, clock in walk.maps(("clocks",), body.get("clocks")):
        for key in ("start_when", "stop_when", "pause_when"):
            walk.condition((*path, key), clock.get(key), scope)
        walk.value((*path, "within"), clock.get("within"), scope, expects=("duration", "text"))
        for at, case in walk.maps((*path, "cases"), clock.get("cases")):
            walk.condition((*at, "when"), case.get("when"), scope)
            walk.value((*at, "within"), case.get("within"), scope, expects=("duration", "text"))
            _calendar(walk, (*at, "calendar"), case.get("calendar"))
        for at, late in walk.maps((*path, "late"), clock.get("late")):
            steps(walk, (*at, "steps"), late.get("steps"), scope)


def _calendar(walk: Walk, path: Path, value: Any) -> None:
    if value not in ("workspace", "always"):
        walk.code(path, "calendar", value)


def conversion(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    scope = Scope(object=me)
    walk.name(("object",), "object", me)
    walk.definition(("roles",), "role", body.get("roles"))
    walk.condition(("when",), body.get("when"), scope)
    for path, made in walk.maps(("to",), body.get("to")):
        object = made.get("object")
        walk.name((*path, "object"), "object", object)
        target = object if isinstance(object, str) else "?"
        walk.condition((*path, "when"), made.get("when"), scope)
        find = submap(made, "find")
        walk.condition((*path, "find", "where"), find.get("where"), scope.among(target))
        walk.field((*path, "find", "sort"), find.get("sort"), target)
        walk.set_values((*path, "set"), made.get("set"), scope.under(target=target), target)
        details(walk, (*path, "details"), made.get("details"), scope, target)
        if isinstance(made.get("name"), str):
            scope = scope.under(steps={**scope.steps, made["name"]: f"object:{target}"})
    walk.name(("move",), "related", body.get("move"), object=me)
    walk.set_values(("back",), body.get("back"), scope, me)


def duplicate_rule(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    walk.name(("object",), "object", me)
    walk.condition(("when",), body.get("when"), _scope(me))
    for path, match in walk.maps(("match",), body.get("match")):
        for name in submap(match, "fields"):
            walk.field((*path, "fields", name), name, me)
    against = body.get("against")
    for index, text in enumerate(against if isinstance(against, list) else ()):
        if isinstance(text, str) and text.count(".") == 1:
            object, field = text.split(".")
            walk.name(("against", index), "object", object)
            walk.field(("against", index), field, object)
    walk.field(("reveal",), body.get("reveal"), me)
