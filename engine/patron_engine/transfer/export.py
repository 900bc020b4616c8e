"""Export: records as a file that people read and the import reads again.

In: what to choose, as a list asks it; the caller's open transaction. Out: CSV or XLSX, written row by row out of one
snapshot with a server-side cursor. A link is two columns: the id under the field's name, for the way back, and the title
for people; what has parts (an address, a period) is a column a part. Only what the caller may read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import IO, Any

from patron_engine.access.decide import readable, visible
from patron_engine.errors import Refused
from patron_engine.fields.field import ChoiceSpec, Field, FileSpec, LinkSpec
from patron_engine.fields.moments import moment_text
from patron_engine.fields.options import folded, names_of
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object, say
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.masks import Masked
from patron_engine.query.names import permitted_object
from patron_engine.query.spec import MAX_FIELDS, Ask
from patron_engine.query.titles import Ref, refs_of, titles_of
from patron_engine.record.statements import Conn
from patron_engine.record.watch import noted
from patron_engine.transfer.mapping import PARTS
from patron_engine.transfer.writer import Form, open_writer
from patron_engine.ways.read import walk

AT_ONCE = 1_000
DIGITS = 15  # a spreadsheet keeps no more of a number
LATE = frozenset(
    {"created_at", "created_by", "updated_at", "updated_by", "version", "deleted_at", "voided_at"}
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file. `path` is what is read, `cell` what is written of it."""

    heading: str
    path: str
    cell: Callable[[Any], Any]
    link: Field | None = None  # whose records are written by their titles, in place of `cell`


def export(
    conn: Conn,
    call: Call,
    object: str,
    target: IO[bytes],
    *,
    form: Form = "csv",
    where: str | None = None,
    sort: Sequence[str] = (),
    fields: Sequence[str] = (),
    labels: bool = False,
    bom: bool = False,
    q: str | None = None,
    ids: Sequence[str] | None = None,
) -> int:
    """Writes the records that `where` (words, ids) chooses; returns how many. `labels`: headings and options as people see them, links by
    title."""
    found = permitted_object(call, object, "export")
    columns = _columns(call, found, fields, labels, workbook=form == "xlsx")
    paths = tuple(dict.fromkeys(c.path for c in columns))
    only = None if ids is None else tuple(ids)
    ask = Ask(
        object=found.name,
        where=where,
        sort=tuple(sort),
        fields=paths,
        voided="yes",
        q=q,
        ids=only,
        acts="export",
    )
    count = 0
    with conn.transaction(), open_writer(target, form, bom=bom) as write:
        write([c.heading for c in columns])
        for records in walk(conn, call, ask, AT_ONCE):
            titles = titles_of(conn, call, refs_of(_linked(columns, records)))
            for record in records:
                write([_cell(c, record.get(c.path), titles) for c in columns])
            count += len(records)
        asked = {
            "where": where,
            "words": q,
            "chosen": None if ids is None else len(ids),
            "fields": list(paths),
        }
        noted(conn, call, "exported", found.name, {"records": count, "form": form, **asked})
    return count


def _cell(column: Column, value: Any, titles: Mapping[Ref, str]) -> Any:
    if isinstance(value, Masked):
        return str(value)
    if column.link is None:
        return column.cell(value)
    return "; ".join(titles[ref] for ref in _refs(column.link, value) if ref in titles)


def _linked(columns: Sequence[Column], records: Sequence[Mapping[str, Any]]) -> Iterator[Ref]:
    """The records that are written by their titles."""
    for column in columns:
        if column.link is not None:
            for record in records:
                yield from _refs(column.link, record.get(column.path))


def _refs(link: Field, value: Any) -> Iterator[Ref]:
    """The records a value points at, none where it is covered."""
    if value is None or isinstance(value, Masked):
        return
    for one in value if isinstance(value, tuple | list) else [value]:
        if isinstance(one, Mapping):
            yield str(one.get("object") or link.link.to[0]), str(one["id"])
        else:
            yield link.link.to[0], str(one)


def _columns(
    call: Call, object: Object, fields: Sequence[str], labels: bool, *, workbook: bool
) -> list[Column]:
    names = list(fields) or _usual(call, object)
    if len(names) > MAX_FIELDS // 2 and fields:
        raise Refused(
            [
                Problem(
                    code="query_fields",
                    message=Phrase("at most {most} fields are chosen", most=MAX_FIELDS // 2),
                    path="fields",
                )
            ]
        )
    columns: list[Column] = []
    for name in names:
        field = object.field(name) if "." not in name else call.model.follow(object.name, name)
        heading = _label(call, object, name, field) if labels else name
        columns += (
            _of_field(call, name, heading, field, labels, workbook)
            if field
            else [Column(heading, name, _plain)]
        )
    return columns


def _usual(call: Call, object: Object) -> list[str]:
    """All a caller may look at, but files; what he rarely needs stands last."""
    shown = [f.name for f in visible(call.model, call.actor, object.name).values() if _exportable(f)]
    first = ["id", *(n for n in shown if n not in LATE and n != "id"), *(n for n in shown if n in LATE)]
    many = sum(2 if isinstance(object.fields[n].spec, LinkSpec) else 1 for n in first)
    while many > MAX_FIELDS:
        many -= 2 if isinstance(object.fields[first.pop()].spec, LinkSpec) else 1
    return first


def _exportable(field: Field) -> bool:
    return not (
        field.hidden
        or isinstance(field.spec, FileSpec)
        or field.type == "secret"
        or field.name == "deleted_at"
    )


def _label(call: Call, object: Object, name: str, field: Field | None) -> str:
    own = say(field.label, call.actor.languages) if field is not None else ""
    if "." in name and own:
        link = object.field(name.partition(".")[0])
        return f"{say(link.label, call.actor.languages) if link else ''} {own}".strip()
    return own or name


def _of_field(
    call: Call, name: str, heading: str, field: Field, labels: bool, workbook: bool
) -> list[Column]:
    kind = type_of(field)
    if isinstance(field.spec, LinkSpec) and field.name != "id":
        ids = Column(heading, name, lambda value: kind.to_text(field, value))
        if field.link.many or field.link.several:
            return [replace(ids, link=field)] if labels else [ids]
        target = call.model.objects[field.link.to[0]]
        title = target.title
        if title.partition(".")[0] not in readable(call.model, call.actor, target.name):
            return [replace(ids, link=field)] if labels else [ids]
        shown = Column(heading if labels else f"{name}.{title}", f"{name}.{title}", _plain)
        return [shown] if labels else [ids, shown]
    if kind.name in PARTS:
        return [Column(f"{heading}.{part}", name, partial(_part, part)) for part in PARTS[kind.name]]
    if kind.name == "datetime":
        return [Column(heading, name, _moment)]
    if workbook and kind.name in ("integer", "decimal", "money", "percent", "rating"):
        return [Column(heading, name, _number)]
    if labels and isinstance(field.spec, ChoiceSpec):
        return [Column(heading, name, partial(_named, call, field))]
    return [Column(heading, name, lambda value: kind.to_text(field, value))]


def _named(call: Call, field: Field, value: Any) -> str:
    """An option as people read it; by its name where that label is not read in again as the same."""
    text = type_of(field).to_text(field, value)
    names = names_of(field)
    label = say(names.options[text].label, call.actor.languages) if text in names.options else ""
    return label if label and names.by_label.get(folded(label)) == text else text


def _moment(value: Any) -> str:
    """With its offset, so that it is the same moment wherever it is read."""
    if isinstance(value, datetime):
        return moment_text(value if value.tzinfo else value.replace(tzinfo=UTC))
    return _plain(value)


def _part(part: str, value: Any) -> str:
    return _plain((value or {}).get(part))


def _number(value: Any) -> Any:
    """A number a spreadsheet can hold exactly; else its digits as text."""
    if isinstance(value, Decimal):
        return value if len(value.as_tuple().digits) <= DIGITS else _plain(value)
    return value


def _plain(value: Any) -> str:
    """A value of a path, as text."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return str(value.get("title") or value.get("id") or "")
    if isinstance(value, tuple | list):
        return ";".join(_plain(v) for v in value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
