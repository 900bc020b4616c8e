"""Every figure leads to records that add up to it: over an object nobody wrote a line of code for, with sets of sets, by readers of
different rights; and where no list can, it is said why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Refused
from patron_engine.report.answer import REST, Spot
from patron_engine.ways import figure
from patron_testing.build import Records, build_workspace
from patron_testing.ledger import Ledger
from patron_testing.pg import Server
from patron_testing.staff import STAFF

DOCUMENTS = (
    """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [en]
---"""
    + STAFF
    + """
kind: object
name: kennel
label: Kennel
title: name
features: [void]
fields:
  - {name: name, type: text}
  - {name: town, type: cascade, options: [{name: cn, options: [hz, nb]}, jp]}
  - {name: marks, type: tags, options: [loud, small]}
  - {name: opened, type: datetime}
  - {name: rent, type: money}
---
kind: object
name: dog
label: Dog
title: name
features: [void]
fields:
  - {name: name, type: text}
  - {name: kennel, type: lookup, to: kennel, reverse: dogs}
  - {name: breed, type: select, options: [pug, collie]}
  - {name: weight, type: decimal}
---
kind: object
name: meal
label: Meal
title: name
fields:
  - {name: name, type: text}
  - {name: dog, type: master, to: dog, reverse: meals}
  - {name: grams, type: decimal}
  - {name: kind, type: select, options: [dry, wet]}
---
kind: object
name: bill
label: Bill
title: name
fields:
  - {name: name, type: text}
  - {name: kennel, type: lookup, to: kennel, reverse: bills}
  - {name: shared, type: lookup, to: kennel, many: true, reverse: shared_bills}
  - {name: sum, type: money}
  - {name: paid, type: boolean}
---
kind: object
name: note
label: Note
title: name
fields:
  - {name: name, type: text}
  - {name: about, type: lookup, to: [kennel, dog], reverse: notes}
  - {name: stars, type: integer}
---
kind: segment
name: dear
label: Dear
object: kennel
where: "rent > 100"
---
kind: role
name: keeper
label: Keeper
objects: {kennel: {read: own}, dog: {read: all}, meal: {read: all}, bill: {read: own}, note: {read: all}, user: {read: all}}
"""
)
MEASURES = [
    {"name": "kennels", "function": "count"},
    {"name": "rent", "function": "sum", "field": "rent"},
    {"name": "dogs", "function": "count", "field": "dogs.id"},
    {"name": "breeds", "function": "count", "field": "dogs.breed"},
    {"name": "weight", "function": "sum", "field": "dogs.weight"},
    {"name": "heaviest", "function": "max", "field": "dogs.weight", "where": "rent > 50"},
    {"name": "eaten", "function": "sum", "field": "dogs.meals.grams"},
    {"name": "billed", "function": "avg", "field": "bills.sum"},
]


STARS = {"name": "stars", "function": "sum", "field": "notes.stars"}  # by a link to several objects


@pytest.fixture(scope="module")
def kennels(server: Server) -> Iterator[tuple[Records, dict[str, str]]]:
    url = server.make()
    with psycopg.connect(url) as conn:
        r = Records(conn, build_workspace(conn, DOCUMENTS))
        people = {name: r.create("user", name=name) for name in ("ann", "bob")}
        for n in range(8):
            kennel = r.create(
                "kennel", name=f"K{n}", town=(None, "cn/hz", "cn/nb", "jp")[n % 4], rent=str(2**n), owner=people["ann" if n % 3 else "bob"],
                marks=(["loud"], ["loud", "small"], [])[n % 3], opened=f"2026-0{1 + n % 3}-28T20:00:00Z",
            )  # fmt: skip
            for m in range(n % 4):
                dog = r.create("dog", name="D", kennel=kennel, breed=(None, "pug", "collie")[(n + m) % 3], weight=str(10 * n + m))  # fmt: skip
                for k in range((n + m) % 3):
                    r.create("meal", name="M", dog=dog, grams=str(100 * n + 10 * m + k), kind=("dry", "wet", None)[(m + k) % 3])  # fmt: skip
                if m == 2:
                    r.do("void", "dog", dog)
            for m in range(n % 3):
                r.create("bill", name="B", kennel=kennel, sum=str(7 * n + m), paid=m == 1, owner=people["ann"], shared=[kennel])  # fmt: skip
            r.create("note", name="N", about={"object": "kennel", "id": kennel}, stars=n)
            if n == 7:
                r.do("void", "kennel", kennel)
        r.do("delete", "kennel", kennel := r.create("kennel", name="gone", rent="999"))
        r.create("dog", name="D", weight="999")
        conn.commit()
        yield r, people
    server.drop(url)


def reader(kennels: tuple[Records, dict[str, str]], name: str | None) -> Ledger:
    r, people = kennels
    found = Ledger(r)
    if name is not None:
        found.call = replace(r.call, actor=Actor(user=people[name], name=name, roles=frozenset({"keeper"})))
    return found


@pytest.mark.parametrize("who", [None, "ann"])
@pytest.mark.parametrize(
    "body",
    [
        {"rows": ["dogs.breed"], "columns": ["marks"]},
        {"rows": ["dogs.breed", "dogs.meals.kind"]},
        {"rows": [{"field": "town", "level": 1}], "columns": ["bills.paid"]},
        {"rows": [{"field": "dogs.weight", "buckets": [20, 50]}], "where": "IN_SEGMENT('dear') or COUNT(bills, this.rent > 1 and sum > 3) > 0"},
        {"rows": [{"field": "opened", "by": "month"}], "where": "COUNT(dogs, weight > 5) > 0 and owner == me() or 'loud' in marks"},
        {"rows": [{"field": "dogs.breed", "limit": 1}], "columns": [{"field": "marks", "limit": 1}]},
        {"rows": ["name"], "columns": ["town"], "measures": [MEASURES[0], STARS]},
        {"rows": ["dogs.breed", "town"], "sort": ["-weight"], "limit": 1},
    ],
    ids=lambda b: str(b)[:60],
)  # fmt: skip
def test_every_cells_records_add_up_to_it(kennels: Any, who: str | None, body: dict[str, Any]) -> None:
    ledger = reader(kennels, who)
    whole = {"object": "kennel", "measures": MEASURES, "totals": ["rows", "columns", "grand"], **body}
    found = ledger.run(**whole)
    assert ledger.adds_up(ledger.request(**whole)) == len(found.cells) * len(whole["measures"]) > 15


def test_a_total_is_over_each_record_once_whatever_a_limit_makes_one(kennels: Any) -> None:
    """Of what is no sum of parts too: a kennel with a mark that is shown and one that is not is one kennel."""
    measures = [*MEASURES, {"name": "middle", "function": "median", "field": "rent"}, {"name": "kinds", "function": "count_distinct", "field": "dogs.breed"}]  # fmt: skip
    whole: dict[str, Any] = {"object": "kennel", "measures": measures, "totals": ["rows", "columns", "grand"]}
    for limited, free in (
        ({"rows": [{"field": "marks", "limit": 1}]}, {"rows": ["marks"]}),
        ({"rows": [{"field": "town", "limit": 1}]}, {"rows": ["town"]}),
    ):
        found, every = (
            reader(kennels, None).run(**whole, **limited),
            reader(kennels, None).run(**whole, **free),
        )
        assert (REST,) in found.row_keys and found.cells[(), ()] == every.cells[(), ()]


def test_a_formula_leads_to_what_all_of_it_is_measured_over(kennels: Any) -> None:
    each = {"name": "each", "expression": "weight / dogs"}
    ledger = reader(kennels, None)
    for expression, object in (
        ("weight / dogs", "dog"),
        ("weight / kennels", "kennel"),
        ("each * 2", "dog"),
        ("eaten * 2", "meal"),
    ):
        body = {"object": "kennel", "measures": [*MEASURES, each, {"name": "made", "expression": expression}]}
        assert (
            figure.drill(ledger.r.conn, ledger.call, ledger.request(**body), Spot(figure="made")).object
            == object
        )
        assert figure.drill(ledger.r.conn, ledger.call, ledger.request(**body), Spot()).object == "kennel"


@pytest.mark.parametrize(
    ("figure_", "body", "why"),
    [
        ("stars", {"where": "COUNT(bills) > 0", "measures": [MEASURES[0], STARS]}, "about['kennel'].bills"),
        ("weight", {"where": "REPEATED(rent)"}, "REPEATED compares records"),
        (
            "weight",
            {"measures": [{"name": "weight", "function": "sum", "field": "shared_bills.sum"}]},
            "may belong to several",
        ),
    ],
)
def test_what_no_list_can_add_up_to_says_why(
    kennels: Any, figure_: str, body: dict[str, Any], why: str
) -> None:
    ledger = reader(kennels, None)
    request = ledger.request(**{"object": "kennel", "measures": MEASURES, **body})
    ledger.run(**request.body)
    with pytest.raises(Refused, match="in no list that adds up") as told:
        figure.drill(ledger.r.conn, ledger.call, request, Spot(figure=figure_))
    assert why in str(told.value.problems[0].message)
    assert figure.drill(ledger.r.conn, ledger.call, request, Spot(figure="kennels")).object == "kennel"
