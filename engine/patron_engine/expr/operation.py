"""Operation and Function: the entries of the table that gives every operator and function its meaning.

An Operation is one meaning for given types, in Python and in SQL; a Function is a name an author writes, with the
operations it may stand for. Whoever adds a function adds one Function to one file of functions/ and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from patron_engine.expr.types import ExprType


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One meaning.

    py       py([context,] *params, *values) -> value; total: what cannot be answered is None
    sql      sql(side, *params, *columns) -> column of the same value; None: no SQL side
    strict   an empty value makes the answer empty (false for a truth) without calling `py`
    context  `py` takes the Context first
    bound    its SQL side needs tables: the planner's binding answers it
    copies   how often the SQL side repeats a value at most: keeps the size of statements in hand
    now      it reads the present moment
    """

    name: str
    py: Callable[..., Any]
    sql: Callable[..., Any] | None = None
    strict: bool = True
    context: bool = False
    bound: bool = False
    copies: int = 1
    now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One way to call a function. `params` are kinds in order: "number", "text?" optional, "text*" any number more,
    "=text" a constant that becomes a parameter of the operation."""

    params: str
    result: ExprType
    op: Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as authors know it.

    form      how it is written: "ROUND(x, digits)"
    help      one line
    example   (expression, its value as the normal text of a constant), run as a test
    special   its types are worked out by a rule of calls.py of this name instead of `signatures`
    """

    name: str
    group: str
    form: str
    help: str
    example: tuple[str, str]
    signatures: tuple[Signature, ...] = ()
    special: str | None = None
