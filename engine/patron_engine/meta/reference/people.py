"""People: the words that say whom (`who`, `to`, `members` …), the same in flow, access and reports; and `for`.

In: a Walk and the value an author wrote. Out: references to roles, codes, fields, and expressions over candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from patron_engine.meta.document import Path
from patron_engine.meta.reference.kinds import PEOPLE
from patron_engine.meta.reference.use import Scope, Walk, follow, submap

_CODES = {
    "user": "user",
    "department": "department",
    "department_head": "department",
    "position": "position",
    "group": "group",
    "queue": "queue",
}


def people(walk: Walk, path: Path, value: Any, scope: Scope, nodes: tuple[str, ...] = ()) -> None:
    """One `who`, a list of them, or an `=expression`. `nodes` are the names of earlier approval nodes."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            people(walk, (*path, index), item, scope, nodes)
        return
    if not isinstance(value, Mapping):
        walk.value(path, value, scope, expects=("link", "list"))
        return
    for word, kind in _CODES.items():
        walk.code((*path, word), kind, value.get(word))
        for at, item in _expressions((*path, word), value.get(word)):
            walk.value(at, item, scope, expects=("link", "text", "list"))
    walk.definition((*path, "role"), "role", value.get("role"))
    upto = submap(value, "managers_up_to")
    walk.definition((*path, "managers_up_to", "role"), "role", upto.get("role"))
    if isinstance(value.get("each"), str):
        walk.name((*path, "each"), "set", value["each"], object=scope.object or "?")
        walk.field((*path, "field"), value.get("field"), follow(scope.object, value["each"]), kinds=PEOPLE)
    else:
        walk.field((*path, "field"), value.get("field"), scope.object, kinds=PEOPLE)
    walk.field((*path, "head_of"), value.get("head_of"), scope.object, kinds=PEOPLE)
    if "approvers_of" in value:
        walk.name((*path, "approvers_of"), "here", value["approvers_of"], known=nodes)
    if "from" in value:
        people(walk, (*path, "from"), value["from"], scope, nodes)
    if isinstance(value.get("expression"), str):
        walk.value((*path, "expression"), "=" + value["expression"], scope, expects=("link", "list"))
    walk.condition((*path, "where"), value.get("where"), replace(scope.among("user"), rows=True))


def _expressions(path: Path, value: Any) -> list[tuple[Path, Any]]:
    items = [((*path, i), v) for i, v in enumerate(value)] if isinstance(value, list) else [(path, value)]
    return [(at, v) for at, v in items if isinstance(v, str) and v.startswith("=")]


def audience(walk: Walk, path: Path, value: Any, object: str | None) -> None:
    """`for: {roles, departments, groups, record_types}`."""
    if isinstance(value, Mapping):
        walk.definition((*path, "roles"), "role", value.get("roles"))
        walk.code((*path, "departments"), "department", value.get("departments"))
        walk.code((*path, "groups"), "group", value.get("groups"))
        if object is not None:
            walk.name((*path, "record_types"), "record_type", value.get("record_types"), object=object)
