"""Followed: what others did with the records somebody follows, as he may know it.

In: a connection, the frame of a call, a reader, up to when he has read. Out: `Told`s, the newest first. What happened to one
record in a short time is told once. A record that is no longer his to see is not named, nor is a field; a change of
which he may see nothing is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.fields.field import Field
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.files import FEATURE as FILES
from patron_engine.query.fitting import readable_here
from patron_engine.query.follows import Step, steps
from patron_engine.query.titles import titles_of

Connection = psycopg.Connection[Any]
FEATURE = "follow"
TOGETHER = timedelta(hours=1)  # from the first to the last change that are told as one


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`by` is the title of who did the last of it, "" for the system; `changed` are the labels of what was changed."""

    object: str
    id: str
    title: str
    at: datetime
    by: str
    others: int
    action: str
    changed: tuple[str, ...]
    files: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A step with what of it may be told."""

    step: Step
    changed: tuple[str, ...]
    files: bool


def any_followed(call: Call) -> bool:
    """Whether there is anything here that can be followed."""
    return any(FEATURE in object.features for object in call.model.objects.values())


def followed(conn: Connection, call: Call, reader: Reader, read_until: datetime | None) -> tuple[Told, ...]:
    found = [
        seen for seen in (_seen(conn, call, reader, step) for step in steps(conn, call)) if seen is not None
    ]
    if not found:
        return ()
    titles = _titles(conn, call, [seen.step for seen in found])
    people = titles_of(conn, call, {"user": list({s.step.by: None for s in found if s.step.by})})
    groups: list[list[_Seen]] = []
    last: dict[tuple[str, str], list[_Seen]] = {}
    for seen in found:
        place = (seen.step.object, seen.step.id)
        if place not in titles:
            continue
        group = last.get(place)
        if group is None or not _one(group[0].step.at, seen.step.at, read_until):
            group = last[place] = []
            groups.append(group)
        group.append(seen)
    return tuple(_told(group, titles, people) for group in groups)


def _seen(conn: Connection, call: Call, reader: Reader, step: Step) -> _Seen | None:
    """None where the reader may see nothing of it."""
    object = call.model.object(step.object)
    if object is None or FEATURE not in object.features:
        return None
    fields = readable(call.model, call.actor, object.name)
    names = dict.fromkeys(object.aliases.get(name, name) for name in step.fields)
    files = FILES in names and FILES in object.features and FILES not in object.fields
    mine = [
        *readable_here(
            conn, call, object.name, step.id, {n: fields[n] for n in names if n in fields}
        ).values()
    ]
    if names and not mine and not files:
        return None
    return _Seen(step=step, changed=_labels(reader, mine), files=files)


def _labels(reader: Reader, fields: Sequence[Field]) -> tuple[str, ...]:
    """What somebody changed; figures that followed only where nothing else changed."""
    own = [field for field in fields if not field.computed]
    return tuple(reader.say(field.label, field.name) for field in own or fields)


def _one(newest: datetime, at: datetime, read_until: datetime | None) -> bool:
    """Whether a change belongs to a notice whose newest is given: soon before it, and not read yet when that is not."""
    parted = read_until is not None and at <= read_until < newest
    return newest - at <= TOGETHER and not parted


def _titles(conn: Connection, call: Call, done: Iterable[Step]) -> dict[tuple[str, str], str]:
    """Of the living and of those in the recycle bin."""
    wanted: dict[str, dict[str, None]] = {}
    for step in done:
        wanted.setdefault(step.object, {})[step.id] = None
    living = titles_of(conn, call, {object: list(ids) for object, ids in wanted.items()})
    gone = {object: [id for id in ids if (object, id) not in living] for object, ids in wanted.items()}
    return living | titles_of(conn, call, gone, deleted=True)


def _told(
    group: Sequence[_Seen], titles: Mapping[tuple[str, str], str], people: Mapping[tuple[str, str], str]
) -> Told:
    newest = group[0].step
    changed = dict.fromkeys(label for seen in group for label in seen.changed)
    return Told(
        object=newest.object, id=newest.id, title=titles[newest.object, newest.id], at=newest.at,
        by=people.get(("user", newest.by), "…") if newest.by else "",
        others=len({seen.step.by for seen in group}) - 1,
        action=newest.action, changed=tuple(changed), files=any(seen.files for seen in group),
    )  # fmt: skip
