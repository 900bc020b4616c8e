"""Sharing rules whose words have a `where`: asked of the candidate, with the record as `this`, in lists and in saves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.errors import PatronError
from patron_engine.query.spec import Ask
from patron_engine.ways.read import rows
from patron_testing.build import build_workspace
from patron_testing.standing import OBJECTS, House

RULES = """
kind: role
name: rep
objects: {customer: {read: own, update: own}}
---
kind: sharing
name: of_my_region
object: customer
where: "state != 'lost'"
to: [{role: rep, where: "this.region in regions and active"}]
give: edit
"""


def test_whoever_fits_the_record_has_it(conn: psycopg.Connection[Any]) -> None:
    house = House(conn, build_workspace(conn, OBJECTS + "---" + RULES))
    boss = house.user("boss")
    east, none = house.user("east", "rep", regions=["east"]), house.user("none", "rep")
    here = house.do("create", "customer", name="Here", owner=boss)
    house.do("create", "customer", name="Lost", owner=boss, state="lost")
    house.do("create", "customer", name="There", region="west", owner=boss)

    def sees(person: str) -> list[str]:
        ask = Ask(object="customer", fields=("name",), sort=("name",), limit=9)
        return [r["name"] for r in rows(house.conn, house.later(timedelta(), person, "rep"), ask)]

    assert (sees(east), sees(none)) == (["Here"], [])
    house.do("update", "customer", here, house.later(timedelta(), east, "rep"), phone="1")
    with pytest.raises(PatronError):
        house.do("update", "customer", here, house.later(timedelta(), none, "rep"), phone="2")
    house.conn.rollback()
    house.do("update", "user", none, regions=["east", "west"])
    assert sees(none) == ["Here", "There"]
