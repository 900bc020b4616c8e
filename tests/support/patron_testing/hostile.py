"""A workspace whose definitions and records are full of markup: every text a person or an admin may write holds `MARK`.

    evil = make_evil(admin)           # publishes c_evil with every kind of text, and writes records into it
    strange(html)                     # what in a page is not the platform's own: elements and handlers that got out of a text

The fields of c_evil are named as a form element names its own properties, so that a script that asks a form for `action` meets them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from patron_testing.web import Api

MARK = """"'><xss onxss=1><img src=x onerror=alert(1)></script></style>--><script>alert(1)</script>{{73137*90007}}"""
WORKED_OUT = "6582841959"  # what a template would make of its end
LABEL = {"en": f"En {MARK}", "zh-CN": f"中 {MARK}"}
HIDDEN = "\u202ecod.exe\u2066\u200b\ufeff"  # turns the direction of what follows, and is not seen
CLOBBERING = (
    "submit", "action", "method", "length", "constructor", "elements", "children", "attributes", "name", "title", "style",
    "dataset", "reset", "outer", "prototype", "cookie", "location", "forms", "value", "hidden",
)  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "t_long": {"type": "long_text"}, "t_rich": {"type": "rich_text"}, "t_email": {"type": "email"}, "t_phone": {"type": "phone"},
    "t_url": {"type": "url"}, "t_barcode": {"type": "barcode"}, "t_color": {"type": "color"}, "t_integer": {"type": "integer"},
    "t_decimal": {"type": "decimal", "scale": 2}, "t_percent": {"type": "percent"}, "t_money": {"type": "money"},
    "t_rating": {"type": "rating", "max": 5}, "t_duration": {"type": "duration"}, "t_boolean": {"type": "boolean"},
    "t_date": {"type": "date"}, "t_datetime": {"type": "datetime"}, "t_time": {"type": "time"}, "t_range": {"type": "date_range"},
    "t_tags": {"type": "tags"}, "t_address": {"type": "address"}, "t_location": {"type": "location"}, "t_json": {"type": "json"},
    "t_secret": {"type": "secret"}, "t_file": {"type": "file", "many": True}, "t_image": {"type": "image"},
    "t_signature": {"type": "signature"}, "t_audio": {"type": "audio"}, "t_user": {"type": "user"},
    "t_link": {"type": "lookup", "to": "account", "on_delete": "clear"},
    "t_many": {"type": "lookup", "to": "account", "many": True, "on_delete": "clear"},
    "t_parent": {"type": "lookup", "to": "c_evil", "tree": True, "on_delete": "clear"},
    "t_formula": {"type": "formula", "expression": "CONCAT(name, '<xss onxss=1>')", "returns": "text"},
}  # fmt: skip
OPTIONS = [
    {"name": "one", "label": LABEL, "help": LABEL, "color": "red"},
    {"name": "two", "label": LABEL, "color": "#3b5bdb"},
]
VALUES: dict[str, Any] = {
    "t_long": MARK + "\n" + MARK, "t_rich": f"<p>{MARK}</p><a href='javascript:alert(1)'>x</a>", "t_barcode": MARK,
    "t_url": "https://a.example/%3Cxss%3E?%22onxss=1", "t_email": "a@b.example", "t_phone": "+8613800138000", "t_color": "#ff0000",
    "t_integer": 7, "t_decimal": "1.50", "t_percent": "35", "t_money": "12.00", "t_rating": 3, "t_duration": 5400,
    "t_boolean": True, "t_date": "2026-11-26", "t_datetime": "2026-11-26T02:30:00Z", "t_time": "09:30",
    "t_range": {"from": "2026-11-01", "to": "2026-11-30"}, "t_tags": [MARK[:40], HIDDEN], "t_json": {MARK: [MARK]},
    "t_address": {"province": MARK, "city": MARK, "street": MARK}, "t_location": {"lat": "31.2", "lng": "121.4"},
    "t_secret": MARK, "t_choice": "one", "t_choices": ["one", "two"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evil:
    """`ids` of the records of c_evil; `account` the one they point at."""

    ids: tuple[str, ...]
    account: str


def make_evil(admin: Api) -> Evil:
    """Publishes the definitions and writes some records of them."""
    draft = ""
    for kind, name, body in _documents():
        said = admin.put(f"/definitions/{kind}/{name}", body)
        assert said.status_code == 200, (kind, name, said.text)
        draft = said.json()["draft"]
    plan = admin.post(f"/drafts/{draft}/plan")
    assert plan.status_code == 200, plan.text
    said = admin.post(f"/drafts/{draft}/publish", {"checksum": plan.json()["checksum"]})
    assert said.status_code == 201, said.text
    account = str(admin.make("account", name=MARK)["id"])
    ids = []
    for n in range(3):
        more = {"t_link": account, "t_many": [account], **({"t_parent": ids[0]} if ids else {})}
        texts = {name: f"{n} {MARK}" for name in CLOBBERING}
        ids.append(str(admin.make("c_evil", **texts, **VALUES, **more)["id"]))
    _around(admin, ids[0])
    return Evil(tuple(ids), account)


def _documents() -> list[tuple[str, str, dict[str, Any]]]:
    names = [*CLOBBERING, *KINDS, "t_choice", "t_choices"]
    fields: list[dict[str, Any]] = [
        {"name": n, "type": "text", "label": LABEL, "help": LABEL} for n in CLOBBERING
    ]
    fields += [{"name": n, "label": LABEL, "help": LABEL, **more} for n, more in KINDS.items()]
    fields += [
        {"name": "t_choice", "type": "select", "label": LABEL, "options": OPTIONS},
        {"name": "t_choices", "type": "multi_select", "label": LABEL, "options": OPTIONS},
    ]
    rule = {
        "name": "loud",
        "when": "t_integer == 13",
        "level": "warning",
        "at": "t_integer",
        "message": LABEL,
    }
    object = {
        "label": LABEL, "plural": LABEL, "description": LABEL, "title": "name", "history": True, "fields": fields,
        "features": ["activities", "comments", "files", "follow", "void"], "search": ["name"], "rules": [rule],
    }  # fmt: skip
    layout = {
        "object": "c_evil", "label": LABEL, "highlights": ["t_money", "t_choice"],
        "sections": [{"name": "all", "label": LABEL, "help": LABEL, "fields": [
            {"field": "t_integer", "label": LABEL, "help": LABEL}, *[n for n in names if n not in ("t_integer", "t_secret")],
        ]}],
    }  # fmt: skip
    columns: list[Any] = [
        {"field": "name", "label": LABEL},
        "t_long",
        "t_url",
        "t_choice",
        "t_tags",
        "t_rich",
        "t_link",
        "t_json",
    ]
    view = {"object": "c_evil", "columns": columns, "filters": ["t_choice", "name"]}
    return [
        ("object", "c_evil", object),
        ("layout", "c_evil_form", layout),
        ("view", "c_evil_all", {**view, "label": LABEL}),
        ("view", "c_evil_board", {**view, "label": LABEL, "type": "kanban", "group_by": "t_choice"}),
        ("view", "c_evil_days", {**view, "label": LABEL, "type": "calendar", "from": "t_date"}),
        ("view", "c_evil_plan", {**view, "label": LABEL, "type": "gantt", "from": "t_date", "to": "t_datetime"}),
        ("view", "c_evil_tree", {**view, "label": LABEL, "type": "tree", "parent": "t_parent"}),
        ("view", "c_evil_map", {**view, "label": LABEL, "type": "map", "location": "t_location"}),
        ("menu", "c_evil_menu", {"label": LABEL, "entries": [
            {"name": "evil", "object": "c_evil", "label": LABEL}, {"name": "days", "view": "c_evil_days"},
        ]}),
    ]  # fmt: skip


def _around(admin: Api, id: str) -> None:
    """What hangs on the first record: a file with a name of markup, a comment."""
    said = admin.call(
        "POST", "/files", content=b"%PDF-1.4 nothing",
        headers={"Content-Type": "application/pdf", "Content-Disposition": "attachment; filename*=UTF-8''%22%3E%3Csvg%20onload%3Dalert(1)%3E.pdf"},
    )  # fmt: skip
    assert said.status_code == 201, said.text
    said = admin.patch(f"/records/c_evil/{id}", {"t_file": [said.json()["id"]]})
    assert said.status_code == 200, said.text


class _Strange(HTMLParser):
    """Collects what no template of the platform writes."""

    ELEMENTS = frozenset({"xss", "iframe", "object", "embed", "base", "style"})
    ADDRESSES = frozenset(
        {"href", "src", "action", "formaction", "hx-get", "hx-post", "data", "poster", "xlink:href"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.ELEMENTS:
            self.found.append(f"<{tag}>")
        names = {name for name, _ in attrs}
        if tag == "script" and "src" not in names and dict(attrs).get("type") != "application/json":
            self.found.append("<script>")
        if tag == "meta" and "http-equiv" in names:
            self.found.append("<meta http-equiv>")
        for name, value in attrs:
            if re.fullmatch(r"on[a-z]+|style|srcdoc", name):
                self.found.append(f"<{tag} {name}=>")
            scheme = re.match(r"\s*([a-z0-9+.\-\s]*):", value or "", re.IGNORECASE)
            if (
                name in self.ADDRESSES
                and scheme
                and scheme[1].lower() not in ("http", "https", "mailto", "tel")
            ):
                self.found.append(f"<{tag} {name}={(value or '')[:60]}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)


def strange(html: str) -> list[str]:
    """What stands in a page and is not of the platform's templates."""
    parser = _Strange()
    parser.feed(html)
    return [*parser.found, *(["a worked out template"] if WORKED_OUT in html else [])]
