"""Changes: the history of a record as people read it: who did what when, and each value before and after.

In: a record, its history as its reader may see it (query/history). Out: `Happening`s, the newest first. History keeps what was
there before a save; what came after is what the next save found, or what stands there today. Links are kept as ids: their
titles are read here, those one may not see stay unnamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.errors import NotFound
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.page.show import Item, Shown, moment_of, shown
from patron_engine.query.call import Call
from patron_engine.query.history import history
from patron_engine.query.names import known_object
from patron_engine.query.spec import MAX_FIELDS, MAX_IDS, Ask
from patron_engine.ways.read import read, read_one

Connection = psycopg.Connection[Any]
Titles = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that a save changed."""

    name: str
    label: str
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One save. `action` is created, updated, deleted …; `cause` what it came from (user, key, import, automation …)."""

    at: datetime
    version: int
    action: str
    by: Item | None
    cause: str
    differences: tuple[Difference, ...]


def happenings(
    conn: Connection, call: Call, reader: Reader, object: str, id: str, since: datetime | None = None
) -> tuple[Happening, ...]:
    """What was done to a record, the newest first; `since` leaves out what is older."""
    found = known_object(call, object)
    entries = history(conn, call, found.name, id)
    if since is not None:
        entries = [e for e in entries if moment_of(e["at"]) > since]
    fields = readable(call.model, call.actor, found.name)
    touched = {name for entry in entries for name in entry["old"] if name in fields}
    values = _today(conn, call, found, id, sorted(touched))
    currency = values.get("currency") if found.record_currency else None
    titles = _titles(conn, call, fields, entries)
    made = []
    for entry in entries:
        differences = []
        for name, before in entry["old"].items():
            field = fields.get(name)
            if field is None:
                continue
            differences.append(
                Difference(
                    name=name,
                    label=reader.say(field.label, name),
                    before=shown(field, _named(field, before, titles), reader, currency),
                    after=shown(field, values.get(name), reader, currency),
                )
            )
            values[name] = _named(field, before, titles)
        made.append(_happening(entry, _told(differences, fields)))
    return tuple(made)


def _happening(entry: Mapping[str, Any], differences: tuple[Difference, ...]) -> Happening:
    by = entry["by"]
    return Happening(
        at=moment_of(entry["at"]),
        version=int(entry["version"]),
        action=str(entry["action"]),
        by=Item(text=by["title"] or "…", object="user", id=by["id"]) if by else None,
        cause=str((entry["cause"] or {}).get("kind", "user")),
        differences=differences,
    )


def _told(differences: list[Difference], fields: Mapping[str, Field]) -> tuple[Difference, ...]:
    """What somebody changed; figures that followed are told only where nothing else changed."""
    own = [d for d in differences if not fields[d.name].computed]
    return tuple(own or differences)


def _today(conn: Connection, call: Call, object: Object, id: str, names: list[str]) -> dict[str, Any]:
    """Today's values of the fields, of a record that lives or lies in the bin."""
    if object.record_currency and "currency" not in names:
        names = [*names, "currency"]
    wanted = names[: MAX_FIELDS - 1] or ["id"]
    try:
        return read_one(conn, call, object.name, id, fields=wanted).record()
    except NotFound:
        return read_one(conn, call, object.name, id, fields=wanted, deleted=True).record()


def _titles(
    conn: Connection, call: Call, fields: Mapping[str, Field], entries: Iterable[Mapping[str, Any]]
) -> Titles:
    """The titles of all records that stood in links, one question an object."""
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        for name, value in entry["old"].items():
            field = fields.get(name)
            if field is not None and isinstance(field.spec, LinkSpec):
                for object, id in _ids(field.spec, value):
                    wanted.setdefault(object, set()).add(id)
    found: dict[tuple[str, str], str] = {}
    for object, ids in wanted.items():
        of = call.model.objects.get(object)
        if of is None or of.title not in readable(call.model, call.actor, object):
            continue
        ask = Ask(
            object=object, ids=tuple(sorted(ids)[:MAX_IDS]), fields=("id", of.title), limit=MAX_IDS,
            voided="yes",
        )  # fmt: skip
        for row in read(conn, call, ask, secret=b"").rows():
            value = row.get(of.title)
            found[object, row["id"]] = str(value["title"] if isinstance(value, Mapping) else value or "")
    return found


def _ids(spec: LinkSpec, value: Any) -> list[tuple[str, str]]:
    made = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping) and one.get("id"):
            made.append((str(one.get("object") or spec.to[0]), str(one["id"])))
        elif isinstance(one, str):
            made.append((spec.to[0], one))
    return made


def _named(field: Field, value: Any, titles: Titles) -> Any:
    """A link of the history as an answer of the way read shows it; other values as they are."""
    if not isinstance(field.spec, LinkSpec) or value is None:
        return value
    made = [
        {"object": object, "id": id, "title": titles.get((object, id))}
        for object, id in _ids(field.spec, value)
    ]
    return made if field.spec.many else (made[0] if made else None)
