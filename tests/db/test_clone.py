"""A copy of a record: with its details, at the beginning of its stages, without what must be its own."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from patron_engine.store.session import configure
from patron_platform.api.clone import cloned
from patron_testing.build import Records, Templates
from patron_testing.pg import Server

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [en]
---
kind: object
name: chance
label: Chance
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: number, type: auto_number, pattern: "N{000}", label: Number}
  - {name: code, type: text, label: Code, unique: true}
  - {name: stage, type: select, label: Stage, default: first, options: [{name: first}, {name: won}, {name: lost}]}
  - {name: likely, type: integer, label: Likely, default: "=IF(stage == 'lost', 0, 10)"}
  - {name: why, type: text, label: Why, visible: "stage == 'lost'", required: "stage == 'lost'"}
  - {name: note, type: text, label: Note}
  - {name: grade, type: select, label: Grade, default: b, options: [{name: a}, {name: b}]}
---
kind: object
name: chance_line
label: Line
title: what
owner: none
fields:
  - {name: chance, type: master, to: chance, label: Chance, reverse: lines}
  - {name: position, type: auto_number, pattern: "{00}", reset: master, label: No.}
  - {name: what, type: text, label: What, required: true}
---
kind: stage_path
name: chances
label: Chances
object: chance
field: stage
stages: [{name: first}, {name: won, end: won}, {name: lost, end: lost}]
"""


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, call)
    server.drop(url)


def test_a_copy_of_what_was_lost_begins_anew(r: Records) -> None:
    lost = r.create(
        "chance", name="Boat", code="B-1", stage="lost", why="price", likely=0, note="kept", grade="a",
        lines=[{"what": "hull"}, {"what": "sail"}],
    )  # fmt: skip
    values = cloned(r.conn, r.call, "chance", lost)
    assert values == {
        "name": "Boat",
        "note": "kept",
        "grade": "a",
        "lines": [{"what": "hull"}, {"what": "sail"}],
    }
    copy = r.create("chance", **values)
    row = r.row("chance", copy)
    assert (row["stage"], row["likely"], row["why"], row["code"], row["number"]) == (
        "first",
        10,
        None,
        None,
        "N002",
    )
