"""Leaving: carries out what steps want to leave the workspace, or to be told to its people.

In: the transaction of a run, its command. Out: rows of the outbox, notices. Refused where the workspace has no way to send
it: a text message without a provider, a chat message without a robot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.flow.run import Run
from patron_engine.flow.telling import reason_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record import connections, outbox
from patron_engine.record.outbox import Parcel
from patron_engine.record.statements import Conn
from patron_engine.record.telling import Text, tell

OWN = ("inbox", "email")  # channels that telling.tell knows; the others leave here


def leave(conn: Conn, call: Call, run: Run, command: Any) -> Mapping[str, Any]:
    put(conn, call, command.parcels)
    return {}


def revive(conn: Conn, call: Call, run: Run, command: Any) -> Mapping[str, Any]:
    outbox.put(conn, call.schema, [Parcel(id=command.id, kind="call")], call.now)
    return {}


def tell_people(conn: Conn, call: Call, run: Run, command: Any) -> Mapping[str, Any]:
    deliver(
        conn, call, command.people, text=command.text, body=command.body, about=command.about, channels=command.channels,
        groups=command.groups, run=run.id, reason=reason_of(run.rule),
    )  # fmt: skip
    return {}


def deliver(
    conn: Conn, call: Call, people: Sequence[str], *, text: Text, body: Text | None, about: tuple[str, str] | None,
    channels: Sequence[str], groups: frozenset[str], run: str | None, html: str | None = None,
    reason: str = "automation", link: str | None = None,
) -> None:  # fmt: skip
    """What an automation or an approval says, on the channels it names; without any as each person chose."""
    own = [c for c in channels if c in OWN]
    if own or not channels:
        tell(
            conn,
            call,
            people,
            reason,
            text=text,
            body=body,
            about=about,
            channels=own or None,
            html=html,
            link=link,
        )
    if "sms" in channels:
        put(conn, call, _short_messages(conn, call, people, text, run))
    if "chat" in channels:
        put(conn, call, _chat_messages(conn, call, groups, text, body, about, run, link))


def put(conn: Conn, call: Call, parcels: Sequence[Parcel]) -> None:
    """LimitExceeded where too much waits already."""
    if parcels and outbox.waiting(conn, call.schema) > outbox.BACKLOG:
        raise LimitExceeded(
            Phrase("more than {most} messages wait to leave", most=outbox.BACKLOG), code="limit_outbox",
            hint="see in the outbox what holds them up",
        )  # fmt: skip
    outbox.put(conn, call.schema, parcels, call.now)


def _short_messages(
    conn: Conn, call: Call, people: Sequence[str], text: Text, run: str | None
) -> list[Parcel]:
    provider = connections.first(conn, call.schema, "sms")
    if provider is None:
        said = Problem(
            code="no_sms_provider", message="there is no provider of text messages",
            hint="an administrator adds one under Connections",
        )  # fmt: skip
        raise Refused([said])
    known = [n for n in ("mobile", "phone") if n in call.model.objects["user"].fields]
    rows = fetch_values(conn, call, "user", list(people), known)
    made = []
    for person in people:
        number = next((v for n in known if (v := rows.get(person, {}).get(n))), None)
        if number is not None:
            payload = {"to": str(number), "text": text}
            made.append(
                Parcel(
                    id=call.new_id(), kind="sms", target=provider.label, payload=payload, via=provider.name,
                    person=person, run=run,
                )
            )  # fmt: skip
    return made


def _chat_messages(
    conn: Conn, call: Call, groups: frozenset[str], text: Text, body: Text | None, about: tuple[str, str] | None,
    run: str | None, link: str | None,
) -> list[Parcel]:  # fmt: skip
    robots = connections.robots_for(conn, call.schema, groups)
    if not robots:
        said = Problem(
            code="no_chat_robot", message="there is no robot of a chat group for these people",
            hint="an administrator adds one under Connections",
        )  # fmt: skip
        raise Refused([said])
    object, record = about or (None, None)
    payload = {"text": text, "body": body, "object": object, "record": record, "link": link}
    return [
        Parcel(id=call.new_id(), kind="chat", target=r.label, payload=payload, via=r.name, run=run)
        for r in robots
    ]
