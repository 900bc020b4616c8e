"""Amounts: which saved records had an amount changed far beyond what it was, or set above what is usual.

In: rows of a save, the bounds of the workspace. Out: per row the money fields and how many times more or less they became; never
an amount. Asks the database nothing: a save holds both values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from patron_engine.record.program import Program
from patron_engine.record.row import Row

LARGEST_FACTOR = 1_000_000  # more is told as this


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`factor`: so many times more or less is a jump, among amounts of which one is at least `least`. `limit`: an amount that
    reaches it and did not before. In the workspace's currency; 0 is never."""

    factor: int
    least: int
    limit: int

    @property
    def any(self) -> bool:
        return bool(self.factor or self.limit)


def jumps(rows: Sequence[Row], bounds: Bounds) -> list[tuple[Row, dict[str, Any]]]:
    """The rows with an unusual amount, each with what the audit says of it."""
    found = []
    for row in rows:
        fields = [name for name in _money(row.program) if name in row.changed]
        told = [(factor, name) for name in fields if (factor := _jump(row, name, bounds)) is not None]
        if told:
            factor, _ = max(told)
            detail: dict[str, Any] = {"fields": [name for _, name in told]}
            found.append((row, {**detail, "factor": factor} if factor else detail))
    return found


def _jump(row: Row, name: str, bounds: Bounds) -> int | None:
    """How many times more or less it became (0: it reached the limit); None: nothing unusual."""
    new, old = _amount(row.values, name), _amount(row.old, name)
    if new is None:
        return None
    before = Decimal(0) if old is None else abs(old)
    low, high = sorted((before, abs(new)))
    if bounds.factor and low and high >= bounds.least and high >= bounds.factor * low:
        return min(int(high / low), LARGEST_FACTOR)
    if bounds.limit and abs(new) >= bounds.limit > before:
        return 0
    return None


def _amount(values: dict[str, Any], name: str) -> Decimal | None:
    base = values.get(f"{name}.base")
    found = base if base is not None else values.get(name)
    return found if isinstance(found, Decimal) else Decimal(found) if isinstance(found, int) else None


def _money(program: Program) -> tuple[str, ...]:
    found: tuple[str, ...] = program.programs.keep(
        ("amounts", program.object.name),
        lambda: tuple(
            n for n, f in program.fields.items() if f.type == "money" or f.extra.get("value_type") == "money"
        ),
    )
    return found
