"""A crawl of the pages as one person sees them, and mutations of every link and form it met.

found = crawl(person, ["/", "/o/yd_job"], until=monotonic() + 5)     # the pages' links and forms, one of each kind
sent = found[n].mutated(dice)                                       # the same with something wrong in it
said = sent.by(person)
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from patron_testing.hostile import HIDDEN, MARK
from patron_testing.web import Person

# Here a person would be signed out, or become another one; every one of them has a test of its own.
LEFT_OUT = re.compile(r"/logout|/me/(sessions|password|language)|/workspaces|/worker\.js")
Pairs = tuple[tuple[str, str], ...]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NOWHERE = "0190a0b0-0000-7000-8000-0000000000ff"
WORDS = (
    "", " ", "0", "-1", "--5", "²", "٣", "1e999999", "NaN", "sNaN", "Infinity", "9" * 40, "9" * 5_000, "1_000", "1.5.5", "true", "null",
    "[]", "{}", "x" * 300, "x" * 30_000, MARK, HIDDEN, "a\x00b", "\x01", "\ufffe", "%", "\\", "'", '"', "';--", "name", "-name", ",", ".",
    "..", "../..", "//evil.example", "/\\evil.example", "javascript:alert(1)", "data:text/html,x", "9999-12-31", "0001-01-01",
    "10000-01-01", "2026-02-30", "infinity", "2026-01-01T25:00", "9999-12-31T23:59", "0001-01-01T00:00", "-" * 36, NOWHERE, "x-x",
    "id", "version", "__class__", "__proto__", "constructor", "deleted_at", "pass", "owner.pass", "lines", "name == 'x'", "name ==",
    "(" * 200, "-" * 3_000, "pass == 'x'", "1 == 1", "name in ()", "😀", "e\u0301" * 50, "\u2028", "\r\nSet-Cookie: a=b", "%0d%0a", "=cmd|' /C calc'!A0",
)  # fmt: skip
NAMES = ("id", "version", "owner", "created_at", "deleted_at", "workspace", "_csrf", "_once", "_confirm", "_version", "_add", "_remove",
         "_next", "_take.name", "_was.name", "lines.n1.what", "lines.x", "lines..", "a.b.c.d.e.f", "__proto__", "constructor", "[]", "a[b][c]",
         "set.name", "fields", "shift", "view", "where", "sort", "group", "after", "columns", "q", "deleted", "mode", "band", "at", "scale", "tab",
         "kind", "done", "moved", "fill.name", "type", "record_type", "dialog", "print", "limit", "page", "x" * 200)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """A link or a form: where it leads, what it sends. `part` is asked by a script that swaps it in."""

    method: str
    path: str
    pairs: Pairs = ()
    part: bool = False

    @property
    def kind(self) -> tuple[Any, ...]:
        """What makes it another one than those seen before: not which record, nor which values."""
        return (
            self.method,
            re.sub(ID, "{id}", self.path),
            tuple(sorted({n for n, _ in self.pairs}))[:40],
            self.part,
        )

    def mutated(self, dice: Random) -> Way:
        """With one to three things wrong."""
        made = self
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            made = dice.choice(MUTATIONS)(made, dice)
        return made

    def by(self, person: Person) -> Any:
        headers = {"HX-Request": "true"} if self.part else {}
        prefix = f"/w/{person.workspace}"
        path = self.path.removeprefix(prefix)
        body = urlencode(self.pairs, errors="surrogatepass")
        if self.method == "GET":
            return person.get(f"{path}?{body}" if body else path, headers=headers)
        return person.call(self.method, path, content=body, headers={**FORM, **headers})

    def __str__(self) -> str:
        pairs = [
            (n[:60], v if len(v) < 90 else f"{v[:90]}… ({len(v)})") for n, v in self.pairs if n != "_csrf"
        ]
        return f"{self.method} {self.path[:200]} {pairs}{' in part' if self.part else ''}"


def _value(way: Way, dice: Random) -> Way:
    if not way.pairs:
        return _name(way, dice)
    at = dice.randrange(len(way.pairs))
    name, old = way.pairs[at]
    new = dice.choice(WORDS) if name != "_csrf" or dice.random() < 0.05 else old
    return replace(
        way, pairs=(*way.pairs[:at], (name, dice.choice((new, new, new, old + new))), *way.pairs[at + 1 :])
    )


def _name(way: Way, dice: Random) -> Way:
    return replace(way, pairs=(*way.pairs, (dice.choice(NAMES), dice.choice(WORDS))))


def _left_out(way: Way, dice: Random) -> Way:
    kept = [p for p in way.pairs if p[0] == "_csrf" or dice.random() < 0.7]
    return replace(way, pairs=tuple(kept))


def _twice(way: Way, dice: Random) -> Way:
    return replace(way, pairs=way.pairs + tuple(dice.sample(way.pairs, min(len(way.pairs), 3))))


def _path(way: Way, dice: Random) -> Way:
    steps = way.path.split("/")
    at = dice.randrange(3, len(steps)) if len(steps) > 3 else len(steps) - 1
    steps[at] = quote(dice.choice(WORDS)[:300], safe="", errors="replace")
    return replace(way, path="/".join(steps))


def _method(way: Way, dice: Random) -> Way:
    return replace(way, method=dice.choice(("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")))


def _part(way: Way, dice: Random) -> Way:
    return replace(way, part=not way.part)


MUTATIONS = (_value, _value, _value, _value, _name, _name, _left_out, _twice, _path, _method, _part)


@dataclass(slots=True)
class Crawl:
    """What was met, and what was wrong on the way."""

    ways: list[Way] = field(default_factory=list)
    pages: list[tuple[Way, Any]] = field(default_factory=list)


def crawl(person: Person, starts: Iterable[str], *, until: float) -> Crawl:
    """Opens some pages, then what they lead to, one of a kind, until all was seen or the time is over. Forms are noted, not sent."""
    found, seen = Crawl(), set[tuple[Any, ...]]()
    prefix = f"/w/{person.workspace}"
    waiting = deque(Way("GET", prefix + start) for start in starts)
    first = len(waiting)
    while waiting and (first > 0 or time.monotonic() < until):
        way = waiting.popleft()
        first -= 1
        if way.kind in seen:
            continue
        seen.add(way.kind)
        found.ways.append(way)
        said = way.by(person)
        found.pages.append((way, said))
        if said.headers.get("content-type", "").startswith("text/html"):
            for next in _ways_in(said.text, way.path, prefix):
                if next.method == "GET":
                    waiting.append(next)
                elif next.kind not in seen:
                    seen.add(next.kind)
                    found.ways.append(next)
    return found


class _Ways(HTMLParser):
    """Collects addresses and forms as the page is read."""

    LINKS = (("href", "GET", False), ("src", "GET", False), ("hx-get", "GET", True), ("data-source", "GET", True),
             ("data-address", "POST", True), ("data-preview", "POST", True), ("hx-post", "POST", True), ("data-to", "POST", True))  # fmt: skip

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.csrf: Pairs = ()
        self.found: list[tuple[str, str, Pairs, bool]] = []  # method, address, pairs, part
        self.form: tuple[str, str] | None = None
        self.pairs: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, Pairs]] = []
        self.select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and given.get("name") == "csrf":
            self.csrf = (("_csrf", given["content"]),)
        for name, method, part in self.LINKS:
            if given.get(name):
                self.found.append((method, given[name], self.csrf if method == "POST" else (), part))
        if tag == "form":
            self.form = given.get("method", "get").upper(), given.get("action", "")
            self.pairs, self.buttons = [], []
        elif tag in ("input", "textarea") and given.get("name"):
            self.pairs.append((given["name"], given.get("value", "")))
        elif tag == "select" and given.get("name"):
            self.select = given["name"]
            self.pairs.append((self.select, ""))
        elif tag == "option" and self.select and (self.pairs[-1][1] == "" or "selected" in given):
            self.pairs[-1] = (self.select, given.get("value", ""))
        elif tag == "button":
            own = ((given["name"], given.get("value", "")),) if given.get("name") else ()
            self.buttons.append((given.get("formaction", ""), own))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = None
        elif tag == "form" and self.form:
            method, action = self.form
            for address, own in self.buttons:
                self.found.append((method, address or action, (*self.pairs, *own), False))
            self.form = None


def _ways_in(html: str, here: str, prefix: str) -> Iterable[Way]:
    parser = _Ways()
    parser.feed(html)
    for method, address, pairs, part in parser.found:
        yield from _way(method, address or here, here, prefix, pairs, part)


def _way(method: str, address: str, here: str, prefix: str, pairs: Pairs, part: bool) -> Iterable[Way]:
    if urlsplit(address).scheme or address.startswith("#"):
        return
    to = urlsplit(urljoin(here, address))
    if to.path.startswith(prefix) and not LEFT_OUT.search(to.path):
        asked = tuple(parse_qsl(to.query, keep_blank_values=True))
        if method == "GET":
            yield Way("GET", to.path, asked + pairs, part)
        else:
            query = f"?{to.query}" if to.query else ""
            yield Way(method, to.path + query, pairs, part)
