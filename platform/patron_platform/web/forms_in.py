"""Forms as they arrive: the fields of a page's form, within limits, before anybody looks at them.

In: a request with a body of a form. Out: names with texts, in their order. BodyTooLarge and LimitExceeded past a limit,
UnsupportedMedia for another kind of body. Files are sent to the API in pieces and arrive here as their ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends
from starlette.requests import Request

from patron_engine.errors import LimitExceeded
from patron_engine.phrases import Phrase
from patron_platform.api.body import BadBody, UnsupportedMedia
from patron_platform.api.requests import Body

MAX_FORM_FIELDS = 20_000  # form_fields

Pairs = tuple[tuple[str, str], ...]


def read_form(request: Request, data: Body) -> Pairs:
    """The pairs of an urlencoded body. Refused as a whole when it is not well formed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not data:
        return ()
    if kind != "application/x-www-form-urlencoded":
        raise UnsupportedMedia("a form is sent as application/x-www-form-urlencoded")
    if data.count(b"&") >= MAX_FORM_FIELDS:
        raise LimitExceeded(
            Phrase("a form has at most {most} fields", most=MAX_FORM_FIELDS), code="form_fields"
        )
    try:
        text = data.decode("ascii")
        found = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict")
    except ValueError:
        raise BadBody("the form is not valid UTF-8", code="form_encoding") from None
    if any("\x00" in name or "\x00" in value for name, value in found):
        raise BadBody("the form has the character NUL", code="bad_character")
    return tuple(found)


FormData = Annotated[Pairs, Depends(read_form)]


def texts(form: Pairs) -> Mapping[str, str]:
    """Name -> its last text."""
    return dict(form)


def several(form: Pairs, name: str) -> tuple[str, ...]:
    """Every text of one name."""
    return tuple(value for key, value in form if key == name)
