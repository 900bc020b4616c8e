"""Outsiders: a letter to somebody outside of the workspace, whose address stands in a record.

In: a service, a workspace, a parcel that was taken. Out: the letter in his language, with a way out of letters; or in one word why
he is to get none. His address, and whether he wants letters, are as they stand in the record at this moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from markupsafe import Markup

from patron_engine.flow.mailing import unwanted
from patron_engine.model.model import Model, say
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.merged import merged_into
from patron_engine.record.outbox import Held
from patron_engine.runtime import Workspace
from patron_engine.ways.mailing import holder
from patron_platform.colleagues import colleague
from patron_platform.outward.client import Unsendable
from patron_platform.outward.filling import Filled, filled
from patron_platform.outward.links import refuse_token
from patron_platform.outward.mail import Letter
from patron_platform.phrases import written
from patron_platform.service import Service
from patron_platform.web.render import draw
from patron_platform.web.texts import SPOKEN, texts_in

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """`house` is who writes, where the mail server names nobody. `body` is what the record keeps of it: without the way out,
    which is his alone."""

    letter: Letter
    house: str
    body: str


def outside_letter(
    service: Service, place: Workspace, conn: Connection, call: Call, held: Held
) -> Outgoing | str:
    """`call` is the system's; the template is filled in with the rights the automation has."""
    said = held.payload
    paths: Mapping[str, str] = said["paths"]
    object = str(said["object"])
    if object not in call.model.objects:
        return "record_gone"
    record = merged_into(conn, call, object, said["record"]) or said["record"]
    values = fetch_values(conn, call, object, [record], list(paths.values())).get(record)
    if values is None:
        return "record_gone"
    why = unwanted(values, paths)
    if why:
        return why
    reader = _reader(call, values.get(paths.get("language", "")))
    reading = place.call(conn, colleague(conn, call, said["as"]).actor) if said.get("as") else call
    made = filled(conn, reading, said["template"], (object, record), reader)
    stop = _way_out(service, place, conn, call, held, object, record)
    house = house_of(call.model, reader.languages) or place.name
    subject = made.subject or say(
        call.model.documents[("template", said["template"])].get("label") or "", reader.languages
    )
    spoken = next((one for one in reader.languages if one in SPOKEN), "en")
    letter = Letter(
        to=str(values[paths["to"]]), subject=(subject or house)[:300], text=_plain(made, spoken, stop),
        html=draw(
            "letter_outside.html", (spoken,), subject=subject, body=Markup(made.html), stop=stop, house=house
        ),
        id=held.id, at=call.now, reply_to=values.get(paths.get("reply_to", "")), unsubscribe=stop or None,
    )  # fmt: skip
    return Outgoing(letter=letter, house=house, body=made.html)


def house_of(model: Model, languages: tuple[str, ...]) -> str:
    """What the workspace calls itself."""
    named = next(
        (body.get("label") for (kind, _), body in model.documents.items() if kind == "workspace"), None
    )
    return say(named, languages) if isinstance(named, Mapping) else str(named or "")


def tag_of(written: Any) -> str:
    """A language as texts name it: options are called zh_tw, texts zh-TW."""
    language, *region = str(written or "").replace("_", "-").split("-")
    return "-".join(
        [language.lower(), *(part.upper() if len(part) == 2 else part.title() for part in region)]
    )


def _reader(call: Call, wanted: Any) -> Reader:
    """Somebody of whom nothing is known but, at best, his language."""
    known = (tag_of(wanted), *call.model.workspace.languages, "en")
    languages = tuple(dict.fromkeys(one for one in known if one))
    return Reader(
        languages=languages, zone=call.model.workspace.zone, currency=call.model.workspace.currency, now=call.now,
        words=lambda text: written(text, languages),
    )  # fmt: skip


def _way_out(
    service: Service, place: Workspace, conn: Connection, call: Call, held: Held, object: str, record: str
) -> str:
    """The address that ends letters; empty for a letter he asked for. Unsendable where it could not be reached."""
    path = held.payload["paths"].get("opt_out")
    if path is None:
        return ""
    base = service.settings.base_url
    if base is None:
        raise Unsendable(
            "the server does not know its own address", code="no_base_url", hint="set PATRON_BASE_URL"
        )
    of, id, field = holder(conn, call, object, record, path)
    return f"{base}/unsubscribe/{refuse_token(service.runtime.secret, place.name, of, id, field, held.id)}"


def _plain(made: Filled, language: str, stop: str) -> str:
    return f"{made.text.strip()}\n" + (
        f"\n-- \n{texts_in(language)('tell.refuse')}: {stop}\n" if stop else ""
    )
