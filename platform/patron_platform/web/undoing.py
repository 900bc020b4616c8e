"""Undoing: what takes a change back, sealed, so that a page can carry it and nobody can make one up.

In: a session, and what a record was before. Out: a token that is good for that session for ten minutes, and back.
The change is taken back through the way save with the version it led to: what somebody changed since stays.
"""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from patron_engine.jsonio import dumps, loads
from patron_platform.web.visitor import Visitor

LASTS = 600  # seconds a change can be taken back from a page
LONGEST = 4_000  # characters of a token: a longer one would not fit into an address
_SEAL = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """`version` is the one the change led to, `before` the values it replaced, `said` what the page told."""

    object: str
    id: str
    version: int
    before: Mapping[str, Any]
    said: str


def seal(visitor: Visitor, undo: Undo) -> str | None:
    """The token; None where the values are too long to be carried."""
    body = dumps([undo.object, undo.id, undo.version, dict(undo.before), undo.said, int(time.time())])
    token = urlsafe_b64encode(_signature(visitor, body) + body).rstrip(b"=").decode()
    return token if len(token) <= LONGEST else None


def unseal(visitor: Visitor, token: str) -> Undo | None:
    """What a token says; None where it is none of this session, or too old."""
    if not token or len(token) > LONGEST:
        return None
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        return None
    body = raw[_SEAL:]
    if not body or not hmac.compare_digest(raw[:_SEAL], _signature(visitor, body)):
        return None
    object, id, version, before, said, at = loads(body)
    if time.time() - int(at) > LASTS:
        return None
    return Undo(object=object, id=id, version=int(version), before=before, said=said)


def _signature(visitor: Visitor, body: bytes) -> bytes:
    key = f"undo:{visitor.name}:{visitor.session.id}:".encode()
    return hmac.new(visitor.service.runtime.secret, key + body, sha256).digest()[:_SEAL]
