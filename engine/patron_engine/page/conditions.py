"""Conditions: an expression as a tree of groups and conditions that a form can show, and back.

In: a text of the expression language, or a tree. Out: `Group`s of `Condition`s, or the text. What an operator means stands once,
as a pattern in the language itself (`P` the field, `A` and `B` values, `L` a list, `R` a range of days): reading matches it, writing
fills it in. In the conditions of a report a value may be one of its parameters, which are given by the paths they are named by.
Reading gives None for a text of another form: it is shown as text and kept; what was read is written as exactly the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Self

from patron_engine.expr.normal import constant_text, normal, path_text
from patron_engine.expr.syntax import Syntax, parse
from patron_engine.expr.tokens import Fault
from patron_engine.page.operators import NUMERIC, PATTERNS

MAX_CONDITIONS = 60  # filter_conditions
MAX_NESTED = 5  # filter_nested

# A moment is compared by its business day wherever a day is given.
_BY_DAY = "DAY_OF"
_REPEATED = "REPEATED"


class Parameter(str):
    """A parameter of a report in the place of a value, by its path: `parameters.since`, or `since`. ValueError for what is none."""

    __slots__ = ()

    def __new__(cls, path: str) -> Self:
        if not re.fullmatch(r"(parameters\.)?[a-z][a-z0-9_]*", path):
            raise ValueError(path[:60])
        return super().__new__(cls, path)


@dataclass(frozen=True, slots=True)
class Condition:
    """`values` are texts as a form has them; `day` reads a moment by its business day; `optional` holds as well while its parameter
    has no value."""

    path: str
    operator: str
    values: tuple[str, ...] = ()
    numbers: bool = False
    day: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """All of its items, or any of them."""

    all: bool = True
    items: tuple[Group | Condition, ...] = ()


@cache
def holes(operator: str) -> tuple[str, ...]:
    """Which values an operator takes: () or ("A",), ("A", "B"), ("L",), ("R",)."""
    found = {s.parts[0] for s in _walk(parse(PATTERNS[operator])) if s.kind == "path"}
    return tuple(hole for hole in ("A", "B", "L", "R") if hole in found)


def read_conditions(text: str, parameters: Collection[str] = ()) -> Group | None:
    """The tree of an expression; None where it has another form. `parameters` are the paths that name one."""
    try:
        tree = parse(text)
    except Fault:
        return None
    found = _group(tree, 0, parameters)
    if found is None or write_conditions(found) != normal(tree, {}):
        return None
    return found


def write_conditions(group: Group) -> str:
    """The expression of a tree; "" for an empty one."""
    return _written(group, top=True)


def size(group: Group) -> int:
    """How many conditions a tree has."""
    return sum(size(i) if isinstance(i, Group) else 1 for i in group.items)


# -- reading ------------------------------------------------------------------------------------------------------


def _group(tree: Syntax, depth: int, parameters: Collection[str]) -> Group | None:
    if depth > MAX_NESTED:
        return None
    alone = _condition(tree, parameters)
    if alone is not None:
        return Group(True, (alone,))
    if tree.kind not in ("and", "or"):
        return None
    items: list[Group | Condition] = []
    for part in tree.items:
        one = _condition(part, parameters) or _group(part, depth + 1, parameters)
        if one is None:
            return None
        items.append(one)
    return Group(tree.kind == "and", tuple(items))


def _condition(tree: Syntax, parameters: Collection[str]) -> Condition | None:
    unless = _optional(tree, parameters)
    if unless is not None:
        inner = _condition(tree.items[1], parameters)
        return replace(inner, optional=True) if inner is not None and unless in inner.values else None
    for operator in PATTERNS:
        for day in (False, True):
            found: dict[str, Any] = {}
            if _matches(_pattern(operator, day), tree, found, parameters) and "P" in found:
                given = [found[hole] for hole in holes(operator)]
                values = given[0] if given and isinstance(given[0], tuple) else tuple(given)
                return Condition(
                    path=found["P"],
                    operator=operator,
                    values=tuple(_text(v) for v in values),
                    numbers=bool(values) and all(isinstance(v, Decimal) for v in values),
                    day=day,
                )
    return None


def _optional(tree: Syntax, parameters: Collection[str]) -> Parameter | None:
    """The parameter of `parameters.who == none or owner == parameters.who`."""
    if tree.kind != "or" or len(tree.items) != 2:
        return None
    first = tree.items[0]
    if first.kind != "compare" or first.name != "==" or first.items[0].kind != "path":
        return None
    path, none = path_text(first.items[0].parts), first.items[1]
    return Parameter(path) if path in parameters and none.kind == "constant" and none.value is None else None


@cache
def _pattern(operator: str, day: bool) -> Syntax:
    tree = parse(PATTERNS[operator])
    return _by_day(tree) if day else tree


def _by_day(tree: Syntax) -> Syntax:
    """The pattern with `DAY_OF(P)` in the place of `P`. What repeats is a field's value, never a part of it."""
    if tree.kind == "call" and tree.name == _REPEATED:
        return tree
    if tree.kind == "path" and tree.parts == ("P",):
        return Syntax("call", tree.at, (tree,), name=_BY_DAY)
    return replace(tree, items=tuple(_by_day(i) for i in tree.items))


def _matches(pattern: Syntax, tree: Syntax, found: dict[str, Any], parameters: Collection[str]) -> bool:
    if pattern.kind == "path" and pattern.parts[0] in ("P", "A", "B", "L", "R"):
        return _fills(pattern, tree, found, parameters)
    if (
        pattern.kind == "negative" and isinstance(tree.value, Decimal) and tree.value < 0
    ):  # `-3` is one constant
        return _matches(pattern.items[0], replace(tree, value=-tree.value), found, parameters)
    if (pattern.kind, pattern.name, len(pattern.items)) != (tree.kind, tree.name, len(tree.items)):
        return False
    if pattern.value != tree.value or pattern.parts != tree.parts:
        return False
    return all(_matches(p, t, found, parameters) for p, t in zip(pattern.items, tree.items, strict=True))


def _fills(pattern: Syntax, tree: Syntax, found: dict[str, Any], parameters: Collection[str]) -> bool:
    hole, rest = pattern.parts[0], pattern.parts[1:]
    if hole == "P":
        if tree.kind != "path" or tree.parts[0] in ("me", "old", "this"):
            return False
        if rest and (len(tree.parts) <= len(rest) or tree.parts[-len(rest) :] != rest):
            return False
        path = path_text(tree.parts[: len(tree.parts) - len(rest)])
        if path in parameters:
            return False
        return bool(found.setdefault("P", path) == path)
    if hole == "L":
        values = [_constant(i) for i in tree.items] if tree.kind == "list" else []
        if not values or None in values:
            return False
        found["L"] = tuple(values)
        return True
    chosen = path_text(tree.parts) if tree.kind == "path" else ""
    value = Parameter(chosen) if chosen in parameters else _constant(tree)
    if value is None or (hole == "R" and not isinstance(value, Parameter)):
        return False
    found[hole] = value
    return True


def _constant(tree: Syntax) -> Any:
    """A text or a number; None for anything else."""
    if tree.kind == "negative" and tree.items[0].kind == "constant":
        value = tree.items[0].value
        return -value if isinstance(value, Decimal) else None
    if tree.kind != "constant" or isinstance(tree.value, bool) or not isinstance(tree.value, str | Decimal):
        return None
    return tree.value


def _walk(tree: Syntax) -> Iterator[Syntax]:
    yield tree
    for item in tree.items:
        yield from _walk(item)


def _text(value: Any) -> str:
    if isinstance(value, Parameter):
        return value
    return constant_text(value) if isinstance(value, Decimal) else str(value)


# -- writing ------------------------------------------------------------------------------------------------------


def _written(node: Group | Condition, *, top: bool = False) -> str:
    if isinstance(node, Condition):
        return _filled(node)
    parts = []
    for item in node.items:
        text = _written(item)
        if text:
            parts.append(f"({text})" if len(node.items) > 1 and _brackets(item, node.all) else text)
    return (" and " if node.all else " or ").join(parts)


def _brackets(item: Group | Condition, all: bool) -> bool:
    """Whether an item stands in brackets beside others, as the normal form writes it."""
    if isinstance(item, Condition):
        return item.optional or (all and " and " in PATTERNS[item.operator])
    words = len(item.items)
    if words == 1:
        return _brackets(item.items[0], all)
    return words > 1 and not (item.all and not all)


def _filled(condition: Condition) -> str:
    tree = _pattern(condition.operator, condition.day)
    filled = {"P": condition.path}
    names = holes(condition.operator)
    numbers = condition.numbers or condition.operator in NUMERIC
    if names == ("L",):
        inside = ", ".join(_value(v, numbers) for v in condition.values)
        filled["L"] = f"({inside}{',' if len(condition.values) == 1 else ''})"
    else:
        filled.update({n: _value(v, numbers) for n, v in zip(names, condition.values, strict=True)})
    paths = {id(s): _hole(s, filled) for s in _walk(tree) if s.kind == "path" and s.parts[0] in filled}
    text = normal(tree, paths)
    chosen = next((v for v in condition.values if condition.optional and isinstance(v, Parameter)), None)
    return text if chosen is None else f"{chosen} == none or {text}"


def _hole(tree: Syntax, filled: Mapping[str, str]) -> tuple[Any, ...]:
    return (".".join([filled[tree.parts[0]], *tree.parts[1:]]),)


def _value(text: str, number: bool) -> str:
    if isinstance(text, Parameter):
        return str(text)
    if not number:
        return constant_text(text)
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not value.is_finite():
        raise ValueError(text)
    return constant_text(value)
