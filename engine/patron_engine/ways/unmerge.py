"""The way unmerge: a merge is taken back: the losers come out of the recycle bin, with what hung on them.

    lock the merge -> may he -> the winner's fields as before -> the losers restored -> what moved points at them again

In: a write transaction, a merge not older than MERGE_UNDO_DAYS. Out: what could not be put back, and why: what somebody changed since
stays as it is. Nothing that was added to the winner since is touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.access.decide import Deny, When, not_allowed, row_rule
from patron_engine.actor import Cause
from patron_engine.errors import Conflict, Forbidden, NotFound
from patron_engine.fields.field import Field
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.fitting import fitting
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_engine.record.given import note_step
from patron_engine.record.merged import rows_back
from patron_engine.record.statements import Conn
from patron_engine.ways.following import as_stood, entitled
from patron_engine.ways.save import save

MERGE_UNDO_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something an undo leaves as it is. `field` is empty for a whole record; `why`: changed_since, gone, refused."""

    object: str
    id: str
    field: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmerged:
    object: str
    winner: str
    losers: tuple[str, ...]
    back: int
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A merge as it was written down."""

    id: str
    object: str
    winner: str
    losers: tuple[str, ...]
    was: Mapping[str, Any]
    became: Mapping[str, Any]


def unmerge(conn: Conn, call: Call, object: str, merge: str) -> Unmerged:
    """NotFound for a merge of nobody's, Conflict for one that was taken back or is too long ago, Forbidden."""
    kept = _locked(conn, call, known_object(call, object).name, merge)
    _may(conn, call, kept)
    detail = {**call.cause.detail, "merge": merge, "undo": True}
    call = entitled(replace(call, cause=Cause(kind="merge", detail=detail)))
    left = _winner_back(conn, call, kept)
    restored = []
    changes = [Change(action="restore", object=kept.object, id=i) for i in kept.losers]
    for loser, outcome in zip(kept.losers, save(conn, call, changes, mode="each"), strict=True):
        if outcome.action == "refused":
            why = "gone" if any(p.code == "not_found" for p in outcome.problems) else "refused"
            left.append(Left(object=kept.object, id=loser, field="", why=why))
        else:
            restored.append(loser)
    moved, stayed = _links_back(conn, call, kept, restored)
    left += stayed
    rows = _rows(conn, call, merge, restored)
    rows_back(conn, call, kept.object, kept.winner, rows)
    note_step(conn, call, kept.object, [kept.winner], "updated")
    told = Jsonb([[x.object, x.id, x.field, x.why] for x in left], dumps=jsonio.dumps)
    done = "UPDATE {} SET undone_at = %s, undone_by = %s, stayed = %s WHERE id = %s"
    conn.execute(
        sql.SQL(done).format(sql.Identifier(call.schema, "sys__merge")),
        (call.now, call.actor.user, told, merge),
    )
    return Unmerged(
        object=kept.object,
        winner=kept.winner,
        losers=tuple(restored),
        back=moved + len(rows),
        left=tuple(left),
    )


def _locked(conn: Conn, call: Call, object: str, merge: str) -> Kept:
    query = sql.SQL(
        "SELECT id::text, object, winner::text, losers::text[], was, became, undone_at, at FROM {}"
        " WHERE id::text = %s AND object = %s FOR UPDATE"
    ).format(sql.Identifier(call.schema, "sys__merge"))
    row = conn.execute(query, (merge, object)).fetchone()
    if row is None:
        raise NotFound(Phrase("there is no such merge"), code="merge_not_found")
    if row[6] is not None:
        raise Conflict(Phrase("this merge was taken back before"), code="undone_before")
    if row[7] < call.now - timedelta(days=MERGE_UNDO_DAYS):
        raise Conflict(
            Phrase("this can no longer be taken back"), code="undo_over",
            hint=Phrase("a merge can be taken back for {days} days", days=MERGE_UNDO_DAYS),
        )  # fmt: skip
    return Kept(id=row[0], object=row[1], winner=row[2], losers=tuple(row[3]), was=row[4], became=row[5])


def _may(conn: Conn, call: Call, kept: Kept) -> None:
    """Whoever may merge the winner may take its merge back."""
    rule = row_rule(call.model, call.actor, "merge", kept.object)
    known = call.model.objects[kept.object]
    reaches = (
        (fitting(conn, call, kept.object, kept.winner, [rule.condition]) or (False,))[0]
        if isinstance(rule, When)
        else not isinstance(rule, Deny)
    )
    if not reaches:
        raise Forbidden(not_allowed("merge", known, call.actor.languages))
    if not as_stood(conn, call, kept.object, [kept.winner], ("id",)):
        raise Conflict(
            Phrase("{object} is gone that the others were merged into", object=label_of(known.label, known.name)),
            code="winner_gone", hint=Phrase("restore it first"),
        )  # fmt: skip


def _winner_back(conn: Conn, call: Call, kept: Kept) -> list[Left]:
    """The winner's fields as they were, but for those that were changed since."""
    names = [n for n in kept.was if call.model.objects[kept.object].field(n) is not None]
    now = as_stood(conn, call, kept.object, [kept.winner], names).get(kept.winner, {})
    same = {n for n in names if now.get(n) == kept.became.get(n)}
    left = [
        Left(object=kept.object, id=kept.winner, field=n, why="changed_since") for n in names if n not in same
    ]
    if same:
        back = Change(action="update", object=kept.object, id=kept.winner, set={n: kept.was[n] for n in same})
        (outcome,) = save(conn, call, [back], mode="each")
        if outcome.action == "refused":
            left += [Left(object=kept.object, id=kept.winner, field=n, why="refused") for n in sorted(same)]
    return left


def _links_back(conn: Conn, call: Call, kept: Kept, restored: Sequence[str]) -> tuple[int, list[Left]]:
    """What pointed at a loser points at it again, where it still points at the winner."""
    query = sql.SQL(
        "SELECT object, record::text, field, loser::text, old FROM {} WHERE merge = %s AND loser = ANY(%s::uuid[])"
        " ORDER BY object, field, record"
    ).format(sql.Identifier(call.schema, "sys__merge_link"))
    by_link: dict[tuple[str, str], list[tuple[str, str, Any]]] = defaultdict(list)
    for object, record, field, loser, old in conn.execute(query, (kept.id, list(restored))).fetchall():
        by_link[object, field].append((record, loser, old))
    moved, left = 0, []
    for (object, name), rows in by_link.items():
        link = call.model.objects[object].field(name) if object in call.model.objects else None
        if link is None:
            left += [Left(object=object, id=r, field=name, why="gone") for r, _, _ in rows]
            continue
        now = as_stood(conn, call, object, [r for r, _, _ in rows], (name,))
        for record, loser, old in rows:
            done = _one_back(conn, call, kept, link, record, loser, old, now)
            moved += done is None
            left += [done] if done is not None else []
    return moved, left


def _one_back(
    conn: Conn, call: Call, kept: Kept, link: Field, record: str, loser: str, old: Any, now: Mapping[str, Any]
) -> Left | None:
    """None when it points at the loser again."""
    if record not in now:
        return Left(object=link.object, id=record, field=link.name, why="gone")
    value = now[record][link.name]
    new = _with(link, value, kept.winner, loser, old, itself=record == kept.winner)
    if new is None:
        return Left(object=link.object, id=record, field=link.name, why="changed_since")
    back = Change(action="update", object=link.object, id=record, set={link.name: new})
    (outcome,) = save(conn, call, [back], mode="each")
    if outcome.action == "refused":
        return Left(object=link.object, id=record, field=link.name, why="refused")
    if link.link.many:
        now[record][link.name] = new
    return None


def _with(link: Field, value: Any, winner: str, loser: str, old: Any, *, itself: bool) -> Any:
    """The link as it shall be; None where it was changed since. `itself`: it was emptied, as nothing points at itself."""
    if not link.link.many:
        there = _id(value)
        return old if there == winner or (itself and there is None) else None
    listed = list(value or ())
    ids = [_id(v) for v in listed]
    if loser in ids:
        return None
    of = next((v for v in old or () if _id(v) == loser), loser)
    kept_too = winner in [_id(v) for v in old or ()]
    if winner not in ids and not itself:
        return None
    return [*listed, of] if kept_too or itself else [of if _id(v) == winner else v for v in listed]


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def _rows(conn: Conn, call: Call, merge: str, restored: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    query = sql.SQL(
        "SELECT what, loser::text, key FROM {} WHERE merge = %s AND loser = ANY(%s::uuid[])"
    ).format(sql.Identifier(call.schema, "sys__merge_row"))
    return [(w, l, list(k)) for w, l, k in conn.execute(query, (merge, list(restored))).fetchall()]
