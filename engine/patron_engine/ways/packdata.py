"""Data that packs bring: records of `data` documents, made once or kept up to date while nobody has touched them.

In: a model that has just been put in force, inside the publishing transaction. Out: records written through the same save
as everybody's, with the cause `pack`. A record a person deleted stays deleted; one that was changed stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.actor import SYSTEM, Cause
from patron_engine.clock import Clock, new_id
from patron_engine.errors import Refused
from patron_engine.fields.field import Field
from patron_engine.jsonio import decimal_text
from patron_engine.model.model import LINKS, Model, Object, say
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.store.tables import Tables
from patron_engine.ways.save import save

DATA_SOURCE = "data"  # REF('price_list', 'standard') looks among the external ids of this source
_REF = re.compile(r"^=\s*REF\(\s*'([^']+)'\s*,\s*'([^']+)'\s*\)\s*$", re.IGNORECASE)
_FIRST = re.compile(r"^\[(\d+)\]")


def write_data(
    conn: psycopg.Connection[Any], schema: str, model: Model, clock: Clock, old: Model | None = None
) -> int:
    """Creates and updates what the data documents ask for; the number of records written.

    A document that the release before (`old`) had just so was carried out then, and is left alone.
    """
    call = Call(
        workspace=schema,
        schema=schema,
        model=model,
        tables=Tables(model, schema),
        actor=SYSTEM,
        now=clock(),
        cause=Cause(kind="pack"),
        new_id=new_id,
    )
    written = 0
    for body in ordered(model):
        if old is not None and old.documents.get(("data", body["name"])) == body:
            continue
        written += _write_document(conn, call, body)
    return written


def ordered(model: Model) -> Iterator[Mapping[str, Any]]:
    """Data documents so that records stand after those they link to."""
    bodies = [body for (kind, _), body in model.documents.items() if kind == "data"]
    graph: dict[str, set[str]] = {body["object"]: set() for body in bodies}
    for name, before in graph.items():
        found = model.object(name)
        for field in found.fields.values() if found else ():
            if field.type in LINKS:
                before.update(o for o in field.link.to if o in graph and o != name)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError:
        order = sorted(graph)
    return (body for name in order for body in bodies if body["object"] == name)


def _write_document(conn: psycopg.Connection[Any], call: Call, body: Mapping[str, Any]) -> int:
    object = call.model.object(body["object"])
    if object is None:
        return 0
    known = _known(conn, call.schema, object.name)
    untouched = (
        _untouched(conn, call.schema, object.name) if body.get("mode") == "update_if_untouched" else set()
    )
    written = 0
    for records in _waves(body):
        written += _write_records(conn, call, object, body, records, known, untouched)
    return written


def _waves(body: Mapping[str, Any]) -> list[list[tuple[int, Mapping[str, Any]]]]:
    """The records with their places, those that REF others of this document after these (trees, follow-ups).

    Records that name each other in a circle stay together: the save says which one is not there.
    """
    left = list(enumerate(body["records"]))
    waves = []
    while left:
        later = {record["external_id"] for _, record in left}
        ready = [(place, record) for place, record in left if not _refs(record, body["object"]) & later]
        waves.append(ready or left)
        left = [item for item in left if item not in ready] if ready else []
    return waves


def _refs(value: Any, object: str) -> set[str]:
    """External ids of records of `object` that a value names."""
    if isinstance(value, str):
        found = _REF.match(value)
        return {found.group(2)} if found and found.group(1) == object else set()
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return {name for item in inner for name in _refs(item, object)}


def _write_records(
    conn: psycopg.Connection[Any],
    call: Call,
    object: Object,
    body: Mapping[str, Any],
    records: list[tuple[int, Mapping[str, Any]]],
    known: Mapping[str, str],
    untouched: set[str],
) -> int:
    changes: list[Change] = []
    places: list[int] = []
    for place, record in records:
        external = record["external_id"]
        values = {
            name: wire_value(object.field(name), value, call.model)
            for name, value in record.items()
            if name != "external_id"
        }
        if external not in known:
            changes.append(
                Change(action="create", object=object.name, set=values, external_ids={DATA_SOURCE: external})
            )
        elif known[external] in untouched:
            changes.append(Change(action="update", object=object.name, id=known[external], set=values))
        else:
            continue
        places.append(place)
    if not changes:
        return 0
    try:
        return sum(1 for outcome in save(conn, call, changes) if outcome.action != "unchanged")
    except Refused as error:
        raise Refused(
            [_placed(problem, places) for problem in error.problems],
            Phrase("data {body}: {detail}", body=body["name"], detail=error.detail),
            code="data_refused",
        ) from error


def _placed(problem: Problem, places: list[int]) -> Problem:
    """A problem of the save, at the record's place in the document: the save counts only what it was given."""
    path = _FIRST.sub(lambda found: f"[{places[int(found.group(1))]}]", problem.path or "", count=1)
    return Problem(
        code=problem.code,
        message=problem.message,
        hint=problem.hint,
        path=f"records{path}",
        rule=problem.rule,
    )


def wire_value(field: Field | None, value: Any, model: Model) -> Any:
    """A value of a definition in the form the API takes: REF(…) names a record, a map of languages is a text."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, str) and (found := _REF.match(value)):
        return {f"external_ids.{DATA_SOURCE}": found.group(2)}
    if isinstance(value, str) and value.startswith("'="):
        return value[1:]
    if isinstance(value, list):
        return [wire_value(field, item, model) for item in value]
    if isinstance(value, Mapping) and field is not None and field.type in ("text", "long_text", "rich_text"):
        return say(value, model.workspace.languages)
    if isinstance(value, Mapping):
        return {key: wire_value(None, inner, model) for key, inner in value.items()}
    return value


def _known(conn: psycopg.Connection[Any], schema: str, object: str) -> dict[str, str]:
    query = sql.SQL(
        "SELECT external_id, record FROM {}.sys__external_id WHERE object = %s AND source = %s"
    ).format(sql.Identifier(schema))
    return {row[0]: str(row[1]) for row in conn.execute(query, (object, DATA_SOURCE))}


def _untouched(conn: psycopg.Connection[Any], schema: str, object: str) -> set[str]:
    """Records whose every change came from a pack."""
    query = sql.SQL(
        "SELECT e.record FROM {s}.sys__external_id e WHERE e.object = %s AND e.source = %s AND NOT EXISTS"
        " (SELECT 1 FROM {s}.sys__history h WHERE h.object = e.object AND h.record = e.record"
        " AND h.cause ->> 'kind' <> 'pack')"
    ).format(s=sql.Identifier(schema))
    return {str(row[0]) for row in conn.execute(query, (object, DATA_SOURCE))}
