"""Conflicts: rows of an open form that somebody else changed meanwhile, with both values.

In: a connection, the frame of the call, what was typed. Out: a `Conflict` for every field of a row that two people gave
different values, for a row that one of them removed and the other changed. What only one changed is no conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from patron_engine.access.decide import readable
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.page.typed import Group, Typed, TypedRow, as_drawn, same_as, texts_of
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask, Within
from patron_engine.query.titles import titles_of
from patron_engine.record.statements import Conn
from patron_engine.ways.read import read

Kind = Literal["value", "gone", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """`name` of the choice: "lines.KEY.price" of a value, "lines.KEY" of a row that they removed (`gone`) or that I removed and
    they changed (`removed`). `row` is what people call the row; `mine` and `theirs` are texts."""

    name: str
    kind: Kind
    row: str
    label: str = ""
    mine: str = ""
    theirs: str = ""


def row_conflicts(
    conn: Conn, call: Call, reader: Reader, object: Object, id: str, typed: Typed
) -> tuple[Conflict, ...]:
    """What two people did to the same rows of a record."""
    found: list[Conflict] = []
    for set, rows in typed.rows.items():
        touched = [r for r in rows if r.id is not None and (r.given or r.delete)]
        if touched:
            of = call.model.objects[object.sets[set].object]
            now = _now(conn, call, object, id, set, of, touched)
            found += [
                c for r in touched for c in _of_row(conn, call, reader, of, set, r, now.get(r.id or ""))
            ]
    return tuple(found)


def _now(
    conn: Conn, call: Call, owner: Object, id: str, set: str, of: Object, rows: list[TypedRow]
) -> Mapping[str, Mapping[str, Any]]:
    """The rows as they are, by id; those that were removed are missing."""
    known = readable(call.model, call.actor, of.name)
    names = {n for r in rows for n in {*r.fields, *r.was} if n in known} | ({of.title} & known.keys())
    fields = ("id", *sorted(names - {"id"}))
    found: dict[str, Mapping[str, Any]] = {}
    ids = sorted(r.id for r in rows if r.id is not None)
    for start in range(0, len(ids), MAX_LIMIT):
        some = tuple(ids[start : start + MAX_LIMIT])
        within = Within(object=owner.name, id=id, set=set)
        ask = Ask(object=of.name, fields=fields, ids=some, within=within, limit=MAX_LIMIT, voided="yes")
        found |= {str(r["id"]): r for r in read(conn, call, ask, secret=b"").rows()}
    return found


def _of_row(
    conn: Conn, call: Call, reader: Reader, of: Object, set: str, row: TypedRow, now: Mapping[str, Any] | None
) -> Iterator[Conflict]:
    name = f"{set}.{row.key}"
    if now is None:
        if not row.delete:
            title = _plain(row.fields.get(of.title) or row.was.get(of.title)) or "…"
            mine = ", ".join(filter(None, (_plain(row.fields.get(n)) for n in sorted(row.given))))
            yield Conflict(name=name, kind="gone", row=title, mine=mine)
        return
    title = str(now.get(of.title) or "…")
    changed = [
        n for n in row.was if n in now and n in of.fields and not as_drawn(of.fields[n], row, now[n], reader)
    ]
    if row.delete:
        if changed:
            theirs = ", ".join(shown(of.fields[n], now[n], reader).text or "–" for n in changed)
            yield Conflict(name=name, kind="removed", row=title, theirs=theirs)
        return
    for field in sorted(row.given & now.keys()):
        place = of.fields.get(field)
        if place is None or as_drawn(place, row, now[field], reader):
            continue
        if same_as(place, row.fields.get(field), now[field], reader):
            continue  # both wrote the same
        yield Conflict(
            name=f"{name}.{field}", kind="value", row=title, label=reader.say(place.label, field),
            mine=_said(conn, call, place, row.fields.get(field)), theirs=shown(place, now[field], reader).text,
        )  # fmt: skip


def _said(conn: Conn, call: Call, of: Any, group: Group | None) -> str:
    """What was typed as people read it: of records their titles."""
    texts = texts_of(group)
    if of.expr.kind == "link" and len(of.expr.objects) == 1:
        titles = titles_of(conn, call, {of.expr.objects[0]: texts})
        return ", ".join(titles.values())
    return ", ".join(texts)


def _plain(group: Group | None) -> str:
    return ", ".join(texts_of(group))
