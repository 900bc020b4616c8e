"""Notices: what somebody should know about: where he was mentioned, what was sent to him, what is due, what was
given to him, what happened to records he follows, and what he was told (record/telling).

In: a connection, the frame of a call, a reader. Out: `Category`s of `Notice`s, the latest first, each read or not. They are the
records of the pack core (`comment`, `message`, `task`) as he may read them, and what page/followed makes of the history; up to
when he has read each category is kept in `sys__notices_read`. A workspace without these objects has no such notices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.access.decide import readable
from patron_engine.model.model import Object, say
from patron_engine.page.followed import any_followed, followed
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.handed import Handed, handed_to
from patron_engine.query.received import Received, received
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of, titles_of
from patron_engine.record import audit, telling
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
KEPT = 50  # notices of one category that are shown and counted
LONGEST = 160  # characters of a text shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`object` and `id` are where it leads; `who` wrote it, `about` the title of what it is about.

    Of an alert `text` is what was done, `others` how many records that was, `action` who did it, as the audit finds him.
    Of a followed record: `others` did something too, `action` is what was done, `changed` the labels of what was changed;
    `files` says that its files were.
    """

    object: str
    id: str
    text: str
    at: datetime
    unread: bool
    who: str = ""
    about: str = ""
    due: date | None = None
    late: bool = False
    others: int = 0
    action: str = ""
    changed: tuple[str, ...] = ()
    files: bool = False
    link: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    name: str
    notices: tuple[Notice, ...]

    @property
    def unread(self) -> int:
        return sum(n.unread for n in self.notices)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where a category's records come from. `needed` are fields without which there is no such category."""

    category: str
    object: str
    where: str
    needed: tuple[str, ...]
    sort: str


SOURCES = (
    _Source(category="mentions", object="comment", where="me() in mentions", needed=("mentions", "about"), sort="-created_at"),
    _Source(
        category="messages", object="message", where="owner == me() and direction == 'in'",
        needed=("direction", "owner"), sort="-created_at",
    ),
    _Source(
        category="tasks", object="task", where="owner == me() and status in ('open', 'in_progress') and due <= TODAY()",
        needed=("status", "due", "owner"), sort="-due",
    ),
)  # fmt: skip
FOLLOWED, ALERTS, GIVEN = "followed", "alerts", "given"
TOLD = tuple(reason for reason in telling.REASONS if reason not in telling.FOUND)
CATEGORIES = (*(s.category for s in SOURCES), *TOLD, GIVEN, FOLLOWED, ALERTS)
ONLY_IF_SEEN = frozenset({"comment", "assignment"})  # told to who may read the record


def notices_of(conn: Connection, call: Call, reader: Reader) -> tuple[Category, ...]:
    """The categories this workspace has, also those without notices."""
    seen = _read_until(conn, call)
    made = [
        Category(name=s.category, notices=_notices(conn, call, reader, s, seen.get(s.category)))
        for s in SOURCES
        if set(s.needed) <= set(readable(call.model, call.actor, s.object))
    ]
    if call.actor.user is not None:
        made += _told(conn, call, reader, seen)
        made.append(Category(name=GIVEN, notices=_given(conn, call, seen.get(GIVEN))))
    if any_followed(call):
        made.append(Category(name=FOLLOWED, notices=_followed(conn, call, reader, seen.get(FOLLOWED))))
    if call.actor.administrator:
        made.append(Category(name=ALERTS, notices=_alerts(conn, call, seen.get(ALERTS))))
    return tuple(made)


def _told(conn: Connection, call: Call, reader: Reader, seen: Mapping[str, datetime]) -> list[Category]:
    """What he was told, by reason; reasons for which there is nothing are left out."""
    found = telling.told(conn, call, KEPT)
    wanted: dict[str, dict[str, None]] = {}
    for one in found:
        if one.object in call.model.objects and one.record:
            wanted.setdefault(str(one.object), {})[one.record] = None
        if one.by:
            wanted.setdefault("user", {})[one.by] = None
    titles = titles_of(conn, call, {object: list(ids) for object, ids in wanted.items()}) if found else {}
    made: dict[str, list[Notice]] = {}
    for one in found:
        about = titles.get((one.object or "", one.record or ""), "")
        if one.reason in ONLY_IF_SEEN and one.record and not about:
            continue
        until = seen.get(one.reason)
        made.setdefault(one.reason, []).append(
            Notice(
                object=one.object or "", id=one.record or "", about=about, at=one.at, unread=until is None or one.at > until,
                text=reader.words(telling.said(one.text, reader.languages))[:LONGEST], link=one.link or "",
                who=titles.get(("user", one.by), "") if one.by else "",
                body=reader.words(telling.said(one.body, reader.languages))[:LONGEST] if one.body else "",
            )
        )  # fmt: skip
    return [Category(name=reason, notices=tuple(made[reason])) for reason in TOLD if reason in made]


def _alerts(conn: Connection, call: Call, seen: datetime | None) -> tuple[Notice, ...]:
    """What the audit told the administrators of; `about` are the labels of the objects it was about."""

    def called(one: audit.Entry) -> str:
        names = one.detail.get("objects") or [one.about.partition("/")[0]]
        known = [call.model.objects[n] for n in names if n in call.model.objects]
        return ", ".join(say(o.label, call.actor.languages) for o in known)

    return tuple(
        Notice(
            object=one.about, id="", about=called(one), text=one.action, at=one.at, unread=seen is None or one.at > seen, who=one.name,
            others=int(one.detail.get("records", 0)), action=one.by or one.name,
        )
        for one in audit.alerts(conn, call.schema, KEPT)
    )  # fmt: skip


def _given(conn: Connection, call: Call, seen: datetime | None) -> tuple[Notice, ...]:
    """Single records that somebody gave him or handed over to him; one that he may not read all the same is none."""
    found: list[tuple[Received | Handed, str, int]] = [(one, f"{one.reason}_{one.level}", 0) for one in received(conn, call, KEPT)]  # fmt: skip
    known = call.model.objects
    found += [(one, "handed", one.records - 1) for one in handed_to(conn, call, KEPT) if one.object in known]
    every = sorted(found, key=lambda told: told[0].at, reverse=True)[:KEPT]
    wanted: dict[str, dict[str, None]] = {}
    for one, _, _ in every:
        wanted.setdefault(one.object, {})[one.id] = None
        if one.by:
            wanted.setdefault("user", {})[one.by] = None
    titles = titles_of(conn, call, {object: list(ids) for object, ids in wanted.items()}) if every else {}
    return tuple(
        Notice(
            object=one.object, id=one.id, text=titles[one.object, one.id][:LONGEST], at=one.at,
            unread=seen is None or one.at > seen, who=titles.get(("user", one.by), "") if one.by else "",
            action=action, others=others,
        )
        for one, action, others in every if (one.object, one.id) in titles
    )  # fmt: skip


def _followed(conn: Connection, call: Call, reader: Reader, seen: datetime | None) -> tuple[Notice, ...]:
    return tuple(
        Notice(
            object=one.object, id=one.id, text=one.title[:LONGEST], at=one.at, unread=seen is None or one.at > seen,
            who=one.by, others=one.others, action=one.action, changed=one.changed, files=one.files,
        )
        for one in followed(conn, call, reader, seen)[:KEPT]
    )  # fmt: skip


def unread(conn: Connection, call: Call, reader: Reader) -> int:
    """How many are unread; each category counts at most `KEPT`."""
    return sum(category.unread for category in notices_of(conn, call, reader))


def mark_read(conn: Connection, schema: str, user: str, at: datetime, category: str | None = None) -> None:
    """Everything up to `at` is read, of one category or of all."""
    names = [name for name in CATEGORIES if category in (None, name)]
    conn.execute(
        sql.SQL(
            "INSERT INTO {}.sys__notices_read (user_record, category, at) SELECT %s, unnest(%s::text[]), %s"
            " ON CONFLICT (user_record, category) DO UPDATE SET at = EXCLUDED.at"
        ).format(sql.Identifier(schema)),
        (user, names, at),
    )


def _read_until(conn: Connection, call: Call) -> Mapping[str, datetime]:
    found = conn.execute(
        sql.SQL("SELECT category, at FROM {}.sys__notices_read WHERE user_record = %s").format(
            sql.Identifier(call.schema)
        ),
        (call.actor.user,),
    )
    return dict(found.fetchall())


def _notices(
    conn: Connection, call: Call, reader: Reader, source: _Source, seen: datetime | None
) -> tuple[Notice, ...]:
    object = call.model.objects[source.object]
    names = readable(call.model, call.actor, source.object)
    wanted = [n for n in ("about", "created_by", "created_at", "due") if n in names]
    ask = Ask(
        object=source.object, where=source.where, sort=(source.sort,), limit=KEPT,
        fields=("id", object.title, *wanted),
    )  # fmt: skip
    found = read(conn, call, ask, secret=b"").rows()
    return tuple(_notice(source, object, row, reader, seen) for row in found)


def _notice(
    source: _Source, object: Object, row: Mapping[str, Any], reader: Reader, seen: datetime | None
) -> Notice:
    about = row.get("about")
    at = datetime.fromisoformat(row["created_at"])
    due = date.fromisoformat(row["due"]) if source.category == "tasks" else None
    if due is not None:  # one that was made after its day is new from the moment it was made
        at = max(at, datetime.combine(due, time(), reader.zone))
    led = about if source.category == "mentions" and isinstance(about, Mapping) else None
    return Notice(
        object=str(led["object"]) if led else source.object,
        id=str(led["id"]) if led else str(row["id"]),
        text=title_of(object, row)[:LONGEST],
        at=at,
        unread=seen is None or at > seen,
        who=_linked(row.get("created_by")) if source.category == "mentions" else "",
        about=_linked(about),
        due=due,
        late=due is not None and due < reader.today,
    )


def _linked(value: Any) -> str:
    """The title of the record a link points at; "" where he may not know it."""
    return str(value.get("title") or "") if isinstance(value, Mapping) else ""
