"""Limits: every figure with a name in the source, with its value and what its comment says. Out: docs/reference/limits.md.

A limit is a constant of a module `limits.py`, or one whose name says that it is one. Its comment, behind it or in the line
above, says of what it is and, for those a person can meet, the code of the problem.
"""

from __future__ import annotations

import ast
import operator
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import Any, Final

from patron_testing.pages.source import Module, escape, modules

NAMED: Final = re.compile(
    r"^(MAX|MOST|LONGEST|DEEPEST|LAST|KEPT|KNOWN|FAILURE|LEASE|PAUSE|ATTEMPTS|RETRIES|BUDGET|ENTRIES|COUNTED|SAMPLES|HITS|CELL"
    r"|LOOKED|REMEMBERED|SHOWN)|(_MOST|_LIMIT|_BYTES|_SECONDS|_KEPT|_SHOWN|_DOCUMENTS|_AT_ONCE|_WAIT|_TIME|AT_ONCE)$"
)

_HEAD: Final = """# Limits

Made from the source by `python docs/generate.py`; do not edit by hand.

Every limit has a name in the source and, where a person can meet it, a code (see [problems](problems.md)) that mostly begins
its line. Sizes are bytes where the name says so, times seconds unless said otherwise.
How many items a list of a definition may have stands on the page of its [kind](kinds/index.md).
"""
_TABLE: Final = "\n## {title}\n\n| limit | value | of what | place |\n|---|---:|---|---|\n"
_FIRST: Final = {
    "fields/limits.py": "Values of fields",
    "model/limits.py": "Definitions of a workspace",
    "expr/limits.py": "Expressions",
}
_WORK: Final[dict[type, Any]] = {ast.Mult: operator.mul, ast.Sub: operator.sub, ast.Add: operator.add}
_REST: Final = "Everything else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit; `place` is its module."""

    name: str
    value: int | float | Decimal
    what: str
    place: str
    bytes: bool = False  # written as a product of 1024s

    @property
    def key(self) -> str:
        return f"{self.place}: {self.name}"


def limits() -> list[Limit]:
    """Every limit: the three modules of limits first, then by module."""
    found = [limit for module in modules() for limit in _of_module(module)]
    first = list(_FIRST)
    return sorted(found, key=lambda limit: first.index(limit.place) if limit.place in _FIRST else len(first))


def page() -> str:
    """The whole page."""
    lines, title = [_HEAD], ""
    for limit in limits():
        if title != (title := _FIRST.get(limit.place, _REST)):
            lines.append(_TABLE.format(title=title))
        what = limit.what or limit.name.lower().replace("_", " ")
        lines.append(f"| `{limit.name}` | {_shown(limit)} | {escape(what)} | {limit.place} |\n")
    return "".join(lines)


def page_limits(text: str) -> dict[str, str]:
    """What a page says: module and name -> value as it is written."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|.* \| ([^|]+) \|$", text, re.MULTILINE)
    return {f"{place}: {name}": value for name, value, place in rows}


def said() -> dict[str, str]:
    """The same of the source."""
    return {limit.key: _shown(limit) for limit in limits()}


def _shown(limit: Limit) -> str:
    value = limit.value
    if isinstance(value, Decimal) and value >= 10**12:
        return f"{value.normalize():E}".replace("1E+", "10^")
    if value in (2**63 - 1, -(2**63)):
        return "2^63 - 1" if value > 0 else "-2^63"
    if limit.name.startswith("YEAR"):
        return str(value)
    for unit, size in (("GB", 1024**3), ("MB", 1024**2)):
        if limit.bytes and isinstance(value, int) and value % size == 0:
            return f"{value:,} ({value // size} {unit})"
    return f"{value:,}"


def _of_module(module: Module) -> Iterator[Limit]:
    whole = module.place.endswith("limits.py")
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(StringIO(module.text).readline)
        if token.type == tokenize.COMMENT
    }
    lines = module.text.splitlines()
    for node in module.tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if (
            not isinstance(target, ast.Name)
            or value is None
            or not target.id.isupper()
            or target.id.startswith("_")
        ):
            continue
        figure = _figure(value)
        if figure is None or not (whole or NAMED.search(target.id)):
            continue
        behind = " ".join(
            comments[n] for n in range(node.lineno, (node.end_lineno or node.lineno) + 1) if n in comments
        )
        what = behind or _above(node.lineno, lines, comments)
        yield Limit(
            name=target.id, value=figure, what=what, place=module.place, bytes="* 1024" in ast.unparse(value)
        )


def _above(line: int, lines: list[str], comments: dict[int, str]) -> str:
    """The comment that ends in the line above."""
    parts: list[str] = []
    while line > 1 and lines[line - 2].startswith("#"):
        line -= 1
        parts.insert(0, comments[line])
    return " ".join(parts)


def _figure(node: ast.expr) -> int | float | Decimal | None:
    """The value of a figure that is written out: numbers and their products, powers and differences, Decimal(n)."""
    if isinstance(node, ast.Constant):
        return (
            node.value if isinstance(node.value, (int, float)) and not isinstance(node.value, bool) else None
        )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _figure(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Decimal" and len(node.args) == 1:
        inner = _figure(node.args[0])
        return None if inner is None else Decimal(str(inner))
    if isinstance(node, ast.BinOp):
        left, right = _figure(node.left), _figure(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Pow):
            return left ** int(right)
        if type(node.op) in _WORK and {type(left), type(right)} != {float, Decimal}:
            made: int | float | Decimal = _WORK[type(node.op)](left, right)
            return made
    return None
