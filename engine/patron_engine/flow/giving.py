"""Giving: steps that say whose a record is and who else has it: assign, share, unshare, add_member. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run: a change of the owner, or commands. Whom a right is given to is a
`{KIND: ID}` as people's own sharing has it: a role or a group that is named alone gets it as such, so that who joins later has it
too; all other words mean the people they name today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from patron_engine.flow import choosing, turns
from patron_engine.flow.act import Act, Command
from patron_engine.flow.people import people
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import Target, targets_of
from patron_engine.record.change import Change
from patron_engine.record.given import Reason

Principal = Mapping[str, str]
ALONE: Final = ("role", "group", "department")  # words that may be given a record as such


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve(Command):
    """These people were served by a list of turns, in this order."""

    list: str
    people: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveRecord(Command):
    object: str
    id: str
    to: Principal
    reason: Reason
    level: str
    until: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeRecord(Command):
    object: str
    id: str
    to: Principal


# -- the owner ----------------------------------------------------------------------------------------------------


def assign(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """The first of the people that are meant becomes the owner, or the one that `by` chooses; of a queue nobody."""
    by = step.body.get("by")
    acts = []
    chooser = _Chooser(reading, f"{flow.name}:{step.path}", str(by) if by else "")
    queue = _queue(step.body["to"])
    for subject, found in zip(subjects, targets_of(reading, step, subjects), strict=True):
        if queue is not None and found:
            acts.append(_queued(found, queue))
            continue
        to = people(reading, step, "to", step.body["to"], subject)
        if step.body.get("skip_absent") and found:
            to = choosing.without(to, turns.absent(reading.conn, reading.call, to, found[0][1]))
        if not to or not found:
            acts.append(Act(told={"left_out": "no_record" if to else "nobody"}))
            continue
        chosen = chooser.choose(to, [(o, i) for _, o, i in found])
        changes = tuple(
            Change(action="update", object=o, id=i, set={"owner": person}, source="typed")
            for (_, o, i), person in zip(found, chosen, strict=True)
        )
        acts.append(
            Act(
                changes=changes, result={"object": found[0][1], "id": found[0][2]}, told={"to": [p for p in chosen if p]},
                commands=(Serve(list=chooser.list, people=tuple(chosen)),) if by == "turns" else (),
            )
        )  # fmt: skip
    return acts


def _queue(words: Any) -> str | None:
    """The queue that is meant alone: its code. Whoever serves it takes the record from there."""
    queue = words.get("queue") if isinstance(words, Mapping) else None
    return queue if isinstance(queue, str) and not queue.startswith("=") else None


def _queued(found: Sequence[Target], queue: str) -> Act:
    """The records wait in the queue, and nobody owns them."""
    values = {"owner": None, "queue": {"code": queue}}
    changes = tuple(
        Change(action="update", object=o, id=i, set=dict(values), source="wire") for _, o, i in found
    )
    return Act(changes=changes, result={"object": found[0][1], "id": found[0][2]}, told={"queue": queue})


class _Chooser:
    """Chooses for the runs of one step, one after the other: each choice counts for the next."""

    def __init__(self, reading: Reading, list: str, by: str) -> None:
        self.reading = reading
        self.list = list
        self.by = by
        self._counts: dict[str, int] = {}

    def choose(self, people: Sequence[str], records: Sequence[tuple[str, str]]) -> list[str | None]:
        if self.by == "random":
            return choosing.by_chance(people, [id for _, id in records])
        if self.by not in ("turns", "load"):
            return [people[0]] * len(records)
        conn, call = self.reading.conn, self.reading.call
        unknown = [p for p in people if p not in self._counts]
        if unknown:
            count = turns.served(conn, call, self.list, unknown) if self.by == "turns" else turns.load(conn, call, records[0][0], unknown)  # fmt: skip
            self._counts |= {p: count.get(p, 0) for p in unknown}
        chosen = (choosing.in_turns if self.by == "turns" else choosing.by_load)(
            people, self._counts, len(records)
        )
        for person in chosen:
            if person is not None:
                last = max(self._counts.values()) if self.by == "turns" else self._counts[person]
                self._counts[person] = last + 1
        return chosen


# -- rights for single records ------------------------------------------------------------------------------------


def share(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    return _given(reading, step, subjects, "share")


def add_member(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    return _given(reading, step, subjects, "team")


def unshare(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    acts = []
    for subject, found in zip(subjects, targets_of(reading, step, subjects), strict=True):
        to = _principals(reading, step, subject, ALONE)
        commands = tuple(TakeRecord(object=o, id=i, to=p) for _, o, i in found for p in to)
        acts.append(_act(commands, bool(to)))
    return acts


def _given(reading: Reading, step: Step, subjects: Sequence[Subject], reason: Reason) -> list[Act]:
    until = step.expressions.get("until")
    ends: Sequence[Any] = [step.body.get("until")] * len(subjects)
    if until is not None:
        ends = reading.evaluate(until, subjects)
    acts = []
    for subject, found, end in zip(subjects, targets_of(reading, step, subjects), ends, strict=True):
        to = _principals(reading, step, subject, ALONE if reason == "share" else ())
        commands = tuple(
            GiveRecord(object=o, id=i, to=p, reason=reason, level=step.body.get("give", "read"), until=_text(end))
            for _, o, i in found
            for p in to
        )  # fmt: skip
        acts.append(_act(commands, bool(to)))
    return acts


def _act(commands: tuple[Command, ...], anybody: bool) -> Act:
    return Act(commands=commands, told={} if commands else {"left_out": "no_record" if anybody else "nobody"})


def _principals(reading: Reading, step: Step, subject: Subject, alone: Sequence[str]) -> list[Principal]:
    """To whom. A department that is named with those below it is given a record as such."""
    words = step.body["to"]
    found: list[Principal] = []
    for position, item in enumerate(words if isinstance(words, list | tuple) else [words]):
        key = f"to[{position}]" if isinstance(words, list | tuple) else "to"
        named = _as_such(item, alone)
        if named is None or any(e.startswith(f"{key}.") for e in step.expressions):
            found += [{"user": person} for person in people(reading, step, key, item, subject)]
        else:
            word, codes = named
            found += [{word: id} for id in turns.ids_of(reading.conn, reading.call, word, codes)]
    return [p for n, p in enumerate(found) if p not in found[:n]]


def _as_such(words: Any, alone: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    if not isinstance(words, Mapping):
        return None
    names = set(words) - {"below"}
    if len(names) != 1 or (word := next(iter(names))) not in alone:
        return None
    if word == "department" and not words.get("below"):
        return None
    value = words[word]
    return word, [value] if isinstance(value, str) else list(value)


def _text(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, date | datetime) else value or None
