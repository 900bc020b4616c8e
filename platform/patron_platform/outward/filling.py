"""Filling: what a template says about a record, to one reader.

In: a workspace, the call of whose rights it reads with, a template of the release, a record, a Reader. Out: subject and text,
and the HTML of a template that is HTML. Values are written as the reader is used to them; a field that may not be read is
empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg

from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.fields.field import Field
from patron_engine.model.model import Object, say
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_FIELDS, Ask, Within
from patron_engine.release.releases import FILE, layers_of
from patron_engine.ways.read import read
from patron_platform.outward import marks
from patron_platform.outward.sandbox import fill, paths_of

Connection = psycopg.Connection[Any]
ITEMS: Final = 200  # records of a set that a template goes through


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """`html` is empty where the template is plain text."""

    subject: str
    text: str
    html: str = ""


def filled(conn: Connection, call: Call, name: str, record: tuple[str, str] | None, reader: Reader) -> Filled:
    """NotFound where the template is gone, Unfillable where it cannot be filled in."""
    body = call.model.documents.get(("template", name))
    if body is None:
        raise NotFound(Phrase("there is no template {name}", name=name), code="template_not_found")
    source, page = _source(conn, call, body, reader)
    subject = _in(body.get("subject"), reader)
    values = _values(conn, call, record, paths_of(subject + "\n" + source), reader) if record else {}
    told = " ".join(fill(subject, values, html=False).split())
    if page:
        html = fill(source, values, html=True)
        return Filled(subject=told, text=marks.plain(html), html=html)
    text = fill(source, values, html=False)
    return Filled(subject=told, text=text, html=marks.html(fill(source, _marked(values), html=False)))


def _source(conn: Connection, call: Call, body: Mapping[str, Any], reader: Reader) -> tuple[str, bool]:
    """The text, and whether it is HTML."""
    file = body.get("body_file")
    if file is None:
        return _in(body.get("body"), reader), False
    for layer in reversed(layers_of(conn, call.schema, call.model.release, kinds=(FILE,))):
        for document in layer.documents:
            if document.name == file:
                return str(document.body["text"]), str(file).endswith(".html")
    raise NotFound(Phrase("there is no file {name}", name=str(file)), code="template_not_found")


def _in(text: Any, reader: Reader) -> str:
    return say(text, reader.languages) if isinstance(text, Mapping) else str(text or "")


def _marked(values: Any) -> Any:
    """Values whose own marks mean nothing: what a record is called makes nothing bold."""
    if isinstance(values, Mapping):
        return {name: _marked(value) for name, value in values.items()}
    if isinstance(values, list):
        return [_marked(value) for value in values]
    return marks.escaped(values) if isinstance(values, str) else values


# -- values -------------------------------------------------------------------------------------------------------


def _values(
    conn: Connection, call: Call, record: tuple[str, str], wanted: Mapping[str, Any], reader: Reader
) -> dict[str, Any]:
    object = call.model.objects[record[0]]
    sets = {n: inner for n, inner in wanted.items() if n in object.sets}
    fields = {n: inner for n, inner in wanted.items() if n not in object.sets}
    rows = _read(conn, call, object, fields, reader, Ask(object=object.name, ids=(record[1],), voided="yes"))
    values = rows[0] if rows else {}
    for name, inner in sets.items():
        among = call.model.objects[object.sets[name].object]
        within = Within(object=object.name, id=record[1], set=name)
        ask = Ask(object=among.name, within=within, limit=ITEMS)
        values[name] = _read(conn, call, among, inner.get("*", {}), reader, ask)
    return values


def _read(
    conn: Connection, call: Call, object: Object, wanted: Mapping[str, Any], reader: Reader, ask: Ask
) -> list[dict[str, Any]]:
    """Rows as nested maps of texts."""
    paths = {path: field for path in _leaves(wanted) if (field := _end(call, object, path)) is not None}
    known = list(paths)[: MAX_FIELDS - 1]
    rows = _rows(conn, call, ask, known)
    made = []
    for row in rows:
        values: dict[str, Any] = {}
        for path in known:
            value = _at(row, path)
            _put(values, path.split("."), shown(paths[path], value, reader, row.get("currency")).text)
        made.append(values)
    return made


def _rows(conn: Connection, call: Call, ask: Ask, paths: Sequence[str]) -> list[dict[str, Any]]:
    """With those of the paths that may be read."""
    try:
        return read(conn, call, replace(ask, fields=("id", *paths)), secret=b"").rows()
    except Refused:
        may = []
        for path in paths:
            try:
                read(conn, call, replace(ask, fields=("id", path), limit=1), secret=b"")
                may.append(path)
            except PatronError:
                continue
        return read(conn, call, replace(ask, fields=("id", *may)), secret=b"").rows()


def _leaves(wanted: Mapping[str, Any], before: str = "") -> list[str]:
    found = []
    for name, inner in wanted.items():
        if name != "*":
            found += _leaves(inner, f"{before}{name}.") or [f"{before}{name}"]
    return found


def _end(call: Call, object: Object, path: str) -> Field | None:
    """The field a path ends at; None for one that leads nowhere."""
    *links, last = path.split(".")
    here: Object | None = object
    for name in links:
        field = here.field(name) if here is not None else None
        if field is None or field.expr.kind != "link" or len(field.link.to) != 1:
            return None
        here = call.model.object(field.link.to[0])
    return here.field(last) if here is not None else None


def _at(row: Mapping[str, Any], path: str) -> Any:
    if path in row:
        return row[path]
    here: Any = row
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def _put(values: dict[str, Any], path: Sequence[str], text: str) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = text
