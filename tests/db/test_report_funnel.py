"""Funnels: in the order of the path, every stay counted, who skipped a stage passed it, and the list behind a stage adds up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Refused
from patron_engine.query.spec import Ask
from patron_engine.report.answer import Request, Spot
from patron_engine.store.session import open_session
from patron_engine.ways import figure
from patron_engine.ways.read import rows
from patron_testing.build import build_workspace
from patron_testing.pg import Server
from patron_testing.standing import OBJECTS, House

PATH = """
kind: stage_path
name: way
object: customer
field: state
moves: {back: true, skip: true}
stages: [{name: fresh}, {name: called}, {name: offered}, {name: won, end: won}, {name: lost, label: {en: Gone}, end: lost}]
---
kind: role
name: seller
label: Seller
objects: {customer: {read: own}, stage_stay: {read: {through: about}}}
---
kind: role
name: blind
label: Blind
objects: {customer: {read: all}}
"""
FUNNEL = {
    "kind": "report",
    "name": "f",
    "type": "funnel",
    "object": "customer",
    "path": "way",
    "value": "amount",
}


@pytest.fixture(scope="module")
def house(server: Server) -> Iterator[House]:
    with psycopg.connect(server.make()) as conn:
        open_session(conn, "job")
        conn.commit()
        yield filled(conn)


def filled(conn: psycopg.Connection[Any]) -> House:
    house = House(conn, build_workspace(conn, OBJECTS + "---\n" + PATH))
    ann = house.user("ann")
    bo = house.user("bo")

    def goes(name: str, owner: str, amount: int, *stages: str) -> None:
        id = house.do("create", "customer", name=name, owner=owner, amount=amount, state=stages[0])
        for hours, stage in enumerate(stages[1:], 1):
            house.do("update", "customer", id, call=house.later(timedelta(hours=hours)), state=stage)

    goes("A", ann, 10, "fresh", "called", "offered", "won")
    goes("B", ann, 20, "fresh", "offered", "lost")  # skipped called
    goes("C", bo, 30, "fresh", "called", "fresh")  # went back
    goes("D", bo, 40, "lost")
    goes("E", bo, 50, "offered", "offered")
    house.work(timedelta(hours=9))
    return house


def numbers(
    house: House, body: Mapping[str, Any] = FUNNEL, actor: Actor | None = None, **more: Any
) -> dict[str, Any]:
    call = house.call if actor is None else replace(house.call, actor=actor)
    answer = figure.run(house.conn, call, Request(body=body, **more))
    return {
        stage: {f.name: answer.value(f.name, (stage,)) for f in answer.figures}
        for (stage,) in answer.row_keys
    } | {"": {f.name: answer.value(f.name) for f in answer.figures}}


def test_a_record_counts_in_every_stage_it_came_to_and_in_those_it_skipped(house: House) -> None:
    found = numbers(house)
    assert list(found) == ["fresh", "called", "offered", "won", ""]
    assert [(found[s]["count"], found[s]["value"]) for s in found] == [
        (5, 150),
        (4, 110),
        (3, 80),
        (1, 10),
        (5, 150),
    ]
    assert [found[s]["conversion"] for s in found] == [
        None, Decimal("0.8"), Decimal("0.75"), Decimal("0.3333333333"), None,
    ]  # fmt: skip
    assert [found[s]["overall"] for s in found] == [
        1,
        Decimal("0.8"),
        Decimal("0.6"),
        Decimal("0.2"),
        Decimal("0.2"),
    ]


def test_how_long_they_stayed_is_the_average_of_the_stays_that_ended(house: House) -> None:
    hour = 3600
    found = numbers(house)
    # fresh: A 1 h, B 1 h, C 1 h; called: A 1 h, C 1 h; offered: A 1 h, B 1 h; won is not left
    assert [found[s]["stay"] for s in found] == [hour, hour, hour, None, hour]


def test_a_report_over_the_stays_has_the_stages_in_their_order_and_by_their_labels(house: House) -> None:
    body = {
        "kind": "report", "name": "s", "type": "summary", "object": "stage_stay", "rows": ["to"],
        "measures": [{"name": "stays", "function": "count"}],
    }  # fmt: skip
    answer = figure.run(house.conn, house.call, Request(body=body))
    assert [key for (key,) in answer.row_keys] == ["fresh", "called", "offered", "won", "lost"]
    assert answer.options["to", "lost"] == {"en": "Gone"}


def test_its_figures_are_headed_and_written_as_the_definition_says(house: House) -> None:
    said: list[dict[str, Any]] = [
        {"name": "value", "label": {"en": "Worth"}, "format": {"unit": "万"}},
        {"name": "conversion", "format": {"scale": 1}},
        {"name": "stay", "label": {"en": "In stage"}},
    ]
    figures = {
        f.name: f
        for f in figure.run(house.conn, house.call, Request(body={**FUNNEL, "figures": said})).figures
    }
    assert (figures["value"].label, figures["value"].format) == ({"en": "Worth"}, {"unit": "万"})
    assert figures["conversion"].format == {
        "as": "percent",
        "scale": 1,
    }  # what it says nothing of stays as it is
    assert (figures["stay"].label, figures["stay"].format) == ({"en": "In stage"}, {"as": "duration"})
    assert figures["overall"].format == {"as": "percent"} and not figures["count"].format


def test_where_they_are_is_another_count(house: House) -> None:
    found = numbers(house, {**FUNNEL, "count": "is_in"})
    assert [(s, found[s]["count"], found[s]["value"]) for s in found] == [
        ("fresh", 1, 30), ("called", 0, 0), ("offered", 1, 50), ("won", 1, 10), ("", 3, 90),
    ]  # fmt: skip
    assert "conversion" not in found["fresh"]


def test_every_reader_finds_the_records_behind_a_stage(house: House) -> None:
    (ann,) = (r[0] for r in house.rows("user", "id::text", "AND name = 'ann'"))
    for actor in (
        house.call.actor,
        Actor(user=ann, roles=frozenset({"seller"})),
        Actor(user=ann, roles=frozenset({"blind"})),
    ):
        for body in (FUNNEL, {**FUNNEL, "count": "is_in"}, {**FUNNEL, "where": "amount > 15"}):
            call = replace(house.call, actor=actor)
            found = numbers(house, body, actor)
            for stage, values in found.items():
                ask = figure.drill(house.conn, call, Request(body=body), Spot(rows=(stage,) if stage else ()))
                listed = [
                    dict(r) for r in rows(house.conn, call, replace(ask, fields=("amount",), limit=200))
                ]
                assert (values["count"], values["value"]) == (
                    len(listed),
                    sum(r["amount"] for r in listed),
                ), (stage, body)


def test_rights_decide_which_records_and_which_stays(house: House) -> None:
    (ann,) = (r[0] for r in house.rows("user", "id::text", "AND name = 'ann'"))
    own = numbers(house, actor=Actor(user=ann, roles=frozenset({"seller"})))
    assert [own[s]["count"] for s in own] == [2, 2, 2, 1, 2]
    blind = replace(house.call, actor=Actor(user=ann, roles=frozenset({"blind"})))
    answer = figure.run(house.conn, blind, Request(body=FUNNEL))
    assert [answer.value("count", key) for key in answer.row_keys] == [5, 2, 2, 1]  # where they stand today
    assert "stay" not in {f.name for f in answer.figures} and len(answer.notes) == 1


def test_what_it_cannot_run_is_refused_with_its_place(house: House) -> None:
    for wrong, path in (
        ({"path": "no"}, "path"),
        ({"value": "name"}, "value"),
        ({"where": "nope == 1"}, "where"),
    ):
        with pytest.raises(Refused) as told:
            figure.run(house.conn, house.call, Request(body={**FUNNEL, **wrong}))
        assert [p.path for p in told.value.problems] == [path]
    with pytest.raises(Refused):
        figure.drill(house.conn, house.call, Request(body=FUNNEL), Spot(rows=("no",)))
    assert isinstance(figure.drill(house.conn, house.call, Request(body=FUNNEL), Spot()), Ask)
