"""Told: who learns what assignments, pools and SLAs did, each by the ways he chose (record/telling).

In: what saves and workers noted: records that somebody was given, moves of pools, clocks that are near or late. Out: notices and
letters. Somebody who is given many records at once is told once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from patron_engine.flow.clocks import Clock
from patron_engine.flow.people import people
from patron_engine.flow.program import Step
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import label_of
from patron_engine.phrases import Label, Phrase
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.telling import tell

SEVERAL: Final = 3  # records one is given at once and told of one by one; of more he is told together
LONGEST: Final = 120  # characters of a title
MANAGERS: Final[Mapping[str, str]] = {
    "claimed": Phrase("{title} was claimed from the pool {pool}"),
    "returned": Phrase("{title} was given back to the pool {pool}"),
}
FORMER_OWNER: Final[Mapping[str, str]] = {
    "reclaimed": Phrase("{title} was taken back into the pool {pool}"),
    "expired": Phrase("{title} went back to the pool {pool}: nobody followed it up"),
}
OWNER: Final[Mapping[str, str]] = {
    "extended": Phrase("{title} goes back to the pool {pool} on {day} only: more time was given"),
    "refused": Phrase("{title}: no more time is given before it goes back to the pool {pool}"),
}
ASKED: Final = Phrase("{title}: more time is asked for before it goes back to the pool {pool}")
NEAR: Final = Phrase("{title}: {clock} is due at {at}")
LATE: Final = Phrase("{title}: {clock} was due at {at}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A record that somebody was given, and who did it."""

    object: str
    record: str
    to: str
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a pool did with a record, as saves note it: `told` has did, pool, from, to, by, reason."""

    object: str
    record: str
    told: Mapping[str, Any]


# -- what somebody was given --------------------------------------------------------------------------------------


def tell_given(reading: Reading, given: Iterable[Handed]) -> None:
    """Whose records became, unless he took them himself."""
    mine: dict[tuple[str, str, str | None], dict[str, None]] = defaultdict(dict)
    for one in given:
        if one.object in reading.call.model.objects and one.to != one.by:
            mine[one.to, one.object, one.by][one.record] = None
    for (person, object, by), records in mine.items():
        call, label = _by(reading.call, by), _object(reading.call, object)
        if len(records) > SEVERAL:
            text = Phrase("{object}: {count} assigned to you", object=label, count=len(records))
            tell(reading.conn, call, [person], "assignment", text=text, link=f"/o/{object}")
            continue
        titles = _titles(reading, object, [*records])
        for record in [r for r in records if r in titles]:
            text = Phrase("{object} assigned to you: {title}", object=label, title=titles[record])
            tell(reading.conn, call, [person], "assignment", text=text, about=(object, record))


def tell_queued(reading: Reading, waiting: Iterable[Handed]) -> None:
    """Whoever serves the queue in which a record came to wait, but who put it there: somebody shall take it."""
    call = reading.call
    mine: dict[tuple[str, str, str | None], dict[str, None]] = defaultdict(dict)
    for one in waiting:
        if one.object in call.model.objects and "queue" in call.model.objects:
            mine[one.to, one.object, one.by][one.record] = None
    for (queue, object, by), records in mine.items():
        found = fetch_values(reading.conn, call, "queue", [queue], ["code", "name"]).get(queue)
        if found is None or not found.get("code"):
            continue
        step = Step(name=None, do="", path="to", rule="queue", body={}, expressions={})
        words = {"queue": found["code"]}
        members = [
            p for p in people(reading, step, "to", words, _subject(object, next(iter(records)))) if p != by
        ]
        label, titles = _object(call, object), _titles(reading, object, [*records])
        if len(records) > SEVERAL:
            text = Phrase("{object}: {count} wait in the queue {queue}", object=label, count=len(records), queue=_title(found["name"]))  # fmt: skip
            tell(reading.conn, _by(call, by), members, "assignment", text=text, link=f"/o/{object}")
            continue
        for record in [r for r in records if r in titles]:
            text = Phrase("{object} waits in the queue {queue}: {title}", object=label, queue=_title(found["name"]), title=titles[record])  # fmt: skip
            tell(reading.conn, _by(call, by), members, "assignment", text=text, about=(object, record))


# -- pools --------------------------------------------------------------------------------------------------------


def tell_moves(reading: Reading, moves: Sequence[Moved]) -> None:
    """Who got a record out of a pool; who lost one to it; its managers, where they want to know, what members do."""
    tell_given(
        reading,
        [
            Handed(object=m.object, record=m.record, to=m.told["to"], by=m.told.get("by"))
            for m in moves
            if m.told.get("did") == "assigned"
            and m.told.get("name")  # else his owner was changed, which is noted beside it
        ],
    )
    for move in moves:
        did, body = move.told.get("did"), _pool(reading.call, move)
        sentence = (
            ASKED
            if did == "asked"
            else FORMER_OWNER.get(str(did)) or MANAGERS.get(str(did)) or OWNER.get(str(did))
        )
        if sentence is None or body is None:
            continue
        titles = _titles(reading, move.object, [move.record])
        if move.record not in titles:
            continue
        day = {"day": str(move.told.get("day"))} if "day" in move.told else {}
        text = Phrase(sentence, title=titles[move.record], pool=_pool_label(reading.call, body), **day)
        about, call = (move.object, move.record), _by(reading.call, move.told.get("by"))
        if did in FORMER_OWNER:
            tell(reading.conn, call, [move.told.get("from") or ""], "pool", text=text, about=about)
        elif did in OWNER:
            tell(reading.conn, call, [move.told.get("owner") or ""], "pool", text=text, about=about)
        elif did == "asked":  # whoever answers need not read the record
            tell(
                reading.conn,
                call,
                _managers(reading, move.object, move.record, body),
                "pool",
                text=text,
                link=f"/pools/{body['name']}",
            )
        else:
            tell(
                reading.conn,
                call,
                _managers(reading, move.object, move.record, body),
                "claims",
                text=text,
                about=about,
            )


def tell_warned(
    reading: Reading, object: str, record: str, owner: str, body: Mapping[str, Any], day: str
) -> None:
    """Its owner has until that day."""
    titles = _titles(reading, object, [record])
    if record in titles:
        text = Phrase(
            "{title} goes back to the pool {pool} on {day} unless you follow it up", title=titles[record],
            pool=_pool_label(reading.call, body), day=day,
        )  # fmt: skip
        tell(reading.conn, reading.call, [owner], "pool", text=text, about=(object, record))


def tell_unclaimed(reading: Reading, object: str, record: str, body: Mapping[str, Any], day: str) -> None:
    """Nobody took it since that day: whoever assigns what waits there hears of it."""
    titles = _titles(reading, object, [record])
    if record in titles:
        text = Phrase(
            "{title} waits in the pool {pool} since {day} and nobody claims it", title=titles[record],
            pool=_pool_label(reading.call, body), day=day,
        )  # fmt: skip
        people = _managers(reading, object, record, body)
        tell(reading.conn, reading.call, people, "pool", text=text, link=f"/pools/{body['name']}")


def _pool(call: Call, move: Moved) -> Mapping[str, Any] | None:
    found = call.model.documents.get(("pool", str(move.told.get("pool") or move.told.get("name") or "")))
    return found if found is not None and move.object in call.model.objects else None


def _managers(reading: Reading, object: str, record: str, body: Mapping[str, Any]) -> list[str]:
    model, name = reading.call.model, str(body["name"])
    expressions = {key[2]: e for key, e in model.expressions.items() if key[:2] == ("pool", name)}
    step = Step(name=None, do="", path="managers", rule=f"pool:{name}", body=body, expressions=expressions)
    words = body.get("managers")
    return people(reading, step, "managers", words, _subject(object, record)) if words else []


# -- clocks -------------------------------------------------------------------------------------------------------


def tell_clocks(reading: Reading, moments: Sequence[tuple[Clock, Mapping[str, Any], str]]) -> None:
    """(clock, its SLA, "warn" or "breach"): whose record it is hears that its time is near, and that it is over."""
    call = reading.call
    for clock, body, moment in moments:
        if "owner" not in call.model.objects[clock.object].fields:
            continue
        names = ["owner", call.model.objects[clock.object].title]
        found = fetch_values(reading.conn, call, clock.object, [clock.record], names).get(clock.record, {})
        owner = found.get("owner")
        if not isinstance(owner, str):
            continue
        of: Mapping[str, Any] = next((c for c in body["clocks"] if c["name"] == clock.clock), {})
        text = Phrase(
            NEAR if moment == "warn" else LATE, title=_title(found.get(names[1])), at=_at(reading, clock.due_at),
            clock=label_of(of.get("label") or "", clock.clock, call.actor.languages),
        )  # fmt: skip
        tell(reading.conn, call, [owner], "sla", text=text, about=(clock.object, clock.record))


# -- words --------------------------------------------------------------------------------------------------------


def _by(call: Call, person: str | None) -> Call:
    """As told by whoever did it."""
    return replace(call, actor=replace(call.actor, user=person))


def _titles(reading: Reading, object: str, records: Sequence[str]) -> dict[str, str]:
    """What the records that are there are called."""
    title = reading.call.model.objects[object].title
    found = fetch_values(reading.conn, reading.call, object, records, [title])
    return {record: _title(values.get(title)) for record, values in found.items()}


def _title(value: Any) -> str:
    return "–" if value is None else str(value)[:LONGEST]


def _at(reading: Reading, moment: datetime) -> str:
    return reading.context.local(moment).strftime("%Y-%m-%d %H:%M")


def _object(call: Call, object: str) -> Label:
    return label_of(call.model.objects[object].label, object, call.actor.languages)


def _pool_label(call: Call, body: Mapping[str, Any]) -> Label:
    return label_of(body.get("label") or "", str(body["name"]), call.actor.languages)


def _subject(object: str, record: str) -> Subject:
    return Subject(run=Run(id="", rule="", version="", release=0, object=object, record=record, causer=None))
