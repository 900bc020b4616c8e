"""Drawn: a route as people see it: labels in the reader's language, names of people. Part of the way approve.

In: stops, who looks. Out: plain values. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patron_engine.approval.route import Stop, people_of
from patron_engine.model.model import label_of
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.statements import Conn


def called(call: Call, label: Any, name: str) -> str:
    return str(label_of(label or "", name, call.actor.languages))


def names_of(conn: Conn, call: Call, people: Iterable[str]) -> dict[str, str]:
    """What people are called, whoever asks: who takes part in an approval is known to all who see it."""
    ids = list(dict.fromkeys(p for p in people if p))
    object = call.model.objects.get("user")
    if object is None or not ids:
        return {}
    rows = fetch_values(conn, call, "user", ids, [object.title])
    return {id: str(row.get(object.title) or "…") for id, row in rows.items()}


def drawn(conn: Conn, call: Call, stops: Sequence[Stop]) -> list[dict[str, Any]]:
    """A route as JSON, with names and labels."""
    return [_drawn(call, stop, names_of(conn, call, people_of(stops))) for stop in stops]


def _drawn(call: Call, stop: Stop, names: Mapping[str, str]) -> dict[str, Any]:
    people = [
        {
            **{k: getattr(p, k) for k in p.__slots__},
            "name": names.get(p.person),
            "behalf_name": names.get(p.behalf or ""),
        }
        for p in stop.people
    ]
    ways = [
        {
            "name": w.name,
            "label": called(call, w.label, w.name),
            "stops": [_drawn(call, s, names) for s in w.stops],
        }
        for w in stop.ways
    ]
    plain = {k: getattr(stop, k) for k in ("name", "type", "state", "mode", "share", "outcome", "at")}
    return {**plain, "label": called(call, stop.label, stop.name), "people": people, "ways": ways}
