"""Figures for who may not see everything: rows under a rule, fields out of sight; what is hidden shows in no group, total or filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.access import grants as given
from patron_engine.access.grants import Grant
from patron_engine.actor import Actor
from patron_engine.errors import NotFound, Refused
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.report.answer import Spot
from patron_engine.ways import figure
from patron_testing.build import ADMIN, Records, build_workspace
from patron_testing.ledger import DOCUMENTS, Ledger, named, plain
from patron_testing.pg import Server

READ = frozenset({"read"})
BOTH = [
    {"name": "total", "function": "sum", "field": "total"},
    {"name": "orders", "function": "count"},
    {"name": "most", "function": "max", "field": "total"},
]


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Records]:
    url = server.make()
    with psycopg.connect(url) as conn:
        r = Records(conn, build_workspace(conn, DOCUMENTS))
        near, far = r.create("department", name="Near"), r.create("department", name="Far")
        ann = r.create("user", name="Ann", department=near)
        bob = r.create("user", name="Bob", department=far)
        pen = r.create("product", name="Pen", series="a_series")
        for i, (seller, total, state) in enumerate(
            ((ann, 100, "open"), (ann, 200, "done"), (bob, 400, "open"), (bob, 8000, "done"))
        ):
            order = r.create("order", name=f"O{i}", seller=seller, total=str(total), state=state, ordered_on="2026-02-03", place="cn/sh")  # fmt: skip
            r.create("line", name="L", order=order, product=pen, quantity="2")
            r.create("line", name="L", order=order, product=pen, quantity="3")
        conn.commit()
        yield r
    server.drop(url)


class Restricted(Ledger):
    """Reads orders of less than 1,000 without their state, the total of open ones alone, users called Ann, lines of less than 3."""

    def __init__(self, r: Records, monkeypatch: pytest.MonkeyPatch, *grants: Grant) -> None:
        super().__init__(r)
        actor = Actor(user=r.create("user", name="Rep"), name="rep", roles=frozenset({"rep"}))
        real = given.grants_of
        monkeypatch.setattr(given, "grants_of", lambda m, a: grants if a is actor else real(m, a))
        self.call = replace(r.call, actor=actor)


def rule(r: Records, object: str, text: str) -> Expression:
    scope = Scope(catalog=ReadableCatalog(r.call.tables, ADMIN), object=object, rows=True, aggregates=True)
    made = compile_expression(text, scope)
    assert isinstance(made, Expression), made
    return made


@pytest.fixture
def rep(built: Records, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restricted]:
    with built.conn.transaction(force_rollback=True):
        yield Restricted(
            built,
            monkeypatch,
            Grant(reason="rep", object="order", actions=READ, condition=rule(built, "order", "total < 1000"), fields=(("state", "none"), ("place", "masked"))),
            Grant(reason="rep", object="user", actions=READ, condition=rule(built, "user", "name == 'Ann'")),
            Grant(reason="rep", object="line", actions=READ, condition=rule(built, "line", "quantity < 3")),
            Grant(reason="rep", object="product", actions=READ, condition=None),
        )  # fmt: skip


def test_figures_are_over_the_rows_he_reads(rep: Restricted) -> None:
    found = rep.run(measures=BOTH)
    assert [plain(v) for v in found.cells[(), ()]] == [700, 3, 400]
    pieces = rep.run(measures=[{"name": "n", "function": "sum", "field": "lines.quantity"}, *BOTH])
    assert plain(pieces.value("n")) == 6 and plain(pieces.value("total")) == 700
    by_product = rep.run(rows=["lines.product"], measures=BOTH, totals=["grand"])
    assert [named(by_product, k) for k in by_product.row_keys] == ["Pen"]
    assert plain(by_product.value("total")) == 700


def test_a_group_shows_nothing_of_what_lies_behind_a_link(rep: Restricted) -> None:
    by_seller = rep.run(rows=["seller"], measures=BOTH, totals=["grand"])
    assert sorted(by_seller.titles.values()) == ["Ann"]  # the other is a member without a name, as in a list
    assert {plain(by_seller.value("total", k)) for k in by_seller.row_keys} == {300, 400}
    by_name = rep.run(rows=["seller.name"], measures=BOTH)
    assert {k[0]: plain(by_name.value("total", k)) for k in by_name.row_keys} == {"Ann": 300, None: 400}
    for rows in (["seller"], ["seller.name"], [{"field": "ordered_on", "by": "month"}], ["lines.product"]):
        assert rep.adds_up(rep.request(rows=rows, measures=BOTH, totals=["grand"])) >= 6


@pytest.mark.parametrize(
    "body",
    [
        {"rows": ["state"]},
        {"rows": [{"field": "place", "level": 1}]},
        {"rows": ["seller.department"]},
        {"where": "state == 'done'"},
        {"filters": ["state == 'done'"]},
        {"measures": [{"name": "n", "function": "count", "where": "state == 'done'"}]},
        {"measures": [{"name": "n", "function": "count_distinct", "field": "state"}]},
        {"measures": [{"name": "n", "expression": "COUNT(state == 'done')"}]},
    ],
)
def test_what_he_may_not_read_is_what_does_not_exist(rep: Restricted, body: dict[str, Any]) -> None:
    if body.get("rows") == ["seller.department"]:
        assert {plain(v[0]) for v in rep.run(**body, measures=BOTH).cells.values()} <= {300, 400, 700}
        return
    with pytest.raises(Refused) as refused:
        rep.run(**body)
    told = " ".join(p.message for p in refused.value.problems)
    assert "has no field 'state'" in told or "has no field 'place'" in told


def test_an_object_that_is_not_his_is_not_there(rep: Restricted) -> None:
    with pytest.raises(NotFound):
        rep.run(object="department", measures=[{"name": "n", "function": "count"}])
    assert figure.reports_of(rep.call) == ()


def test_a_total_of_several_readers_is_what_each_lists(rep: Restricted, built: Records) -> None:
    body: dict[str, Any] = {"rows": ["seller"], "columns": [{"field": "total", "buckets": [150, 300]}], "measures": BOTH, "totals": ["rows", "columns", "grand"]}  # fmt: skip
    mine, whole = rep.run(**body), Ledger(built).run(**body)
    assert plain(mine.value("total")) == 700 and plain(whole.value("total")) == 8700
    assert rep.adds_up(rep.request(**body)) > 12 and Ledger(built).adds_up(rep.request(**body)) > 12
    ask = figure.drill(built.conn, rep.call, rep.request(**body), Spot(columns=(2,), figure="total"))
    assert ask.where == "(total >= 300)"


def test_a_right_that_has_ended_does_not_hold_in_the_year_before(
    built: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question of the year before is asked with the rights of now."""
    body: dict[str, Any] = {
        "where": "ordered_on <= TODAY() + 3000",
        "measures": [*BOTH, {"name": "before", "expression": "PREVIOUS(total, 'year')"}],
    }
    day = built.call.today
    with built.conn.transaction(force_rollback=True):
        ended = rule(built, "order", f"TODAY() < DATE({day.year}, {day.month}, {day.day})")
        reader = Restricted(
            built, monkeypatch, Grant(reason="ended", object="order", actions=READ, condition=ended)
        )
        assert plain(reader.run(**body).value("before")) in (None, 0)
        assert plain(Ledger(built).run(**body).value("before")) == 8700
