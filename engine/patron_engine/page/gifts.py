"""Gifts: what the history of a record says of rights that were given and taken: to whom, how far, until when.

In: entries of the history as their reader may see it (query/history), which keep ids. Out: for each entry its `Gift`, or None; the
same entries for programs, with a name in place of an id. Whom the reader may not see stays unnamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.page.reader import Reader
from patron_engine.page.show import moment_of
from patron_engine.query.call import Call
from patron_engine.ways.principals import Principal, principals_named

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """`to` is None for somebody the reader may not see. `level` is read, edit, or empty where a right was taken."""

    to: Principal | None
    level: str
    until: str


def gifts_in(
    conn: psycopg.Connection[Any], call: Call, reader: Reader, entries: Sequence[Entry]
) -> list[Gift | None]:
    known = _known(conn, call, entries)
    return [None if (told := _told(entry)) is None else _gift(reader, told, known) for entry in entries]


def with_names(conn: psycopg.Connection[Any], call: Call, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """`given` in the cause says `to` (kind, id, title), as the shares of a record do."""
    known = _known(conn, call, entries)
    made = []
    for entry in entries:
        told = _told(entry)
        if told is None:
            made.append(dict(entry))
            continue
        to = known.get(told["principal"])
        given = {k: v for k, v in told.items() if k not in ("kind", "principal")}
        given["to"] = None if to is None else {"kind": to.kind, "id": to.name, "title": to.title}
        made.append({**entry, "cause": {**entry["cause"], "given": given}})
    return made


def _known(conn: psycopg.Connection[Any], call: Call, entries: Sequence[Entry]) -> Mapping[str, Principal]:
    ids = dict.fromkeys(told["principal"] for e in entries if (told := _told(e)) is not None)
    return principals_named(conn, call, list(ids)) if ids else {}


def _told(entry: Entry) -> Mapping[str, Any] | None:
    told = (entry["cause"] or {}).get("given")
    return told if isinstance(told, Mapping) and isinstance(told.get("principal"), str) else None


def _gift(reader: Reader, told: Mapping[str, Any], known: Mapping[str, Principal]) -> Gift:
    until = told.get("until")
    return Gift(
        to=known.get(told["principal"]), level=str(told.get("level") or ""),
        until=reader.day(reader.local(moment_of(until)).date()) if until else "",
    )  # fmt: skip
