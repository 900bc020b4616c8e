"""The way subject: the records of one person: found by what he is reached by, and others that say the same of somebody.

In: an administrator's call; a phone number, an address, a name or number; or records. Out: `Found`s: records of the living and of the
recycle bin. Forbidden for anybody else: personal data is looked after by administrators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.errors import Forbidden, LimitExceeded, NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field
from patron_engine.fields.link import read_id
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object
from patron_engine.model.personal import personal_fields, written_fields
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask, quoted
from patron_engine.query.titles import titles_of
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
MOST_FOUND = 200  # limit_person_found: records of one search
MOST_RECORDS = 50  # limit_person_records: records one person is made of
LONGEST = 320  # characters that are looked for
SHORTEST = 2
SOUGHT = frozenset({"text", "email", "phone"})  # types of the fields somebody is found by
TELLING = frozenset({"email", "phone"})  # equal values of these are told as perhaps the same person


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    object: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A record of somebody. `fields` are those that matched."""

    object: str
    id: str
    title: str
    deleted: bool
    fields: tuple[str, ...] = ()


def must_administer(call: Call) -> None:
    if not (call.actor.administrator or call.actor.system):
        raise Forbidden("personal data is looked after by administrators", hint="ask an administrator")


def find_person(conn: Connection, call: Call, text: str) -> list[Found]:
    """The records one of whose personal fields is exactly this, in the form in which it is kept."""
    must_administer(call)
    if not SHORTEST <= len(text.strip()) <= LONGEST:
        message = Phrase("what is looked for has {least} to {most} characters", least=SHORTEST, most=LONGEST)
        raise Refused([Problem(code="bad_search", message=message, path="value")])
    return list(_found(conn, call, {None: [text]}))


def others(conn: Connection, call: Call, refs: Sequence[Ref]) -> list[Found]:
    """Records beside these that have the same address or number: perhaps the same person."""
    must_administer(call)
    values: dict[str | None, list[str]] = {}
    for ref in refs:
        object = call.model.objects[ref.object]
        names = [n for n, f in personal_fields(object).items() if f.type in TELLING]
        row = stands(conn, call, ref, names)[0] if names else {}
        for name in names:
            if row.get(name):
                values.setdefault(object.fields[name].type, []).append(str(row[name]))
    known = {(r.object, r.id) for r in refs}
    return [f for f in _found(conn, call, values) if (f.object, f.id) not in known]


def refs_of(call: Call, given: Iterable[Mapping[str, Any]]) -> list[Ref]:
    """Records as somebody named them. NotFound for an object that says nothing of people."""
    found: list[Ref] = []
    for each in given:
        object = call.model.object(str(each.get("object")))
        if object is None or not written_fields(object):
            raise NotFound(Phrase("{object} has no personal data", object=str(each.get("object"))[:60]))
        try:
            ref = Ref(object=object.name, id=read_id(each.get("id")))
        except ValueFault:
            raise _missing(object) from None
        if ref not in found:
            found.append(ref)
    if len(found) > MOST_RECORDS:
        raise LimitExceeded(
            Phrase("a person is made of at most {most} records", most=MOST_RECORDS),
            code="limit_person_records",
        )
    if not found:
        raise Refused([Problem(code="required", message="name the records of the person", path="records")])
    return found


def stands(conn: Connection, call: Call, ref: Ref, fields: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """The values of a record as JSON, and whether it lies in the recycle bin. NotFound."""
    for deleted in (False, True):
        ask = Ask(
            object=ref.object, ids=(ref.id,), fields=("id", "version", *fields), deleted=deleted, voided="yes"
        )
        rows = read(conn, call, ask, secret=b"").rows()
        if rows:
            return rows[0], deleted
    raise _missing(call.model.objects[ref.object])


def title_of(conn: Connection, call: Call, ref: Ref, deleted: bool) -> str:
    return titles_of(conn, call, {ref.object: [ref.id]}, deleted=deleted).get((ref.object, ref.id), "")


def _found(conn: Connection, call: Call, values: Mapping[str | None, Sequence[str]]) -> Iterable[Found]:
    """`values` by the type of field they are looked for in; None: in every one."""
    number = 0
    for object in call.model.objects.values():
        wanted = {
            name: texts
            for name, field in personal_fields(object).items()
            if (texts := _sought(field, [*values.get(None, ()), *values.get(field.type, ())]))
        }
        if not wanted:
            continue
        where = " or ".join(f"{n} in ({', '.join(map(quoted, t))})" if len(t) > 1 else f"{n} == {quoted(t[0])}" for n, t in wanted.items())  # fmt: skip
        for deleted in (False, True):
            ask = Ask(
                object=object.name, where=where, fields=("id", *wanted), deleted=deleted, voided="yes", limit=MOST_FOUND
            )  # fmt: skip
            rows = read(conn, call, ask, secret=b"").rows()
            titles = titles_of(conn, call, {object.name: [r["id"] for r in rows]}, deleted=deleted)
            for row in rows:
                number += 1
                if number > MOST_FOUND:
                    raise LimitExceeded(
                        Phrase("more than {most} records have this", most=MOST_FOUND), code="limit_person_found",
                        hint="look for a number or an address",
                    )  # fmt: skip
                matching = tuple(n for n, texts in wanted.items() if row.get(n) in texts)
                title = titles.get((object.name, row["id"]), "")
                yield Found(object=object.name, id=row["id"], title=title, deleted=deleted, fields=matching)


def _sought(field: Field, texts: Sequence[str]) -> list[str]:
    """The texts as this field keeps them; nothing for a field they cannot stand in."""
    if field.type not in SOUGHT or (field.computed and not field.columns):
        return []
    found: list[str] = []
    for text in texts:
        try:
            value = type_of(field).read_text(field, text)
        except ValueFault:
            continue
        if isinstance(value, str) and value not in found:
            found.append(value)
    return found


def _missing(object: Object) -> NotFound:
    return NotFound(Phrase("there is no such {object}", object=object.name), hint="it may have been purged")
