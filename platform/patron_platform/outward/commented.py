"""Commented: tells people of a comment: those it mentions, the owner of the record it is about, and who follows it.

In: the write transaction of a parcel, what it holds. Out: notices and letters by record/telling. Who mentioned or wrote is
not told of himself; who is mentioned is told of that alone. Whether somebody may read the record is looked at when he reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.telling import tell
from patron_engine.ways.read import read_one
from patron_platform.outward.marks import plain
from patron_platform.web.texts import SPOKEN, texts_in

Connection = psycopg.Connection[Any]


def tell_of_comment(conn: Connection, call: Call, held: Mapping[str, Any]) -> None:
    """Nothing where the comment is gone by now."""
    try:
        known = read_one(
            conn, call, "comment", held["comment"], fields=("body", "about", "mentions")
        ).record()
    except NotFound:
        return
    about = known.get("about")
    if not isinstance(about, Mapping):
        return
    place = (str(about.get("object") or ""), str(about["id"]))
    if place[0] not in call.model.objects:
        field = call.model.objects["comment"].fields["about"]
        place = (field.link.to[0], place[1])
    mentioned = [str(m["id"]) for m in known.get("mentions") or ()]
    by = held.get("by")
    who = fetch_values(conn, call, "user", [by], ["name"]).get(by, {}).get("name") if by else None
    acting = replace(call, actor=replace(SYSTEM, user=by))
    body = plain(str(known.get("body") or ""))[:2_000]
    said = {"who": who or "…"}
    fresh = [m for m in mentioned if m not in held["before"]]
    tell(conn, acting, fresh, "mention", text=_texts("tell.mentioned", said), body=body, about=place)
    if held["new"]:
        others = [p for p in _near(conn, call, place) if p not in mentioned]
        tell(conn, acting, others, "comment", text=_texts("tell.commented", said), body=body, about=place)


def _texts(key: str, said: Mapping[str, str]) -> dict[str, str]:
    return {language: texts_in(language)(key, **said) for language in SPOKEN}


def _near(conn: Connection, call: Call, about: tuple[str, str]) -> list[str]:
    """The owner of the record, and who follows it."""
    object, record = about
    found: list[str] = []
    if "owner" in call.model.objects[object].fields:
        owner = fetch_values(conn, call, object, [record], ["owner"]).get(record, {}).get("owner")
        found += [owner] if isinstance(owner, str) else []
    rows = conn.execute(
        sql.SQL("SELECT person::text FROM {} WHERE object = %s AND record = %s").format(
            sql.Identifier(call.schema, "sys__follow")
        ),
        (object, record),
    )
    return list(dict.fromkeys([*found, *(r[0] for r in rows)]))
