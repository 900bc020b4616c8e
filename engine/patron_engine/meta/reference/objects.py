"""References of object, option_set, segment, setting, data, check and workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patron_engine.meta.document import Document, Path
from patron_engine.meta.reference.use import Scope, Walk, follow, submap

_PLATFORM_PARTS = frozenset({"YYYY", "YY", "MM", "DD"})


def object_(walk: Walk) -> None:
    me, body = walk.document.name, walk.body
    scope = Scope(object=me, roots={"old": me})
    walk.field(("title",), body.get("title"), me)
    walk.field(("rate_date",), body.get("rate_date"), me)
    walk.field(("search",), body.get("search"), me)
    for path, item in walk.maps(("fields",), body.get("fields")):
        _field(walk, path, item, scope)
    for path, unique in walk.maps(("unique",), body.get("unique")):
        walk.field((*path, "fields"), unique.get("fields"), me)
        walk.condition((*path, "where"), unique.get("where"), Scope(object=me, rows=True, aggregates=False))
    for path, index in walk.maps(("indexes",), body.get("indexes")):
        walk.field((*path, "fields"), index.get("fields"), me)
        walk.condition((*path, "where"), index.get("where"), Scope(object=me, rows=True, aggregates=False))
    for path, rule in walk.maps(("rules",), body.get("rules")):
        walk.condition((*path, "when"), rule.get("when"), scope)
        walk.field((*path, "at"), rule.get("at"), me, sets=True)
    walk.condition(
        ("privacy", "hold"),
        submap(body, "privacy").get("hold"),
        Scope(object=me, rows=True, aggregates=False),
    )
    for path, kind in walk.maps(("record_types",), body.get("record_types")):
        walk.definition((*path, "roles"), "role", kind.get("roles"))
        for name, options in submap(kind, "options").items():
            walk.field((*path, "options", name), name, me)
            walk.name((*path, "options", name), "option", options, object=me, field=name)


def _field(walk: Walk, path: Path, field: Mapping[str, Any], scope: Scope) -> None:
    me, name, kind = scope.object, field.get("name"), field.get("type")
    for key in ("required", "readonly", "visible"):
        walk.condition((*path, key), field.get(key), scope)
    if "default" in field and isinstance(name, str):
        walk.value((*path, "default"), field["default"], scope, into=(me or "?", name))
    walk.definition((*path, "option_set"), "option_set", field.get("option_set"))
    if isinstance(field.get("controlled_by"), str):
        walk.field((*path, "controlled_by"), field["controlled_by"], me)
        options(walk, (*path, "options"), field.get("options"), me or "?", field["controlled_by"])
    if kind == "formula":
        walk.formula((*path, "expression"), field.get("expression"), Scope(object=me))
        walk.name((*path, "to"), "object", field.get("to"))
    elif kind == "rollup":
        _rollup(walk, path, field, scope)
    elif kind in ("lookup", "master", "user", "department"):
        _link(walk, path, field, scope)
    elif kind == "location":
        walk.field((*path, "target"), field.get("target"), me, kinds=("location",))
        walk.value((*path, "radius"), field.get("radius"), scope, expects=("number",))
        if isinstance(field.get("manual"), str):
            walk.field((*path, "manual"), field["manual"], me, kinds=("boolean",))
    elif kind == "auto_number":
        for part in re.findall(r"\{([a-z][a-z0-9_.]*)\}", str(field.get("pattern"))):
            walk.field((*path, "pattern"), part, me)


def _rollup(walk: Walk, path: Path, field: Mapping[str, Any], scope: Scope) -> None:
    child = follow(scope.object, field.get("of"))
    walk.name((*path, "of"), "set", field.get("of"), object=scope.object)
    walk.field((*path, "field"), field.get("field"), child)
    walk.field((*path, "sort"), field.get("sort"), child)
    walk.condition((*path, "where"), field.get("where"), Scope(object=scope.object).among(child))


def _link(walk: Walk, path: Path, field: Mapping[str, Any], scope: Scope) -> None:
    kind, to = field.get("type"), field.get("to")
    walk.name((*path, "to"), "object", to)
    targets = [kind] if kind in ("user", "department") else to if isinstance(to, list) else [to]
    find = submap(field, "find")
    for target in targets:
        if not isinstance(target, str):
            continue
        among = Scope(object=scope.object).among(target)
        walk.condition((*path, "where"), field.get("where"), among)
        walk.condition((*path, "find", "where"), find.get("where"), among)
        walk.field((*path, "find", "sort"), find.get("sort"), target)
        asking = Scope(object=scope.object, roots={"this": scope.object or "?"})
        walk.set_values((*path, "find", "create"), find.get("create"), asking, target)
        for own, source in submap(field, "fill").items():
            walk.field((*path, "fill", own), source, target)
    for own in submap(field, "fill"):
        walk.field((*path, "fill", own), own, scope.object)


def options(walk: Walk, path: Path, value: Any, object: str, controlling: str) -> None:
    """`only_for` of each option names options of the controlling field."""
    for at, option in walk.maps(path, value):
        walk.name((*at, "only_for"), "option", option.get("only_for"), object=object, field=controlling)
        options(walk, (*at, "options"), option.get("options"), object, controlling)


def segment(walk: Walk) -> None:
    me = walk.text("object")
    walk.name(("object",), "object", me)
    walk.condition(("where",), walk.body.get("where"), Scope(object=me, rows=True))


def setting(walk: Walk) -> None:
    walk.definition(("option_set",), "option_set", walk.body.get("option_set"))
    walk.name(("to",), "object", walk.body.get("to"))
    walk.value(("default",), walk.body.get("default"), Scope(object=None))


def data(walk: Walk) -> None:
    me = walk.text("object") or "?"
    walk.name(("object",), "object", me)
    for path, record in walk.maps(("records",), walk.body.get("records")):
        values = {key: value for key, value in record.items() if key != "external_id"}
        _record(walk, path, values, me)


def _record(walk: Walk, path: Path, values: Any, object: str) -> None:
    """Values of a record of a check or of data; details stand under their set's name."""
    for key, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            walk.name((*path, key), "set", key, object=object)
            for at, item in walk.maps((*path, key), value):
                _record(walk, at, item, follow(object, key))
        else:
            walk.set_values(path, {key: value}, Scope(object=None), object, loose=True)


def check(walk: Walk) -> None:
    given, body = submap(walk.body, "given"), walk.body
    users = _names(given.get("users"))
    known = {"users": users, "people": (*users, "system")}
    objects: dict[str, str] = {}
    for path, user in walk.maps(("given", "users"), given.get("users")):
        walk.definition((*path, "roles"), "role", user.get("roles"))
        for kind in ("department", "position"):
            if user.get(kind) not in _codes(given.get("records"), kind):
                walk.code((*path, kind), kind, user.get(kind))
        walk.name((*path, "manager"), "here", user.get("manager"), known=users)
        _record(walk, (*path, "set"), user.get("set"), "user")
    for path, record in walk.maps(("given", "records"), given.get("records")):
        _given(walk, path, record, objects, users)
    for name in submap(given, "settings"):
        walk.definition(("given", "settings", name), "setting", name)
    for path, step in walk.maps(("steps",), body.get("steps")):
        _step(walk, path, step, objects, known)
    for path, claim in walk.maps(("then",), body.get("then")):
        _claim(walk, path, claim, objects, known)


def _names(items: Any) -> tuple[str, ...]:
    found = (
        [item.get("name") for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    )
    return tuple(name for name in found if isinstance(name, str))


def _codes(records: Any, object: str) -> list[Any]:
    """The codes of the records of an object that a check makes itself."""
    mine = (
        [r for r in records if isinstance(r, Mapping) and r.get("object") == object]
        if isinstance(records, list)
        else []
    )
    return [submap(r, "set").get("code") for r in mine]


def _given(
    walk: Walk, path: Path, record: Mapping[str, Any], objects: dict[str, str], users: tuple[str, ...]
) -> None:
    object, name = record.get("object"), record.get("name")
    walk.name((*path, "object"), "object", object)
    walk.name((*path, "owner"), "here", record.get("owner"), known=users)
    if isinstance(object, str):
        _record(walk, (*path, "set"), record.get("set"), object)
        _record(walk, (*path, "details"), record.get("details"), object)
        if isinstance(name, str):
            objects[name] = object


def _step(
    walk: Walk,
    path: Path,
    step: Mapping[str, Any],
    objects: dict[str, str],
    known: Mapping[str, tuple[str, ...]],
) -> None:
    record, object = step.get("record"), step.get("object")
    walk.name((*path, "as"), "here", step.get("as"), known=known["people"])
    walk.name((*path, "object"), "object", object)
    walk.name((*path, "record"), "here", record, known=tuple(objects))
    walk.definition((*path, "conversion"), "conversion", step.get("conversion"))
    here = object if isinstance(object, str) else objects.get(record, "?") if isinstance(record, str) else "?"
    for key in ("set", "values", "details"):
        _record(walk, (*path, key), step.get(key), here)
    if isinstance(step.get("name"), str):
        objects[step["name"]] = here


def _claim(
    walk: Walk,
    path: Path,
    claim: Mapping[str, Any],
    objects: dict[str, str],
    known: Mapping[str, tuple[str, ...]],
) -> None:
    record, listed = claim.get("read"), claim.get("list")
    walk.name((*path, "as"), "here", claim.get("as"), known=known["people"])
    walk.name((*path, "read"), "here", record, known=tuple(objects))
    here = objects.get(record, "?") if isinstance(record, str) else "?"
    _record(walk, (*path, "values"), claim.get("values"), here)
    if isinstance(claim.get("hidden"), list):
        walk.field((*path, "hidden"), claim["hidden"], here)
    walk.name((*path, "list"), "object", listed)
    if isinstance(listed, str):
        walk.condition((*path, "where"), claim.get("where"), Scope(object=listed, rows=True))
    walk.name((*path, "records"), "here", claim.get("records"), known=tuple(objects))
    walk.definition((*path, "report"), "report", claim.get("report"))
    for measure in submap(claim, "total"):
        walk.name(
            (*path, "total", measure),
            "element",
            measure,
            kind="report",
            of=claim.get("report"),
            element="measures",
        )


def workspace(walk: Walk) -> None:
    walk.code(("calendar",), "calendar", walk.body.get("calendar"))
    for index, role in enumerate(walk.body.get("second_factor") or ()):
        if role != "*":
            walk.definition(("second_factor", index), "role", role)


def object_of(document: Document) -> str | None:
    """The object a document is about, or None."""
    if document.kind == "object":
        return document.name
    found = document.body.get("object")
    return found if isinstance(found, str) else None
