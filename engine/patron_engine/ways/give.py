"""The way give: single records given to people, departments, groups and roles, and taken away again.

    who -> may he share it -> to whom -> not more than he has -> the rights, of linked records too where asked -> history

In: a record, a `Wish`. Out: what was given, to how many records. Everything happens in the caller's write transaction. Who may
share a record says who has it beside its owner; a team member works on it and has a name for what he does, a share shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, cast

import psycopg
from psycopg import sql

from patron_engine.access.decide import not_allowed
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, PatronError, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.model.model import LinkSet, Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.actionable import reached_among, reached_in
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.record.given import Gift, Kept, Level, Reason, end_gift, gifts_of, write_gift
from patron_engine.ways.principals import Principal, principal_of, principals_named
from patron_engine.ways.read import read_one

Connection = psycopg.Connection[Any]
MAX_GIVEN = 200  # limit_given: rights of one reason that one record has
MAX_ALONG = 2_000  # limit_given_along: linked records that are given with one
MAX_ROLE = 60  # characters of what a team member is called
LEVELS = ("read", "edit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to give, as he said it. `until` is a day or a moment; `along` names sets of the record."""

    reason: Reason
    to: Any
    level: Any = "read"
    until: Any = None
    role: Any = None
    along: Any = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A right as it stands, with the names the reader may see. `owner` is no right that was given."""

    principal: Principal | None
    level: Level
    reason: str
    until: datetime | None
    role: str | None
    by: Principal | None
    at: datetime | None


def give(conn: Connection, call: Call, object: str, id: str, wish: Wish) -> int:
    """Gives the record, and what hangs on it as far as the caller may; the number of records given."""
    found, known = _shared(conn, call, object, id)
    level = _level(wish.level)
    to = principal_of(
        conn, call, wish.to, ("user",) if wish.reason == "team" else ("user", "department", "group", "role")
    )
    if to.id in (call.actor.user, owner_of(conn, call, found, known)):
        raise _wrong("has_it", Phrase("{name} has this record already", name=to.title), "to")
    until, sets = moment(call, wish.until), sets_of(call, found, wish.along)
    if level == "edit" and not reached_among(conn, call, found.name, "update", [known]):
        raise Forbidden(
            Phrase("nobody gives more than he has: you may not change this record"),
            hint=Phrase("give it to read"),
        )
    _room(conn, call, found, known, wish.reason, to.id)
    gift = Gift(kind=to.kind, principal=to.id, level=level, reason=wish.reason, until=until, role=_role(wish))
    write_gift(conn, call, found.name, [known], gift)
    given = 1
    for related in sets:
        ids = along(conn, call, related, known, level)
        write_gift(conn, call, related.object, ids, gift)
        given += len(ids)
    return given


def take(
    conn: Connection, call: Call, object: str, id: str, principal: str, reason: Reason, sets: Any = ()
) -> int:
    """Ends what was given, at once; the number of records. The owner is nobody's to remove."""
    found, known = _shared(conn, call, object, id)
    if principal == owner_of(conn, call, found, known):
        raise Conflict(
            "the owner of a record cannot be removed",
            code="owner_stays",
            hint=Phrase("hand the record to somebody else"),
        )
    related = sets_of(call, found, sets)
    try:
        ended = end_gift(conn, call, found.name, [known], read_id(principal), reason)
    except ValueFault:
        ended = []
    if not ended:
        raise NotFound("this was not given, or has ended")
    taken = 1
    for each in related:
        ids = reached_among(
            conn,
            call,
            each.object,
            "share",
            reached_in(conn, call, each, known, "share", MAX_ALONG),
            lock=True,
        )
        taken += len(end_gift(conn, call, each.object, ids, read_id(principal), reason))
    return taken


def given(conn: Connection, call: Call, object: str, id: str) -> tuple[Principal | None, list[Given]]:
    """The owner, and every right given for the record that is in force. Whoever reads the record may ask."""
    found = known_object(call, object)
    known = str(read_one(conn, call, found.name, id, fields=("id",)).record()["id"])
    owner, kept = owner_of(conn, call, found, known), gifts_of(conn, call, found.name, known)
    people = [k.principal for k in kept] + [k.by for k in kept if k.by] + ([owner] if owner else [])
    names = principals_named(conn, call, people)
    return names.get(owner or ""), [_given(k, names) for k in kept]


def _given(kept: Kept, names: Mapping[str, Principal]) -> Given:
    return Given(
        principal=names.get(kept.principal), level=kept.level, reason=kept.reason, until=kept.until, role=kept.role,
        by=names.get(kept.by or ""), at=kept.at,
    )  # fmt: skip


def owner_of(conn: Connection, call: Call, object: Object, id: str) -> str | None:
    field = object.fields.get("owner")
    if field is None or not field.columns:
        return None
    row = conn.execute(
        sql.SQL("SELECT {}::text FROM {} WHERE id = %s").format(
            sql.Identifier(field.column.name), sql.Identifier(call.schema, object.table)
        ),
        (id,),
    ).fetchone()
    return row[0] if row is not None else None


def sets_of(call: Call, object: Object, names: Any) -> list[LinkSet]:
    """The sets a caller named whose records go with a record. Details go with it anyway."""
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
        raise _wrong("not_list", Phrase("with is a list of names of related lists"), "with")
    open_ones = offered_sets(call, object)
    unknown = [n for n in names if n not in open_ones]
    if unknown:
        message = Phrase("{object} has no related list {name!r} that could go along", object=object.name, name=unknown[0][:60])  # fmt: skip
        hint = nearest(unknown[0], open_ones)
        raise Refused([Problem(code="unknown_set", message=message, path="with", hint=hint)])
    return [open_ones[n] for n in dict.fromkeys(names)]


def offered_sets(call: Call, object: Object) -> dict[str, LinkSet]:
    """The sets of an object whose records have owners of their own and are the caller's to know."""
    found = {}
    for name, related in object.sets.items():
        of = call.model.objects[related.object]
        if related.master or "owner" not in of.fields or of.fields[related.field].computed:
            continue
        try:
            known_object(call, of.name)
        except NotFound:
            continue
        found[name] = related
    return found


def along(conn: Connection, call: Call, related: LinkSet, id: str, level: Level) -> list[str]:
    """The records of a set that the caller may give at that level, locked."""
    ids = reached_in(conn, call, related, id, "share", MAX_ALONG + 1)
    if len(ids) > MAX_ALONG:
        raise LimitExceeded(
            Phrase("at most {most} linked records are given with one", most=MAX_ALONG),
            code="limit_given_along",
        )
    mine = reached_among(conn, call, related.object, "share", ids, lock=True)
    return reached_among(conn, call, related.object, "update", mine) if level == "edit" else mine


def moment(call: Call, said: Any) -> datetime | None:
    """A day (until its end, in the workspace's zone) or a moment, in the future."""
    if said in (None, ""):
        return None
    zone = call.model.workspace.zone
    if not isinstance(said, str):
        raise _no_moment()
    try:
        if len(said) == len("2026-05-20"):
            found = datetime.combine(date.fromisoformat(said), time(23, 59, 59), zone)
        else:
            found = datetime.fromisoformat(said)
            found = found if found.tzinfo is not None else found.replace(tzinfo=zone)
    except (ValueError, OverflowError) as error:
        raise _no_moment() from error
    if found <= call.now:
        raise _wrong("past", Phrase("until lies in the past"), "until")
    return found


def _no_moment() -> PatronError:
    return _wrong("not_moment", Phrase("until is a day or a moment, for example 2026-05-20"), "until")


def _shared(conn: Connection, call: Call, object: str, id: str) -> tuple[Object, str]:
    """The object and the id of a record the caller may share, which is locked. A detail is its master's."""
    found = known_object(call, object)
    known = str(read_one(conn, call, found.name, id, fields=("id",)).record()["id"])
    if found.master is not None and found.owner == "master":
        raise Refused(
            [
                Problem(
                    code="detail",
                    message=Phrase("a detail has the rights of its master: give that one"),
                    path=None,
                )
            ]
        )
    if not reached_among(conn, call, found.name, "share", [known], lock=True):
        raise Forbidden(not_allowed("share", found, call.actor.languages))
    return found, known


def _room(conn: Connection, call: Call, object: Object, id: str, reason: Reason, principal: str) -> None:
    others = [
        k for k in gifts_of(conn, call, object.name, id) if k.reason == reason and k.principal != principal
    ]
    if len(others) >= MAX_GIVEN:
        raise LimitExceeded(Phrase("a record is given to at most {most}", most=MAX_GIVEN), code="limit_given")


def _level(said: Any) -> Level:
    if said not in LEVELS:
        raise _wrong("unknown_value", Phrase("level is read or edit"), "level")
    return cast(Level, said)


def _role(wish: Wish) -> str | None:
    if wish.role in (None, ""):
        return None
    if (
        wish.reason != "team"
        or not isinstance(wish.role, str)
        or len(wish.role.strip()) > MAX_ROLE
        or "\x00" in wish.role
    ):
        raise _wrong("bad_role", Phrase("role is a text of at most {most} characters", most=MAX_ROLE), "role")
    return wish.role.strip() or None


def _wrong(code: str, message: str, path: str) -> PatronError:
    return Refused([Problem(code=code, message=message, path=path)])
