"""The typed tree: what an expression means. Made by infer, read by both Python sides and by SQL; never changed.

Operators and functions alike are calls of an Operation: whatever the tree says is decided, no side looks at types again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from typing import Literal as OneOf

from patron_engine.expr.operation import Operation
from patron_engine.expr.types import ExprType


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the definition: None, bool, Decimal, str, date, datetime or time."""

    value: Any
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """A value read from outside: "amount", "account.industry", "old.stage", "about[account].grade", "me.department"."""

    path: str
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operation on values. `params` are constants it is made with (a unit, a pattern), given before the values."""

    op: Operation
    args: tuple[Node, ...]
    type: ExprType
    params: tuple[Any, ...] = ()
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or`: two-valued whatever the operands are."""

    word: OneOf["and", "or"]
    args: tuple[Node, ...]
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    arg: Node
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """`==` and `!=` always answer; the orders are false with an empty side."""

    sign: OneOf["==", "!=", "<", "<=", ">", ">="]
    left: Node
    right: Node
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Among:
    """`item in (a, b, c)`."""

    item: Node
    options: tuple[Node, ...]
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`item in list`: an empty item is in no list."""

    item: Node
    list: Node
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Parts:
    """A value of several parts: a range (from, to), a location (lat, lng). `open`: an empty end of a range is no end."""

    parts: tuple[Node, Node]
    type: ExprType
    open: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Within:
    """`date in range`: both ends included; a moment counts by its business day."""

    item: Node
    range: Parts
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Choose:
    """The value of the first branch whose condition is true."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first value that is not empty."""

    args: tuple[Node, ...]
    type: ExprType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class AggregateNode:
    """A figure over a set, computed by whoever has the records.

    key        the normal text; the key of its answer among the values
    function   count, sum, average, min, max
    base       the path of links whose record owns the set: "" the record itself, "this", "account"
    sets       names of sets from there downwards: ("orders", "lines"); () for the rows of a report
    object     the object of the records it runs over
    value      what is summed …, over one record of the set; None for count
    condition  which records count; None for all
    """

    key: str
    function: OneOf["count", "sum", "average", "min", "max"]
    base: str
    sets: tuple[str, ...]
    object: str
    value: Expression | None
    condition: Expression | None
    type: ExprType
    at: int = field(default=0, compare=False)


Node = (
    Literal
    | Path
    | Call
    | Logic
    | Not
    | Compare
    | Among
    | Member
    | Parts
    | Within
    | Choose
    | Coalesce
    | AggregateNode
)


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    source      its normal form, what is stored and printed
    paths       every path it reads from outside, those inside aggregates not included
    aggregates  figures it needs, by key
    functions   the names of functions it calls, aggregates' insides included
    has_sql     it may choose, sort or group rows
    no_sql      why not: the first thing without an SQL side
    """

    source: str
    tree: Node
    type: ExprType
    paths: frozenset[str]
    aggregates: tuple[AggregateNode, ...]
    uses_now: bool
    uses_me: bool
    functions: frozenset[str]
    has_sql: bool
    no_sql: str | None = None

    @cached_property
    def cache(self) -> dict[str, Any]:
        """What the Python sides made of the tree, each once; never read by anybody else."""
        return {}

    def __str__(self) -> str:
        return self.source


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node."""
    match node:
        case Call(args=args) | Logic(args=args) | Coalesce(args=args):
            return args
        case Not(arg=arg):
            return (arg,)
        case Compare(left=left, right=right):
            return (left, right)
        case Among(item=item, options=options):
            return (item, *options)
        case Member(item=item, list=list_):
            return (item, list_)
        case Parts(parts=parts):
            return parts
        case Within(item=item, range=range_):
            return (item, range_)
        case Choose(branches=branches, otherwise=otherwise):
            return (*(n for pair in branches for n in pair), otherwise)
        case _:
            return ()
