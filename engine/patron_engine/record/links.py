"""Links: what a caller wrote for a link becomes the id of a record he may see, with one query an object asked.

In: (row, field, raw) as record/bind left them. Out: ids put into the rows. A link is written as an id, as
`{"unique field": value}`, as `{"external_ids.SOURCE": id}`; for several objects with "object" beside it; in texts also by
title. Targets are locked against deletion (FOR KEY SHARE) until the save ends. What is not there and what may not be
known get the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.phrases import OF_FIELD, Either, Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.identify import EXTERNAL, external_records, is_unique, records_by
from patron_engine.record.ids import record_id
from patron_engine.record.program import Program
from patron_engine.record.row import Row

MAX_LINKS = 1_000  # records one many link points at

Asked = tuple[Row, Field, Any]
Reference = tuple[str, str, Any]  # object, key ("id", a field, "external_ids.SOURCE", "title"), value


def resolve(batch: Batch, asked: Sequence[Asked]) -> None:
    """Reads the raw links, finds what they name, puts ids."""
    wanted: list[tuple[Row, Field, list[Reference]]] = []
    for row, field, raw in asked:
        if isinstance(raw, str) and (id := record_id(raw)) is not None and field.name in _alone(row.program):
            row.put(field.name, id)  # most links: nothing to find
            continue
        try:
            wanted.append((row, field, _references(batch, row, field, raw)))
        except ValueFault as fault:
            row.wrong(
                fault.code,
                Phrase(OF_FIELD, field=batch.label(field), reason=Phrase(fault.message)),
                field.name,
                hint=fault.hint,
            )
    known = _find(batch, {r for _, _, refs in wanted for r in refs if r[1] != "id"})
    for row, field, references in wanted:
        ids: list[Any] = []
        for reference in references:
            id = (
                reference[2]
                if reference[1] == "id"
                else _one(batch, row, field, reference, known.get(reference, []))
            )
            if id is not None:
                ids.append({"object": reference[0], "id": id} if _spec(field).several else id)
        if len(ids) == len(references):
            _put(batch, row, field, ids)


def _alone(program: Program) -> frozenset[str]:
    """Links to one record of one object: an id by itself names it."""
    found: frozenset[str] = program.programs.keep(
        ("links.alone", program.object.name),
        lambda: frozenset(f.name for f in program.links if not f.link.many and not f.link.several),
    )
    return found


def _spec(field: Field) -> LinkSpec:
    assert isinstance(field.spec, LinkSpec)
    return field.spec


def _put(batch: Batch, row: Row, field: Field, ids: list[Any]) -> None:
    if not _spec(field).many:
        row.put(field.name, ids[0] if ids else None)
    elif len(ids) > MAX_LINKS:
        row.wrong(
            "too_many_links",
            Phrase("{field} points at {most} records at most", field=batch.label(field), most=MAX_LINKS),
            field.name,
        )
    else:
        unique = {str(i): i for i in ids}
        row.put(field.name, tuple(unique.values()) or None)


def _references(batch: Batch, row: Row, field: Field, raw: Any) -> list[Reference]:
    if raw is None or raw == "" or raw == () or raw == []:
        return []
    spec = _spec(field)
    text = row.change is not None and row.change.source == "text"
    if spec.many:
        if isinstance(raw, str) and text:
            raw = [part.strip() for part in raw.replace("；", ";").split(";") if part.strip()]
        if not isinstance(raw, (list, tuple)):
            raise ValueFault("not_a_list", "takes a list of records")
        return [_reference(batch, spec, item, text) for item in raw]
    return [_reference(batch, spec, raw, text)]


def _reference(batch: Batch, spec: LinkSpec, raw: Any, text: bool) -> Reference:
    object = spec.to[0]
    if isinstance(raw, Mapping):
        rest = {k: v for k, v in raw.items() if k not in ("object", "title")}
        named = raw.get("object")
        if named is not None:
            object = batch.model.object_aliases.get(named, named) if isinstance(named, str) else ""
            if object not in spec.to:
                raise ValueFault(
                    "wrong_object",
                    Phrase("may point at {to}, not {named!r}", to=Either(spec.to), named=named),
                )
        elif spec.several:
            raise ValueFault(
                "object_missing",
                Phrase("say which object: {objects}", objects=Either(f'"{t}"' for t in spec.to)),
            )
        if len(rest) != 1:
            raise ValueFault("not_a_link", "is an id, or one unique field and its value")
        key, value = next(iter(rest.items()))
        if key == "id":
            return _by_id(object, value)
        return _by_key(batch, object, key, value, text)
    if spec.several:
        raise ValueFault("object_missing", "say which object and id: {'object': …, 'id': …}")
    if text and isinstance(raw, str) and record_id(raw) is None:
        return (object, "title", raw.strip())
    return _by_id(object, raw)


def _by_id(object: str, value: Any) -> Reference:
    id = record_id(value)
    if id is None:
        raise ValueFault("not_an_id", "is the id of a record, a UUID")
    return (object, "id", id)


def _by_key(batch: Batch, object: str, key: str, value: Any, text: bool) -> Reference:
    if not isinstance(key, str) or value is None or isinstance(value, (Mapping, list)):
        raise ValueFault("not_a_link", "is an id, or one unique field and its value")
    if key.startswith(EXTERNAL):
        return (object, key, str(value))
    program = batch.programs[object]
    name = program.object.aliases.get(key, key)
    field = program.fields.get(name)
    if field is None or field.hidden or not field.columns or not (text or is_unique(program.object, name)):
        raise ValueFault(
            "not_unique_field", Phrase("{object} has no unique field {key!r}", object=object, key=key)
        )
    kind = type_of(field)
    read = kind.read_text(field, value) if text and isinstance(value, str) else kind.read_wire(field, value)
    return (object, name, kind.normalise(field, read))


def _find(batch: Batch, wanted: Iterable[Reference]) -> dict[Reference, list[str]]:
    """Reference -> ids of the live records it names, new ones of this batch included."""
    grouped: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for object, key, value in wanted:
        grouped[(object, key)].append(value)
    found: dict[Reference, list[str]] = {}
    for (object, key), values in grouped.items():
        program = batch.programs[object]
        if key.startswith(EXTERNAL):
            ids = external_records(batch, object, key[len(EXTERNAL) :], values)
        else:
            name = _title_field(program) if key == "title" else key
            ids = records_by(batch, program, name, values) if name else {}
            ids = _with_batch(batch, object, name, values, ids) if name else ids
        for value in values:
            found[(object, key, value)] = ids.get(value, [])
    return found


def _title_field(program: Program) -> str | None:
    field = program.fields.get(program.object.title)
    return field.name if field is not None and field.columns else None


def _with_batch(
    batch: Batch, object: str, name: str, values: Sequence[Any], ids: Mapping[Any, list[str]]
) -> dict[Any, list[str]]:
    """Records this very save creates can be named too (a manager further down the list)."""
    merged = {value: list(found) for value, found in ids.items()}
    wanted = {v for v in values if not ids.get(v)}
    if wanted:
        field = batch.programs[object].fields[name]
        for row in batch.every():
            if row.object == object and row.fresh and not row.rejected:
                value = type_of(field).normalise(field, row.values.get(name))
                if value in wanted:
                    merged.setdefault(value, []).append(row.id)
    return merged


def _one(batch: Batch, row: Row, field: Field, reference: Reference, ids: Sequence[str]) -> str | None:
    object, key, value = reference
    if len(ids) == 1:
        return ids[0]
    named = f"{value!r}" if key in ("id", "title") else f"{key} {value!r}"
    if ids:
        row.wrong(
            "link_ambiguous",
            Phrase(
                "{field}: {count} records of {object} have {named}",
                field=batch.label(field),
                count=len(ids),
                object=object,
                named=named,
            ),
            field.name,
        )
    else:
        row.wrong(
            "link_not_found",
            Phrase(
                "{field}: there is no {object} {named}", field=batch.label(field), object=object, named=named
            ),
            field.name,
        )
    return None


def linked(value: Any, field: Field) -> list[tuple[str, str]]:
    """(object, id) of everything a link value points at."""
    if value is None:
        return []
    spec = _spec(field)
    items = value if isinstance(value, tuple) else (value,)
    return [(i["object"], i["id"]) if isinstance(i, Mapping) else (spec.to[0], i) for i in items]
