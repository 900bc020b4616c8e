"""Template names: whether what the templates of a pack write about is there: fields of their object, paths over links, sets in loops.

In: a pack whose documents compile, and the model they make. Out: Problems with place, or file and line, and the nearest right name.
Told is what is certainly wrong: what a text sets itself, reaches over a link to several objects or works out is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from patron_engine.fields.field import LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Model, Object
from patron_engine.pack.source import Pack
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_platform.template_syntax import texts_of

FLOWS: Final = frozenset(
    {"approval", "path", "sla", "pool"}
)  # what flow writes about a record has names of its own
Scope = Mapping[str, Object | None]  # what a text has named itself; None: nothing is known of it


def template_name_problems(pack: Pack, model: Model) -> list[Problem]:
    """Every name in a template that stands for nothing."""
    reader = SandboxedEnvironment()
    found = []
    for document in pack.documents:
        object = model.object(str(document.body.get("object"))) if document.kind == "template" else None
        if object is None:
            continue
        for path, text in texts_of(document.body):
            found += [
                _problem(wrong, **document.where(path)) for wrong in wrong_names(reader, model, object, text)
            ]
        name = str(document.body.get("body_file"))
        if name in pack.templates:
            for wrong in wrong_names(reader, model, object, pack.templates[name]):
                found.append(_problem(wrong, file=name, line=wrong.line))
    return found


@dataclass(frozen=True, slots=True)
class Wrong:
    """A name that `object` has no field or set of."""

    object: Object
    name: str
    line: int


def wrong_names(reader: SandboxedEnvironment, model: Model, object: Object, text: str) -> list[Wrong]:
    """What a text about a record of `object` writes about and is not there; nothing for one that cannot be read."""
    try:
        tree = reader.parse(text)
    except TemplateSyntaxError:
        return []
    walk = _Walk(model, object)
    walk.visit(tree, {})
    return walk.wrong


@dataclass(slots=True)
class _Walk:
    model: Model
    object: Object
    wrong: list[Wrong] = field(default_factory=list)

    def visit(self, node: nodes.Node, scope: Scope) -> Scope:
        """What is known after it: a `set` names something for what follows."""
        if isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Name):
            self._end(node, scope)
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            self._all([node.node.node, *node.args, *node.kwargs], scope)  # a method of a value is no field
        elif isinstance(node, nodes.For):
            inner = {**scope, "loop": None, **self._bound(node.target, self._end(node.iter, scope))}
            self._all([*([node.test] if node.test else ()), *node.body], inner)
            self._all(node.else_, scope)
        elif isinstance(node, nodes.Assign | nodes.AssignBlock):
            self._all([c for c in node.iter_child_nodes() if c is not node.target], scope)
            return {**scope, **self._bound(node.target, None)}
        elif isinstance(node, nodes.With):
            self._all(node.values, scope)
            self._all(node.body, {**scope, **{n: None for t in node.targets for n in _names(t)}})
        elif isinstance(node, nodes.Macro | nodes.CallBlock):
            own = {n: None for a in node.args for n in _names(a)} | {
                "caller": None,
                "varargs": None,
                "kwargs": None,
            }
            self._all(node.body, {**scope, **own})
            return {**scope, node.name: None} if isinstance(node, nodes.Macro) else scope
        else:
            self._all(list(node.iter_child_nodes()), scope)
        return scope

    def _all(self, several: list[Any], scope: Scope) -> None:
        """One after the other; what one of them names ends with the last."""
        for node in several:
            scope = self.visit(node, scope)

    def _bound(self, target: nodes.Node, object: Object | None) -> Scope:
        """The names a loop or a `set` gives. One name of a loop is a record of what is gone through."""
        return {target.name: object} if isinstance(target, nodes.Name) else dict.fromkeys(_names(target))

    def _end(self, node: nodes.Node, scope: Scope) -> Object | None:
        """The object a path leads to or goes through; None where it ends at a value, or nothing is known."""
        steps = _steps(node)
        if steps is None:
            self._all(list(node.iter_child_nodes()), scope)
            return None
        first, *rest = steps
        here: Object | None = self.object
        if first in scope:
            here = scope[first]
        else:
            rest = steps
        for number, name in enumerate(rest):
            if here is None or (number == 0 and first not in scope and name in FLOWS):
                return None
            here = self._step(here, name, rest[number + 1 :], node.lineno)
        return here

    def _step(self, here: Object, name: str, after: list[str], line: int) -> Object | None:
        if name in here.sets:
            return self.model.object(here.sets[name].object)
        of = here.field(name)
        if of is None:
            self.wrong.append(Wrong(here, name, line))
            return None
        if isinstance(of.spec, LinkSpec):
            return None if of.spec.several else self.model.object(of.spec.to[0])
        parts = type_of(of).path_types(of.spec)
        if after and parts and after[0] not in parts:
            self.wrong.append(Wrong(here, f"{name}.{after[0]}", line))
        return None


def _steps(node: nodes.Node) -> list[str] | None:
    """The names of a path `account.name`, `account['name']`; None for what is none."""
    if isinstance(node, nodes.Name):
        return [node.name]
    if isinstance(node, nodes.Getattr):
        before, name = _steps(node.node), node.attr
    elif (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        before, name = _steps(node.node), node.arg.value
    else:
        return None
    return None if before is None else [*before, name]


def _names(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Name):
        yield node.name
    for found in node.find_all(nodes.Name):
        yield found.name


def _problem(wrong: Wrong, **place: Any) -> Problem:
    return Problem(
        code="unknown_field",
        message=Phrase("{object} has no field {name!r}", object=wrong.object.name, name=wrong.name),
        hint=nearest(wrong.name, (*wrong.object.fields, *wrong.object.sets)),
        **place,
    )
