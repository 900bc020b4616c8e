"""Form places: what a form knows of locations: the places they are to be near to, and whether a device told them.

In: the rows of an open form, what was typed for a location. Out: places the reader may know, a problem. That a device told a
location is its browser's word and cannot be proved; how far it is from its target is worked out by the server, in rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.errors import NotFound
from patron_engine.fields.field import PlaceSpec
from patron_engine.page.inputs import Input
from patron_engine.page.typed import Group, written_by_hand
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.row import Row
from patron_engine.ways.preview import Preview
from patron_engine.ways.read import read_one

Ref = tuple[str, str]
Targets = Mapping[tuple[Ref, str], Mapping[str, str]]  # (record, its location field) -> lat, lng


def targets_of(conn: psycopg.Connection[Any], call: Call, preview: Preview, rows: Iterable[Row]) -> Targets:
    """The places that locations of these rows are to be near to; what the reader may not read is left out."""
    wanted = {
        (ref, field.spec.target[1])
        for row in rows
        for field in row.program.fields.values()
        if isinstance(field.spec, PlaceSpec) and field.spec.target is not None
        for ref in preview.refs(row, row.program.fields[field.spec.target[0]])
    }
    found = {}
    for (object, id), field in wanted:
        known = call.model.object(object)
        if known is None or field not in readable(call.model, call.actor, known.name):
            continue
        with suppress(NotFound):
            place = read_one(conn, call, object, id, fields=[field]).record().get(field)
            if place:
                found[((object, id), field)] = place
    return found


def by_hand(made: Input, row: Row, typed: Group | None) -> list[Problem]:
    """What is wrong where a location that only the device tells was written by hand."""
    spec = made.field.spec
    if not isinstance(spec, PlaceSpec) or spec.manual is not False or not written_by_hand(typed):
        return []
    message = f"{made.label} is told by the device, it is not written by hand"
    return [Problem(code="not_on_the_spot", message=message, path=f"{row.path}{made.field.name}")]
