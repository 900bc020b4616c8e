"""The Python side: the value of an expression for one record. In: a checked expression, values, a context. Out: a value.

`evaluate` runs a locked-down simpleeval over a tree of calls made from the typed tree, `closure` runs functions
compiled from the same tree, for batches; a test holds them equal. Only plain values go in and come out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from simpleeval import SimpleEval

from patron_engine.errors import PatronError
from patron_engine.expr import nodes
from patron_engine.expr.closures import Closure, build
from patron_engine.expr.context import Context
from patron_engine.expr.meaning import enter, exit_value, leaving, meaning
from patron_engine.expr.nodes import Expression, Node, Path
from patron_engine.phrases import Phrase

__all__ = ["Context", "ExpressionError", "closure", "evaluate"]

_ALLOWED: Final = frozenset({type(None), bool, int, Decimal, str, date, datetime, time, timedelta, tuple})


class ExpressionError(PatronError):
    """An expression could not be evaluated: an internal limit, or a function the place cannot answer."""

    code = "expression_failed"


def evaluate(expression: Expression, values: Mapping[str, Any], context: Context) -> Any:
    """The value of `expression`. `values` maps the expression's paths and aggregate keys to plain values (missing ones
    are empty). Raises ExpressionError."""
    if isinstance(expression.tree, Path):
        return _as_is(values.get(expression.tree.path), expression.type.kind)
    program: _Program = expression.cache.get("program") or expression.cache.setdefault(
        "program", _Program(expression.tree)
    )
    try:
        return exit_value(program.run(values, context), expression.type)
    except PatronError:
        raise
    except Exception as e:
        raise ExpressionError(
            Phrase("{source!r} cannot be evaluated: {e}", source=expression.source, e=e)
        ) from e


def closure(expression: Expression) -> Callable[[Mapping[str, Any], Context], Any]:
    """`evaluate` as a function, for many records: the same answers, several times as fast."""
    tree = expression.tree
    if isinstance(tree, Path):
        path, kind = tree.path, tree.type.kind
        return lambda values, context: _as_is(values.get(path), kind)
    inner: Closure = expression.cache.get("closure") or expression.cache.setdefault(
        "closure", build(expression.tree)
    )

    leaves = leaving(expression.type)

    def run(values: Mapping[str, Any], context: Context) -> Any:
        try:
            return inner(values, context) if leaves is None else leaves(inner(values, context))
        except PatronError:
            raise
        except Exception as e:
            raise ExpressionError(
                Phrase("{source!r} cannot be evaluated: {e}", source=expression.source, e=e)
            ) from e

    return run


def _as_is(value: Any, kind: str) -> Any:
    """A field alone: its value, JSON whole."""
    return value if kind == "json" else enter(value, kind)


class _Sandbox(SimpleEval):  # type: ignore[misc]
    """simpleeval with five kinds of nodes, no operators, no attributes, no names but those given."""

    def __init__(self, functions: dict[str, Callable[..., Any]], names: dict[str, Any]) -> None:
        self.expr = "expression"
        self.operators: dict[Any, Any] = {}
        self.functions = functions
        self.names = names
        self.allowed_attrs: dict[Any, Any] = {}
        self.nodes = {
            ast.Name: self._eval_name,
            ast.Constant: self._eval_constant,
            ast.Call: self._eval_call,
            ast.IfExp: self._eval_ifexp,
            ast.BoolOp: self._eval_boolop,
        }

    def _eval_call(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name) and not node.keywords
        return self.functions[node.func.id](*(self._eval(a) for a in node.args))

    def _eval_name(self, node: ast.Name) -> Any:
        return self.names[node.id]

    def _check_disallowed_items(self, item: Any) -> None:
        if type(item) not in _ALLOWED:
            raise ExpressionError(
                Phrase("a value of type {name} cannot stand in an expression", name=type(item).__name__)
            )


class _Program:
    """The typed tree as Python's: names p0 … for paths, f0 … for operations, constants as they are."""

    def __init__(self, tree: Node) -> None:
        self.paths: dict[str, tuple[str, str]] = {}  # p0 -> (path, kind)
        self.operations: dict[str, Callable[[Context], Callable[..., Any]]] = {}
        self.tree = self._made(tree)

    def run(self, values: Mapping[str, Any], context: Context) -> Any:
        functions = {name: bind(context) for name, bind in self.operations.items()}
        names = {name: enter(values.get(path), kind) for name, (path, kind) in self.paths.items()}
        return _Sandbox(functions, names).eval("expression", previously_parsed=self.tree)

    def _made(self, node: Node) -> ast.expr:
        match node:
            case nodes.Literal(value=value):
                return ast.Constant(value)
            case Path(path=path, type=t):
                return self._value(path, t.kind)
            case nodes.AggregateNode(key=key, type=t):
                return self._value(key, t.kind)
            case nodes.Logic(word=word, args=args):
                # Operands may be empty; the answer is a truth.
                op: ast.boolop = ast.And() if word == "and" else ast.Or()
                whole = ast.BoolOp(op, [self._made(a) for a in args])
                return ast.IfExp(whole, ast.Constant(True), ast.Constant(False))
            case nodes.Not(arg=arg):
                return ast.IfExp(self._made(arg), ast.Constant(False), ast.Constant(True))
            case nodes.Choose(branches=branches, otherwise=otherwise):
                made = self._made(otherwise)
                for condition, value in reversed(branches):
                    made = ast.IfExp(self._made(condition), self._made(value), made)
                return made
            case _:
                name = f"f{len(self.operations)}"
                self.operations[name] = meaning(node)
                return ast.Call(ast.Name(name), [self._made(c) for c in nodes.children(node)], [])

    def _value(self, path: str, kind: str) -> ast.expr:
        name = f"p{len(self.paths)}"
        self.paths[name] = (path, kind)
        return ast.Name(name)
