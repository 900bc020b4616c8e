"""References of role and sharing."""

from __future__ import annotations

from collections.abc import Mapping

from patron_engine.meta.reference.people import people
from patron_engine.meta.reference.use import Scope, Walk, submap


def role(walk: Walk) -> None:
    body = walk.body
    for object, grant in submap(body, "objects").items():
        if not isinstance(grant, Mapping):
            continue
        path = ("objects", object)
        everywhere = object == "*"
        if not everywhere:
            walk.name(path, "object", object)
        for action, scope in grant.items():
            if action != "where" and isinstance(scope, Mapping) and not everywhere:
                walk.field((*path, action, "through"), scope.get("through"), object)
        for action, condition in submap(grant, "where").items():
            rows = Scope(object=None if everywhere else object, rows=True)
            walk.condition((*path, "where", action), condition, rows)
    for object, rights in submap(body, "fields").items():
        if object != "*":
            walk.name(("fields", object), "object", object)
            for name in rights if isinstance(rights, Mapping) else ():
                if name != "*":
                    walk.field(("fields", object, name), name, object, sets=True, written=True)
    walk.definition(("menus",), "menu", body.get("menus"))
    for at, right in walk.maps(("actions",), body.get("actions")):
        walk.name((*at, "design"), "object", right.get("design"))


def sharing(walk: Walk) -> None:
    me, body = walk.text("object"), walk.body
    walk.name(("object",), "object", me)
    walk.condition(("where",), body.get("where"), Scope(object=me, rows=True))
    for key in ("owned_by", "to"):
        if key in body:
            people(walk, (key,), body[key], Scope(object=me))
