"""Titles: what records are called. A record that nothing stands for is called by the end of its id, never by the whole of it.

In: a row with its id and its title; or a connection, the frame of a call and references. Out: texts. Of records the asker may not
read there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from patron_engine.access.decide import readable
from patron_engine.model.model import Object
from patron_engine.query import fetch
from patron_engine.query.call import Call
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import MAX_IDS, Ask

Ref = tuple[str, str]
MOMENT: Final = "%Y-%m-%d %H:%M"  # of a title that is one; PostgreSQL's stands in wire.py


def short(id: str) -> str:
    """
    >>> short("0190a0b0-0000-7000-8000-0000008a40d8")
    '#8A40D8'
    """
    return f"#{id[-6:].upper()}"


def title_of(object: Object, row: Mapping[str, Any]) -> str:
    """What a record is called; where its title is a link, by the title of what it points at; where it is a moment, as its clock
    says it."""
    value = row.get(object.title)
    if isinstance(value, Mapping):
        value = value.get("title")
    id = str(row["id"])
    if value in (None, "", id):
        return short(id)
    return str(value) if object.title_zone is None else _moment(str(value), object.title_zone)


def _moment(text: str, zone: ZoneInfo) -> str:
    """
    >>> _moment("2026-11-26T02:30:00Z", ZoneInfo("Asia/Shanghai"))
    '2026-11-26 10:30'
    """
    try:
        at = datetime.fromisoformat(text)
        return (
            text if at.tzinfo is None else at.astimezone(zone).strftime(MOMENT)
        )  # told already, through a link
    except (ValueError, OverflowError):
        return text


def titles_of(
    conn: psycopg.Connection[Any], call: Call, wanted: Mapping[str, Sequence[str]], *, deleted: bool = False
) -> dict[Ref, str]:
    """(object, id) -> title of the records among `wanted` (object -> ids) that the asker may read; of the recycle bin if `deleted`."""
    return {
        (object, id): title
        for object, ids in wanted.items()
        for at in range(0, len(ids), MAX_IDS)
        for id, title in _titles(conn, call, object, ids[at : at + MAX_IDS], deleted)
    }


def refs_of(refs: Iterable[Ref]) -> dict[str, list[str]]:
    """References by object, each once, as `titles_of` wants them."""
    wanted: dict[str, dict[str, None]] = {}
    for object, id in refs:
        wanted.setdefault(object, {})[id] = None
    return {object: list(ids) for object, ids in wanted.items()}


def _titles(
    conn: psycopg.Connection[Any], call: Call, object: str, ids: Sequence[str], deleted: bool
) -> list[tuple[str, str]]:
    found = call.model.object(object)
    if found is None or found.title not in readable(call.model, call.actor, found.name):
        return []
    ask = Ask(
        object=found.name, ids=tuple(ids), fields=("id", found.title), limit=MAX_IDS, voided="yes", deleted=deleted
    )  # fmt: skip
    rows = fetch.page(conn, call, resolve(call, ask), b"").rows()
    return [(str(row["id"]), title_of(found, row)) for row in rows]
