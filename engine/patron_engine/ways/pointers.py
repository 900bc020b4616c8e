"""Pointers: everything that points at a record: which links of which objects, how many records, and moving them to another one.

In: a connection, an object. Out: the links that can point at it; counts; what was moved and what could not be. Links that the
platform itself keeps (created by, computed ones) stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from patron_engine.fields.field import Field, LinkSpec
from patron_engine.model.model import Model
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways.following import Ref, as_stood, entitled, instead, pointing, within_limit
from patron_engine.ways.save import save

MOST_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """Records that hang on one: those of `object` that point at it by `field`; `more` when there are more than were counted."""

    object: str
    field: str
    count: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """`old` is what stood in the link before."""

    object: str
    id: str
    field: str
    loser: str
    old: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Stayed:
    object: str
    id: str
    problems: tuple[Problem, ...]


def links_to(model: Model, object: str) -> Iterator[Field]:
    """Every link that can point at a record of this object and is written by saves."""
    for of in model.objects.values():
        for field in of.fields.values():
            if (
                isinstance(field.spec, LinkSpec)
                and object in field.spec.to
                and not field.computed
                and not (field.system and field.name != "owner")
                and (field.columns or field.spec.many)
            ):
                yield field


def hanging(conn: Conn, call: Call, object: str, id: str) -> list[Hanging]:
    """What hangs on a record, each link by itself."""
    found = []
    for link in links_to(call.model, object):
        count = len(pointing(conn, call, link, (object, id), most=MOST_COUNTED + 1))
        if count:
            many = count > MOST_COUNTED
            found.append(
                Hanging(object=link.object, field=link.name, count=min(count, MOST_COUNTED), more=many)
            )
    return found


def move_pointers(
    conn: Conn, call: Call, loser: Ref, winner: Ref, leaving: Collection[str]
) -> tuple[list[Moved], list[Stayed]]:
    """Everything that points at the loser points at the winner from now on. `leaving` are records that go themselves. What cannot
    be (the same pair is there already) stays, and is told."""
    moved: list[Moved] = []
    stayed: list[Stayed] = []
    acting = entitled(call, "moving")
    for link in links_to(call.model, loser[0]):
        ids = [i for i in pointing(conn, call, link, loser) if link.object != loser[0] or i not in leaving]
        if not ids:
            continue
        within_limit(ids)
        before = as_stood(conn, call, link.object, ids, (link.name,))
        changes = []
        for id in ids:
            old = before[id][link.name]
            to = None if (link.object, id) == winner else winner
            changes.append(
                Change(
                    action="update", object=link.object, id=id, source="typed",
                    set={link.name: instead(link, old, loser, to)},
                )
            )  # fmt: skip
        for change, outcome in zip(changes, save(conn, acting, changes, mode="each"), strict=True):
            id = str(change.id)
            if outcome.action == "refused":
                stayed.append(Stayed(object=link.object, id=id, problems=outcome.problems))
            else:
                old = before[id][link.name]
                moved.append(Moved(object=link.object, id=id, field=link.name, loser=loser[1], old=old))
    return moved, stayed
