"""Reading, second stage: tokens -> Python's own parser in eval mode -> allow-list -> a small syntax tree.

Names are mangled before Python sees them, so `class` and `order` are good names and nothing a user writes is a Python
name. Constants are replaced by names too: Python never reads a number or a text of a user. Knows no types.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from patron_engine.expr import limits
from patron_engine.expr.tokens import Fault, Token, read_tokens
from patron_engine.phrases import Phrase

COMPARISONS: Final[dict[type, str]] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "==", ast.IsNot: "!=",
}  # fmt: skip
_FACTORS: Final[dict[type, str]] = {ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}


@dataclass(frozen=True, slots=True, eq=False)
class Syntax:
    """One node: what was written, before anybody asks what it means.

    constant  value
    path      parts: names, and ("account",) for about['account']
    call      name, items
    sum       items with signs in `parts` ("+" or "-")
    product   items (all multiplied); quotient, remainder, power: two items
    negative, not: one item; and, or: items
    compare   name is the operator; two items
    if        condition, value, condition, value, …, otherwise
    list      items
    """

    kind: str
    at: int
    items: tuple[Syntax, ...] = ()
    name: str = ""
    parts: tuple[Any, ...] = ()
    value: Any = None


def parse(text: str, *, null_is_field: bool = False) -> Syntax:
    """The syntax tree of an expression; a Fault for what is not one. `null` is the empty value, unless a field is
    called so: the word is not reserved."""
    if len(text) > limits.MAX_CHARS:
        raise Fault(
            "expr_too_long",
            Phrase(
                "an expression has at most {most} characters, this has {count}",
                most=limits.MAX_CHARS,
                count=len(text),
            ),
        )
    tokens = read_tokens(text)
    if null_is_field:
        tokens = [
            Token("name", "null", t.at) if text.startswith("null", t.at) and t.kind == "constant" else t
            for t in tokens
        ]
    if not tokens:
        raise Fault("expr_empty", "the expression is empty", 0, "write a value or leave the key out")
    _measure(tokens)
    return _Reader(tokens).read()


def _measure(tokens: list[Token]) -> None:
    """Refuses what would exhaust Python's parser before it sees it."""
    depth = prefixes = 0
    for token in tokens:
        if token.text in ("(", "["):
            depth += 1
        elif token.text in (")", "]"):
            depth -= 1
        prefixes = prefixes + 1 if token.text in ("-", "+", "~", "not") else 0
        if depth > limits.MAX_DEPTH or prefixes > limits.MAX_PREFIXES:
            raise too_complex(token.at)
        if depth < 0:
            raise Fault(
                "expr_syntax",
                Phrase("{text!r} closes nothing", text=token.text),
                token.at,
                "remove it or open a bracket before",
            )
    if depth:
        raise Fault("expr_syntax", "a bracket is not closed", tokens[-1].at, "add ')' at the end")


def too_complex(at: int) -> Fault:
    return Fault(
        "expr_too_complex",
        Phrase(
            "the expression is too complex: at most {max_nodes} parts, nested {max_depth} deep",
            max_nodes=limits.MAX_NODES,
            max_depth=limits.MAX_DEPTH,
        ),
        at,
        "split it into several formula fields",
    )


_CLOSING: Final = frozenset({")", "]", "True", "False", "None"})


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.starts: list[int] = []
        pieces: list[str] = []
        column = 0
        for i, token in enumerate(tokens):
            piece = {"name": "n_", "function": "f_"}.get(token.kind, "") + token.text
            if token.kind == "constant":
                piece = f"k_{i}"
            self.starts.append(column)
            pieces.append(piece)
            column += len(piece) + 1
        self.source = " ".join(pieces)
        self.nodes = 0

    def read(self) -> Syntax:
        try:
            tree = ast.parse(self.source, mode="eval").body
        except SyntaxError as e:
            last = self.tokens[-1]
            if last.kind in ("operator", "word") and last.text not in _CLOSING:
                raise Fault(
                    "expr_syntax",
                    Phrase("the expression ends after {text!r}", text=last.text),
                    last.at,
                    "a value is missing behind it",
                ) from None
            token = self.tokens[self._index((e.offset or 1) - 1)]
            raise Fault(
                "expr_syntax", "the expression cannot be read here", token.at, _advice(token)
            ) from None
        except (ValueError, MemoryError, RecursionError):
            raise too_complex(0) from None
        return self.convert(tree, 0)

    def _index(self, column: int) -> int:
        return max((i for i, start in enumerate(self.starts) if start <= column), default=0)

    def at(self, node: ast.expr) -> int:
        return self.tokens[self._index(node.col_offset)].at

    def convert(self, node: ast.expr, depth: int) -> Syntax:
        self.nodes += 1
        if depth > limits.MAX_DEPTH or self.nodes > limits.MAX_NODES:
            raise too_complex(self.at(node))
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise Fault("expr_syntax", "this cannot stand in an expression", self.at(node))
        made: Syntax = method(node, depth + 1)
        return made

    def _several(self, nodes: list[ast.expr], depth: int) -> tuple[Syntax, ...]:
        return tuple(self.convert(n, depth) for n in nodes)

    def _name(self, node: ast.Name, depth: int) -> Syntax:
        kind, _, rest = node.id.partition("_")
        if kind == "k":
            return Syntax("constant", self.at(node), value=self.tokens[int(rest)].value)
        if kind == "f":
            raise Fault(
                "expr_syntax",
                Phrase("{rest} is a function", rest=rest),
                self.at(node),
                Phrase("write {rest}(…)", rest=rest),
            )
        return Syntax("path", self.at(node), parts=(rest,))

    def _attribute(self, node: ast.Attribute, depth: int) -> Syntax:
        base = self.convert(node.value, depth)
        if base.kind == "call" and base.name == "ME" and not base.items:
            base = Syntax("path", base.at, parts=("me",))
        if base.kind != "path":
            raise Fault("expr_syntax", "only a field has parts after a dot", self.at(node))
        kind, _, rest = node.attr.partition("_")
        if kind != "n" or not rest:
            raise Fault("expr_syntax", "after a dot stands the name of a field", self.at(node))
        return Syntax("path", base.at, parts=(*base.parts, rest))

    def _subscript(self, node: ast.Subscript, depth: int) -> Syntax:
        base = self.convert(node.value, depth)
        inner = node.slice
        key = self.convert(inner, depth) if isinstance(inner, ast.Name) else None
        if base.kind != "path" or key is None or key.kind != "constant" or not isinstance(key.value, str):
            raise Fault("expr_syntax", "brackets name the object of a link: about['account']", self.at(node))
        return Syntax("path", base.at, parts=(*base.parts, (key.value,)))

    def _call(self, node: ast.Call, depth: int) -> Syntax:
        if not isinstance(node.func, ast.Name) or not node.func.id.startswith("f_"):
            raise Fault(
                "expr_syntax", "nothing can be called here", self.at(node), "functions stand by themselves"
            )
        if node.keywords:
            raise Fault(
                "expr_arguments", "arguments have no names", self.at(node), "give them in their order"
            )
        name = node.func.id[2:]
        if len(node.args) > limits.MAX_ARGUMENTS:
            raise Fault(
                "expr_arguments",
                Phrase("{name} takes at most {most} arguments", name=name, most=limits.MAX_ARGUMENTS),
                self.at(node),
            )
        return Syntax("call", self.at(node), self._several(node.args, depth), name=name)

    def _binop(self, node: ast.BinOp, depth: int) -> Syntax:
        if isinstance(node.op, ast.Add | ast.Sub):
            signs: list[str] = []
            terms: list[ast.expr] = []
            left: ast.expr = node
            while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add | ast.Sub):
                signs.append("+" if isinstance(left.op, ast.Add) else "-")
                terms.append(left.right)
                left = left.left
            terms, signs = [left, *reversed(terms)], ["+", *reversed(signs)]
            return Syntax("sum", self.at(node), self._several(terms, depth), parts=tuple(signs))
        if isinstance(node.op, ast.Mult):
            factors: list[ast.expr] = []
            left = node
            while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
                factors.append(left.right)
                left = left.left
            return Syntax("product", self.at(node), self._several([left, *reversed(factors)], depth))
        kinds = {ast.Div: "quotient", ast.Mod: "remainder", ast.Pow: "power"}
        kind = kinds.get(type(node.op))
        if kind is None:
            raise Fault("expr_operator", "this operator does not exist", self.at(node))
        return Syntax(kind, self.at(node), self._several([node.left, node.right], depth))

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Syntax:
        inner = self.convert(node.operand, depth)
        if isinstance(node.op, ast.UAdd):
            return inner
        if isinstance(node.op, ast.USub):
            if inner.kind == "constant" and isinstance(inner.value, Decimal):
                return Syntax(
                    "constant", self.at(node), value=inner.value.copy_negate() if inner.value else inner.value
                )
            return Syntax("negative", self.at(node), (inner,))
        return Syntax("not", self.at(node), (inner,))

    def _boolop(self, node: ast.BoolOp, depth: int) -> Syntax:
        return Syntax(
            "and" if isinstance(node.op, ast.And) else "or", self.at(node), self._several(node.values, depth)
        )

    def _compare(self, node: ast.Compare, depth: int) -> Syntax:
        sides = self._several([node.left, *node.comparators], depth)
        made = tuple(
            Syntax("compare", a.at, (a, b), name=COMPARISONS[type(operation)])
            for a, operation, b in zip(sides, node.ops, sides[1:], strict=False)
        )
        return made[0] if len(made) == 1 else Syntax("and", self.at(node), made)

    def _ifexp(self, node: ast.IfExp, depth: int) -> Syntax:
        items: list[Syntax] = []
        rest: ast.expr = node
        while isinstance(rest, ast.IfExp):
            items += [self.convert(rest.test, depth), self.convert(rest.body, depth)]
            rest = rest.orelse
        return Syntax("if", self.at(node), (*items, self.convert(rest, depth)))

    def _tuple(self, node: ast.Tuple, depth: int) -> Syntax:
        return Syntax("list", self.at(node), self._several(node.elts, depth))

    def _list(self, node: ast.List, depth: int) -> Syntax:
        return Syntax("list", self.at(node), self._several(node.elts, depth))


def _advice(token: Token) -> str | None:
    if token.kind == "constant":
        return Phrase("an operator or a comma is missing before it")
    if token.kind in ("name", "function"):
        return Phrase("an operator is missing before {text}, or the name has a space in it", text=token.text)
    return Phrase("look for a missing value or a doubled operator")
