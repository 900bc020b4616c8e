"""Hooks: other systems that want to know of saves: webhooks as rows, and what a save leaves in the outbox for them.

In: written rows of a save; or a connection, a schema, the vault. Out: `Webhook`s, and one parcel for each that listens to a
row. What the save knows of webhooks may be `FRESH` old: a new one is heard of that much later in other processes. What a body
says is read when it is sent, with the rights of who made the webhook.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.errors import LimitExceeded, NotFound
from patron_engine.fields.vault import Vault
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.outbox import Parcel, put
from patron_engine.record.row import Row

Connection = psycopg.Connection[Any]
EVENTS: Final[Mapping[str, str]] = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "restore": "restored",
}
MOST: Final = 20  # limit_webhooks: webhooks of one workspace
FRESH: Final = 2.0  # seconds
GIVES_UP: Final = timedelta(hours=24)  # a webhook that failed all that time is switched off
_known: dict[str, tuple[float, tuple[tuple[str, str, frozenset[str]], ...]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    id: str
    label: str
    url: str
    events: tuple[str, ...]
    active: bool
    failing_since: datetime | None
    error: str | None
    person: str | None
    made_at: datetime

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


# -- in the save --------------------------------------------------------------------------------------------------


def write_hooks(batch: Batch, rows: Sequence[Row]) -> None:
    """A parcel for each webhook that listens to what was done with a row."""
    if batch.keeps_history or batch.erases:
        return
    hooks = _listening(batch)
    if not hooks:
        return
    parcels = []
    for row in rows:
        event = EVENTS.get(row.action)
        if event is None or not (row.own and row.written):
            continue
        names = {f"{row.object}.{event}", f"*.{event}", f"{row.object}.*"}
        for id, host, wanted in hooks:
            if wanted & names:
                payload = {
                    "event": f"{row.object}.{event}", "object": row.object, "record": row.id,
                    "at": batch.call.now.isoformat(), "by": batch.causer_of(row), "fields": sorted(row.changed),
                }  # fmt: skip
                parcels.append(
                    Parcel(id=batch.call.new_id(), kind="webhook", target=host, via=id, payload=payload)
                )
    put(batch.conn, batch.call.schema, parcels, batch.call.now)


def _listening(batch: Batch) -> tuple[tuple[str, str, frozenset[str]], ...]:
    """(id, label, events) of the webhooks in use."""
    schema = batch.call.schema
    known = _known.get(schema)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    found = tuple(
        (h.id, h.label, frozenset(h.events)) for h in webhooks(batch.pending.ahead, schema) if h.active
    )
    _known[schema] = (time.monotonic() + FRESH, found)
    return found


# -- as administrators keep them ----------------------------------------------------------------------------------

_COLUMNS: Final = sql.SQL("id::text, label, url, events, active, failing_since, error, person::text, made_at")


def webhooks(conn: Connection, schema: str) -> list[Webhook]:
    rows = conn.execute(
        sql.SQL("SELECT {} FROM {} ORDER BY made_at, id").format(_COLUMNS, _table(schema))
    ).fetchall()
    return [Webhook(**{**dict(zip(Webhook.__slots__, r, strict=True)), "events": tuple(r[3])}) for r in rows]


def webhook(conn: Connection, schema: str, id: str) -> Webhook:
    for found in webhooks(conn, schema):
        if found.id == id:
            return found
    raise NotFound("there is no such webhook", code="webhook_not_found")


def secrets_of(conn: Connection, schema: str, vault: Vault, id: str) -> list[str]:
    """The secret, and the one before it while it is changed."""
    row = conn.execute(
        sql.SQL("SELECT secret, former FROM {} WHERE id = %s").format(_table(schema)), (id,)
    ).fetchone()
    return [] if row is None else [vault.open(_place(id), sealed) for sealed in row if sealed is not None]


def subscribe(
    conn: Connection, schema: str, vault: Vault, id: str, *, label: str, url: str, events: Sequence[str],
    person: str | None, now: datetime,
) -> str:  # fmt: skip
    """A new one; its secret, which is shown once. LimitExceeded for one too many."""
    if len(webhooks(conn, schema)) >= MOST:
        raise LimitExceeded(
            Phrase("a workspace has at most {most} webhooks", most=MOST), code="limit_webhooks",
            hint="remove one that is not used any more",
        )  # fmt: skip
    secret = _secret()
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (id, label, url, events, secret, person, made_at) VALUES (%s, %s, %s, %s, %s, %s, %s)"
        ).format(_table(schema)),
        (
            id, label, url, Jsonb(list(events), dumps=jsonio.dumps), vault.seal(_place(id), secret), person, now,
        ),
    )  # fmt: skip
    forget(schema)
    return secret


def renew(conn: Connection, schema: str, vault: Vault, id: str) -> str:
    """Another secret. The one there was signs too, until `settle`."""
    webhook(conn, schema, id)
    secret = _secret()
    conn.execute(
        sql.SQL("UPDATE {} SET former = secret, secret = %s WHERE id = %s").format(_table(schema)),
        (vault.seal(_place(id), secret), id),
    )
    return secret


def settle(conn: Connection, schema: str, id: str) -> None:
    """The former secret does not sign any more."""
    conn.execute(sql.SQL("UPDATE {} SET former = NULL WHERE id = %s").format(_table(schema)), (id,))


def switch(conn: Connection, schema: str, id: str, on: bool) -> None:
    webhook(conn, schema, id)
    conn.execute(
        sql.SQL("UPDATE {} SET active = %s, failing_since = NULL, error = NULL WHERE id = %s").format(
            _table(schema)
        ),
        (on, id),
    )
    forget(schema)


def unsubscribe(conn: Connection, schema: str, id: str) -> None:
    webhook(conn, schema, id)
    conn.execute(sql.SQL("DELETE FROM {} WHERE id = %s").format(_table(schema)), (id,))
    forget(schema)


def delivered(conn: Connection, schema: str, id: str, why: str | None, now: datetime) -> bool:
    """Notes whether it took what was sent; true when it failed for so long that it is switched off now."""
    if why is None:
        conn.execute(
            sql.SQL(
                "UPDATE {} SET failing_since = NULL, error = NULL WHERE id = %s AND failing_since IS NOT NULL"
            ).format(_table(schema)),
            (id,),
        )
        return False
    off = conn.execute(
        sql.SQL(
            "UPDATE {} SET failing_since = coalesce(failing_since, %(now)s), error = %(why)s,"
            " active = active AND coalesce(failing_since, %(now)s) > %(before)s WHERE id = %(id)s AND active"
            " RETURNING active"
        ).format(_table(schema)),
        {"id": id, "now": now, "why": why[:500], "before": now - GIVES_UP},
    ).fetchone()
    if off is None or off[0]:
        return False
    forget(schema)
    return True


def forget(schema: str) -> None:
    """What this process knows of a workspace's webhooks is looked at anew."""
    _known.pop(schema, None)


def _secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(24)).decode()


def _place(id: str) -> str:
    return f"webhook.{id}"


def _table(schema: str) -> sql.Identifier:
    return sql.Identifier(schema, "sys__webhook")
