"""About: what runs here, which objects there are with their counts, where to go next.

In: a request without sign-in. Out: HTML under a strict content security policy. Counts are shown for the workspace that
`serve --show NAME` (or the demo) names, and for no other: without a name the page tells no more than that Patron runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import SYSTEM
from patron_engine.model.model import say
from patron_engine.query.counts import counts
from patron_engine.release.releases import packs_of
from patron_platform.languages import languages_of
from patron_platform.service import Service
from patron_platform.web.about_texts import TEXTS

router = APIRouter()
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STYLE = files("patron_platform.web").joinpath("static", "patron.css").read_bytes()


@router.get("/about", include_in_schema=False)
def about(request: Request) -> Response:
    service: Service = request.app.state.service
    languages = languages_of(request.headers.get("accept-language", ""))
    texts = TEXTS[languages[0]]
    shown = _shown(service, languages) if service.settings.show else None
    page = _template("about.html").render(
        t=texts,
        language=languages[0],
        version=version("patron-crm"),
        shown=shown,
        address=str(request.base_url),
    )
    return Response(page, headers={**HEADERS, "Content-Language": languages[0]}, media_type="text/html")


@cache
def _template(name: str) -> Any:
    from jinja2 import (  # loaded with the first page, not with the API
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    loader = PackageLoader("patron_platform.web")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(name)


@router.get("/static/patron.css", include_in_schema=False)
def style() -> Response:
    return Response(STYLE, headers={"Cache-Control": "public, max-age=300"}, media_type="text/css")


def _shown(service: Service, languages: tuple[str, ...]) -> dict[str, Any]:
    workspace = service.runtime.workspace(str(service.settings.show))
    with workspace.connection("read") as conn:
        call = workspace.call(conn, SYSTEM)
        found = counts(conn, call)
        manifests = packs_of(conn, workspace.schema, call.model.release)
        database = conn.info.server_version
    model = call.model
    objects = [
        {
            "name": o.name,
            "label": say(o.plural, languages) or say(o.label, languages),
            "count": found.get(o.name, 0),
        }
        for o in model.objects.values()
    ]
    packs = [
        {"label": say(m.get("label", m["name"]), languages), "version": m.get("version", "")}
        for m in manifests
    ]
    return {
        "workspace": workspace.name,
        "release": model.release,
        "objects": sorted(objects, key=lambda o: (-o["count"], o["name"])),
        "packs": packs,
        "database": f"{database // 10000}.{database % 10000}",
    }
