"""Erasing: what an erasure of one person would do, before anything is done, and what stands against it.

In: an administrator's call, the records of the person. Out: a `Preview` with a checksum. Records that are called by a person's name
are emptied of everything personal; business records of what they repeat of him. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import psycopg

from patron_engine import jsonio
from patron_engine.fields.field import Field, FileSpec
from patron_engine.model.model import LinkSet, Object
from patron_engine.model.personal import follows, replaceable, written_fields
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask, Within
from patron_engine.record import erasure
from patron_engine.ways.read import read
from patron_engine.ways.subject import Ref, must_administer, stands, title_of

Connection = psycopg.Connection[Any]
MOST_COPIES = 1_000  # records of one list that may hold a copy of what is erased
LONG = frozenset({"long_text", "rich_text", "image", "file", "audio", "signature"})
OWN = frozenset(
    {"contact", "address", "official_id", "finance"}
)  # kinds of data that are hardly anybody else's
TELLING = 5  # characters from which on a text is looked for inside others


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What would be emptied of one record. `history` are entries that lose former values; `copy`: it only repeats what a record of
    the person says, and stays otherwise as it is."""

    object: str
    id: str
    title: str
    version: int
    deleted: bool
    fields: tuple[str, ...]
    history: int
    files: int = 0
    external_ids: int = 0
    copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """Records that link to the person and are left as they are: their texts may speak of him."""

    object: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Why nothing is erased. `code` is hold, active_user, yourself, required_field, import_running or too_many."""

    code: str
    message: str
    object: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    parts: tuple[Part, ...]
    stays: tuple[Stays, ...]
    against: tuple[Against, ...]
    checksum: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "parts": [_plain(part) for part in self.parts],
            "stays": [_plain(one) for one in self.stays],
            "against": [_plain(one) for one in self.against],
            "checksum": self.checksum,
        }


def preview(conn: Connection, call: Call, refs: Sequence[Ref]) -> Preview:
    """What would be done; changes nothing. NotFound for a record that is not there."""
    must_administer(call)
    parts: list[Part] = []
    against: list[Against] = []
    stays: dict[str, int] = {}
    values = told_by(conn, call, refs)
    people = any(of_people(call.model.objects[r.object]) for r in refs)
    for ref in refs:
        object = call.model.objects[ref.object]
        row, deleted = stands(conn, call, ref, tuple(written_fields(object)))
        if people and not of_people(object):
            parts.append(_copy(conn, call, object, row, _repeats(object, row, values), deleted))
        else:
            parts.append(_part(conn, call, object, ref, row, deleted))
        against.extend(_against(conn, call, object, ref, row, deleted))
    taken = {(r.object, r.id) for r in refs}
    for ref in refs:
        for set_, rows, more in _linked(conn, call, ref):
            other = call.model.objects[set_.object]
            if more and ref.object != "user" and not of_people(other) and written_fields(other):
                against.append(_much(other))
            rest = [r for r in rows if (other.name, r["id"]) not in taken]
            stays[other.name] = stays.get(other.name, 0) + len(rest)
            for row in rest if ref.object != "user" and not of_people(other) else ():
                fields = _repeats(other, row, values)
                if fields:
                    taken.add((other.name, row["id"]))
                    parts.append(_copy(conn, call, other, row, fields))
    if erasure.imports_running(conn, call):
        against.append(
            Against(code="import_running", message=Phrase("an import is running: wait for its end"))
        )
    told = [(p.object, p.id, p.version, p.fields) for p in parts]
    return Preview(
        parts=tuple(parts), against=tuple(against), checksum=sha256(jsonio.dumps(told)).hexdigest()[:32],
        stays=tuple(Stays(object=n, records=c) for n, c in sorted(stays.items()) if c),
    )  # fmt: skip


def _part(
    conn: Connection, call: Call, object: Object, ref: Ref, row: Mapping[str, Any], deleted: bool
) -> Part:
    entries, _ = erasure.former(conn, call, object, ref.id, follows(object))
    filled = tuple(n for n in written_fields(object) if row.get(n) not in (None, "", []))
    return Part(
        object=ref.object, id=ref.id, title=title_of(conn, call, ref, deleted), version=row["version"], deleted=deleted,
        fields=filled, history=entries,
        files=len(erasure.files_of(conn, call, ref.object, ref.id)) if of_people(object) else 0,
        external_ids=len(erasure.ids_elsewhere(conn, call, ref.object, ref.id)) if of_people(object) else 0,
    )  # fmt: skip


def _copy(
    conn: Connection, call: Call, object: Object, row: Mapping[str, Any], fields: tuple[str, ...], deleted: bool = False
) -> Part:  # fmt: skip
    ref = Ref(object=object.name, id=row["id"])
    entries, _ = erasure.former(conn, call, object, ref.id, fields)
    return Part(
        object=ref.object, id=ref.id, title=title_of(conn, call, ref, deleted), version=row["version"], deleted=deleted,
        fields=fields, history=entries, copy=True,
    )  # fmt: skip


def _against(
    conn: Connection, call: Call, object: Object, ref: Ref, row: Mapping[str, Any], deleted: bool
) -> Iterator[Against]:
    place = {"object": ref.object, "id": ref.id}
    if object.hold is not None:
        ask = Ask(
            object=object.name,
            ids=(ref.id,),
            where=object.hold.source,
            fields=("id",),
            deleted=deleted,
            voided="yes",
        )
        if read(conn, call, ask, secret=b"").rows():
            said = Phrase("{title} is held: its data is not erased", title=title_of(conn, call, ref, deleted))
            yield Against(code="hold", message=said, **place)
    if ref.object == "user":
        if ref.id == call.actor.user:
            yield Against(code="yourself", message=Phrase("nobody erases himself"), **place)
        elif "active" in object.fields and stands(conn, call, ref, ("active",))[0].get("active"):
            said = Phrase(
                "{title} still works here: switch the user off first", title=str(row.get("name", ""))
            )
            yield Against(code="active_user", message=said, **place)
    for name, field in written_fields(object).items():
        if row.get(name) is not None and not replaceable(field) and not deleted:
            said = Phrase("{field} may not be empty and nothing can stand in its place", field=name)
            yield Against(code="required_field", message=said, **place)


def _linked(conn: Connection, call: Call, ref: Ref) -> Iterator[tuple[LinkSet, list[dict[str, Any]], bool]]:
    """The living records that link to this one, list by list, with what they say of people; whether there are too many."""
    row = stands(conn, call, ref, ())
    if row[1]:
        return  # what links to a record in the recycle bin shows nothing of it
    for name, found in call.model.objects[ref.object].sets.items():
        other = call.model.objects[found.object]
        fields = ("id", "version", *written_fields(other))
        within = Within(object=ref.object, id=ref.id, set=name)
        rows: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            ask = Ask(object=other.name, within=within, fields=fields, limit=200, after=after, voided="yes")
            page = read(conn, call, ask, secret=b"erase")
            rows += page.rows()
            after = page.next
            if after is None or len(rows) > MOST_COPIES:
                break
        yield found, rows[:MOST_COPIES], len(rows) > MOST_COPIES


def _repeats(object: Object, row: Mapping[str, Any], values: set[str]) -> tuple[str, ...]:
    """The personal fields of a linked record that say what a record of the person says."""
    found = []
    for name, field in written_fields(object).items():
        value = row.get(name)
        if isinstance(field.spec, FileSpec) or not isinstance(value, str | Mapping) or not value:
            continue
        text = value if isinstance(value, str) else jsonio.canonical(value).decode()
        same = text in values or any(len(v) >= TELLING and v in text for v in values)
        if same and replaceable(field):
            found.append(name)
    return tuple(found)


def told_by(conn: Connection, call: Call, refs: Sequence[Ref]) -> set[str]:
    """What the records of a person say of him and of hardly anybody else, now and before, as texts. Where some of them are called
    by his name, only those."""
    mine = [r for r in refs if of_people(call.model.objects[r.object])]
    found: set[str] = set()
    for ref in mine or refs:
        object = call.model.objects[ref.object]
        names = [n for n, f in written_fields(object).items() if _telling(object, f)]
        row, _ = stands(conn, call, ref, names)
        for value in (
            *(row.get(n) for n in names),
            *erasure.former_values(conn, call, object, ref.id, names),
        ):
            if isinstance(value, str) and value:
                found.add(value)
            elif isinstance(value, Mapping):
                found.add(jsonio.canonical(value).decode())
    return found


def _telling(object: Object, field: Field) -> bool:
    return field.type not in LONG and (field.personal in OWN or field.name == object.title)


def of_people(object: Object) -> bool:
    """Records that are called by a person's name are another person's: what they share with this one stays theirs."""
    title = object.field(object.title)
    return title is not None and title.personal == "identity"


def _much(object: Object) -> Against:
    said = Phrase("more than {most} {object} link to this record", most=MOST_COPIES, object=object.name)
    return Against(code="too_many", message=said, object=object.name)


def _plain(value: Part | Stays | Against) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
