"""Following: what hangs on a record goes along to another one: records that point at it, its own files.

In: a write transaction, a record, where its things go. Out: what was moved, so that it can be taken back. What moves keeps what
its rules say of it: that it points at another record is no reason to refuse it, and needs no right of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from psycopg import sql

from patron_engine.actor import Cause
from patron_engine.errors import LimitExceeded
from patron_engine.fields.field import Field, FileSpec, LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.attach import FEATURE, ITSELF
from patron_engine.record.change import Change
from patron_engine.record.files import copied
from patron_engine.record.statements import Conn
from patron_engine.record.undo import Done, versions_of
from patron_engine.ways.save import save

MOST_MOVED: Final = 20_000  # records that go along in one act
Ref = tuple[str, str]  # object, id
Old = tuple[str, str, Mapping[str, Any]]  # object, id, the values before


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """`old` are the records that point elsewhere now, with what they pointed at; `files` ids of files."""

    old: Sequence[Old] = field(default_factory=tuple)
    files: Sequence[str] = field(default_factory=tuple)


def entitled(call: Call, kind: str | None = None) -> Call:
    """The same person with every right, for what goes with a right that was looked at already."""
    cause = Cause(kind=kind or call.cause.kind, detail=call.cause.detail)
    return replace(call, actor=replace(call.actor, administrator=True), cause=cause)


def move_along(conn: Conn, call: Call, source: Ref, to: Ref, names: Sequence[str]) -> Followed:
    """The records of some sets, and with `files` the files of the record itself."""
    object = call.model.objects[source[0]]
    old: list[Old] = []
    for name in names:
        found = object.sets.get(name)
        if found is None:
            continue
        link = call.model.objects[found.object].fields[found.field]
        if to[0] in link.link.to:
            old += point_at(conn, call, link, source, to)
    files = move_files(conn, call, source, to) if FEATURE in names else []
    return Followed(old=old, files=files)


def point_at(conn: Conn, call: Call, link: Field, source: Ref, to: Ref) -> list[Old]:
    """Every living record whose link points at `source` points at `to` from now on."""
    ids = pointing(conn, call, link, source)
    if not ids:
        return []
    within_limit(ids)
    before = as_stood(conn, call, link.object, ids, (link.name,))
    changes = [
        Change(
            action="update", object=link.object, id=id, source="typed",
            set={link.name: instead(link, before[id][link.name], source, to)},
        )
        for id in ids
    ]  # fmt: skip
    save(conn, entitled(call, "moving"), changes)
    return [(link.object, id, before[id]) for id in ids]


def within_limit(ids: Sequence[str]) -> None:
    """LimitExceeded for more records of one link than go along in one act."""
    if len(ids) > MOST_MOVED:
        raise LimitExceeded(
            Phrase("at most {most} records go along at once", most=MOST_MOVED), code="limit_moved_records"
        )


def pointing(conn: Conn, call: Call, link: Field, at: Ref, *, most: int = MOST_MOVED + 1) -> list[str]:
    """The living records whose link points at a record, in the order they were made."""
    table = sql.Identifier(call.schema, call.model.objects[link.object].table)
    live = sql.SQL("deleted_at IS NULL")
    if link.link.many:
        query = sql.SQL(
            "SELECT id::text FROM {} WHERE {} AND id IN (SELECT record FROM {} WHERE target = %s) ORDER BY id LIMIT %s"
        ).format(table, live, sql.Identifier(call.schema, str(link.link.table)))
        return [row[0] for row in conn.execute(query, (at[1], most)).fetchall()]
    where = [sql.SQL("{} = %s").format(sql.Identifier(link.column.name)), live]
    given: list[Any] = [at[1]]
    if link.link.several:
        of = next(c for c in link.columns if c.part == "object")
        where.append(sql.SQL("{} = %s").format(sql.Identifier(of.name)))
        given.append(at[0])
    query = sql.SQL("SELECT id::text FROM {} WHERE {} ORDER BY id LIMIT %s").format(
        table, sql.SQL(" AND ").join(where)
    )
    return [row[0] for row in conn.execute(query, (*given, most)).fetchall()]


def instead(link: Field, value: Any, source: Ref, to: Ref | None) -> Any:
    """A link's value with one record, or none, in place of another; a list names none twice."""
    new = None if to is None else {"object": to[0], "id": to[1]} if link.link.several else to[1]
    if not link.link.many:
        return new
    kept = [new if _id(v) == source[1] else v for v in value or ()]
    return tuple({_id(v): v for v in kept if v is not None}.values())


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def move_files(conn: Conn, call: Call, source: Ref, to: Ref) -> list[str]:
    """Files that hang on the record itself, in no field, where the other one has files too."""
    if FEATURE not in call.model.objects[to[0]].features:
        return []
    query = sql.SQL(
        "UPDATE {} SET object = %s, record = %s WHERE object = %s AND record = %s AND field = %s AND deleted_at IS NULL"
        " RETURNING id::text"
    ).format(sql.Identifier(call.schema, "sys__file"))
    return [row[0] for row in conn.execute(query, (*to, *source, ITSELF)).fetchall()]


def files_back(conn: Conn, call: Call, files: Sequence[str], source: Ref) -> None:
    """Files that went along hang on the record again that they came from; those that were taken off since stay off."""
    if files:
        query = sql.SQL("UPDATE {} SET object = %s, record = %s WHERE id = ANY(%s::uuid[]) AND field = %s")
        conn.execute(query.format(sql.Identifier(call.schema, "sys__file")), (*source, list(files), ITSELF))


def take_back(conn: Conn, call: Call, act: str) -> None:
    """What an undo of an act does not know of: the files that went along hang on the converted record again. In the transaction of
    the undo, which takes back the records."""
    query = sql.SQL("SELECT object, record::text, files FROM {} WHERE batch::text = %s AND files <> '[]'")
    found = conn.execute(query.format(sql.Identifier(call.schema, "sys__converted")), (act,)).fetchall()
    for object, record, files in found:
        files_back(conn, call, files, (object, record))


def as_stood(
    conn: Conn, call: Call, object: str, ids: Sequence[str], fields: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """id -> the values of some fields as they are now, in the form an undo takes."""
    known = call.model.objects[object]
    names = [known.aliases.get(name, name) for name in fields if known.field(name) is not None]
    found = fetch_values(conn, call, object, sorted(set(ids)), names, money="own")
    for name in names:
        of = known.fields[name]
        if isinstance(of.spec, LinkSpec) and of.spec.many and of.spec.several:
            _name_objects(conn, call, of, found)
    return {
        id: {name: _written(known.fields[name], values.get(name)) for name in names}
        for id, values in found.items()
    }


def _name_objects(conn: Conn, call: Call, of: Field, found: Mapping[str, dict[str, Any]]) -> None:
    """A list of records of several objects holds ids alone; whoever writes it says of which object each is."""
    ids = sorted({id for values in found.values() for id in values.get(of.name) or () if isinstance(id, str)})
    objects: dict[str, str] = {}
    for name in of.link.to if ids else ():
        query = sql.SQL("SELECT id::text FROM {} WHERE id = ANY(%s::uuid[])").format(
            sql.Identifier(call.schema, call.model.objects[name].table)
        )
        objects |= {row[0]: name for row in conn.execute(query, (ids,)).fetchall()}
    for values in found.values():
        values[of.name] = [{"object": objects[i], "id": i} for i in values.get(of.name) or () if i in objects]


def _written(of: Field, value: Any) -> Any:
    if isinstance(of.spec, LinkSpec):
        return list(value) if isinstance(value, list | tuple) else value
    return None if value is None else type_of(of).to_wire(of, value)


def changed_by(conn: Conn, call: Call, created: Sequence[Ref], updated: Sequence[Old]) -> list[Done]:
    """What an act did, as an undo takes it: a record that was changed twice has the values before the first time."""
    old: dict[Ref, dict[str, Any]] = {}
    for object, id, values in updated:
        old.setdefault((object, id), {}).update(
            {n: v for n, v in values.items() if n not in old[(object, id)]}
        )
    done = [Done(object=o, id=i, action="created", version=0, old={}) for o, i in created]
    done += [Done(object=o, id=i, action="updated", version=0, old=v) for (o, i), v in old.items()]
    versions = versions_of(conn, call, done)
    for one in done:
        one.version = versions.get((one.object, one.id), 0)
    return done


def with_copies(conn: Conn, call: Call, change: Change, meant: Mapping[str, Any], source: Ref) -> Change:
    """Files that a definition takes over from fields of a record (`meant`) are copied: each hangs on one place."""
    fields, values = call.model.objects[change.object].fields, dict(change.set)
    for name, value in change.set.items():
        if name not in fields or not isinstance(fields[name].spec, FileSpec) or not value:
            continue
        ids = [value] if isinstance(value, str) else list(value)
        mine = [id for id in ids if id in (meant.get(name) or ())]
        new = copied(conn, call, mine, *source)
        made = [new.get(id, id) for id in ids]
        values[name] = made if fields[name].spec.many else made[0]  # type: ignore[union-attr]
    return replace(change, set=values)
