"""Catalogue: what expressions ask about names, answered from sketches of objects.

In: a Sketch, and a function that types a formula when it is asked for. Out: the Catalog of expr/scope.py. While formulas
are being typed, asking for one that is not yet raises `Pending`; whoever types them types that one first.
"""

from __future__ import annotations

from collections.abc import Mapping

from patron_engine.expr.types import EMPTY, ExprType
from patron_engine.model.sketch import FieldSketch, ObjectSketch, Sketch
from patron_engine.model.virtual import APPROVAL


class Pending(Exception):
    """The type of this formula or roll-up is asked for and not known yet."""

    def __init__(self, field: FieldSketch) -> None:
        super().__init__(f"{field.object}.{field.name}")
        self.field = field


class SketchCatalog:
    """The Catalog over half-compiled objects."""

    def __init__(self, sketch: Sketch, settings: Mapping[str, ExprType], segments: Mapping[str, str]) -> None:
        self.sketch = sketch
        self.settings = settings
        self.segments = segments
        self._names: dict[str, tuple[str, ...]] = {}

    def field(self, object: str, name: str) -> ExprType | None:
        one = self.sketch.object(object)
        if one is None:
            return EMPTY  # the object is not there: that is told where it is named, and not at each of its fields
        found = one.field(name)
        if found is not None:
            return self._type(found)
        first, dot, rest = name.partition(".")
        if not dot:
            return None
        virtual = self.sketch.virtual.get(one.name, {}).get(name) or APPROVAL.get(name)
        if virtual is not None:
            return virtual
        outer = one.field(first)
        return None if outer is None else outer.type.path_types(outer.spec).get(rest)

    def _type(self, found: FieldSketch) -> ExprType | None:
        if found.type.name == "secret":
            return None
        if found.expr is None:
            raise Pending(found)
        return found.expr

    def set_object(self, object: str, name: str) -> str | None:
        one = self.sketch.object(object)
        found = one.set(name) if one is not None else None
        return None if found is None else found.object

    def names(self, object: str) -> tuple[str, ...]:
        known = self._names.get(object)
        if known is None:
            one = self.sketch.object(object)
            known = () if one is None else (*one.fields, *one.aliases)
            self._names[object] = known
        return known

    def sets(self, object: str) -> tuple[str, ...]:
        one = self.sketch.object(object)
        return () if one is None else tuple(one.sets)

    def setting(self, name: str) -> ExprType | None:
        return self.settings.get(name)

    def segment(self, name: str) -> str | None:
        return self.segments.get(name)

    def canonical(self, object: str, name: str) -> str:
        if not object:
            found = self.sketch.object(name)
            return name if found is None else found.name
        one = self.sketch.object(object)
        if one is None or name in one.fields or name in one.sets:
            return name
        return one.aliases.get(name, name)


def field_at(sketch: Sketch, object: str, path: str) -> FieldSketch | None:
    """The field at the end of a path of links; `about[account].grade` names the object of a link to several."""
    here: ObjectSketch | None = sketch.object(object)
    steps = path.split(".")
    for index, step in enumerate(steps):
        if here is None:
            return None
        name, bracket, named = step.partition("[")
        found = here.field(name)
        if found is None or index == len(steps) - 1:
            return found
        type = found.expr
        if type is None or type.kind != "link":
            return (
                found if index == len(steps) - 2 and steps[-1] in found.type.path_types(found.spec) else None
            )
        target = (
            named.rstrip("]").strip("'\"") if bracket else type.objects[0] if len(type.objects) == 1 else ""
        )
        here = sketch.object(target)
    return None
