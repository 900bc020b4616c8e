"""Data: could the records a pack brings be saved? What can be told without a database.

In: data documents and the sketch of their objects. Out: Problems: fields that must be filled and are not, links that name
no record. Values themselves are read in values.py, and rules are asked when the records are saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from patron_engine.fields.field import LinkSpec
from patron_engine.meta.document import Document, Path
from patron_engine.model.sketch import FieldSketch, ObjectSketch, Sketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest

_REF: Final = re.compile(r"=\s*REF\(\s*['\"](\w+)['\"]\s*,\s*['\"]([^'\"]+)['\"]\s*\)\s*\Z")


def check_data(made: Sketch, problems: Problems) -> None:
    """All data documents: they may name each other's records."""
    documents = [d for (kind, _), d in made.documents.items() if kind == "data"]
    known: dict[str, set[str]] = {}
    for document in documents:
        known.setdefault(str(document.body.get("object")), set()).update(
            id for _, _, id in _records(document)
        )
    for document in documents:
        one = made.object(document.body.get("object"))
        for path, record, _ in _records(document) if one is not None else ():
            assert one is not None
            _required(document, path, record, one, problems)
            _links(document, path, record, one, known, problems)


def _records(document: Document) -> Iterator[tuple[Path, Mapping[str, Any], str]]:
    records = document.body.get("records")
    for index, record in enumerate(records if isinstance(records, list) else ()):
        if isinstance(record, Mapping):
            yield ("records", index), record, str(record.get("external_id"))


def _required(
    document: Document, path: Path, record: Mapping[str, Any], one: ObjectSketch, problems: Problems
) -> None:
    filled = {
        own
        for f in one.fields.values()
        if isinstance(f.spec, LinkSpec) and not f.system
        for own in f.spec.fill
    }
    for f in one.fields.values():
        if not _must_be_given(f) or f.name in filled:
            continue
        if not any(record.get(name) not in (None, "") for name in (f.name, *f.aliases)):
            problems.add(
                "required",
                Phrase("{one}.{f} must be filled", one=one.name, f=f.name),
                hint=Phrase("write {f}: …", f=f.name),
                **document.where(path),
            )


def _must_be_given(f: FieldSketch) -> bool:
    body = f.definition
    needed = body.get("required") is True or f.type.name == "master"
    alone = "default" in body or isinstance(body.get("find"), Mapping)
    return needed and not (f.system or f.computed or alone or f.type.name == "auto_number")


def _links(
    document: Document, path: Path, record: Mapping[str, Any], one: ObjectSketch, known: Mapping[str, set[str]],
    problems: Problems,
) -> None:  # fmt: skip
    for name, value in record.items():
        f = one.field(name)
        if f is None or f.type.name not in ("lookup", "master"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str) or not item:
                continue
            found = _REF.match(item)
            if found is None and not item.startswith("=") and not _is_id(item):
                target = f.spec.to[0] if isinstance(f.spec, LinkSpec) and f.spec.to else "object"
                problems.add("unknown_record", Phrase("{item!r} names no record", item=item), hint=Phrase("write \"=REF('{target}', '{item}')\"", target=target, item=item),
                             **document.where((*path, name)))  # fmt: skip
            elif found is not None and found[1] in known and found[2] not in known[found[1]]:
                hint = nearest(found[2], known[found[1]]) or "records are named by their external_id"
                problems.add("unknown_record", Phrase("no data brings the {found} {found2!r}", found=found[1], found2=found[2]), hint=hint,
                             **document.where((*path, name)))  # fmt: skip


def _is_id(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False
