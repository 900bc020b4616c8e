"""Phone: what makes the pages an app on a telephone: the manifest of a workspace, the worker, the page without network.

In: requests of a browser. Out: JSON, a script, a page without anybody's data: the worker may keep it. The manifest is for who
belongs to the workspace; the worker and the page are for everybody.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from patron_engine.access.decide import Deny, row_rule
from patron_engine.fields.options import texts
from patron_engine.query.call import Call
from patron_platform.web.assets import DIST, asset
from patron_platform.web.render import HEADERS, answer, draw
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter, languages_for

router = APIRouter(include_in_schema=False)
WORKER_POLICY = "default-src 'none'; connect-src 'self'"
ACCENT, PAPER = "#3b5bdb", "#f7f7f8"  # as the icon, as tokens.css has the page
ICONS = (
    ("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"), ("maskable-512.png", "512x512", "maskable"),
)  # fmt: skip
NEW = ("activity",)  # objects a shortcut makes a record of, where the workspace has them


@router.get("/w/{workspace}/manifest.webmanifest")
def manifest(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        made: dict[str, Any] = {
            "id": visitor.url(""),
            "name": _name(visitor, call),
            "short_name": "Patron",
            "lang": visitor.languages[0],
            "start_url": visitor.url(""),
            "scope": "/",
            "display": "standalone",
            "background_color": PAPER,
            "theme_color": ACCENT,
            "icons": [
                {"src": asset(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
                for name, sizes, purpose in ICONS
            ],
            "shortcuts": _shortcuts(visitor, call),
        }
    kind = "application/manifest+json"
    return JSONResponse(made, headers={**HEADERS, "Cache-Control": "private, max-age=3600"}, media_type=kind)


def _name(visitor: Visitor, call: Call) -> str:
    """What the workspace is called; on a telephone several may be installed."""
    said = (body for (kind, _), body in call.model.documents.items() if kind == "workspace")
    return f"{visitor.reader(call).say(texts(next(said, {}).get('label')), visitor.name)} · Patron"


def _shortcuts(visitor: Visitor, call: Call) -> list[dict[str, Any]]:
    """What one does from the screen of a telephone: log an activity, look something up."""
    t, reader = texts_in(visitor.languages[0]), visitor.reader(call)
    icons = [{"src": asset("icon-192.png"), "sizes": "192x192", "type": "image/png"}]
    found = []
    for name in NEW:
        object = call.model.object(name)
        if object is not None and not isinstance(row_rule(call.model, visitor.actor, "create", name), Deny):
            label = t("phone.new", object=reader.say(object.label, name))
            found.append({"name": label, "url": visitor.url("o", name, "new"), "icons": icons})
    found.append({"name": t("shell.search"), "url": visitor.url("search"), "icons": icons})
    return found


@router.get("/worker.js")
def worker() -> Response:
    """At the root, so that it serves every page; asked for again at every start, so that a new version comes at once."""
    headers = {"Content-Security-Policy": WORKER_POLICY, "Cache-Control": "no-cache"}
    return Response(DIST.joinpath("worker.js").read_bytes(), media_type="text/javascript", headers=headers)


@router.get("/offline")
def offline(request: Request) -> Response:
    """What the worker shows where there is no network."""
    languages = languages_for(request, {})
    return answer(draw("offline.html", languages, title=texts_in(languages[0])("phone.offline")))
