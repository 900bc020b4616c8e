"""Wire: an answer as JSON, and a cell named in JSON.

In: an Answer and the languages of its reader; or a body that names a cell. Out: plain values; a Spot, or Refused with its place. What
stands for everything beyond a limit is {"rest": true}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patron_engine.errors import Refused
from patron_engine.model.model import say
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.report.answer import REST, Answer, Axis, Key, Spot

MOST_MEMBERS = 100  # of one key


def as_json(answer: Answer, languages: tuple[str, ...]) -> dict[str, Any]:
    """The whole answer. `cells` has one entry for each pair of keys that has figures, subtotals under shorter keys."""
    names = [f.name for f in answer.figures]
    return {
        "report": answer.report,
        "type": answer.type,
        "object": answer.object,
        "rows": [_axis(answer, a, languages) for a in answer.rows],
        "columns": [_axis(answer, a, languages) for a in answer.columns],
        "measures": [
            {"name": f.name, "label": say(f.label, languages) or f.name, "unit": f.unit, "format": f.format, "block": f.block}
            for f in answer.figures
        ],
        "row_keys": [_key(k) for k in answer.row_keys],
        "column_keys": [_key(k) for k in answer.column_keys],
        "cells": [
            {"rows": _key(r), "columns": _key(c), "values": dict(zip(names, values, strict=True))}
            for (r, c), values in answer.cells.items()
        ],
        "parameters": answer.parameters,
        "references": [{"label": say(label, languages), "value": value} for label, value in answer.references],
        "notes": list(answer.notes),
        "as_of": answer.as_of,
        "since": answer.since,
        "kept_at": answer.kept_at,
        "currency": answer.base,
    }  # fmt: skip


def spot_of(body: Mapping[str, Any]) -> Spot:
    """The cell a body names: {"rows": […], "columns": […], "measure": …}."""
    figure = body.get("measure")
    if figure is not None and not isinstance(figure, str):
        raise _wrong("measure")
    return Spot(rows=_read(body, "rows"), columns=_read(body, "columns"), figure=figure)


def _axis(answer: Answer, axis: Axis, languages: tuple[str, ...]) -> dict[str, Any]:
    label = say(axis.label, languages) or (say(axis.field.label, languages) if axis.field is not None else "")
    known = {m: t for (name, m), t in answer.titles.items() if name == axis.name}
    known |= {m: say(t, languages) for (name, m), t in answer.options.items() if name == axis.name}
    made = {"name": axis.name, "label": label or axis.name, "kind": axis.kind, "path": axis.path}
    by = {"by": axis.by} if axis.by else {}
    buckets = {"buckets": list(axis.buckets)} if axis.buckets else {}
    return {**made, **by, **buckets, "members": [{"value": m, "label": t} for m, t in known.items()]}


def _key(key: Key) -> list[Any]:
    return [{"rest": True} if m is REST else m for m in key]


def _read(body: Mapping[str, Any], name: str) -> Key:
    members = body.get(name) or []
    if not isinstance(members, Sequence) or isinstance(members, str) or len(members) > MOST_MEMBERS:
        raise _wrong(name)
    return tuple(_member(m, name) for m in members)


def _member(value: Any, name: str) -> Any:
    if value == {"rest": True}:
        return REST
    if value is None or isinstance(value, str | int | bool):
        return value
    raise _wrong(name)


def _wrong(path: str) -> Refused:
    message = Phrase("a cell is named by the members of its groups")
    return Refused(
        [
            Problem(
                code="not_a_cell",
                message=message,
                path=path,
                hint='{"rows": ["won"], "columns": [], "measure": "count"}',
            )
        ]
    )
