"""Idempotency keys: a repeated request has one effect, and the first answer.

In: a write and the request's `Idempotency-Key`. Out: the answer of the write, or of the first time. The key, a hash of
the body and the answer are rows of the workspace, written in the transaction of the effect: a kill between effect and
answer loses neither. What was refused is not kept: the caller may mend it and try again with the same key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
import psycopg
from psycopg import sql
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, PatronError
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_platform.api.door import Caller

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers. `body` is JSON bytes."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        return Response(self.body, self.status, self.headers, "application/json" if self.body else None)


Write = Callable[[psycopg.Connection[Any], Call], Answer]


def write(request: Request, caller: Caller, data: bytes, act: Write) -> Response:
    """Runs `act` in a write transaction of the caller's workspace, at most once for a key of the last 24 hours.

    Conflict `idempotency_running` (409) while the same request is under way, PatronError `idempotency_key_reused` (422)
    when the key came with another body.
    """
    return write_once(request, caller, sha256(data).hexdigest(), act).response()


def key_of(request: Request) -> str | None:
    """The request's key; PatronError `idempotency_key` for one that is none."""
    key = request.headers.get("idempotency-key")
    if key is not None and (not 0 < len(key) <= MAX_KEY or not key.isprintable()):
        raise PatronError(
            Phrase("an Idempotency-Key has 1 to {most} printable characters", most=MAX_KEY),
            code="idempotency_key",
        )
    return key


def write_once(request: Request, caller: Caller, digest: str, act: Write) -> Answer:
    """The same for a body that is known by its digest alone."""
    key = key_of(request)
    if key is None:
        return caller.workspace.writing(caller.actor, act, caller.cause)
    name = f"{caller.principal}\n{request.method}\n{request.url.path}?{request.url.query}\n{key}"
    return write_named(caller, name, digest, act)


def write_named(caller: Caller, name: str, digest: str, act: Write) -> Answer:
    """The same under a name that says who sent what where."""

    def once(conn: psycopg.Connection[Any], call: Call) -> Answer:
        _lock(conn, call.schema, name)
        kept = _kept(conn, call.schema, name, digest)
        if kept is not None:
            return kept
        made = act(conn, call)
        conn.execute(
            sql.SQL(
                "INSERT INTO {}.sys__idempotency (name, body_hash, status, headers, body) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (name) DO UPDATE SET body_hash = EXCLUDED.body_hash, status = EXCLUDED.status,"
                " headers = EXCLUDED.headers, body = EXCLUDED.body, at = now()"
            ).format(sql.Identifier(call.schema)),
            (name, digest, made.status, orjson.dumps(made.headers).decode(), made.body),
        )
        return made

    return caller.workspace.writing(caller.actor, once, caller.cause)


def _lock(conn: psycopg.Connection[Any], schema: str, name: str) -> None:
    row = conn.execute(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 11))", (f"{schema}\n{name}",)
    ).fetchone()
    if row is None or not row[0]:
        raise Conflict(
            "a request with this Idempotency-Key is under way", code="idempotency_running", hint="try again"
        )


def _kept(conn: psycopg.Connection[Any], schema: str, name: str, digest: str) -> Answer | None:
    query = sql.SQL(
        "SELECT body_hash, status, headers::text, body FROM {}.sys__idempotency"
        " WHERE name = %s AND at > now() - interval '24 hours'"
    ).format(sql.Identifier(schema))
    row = conn.execute(query, (name,)).fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise PatronError(
            "this Idempotency-Key came with another body before",
            code="idempotency_key_reused",
            hint="use a new key",
        )
    return Answer(bytes(row[3]), row[1], {**orjson.loads(row[2]), "Idempotent-Replayed": "true"})
