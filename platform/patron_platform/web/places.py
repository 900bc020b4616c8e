"""Places: where one may go and what one may do by its name: objects, views, a new record, one's settings.

In: the frame of a call, who looks, the menus, what was typed. Out: `Place`s whose names fit, by words or by pinyin and
initials; without words those one needs most. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from patron_engine.access.decide import Deny, row_rule
from patron_engine.page.marks import Pieces, marked, named
from patron_engine.page.menu import App, entries_in, objects_in
from patron_engine.page.question import views_of
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor

FOUND = 8  # places shown for what was typed
WAYS: Mapping[str, str] = {"pool": "pools", "report": "reports", "dashboard": "dashboards"}
SUGGESTED_PLACES, SUGGESTED_NEW = 5, 3  # without words


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`kind` is go, view or do: under which heading it stands."""

    kind: str
    label: Pieces
    icon: str
    address: str
    hint: str = ""


def places_of(call: Call, visitor: Visitor, apps: tuple[App, ...], words: str) -> tuple[Place, ...]:
    """The places that fit, best first; at most `FOUND`."""
    reader = visitor.reader(call)
    if not words:
        gone = [p for p in _gone(visitor, reader, apps, "") if p.kind == "go"][:SUGGESTED_PLACES]
        new = list(_new(call, visitor, reader, apps, ""))[:SUGGESTED_NEW]
        return (*gone, *new, *_own(visitor, ""))
    found = [
        *_gone(visitor, reader, apps, words),
        *_new(call, visitor, reader, apps, words),
        *_own(visitor, words),
        *_views(call, visitor, reader, words),
    ]
    once = {place.address: place for place in reversed(found)}
    return tuple(place for place in found if once[place.address] is place)[:FOUND]


def _fitting(label: str, words: str) -> Pieces | None:
    if not words:
        return ((label, False),)
    return marked(label, words) if named(label, words) else None


def _gone(visitor: Visitor, reader: Reader, apps: tuple[App, ...], words: str) -> Iterator[Place]:
    for app in apps:
        for entry in entries_in(app.entries):
            label = _fitting(reader.say(entry.label, entry.name), words)
            if label is None or entry.target == "url":
                continue
            address = visitor.url("o", entry.object) + (f"?view={entry.to}" if entry.target == "view" else "")
            if entry.target in WAYS:
                address = visitor.url(WAYS[entry.target], entry.to)
            kind = "view" if entry.target == "view" else "go"
            yield Place(kind=kind, label=label, icon=entry.icon, address=address, hint=reader.say(app.label))


def _new(call: Call, visitor: Visitor, reader: Reader, apps: tuple[App, ...], words: str) -> Iterator[Place]:
    t = texts_in(visitor.languages[0])
    for name in objects_in(apps):
        object = call.model.objects[name]
        if isinstance(row_rule(call.model, visitor.actor, "create", name), Deny):
            continue
        label = _fitting(t("search.new", object=reader.say(object.label, name)), words)
        if label is not None:
            yield Place(kind="do", label=label, icon="plus", address=visitor.url("o", name, "new"))


def _own(visitor: Visitor, words: str) -> Iterator[Place]:
    t = texts_in(visitor.languages[0])
    for key, icon, step in (
        ("shell.home", "house", ""), ("shell.notices", "bell", "inbox"), ("shell.settings", "settings", "me"),
    ):  # fmt: skip
        label = _fitting(t(key), words)
        if label is not None and (words or step):
            yield Place(kind="do", label=label, icon=icon, address=visitor.url(step))


def _views(call: Call, visitor: Visitor, reader: Reader, words: str) -> Iterator[Place]:
    for object in call.model.objects.values():
        if object.master or isinstance(row_rule(call.model, visitor.actor, "read", object.name), Deny):
            continue
        for view in views_of(call.model, visitor.actor, object):
            label = _fitting(reader.say(view.label, view.name), words)
            if label is not None:
                yield Place(
                    kind="view", label=label, icon=object.icon or "table",
                    address=f"{visitor.url('o', object.name)}?view={view.name}",
                    hint=reader.say(object.plural or object.label, object.name),
                )  # fmt: skip
