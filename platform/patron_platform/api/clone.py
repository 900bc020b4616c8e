"""Clone: the values a copy of a record begins with.

In: a record the caller may read. Out: values in the form the API takes. Left out: what the platform gives (numbers,
formulas, system columns), what must differ (unique fields), what is not copied (files, secrets), and where the record stands:
a copy begins at the beginning of its stages, without what belongs to a later one.
"""

from __future__ import annotations

from typing import Any

import psycopg

from patron_engine.access.decide import writable
from patron_engine.expr.nodes import Expression
from patron_engine.fields.field import FileSpec, LinkSpec
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.ways.read import read_one


def cloned(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> dict[str, Any]:
    """The record's own values and, by set name, its details'."""
    found = known_object(call, object)
    names = _names(call, found.name)
    record = read_one(conn, call, found.name, id, fields=(*names, "id"), expand=found.details).record()
    made = {name: _given(call, found.name, name, record.get(name)) for name in names}
    for set_name in found.details:
        child = found.sets[set_name]
        own = [n for n in _names(call, child.object) if n != child.field]
        made[set_name] = [
            {n: _given(call, child.object, n, detail.get(n)) for n in own if detail.get(n) is not None}
            for detail in record.get(set_name, ())
        ]
    return {name: value for name, value in made.items() if value not in (None, [])}


def _names(call: Call, object: str) -> list[str]:
    stands = _stages(call, object)
    return [
        name
        for name, field in writable(call.model, call.actor, object).items()
        if name not in stands
        and not (_reads(field.visible) | _reads(field.default)) & stands
        and not (field.computed or field.system or field.unique or field.readonly is True)
        and not isinstance(field.spec, FileSpec)
        and field.type != "secret"
    ]


def _stages(call: Call, object: str) -> frozenset[str]:
    """The fields that say at which stage a record stands, where a new one has a first stage."""
    bodies = [
        b for (kind, _), b in call.model.documents.items() if kind == "stage_path" and b["object"] == object
    ]
    fields = call.model.objects[object].fields
    return frozenset(b["field"] for b in bodies if fields[b["field"]].default is not None)


def _reads(condition: Any) -> frozenset[str]:
    """The own fields a condition or a default is about."""
    return frozenset(condition.paths) if isinstance(condition, Expression) else frozenset()


def _given(call: Call, object: str, name: str, value: Any) -> Any:
    """A link's answer ({"id", "title"}) as a link's input."""
    spec = call.model.objects[object].fields[name].spec
    if not isinstance(spec, LinkSpec) or value is None:
        return value
    if spec.many:
        return [_one(spec, item) for item in value]
    return _one(spec, value)


def _one(spec: LinkSpec, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {"object": value["object"], "id": value["id"]} if spec.several else value["id"]
