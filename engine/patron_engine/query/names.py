"""Names: what a name or a path of a question means, among what the asker may read.

In: texts as they came. Out: Named values, or problems, all of them, with the nearest right name. What one may not read is
answered as what does not exist: the same code, the same words, no nearer hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from patron_engine.access.decide import (
    Action,
    Allow,
    Deny,
    field_rule,
    not_allowed,
    readable,
    row_rule,
    visible,
)
from patron_engine.actor import Actor
from patron_engine.errors import Forbidden, NotFound
from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.scope import Scope
from patron_engine.fields.field import Field
from patron_engine.fields.registry import type_of
from patron_engine.model.model import LINKS, LinkSet, Object
from patron_engine.model.virtual import is_virtual
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest
from patron_engine.query import spec
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.source import MAX_STEPS, path_steps
from patron_engine.query.spec import Ask
from patron_engine.store.tables import Tables

End = Literal["field", "part", "virtual"]


@dataclass(frozen=True, slots=True)
class Named:
    """A path that exists: its key in the answer (today's names), where it ends."""

    key: str
    end: End
    field: Field | None


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key."""

    path: Named
    descending: bool


def known_object(call: Call, name: str) -> Object:
    """The object of that name, if the actor may read any of its records; NotFound otherwise, for both alike."""
    found = call.model.object(name)
    if found is None or isinstance(row_rule(call.model, call.actor, "read", found.name), Deny):
        known = [
            n for n in call.model.objects if not isinstance(row_rule(call.model, call.actor, "read", n), Deny)
        ]
        raise NotFound(
            Phrase("there is no object {name!r}", name=name[:60]),
            code="unknown_object",
            hint=nearest(name[:60], known),
        )
    return found


def permitted_object(call: Call, name: str, action: Action) -> Object:
    """The object of that name, if the actor may do `action` with some of its records; Forbidden if he may only read them."""
    found = known_object(call, name)
    if isinstance(row_rule(call.model, call.actor, action, found.name), Deny):
        raise Forbidden(not_allowed(action, found, call.actor.languages))
    return found


class Names:
    """Looks names up and collects what is wrong."""

    def __init__(self, tables: Tables, actor: Actor) -> None:
        self.tables = tables
        self.model = tables.model
        self.actor = actor
        self.problems = Problems()
        self.notes: list[str] = []

    def fields(self, object: str) -> Mapping[str, Field]:
        return readable(self.model, self.actor, object)

    def shown(self, object: Object, ask: Ask) -> tuple[Named, ...]:
        if ask.fields is None:
            return self.everything(object, ask.deleted)
        found: dict[str, Named] = {}
        for path in ask.fields:
            several = self.everything(object, ask.deleted) if path == "*" else ()
            one = None if several else self.path(object, path, "fields")
            for named in (*several, *((one,) if one else ())):
                found.setdefault(named.key, named)
        if len(found) > spec.MAX_FIELDS:
            self.problems.add(
                "query_fields",
                Phrase("an answer has at most {most} fields", most=spec.MAX_FIELDS),
                path="fields",
            )
        return tuple(found.values())

    def everything(self, object: Object, deleted: bool) -> tuple[Named, ...]:
        """All readable fields but long, rich, json and files. `deleted_at` says something in the recycle bin only."""
        fields = visible(self.model, self.actor, object.name)
        return tuple(
            Named(name, "field", field)
            for name, field in fields.items()
            if not type_of(field).silent and (deleted or name != "deleted_at")
        )

    def sort(self, object: Object, keys: tuple[str, ...]) -> tuple[Key, ...]:
        found = []
        for key in keys:
            descending = key.startswith("-")
            named = self.path(object, key[1:] if descending else key, "sort")
            if named is None:
                continue
            if named.end == "field" and not _sortable(named.field):
                self.problems.add(
                    "not_sortable",
                    Phrase("{key} has no order", key=named.key),
                    path="sort",
                    hint="sort by another field",
                )
                continue
            found.append(Key(named, descending))
        return tuple(found)

    def where(self, object: Object, text: str | None) -> Expression | None:
        if text is None:
            return None
        scope = Scope(
            catalog=ReadableCatalog(self.tables, self.actor),
            object=object.name,
            roots={},
            expects=("boolean",),
            rows=True,
            aggregates=True,
        )
        made = compile_expression(text, scope)
        if isinstance(made, Expression):
            return made
        self.problems.extend(made, path="where")
        return None

    def search(self, object: Object) -> tuple[str, ...]:
        """The searched fields he may read on every record he may read: a hit must not tell of another."""
        return tuple(path for path in object.search if self._always(object, path_steps(path)))

    def _always(self, object: Object, steps: tuple[str, ...]) -> bool:
        quiet = Names(self.tables, self.actor)
        if quiet.path(object, ".".join(steps), "q") is None:
            return False
        here = object
        for position, step in enumerate(steps):
            field = here.fields[here.aliases.get(step, step)]
            if not isinstance(field_rule(self.model, self.actor, field).plain, Allow):
                return False
            if position + 1 < len(steps) and field.expr.kind == "link":
                here = self.model.objects[field.expr.objects[0]]
                if not isinstance(row_rule(self.model, self.actor, "read", here.name), Allow):
                    return False
        return True

    def within(self, call: Call, object: Object, ask: Ask) -> LinkSet | None:
        if ask.within is None:
            return None
        owner = known_object(call, ask.within.object)
        name = owner.aliases.get(ask.within.set, ask.within.set)
        found = owner.sets.get(name)
        if found is None or found.object != object.name or found.field not in self.fields(object.name):
            raise NotFound(
                Phrase("{owner} has no set {set!r}", owner=owner.name, set=ask.within.set[:60]),
                code="unknown_set",
            )
        return found

    def path(self, object: Object, path: str, place: str) -> Named | None:
        """A field, a path over links, or a part of a field; a problem and None when it is none of them."""
        here = object
        steps = path_steps(path)
        key: list[str] = []
        links = 0
        at = 0
        while at < len(steps):
            field = self._field(here, steps[at], place)
            rest = steps[at:]
            if field is None:
                if is_virtual(".".join(rest)) and self._virtual(here, ".".join(rest)):
                    return Named(_joined([*key, *rest]), "virtual", None)
                return self._unknown(here, steps[at], place)
            key.append(field.name)
            if len(rest) == 1:
                return Named(_joined(key), "field", field)
            if field.expr.kind != "link":
                return self._part(here, field, key, rest[1:], place)
            links += 1
            target, used = self._target(field, rest)
            if target is None or links > MAX_STEPS or not self.fields(target.name):
                return self._unknown(here, path, place, steps=links > MAX_STEPS)
            if used == 2:
                key.append(f"[{target.name}]")
            at += used
            here = target
            if at == len(steps):
                return Named(_joined([*key, "id"]), "field", here.fields["id"])
        return self._unknown(object, path, place)

    def _field(self, object: Object, name: str, place: str) -> Field | None:
        """A mask may be looked at, and nothing else be done with it."""
        fields = (
            visible(self.model, self.actor, object.name) if place == "fields" else self.fields(object.name)
        )
        found = fields.get(name)
        if found is None and name in object.aliases:
            found = fields.get(object.aliases[name])
            if found is not None:
                self.notes.append(f"{object.name}.{name} is called {found.name} now")
        return found

    def _target(self, field: Field, rest: tuple[str, ...]) -> tuple[Object | None, int]:
        """The object a link leads to, and how many steps say so."""
        if rest[1].startswith("["):
            name = rest[1][1:-1]
            return (self.model.object(name) if name in field.expr.objects else None), 2
        if len(field.expr.objects) != 1 or (field.type in LINKS and field.link.many):
            return None, 1
        return self.model.object(field.expr.objects[0]), 1

    def _part(
        self, object: Object, field: Field, key: list[str], rest: tuple[str, ...], place: str
    ) -> Named | None:
        parts = type_of(field).path_types(field.spec)
        if len(rest) == 1 and rest[0] in parts:
            return Named(_joined([*key, rest[0]]), "part", field)
        return self._unknown(object, _joined([field.name, *rest]), place)

    def _virtual(self, object: Object, path: str) -> bool:
        return ReadableCatalog(self.tables, self.actor).field(object.name, path) is not None

    def _unknown(self, object: Object, name: str, place: str, *, steps: bool = False) -> Named | None:
        """Notes that there is no such name; the answer to whoever looked for it."""
        if steps:
            self.problems.add(
                "query_steps", Phrase("a path follows at most {most} links", most=MAX_STEPS), path=place
            )
            return None
        hint = nearest(name[:60], self.fields(object.name))
        self.problems.add(
            "unknown_field",
            Phrase("{object} has no field {name!r}", object=object.name, name=name[:60]),
            path=place,
            hint=hint,
        )
        return None


def _joined(steps: list[str]) -> str:
    return ".".join(steps).replace(".[", "[")


def _sortable(field: Field | None) -> bool:
    if field is None or field.encrypted:
        return False
    if field.type == "id":
        return True
    if field.expr.kind == "link":
        return len(field.expr.objects) == 1
    return type_of(field).sortable and field.expr.kind not in ("list", "json", "location")
