"""The way convert: records made out of one, in one transaction: what is made or chosen, what moves along, what is written back.

    lock the record -> may he, does it fit -> each target in its order: found, chosen or made -> what hangs on it moves -> back
        -> the conversion is written down, with what takes it back -> whoever listens is told

In: a write transaction, a record, the name of a conversion, what somebody chose. Out: `Converted`, or Refused with everything
that stands in the way, at `TARGET.FIELD`. Each record is made by the save that people's forms use, with the caller's rights; what is
written back and what moves goes with the right to convert. Two at once come one after the other: the second finds it converted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.errors import Forbidden, NeedsConfirmation, NotFound, Refused
from patron_engine.flow.conversions import Conversion, Target
from patron_engine.flow.raising import raise_event
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import lock, sets_of
from patron_engine.model.model import LINKS
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.record.undo import remember
from patron_engine.ways.following import (
    Followed,
    Old,
    as_stood,
    changed_by,
    entitled,
    move_along,
    with_copies,
)
from patron_engine.ways.prospects import (
    Prospect,
    arising,
    beginning,
    conversion_for,
    hits,
    prospect,
    with_result,
)
from patron_engine.ways.save import save

NOTHING: Mapping[str, Any] = {}
SAID: Final = 5  # titles of those that fit, where somebody is to choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody chose for a target: an existing record, a new one although one was found, to leave it out; `set` are values
    in place of those that the definition gives."""

    record: str | None = None
    new: bool = False
    leave_out: bool = False
    set: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    target: str
    object: str
    id: str | None
    did: Literal["created", "found", "chosen", "left_out"]

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """`act` takes it back, as any act of a page."""

    conversion: str
    object: str
    id: str
    made: tuple[Made, ...]
    moved: int
    act: str

    def as_dict(self) -> dict[str, Any]:
        made = {m.target: {"object": m.object, "id": m.id, "did": m.did} for m in self.made}
        return {
            "conversion": self.conversion, "record": {"object": self.object, "id": self.id}, "targets": made,
            "moved": self.moved, "undo": self.act,
        }  # fmt: skip


Shaping = Callable[[Conn, Call, Prospect, Wish], Change]  # the record that a target becomes


def as_wished(conn: Conn, call: Call, found: Prospect, wish: Wish) -> Change:
    """The values of the definition, and over them those that somebody gave, in JSON form."""
    made = call.model.objects[found.target.object]
    given = {made.aliases.get(name, name): value for name, value in wish.set.items()}
    wrong = [
        Problem(code="readonly_field", message=Phrase("{field} cannot be written", field=name), path=name)
        for name in given
        if (known := made.fields.get(name)) is not None and known.readonly is True
    ]
    if wrong:
        raise Refused(wrong)
    return Change(action="create", object=made.name, set={**found.values, **given})


def convert(
    conn: Conn,
    call: Call,
    object: str,
    id: str,
    name: str,
    wishes: Mapping[str, Wish] = NOTHING,
    *,
    confirm: frozenset[str] = frozenset(),
    shape: Shaping = as_wished,
    said: str = "",
) -> Converted:
    """Carries a conversion out. NotFound, Forbidden, Conflict, Refused, NeedsConfirmation: then nothing is changed by whoever
    rolls back. `said` is what a page tells of it."""
    known = known_object(call, object)
    lock(Reading(conn, call), known.name, [id])
    conversion = conversion_for(conn, call, known.name, id, name)
    run = beginning(call, conversion, id)
    call = arising(call, name, known.name, id)
    _wrong_wishes(call, conversion, wishes)
    run, made = _targets(conn, call, conversion, run, wishes, confirm, shape)
    first = next((m for m in made if m.id is not None), None)
    followed = Followed()
    if first is not None and conversion.move:
        followed = move_along(conn, call, (known.name, id), (first.object, str(first.id)), conversion.move)
    back = _back(conn, call, conversion, run, id, confirm)
    done = changed_by(
        conn, call, [(m.object, str(m.id)) for m in made if m.did == "created"], [*followed.old, *back]
    )
    act = remember(conn, call, done, said)
    _written_down(conn, call, conversion, id, made, followed, act)
    raise_event(conn, call, known.name, id, "converted", {"conversion": name})
    moved = len(followed.old) + len(followed.files)
    return Converted(conversion=name, object=known.name, id=id, made=tuple(made), moved=moved, act=act)


def _wrong_wishes(call: Call, conversion: Conversion, wishes: Mapping[str, Wish]) -> None:
    targets = {t.name: t for t in conversion.to}
    wrong: list[Problem] = []
    for name, wish in wishes.items():
        target = targets.get(name)
        if target is None:
            said = Phrase("{conversion} has no target {name!r}", conversion=conversion.name, name=name[:60])
            wrong.append(
                Problem(code="unknown_target", message=said, path=name, hint=nearest(name[:60], targets))
            )
            continue
        if wish.leave_out and not target.optional:
            wrong.append(Problem(code="not_optional", message=Phrase("this cannot be left out"), path=name))
        if wish.record is not None and not target.choose:
            wrong.append(
                Problem(code="not_to_choose", message=Phrase("a new record is made here"), path=name)
            )
        fields = call.model.objects[target.object].fields
        bound = [n for n in sorted(target.bound & set(wish.set)) if n in fields and fields[n].type in LINKS]
        wrong += [
            Problem(code="bound_field", message=Phrase("the conversion itself sets this"), path=f"{name}.{b}")
            for b in bound
        ]
    if wrong:
        raise Refused(wrong)


def _targets(
    conn: Conn,
    call: Call,
    conversion: Conversion,
    run: Run,
    wishes: Mapping[str, Wish],
    confirm: frozenset[str],
    shape: Shaping,
) -> tuple[Run, list[Made]]:
    """Each target in its order. What is wrong with any of them is told together."""
    made: list[Made] = []
    wrong: list[Problem] = []
    asking = True  # only warnings so far
    for target in conversion.to:
        wish = wishes.get(target.name, Wish())
        try:
            with conn.transaction():
                one = _target(conn, call, target, run, wish, confirm, shape)
        except Refused as refused:
            missing = {m.target for m in made if m.did == "created" and m.id is None}
            asking = asking and isinstance(refused, NeedsConfirmation)
            wrong += _told(target, refused.problems, missing)
            one = Made(target=target.name, object=target.object, id=None, did="created")
        except (Forbidden, NotFound) as error:
            asking = False
            wrong.append(Problem(code=error.code, message=error.detail, path=target.name, hint=error.hint))
            one = Made(target=target.name, object=target.object, id=None, did="created")
        made.append(one)
        run = with_result(run, target, one.id)
    if wrong:
        kind = NeedsConfirmation if asking else Refused
        hint = Phrase("repeat the request with these rules in `confirm`") if asking else None
        raise kind(wrong, hint=hint)
    return run, made


def _told(target: Target, problems: Sequence[Problem], missing: set[str]) -> list[Problem]:
    """The problems of a target at their places; what it lacks only because an earlier one could not be made is not told."""
    return [
        replace(p, path=f"{target.name}.{p.path}" if p.path else target.name)
        for p in problems
        if not (missing and (p.path or "").partition(".")[0] in target.bound)
    ]


def _target(
    conn: Conn,
    call: Call,
    target: Target,
    run: Run,
    wish: Wish,
    confirm: frozenset[str],
    shape: Shaping,
) -> Made:
    none = Made(target=target.name, object=target.object, id=None, did="left_out")
    if wish.leave_out:
        return none
    if wish.record is not None:
        found = hits(conn, call, target.object, [wish.record])
        if not found:
            raise NotFound(Phrase("there is no such {object}", object=target.object))
        return replace(none, id=found[0].id, did="chosen")
    what = prospect(conn, call, Reading(conn, call), target, run)
    if what is None:
        return none
    if what.found and not wish.new:
        _only_one(call, what)
        return replace(none, id=what.found[0].id, did="found")
    source = (str(run.object), str(run.record))
    shaped = with_copies(conn, call, shape(conn, call, what, wish), what.values, source)
    change = replace(shaped, confirm=confirm)
    return replace(none, id=save(conn, call, [change])[0].id, did="created")


def _only_one(call: Call, what: Prospect) -> None:
    """Of several that fit, a person chooses; an automation, which nobody could ask, takes the first of its `sort`."""
    if len(what.found) > 1 and what.target.choose and call.cause.kind != "automation":
        titles = ", ".join(hit.title for hit in what.found[:SAID])
        raise Refused([
            Problem(
                code="choose_record",
                message=Phrase("{count} records fit: {titles}", count=len(what.found), titles=titles),
                hint=Phrase("choose one of them, or a new one"),
            )
        ])  # fmt: skip


def _back(
    conn: Conn, call: Call, conversion: Conversion, run: Run, id: str, confirm: frozenset[str]
) -> list[Old]:
    """Writes on the record what the conversion says; gives the values before."""
    if not conversion.back.body["set"]:
        return []
    object = call.model.objects[conversion.object]
    values = sets_of(Reading(conn, call), conversion.back, object, [Subject(run=run)])[0]
    change = Change(action="update", object=object.name, id=id, set=values, source="typed", confirm=confirm)
    before = as_stood(conn, call, object.name, [id], tuple(values))
    save(conn, entitled(call), [change])
    return [(object.name, id, before[id])]


def _written_down(
    conn: Conn,
    call: Call,
    conversion: Conversion,
    id: str,
    made: Sequence[Made],
    followed: Followed,
    act: str,
) -> None:
    insert = sql.SQL(
        "INSERT INTO {} (id, conversion, object, record, at, by, made, files, batch)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    ).format(sql.Identifier(call.schema, "sys__converted"))
    told = Jsonb([m.as_dict() for m in made], dumps=jsonio.dumps)
    files = Jsonb(list(followed.files), dumps=jsonio.dumps)
    conn.execute(
        insert,
        (call.new_id(), conversion.name, conversion.object, id, call.now, call.actor.user, told, files, act),
    )
