"""Changes: the history of a record as people read it: who did what when, and each value before and after.

In: a record, its history as its reader may see it (query/history), how far one has read, whose saves and of which field. Out: a
page of `Happening`s, the newest first. History keeps what was there before a save; what came after is what the next save found,
or what stands there today. Links are kept as ids: their
titles are read here, those one may not see stay unnamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.errors import NotFound
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.model.automations import document_of
from patron_engine.model.model import Object
from patron_engine.page.gifts import Gift, gifts_in
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Item, Shown, moment_of, person, shown
from patron_engine.query.call import Call
from patron_engine.query.files import FEATURE as FILES
from patron_engine.query.files import record_files
from patron_engine.query.fitting import readable_here
from patron_engine.query.history import Wanted, history_page, stood_at, writers
from patron_engine.query.names import known_object
from patron_engine.query.spec import MAX_FIELDS
from patron_engine.query.titles import titles_of
from patron_engine.ways.read import read_one

Connection = psycopg.Connection[Any]
PAGE = 20
EVERYTHING = Wanted()
KEPT_SYSTEM = frozenset({"owner", "department", "queue", "record_type", "currency"})  # that people change
Titles = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that a save changed; without a label the files of the record itself, those that went and those that came."""

    name: str
    label: str
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One save. `action` is created, updated, deleted …; `cause` what it came from (user, key, import, automation …), `named` what
    that is called, `run` the automation's run that did it."""

    at: datetime
    version: int
    action: str
    by: Item | None
    by_me: bool
    cause: str
    named: str
    differences: tuple[Difference, ...]
    gift: Gift | None = None
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happenings:
    """`next` is the version to go on before."""

    found: tuple[Happening, ...]
    next: int | None


def happenings(
    conn: Connection, call: Call, reader: Reader, object: str, id: str, *,
    before: int | None = None, wanted: Wanted = EVERYTHING, most: int = PAGE,
) -> Happenings:  # fmt: skip
    """What was done to a record, the newest first."""
    known = known_object(call, object)
    fields = readable(call.model, call.actor, known.name)
    page = history_page(conn, call, known.name, id, before=before, limit=most, wanted=wanted)
    touched = {name for entry in page.entries for name in entry["old"] if name in fields}
    values = _today(conn, call, known, id, sorted(touched))
    if any(FILES in entry["old"].keys() - fields.keys() for entry in page.entries):
        values[FILES] = _files_today(conn, call, known, id)
    currency = values.get("currency") if known.record_currency else None
    later = [_later(conn, call, known, id, n, page.entries, before, wanted) for n in range(len(page.entries))]
    titles = _titles(conn, call, fields, [*(entry["old"] for entry in page.entries), *later])
    made = []
    gifts = gifts_in(conn, call, reader, page.entries)
    for entry, stood, gift in zip(page.entries, later, gifts, strict=True):
        values |= {name: _named(fields.get(name), value, titles) for name, value in stood.items()}
        differences = []
        for name, old in entry["old"].items():
            field = fields.get(name)
            if field is None:
                differences.append(_files_changed(old or [], values.get(name) or []))
                values[name] = old
                continue
            replaced = _named(field, old, titles)
            differences.append(
                Difference(
                    name=name,
                    label=reader.say(field.label, name),
                    before=shown(field, replaced, reader, currency),
                    after=shown(field, values.get(name), reader, currency),
                )
            )
            values[name] = replaced
        made.append(replace(_happening(call, reader, entry, _told(differences, fields)), gift=gift))
    return Happenings(found=tuple(made), next=page.next)


def _files_changed(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Difference:
    """Of files that hang on the record itself: those that went and those that came."""
    stay = {f["id"] for f in before} & {f["id"] for f in after}
    gone, come = ([f for f in some if f["id"] not in stay] for some in (before, after))
    return Difference(name=FILES, label="", before=_files(gone), after=_files(come))


def _files(some: Sequence[Mapping[str, Any]]) -> Shown:
    items = tuple(Item(text=f.get("name") or "…", id=f["id"], mime=f.get("mime")) for f in some)
    return Shown(kind="files", text=", ".join(i.text for i in items), items=items) if items else EMPTY


def _files_today(conn: Connection, call: Call, object: Object, id: str) -> list[dict[str, Any]]:
    try:
        return record_files(conn, call, object.name, id)
    except NotFound:  # in the recycle bin, where nothing hangs on it
        return []


def _later(
    conn: Connection, call: Call, object: Object, id: str, n: int, entries: Sequence[Mapping[str, Any]],
    before: int | None, wanted: Wanted,
) -> dict[str, Any]:  # fmt: skip
    """What is known of the values after an entry from saves that are not on this page: of everything on it before the first
    one, of an entry's own fields before each where saves between them were left out."""
    version = int(entries[n]["version"])
    if wanted != EVERYTHING:
        return stood_at(conn, call, object.name, id, version, entries[n]["old"].keys())
    if n > 0 or before is None:
        return {}
    touched = {name for entry in entries for name in entry["old"]}
    return stood_at(conn, call, object.name, id, version, touched)


def _happening(
    call: Call, reader: Reader, entry: Mapping[str, Any], differences: tuple[Difference, ...]
) -> Happening:
    by = entry["by"]
    cause, named = cause_of(call, reader, entry["cause"] or {})
    return Happening(
        at=moment_of(entry["at"]),
        version=int(entry["version"]),
        action=str(entry["action"]),
        by=person(by),
        by_me=by is not None and str(by["id"]) == call.actor.user,
        cause=cause,
        named=named,
        differences=differences,
        run=str((entry["cause"] or {}).get("run") or ""),
    )


def cause_of(call: Call, reader: Reader, cause: Mapping[str, Any]) -> tuple[str, str]:
    """Why something was saved, and the name of what did it: a key, a row of a file, an automation."""
    kind = str(cause.get("kind", "user"))
    if kind == "rollback" and "import" in cause:
        return "import_undo", ""
    if kind in ("user", "key", "conversion") and "undo" in cause:
        return "undo", ""
    if kind in ("user", "key") and "transfer" in cause:
        return "transfer", ""
    if kind == "user" and "bulk" in cause:
        return "bulk", ""
    if kind == "import":
        return ("import_row", str(cause["row"])) if "row" in cause else ("import", "")
    if kind == "merge":
        return ("unmerge" if "undo" in cause else "merge"), ""
    if kind in ("automation", "approval", "conversion", "webform"):
        name = str(cause.get(kind) or cause.get("form") or "")
        of = (kind, name) if name else document_of(str(cause.get("rule") or ""))
        body, name = call.model.documents.get(of) or {}, of[1]
        return kind, reader.say(body.get("label"), name)
    return kind, str(cause.get("key", "")) if kind == "key" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the changes of a record can be narrowed by: its fields, and who wrote it."""

    fields: tuple[tuple[str, str], ...]
    people: tuple[Item, ...]


def choices_of(conn: Connection, call: Call, reader: Reader, object: str, id: str) -> Choices:
    """The caller was allowed to read the record."""
    known = known_object(call, object)
    fields = readable_here(conn, call, known.name, id, readable(call.model, call.actor, known.name))
    ids = writers(conn, call, known.name, id)
    names = titles_of(conn, call, {"user": ids}) if "user" in call.model.objects else {}
    people = [Item(text=names.get(("user", by), "…"), object="user", id=by) for by in ids]
    own = [f for f in fields.values() if not f.computed and (not f.system or f.name in KEPT_SYSTEM)]
    return Choices(
        fields=tuple((f.name, reader.say(f.label, f.name)) for f in own),
        people=tuple(sorted(people, key=lambda item: item.text)),
    )


def _told(differences: list[Difference], fields: Mapping[str, Field]) -> tuple[Difference, ...]:
    """What somebody changed; figures that followed are told only where nothing else changed."""
    own = [d for d in differences if d.name not in fields or not fields[d.name].computed]
    return tuple(own or differences)


def _today(conn: Connection, call: Call, object: Object, id: str, names: list[str]) -> dict[str, Any]:
    """Today's values of the fields, of a record that lives or lies in the bin."""
    if object.record_currency and "currency" not in names:
        names = [*names, "currency"]
    wanted = names[: MAX_FIELDS - 1] or ["id"]
    try:
        return read_one(conn, call, object.name, id, fields=wanted).record()
    except NotFound:
        return read_one(conn, call, object.name, id, fields=wanted, deleted=True).record()


def _titles(
    conn: Connection, call: Call, fields: Mapping[str, Field], olds: Iterable[Mapping[str, Any]]
) -> Titles:
    """The titles of all records that stood in links, one question an object."""
    wanted: dict[str, set[str]] = {}
    for old in olds:
        for name, value in old.items():
            field = fields.get(name)
            if field is not None and isinstance(field.spec, LinkSpec):
                for object, id in _ids(field.spec, value):
                    wanted.setdefault(object, set()).add(id)
    return titles_of(conn, call, {object: sorted(ids) for object, ids in wanted.items()})


def _ids(spec: LinkSpec, value: Any) -> list[tuple[str, str]]:
    made = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping) and one.get("id"):
            made.append((str(one.get("object") or spec.to[0]), str(one["id"])))
        elif isinstance(one, str):
            made.append((spec.to[0], one))
    return made


def _named(field: Field | None, value: Any, titles: Titles) -> Any:
    """A link of the history as an answer of the way read shows it; other values as they are."""
    if field is None or not isinstance(field.spec, LinkSpec) or value is None:
        return value
    made = [
        {"object": object, "id": id, "title": titles.get((object, id))}
        for object, id in _ids(field.spec, value)
    ]
    return made if field.spec.many else (made[0] if made else None)
