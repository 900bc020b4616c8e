"""The only map from errors to HTTP: RFC 9457 problem details, one shape for every refusal.

In: an exception. Out: status, `application/problem+json` with `type title status code detail hint problems`, headers.
What was sent is never echoed; an error nobody foresaw is logged with an id, and the answer holds the id alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import psycopg
import psycopg_pool
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from patron_engine import errors as engine
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_platform.api.body import BadBody, BodyTooLarge, UnsupportedMedia
from patron_platform.languages import asked
from patron_platform.phrases import Languages, at_field, written

log = logging.getLogger("patron.api")

STATUS: tuple[tuple[type[engine.PatronError], int], ...] = (
    (BadBody, 400),
    (UnsupportedMedia, 415),
    (BodyTooLarge, 413),
    (engine.NotFound, 404),
    (engine.Forbidden, 403),
    (engine.NeedsConfirmation, 409),
    (engine.Refused, 422),
    (engine.MustChoose, 422),
    (engine.StaleVersion, 412),
    (engine.Conflict, 409),
    (engine.LimitExceeded, 422),
    (engine.Unavailable, 503),
    (engine.WrongUse, 400),
)
BY_CODE: Mapping[str, int] = {
    "unauthenticated": 401,
    "not_signed_in": 401,  # by a script of a page: a form that waits is sent when somebody is again
    "too_many_requests": 429,
    "cursor_outdated": 410,
    "locked": 409,
    "if_match_required": 428,
    "internal_error": 500,
    "method_not_allowed": 405,
    "idempotency_key_reused": 422,
    "body_depth": 400,
    "body_values": 400,
}
TITLES: Mapping[int, str] = {
    400: "Bad request",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    422: "Invalid",
    428: "Precondition required",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available at the moment",
}


# What a parameter of an address should be, by the kind of failure the framework tells.
_PARAMETERS: Mapping[str, Phrase] = {
    "int_parsing": Phrase("this is a whole number"),
    "uuid_parsing": Phrase("this is not the id of a record"),
    "missing": Phrase("this is missing"),
}


class Unauthenticated(engine.PatronError):
    code = "unauthenticated"


class TooManyRequests(engine.PatronError):
    code = "too_many_requests"


def status_of(error: engine.PatronError) -> int:
    """The HTTP status of an error: by its code where it has one of its own, else by its class."""
    if error.code in BY_CODE:
        return BY_CODE[error.code]
    problems = getattr(error, "problems", ())
    if problems and all(p.code == "locked" for p in problems):  # an approval runs there, or has ended so
        return 409
    return next((status for kind, status in STATUS if isinstance(error, kind)), 400)


def problem(
    status: int,
    code: str,
    detail: str,
    languages: Languages,
    *,
    hint: str | None = None,
    problems: Sequence[Problem] = (),
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document (RFC 9457), in the first of `languages`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": written(TITLES.get(status, "Error"), languages),
        "status": status,
        "code": code,
        "detail": written(detail, languages),
    }
    if hint:
        body["hint"] = written(hint, languages)
    if problems:
        body["problems"] = [at_field(p, languages) for p in problems]
    body.update(extra or {})
    return Response(dumps(body), status, headers, "application/problem+json")


def answer(error: engine.PatronError, languages: Languages) -> Response:
    """The response for an error raised on purpose."""
    status = status_of(error)
    headers: dict[str, str] = {}
    extra: dict[str, Any] = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        headers["Retry-After"] = "60" if isinstance(error, TooManyRequests) else "5"
    if isinstance(error, engine.Conflict) and error.values:
        extra["values"] = error.values
    if isinstance(error, engine.NeedsConfirmation):
        extra["confirm"] = sorted({p.rule for p in error.problems if p.rule and p.level == "warning"})
    if isinstance(error, engine.MustChoose):
        extra["choose"] = error.choose
    found: Sequence[Problem] = getattr(error, "problems", ())
    return problem(
        status,
        error.code,
        error.detail,
        languages,
        hint=error.hint,
        problems=found,
        extra=extra,
        headers=headers,
    )


PageOf = Callable[[Request, engine.PatronError, str | None], Response | None]


def _no_page(_: Request, __: engine.PatronError, ___: str | None = None) -> Response | None:
    return None


def install(app: FastAPI, page: PageOf = _no_page) -> None:
    """Registers the handlers. Nothing else in the platform chooses a status for an error. `page` makes the answer where
    a person asked for a page; None where a program asked."""

    def told(request: Request, error: engine.PatronError) -> Response:
        return page(request, error, None) or answer(error, asked(request))

    @app.exception_handler(engine.PatronError)
    def on_patron_error(request: Request, error: engine.PatronError) -> Response:
        return told(request, error)

    @app.exception_handler(RequestValidationError)
    def on_validation(request: Request, error: RequestValidationError) -> Response:
        problems = [
            Problem(
                code="invalid_parameter",
                message=_PARAMETERS.get(str(item.get("type")), Phrase("this is not valid here")),
                path=".".join(str(part) for part in item.get("loc", ())[1:]) or None,
            )
            for item in error.errors()
        ]
        refused = engine.Refused(problems, "the request is not valid")
        return page(request, refused, None) or answer(refused, asked(request))

    @app.exception_handler(HTTPException)
    def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return told(request, engine.NotFound("there is nothing at this address"))
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
        detail = {
            404: "there is nothing at this address",
            405: Phrase("this address does not take that method"),
        }.get(error.status_code, str(error.detail))
        drawn = page(request, engine.PatronError(detail, code=code), None) if code in BY_CODE else None
        return drawn or problem(
            error.status_code, code, detail, asked(request), headers=dict(error.headers or {})
        )

    @app.exception_handler(psycopg.errors.QueryCanceled)
    def on_timeout(request: Request, error: Exception) -> Response:
        late = engine.Unavailable(
            "the answer took too long", code="statement_timeout", hint="narrow the filter"
        )
        return told(request, late)

    @app.exception_handler(psycopg.OperationalError)
    def on_database_gone(request: Request, error: Exception) -> Response:
        log.warning("database_unavailable", extra={"error": type(error).__name__})
        return told(
            request,
            engine.Unavailable(
                "the database does not answer at the moment", hint="try again in a few seconds"
            ),
        )

    @app.exception_handler(psycopg_pool.PoolTimeout)
    def on_pool_timeout(request: Request, error: Exception) -> Response:
        return told(
            request, engine.Unavailable("too many requests are waiting for the database", hint="try again")
        )

    @app.exception_handler(Exception)
    def on_anything(request: Request, error: Exception) -> Response:
        number = uuid4().hex
        log.error("unexpected", extra={"id": number, "path": request.url.path}, exc_info=error)
        unforeseen = engine.PatronError("something went wrong; it has been logged", code="internal_error")
        return page(request, unforeseen, number) or problem(
            500, unforeseen.code, unforeseen.detail, asked(request), extra={"id": number}
        )


__all__ = ["TooManyRequests", "Unauthenticated", "answer", "install", "problem", "status_of"]
