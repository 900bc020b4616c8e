"""Webhooks: what another system is told of a save, signed as the Standard Webhooks describe.

    webhook-id: <id, the same however often it is sent>    webhook-timestamp: <seconds>
    webhook-signature: v1,<base64 of HMAC-SHA256 over id.timestamp.body>, one for each secret while they change

In: a parcel of the outbox. Out: a request. The record in it is as it is now, with the rights of who made the webhook.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from hashlib import sha256
from typing import Any

from patron_engine import jsonio
from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound, PatronError
from patron_engine.record import hooks
from patron_engine.record.outbox import Held
from patron_engine.runtime import Workspace
from patron_engine.ways.read import read_one
from patron_platform.colleagues import colleague
from patron_platform.outward.client import Request
from patron_platform.service import Service


def webhook_request(service: Service, place: Workspace, held: Held, now: datetime) -> Request:
    """NotFound where the webhook is gone or switched off."""
    with place.connection("read") as conn:
        hook = hooks.webhook(conn, place.schema, held.via or "")
        secrets = hooks.secrets_of(conn, place.schema, place.vault, hook.id)
    if not hook.active:
        raise NotFound("this webhook is switched off", code="webhook_off")
    told = held.payload
    data = {
        "object": told["object"], "id": told["record"], "by": told["by"], "fields": told["fields"],
        "record": _record(service, place, hook, told),
    }  # fmt: skip
    body = jsonio.dumps({"type": told["event"], "timestamp": told["at"], "data": data})
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json", "webhook-id": held.id, "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signature(secret, held.id, stamp, body) for secret in secrets),
    }  # fmt: skip
    return Request(method="POST", url=hook.url, headers=headers, body=body)


def signature(secret: str, id: str, stamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{id}.{stamp}.".encode() + body, sha256)).decode()


def _record(service: Service, place: Workspace, hook: hooks.Webhook, told: Any) -> Any:
    """The record as the API answers it; None when it is gone, or not his to read."""
    try:
        with place.connection("read") as conn:
            person = colleague(conn, place.call(conn, SYSTEM), hook.person or "")
            if not person.on:
                return None
            call = place.call(conn, person.actor)
            return jsonio.loads(read_one(conn, call, told["object"], told["record"]).json)
    except PatronError:
        return None
