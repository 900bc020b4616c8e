"""The way merge: several records become one, in one transaction: field by field, with all that hangs on them.

    lock them all -> may he -> what points at a loser points at the winner -> the losers go to the recycle bin
        -> the winner gets the chosen values -> all of it is written down, so that it can be taken back (ways/unmerge)

In: a write transaction, an object, the winner, one to four losers, from whom each field comes. Out: `Merged`. The winner is changed with the caller's rights,
the losers deleted; what hangs on the losers goes with the right to merge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.access.decide import Deny, When, not_allowed, readable, row_rule, writable
from patron_engine.actor import Cause
from patron_engine.errors import Forbidden, LimitExceeded, Refused
from patron_engine.fields.field import Field, FileSpec, LinkSpec
from patron_engine.flow.values import Reading
from patron_engine.flow.writing import lock
from patron_engine.model.model import Object, label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.query.fitting import fitting, readable_here, writable_here
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_engine.record.given import note_step
from patron_engine.record.merged import Moved as Row
from patron_engine.record.merged import move_rows
from patron_engine.record.statements import Conn
from patron_engine.ways.following import as_stood
from patron_engine.ways.pointers import Moved, Stayed, move_pointers
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save

MOST: Final = 5  # records that become one at once
NOT_MERGED: Final = frozenset({"user", "department", "group"})  # rights hang on them
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """`stayed` are records that point at a loser as before, and why."""

    id: str
    object: str
    winner: str
    losers: tuple[str, ...]
    moved: int
    stayed: tuple[Stayed, ...]


def merge(
    conn: Conn,
    call: Call,
    object: str,
    winner: str,
    losers: Sequence[str],
    choose: Mapping[str, str] = NOTHING,
    *,
    confirm: frozenset[str] = frozenset(),
) -> Merged:
    """`choose` is field -> the record whose value the winner gets; of a field that is not named its own, or where it has none the
    first that a loser has. NotFound, Forbidden, Refused, NeedsConfirmation, LimitExceeded."""
    known = known_object(call, object)
    _sensible(call, known, [winner, *losers])
    lock(Reading(conn, call), known.name, [winner, *losers])
    may_merge(conn, call, object, [winner, *losers])
    id = call.new_id()
    values = chosen(conn, call, known, winner, losers, choose)
    detail = {
        **call.cause.detail,
        "merge": id,
        "object": known.name,
        "winner": winner,
        "losers": list(losers),
    }
    call = replace(call, cause=Cause(kind="merge", detail=detail))
    moved: list[Moved] = []
    stayed: list[Stayed] = []
    rows: list[Row] = []
    for loser in losers:
        went, left = move_pointers(conn, call, (known.name, loser), (known.name, winner), set(losers))
        moved += went
        stayed += left
        rows += move_rows(conn, call, known.name, loser, winner)
    save(conn, call, [Change(action="delete", object=known.name, id=i, confirm=confirm) for i in losers])
    before = as_stood(conn, call, known.name, [winner], tuple(values)).get(winner, {})
    change = Change(action="update", object=known.name, id=winner, set=values, confirm=confirm)
    if save(conn, call, [change])[0].action == "unchanged":
        note_step(conn, call, known.name, [winner], "updated")
    after = as_stood(conn, call, known.name, [winner], tuple(values)).get(winner, {})
    differing = {n for n in after if after[n] != before.get(n)}
    _written_down(
        conn, call, known.name, (id, winner, tuple(losers)),
        ({n: before.get(n) for n in differing}, {n: after[n] for n in differing}), moved, rows,
    )  # fmt: skip
    return Merged(
        id=id, object=known.name, winner=winner, losers=tuple(losers), moved=len(moved) + len(rows), stayed=tuple(stayed)
    )  # fmt: skip


def may_merge(conn: Conn, call: Call, object: str, ids: Sequence[str]) -> Object:
    """The object, if the caller may merge these records. The save looks at the right to change the winner."""
    known = known_object(call, object)
    _sensible(call, known, ids)
    rule = row_rule(call.model, call.actor, "merge", known.name)
    for id in ids:
        read_one(conn, call, known.name, id, fields=("id",))
        reaches = (
            not isinstance(rule, When)
            or (fitting(conn, call, known.name, id, [rule.condition]) or (False,))[0]
        )
        if isinstance(rule, Deny) or not reaches:
            hint = rule.reasons[0] if isinstance(rule, Deny) else None
            raise Forbidden(not_allowed("merge", known, call.actor.languages), hint=hint)
    return known


def _sensible(call: Call, known: Object, ids: Sequence[str]) -> None:
    label = label_of(known.label, known.name, call.actor.languages)
    if known.name in NOT_MERGED:
        raise Refused(
            [Problem(code="not_merged", message=Phrase("records of {object} are not merged", object=label))]
        )
    if len(ids) > MOST:
        raise LimitExceeded(
            Phrase("at most {most} records are merged at once", most=MOST), code="limit_merge_records"
        )
    if len(ids) < 2 or len(set(ids)) < len(ids):
        said = Phrase("a merge takes two or more different records")
        raise Refused([Problem(code="merge_records", message=said, path="losers")])


def mergeable(call: Call, object: Object) -> dict[str, Field]:
    """The fields that are chosen one by one: those that people write and the caller may."""
    may, reads = writable(call.model, call.actor, object.name), readable(call.model, call.actor, object.name)
    return {
        name: field
        for name, field in object.fields.items()
        if name in may and name in reads
        and not field.computed
        and (not field.system or name in ("owner", "record_type"))
        and field.type != "secret"
        and not isinstance(field.spec, FileSpec)
        and field.readonly is not True
    }  # fmt: skip


def chosen(
    conn: Conn, call: Call, object: Object, winner: str, losers: Sequence[str], choose: Mapping[str, str]
) -> dict[str, Any]:
    """Field -> the value that the winner gets, where it is another record's."""
    fields = writable_here(conn, call, object.name, winner, mergeable(call, object))
    reads = {id: readable_here(conn, call, object.name, id, fields) for id in losers}
    reads[winner] = fields
    wrong = []
    for name, id in choose.items():
        if object.aliases.get(name, name) not in reads.get(id, fields):
            said = Phrase("{object} has no field {name!r} to choose", object=object.name, name=name[:60])
            wrong.append(
                Problem(
                    code="unknown_field", message=said, path=f"choose.{name}", hint=nearest(name[:60], fields)
                )
            )
        elif id not in (winner, *losers):
            said = Phrase("this is none of the records that are merged")
            wrong.append(Problem(code="merge_records", message=said, path=f"choose.{name}"))
    if wrong:
        raise Refused(wrong)
    named = {object.aliases.get(name, name): id for name, id in choose.items()}
    stood = _apart(
        as_stood(conn, call, object.name, [winner, *losers], tuple(fields)), fields, {winner, *losers}
    )
    found: dict[str, Any] = {}
    for name in fields:
        his = [
            id for id in losers if name in reads[id]
        ]  # what he does not read there he does not come by here
        source = named.get(name) or _from(stood, name, winner, his)
        if source != winner and stood[source][name] != stood[winner][name]:
            found[name] = stood[source][name]
    return found


def _apart(
    stood: Mapping[str, Mapping[str, Any]], fields: Mapping[str, Field], ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """What stood, without links among those that become one: nothing comes to point at itself, or at what goes."""
    made = {id: dict(values) for id, values in stood.items()}
    for name, field in fields.items():
        if not isinstance(field.spec, LinkSpec) or field.object not in field.spec.to:
            continue
        for values in made.values():
            value = values.get(name)
            if field.spec.many:
                values[name] = [v for v in value or () if _id(v) not in ids] or None
            elif _id(value) in ids:
                values[name] = None
    return made


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def _from(stood: Mapping[str, Mapping[str, Any]], name: str, winner: str, losers: Sequence[str]) -> str:
    """The winner, unless only a loser has something there."""
    if stood[winner].get(name) not in (None, [], ""):
        return winner
    return next((i for i in losers if stood[i].get(name) not in (None, [], "")), winner)


def _written_down(
    conn: Conn,
    call: Call,
    object: str,
    who: tuple[str, str, tuple[str, ...]],
    values: tuple[Mapping[str, Any], Mapping[str, Any]],
    moved: Sequence[Moved],
    rows: Sequence[Row],
) -> None:
    id, winner, losers = who
    schema = call.schema
    insert = sql.SQL(
        "INSERT INTO {} (id, object, winner, losers, at, by, was, became) VALUES (%s, %s, %s, %s::uuid[], %s, %s, %s, %s)"
    ).format(sql.Identifier(schema, "sys__merge"))
    was, became = (Jsonb(dict(v), dumps=jsonio.dumps) for v in values)
    conn.execute(insert, (id, object, winner, list(losers), call.now, call.actor.user, was, became))
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "INSERT INTO {} (merge, object, record, field, loser, old) VALUES (%s, %s, %s, %s, %s, %s)"
            ).format(sql.Identifier(schema, "sys__merge_link")),
            [(id, m.object, m.id, m.field, m.loser, Jsonb(m.old, dumps=jsonio.dumps)) for m in moved],
        )
        cursor.executemany(
            sql.SQL("INSERT INTO {} (merge, what, loser, key) VALUES (%s, %s, %s, %s)").format(
                sql.Identifier(schema, "sys__merge_row")
            ),
            [(id, *row) for row in rows],
        )
