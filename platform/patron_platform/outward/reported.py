"""Reported: a report on its day, as a letter with the file, made when it is sent and with the rights of who gets it.

In: a service, a workspace, a person, what the schedule says. Out: a `Letter`; None for who may not open or export the report any more.
A file larger than letters carry, and `as: link`, is a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any, Final

import psycopg

from patron_engine.errors import Forbidden, LimitExceeded, NotFound
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.record.telling import Choice, choices
from patron_engine.report.answer import Request
from patron_engine.runtime import Workspace
from patron_platform.api.exports import TYPES
from patron_platform.colleagues import Colleague
from patron_platform.outward.letters import letter_of, reader_of
from patron_platform.outward.mail import Attached, Letter
from patron_platform.reporting.made import form_named, make
from patron_platform.service import Service
from patron_platform.web.report_asked import body_of, words_of
from patron_platform.web.texts import texts_in

Connection = psycopg.Connection[Any]
LARGEST: Final = 8 * 1024 * 1024  # limit_report_letter: bytes of a file in a letter
REASON: Final = "report"


def report_letter(
    service: Service, place: Workspace, conn: Connection, call: Call, person: Colleague, said: Mapping[str, Any], id: str
) -> Letter | None:  # fmt: skip
    """`call` has the rights of the person."""
    name = str(said["report"])
    chosen = choices(conn, call.schema, [person.id]).get(person.id, Choice())
    try:
        body, _ = body_of(conn, call, name)
    except NotFound:
        return None
    if not chosen.wants(REASON, "email"):
        return None
    reader = reader_of(service, conn, call, person.id)
    title = reader.say(body.get("label"), name)
    told = {"reason": REASON, "text": title, "body": reader.day(reader.today), "link": f"/reports/{name}"}
    letter = letter_of(service, place, conn, call, person, [told], id)
    if letter is None or said["as"] == "link":
        return letter
    try:
        file = _file(conn, call, name, Request(body=body), str(said["as"]), reader)
    except Forbidden:
        return letter  # he may look at it, but take nothing out
    return letter if file is None else replace(letter, attached=(file,))


def _file(
    conn: Connection, call: Call, name: str, request: Request, form: str, reader: Reader
) -> Attached | None:
    kind = form_named("pdf" if form == "image" else form)  # of releases from before pictures were refused
    if request.body["type"] == "list" and kind == "pdf":
        kind = "xlsx"
    t = texts_in(reader.languages[0])
    words = words_of(t, call.model.workspace.fiscal_year_from, request.body, reader)
    target = BytesIO()
    try:
        make(conn, call, name, request, kind, reader, words, target)
    except LimitExceeded:
        return None
    data = target.getvalue()
    title = reader.say(request.body.get("label"), name)
    return (
        Attached(name=f"{title}.{kind}", type=TYPES[kind].partition(";")[0], data=data)
        if len(data) <= LARGEST
        else None
    )
