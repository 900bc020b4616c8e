"""Compiling: the text of an expression and its scope -> a checked Expression, or all its problems.

The one way in for everybody who checks definitions. Never raises for what an author got wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from patron_engine.expr import limits
from patron_engine.expr.infer import Infer
from patron_engine.expr.nodes import AggregateNode, Call, Choose, Expression, Node, Parts, Path, children
from patron_engine.expr.normal import normal
from patron_engine.expr.scope import Scope
from patron_engine.expr.syntax import Syntax, parse
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import fits, say_type, words
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem

__all__ = ["Expression", "compile_expression", "expression_of", "typed"]


def compile_expression(text: str, scope: Scope) -> Expression | tuple[Problem, ...]:
    """A checked expression, or what is wrong with the text, sorted by place.

    Problems have no path; their message ends with the character it is about and a piece of the text.
    """
    if not isinstance(text, str):
        return (Problem(code="expr_syntax", message="an expression is a text", hint="put it in quotes"),)
    shift = len(text) - len(text.lstrip())
    source = text.strip()
    try:
        null = scope.object is not None and scope.catalog.field(scope.object, "null") is not None
        syntax = parse(source, null_is_field=null)
        infer = Infer(scope)
        expression = typed(infer, syntax, scope)
    except Fault as fault:
        return (_problem(fault, source, shift),)
    if infer.faults:
        ordered = sorted(infer.faults, key=lambda f: (f.at, f.code))
        return tuple(dict.fromkeys(_problem(f, source, shift) for f in ordered))
    return expression


def typed(outer: Infer, syntax: Syntax, scope: Scope) -> Expression:
    """The expression of a syntax tree; faults go to `outer`, which is typing what it stands in."""
    infer = Infer(scope)
    infer.faults, infer.renamed, infer.functions = outer.faults, outer.renamed, outer.functions
    before = len(infer.faults)
    tree = infer.node(syntax)
    if len(scope.expects) == 1:
        tree = infer.as_kind(tree, scope.expects[0])
    made = _expression(infer, syntax, tree)
    if tree.type.kind == "sealed" and len(infer.faults) == before:
        infer.fault("expr_encrypted", "an encrypted field is shown where it stands and copied nowhere", syntax.at,
                    "compare it: field == 'text'")  # fmt: skip
    elif len(infer.faults) == before:
        accepted = tree.type.kind == "json" or any(fits(tree.type, k) for k in scope.expects)
        if scope.expects and not accepted:
            wanted = " or ".join(words(k) for k in scope.expects)
            infer.fault(
                "expr_result",
                Phrase(
                    "the value must be {wanted}, but it is {type}", wanted=wanted, type=say_type(tree.type)
                ),
                syntax.at,
            )
        if scope.rows and not made.has_sql:
            infer.fault("expr_no_sql", Phrase("{no_sql} cannot stand where records are chosen", no_sql=made.no_sql), syntax.at,
                        "put it into a stored formula field and compare that")  # fmt: skip
    return made


def _expression(infer: Infer, syntax: Syntax, tree: Node) -> Expression:
    return expression_of(tree, normal(syntax, infer.renamed), frozenset(infer.functions))


def expression_of(tree: Node, source: str, functions: frozenset[str] = frozenset()) -> Expression:
    """The expression of a typed tree. `functions` are the names its author called."""
    found = list(_walk(tree))
    aggregates = tuple({n.key: n for n in found if isinstance(n, AggregateNode)}.values())
    inner = [e for a in aggregates for e in (a.value, a.condition) if e is not None]
    paths = frozenset(n.path for n in found if isinstance(n, Path))
    reasons = _no_sql(found, tree, inner)
    return Expression(
        source=source,
        tree=tree,
        type=tree.type,
        paths=paths,
        aggregates=aggregates,
        uses_now=any(isinstance(n, Call) and n.op.now for n in found) or any(e.uses_now for e in inner),
        uses_me="ME" in functions or any(p.startswith("me.") for p in paths) or any(e.uses_me for e in inner),
        functions=functions,
        has_sql=not reasons,
        no_sql=reasons[0] if reasons else None,
    )


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        n = stack.pop()
        yield n
        stack.extend(reversed(children(n)))


def _no_sql(found: list[Node], tree: Node, inner: list[Expression]) -> list[str]:
    """Why an expression cannot stand in a statement; empty when it can."""
    reasons = [n.op.name for n in found if isinstance(n, Call) and n.op.sql is None and not n.op.bound]
    reasons += [e.no_sql for e in inner if e.no_sql]
    if isinstance(tree, Parts):
        reasons.append(Phrase("a {kind} by itself", kind=tree.type.kind))
    if not reasons and weight(tree) > limits.MAX_SQL_WEIGHT:
        reasons.append(Phrase("an expression this large"))
    return reasons


def weight(node: Node) -> int:
    """How large the SQL of a node gets at most, in columns and functions."""
    below = sum(weight(c) for c in children(node))
    if isinstance(node, Call):
        return 2 + node.op.copies * max(below, 1)
    return 1 + below + (len(node.branches) if isinstance(node, Choose) else 0)


def _problem(fault: Fault, source: str, shift: int) -> Problem:
    """A fault as an author reads it: what, where, and the piece of text it is about."""
    at = min(fault.at, len(source))
    start, end = max(at - 12, 0), min(at + 24, len(source))
    piece = "".join(c if c.isprintable() else "·" for c in source[start:end])
    piece = ("…" if start else "") + piece + ("…" if end < len(source) else "")
    what = Phrase(fault.message)
    if source:
        what = Phrase("{what} (character {at}: {piece})", what=what, at=at + shift + 1, piece=piece)
    return Problem(code=fault.code, message=what, hint=fault.hint)
