"""Two pools over the customers of `standing`, and what tests ask of them: who claimed, where a record stands, who was told what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from patron_engine.actor import Actor
from patron_engine.phrases import own_catalogue, written
from patron_engine.record import telling
from patron_engine.ways import pools
from patron_testing.standing import House

POOLS = """
kind: pool
name: east
label: {en: East, zh-CN: 东区公海}
object: customer
takes: "region == 'east'"
priority: 2
managers: {role: boss}
members: {role: rep}
hidden: [phone, people.mobile]
claim: {per_day: 2, holding: 3, in_all: 4, at_once: 2, limits: [{name: teams, who: {group: none}, per_day: 9}, {name: bosses, who: {role: boss}, per_day: 5, holding: 4, in_all: 9}], counts_when: "state != 'won'", not_again: 30 days}
return:
  - {name: a, when: "grade == 'a'", no_call: 60 days}
  - {name: else, no_call: 15 days, no_person: 90 days}
exempt_when: "locked"
transfer: {by: owners, to: west}
unclaimed: 2 days
lock: {field: locked, most: 1, limits: [{name: teams, who: {group: none}, most: 0}, {name: bosses, who: {role: boss}, most: 2}]}
warn: 3 days
extend: {by: 10 days, times: 2}
on_return: {clear_team: true, with: [people]}
reasons: [{name: no_need, label: No need}, {name: no_time, label: No time}]
---
kind: pool
name: west
label: West
object: customer
takes: "region == 'west'"
managers: [{role: boss}, {role: west_boss}]
members: {role: boss}
---
kind: automation
name: welcome
object: customer
on: {event: claimed}
steps: [{name: note, do: update, set: {reason: "=CONCAT('claimed from ', event.pool)"}}]
---
kind: automation
name: goodbye
object: customer
on: {event: returned}
steps: [{name: note, do: update, set: {reason: "=CONCAT('returned: ', event.reason)"}}]
"""


def claimed(
    house: House, user: str, id: str, later: timedelta = timedelta(), role: str = "rep"
) -> str | None:
    """Why it was not, by its code."""
    ((_, error),) = pools.claim(house.conn, house.later(later, user, role), "customer", [id])
    house.conn.commit()
    return error.code if error else None


def standing(house: House, id: str) -> tuple[Any, ...]:
    (row,) = house.kept("sys__pool", "pool, waits, owner::text", f"WHERE record = '{id}'")
    return row


def moves(house: House) -> list[tuple[Any, ...]]:
    return house.rows(
        "pool_move", "kind, pool_name, from_user::text, to_user::text, by::text, reason", "ORDER BY at, id"
    )


def told(house: House) -> list[tuple[Any, ...]]:
    return house.kept("sys__notice", "person::text, reason", "ORDER BY at, id")


def words(house: House, person: str, reason: str, language: str = "zh-CN") -> list[str]:
    """What somebody reads, the latest first."""
    notices = telling.told(house.conn, replace(house.call, actor=Actor(user=person)), 50)
    languages = (language, "en")
    return [
        written(telling.said(n.text, languages), languages, own_catalogue())
        for n in notices
        if n.reason == reason
    ]
