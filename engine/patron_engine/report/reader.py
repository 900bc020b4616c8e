"""Reader: what the names of a report mean for the person who asks it.

In: the frame of the call, the values of parameters. Out: compiled conditions and formulas, paths that exist and are his to read,
and all problems with their places. What he may not read is answered as what does not exist, here as in every question: a report
over it is refused, so that nothing of it shows in a group, a condition or a total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.paths import resolve
from patron_engine.expr.scope import Scope
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import ExprType
from patron_engine.fields.field import Field
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.names import Names
from patron_engine.query.source import path_steps
from patron_engine.report.parameters import Parameters, constants_in


@dataclass(frozen=True, slots=True)
class Place:
    """A path that exists: the sets it goes down, what stands after them, where it ends. `field` is the one it ends at, or whose
    part or virtual name it is."""

    sets: tuple[str, ...]
    inner: str
    object: str
    field: Field | None
    type: ExprType

    @property
    def path(self) -> str:
        return ".".join((*self.sets, self.inner))


class Reader:
    """Looks names up and collects what is wrong."""

    def __init__(self, call: Call, parameters: Parameters | None = None) -> None:
        self.call = call
        self.names = Names(call.tables, call.actor)
        self.problems = self.names.problems
        self.catalog = ReadableCatalog(call.tables, call.actor)
        self.parameters = parameters or Parameters({}, {})

    def told(self, text: str, object: str | None, path: str) -> str | None:
        """The text with the parameters' constants; None and a problem where it is no expression."""
        scope = Scope(catalog=self.catalog, object=object)

        def is_moment(item: Syntax) -> bool:
            try:
                return item.kind == "path" and resolve(scope, item.parts, 0).node.type.kind == "datetime"
            except Fault:
                return False

        try:
            return constants_in(text, self.parameters.values, is_moment)
        except Fault as fault:
            self.problems.add(fault.code, fault.message, path=path, hint=fault.hint)
            return None

    def condition(self, text: str, object: str, path: str) -> Expression | None:
        """A condition over one object's records."""
        told = self.told(text, object, path)
        if told is None:
            return None
        scope = Scope(catalog=self.catalog, object=object, expects=("boolean",), rows=True, aggregates=True)
        return self._made(compile_expression(told, scope), path)

    def formula(
        self, text: str, object: str | None, path: str, measures: Mapping[str, ExprType]
    ) -> Expression | None:
        """A formula over measures, and over the records of the report."""
        told = self.told(text, object, path)
        if told is None:
            return None
        scope = Scope(
            catalog=self.catalog, object=object, names=measures, aggregates=object is not None, measures=True
        )
        return self._made(compile_expression(told, scope), path)

    def _made(self, made: Expression | tuple[Problem, ...], path: str) -> Expression | None:
        if isinstance(made, Expression):
            return made
        self.problems.extend(made, path=path)
        return None

    def place(self, object: str, path: str, at: str) -> Place | None:
        """Where a path leads: down sets first, then a field, a path over links, a part."""
        steps, here = list(path_steps(path)), object
        sets: list[str] = []
        while len(steps) > 1:
            name = self.catalog.canonical(here, steps[0])
            below = self.catalog.set_object(here, name)
            if below is None or name in self.names.fields(here):
                break
            sets.append(name)
            here = below
            steps.pop(0)
        found = self.names.path(self.call.model.objects[here], ".".join(steps).replace(".[", "["), at)
        if found is None:
            return None
        type = self._type(here, found.key, found.field if found.end == "field" else None)
        return Place(tuple(sets), found.key, here, found.field, type)

    def _type(self, object: str, key: str, field: Field | None) -> ExprType:
        if field is not None:
            return field.expr
        scope = Scope(catalog=self.catalog, object=object)
        parts = tuple((s[1:-1],) if s.startswith("[") else s for s in path_steps(key))
        return resolve(scope, parts, 0).node.type
