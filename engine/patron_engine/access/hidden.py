"""Hidden: where a field is hidden whatever roles say: its record waits in a pool, or is decided at a step, that hides it.

In: the model, a field. Out: the condition under which it is hidden; None for a field that nothing hides. Decides nothing: fields.py
narrows rights by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from patron_engine.access import pools, scopes, steps
from patron_engine.access.inputs import inputs_of
from patron_engine.expr.compile import expression_of
from patron_engine.expr.nodes import Expression, Not
from patron_engine.expr.types import BOOLEAN
from patron_engine.fields.field import Field
from patron_engine.model.model import Model


def hidden_when(model: Model, field: Field) -> Expression | None:
    """Where the field is hidden: of its record something hides it, or of the one it hangs on. A computed field is hidden where
    something is that it is computed from."""
    kept = model.kept.setdefault("access.hidden", {})
    key = (field.object, field.name)
    if key not in kept:
        found = list(_hidden(model, field, frozenset()))
        kept[key] = scopes.either(found) if found else None
    result: Expression | None = kept[key]
    return result


def unless(condition: Expression) -> Expression:
    """The opposite."""
    return expression_of(Not(condition.tree, BOOLEAN), f"not ({condition.source})", condition.functions)


def _hidden(model: Model, field: Field, seen: frozenset[tuple[str, str]]) -> Iterator[Expression]:
    for of, paths, when in (*pools.hiders(model), *steps.hiders(model)):
        if of not in model.objects:
            continue
        object = model.objects[of]
        for path in paths:
            first, _, rest = path.partition(".")
            among = object.sets.get(first)
            if not rest and object.name == field.object and object.aliases.get(first, first) == field.name:
                yield when(object.name, "id")
            elif (
                among is not None and among.object == field.object and _same(model, among.object, rest, field)
            ):
                link = model.objects[among.object].fields[among.field]
                if not link.link.several and not link.link.many:
                    yield when(object.name, link.name)
    if field.computed and not field.public:
        here = seen | {(field.object, field.name)}
        for object_name, used in inputs_of(model, field) - here:
            if object_name == field.object:
                yield from _hidden(model, model.objects[object_name].fields[used], here)


def _same(model: Model, object: str, name: str, field: Field) -> bool:
    return model.objects[object].aliases.get(name, name) == field.name
