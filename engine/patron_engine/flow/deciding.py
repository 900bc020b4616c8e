"""Deciding: what a condition says of a record, part by part: which of the things it asks for hold, and what they read.

In: a condition, a run with its values. Out: `Part`s in the order they are written. Where a condition is an `and`, each of what it joins
is a part; else it is one. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.errors import PatronError
from patron_engine.expr.compile import Expression
from patron_engine.expr.evaluate import closure
from patron_engine.expr.nodes import Logic, Node, Path, children
from patron_engine.expr.normal import normal
from patron_engine.expr.syntax import Syntax, parse
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.values import as_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`read` is what its paths gave."""

    text: str
    holds: bool
    read: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"text": self.text, "holds": self.holds, "read": dict(self.read)}


def parts_of(reading: Reading, condition: Expression, subject: Subject) -> list[Part]:
    """The parts of a condition as they are for this run."""
    values = reading.values([condition], [subject], "base")[0]
    found = []
    for text, node in _parts(condition):
        part = replace(condition, source=text, tree=node)
        try:
            holds = bool(closure(part)(values, reading.context))
        except PatronError:
            holds = False
        found.append(
            Part(text=text, holds=holds, read={p: _told(values.get(p)) for p in sorted(_paths(node))})
        )
    return found


def _parts(condition: Expression) -> list[tuple[str, Node]]:
    tree = condition.tree
    if not isinstance(tree, Logic) or tree.word != "and":
        return [(condition.source, tree)]
    written = _joined(parse(condition.source))
    nodes = _split(tree)
    if len(written) != len(nodes):  # two ways to say the same: it is told whole
        return [(condition.source, tree)]
    return [(normal(syntax, {}), node) for syntax, node in zip(written, nodes, strict=True)]


def _joined(syntax: Syntax) -> list[Syntax]:
    return [p for item in syntax.items for p in _joined(item)] if syntax.kind == "and" else [syntax]


def _split(node: Node) -> list[Node]:
    if isinstance(node, Logic) and node.word == "and":
        return [part for arg in node.args for part in _split(arg)]
    return [node]


def _paths(node: Node) -> set[str]:
    found = {node.path} if isinstance(node, Path) else set()
    for child in children(node):
        found |= _paths(child)
    return found


def _told(value: Any) -> Any:
    """A value as an answer can hold it."""
    if isinstance(value, (tuple, set, frozenset)):
        return [_told(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _told(v) for k, v in value.items()}
    try:
        return as_wire(value)
    except (TypeError, ValueError):
        return str(value)
