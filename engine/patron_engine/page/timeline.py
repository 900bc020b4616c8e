"""Timeline: everything that happened around a record, the newest first: what was done with it, said about it, changed in it.

In: a record and how far one has read. Out: a `Timeline`, a page of `Entry`s and the place of the next one. Each kind is a source of
its own, read through the way read in its own order; here they are only merged. The place holds, for each source, the cursor
of the page it stands in and how many of that page were shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.model.model import LinkSet, Object
from patron_engine.page.changes import EVERYTHING, Choices, Happening, choices_of, happenings
from patron_engine.page.decisions import decisions
from patron_engine.page.entries import KINDS, PAGE, Entry, Kind
from patron_engine.page.icons import option_icons
from patron_engine.page.layout import Layout
from patron_engine.page.place import places_in, sealed, version_in
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Shown, moment_of, person, shown
from patron_engine.query.call import Call
from patron_engine.query.files import FEATURE, record_files
from patron_engine.query.history import Wanted
from patron_engine.query.spec import Ask, Within
from patron_engine.ways.approval_lock import has_approvals
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`kinds` are those there is a source of; `after` is the place of the next page. Of changes alone: which are `wanted`, and on
    the first page by what they can be narrowed."""

    entries: tuple[Entry, ...]
    kinds: tuple[Kind, ...]
    kind: Kind | None
    after: str | None
    wanted: Wanted = EVERYTHING
    choices: Choices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """`fetch(cursor)` gives at most a page of entries and the cursor of the next."""

    name: str
    kind: Kind
    fetch: Callable[[str | None], tuple[Sequence[Entry], str | None]]


def timeline(
    conn: Connection,
    call: Call,
    reader: Reader,
    layout: Layout,
    id: str,
    *,
    secret: bytes,
    kind: str | None = None,
    after: str | None = None,
    wanted: Wanted = EVERYTHING,
) -> Timeline:
    """A page of the timeline, of changes only those that are `wanted`. Refused for a place that is none of ours."""
    sources = _Sources(conn, call, reader, layout.object, id, secret, wanted, kind).all(layout)
    kinds = tuple(k for k in KINDS if any(s.kind == k for s in sources))
    chosen = next((k for k in kinds if k == kind), None)
    read_from = [s for s in sources if chosen is None or s.kind == chosen]
    places = places_in(after)
    waiting: list[tuple[Entry, str]] = []
    pages: dict[str, tuple[str | None, int, list[tuple[int, str | None]]]] = {}
    for source in read_from:
        cursor, skip = places.get(source.name, (None, 0))
        if cursor == "end":
            continue
        entries, bounds = _enough(source, cursor, skip)
        pages[source.name] = (cursor, skip, bounds)
        waiting.extend((entry, source.name) for entry in entries)
    waiting.sort(key=lambda pair: (pair[0].day, pair[0].at), reverse=True)
    taken, rest = waiting[:PAGE], waiting[PAGE:]
    used: dict[str, int] = {}
    for _, name in taken:
        used[name] = used.get(name, 0) + 1
    following = None
    if rest:
        following = sealed(
            {name: _moved(*page, used.get(name, 0)) for name, page in pages.items()} | _ended(places)
        )
    choices = None
    if chosen == "change" and not after:
        choices = choices_of(conn, call, reader, layout.object.name, id)
    return Timeline(
        entries=tuple(e for e, _ in taken), kinds=kinds, kind=chosen, after=following, wanted=wanted, choices=choices
    )  # fmt: skip


def _enough(
    source: _Source, cursor: str | None, skip: int
) -> tuple[list[Entry], list[tuple[int, str | None]]]:
    """More entries of a source than a page shows, as far as there are any; with the length and next cursor of what was read."""
    entries: list[Entry] = []
    bounds: list[tuple[int, str | None]] = []
    at = cursor
    while len(entries) - skip <= PAGE:
        page, following = source.fetch(at)
        entries.extend(page)
        bounds.append((len(page), following))
        if following is None:
            break
        at = following
    return entries[skip:], bounds


def _moved(
    cursor: str | None, skip: int, bounds: list[tuple[int, str | None]], used: int
) -> tuple[str | None, int]:
    """Where a source stands after `used` more of its entries were shown."""
    left = skip + used
    at = cursor
    for length, following in bounds:
        if left < length:
            return at, left
        left -= length
        if following is None:
            return "end", 0
        at = following
    return at, left


def _ended(places: Mapping[str, tuple[str | None, int]]) -> dict[str, tuple[str | None, int]]:
    return {name: place for name, place in places.items() if place[0] == "end"}


@dataclass(frozen=True, slots=True)
class _Sources:
    conn: Connection
    call: Call
    reader: Reader
    object: Object
    id: str
    secret: bytes
    wanted: Wanted
    kind: str | None

    def all(self, layout: Layout) -> list[_Source]:
        """The sources of this record that its reader may see."""
        sets = {r.set.name: r.set for r in layout.related}
        known = {n: found for n, found in self.object.sets.items() if found.object in self.call.model.objects}
        listed = {s.object: s for s in reversed(sets.values())}  # the first of the layout's lists
        activities = listed.get("activity", known.get("activities"))
        tasks = listed.get("task", known.get("tasks"))
        made = []
        pairs: list[tuple[Kind, LinkSet | None]] = [
            ("activity", activities), ("comment", known.get("comments")), ("task", tasks),
        ]  # fmt: skip
        for kind, found in pairs:
            if found is not None and self._may(found):
                made.append(self._of_set(kind, found))
        if has_approvals(self.call, self.object.name):
            made.append(_Source(name="~approvals", kind="approval", fetch=self._decisions))
        if self.object.history:
            made.append(_Source(name="~changes", kind="change", fetch=self._changes))
        if FEATURE in self.object.features:
            made.append(_Source(name="~files", kind="file", fetch=self._files))
        others = [s for s in sets.values() if s.object not in (*WANTED, *TOLD_ELSEWHERE)]
        made.extend(self._of_set("record", found) for found in others if self._may(found))
        return made

    def _may(self, found: LinkSet) -> bool:
        """What is his to read, and when it came."""
        return {found.field, "created_at"} <= set(readable(self.call.model, self.call.actor, found.object))

    def _of_set(self, kind: Kind, found: LinkSet) -> _Source:
        return _Source(name=found.name, kind=kind, fetch=lambda cursor: self._rows(kind, found, cursor))

    def _rows(self, kind: Kind, found: LinkSet, cursor: str | None) -> tuple[list[Entry], str | None]:
        of = self.call.model.objects[found.object]
        ask = _asked(self.call, kind, of, Within(object=self.object.name, id=self.id, set=found.name), cursor)
        page = read(self.conn, self.call, ask, secret=self.secret)
        return [self._entry(kind, of, row) for row in page.rows()], page.next

    def _entry(self, kind: Kind, of: Object, row: Mapping[str, Any]) -> Entry:
        def value(name: str) -> Shown:
            field = of.fields.get(name)
            return EMPTY if field is None else shown(field, row.get(name), self.reader, row.get("currency"))

        at = moment_of(row["created_at"])
        day = self.reader.local(at).date()
        if kind == "activity" and row.get("at"):
            day = date.fromisoformat(row["at"])
        title = self.call.model.follow(of.name, of.title)
        by: Any = row.get("created_by")
        tags = {"activity": ("result",), "task": ("status", "priority")}.get(kind, ())
        body = {"activity": "content", "comment": "body", "task": "description"}.get(kind, "")
        how = value("kind") if kind == "activity" else EMPTY
        due = {"activity": "next_contact_at", "task": "due"}.get(kind, "")
        return Entry(
            kind=kind, object=of.name, id=row["id"], day=day, at=at,
            icon=self._icon(kind, of, row),
            what=how.text or self.reader.say(of.label, of.name),
            title=shown(title, row.get(of.title), self.reader).text if title and kind != "comment" else "",
            body=value(body), tags=tuple(t for t in map(value, tags) if not t.empty), next=value(due).text,
            by=person(by),
            by_me=by is not None and by["id"] == self.call.actor.user, version=int(row.get("version") or 0),
        )  # fmt: skip

    def _icon(self, kind: Kind, of: Object, row: Mapping[str, Any]) -> str:
        """An activity's icon is that of how it was done, where the option names one."""
        ways = option_icons(self.call.model, of.name, "kind") if kind == "activity" else {}
        own = ways.get(str(row.get("kind")))
        return own or of.icon or "file-text"

    def _changes(self, cursor: str | None) -> tuple[list[Entry], str | None]:
        page = happenings(
            self.conn, self.call, self.reader, self.object.name, self.id, before=version_in(cursor), wanted=self.wanted
        )  # fmt: skip
        entries = [
            Entry(
                kind="change", object=self.object.name, id=f"v{h.version}", at=h.at,
                day=self.reader.local(h.at).date(), icon="history", what="", by=h.by, action=h.action,
                by_me=h.by_me, cause=h.cause, named=h.named,
                differences=h.differences, gift=h.gift, version=h.version, run=h.run,
            )
            for h in page.found
            if self.kind == "change" or not _only_files_came(h)
        ]  # fmt: skip
        return entries, None if page.next is None else str(page.next)

    def _decisions(self, cursor: str | None) -> tuple[list[Entry], str | None]:
        return decisions(self.conn, self.call, self.reader, (self.object.name, self.id), cursor)

    def _files(self, _: str | None) -> tuple[list[Entry], None]:
        made = []
        for file in record_files(self.conn, self.call, self.object.name, self.id):
            at = moment_of(file["created_at"])
            by = file["created_by"]
            made.append(
                Entry(
                    kind="file", object=self.object.name, id=file["id"], at=at, icon="paperclip", what="",
                    day=self.reader.local(at).date(), title=file["name"],
                    by=person(by),
                    by_me=bool(by) and by["id"] == self.call.actor.user,
                )
            )  # fmt: skip
        made.sort(key=lambda e: e.at, reverse=True)
        return made, None


def _only_files_came(happening: Happening) -> bool:
    """What a timeline of everything tells once: by the files."""
    told = happening.differences
    return bool(told) and all(d.name == FEATURE and not d.label and d.before.empty for d in told)


TOLD_ELSEWHERE = (  # what flow writes about a change, and decisions: the approvals tell them, in the language of who reads
    "stage_stay", "pool_move", "sla_clock", "approval_task",
)  # fmt: skip
WANTED: Mapping[Kind, tuple[str, ...]] = {
    "activity": ("kind", "content", "result", "at", "next_contact_at"),
    "comment": ("body", "version"),
    "task": ("status", "priority", "due", "description"),
}


def _asked(call: Call, kind: Kind, of: Object, within: Within, cursor: str | None) -> Ask:
    known = readable(call.model, call.actor, of.name)
    names = [n for n in (*WANTED.get(kind, ()), "created_at", "created_by") if n in known]
    title = [of.title] if call.model.follow(of.name, of.title) is not None and kind != "comment" else []
    sort = ("-at", "-created_at") if kind == "activity" and "at" in known else ("-created_at",)
    return Ask(
        object=of.name, within=within, fields=tuple(dict.fromkeys(["id", *title, *names])), sort=sort,
        limit=PAGE, after=cursor, voided="yes",
    )  # fmt: skip
