"""Assets: the scripts, styles and icons of the pages, as the build made them.

In: names of sources (`main.js`). Out: addresses that carry their content's hash and never change, the inside of icons.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from markupsafe import Markup, escape
from starlette.responses import Response

from patron_engine.errors import NotFound

router = APIRouter()
DIST = files("patron_platform.web").joinpath("static", "dist")
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@cache
def manifest() -> Mapping[str, str]:
    """Name of a source -> name of what was built of it."""
    found: Mapping[str, str] = json.loads(DIST.joinpath("manifest.json").read_text())
    return found


def asset(name: str) -> str:
    """The address of a built file."""
    return f"/static/dist/{manifest()[name]}"


@cache
def _icons() -> Mapping[str, str]:
    found: Mapping[str, str] = json.loads(DIST.joinpath("icons.json").read_text())
    return found


def icon(name: str | None, label: str = "") -> Markup:
    """An icon of Lucide, drawn in the colour of the text beside it; with a label where nothing else says what it means."""
    inside = _icons().get(name or "", "") or _icons()["circle"]
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(
        f'<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
        f'stroke-linecap="round" stroke-linejoin="round" {said}>{inside}</svg>'
    )


@router.get("/static/dist/{name}", include_in_schema=False)
def built(name: str) -> Response:
    """One built file; only those of the build are there."""
    found = _file(name)
    if found is None:
        raise NotFound("there is nothing at this address")
    return Response(found, media_type=mimetypes.guess_type(name)[0], headers=FOREVER)


def _file(name: str) -> bytes | None:
    return (
        _content(name) if name in _names() else None
    )  # what nobody built is neither looked for nor remembered


@cache
def _names() -> frozenset[str]:
    built = (place.name for place in DIST.iterdir() if place.is_file())
    return frozenset(name for name in built if not name.startswith(".")) - {
        "icons.json",
        "manifest.json",
        "stamp",
    }


@cache
def _content(name: str) -> bytes:
    return DIST.joinpath(name).read_bytes()
