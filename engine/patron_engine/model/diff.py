"""Diff: what differs between two models, by identity: a rename is a rename, not a removal and an addition.

In: two models of one workspace. Out: Changes with a sentence each, for plans. Objects and fields are the same when they
stand on the same table and columns, or when the newer one carries the older name among its aliases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import ChoiceSpec, Field, Formula, LinkSpec, Rollup
from patron_engine.model.model import Model, Object

Action = Literal["added", "removed", "renamed", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. `what` is object, field, option, set, rule, unique or index; `name` today's (of what is removed,
    the last) name; `before` and `after` what differs, in words."""

    action: Action
    what: str
    object: str
    name: str
    sentence: str
    before: str | None = None
    after: str | None = None


def diff(old: Model | None, new: Model) -> tuple[Change, ...]:
    """All differences of objects and what they are made of, in the order of the new model; removals last."""
    found: list[Change] = []
    before = dict(old.objects) if old is not None else {}
    for object in new.objects.values():
        was = before.pop(object.name, None) or next(
            (before.pop(n) for n in _old_names(new, object) if n in before), None
        )
        if was is None:
            found.append(
                _change(
                    "added",
                    "object",
                    object.name,
                    object.name,
                    f"object {object.name} is new, with {_count(object)}",
                )
            )
        else:
            found.extend(_object(was, object))
    for gone in before.values():
        found.append(
            _change(
                "removed",
                "object",
                gone.name,
                gone.name,
                f"object {gone.name} is removed; its table stays with its data",
            )
        )
    return tuple(found)


def _old_names(model: Model, object: Object) -> list[str]:
    return [old for old, today in model.object_aliases.items() if today == object.name]


def _count(object: Object) -> str:
    own = sum(1 for f in object.fields.values() if not f.system)
    return f"{own} field{'s' if own != 1 else ''}"


def _change(action: Action, what: str, object: str, name: str, sentence: str, **more: Any) -> Change:
    return Change(action=action, what=what, object=object, name=name, sentence=sentence, **more)


def _object(old: Object, new: Object) -> Iterator[Change]:
    if old.name != new.name:
        yield _change(
            "renamed",
            "object",
            new.name,
            new.name,
            f"object {old.name} is called {new.name}",
            before=old.name,
            after=new.name,
        )
    for key in ("title", "owner", "record_currency", "rate_date", "history", "features", "search", "master"):
        mine, theirs = getattr(new, key), getattr(old, key)
        if mine != theirs:
            yield _change("changed", "object", new.name, new.name, f"{key} of {new.name}: {_say(theirs)} → {_say(mine)}",
                          before=_say(theirs), after=_say(mine))  # fmt: skip
    yield from _fields(old, new)
    for what, listed in (("rule", "rules"), ("unique", "uniques"), ("index", "indexes")):
        before = {r.name: r for r in getattr(old, listed)}
        after = {r.name: r for r in getattr(new, listed)}
        yield from _named(what, new.name, before, after)
    yield from _named("record type", new.name, old.record_types, new.record_types)


def _named(what: str, object: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name, value in after.items():
        if name not in before:
            yield _change("added", what, object, name, f"{what} {object}.{name} is new")
        elif before[name] != value:
            yield _change("changed", what, object, name, f"{what} {object}.{name} changes")
    for name in before:
        if name not in after:
            yield _change("removed", what, object, name, f"{what} {object}.{name} is removed")


def _fields(old: Object, new: Object) -> Iterator[Change]:
    before = dict(old.fields)
    for field in new.fields.values():
        was = before.pop(field.name, None) or next(
            (before.pop(a) for a in field.aliases if a in before), None
        )
        if was is None:
            stored = "" if field.columns else f" ({_why(field)})" if field.computed else ""
            yield _change(
                "added",
                "field",
                new.name,
                field.name,
                f"field {new.name}.{field.name} is new: {field.type}{stored}",
            )
        elif not field.system:
            yield from _field(was, field)
    for gone in before.values():
        if not gone.system:
            yield _change("removed", "field", new.name, gone.name,
                          f"field {new.name}.{gone.name} is removed{'; its column stays with its data' if gone.columns else ''}")  # fmt: skip


def _why(field: Field) -> str:
    return field.spec.why if isinstance(field.spec, Formula | Rollup) else ""


def _field(old: Field, new: Field) -> Iterator[Change]:
    place = f"{new.object}.{new.name}"
    if old.name != new.name:
        yield _change(
            "renamed",
            "field",
            new.object,
            new.name,
            f"field {new.object}.{old.name} is called {new.name}",
            before=old.name,
            after=new.name,
        )
    if old.type != new.type:
        yield _change(
            "changed",
            "field",
            new.object,
            new.name,
            f"type of {place}: {old.type} → {new.type}",
            before=old.type,
            after=new.type,
        )
    for key in (
        "required",
        "readonly",
        "visible",
        "default",
        "unique",
        "indexed",
        "sensitive",
        "personal",
        "encrypted",
        "public",
        "deprecated",
    ):
        mine, theirs = getattr(new, key), getattr(old, key)
        if mine != theirs:
            yield _change("changed", "field", new.object, new.name, f"{key} of {place}: {_say(theirs)} → {_say(mine)}",
                          before=_say(theirs), after=_say(mine))  # fmt: skip
    if dict(old.label) != dict(new.label) or dict(old.help) != dict(new.help):
        yield _change("changed", "field", new.object, new.name, f"texts of {place} change")
    if isinstance(new.spec, ChoiceSpec) and isinstance(old.spec, ChoiceSpec):
        yield from _options(new, old.spec, new.spec)
    elif isinstance(new.spec, Formula | Rollup) and isinstance(old.spec, Formula | Rollup):
        yield from _computed(place, new, old.spec, new.spec)
    elif isinstance(new.spec, LinkSpec) and isinstance(old.spec, LinkSpec):
        for key in ("to", "many", "on_delete", "where", "tree", "same_currency", "reverse", "find"):
            mine, theirs = getattr(new.spec, key), getattr(old.spec, key)
            if mine != theirs:
                yield _change(
                    "changed",
                    "field",
                    new.object,
                    new.name,
                    f"{key} of {place}: {_say(theirs)} → {_say(mine)}",
                )
    elif old.spec != new.spec and old.type == new.type:
        yield _change(
            "changed",
            "field",
            new.object,
            new.name,
            f"limits of {place} change",
            before=_say(old.spec),
            after=_say(new.spec),
        )


def _computed(place: str, field: Field, old: Formula | Rollup, new: Formula | Rollup) -> Iterator[Change]:
    if (
        isinstance(new, Formula)
        and isinstance(old, Formula)
        and old.expression.source != new.expression.source
    ):
        yield _change("changed", "field", field.object, field.name, f"formula of {place}: {old.expression.source} → {new.expression.source}",
                      before=old.expression.source, after=new.expression.source)  # fmt: skip
    elif isinstance(new, Rollup) and isinstance(old, Rollup) and _figure(old) != _figure(new):
        yield _change("changed", "field", field.object, field.name, f"roll-up {place}: {_figure(old)} → {_figure(new)}",
                      before=_figure(old), after=_figure(new))  # fmt: skip
    if old.stored != new.stored:
        yield _change(
            "changed",
            "field",
            field.object,
            field.name,
            f"{place} is {new.why}",
            before=old.why,
            after=new.why,
        )


def _figure(rollup: Rollup) -> str:
    inner = f" of {rollup.field}" if rollup.field else ""
    where = f" where {rollup.where.source}" if rollup.where else ""
    return f"{rollup.function}{inner} over {'.'.join(rollup.path)}{where}"


def _options(field: Field, old: ChoiceSpec, new: ChoiceSpec) -> Iterator[Change]:
    before = {o.value: o for o in old.options}
    place = f"{field.object}.{field.name}"
    for option in new.options:
        was = before.pop(option.value, None)
        if was is None:
            yield _change(
                "added",
                "option",
                field.object,
                f"{field.name}.{option.name}",
                f"option {option.name} of {place} is new",
            )
        elif was.name != option.name:
            yield _change("renamed", "option", field.object, f"{field.name}.{option.name}", f"option {was.name} of {place} is called {option.name}",
                          before=was.name, after=option.name)  # fmt: skip
        elif was.retired != option.retired:
            word = "retired" if option.retired else "back"
            yield _change(
                "changed",
                "option",
                field.object,
                f"{field.name}.{option.name}",
                f"option {option.name} of {place} is {word}",
            )
    for gone in before.values():
        yield _change(
            "removed",
            "option",
            field.object,
            f"{field.name}.{gone.name}",
            f"option {gone.name} of {place} is removed; records keep it",
        )


def _say(value: Any) -> str:
    if isinstance(value, Expression):
        return value.source
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | frozenset):
        return ", ".join(sorted(map(str, value))) or "nothing"
    return "nothing" if value is None or value == {} else str(value)
