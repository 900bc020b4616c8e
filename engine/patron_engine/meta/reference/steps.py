"""References of steps: the actions that automations, approvals and escalations share.

In: a list of steps and the scope they stand in. Out: the names they leave behind as `steps.NAME`, in the order in
which they run; what stands in a branch may be empty afterwards, and is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patron_engine.meta.document import Path
from patron_engine.meta.reference.people import people
from patron_engine.meta.reference.use import UNKNOWN, ObjectName, Scope, Walk, follow, submap

Step = Mapping[str, Any]
_STEP_ID = re.compile(r"=\s*steps\.([a-z][a-z0-9_]*)(?:\.id)?\s*\Z")
_LINK = re.compile(r"=\s*([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\s*\Z")


def steps(walk: Walk, path: Path, value: Any, scope: Scope) -> Scope:
    """Walks the steps in order; the scope it gives back knows their results."""
    for at, step in walk.maps(path, value):
        walk.condition((*at, "when"), step.get("when"), scope)
        found = _ACTIONS.get(str(step.get("do")), _nothing)(walk, at, step, scope)
        results: dict[str, str] = dict(scope.steps)
        name = step.get("name")
        for part, word in found.items() if isinstance(name, str) else ():
            results[f"{name}.{part}" if part and not part.startswith("*") else part[1:] or str(name)] = word
        scope = scope.under(steps=results)
    return scope


Found = Mapping[str, str]  # part of the result ("" the whole, "*x" another step's result) -> type word


def target(walk: Walk, path: Path, value: Any, scope: Scope) -> ObjectName | None:
    """Which object's record a step writes: this one, a link's, a set's, an object's, or an id's."""
    if value is None:
        return scope.object
    if isinstance(value, str):
        walk.value(path, value, scope, expects=("link", "text"))
        made = _STEP_ID.match(value)
        if made:
            word = scope.steps.get(made[1], UNKNOWN)
            return word.removeprefix("object:") if word.startswith("object:") else UNKNOWN
        link = _LINK.match(value)
        return follow(scope.object, link[1]) if link and link[1].split(".")[0] not in scope.roots else UNKNOWN
    if not isinstance(value, Mapping):
        return UNKNOWN
    if isinstance(value.get("parent"), str):
        walk.field((*path, "parent"), value["parent"], scope.object)
        return follow(scope.object, value["parent"])
    if isinstance(value.get("each"), str):
        walk.name((*path, "each"), "set", value["each"], object=scope.object or UNKNOWN)
        inner = follow(scope.object, value["each"])
        walk.condition((*path, "where"), value.get("where"), scope.among(inner))
        return inner
    object = value.get("object")
    walk.name((*path, "object"), "object", object)
    if not isinstance(object, str):
        return UNKNOWN
    walk.condition((*path, "where"), value.get("where"), scope.among(object))
    return object


def details(walk: Walk, path: Path, value: Any, scope: Scope, made: ObjectName) -> None:
    """`details: [{each: lines, to: lines, set: {…}}]`: bare names are the item's."""
    for at, item in walk.maps(path, value):
        walk.name((*at, "each"), "set", item.get("each"), object=scope.object or UNKNOWN)
        walk.name((*at, "to"), "set", item.get("to"), object=made)
        inside = scope.inside(follow(scope.object, item.get("each")))
        walk.condition((*at, "where"), item.get("where"), inside)
        walk.set_values((*at, "set"), item.get("set"), inside, follow(made, item.get("to")))


def _nothing(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    return {}


def _write(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    """set, update: `target.` is the record written, bare names are the run's."""
    object = target(walk, (*path, "target"), step.get("target"), scope)
    walk.set_values((*path, "set"), step.get("set"), scope.under(target=object), object)
    walk.value((*path, "attach"), step.get("attach"), scope, expects=("list",))
    return {"": f"object:{object or UNKNOWN}"}


def _create(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    object = step.get("object")
    walk.name((*path, "object"), "object", object)
    made = object if isinstance(object, str) else UNKNOWN
    walk.field((*path, "by"), step.get("by"), made)
    walk.set_values((*path, "set"), step.get("set"), scope.under(target=made), made)
    details(walk, (*path, "details"), step.get("details"), scope, made)
    walk.value((*path, "attach"), step.get("attach"), scope, expects=("list",))
    return {"": f"object:{made}"}


def _find(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    object = step.get("object")
    walk.name((*path, "object"), "object", object)
    if not isinstance(object, str):
        return {}
    walk.condition((*path, "where"), step.get("where"), scope.among(object))
    walk.field((*path, "sort"), step.get("sort"), object)
    return {"": f"object:{object}"}


def _give(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    """assign, share, unshare, add_member, delete."""
    object = target(walk, (*path, "target"), step.get("target"), scope)
    if "to" in step:
        people(walk, (*path, "to"), step["to"], scope)
    walk.value((*path, "until"), step.get("until"), scope, expects=("date", "datetime"))
    return {"": f"object:{object or UNKNOWN}"} if step.get("do") == "assign" else {}


def _convert(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    target(walk, (*path, "target"), step.get("target"), scope)
    walk.definition((*path, "conversion"), "conversion", step.get("conversion"))
    return {"": f"conversion:{step.get('conversion')}"}


def _notify(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    target(walk, (*path, "target"), step.get("target"), scope)
    people(walk, (*path, "to"), step.get("to"), scope)
    walk.definition((*path, "template"), "template", step.get("template"))
    for key in ("subject", "message"):
        walk.value((*path, key), step.get(key), scope, expects=("text",))
    return {}


def _mail(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    object = target(walk, (*path, "target"), step.get("target"), scope)
    walk.field((*path, "to", "field"), submap(step, "to").get("field"), object, types=("email",))
    walk.definition((*path, "template"), "template", step.get("template"))
    for key in ("opt_out", "bounced"):
        walk.field((*path, key), step.get(key), object, types=("boolean",))
    walk.field((*path, "language"), step.get("language"), object, kinds=("text", "choice"))
    walk.field((*path, "reply_to"), step.get("reply_to"), object, types=("email",))
    return {}


def _call(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    walk.value((*path, "url"), step.get("url"), scope, expects=("text",))
    for key in ("headers", "query", "body"):
        walk.value((*path, key), step.get(key), scope)
    walk.value((*path, "timeout"), step.get("timeout"), scope, expects=("duration", "text"))
    name = step.get("name")
    answer = {"status": "number", "body": "json", "error": "text", "timed_out": "boolean"}
    known = (
        {**scope.steps, **{f"{name}.{part}": word for part, word in answer.items()}} if name else scope.steps
    )
    steps(walk, (*path, "on_error"), step.get("on_error"), scope.under(steps=known))
    return answer


def _approval(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    target(walk, (*path, "target"), step.get("target"), scope)
    walk.definition((*path, "approval"), "approval", step.get("approval"))
    return {}


def _comment(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    target(walk, (*path, "target"), step.get("target"), scope)
    walk.value((*path, "text"), step.get("text"), scope, expects=("text",))
    return {"": "object:comment"}


def _wait(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    walk.value((*path, "for"), step.get("for"), scope, expects=("duration", "text"))
    walk.condition((*path, "until"), step.get("until"), scope)
    return {"timed_out": "boolean"}


def _branch(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    left: dict[str, str] = {}
    for at, case in walk.maps((*path, "cases"), step.get("cases")):
        walk.condition((*at, "when"), case.get("when"), scope)
        inner = steps(walk, (*at, "steps"), case.get("steps"), scope)
        left.update({f"*{name}": word for name, word in inner.steps.items() if name not in scope.steps})
    return left


def _for_each(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    each, name = step.get("each"), step.get("name")
    if isinstance(each, str) and each.startswith("steps."):
        item = scope.steps.get(each.removeprefix("steps."), UNKNOWN).removeprefix("object:")
    else:
        walk.name((*path, "each"), "set", each, object=scope.object or UNKNOWN)
        item = follow(scope.object, each)
    walk.condition((*path, "where"), step.get("where"), scope.among(item))
    walk.field((*path, "sort"), step.get("sort"), item)
    known = {**scope.steps, str(name): f"object:{item}"} if isinstance(name, str) else scope.steps
    steps(walk, (*path, "steps"), step.get("steps"), scope.under(steps=known))
    return {}


def _run(walk: Walk, path: Path, step: Step, scope: Scope) -> Found:
    target(walk, (*path, "target"), step.get("target"), scope)
    walk.definition((*path, "automation"), "automation", step.get("automation"))
    return {}


_ACTIONS = {
    "set": _write,
    "update": _write,
    "create": _create,
    "upsert": _create,
    "find": _find,
    "delete": _give,
    "assign": _give,
    "share": _give,
    "unshare": _give,
    "add_member": _give,
    "convert": _convert,
    "notify": _notify,
    "mail": _mail,
    "call": _call,
    "start_approval": _approval,
    "withdraw_approval": _approval,
    "comment": _comment,
    "wait": _wait,
    "branch": _branch,
    "for_each": _for_each,
    "run": _run,
    "stop": _nothing,
}
