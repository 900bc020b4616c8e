"""Sides: which two values go together, and why others do not. In: typed nodes. Out: nodes, or the fault to raise."""

from __future__ import annotations

from patron_engine.expr import nodes
from patron_engine.expr.nodes import Node
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import SEALED, say_type
from patron_engine.phrases import Phrase


def mixed(sign: str, a: Node, b: Node, at: int) -> Fault:
    """The fault of two kinds that do not go together, with the way out where there is one."""
    kinds = {a.type.kind, b.type.kind}
    hint = None
    if kinds & {"text", "choice"} and kinds & {"number", "date", "datetime", "duration"}:
        hint = "write TEXT(…) or VALUE(…), or join with CONCAT(a, b)"
    elif kinds == {"date", "datetime"}:
        hint = "write DAY_OF(…) for the date of a moment"
    elif kinds == {"date", "duration"}:
        hint = "to a date, days are added: a plain number"
    return Fault(
        "expr_types",
        Phrase(
            "{type} {sign} {type2} has no meaning", type=say_type(a.type), sign=sign, type2=say_type(b.type)
        ),
        at,
        hint,
    )


def sealed(sign: str, a: Node, b: Node, at: int) -> tuple[Node, Node]:
    """Both sides of a comparison with an encrypted field: it equals a constant text, nothing, or itself before the save."""
    if sign in ("==", "!="):
        if "empty" in (a.type.kind, b.type.kind):
            return a, b
        if isinstance(a, nodes.Path) and isinstance(b, nodes.Literal) and b.type.kind == "text":
            return a, nodes.Literal(b.value, SEALED, b.at)
        if isinstance(b, nodes.Path) and isinstance(a, nodes.Literal) and a.type.kind == "text":
            return nodes.Literal(a.value, SEALED, a.at), b
        paths = {n.path.removeprefix("old.") for n in (a, b) if isinstance(n, nodes.Path)}
        if a.type == b.type and len(paths) == 1:
            return a, b
    message = "an encrypted field is only compared with a text in quotes, by == or in"
    raise Fault("expr_encrypted", message, at, "write field == 'text'")
