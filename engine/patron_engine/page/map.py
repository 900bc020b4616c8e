"""Map: the records of a question that lie somewhere, as a list with the way to a map.

In: a connection, the frame of the call, a Question. Out: `Places`: a page of cards with their coordinates and address, and the
cursor of the next page; None for an object without a location. No map is drawn here and nobody else is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.page.cards import Card, Cards, narrowed
from patron_engine.page.paths import field_at
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.query.call import Call
from patron_engine.ways.read import read

PLACES = 50  # of one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One record. `lat` and `lng` are degrees as text; `address` is what people call the place."""

    card: Card
    lat: str
    lng: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    label: str
    places: tuple[Placed, ...]
    next: str | None


def places_of(
    conn: psycopg.Connection[Any], call: Call, question: Question, reader: Reader, secret: bytes
) -> Places | None:
    """The page of places the question asks for."""
    object = question.object
    path = str(question.view.body.get("location") or "") or _first(call, question, "location")
    field = field_at(call.model, call.actor, object, path) if path else None
    if field is None or field.type != "location":
        return None
    address = _first(call, question, "address")
    cards = Cards(call, narrowed(question, f"{path} != None"), reader)
    ask = cards.ask(path, *([address] if address else []), limit=PLACES)
    found = read(conn, call, replace(ask, after=question.after), secret=secret)
    fields = readable(call.model, call.actor, object.name)
    made = []
    for record in found.rows():
        spot = record.get(path)
        if not isinstance(spot, Mapping) or spot.get("lat") is None or spot.get("lng") is None:
            continue
        said = shown(fields[address], record.get(address), reader).text if address else ""
        card = cards.card(record, without=(path, address))
        made.append(Placed(card=card, lat=str(spot["lat"]), lng=str(spot["lng"]), address=said))
    return Places(label=reader.say(field.label, field.name), places=tuple(made), next=found.next)


def _first(call: Call, question: Question, type: str) -> str:
    """The first field of a type he may read."""
    fields = readable(call.model, call.actor, question.object.name)
    return next((name for name, field in fields.items() if field.type == type), "")
