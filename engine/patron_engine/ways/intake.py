"""The way intake: what somebody without a login filled in becomes a record, new or one that is known.

    the form is open -> not too often -> known by one of `match.by`? -> one save -> counted -> whoever listens to `form` is told

In: a write transaction of the system, the name of a webform, values as texts, the token of the page, a digest of where it came from.
Out: `Entry`, the first one again for a token that came before. NotFound, FormClosed, LimitExceeded, Refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from psycopg import sql

from patron_engine.errors import LimitExceeded, NotFound, PatronError
from patron_engine.fields.field import LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.flow.raising import raise_event
from patron_engine.flow.values import Reading
from patron_engine.flow.writing import lock, matches_of
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways.save import save

PER_HOUR: Final = (
    60  # limit_form_hour: entries of one form from one place in an hour, where the form says nothing
)
HOUR: Final = timedelta(hours=1)
Body = Mapping[str, Any]
Did = Literal["created", "updated", "unchanged"]


class FormClosed(PatronError):
    """Nothing is taken any more, or not yet."""

    code = "form_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    object: str
    record: str
    did: Did


def body_of(model: Model, name: str) -> Body:
    body = model.documents.get(("webform", name))
    if body is None or body["object"] not in model.objects:
        raise NotFound(Phrase("there is no such form"), code="form_not_found")
    return body


def ask_open(conn: Conn, call: Call, name: str) -> None:
    """FormClosed before its first day, after its last, and when it has all its entries."""
    opening: Body = body_of(call.model, name).get("open") or {}
    today = call.now.astimezone(ZoneInfo(str(call.model.workspace.zone))).date()
    if (opening.get("from") and today < _day(opening["from"])) or (
        opening.get("until") and today > _day(opening["until"])
    ):
        raise FormClosed(Phrase("this form is not open today"))
    most = opening.get("total")
    if most is not None and _count(conn, call, name) >= most:
        raise FormClosed(Phrase("this form has all the entries it takes"))


def _day(written: Any) -> date:
    return written if isinstance(written, date) else date.fromisoformat(str(written))


def _count(conn: Conn, call: Call, name: str, place: str | None = None, since: datetime | None = None) -> int:
    """Entries of a form, from anywhere and ever unless it is said."""
    query = sql.SQL(
        "SELECT count(*) FROM {} WHERE form = %(form)s AND (%(place)s::text IS NULL OR place = %(place)s)"
        " AND (%(since)s::timestamptz IS NULL OR at > %(since)s)"
    ).format(sql.Identifier(call.schema, "sys__entry"))
    row = conn.execute(query, {"form": name, "place": place, "since": since}).fetchone()
    return int(row[0]) if row is not None else 0


def entered(conn: Conn, call: Call, name: str, given: Mapping[str, Any], *, token: str, place: str) -> Entry:
    """`given` are texts by field, those the form itself sets among them. Entries of one form come one after the other, so that
    limits hold and of two with the same number one is the known one."""
    body = body_of(call.model, name)
    conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"patron.form.{call.schema}.{name}",)
    )
    before = _before(conn, call, name, token)
    if before is not None:
        return before
    ask_open(conn, call, name)
    most = (body.get("open") or {}).get("per_hour") or PER_HOUR
    if _count(conn, call, name, place, call.now - HOUR) >= most:
        raise LimitExceeded(
            Phrase("a form is sent at most {most} times an hour from one place", most=most),
            code="limit_form_hour",
        )
    entry = _saved(conn, call, body, given)
    _counted(conn, call, name, entry, token, place)
    raise_event(conn, call, entry.object, entry.record, "form", {"form": name})
    return entry


def _before(conn: Conn, call: Call, name: str, token: str) -> Entry | None:
    query = sql.SQL("SELECT object, record::text, did FROM {} WHERE form = %s AND token = %s")
    row = conn.execute(query.format(sql.Identifier(call.schema, "sys__entry")), (name, token)).fetchone()
    return None if row is None else Entry(object=row[0], record=row[1], did=row[2])


def _saved(conn: Conn, call: Call, body: Body, given: Mapping[str, Any]) -> Entry:
    object = call.model.objects[body["object"]].name
    match: Body = body.get("match") or {}
    known = _known(conn, call, object, match.get("by") or (), given)
    if known is None or match.get("then") == "new":
        done = save(conn, call, [Change(action="create", object=object, set=given, source="text")])[0]
        return Entry(object=object, record=str(done.id), did="created")
    if match.get("then", "fill_empty") == "fill_empty":
        there = fetch_values(conn, call, object, [known], list(given)).get(known, {})
        given = {name: text for name, text in given.items() if there.get(name) in (None, "", (), [])}
    if not given:
        return Entry(object=object, record=known, did="unchanged")
    save(conn, call, [Change(action="update", object=object, id=known, set=given, source="text")])
    return Entry(object=object, record=known, did="updated")


def _known(conn: Conn, call: Call, name: str, by: Any, given: Mapping[str, Any]) -> str | None:
    """The record that has the same value in the first of these fields that finds one; kept from other writers."""
    object, reading = call.model.objects[name], Reading(conn, call)
    for one in by:
        field = object.field(one)
        text = given.get(field.name) if field is not None else None
        if field is None or isinstance(field.spec, LinkSpec) or not isinstance(text, str) or not text:
            continue
        values = {field.name: type_of(field).read_text(field, text)}
        found = matches_of(reading, object, [field.name], [values])[0]
        if found is not None:
            lock(reading, name, [found])
            return found
    return None


def _counted(conn: Conn, call: Call, name: str, entry: Entry, token: str, place: str) -> None:
    """Where somebody wrote from is forgotten when it counts no more."""
    table = sql.Identifier(call.schema, "sys__entry")
    conn.execute(
        sql.SQL("UPDATE {} SET place = '' WHERE place <> '' AND at <= %s").format(table), (call.now - HOUR,)
    )
    insert = sql.SQL(
        "INSERT INTO {} (token, form, at, place, object, record, did) VALUES (%s, %s, %s, %s, %s, %s, %s)"
    ).format(table)
    conn.execute(insert, (token, name, call.now, place, entry.object, entry.record, entry.did))


def entries_of(conn: Conn, call: Call) -> Mapping[str, tuple[int, Any]]:
    """Form -> how often it was filled in, and when last."""
    query = sql.SQL("SELECT form, count(*), max(at) FROM {} GROUP BY form").format(
        sql.Identifier(call.schema, "sys__entry")
    )
    return {row[0]: (int(row[1]), row[2]) for row in conn.execute(query).fetchall()}
