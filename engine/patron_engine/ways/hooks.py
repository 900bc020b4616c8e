"""Hooks: other systems call the address of an automation: the events `webhook` and `email`.

In: the name of an automation, what was sent: a body, or a letter that arrived. Out: the run that begins. Address and secret are made of the platform's secret and a salt
that is kept: they can be shown again, and are others once the salt is.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from psycopg import sql

from patron_engine.errors import LimitExceeded, NotFound
from patron_engine.flow import store
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.automations import automations, events_of
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.flow import start
from patron_engine.ways.steps import flow_named

EVENTS: Final = ("webhook", "email")
MOST: Final = 600  # limit_hook_rate: calls of one address in a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """`token` is the last part of the address; `secret` signs bodies; `signed`: only signed ones are taken."""

    rule: str
    token: str
    secret: str
    signed: bool
    at: datetime | None


def rules_of(model: Model) -> list[str]:
    """The automations that listen to an address of their own."""
    return [name for name, body in automations(model) if any(e["event"] in EVENTS for e in events_of(body))]


def listens(model: Model, rule: str, event: str, to: Collection[str] = ()) -> bool:
    """Whether an automation listens to `webhook`, or to letters `to` one of these addresses."""
    return any(e["event"] == event and (event != "email" or _is_for(e, to)) for e in _events(model, rule))


def files_taken(model: Model, rule: str, to: Collection[str]) -> Mapping[str, Any]:
    """What an automation takes of what is enclosed in letters `to` one of these addresses: `accept`, `max_size`."""
    found = (e.get("files") for e in _events(model, rule) if e["event"] == "email" and _is_for(e, to))
    return next(found, None) or {}


def _events(model: Model, rule: str) -> tuple[Mapping[str, Any], ...]:
    return events_of(model.documents.get(("automation", rule)) or {})


def _is_for(event: Mapping[str, Any], to: Collection[str]) -> bool:
    return not event.get("address") or str(event["address"]).casefold() in to


def hook_of(conn: Conn, call: Call, key: bytes, rule: str) -> Hook:
    """The address of an automation. NotFound for one without."""
    if rule not in rules_of(call.model):
        raise NotFound(Phrase("this automation is not started by an address"), code="hook_not_found")
    row = conn.execute(
        sql.SQL("SELECT salt, signed, at FROM {} WHERE rule = %s").format(
            sql.Identifier(call.schema, "sys__hook")
        ),
        (rule,),
    ).fetchone()
    salt, signed, at = row if row is not None else ("", False, None)
    token = _made(key, call, f"address:{rule}:{salt}")
    return Hook(
        rule=rule, token=f"{call.workspace}.{rule}.{token[:32]}", secret=_made(key, call, f"secret:{rule}:{salt}"), signed=signed, at=at
    )  # fmt: skip


def _made(key: bytes, call: Call, text: str) -> str:
    return hmac.digest(key, f"hook:{call.schema}:{text}".encode(), sha256).hex()


def rotate(conn: Conn, call: Call, key: bytes, rule: str) -> Hook:
    """Another address and another secret; the former ones are refused from now on."""
    before = hook_of(conn, call, key, rule)
    _keep(conn, call, rule, secrets.token_hex(16), before.signed)
    return hook_of(conn, call, key, rule)


def demand(conn: Conn, call: Call, key: bytes, rule: str, signed: bool) -> Hook:
    """Whether only signed calls are taken."""
    hook_of(conn, call, key, rule)
    _keep(conn, call, rule, None, signed)
    return hook_of(conn, call, key, rule)


def _keep(conn: Conn, call: Call, rule: str, salt: str | None, signed: bool) -> None:
    conn.execute(
        sql.SQL(
            "INSERT INTO {} AS h (rule, salt, signed, at) VALUES (%s, coalesce(%s, ''), %s, %s) ON CONFLICT (rule)"
            " DO UPDATE SET salt = coalesce(%s, h.salt), signed = EXCLUDED.signed, at = EXCLUDED.at"
        ).format(sql.Identifier(call.schema, "sys__hook")),
        (rule, salt, signed, call.now, salt),
    )


def received(
    conn: Conn, call: Call, rule: str, offered: Mapping[str, Any], name: str = "webhook"
) -> Run | None:
    """A call that was let in: the run that begins, or None where the condition does not hold. LimitExceeded."""
    program = flow_named(call, rule)
    if program is None:
        raise NotFound(Phrase("this automation is not started by an address"), code="hook_not_found")
    if store.begun_since(conn, call.schema, rule, call.now - timedelta(minutes=1)) >= MOST:
        raise LimitExceeded(
            Phrase("an address is called at most {most} times a minute", most=MOST), code="limit_hook_rate"
        )  # fmt: skip
    event = {"name": name, "at": call.now.isoformat(), "by": None, **offered}
    run = Run(
        id=call.new_id(), rule=program.name, version=program.version, release=call.model.release, object=program.object,
        record=None, causer=None, event=event,
    )  # fmt: skip
    if not Reading(conn, call).holds(program.when, [Subject(run=run)])[0]:
        return None
    begun = start(conn, call, [run])
    return begun[0] if begun else None
