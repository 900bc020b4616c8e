"""Bodies are read strictly, before anything looks at them.

In: a content type and bytes. Out: plain JSON values, numbers with a fraction as Decimal. Refused, with the place named:
other encodings than UTF-8, duplicate keys, NaN and Infinity, numbers no field can hold, control characters, lone
surrogates, deep nesting, too many values, too many bytes. Never echoes what was sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from patron_engine.errors import LimitExceeded, PatronError
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 40
MAX_VALUES = 200_000

_OPENERS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
# NUL and the other control characters never belong into a text, but tab, line feed and carriage return do.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class BadBody(PatronError):
    """The body is not the JSON it should be. `problems` has one entry with the place."""

    code = "bad_body"

    def __init__(
        self, detail: str, *, path: str | None = None, code: str = "bad_body", hint: str | None = None
    ) -> None:
        super().__init__(detail, code=code, hint=hint)
        self.problems = (Problem(code=code, message=detail, hint=hint, path=path),)


class UnsupportedMedia(PatronError):
    code = "unsupported_media_type"


class BodyTooLarge(LimitExceeded):
    code = "body_bytes"


def read_json(content_type: str, data: bytes) -> Any:
    """The value of a JSON body.

    Raises UnsupportedMedia for another type or charset, BadBody for JSON that is not strict, LimitExceeded
    `body_bytes`, `body_depth` or `body_values` past a limit.
    """
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() != "application/json":
        raise UnsupportedMedia(
            "the body must be application/json", hint="send Content-Type: application/json"
        )
    charset = parameters.lower().partition("charset=")[2].split(";")[0].strip(' "')
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMedia("the body must be UTF-8", hint="leave the charset out or say utf-8")
    if len(data) > MAX_BODY_BYTES:
        raise BodyTooLarge(
            Phrase("a body has at most {most} bytes", most=MAX_BODY_BYTES),
            hint="send several smaller requests, or a file",
        )
    return parse_json(data)


def parse_json(data: bytes) -> Any:
    """JSON, read strictly. See read_json."""
    _check_depth(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBody(
            Phrase("the body is not UTF-8: byte {start} cannot be read", start=error.start), code="not_utf8"
        ) from None
    text = text.removeprefix("\ufeff")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        place = Phrase("line {line}, column {column}", line=error.lineno, column=error.colno)
        raise BadBody(
            Phrase("the body is not JSON: {msg} at {place}", msg=error.msg, place=place), code="not_json"
        ) from None
    _check_values(value)
    return value


def _check_depth(data: bytes) -> None:
    """Before parsing, without recursion: a parser would fail on 100,000 brackets in ways of its own."""
    depth = 0
    for found in _OPENERS.finditer(data):
        first = found.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise LimitExceeded(
                    Phrase(
                        "a body is nested at most {most} deep (at byte {start})",
                        most=MAX_DEPTH,
                        start=found.start(),
                    ),
                    code="body_depth",
                )
        elif first in b"]}":
            depth -= 1


@dataclass(frozen=True, slots=True)
class _Fault:
    """Stands where the parser met something it must not take; _check_values, which knows the place, refuses it."""

    code: str
    message: str
    hint: str | None = None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                made[key] = _Fault("duplicate_key", "this key stands twice")
            seen.add(key)
    return made


def _decimal(text: str) -> Any:
    if len(text) > MAX_DIGITS:
        return _Fault("number_digits", Phrase("a number has at most {most} digits", most=MAX_DIGITS))
    _, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > MAX_DIGITS:
        return _Fault("number_range", "this number is out of every range")
    return Decimal(text)


def _integer(text: str) -> Any:
    if len(text) > MAX_DIGITS:
        return _Fault("number_digits", Phrase("a number has at most {most} digits", most=MAX_DIGITS))
    return int(text)


def _constant(text: str) -> Any:
    return _Fault("number_range", Phrase("{text} is not a JSON number", text=text), "send null for empty")


def _check_values(value: Any) -> None:
    """Texts without control characters and lone surrogates, no faults of the parser, at most MAX_VALUES parts."""
    count = 0
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, part = stack.pop()
        count += 1
        if count > MAX_VALUES:
            raise LimitExceeded(
                Phrase("a body has at most {most} values", most=MAX_VALUES), code="body_values"
            )
        if isinstance(part, _Fault):
            raise BadBody(part.message, path=path or None, code=part.code, hint=part.hint)
        if isinstance(part, str):
            if _FORBIDDEN.search(part):
                raise BadBody(
                    "a text has a control character or half a character", path=path, code="bad_character"
                )
        elif isinstance(part, dict):
            for key, inner in part.items():
                if _FORBIDDEN.search(key):
                    raise BadBody(
                        "a key has a control character or half a character", path=path, code="bad_character"
                    )
                stack.append((f"{path}.{_shown(key)}" if path else _shown(key), inner))
        elif isinstance(part, list):
            stack.extend((f"{path}[{index}]", inner) for index, inner in enumerate(part))


def _shown(key: str) -> str:
    """A key as it may stand in an answer: short and printable."""
    return "".join(c for c in key[:40] if c.isprintable())
