"""Sandbox: fills templates that packs and administrators wrote, over plain data.

In: the text of a template and values that are texts, numbers, maps and lists. Out: a text of at most `OUTPUT` characters.
What a template may hold is a list: `if`, `for`, `set`, output, conditions, some filters. No calls, no imports, no attributes
that begin with `_`, no arithmetic: whatever else stands in it is told by `forbidden`, when it is checked and again before it
is filled in. A name without a value is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.runtime import ChainableUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from patron_engine.errors import PatronError
from patron_engine.phrases import Phrase

OUTPUT: Final = 2_000_000  # limit_template_output: characters one template may make
LOOPS: Final = 50_000  # limit_template_loops: items all loops together go through
SOURCE: Final = 200_000  # limit_template: characters of a template
FILTERS: Final = frozenset(
    {"upper", "lower", "trim", "title", "default", "length", "first", "last", "join", "round", "e"}
)
_MAY: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const, nodes.If,
    nodes.For, nodes.Assign, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Filter,
    nodes.Test, nodes.Tuple, nodes.List,
)  # fmt: skip
_TESTS: Final = frozenset(
    {"defined", "undefined", "none", "even", "odd", "in", "eq", "ne", "lt", "gt", "le", "ge"}
)


class Unfillable(PatronError):
    """It cannot be filled in; trying again does not help."""

    code = "template_unfillable"


def forbidden(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """(line, what) of everything in it that a template may not hold."""
    for node in _every(tree):
        word = type(node).__name__.lower()
        if not isinstance(node, _MAY):
            yield node.lineno, word
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield node.lineno, f"|{node.name}"
        elif isinstance(node, nodes.Test) and node.name not in _TESTS:
            yield node.lineno, f"is {node.name}"
        elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            yield node.lineno, node.attr
        elif isinstance(node, nodes.For) and node.recursive:
            yield node.lineno, "recursive"


def _every(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _every(child)


def fill(source: str, values: Mapping[str, Any], *, html: bool) -> str:
    """The text. With `html` every value is escaped. Unfillable for what may not stand in it, or grows too long."""
    if len(source) > SOURCE:
        raise Unfillable(
            Phrase("a template has at most {most} characters", most=SOURCE), code="limit_template"
        )
    reader = ImmutableSandboxedEnvironment(autoescape=html, undefined=ChainableUndefined)
    reader.globals.clear()
    try:
        tree = reader.parse(source)
    except TemplateSyntaxError as fault:
        raise Unfillable(Phrase("the template cannot be read: {message}", message=fault.message)) from None
    for line, what in forbidden(tree):
        raise Unfillable(Phrase("{what} may not stand in a template (line {line})", what=what, line=line))
    left = [LOOPS]
    made: list[str] = []
    length = 0
    for piece in reader.from_string(tree).generate(
        {name: _counted(value, left) for name, value in values.items()}
    ):
        made.append(str(piece))
        length += len(piece)
        if length > OUTPUT:
            raise Unfillable(
                Phrase("a template makes at most {most} characters", most=OUTPUT),
                code="limit_template_output",
            )
    return "".join(made)


class _Counted(list[Any]):
    """A list whose items count against what all loops may go through."""

    def __init__(self, items: list[Any], left: list[int]) -> None:
        super().__init__(items)
        self._left = left

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self._left[0] -= 1
            if self._left[0] < 0:
                raise Unfillable(
                    Phrase("loops of a template go through at most {most} items", most=LOOPS),
                    code="limit_template_loops",
                )
            yield item


def _counted(value: Any, left: list[int]) -> Any:
    """Plain data alone, lists counted."""
    if isinstance(value, Mapping):
        return {str(name): _counted(item, left) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return _Counted([_counted(item, left) for item in value], left)
    if value is None:
        return ""
    if isinstance(value, (bool, int, Markup)) or not isinstance(value, str):
        return value if isinstance(value, (bool, int)) else str(value)
    return value


def paths_of(source: str) -> dict[str, Any]:
    """What a template reads, as a tree: {"account": {"name": {}}, "lines": {"*": {"product": {"name": {}}}}}."""
    try:
        tree = ImmutableSandboxedEnvironment().parse(source)
    except TemplateSyntaxError:
        return {}
    found: dict[str, Any] = {}
    _walk(tree, {}, found)
    return found


def _walk(
    node: nodes.Node, bound: Mapping[str, dict[str, Any] | None], found: dict[str, Any]
) -> Mapping[str, Any]:
    if isinstance(node, nodes.For):
        items = _end(node.iter, bound, found)
        inner = dict(bound)
        if isinstance(node.target, nodes.Name):
            inner[node.target.name] = None if items is None else items.setdefault("*", {})
        inner["loop"] = None
        for child in [*([node.test] if node.test else []), *node.body]:
            inner = dict(_walk(child, inner, found))
        for child in node.else_:
            _walk(child, bound, found)
        return bound
    if (
        isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Name)
        and getattr(node, "ctx", "load") == "load"
    ):
        _end(node, bound, found)
        return bound
    here = dict(bound)
    for child in node.iter_child_nodes():
        here = dict(_walk(child, here, found))
    if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
        return {**bound, node.target.name: None}
    return here if isinstance(node, nodes.Template) else bound


def _end(node: nodes.Node, bound: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any] | None:
    """The place in the tree a path leads to; None for what the template named itself."""
    if isinstance(node, nodes.Name):
        if node.name in bound:
            kept: dict[str, Any] | None = bound[node.name]
            return kept
        made: dict[str, Any] = found.setdefault(node.name, {})
        return made
    name = node.attr if isinstance(node, nodes.Getattr) else None
    if (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        name = node.arg.value
    if name is None or not isinstance(node, nodes.Getattr | nodes.Getitem):
        for child in node.iter_child_nodes():
            _walk(child, bound, found)
        return None
    before = _end(node.node, bound, found)
    if before is None:
        return None
    deeper: dict[str, Any] = before.setdefault(name, {})
    return deeper
