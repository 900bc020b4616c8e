"""Render: templates become pages. The one Jinja environment, the headers every page has, what every template may use.

In: a template's name and plain values. Out: HTML under a strict content security policy. Everything is escaped; what is
HTML already (an icon, cleaned rich text) says so by its type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.filters import do_filesizeformat
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import reaches_any
from patron_engine.fields.pinyin import spoken
from patron_engine.page.menu import App, apps_of, lit
from patron_engine.page.opening import opening
from patron_engine.page.show import Shown
from patron_engine.query.call import Call
from patron_platform.colleagues import manages
from patron_platform.web import csrf, sealing
from patron_platform.web.admin_places import admin_groups
from patron_platform.web.assets import asset, icon
from patron_platform.web.texts import SPOKEN, Texts, texts_in
from patron_platform.web.visitor import Visitor
from patron_platform.web.words import words_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self';"
    " media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self';"
    " base-uri 'none'; object-src 'none'; frame-src 'self'; frame-ancestors 'none'"
)  # no page lets itself be framed: what a frame can show is a file, in a sandbox of its own
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(self)",
    "Cache-Control": "no-store",
    "Vary": "HX-Request, Accept-Language, Cookie",
}


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("patron_platform.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(icon=icon, asset=asset, admin_groups=admin_groups)
    made.filters.update(
        cleaned=cleaned, initials=initials, browser=browser, said=said, limit_size=limit_size, spoken=spoken
    )
    return made


def cleaned(shown: Shown) -> Markup:
    """The HTML of a rich text, which `page/show` has cleaned; of anything else its text, escaped."""
    return Markup(shown.text) if shown.kind == "html" else Markup.escape(shown.text)


@pass_context
def said(context: Context, text: str) -> str:
    """What the engine says, in the language of the page."""
    return words_of(text, (context["language"],))


def limit_size(size: int) -> str:
    """A limit of bytes as definitions write it: 2 MB is two times 1024 times 1024 there; anything else as bytes are written.

    >>> limit_size(2 << 20), limit_size(3_000_000)
    ('2 MB', '3.0 MB')
    """
    for unit, bits in (("MB", 20), ("KB", 10)):
        if size and size % (1 << bits) == 0:
            return f"{size >> bits} {unit}"
    return str(do_filesizeformat(size))


def initials(name: str) -> str:
    """What stands in a person's circle: first letters of the first and last word, the last two of a Chinese name."""
    plain = name.partition("@")[0].strip()
    if plain and not plain.isascii() and " " not in plain:
        return plain[-2:]
    words = [w for w in re.split(r"[\s._-]+", plain) if w]
    return "".join(w[0] for w in (words[:1] + words[1:][-1:])).upper()


def browser(agent: str) -> str:
    """What a browser calls itself, as people call it: "Chrome · Windows"; "" for what says neither."""
    found = [next((name for mark, name in marks if mark in agent), "") for marks in (_BROWSERS, _SYSTEMS)]
    return " · ".join(part for part in found if part)


_BROWSERS = (
    ("Edg/", "Edge"), ("MicroMessenger", "WeChat"), ("Firefox/", "Firefox"), ("OPR/", "Opera"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def draw(template: str, languages: tuple[str, ...], **values: Any) -> str:
    """The text of a template. `t` are the texts of the platform in the reader's language."""
    t: Texts = texts_in(languages[0])
    return environment().get_template(template).render(t=t, language=languages[0], **values)


def answer(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(html, status, {**HEADERS, **(headers or {})}, "text/html")


def page(
    visitor: Visitor,
    call: Call,
    template: str,
    *,
    title: str,
    here: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A whole page in the shell. `here` names the object or view that is lit in the menu."""
    values = {**frame(visitor, call), "title": title, "here": here, **values}
    html = draw(template, visitor.languages, lit=lit(values["apps"], here), spoken=SPOKEN, **values)
    return answer(html, status, headers)


def part(
    visitor: Visitor,
    call: Call,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A part of a page, to be swapped into it."""
    return answer(draw(template, visitor.languages, **frame(visitor, call), **values), status, headers)


def fragment(visitor: Visitor, call: Call, template: str, **values: Any) -> str:
    """The text of a part, to be sent by whoever asks."""
    return draw(template, visitor.languages, **frame(visitor, call), **values)


def frame(visitor: Visitor, call: Call) -> dict[str, Any]:
    """What every template of a workspace may use."""
    reader = visitor.reader(call)
    apps: tuple[App, ...] = apps_of(call.model, visitor.actor)
    return {
        "visitor": visitor,
        "call": call,
        "model": call.model,
        "reader": reader,
        "say": reader.say,
        "url": visitor.url,
        "may_open": opening(call),
        "sealing": sealing.key_for(visitor.service, visitor.session.account),
        "csrf": csrf.token_for(visitor.service, visitor.session.id),
        "apps": apps,
        "manages": manages(call.model, visitor.actor),
        "may_import": reaches_any(call.model, visitor.actor, "import"),
        "reports": visitor.actor.kind != "portal",
        "approves": any(kind == "approval" for kind, _ in call.model.documents),
    }


def partial_wanted(request: Request) -> bool:
    """Whether a script asks for a part of the page."""
    return request.headers.get("hx-request") == "true"
