"""Requests: what every endpoint takes out of one: its body, its parameters, the version the caller has seen.

In: a Starlette request. Out: plain values. Refused with all problems for what does not belong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.jsonio import whole
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_platform.api.body import MAX_BODY_BYTES, BadBody, BodyTooLarge, read_json

JSON = "application/json"


async def read_body(request: Request) -> bytes:
    """The body's bytes, counted while they arrive. BodyTooLarge past MAX_BODY_BYTES."""
    declared = request.headers.get("content-length", "0")
    length = whole(declared)
    if length is None or length < 0:
        raise BadBody("Content-Length is not a number", code="content_length")
    if length > MAX_BODY_BYTES:
        raise BodyTooLarge(Phrase("a body has at most {most} bytes", most=MAX_BODY_BYTES))
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(Phrase("a body has at most {most} bytes", most=MAX_BODY_BYTES))
        chunks.append(chunk)
    return b"".join(chunks)


Body = Annotated[bytes, Depends(read_body)]


def json_object(request: Request, data: bytes) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object."""
    if not data:
        return {}
    value = read_json(request.headers.get("content-type", ""), data)
    if not isinstance(value, dict):
        raise BadBody("the body must be a JSON object", hint='for example {"name": "Acme"}')
    return value


def only(values: Mapping[str, Any], known: Collection[str], what: str = "key") -> None:
    """Refuses keys that nothing here knows, with the nearest right name."""
    problems = [
        Problem(
            code="unknown_key",
            message=Phrase("there is no {what} {name!r} here", what=what, name=name[:60]),
            path=name[:60],
            hint=nearest(name, known)
            or (Phrase("known are {known}", known=list(known)) if 0 < len(known) <= 12 else None),
        )
        for name in values
        if name not in known
    ]
    if problems:
        raise Refused(problems)


def parameters(request: Request) -> dict[str, str]:
    """The query parameters; one that stands twice is refused."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise Refused(
                [
                    Problem(
                        code="duplicate_parameter",
                        message=Phrase("{name!r} stands twice", name=name[:60]),
                        path=name[:60],
                    )
                ]
            )
        if "\x00" in value:
            raise Refused(
                [Problem(code="bad_character", message="a parameter has the character NUL", path=name[:60])]
            )
        found[name] = value
    return found


def names(text: str | None) -> tuple[str, ...]:
    """A list of names, joined by commas."""
    return tuple(part for part in (text or "").split(",") if part)


def seen_version(request: Request) -> int | None:
    """The version of `If-Match: "7"`; None without the header or for `*`."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    version = whole(header.strip().removeprefix("W/").strip('"'))
    if version is None or version < 0:
        raise Refused(
            [Problem(code="if_match", message='If-Match holds one ETag, for example "7"', path="If-Match")]
        )
    return version


def etag(version: int | None) -> dict[str, str]:
    return {} if version is None else {"ETag": f'"{version}"'}


def json_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers, JSON)
