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
CHOSEN = "_chosen."  # inputs: who decides at a step of the approval that it begins

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
    request.state.form = tuple(found)
    return tuple(found)


def form_of(request: Request) -> Pairs:
    """The form that a request brought, for who has the request alone."""
    found: Pairs = getattr(request.state, "form", ())
    return found


def chosen_in(form: Pairs) -> dict[str, list[str]]:
    """Step -> whom the form names for it, of inputs `_chosen.STEP`."""
    found: dict[str, list[str]] = {}
    for name, value in form:
        if name.startswith(CHOSEN) and value:
            found.setdefault(name.removeprefix(CHOSEN), []).append(value)
    return found


FormData = Annotated[Pairs, Depends(read_form)]


def texts(form: Pairs) -> Mapping[str, str]:
    """Name -> its last text."""
    return dict(form)


def several(form: Pairs, name: str) -> tuple[str, ...]:
    """Every text of one name."""
    return tuple(value for key, value in form if key == name)
