"""The way transfer: records handed to another owner, alone or many, with what hangs on them where asked.

    may he transfer it -> to whom -> the owner changes through the way save -> the old owner stays in the team, or does not

In: records, a `Handing`. Out: how many went; nothing of it where it waits for an approval, whose end does the rest. Everything happens in the caller's write transaction; the history says that it was a
transfer. Of linked records those go along that had the same owner and that the caller may transfer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import psycopg
from psycopg import sql

from patron_engine.access.decide import not_allowed
from patron_engine.approval.store import note_handing
from patron_engine.errors import Forbidden, LimitExceeded, MustChoose, NotFound, PatronError, Refused
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.actionable import reached_among, reached_in
from patron_engine.query.call import Call
from patron_engine.query.handed import note_handed
from patron_engine.query.names import known_object, permitted_object
from patron_engine.record.change import Change
from patron_engine.record.given import Gift, Level, end_gift, write_gift
from patron_engine.record.ids import record_id
from patron_engine.ways.give import MAX_ALONG, sets_of
from patron_engine.ways.principals import principal_of
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save

Connection = psycopg.Connection[Any]
KEEPS = (None, "read", "edit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """To whom, as the caller said it. `keep` is what the old owner keeps, as a member of the team; `along` names sets."""

    to: Any
    keep: Any = None
    along: Any = ()
    confirm: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """How many records went; `instance` is the approval that it waits for."""

    records: int
    instance: str | None = None


def transfer(conn: Connection, call: Call, object: str, id: str, handing: Handing) -> Went:
    """Hands a record over."""
    found = known_object(call, object)
    known = str(read_one(conn, call, found.name, id, fields=("id",)).record()["id"])
    if "owner" not in found.fields:
        raise Refused(
            [Problem(code="no_owner", message=Phrase("records of this object have no owner"), path=None)]
        )
    if not reached_among(conn, call, found.name, "transfer", [known], lock=True):
        raise Forbidden(not_allowed("transfer", found, call.actor.languages))
    if handing.keep not in KEEPS:
        raise Refused(
            [Problem(code="unknown_value", message=Phrase("keep is read, edit, or nothing"), path="keep")]
        )
    to = principal_of(conn, call, handing.to, ("user",))
    sets_of(call, found, handing.along)
    call = replace(call, cause=replace(call.cause, detail={**call.cause.detail, "transfer": True}))
    owner = owners(conn, call, found, [known])[known]
    waits = _hand(conn, call, found, [known], owner, to.id, handing)
    if waits is not None:
        note_handing(
            conn, call.schema, waits, {"owner": owner, "keep": handing.keep, "along": list(handing.along)}
        )
        return Went(records=0, instance=waits)
    more = _along(conn, call, found, known, owner, to.id, handing)
    return Went(records=more + (owner != to.id))


def transferred(conn: Connection, call: Call, object: str, id: str, to: str, kept: Mapping[str, Any]) -> None:
    """What goes with a transfer that waited and is carried out now; `kept` was noted when it was asked for."""
    found, owner = call.model.objects[object], kept["owner"]
    handing = Handing(to={"user": to}, keep=kept["keep"], along=kept["along"])
    _settled(conn, call, found, [id], owner, to, handing)
    _along(conn, call, found, id, owner, to, handing)


def _along(
    conn: Connection, call: Call, object: Object, id: str, owner: str | None, to: str, handing: Handing
) -> int:
    """Linked records that go with it; how many."""
    gone = 0
    for related in sets_of(call, object, handing.along):
        of = call.model.objects[related.object]
        ids = reached_in(conn, call, related, id, "transfer", MAX_ALONG + 1)
        if len(ids) > MAX_ALONG:
            raise LimitExceeded(
                Phrase("at most {most} linked records are handed over with one", most=MAX_ALONG),
                code="limit_given_along",
            )
        mine = [i for i, whose in owners(conn, call, of, ids).items() if whose == owner]
        if owner != to:
            _hand(conn, call, of, mine, owner, to, handing)
            gone += len(mine)
    return gone


def transfer_each(
    conn: Connection, call: Call, object: str, ids: Sequence[str], handing: Handing
) -> list[tuple[str, Went, PatronError | None]]:
    """Each record by itself: (id, what went with it, why it did not). Many at once is a right of its own, on each of them."""
    found = permitted_object(call, object, "bulk")
    many = set(reached_among(conn, call, found.name, "bulk", [k for id in ids if (k := record_id(id))]))
    made: list[tuple[str, Went, PatronError | None]] = []
    for id in ids:
        try:
            with conn.transaction():
                read_one(conn, call, found.name, id, fields=("id",))
                if record_id(id) not in many:
                    raise Forbidden(not_allowed("bulk", found, call.actor.languages))
                made.append((id, transfer(conn, call, object, id, handing), None))
        except (Refused, MustChoose, Forbidden, NotFound, LimitExceeded) as error:
            made.append((id, Went(records=0), error))
    return made


def owners(conn: Connection, call: Call, object: Object, ids: Sequence[str]) -> Mapping[str, str | None]:
    rows = conn.execute(
        sql.SQL("SELECT id::text, {}::text FROM {} WHERE id = ANY(%s::uuid[]) ORDER BY id").format(
            sql.Identifier(object.fields["owner"].column.name), sql.Identifier(call.schema, object.table)
        ),
        (list(ids),),
    )
    return dict(rows.fetchall())


def _hand(
    conn: Connection, call: Call, object: Object, ids: Sequence[str], owner: str | None, to: str, handing: Handing
) -> str | None:  # fmt: skip
    """The approval that the last of those waits for which do not go at once."""
    if not ids or owner == to:
        return None
    if handing.keep == "edit" and len(reached_among(conn, call, object.name, "update", ids)) < len(ids):
        raise Forbidden(
            Phrase("nobody gives more than he has: you may not change this record"),
            hint=Phrase("give it to read"),
        )
    changes = [
        Change(action="transfer", object=object.name, id=id, set={"owner": to}, confirm=handing.confirm)
        for id in ids
    ]
    waiting = {o.id: o.instance for o in save(conn, call, changes) if o.action == "submitted"}
    _settled(conn, call, object, [i for i in ids if i not in waiting], owner, to, handing)
    return next(iter(waiting.values()), None)


def _settled(
    conn: Connection, call: Call, object: Object, ids: Sequence[str], owner: str | None, to: str, handing: Handing
) -> None:  # fmt: skip
    """Records that have their new owner."""
    note_handed(conn, call, object.name, ids, to)
    if not ids:
        return
    end_gift(conn, call, object.name, ids, to, "team")  # an owner is no member beside it
    if handing.keep is not None and owner is not None:
        level = cast(Level, handing.keep)
        write_gift(
            conn, call, object.name, ids, Gift(kind="user", principal=owner, level=level, reason="team")
        )
