"""Catalogue: what exists, for the person who asks. The expression reader asks here and nowhere else.

In: the model and an actor. Out: the Catalog of expr/scope.py over what the actor may read: an object, field, set or
segment he may not read is not there, in answers and in hints alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.actor import Actor
from patron_engine.expr.types import ExprType
from patron_engine.fields.field import Field
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Model, Object
from patron_engine.model.virtual import APPROVAL, virtual_names
from patron_engine.query.statement import kept
from patron_engine.store.tables import Tables


class ReadableCatalog:
    """The Catalog of one actor."""

    def __init__(self, tables: Tables, actor: Actor) -> None:
        self.model: Model = tables.model
        self.tables = tables
        self.actor = actor
        self._fields: dict[str, Mapping[str, Field]] = {}

    def _known(self, object: str) -> Object | None:
        found = self.model.object(object)
        return found if found is not None and self._readable(found.name) else None

    def _readable(self, object: str) -> Mapping[str, Field]:
        if object not in self._fields:
            self._fields[object] = readable(self.model, self.actor, object)
        return self._fields[object]

    def field(self, object: str, name: str) -> ExprType | None:
        known = self._known(object)
        if known is None:
            return None
        fields = self._readable(known.name)
        found = fields.get(name) or fields.get(known.aliases.get(name, ""))
        if found is not None:
            return self._type(found)
        first, dot, rest = name.partition(".")
        if not dot:
            return None
        virtual = self._virtual().get(known.name, {}).get(name) or APPROVAL.get(name)
        if virtual is not None:
            return virtual
        outer = fields.get(first)
        return type_of(outer).path_types(outer.spec).get(rest) if outer is not None else None

    def _type(self, field: Field) -> ExprType | None:
        """A link to what may not be read leads nowhere."""
        if field.expr.kind == "link" and len(field.expr.objects) > 1:
            seen = tuple(o for o in field.expr.objects if self._readable(o))
            return ExprType("link", objects=seen or field.expr.objects)
        return field.expr

    def _virtual(self) -> Mapping[str, Mapping[str, ExprType]]:
        return kept(self.tables).get(("virtual",), self._virtual_names)

    def _virtual_names(self) -> Mapping[str, Mapping[str, ExprType]]:
        return virtual_names(self.model.documents)

    def set_object(self, object: str, name: str) -> str | None:
        known = self._known(object)
        found = known.sets.get(known.aliases.get(name, name)) if known is not None else None
        if found is None or found.field not in self._readable(found.object):
            return None
        return found.object

    def names(self, object: str) -> tuple[str, ...]:
        known = self._known(object)
        return tuple(self._readable(known.name)) if known is not None else ()

    def sets(self, object: str) -> tuple[str, ...]:
        known = self._known(object)
        return (
            tuple(s for s in known.sets if self.set_object(object, s) is not None)
            if known is not None
            else ()
        )

    def setting(self, name: str) -> ExprType | None:
        found = self.model.settings.get(name)
        return found.type if found is not None else None

    def segment(self, name: str) -> str | None:
        found = self.model.segments.get(name)
        if found is None or isinstance(row_rule(self.model, self.actor, "read", found.object), Deny):
            return None
        return found.object

    def canonical(self, object: str, name: str) -> str:
        if not object:
            return self.model.object_aliases.get(name, name) if name not in self.model.objects else name
        known = self._known(object)
        if known is None or name in known.fields or name in known.sets:
            return name
        return known.aliases.get(name, name)
