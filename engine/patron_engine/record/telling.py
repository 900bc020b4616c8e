"""Telling: the one place that tells people something: in the inbox at once, by other channels as each of them chose.

    tell(conn, call, people, "approval", text=Phrase("…"), about=("order", id))

In: a write transaction, whom, why, what. Out: rows of `sys__notice`, and of the outbox for what leaves. How somebody wants to
be told is kept in `sys__telling`; without a choice `USUAL` says. Letters are written when they are sent, in the language and
with the rights of who gets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.model.model import say
from patron_engine.phrases import Phrase, found_again, kept
from patron_engine.query.call import Call
from patron_engine.record.outbox import Parcel, put

Connection = psycopg.Connection[Any]
Text = str | Mapping[str, str]  # a text, a Phrase, or texts by language
USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "mention": ("inbox", "email"),
    "comment": ("inbox",),
    "assignment": ("inbox",),
    "task": ("inbox",),
    "approval": ("inbox", "email"),
    "sla": ("inbox",),
    "pool": ("inbox",),
    "claims": (),  # what others do with a pool: who wants to know says so
    "automation": ("inbox",),
    "following": ("inbox",),
    "report": ("inbox", "email"),
}
REASONS: Final = tuple(USUAL)
CHANNELS: Final = ("inbox", "email")  # what people choose among for themselves
FOUND: Final = frozenset(
    {"mention", "task", "following"}
)  # what the inbox finds by itself: in comments, tasks, the history
RHYTHMS: Final = ("each", "hourly", "daily")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How one person wants to be told. `quiet`: from which hour to which of his day no letter comes."""

    channels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rhythm: str = "each"
    daily_at: int = 9
    quiet: tuple[int, int] | None = None
    zone: str | None = None

    def ways(self, reason: str) -> Sequence[str]:
        return self.channels.get(reason, USUAL[reason])

    def wants(self, reason: str, channel: str) -> bool:
        """Unless he chose against it: what a definition asks for is sent to who has not said anything."""
        return reason not in self.channels or channel in self.channels[reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice as it was kept; `text` in words is made by `said`."""

    id: str
    reason: str
    text: Any
    body: Any
    object: str | None
    record: str | None
    link: str | None
    by: str | None
    at: datetime


# -- telling ------------------------------------------------------------------------------------------------------


def tell(
    conn: Connection,
    call: Call,
    people: Sequence[str],
    reason: str,
    *,
    text: Text,
    body: Text | None = None,
    about: tuple[str, str] | None = None,
    link: str | None = None,
    channels: Sequence[str] | None = None,
    html: str | None = None,
) -> None:
    """Tells people something; who did it himself is not told. `link` is a place in the workspace, `/inbox`, where it
    leads elsewhere than to the record it is `about`. `channels`: these in place of what each chose. `html`: what a letter
    shows in place of `body`, made by who tells."""
    by = call.actor.user
    whom = list(dict.fromkeys(p for p in people if p and (p != by or channels is not None)))
    if not whom:
        return
    chosen = choices(conn, call.schema, whom)
    kept_text, kept_body = _kept(text), None if body is None else _kept(body)
    object, record = about or (None, None)
    notices, parcels = [], []
    for person in whom:
        choice = chosen.get(person, Choice())
        ways = choice.ways(reason) if channels is None else channels
        id = call.new_id()
        row = (
            reason,
            _json(kept_text),
            None if body is None else _json(kept_body),
            object,
            record,
            link,
            by,
            call.now,
        )
        if "inbox" in ways and reason not in FOUND:
            notices.append((id, person, *row))
        if "email" in ways and choice.wants(reason, "email"):
            payload = {
                "reason": reason, "text": kept_text, "body": kept_body, "object": object, "record": record, "link": link,
                "by": by, "asked": channels is not None, "html": html,
            }  # fmt: skip
            due = call.now if channels is not None else due_of(choice, call.now, call.model.workspace.zone)
            parcels.append(Parcel(id=id, kind="notice", person=person, payload=payload, due_at=due))
    _write(conn, call.schema, notices)
    put(conn, call.schema, parcels, call.now)


def _kept(text: Text) -> Any:
    """As JSON."""
    return kept(text) if isinstance(text, Phrase) else dict(text) if isinstance(text, Mapping) else text


def _write(conn: Connection, schema: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "INSERT INTO {} (id, person, reason, text, body, object, record, link, by, at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            ).format(sql.Identifier(schema, "sys__notice")),
            rows,
        )


def due_of(choice: Choice, now: datetime, zone: ZoneInfo) -> datetime:
    """When a letter goes: at once or with the next of his rhythm, not within his quiet hours."""
    local = now.astimezone(ZoneInfo(choice.zone) if choice.zone else zone)
    due = local
    if choice.rhythm == "hourly":
        due = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    elif choice.rhythm == "daily":
        due = _at(local, choice.daily_at)
    if choice.quiet is not None and _within(due.hour, *choice.quiet):
        due = _at(due, choice.quiet[1])
    return due


def _at(local: datetime, hour: int) -> datetime:
    """The next time the clock shows this hour."""
    then = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return then if then > local else then + timedelta(days=1)


def _within(hour: int, begin: int, end: int) -> bool:
    return begin <= hour < end if begin <= end else hour >= begin or hour < end


def said(text: Any, languages: Sequence[str]) -> str:
    """A text that was kept, in words: texts by language in the reader's, a phrase as a phrase."""
    if isinstance(text, Mapping) and "template" in text:
        return found_again(text)
    return say(text, tuple(languages)) if isinstance(text, Mapping) else str(text)


def told(conn: Connection, call: Call, most: int) -> list[Told]:
    """What the caller was told, the latest first."""
    rows = conn.execute(
        sql.SQL(
            "SELECT id::text, reason, text, body, object, record::text, link, by::text, at FROM {} WHERE person = %s"
            " ORDER BY at DESC, id DESC LIMIT %s"
        ).format(sql.Identifier(call.schema, "sys__notice")),
        (call.actor.user, most),
    ).fetchall()
    return [Told(**dict(zip(Told.__slots__, row, strict=True))) for row in rows]


# -- how somebody wants to be told --------------------------------------------------------------------------------


def choices(conn: Connection, schema: str, people: Sequence[str]) -> dict[str, Choice]:
    """person -> what he chose; who chose nothing is not among them."""
    rows = conn.execute(
        sql.SQL(
            "SELECT person::text, channels, rhythm, daily_at, quiet_from, quiet_until, zone FROM {} WHERE person = ANY(%s)"
        ).format(_choices(schema)),
        (list(people),),
    ).fetchall()
    return {
        r[0]: Choice(
            channels=r[1], rhythm=r[2], daily_at=r[3], quiet=None if r[4] is None else (r[4], r[5]), zone=r[6]
        )
        for r in rows
    }


def choose(conn: Connection, schema: str, person: str, choice: Choice) -> None:
    quiet = choice.quiet or (None, None)
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (person, channels, rhythm, daily_at, quiet_from, quiet_until, zone)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (person) DO UPDATE SET channels = EXCLUDED.channels,"
            " rhythm = EXCLUDED.rhythm, daily_at = EXCLUDED.daily_at, quiet_from = EXCLUDED.quiet_from,"
            " quiet_until = EXCLUDED.quiet_until, zone = EXCLUDED.zone"
        ).format(_choices(schema)),
        (person, _json(choice.channels), choice.rhythm, choice.daily_at, *quiet, choice.zone),
    )


def move(conn: Connection, schema: str, person: str, zone: str | None) -> None:
    """His hours are those of this zone from now on, where he chose any."""
    conn.execute(
        sql.SQL("UPDATE {} SET zone = %s WHERE person = %s").format(_choices(schema)), (zone, person)
    )


def stop_letters(conn: Connection, schema: str, person: str, reason: str) -> None:
    """No letters for this reason any more: what a link in a letter asks for."""
    left = [way for way in USUAL[reason] if way != "email"]
    conn.execute(
        sql.SQL(
            "INSERT INTO {t} AS c (person, channels) VALUES (%(person)s, %(one)s) ON CONFLICT (person) DO UPDATE SET"
            " channels = c.channels || jsonb_build_object(%(reason)s::text,"
            " coalesce(c.channels -> %(reason)s, %(left)s) - 'email')"
        ).format(t=_choices(schema)),
        {"person": person, "one": _json({reason: left}), "reason": reason, "left": _json(left)},
    )


def _choices(schema: str) -> sql.Identifier:
    return sql.Identifier(schema, "sys__telling")


def _json(value: Any) -> Jsonb:
    return Jsonb(value, dumps=jsonio.dumps)
