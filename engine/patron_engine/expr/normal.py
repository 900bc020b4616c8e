"""The normal form of an expression: one spelling for each meaning. In: a syntax tree. Out: text that reads as the same.

`names` says how a path is spelt today where it was written by an older name.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from patron_engine.expr.syntax import Syntax
from patron_engine.jsonio import decimal_text

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 10)
_LEVELS: Final = {
    "if": 0, "or": _OR, "and": _AND, "not": _NOT, "compare": _COMPARE, "sum": _SUM, "product": _PRODUCT,
    "quotient": _PRODUCT, "remainder": _PRODUCT, "negative": _SIGN, "power": _POWER,
}  # fmt: skip


def normal(node: Syntax, names: Mapping[int, tuple[Any, ...]]) -> str:
    """`amount*2`, `Amount` by its old name … -> one spelling. `names` maps id(path node) -> today's parts."""
    return _Writer(names).write(node)


class _Writer:
    def __init__(self, names: Mapping[int, tuple[Any, ...]]) -> None:
        self.names = names

    def write(self, node: Syntax, least: int = 0) -> str:
        text = self._text(node)
        level = _LEVELS.get(node.kind, _ATOM)
        if node.kind == "constant" and isinstance(node.value, Decimal) and node.value < 0:
            level = _SIGN
        return f"({text})" if level < least else text

    def _text(self, node: Syntax) -> str:
        w = self.write
        items = node.items
        match node.kind:
            case "constant":
                return constant_text(node.value)
            case "path":
                return path_text(self.names.get(id(node), node.parts))
            case "call":
                name = "me" if node.name == "ME" else node.name
                return f"{name}({', '.join(w(i) for i in items)})"
            case "list":
                return f"({', '.join(w(i) for i in items)}{',' if len(items) == 1 else ''})"
            case "sum":
                rest = "".join(
                    f" {s} {w(i, _PRODUCT)}" for s, i in zip(node.parts[1:], items[1:], strict=True)
                )
                return w(items[0], _SUM) + rest
            case "product":
                return " * ".join([w(items[0], _PRODUCT), *(w(i, _SIGN) for i in items[1:])])
            case "quotient" | "remainder":
                return (
                    f"{w(items[0], _PRODUCT)} {'/' if node.kind == 'quotient' else '%'} {w(items[1], _SIGN)}"
                )
            case "power":
                return f"{w(items[0], _ATOM)} ** {w(items[1], _SIGN)}"
            case "negative":
                return f"-{w(items[0], _SIGN)}"
            case "not":
                return f"not {w(items[0], _NOT)}"
            case "and" | "or":
                level = _AND if node.kind == "and" else _OR
                return f" {node.kind} ".join(w(i, level + 1) for i in items)
            case "compare":
                return f"{w(items[0], _SUM)} {node.name} {w(items[1], _SUM)}"
            case _:  # if
                pairs = [f"{w(v)}" for v in items]
                return _nested_if(pairs)


def _nested_if(items: list[str]) -> str:
    if len(items) == 3:
        return f"IF({items[0]}, {items[1]}, {items[2]})"
    return f"IFS({', '.join(items[:-1])}, true, {items[-1]})"


def path_text(parts: tuple[Any, ...]) -> str:
    """("about", ("account",), "grade") -> "about['account'].grade"; a path of me() begins with it."""
    out = ""
    for i, part in enumerate(parts):
        if isinstance(part, tuple):
            out += f"['{part[0]}']"
        else:
            out += ("." if i else "") + ("me()" if i == 0 and part == "me" else part)
    return out


def constant_text(value: Any) -> str:
    """A constant as one writes it: 12.5, 'it\\'s', true, none."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{text}'"
