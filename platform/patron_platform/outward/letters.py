"""Letters: what was told to one person, as a letter in his language: one notice, or those of an hour or a day together.

In: a service, a workspace, a person, notices that wait for him. Out: a `Letter`, or None where nothing is left to be told.
What it says of a record is told only to who may read that record now. Each reason has a link that stops letters of its sort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from markupsafe import Markup

from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of
from patron_engine.query.values import fetch_values
from patron_engine.record.telling import said
from patron_engine.runtime import Workspace
from patron_platform.colleagues import Colleague
from patron_platform.outward import marks
from patron_platform.outward.letter_look import LOOK
from patron_platform.outward.links import stop_token
from patron_platform.outward.mail import Letter
from patron_platform.phrases import written
from patron_platform.service import Service
from patron_platform.web.render import draw
from patron_platform.web.texts import SPOKEN, texts_in

Connection = psycopg.Connection[Any]
READ_ONLY_IF_SEEN: Final = frozenset(
    {"mention", "comment", "assignment", "following"}
)  # told to who may read the record
EXCERPT: Final = 2_000  # characters of one text in a letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One notice in a letter. `body` is HTML already."""

    reason: str
    text: str
    body: str
    html: Markup
    title: str
    link: str


def letter_of(
    service: Service, place: Workspace, conn: Connection, call: Call, person: Colleague, told: Sequence[Mapping[str, Any]],
    id: str,
) -> Letter | None:  # fmt: skip
    """`call` has the rights of the person."""
    reader = reader_of(service, conn, call, person.id)
    lines = [line for one in told if (line := _line(service, place, conn, call, reader, one)) is not None]
    if not lines:
        return None
    t = texts_in(reader.languages[0])
    reasons = list(dict.fromkeys(line.reason for line in lines))
    base = service.settings.base_url
    stops = [
        (r, f"{base}/stop/{stop_token(service.runtime.secret, place.name, person.id, r)}") for r in reasons
    ] if base else []  # fmt: skip
    settings = f"{base}/w/{place.name}/me/notices" if base else ""
    subject = lines[0].text if len(lines) == 1 else t("tell.several", n=len(lines), workspace=place.name)
    text = _plain(lines, t, stops, settings)
    html = draw(
        "letter.html", reader.languages, lines=lines, stops=stops, settings=settings, workspace=place.name,
        subject=subject, look=LOOK,
    )  # fmt: skip
    return Letter(
        to=person.email, subject=subject[:300], text=text, html=html, id=id, at=call.now,
        unsubscribe=stops[0][1] if len(stops) == 1 else None,
    )  # fmt: skip


def _line(
    service: Service, place: Workspace, conn: Connection, call: Call, reader: Reader, one: Mapping[str, Any]
) -> Line | None:
    object, record, reason = one.get("object"), one.get("record"), str(one["reason"])
    title = ""
    if object and record and object in call.model.objects:
        title = titles_of(conn, call, {object: [record]}).get((object, record), "")
        if not title and reason in READ_ONLY_IF_SEEN:
            return None
    text = written(said(one["text"], reader.languages), reader.languages)
    body = written(said(one["body"], reader.languages), reader.languages) if one.get("body") else ""
    page = one.get("html") or marks.html(body[:EXCERPT]) if body else ""
    way = one.get("link") or (f"/o/{object}/{record}" if title else "")
    base = service.settings.base_url
    link = f"{base}/w/{place.name}{way}" if base and way else ""
    return Line(
        reason=reason, text=text[:500], body=body[:EXCERPT], html=Markup(page), title=title, link=link
    )


def _plain(lines: Sequence[Line], t: Any, stops: Sequence[tuple[str, str]], settings: str) -> str:
    parts = []
    for line in lines:
        title = line.title if line.title not in line.text else ""  # said already
        parts.append("\n".join(p for p in (line.text, title, line.body, line.link) if p))
    tail = [f"{t('tell.because_' + r)} {t('tell.stop')}: {address}" for r, address in stops]
    if settings:
        tail.append(f"{t('tell.settings')}: {settings}")
    return "\n\n".join(parts) + ("\n\n-- \n" + "\n".join(tail) if tail else "") + "\n"


def reader_of(service: Service, conn: Connection, call: Call, person: str) -> Reader:
    """How values are written for somebody who is not here: in the language and the zone he chose."""
    chosen = _preferences(service, call.workspace, person) if person else {}
    known = [n for n in ("language",) if n in call.model.objects["user"].fields]
    spoken = (
        fetch_values(conn, call, "user", [person], known).get(person, {}).get("language") if person else None
    )
    wanted = (chosen.get("language"), spoken, *call.model.workspace.languages, "en")
    languages = tuple(dict.fromkeys(str(w) for w in wanted if w in SPOKEN))
    zone = chosen.get("zone")
    return Reader(
        languages=languages, zone=ZoneInfo(str(zone)) if zone else call.model.workspace.zone,
        currency=call.model.workspace.currency, now=call.now, words=lambda text: written(text, languages),
    )  # fmt: skip


def _preferences(service: Service, workspace: str, person: str) -> Mapping[str, Any]:
    with service.databases.system("read") as conn:
        row = conn.execute(
            "SELECT a.preferences FROM patron.membership m JOIN patron.account a ON a.id = m.account"
            " WHERE m.workspace = %s AND m.user_record = %s",
            (workspace, person),
        ).fetchone()
    return row[0] if row is not None and row[0] else {}
