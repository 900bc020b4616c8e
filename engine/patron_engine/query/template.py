"""Template: a condition with its constants taken out, so that the next one of its form need not be read again.

In: the text of a condition and, the first time, what was made of it. Out: the values of another text of the same form, or
None when only reading it whole can tell (other options, escapes, moments …). A text that differs from a checked one in
plain constants alone means the same with other values; whatever is not sure is left to the reader of expressions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from unicodedata import is_normalized

from patron_engine.expr.functions.arithmetic import POWER
from patron_engine.expr.functions.logic import RANK
from patron_engine.expr.limits import MAX_CHARS
from patron_engine.expr.nodes import (
    AggregateNode,
    Among,
    Call,
    Compare,
    Expression,
    Literal,
    Member,
    Node,
    children,
)
from patron_engine.query.shape import ConditionShape, bound, walk

_TOKEN: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"|(?<![\w.])([0-9]{1,18}(?:\.[0-9]{1,10})?)(?![\w.])")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MARK: Final = "\x01"


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without its constants (`form`), and the constants with their places."""

    form: str
    values: tuple[str | Decimal, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """For each constant in turn the parameter it becomes, its kind, and the options it must be one of."""

    slots: tuple[tuple[str, str, frozenset[str] | None], ...]

    def values(self, masked: Masked) -> dict[str, Any] | None:
        """The parameters of another text of this form; None where it has to be read."""
        found: dict[str, Any] = {}
        for (name, kind, options), value in zip(self.slots, masked.values, strict=True):
            made = _as(kind, value)
            if made is None or (options is not None and made not in options):
                return None
            found[name] = bound(made)
        return found


def mask(text: str) -> Masked | None:
    """A text cut into form and constants; None where that is not simple."""
    if "\\" in text or not text.isprintable() or len(text) > MAX_CHARS or not is_normalized("NFC", text):
        return None
    values: list[str | Decimal] = []
    places: list[int] = []

    def take(match: re.Match[str]) -> str:
        number = match[3]
        values.append(
            Decimal(number) if number is not None else match[1] if match[1] is not None else match[2]
        )
        places.append(match.start())
        return f"{_MARK}n" if number is not None else f"{_MARK}t"

    form = _TOKEN.sub(take, text)
    return Masked(form, tuple(values), tuple(places))


def template_of(text: str, masked: Masked, expression: Expression, shape: ConditionShape) -> Template | None:
    """The template of a condition that was read, if each of its constants is one plain parameter."""
    literals = {
        node.at: (node, options) for node, options in _literals(expression) if id(node) in shape.names
    }
    shift = len(text) - len(text.lstrip())
    if len(literals) != len(masked.values) or len(shape.names) != len(masked.values):
        return None
    slots = []
    for value, place in zip(masked.values, masked.places, strict=True):
        node, options = literals.get(place - shift, (None, None))
        if node is None or _as(node.type.kind, value) != node.value:
            return None
        slots.append((shape.names[id(node)], node.type.kind, options))
    return Template(tuple(slots))


Constant = tuple[Literal, frozenset[str] | None]


def _literals(expression: Expression) -> list[Constant]:
    """Every constant, with the options it must be one of where it is compared with a choice."""
    found: dict[int, Constant] = {}
    for node in walk(expression.tree):
        if isinstance(node, AggregateNode):
            inner = [c for e in (node.value, node.condition) if e is not None for c in _literals(e)]
            found.update({id(literal): (literal, options) for literal, options in inner})
            continue
        options = _options(node)
        for child in _plain(node):
            if isinstance(child, Literal):
                found[id(child)] = (child, options)
    if isinstance(expression.tree, Literal):
        found[id(expression.tree)] = (expression.tree, None)
    return list(found.values())


def _plain(node: Node) -> tuple[Node, ...]:
    """What stands directly below a node, without an exponent: the reader of expressions says which may stand there."""
    below = tuple(children(node))
    return below[:1] if isinstance(node, Call) and node.op is POWER else below


def _options(node: Node) -> frozenset[str] | None:
    """What the constants directly below a node must be one of: the options of the choice beside them."""
    if isinstance(node, Call):
        ranks = node.params[0] if node.op.name == RANK.name and node.params else None
        return frozenset(ranks) if ranks is not None else None
    if not isinstance(node, Compare | Among | Member):
        return None
    for child in children(node):
        type = child.type.element if child.type.kind == "list" and child.type.element else child.type
        if type.kind == "choice" and type.options is not None:
            return frozenset(type.options)
    return None


def _as(kind: str, value: str | Decimal) -> Any:
    """A constant as the reader of expressions makes it of this kind; None where that is its business alone."""
    if isinstance(value, Decimal):
        return value if kind in ("number", "duration") else None
    if not value:
        return None
    if kind in ("text", "choice"):
        return value
    if kind == "date" and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return None
