"""Form stale: a form that was sent while somebody else had changed the record: both values, and what was chosen of them.

In: what was typed, what the save said. Out: `Stale`, drawn above the form; and the form without what its writer gave up. Choices
arrive as `_take.NAME` = mine or theirs; NAME is a field, a field of a row ("lines.KEY.price") or a row ("lines.KEY").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.page.conflicts import Conflict
from patron_engine.page.typed import Typed, TypedRow

TAKE = "_take."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Both values of fields by name, and what happened to rows."""

    fields: Mapping[str, Mapping[str, Any]]
    rows: Sequence[Conflict] = ()


def chosen(typed: Typed) -> Typed:
    """Fields for which somebody else's value was taken are not ours to change any more; rows likewise."""
    takes = {k.removeprefix(TAKE): v for k, v in typed.frame.items() if k.startswith(TAKE)}
    theirs = {k for k, v in takes.items() if v == "theirs"}
    if not takes:
        return typed
    rows = {set: _rows(set, found, takes) for set, found in typed.rows.items()}
    return replace(
        typed,
        fields={n: g for n, g in typed.fields.items() if n not in theirs},
        was={n: g for n, g in typed.was.items() if n not in theirs},
        rows=rows,
    )


def _rows(set: str, rows: Sequence[TypedRow], takes: Mapping[str, str]) -> tuple[TypedRow, ...]:
    made: list[TypedRow] = []
    taken = {r.key for r in rows}
    for row in rows:
        whole = takes.get(f"{set}.{row.key}")
        if whole == "again" and row.id is not None:  # they removed it, I keep it: it is written anew
            key = next(f"n{n}" for n in range(1, len(taken) + 2) if f"n{n}" not in taken)
            taken.add(key)
            made.append(TypedRow(key=key, id=None, fields=row.fields, was={}))
        elif whole == "gone":
            continue
        elif whole == "theirs":
            made.append(replace(row, delete=False, fields={}, was={}))
        else:
            given_up = {n for n in row.fields if takes.get(f"{set}.{row.key}.{n}") == "theirs"}
            made.append(replace(
                row, fields={n: g for n, g in row.fields.items() if n not in given_up},
                was={n: g for n, g in row.was.items() if n not in given_up},
            ))  # fmt: skip
    return tuple(made)
