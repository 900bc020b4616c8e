"""Questions about a business no report was made for, answered by reports and by plain Python apart: they must say the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from statistics import mean, median
from typing import Any

import psycopg
import pytest

from patron_engine.report.answer import REST, Request, Spot
from patron_engine.ways import figure
from patron_engine.ways.read import figures
from patron_testing.asked import (
    BACK,
    DONE,
    PIECES,
    SUM,
    WORLD,
    N,
    Office,
    back,
    cut,
    department,
    fiscal,
    group_of,
    month,
    total,
    town,
)
from patron_testing.ledger import named, plain
from patron_testing.pg import Server
from patron_testing.wholesale import (
    LATER,
    PEOPLE,
    TOWNS,
    WARES,
    Sale,
    built,
)


@pytest.fixture(scope="module")
def office(server: Server) -> Iterator[Office]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield Office(*built(conn, WORLD))
    server.drop(url)


def test_money_of_three_currencies_is_told_in_one(office: Office) -> None:
    """What did each currency bring, in euros at the rate of its day?"""
    assert office.rows("n", "sum", rows=["currency"], measures=[N, SUM]) == cut(lambda s: s.currency, lambda g: (len(g), plain(total(g))))  # fmt: skip


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_sale_with_many_items_counts_once(office: Office, level: int) -> None:
    """Sums of sales beside pieces of their items, by the group of the ware at a level: sums stay, though items multiply."""

    def members(sale: Sale) -> set[str | None]:
        return {group_of(w, level) for w, _ in sale.items} or {None}

    found = office.run(rows=[{"field": "items.ware.group", "level": level}], measures=[SUM, N, PIECES, BACK])
    pieces: Counter[str | None] = Counter()
    for sale in WORLD:
        for ware, n in sale.items:
            pieces[group_of(ware, level)] += n
    wanted = cut(members, lambda g: (plain(total(g)), len(g), plain(back(g))), every=True)
    shown = {named(found, k) if k else "all": tuple(plain(found.value(m, k)) for m in ("sum", "n", "back")) for k in (*found.row_keys, ())}  # fmt: skip
    assert shown == wanted
    assert {named(found, k): plain(found.value("pieces", k)) or 0 for k in found.row_keys} == {
        k: pieces[k] for k in shown if k != "all"
    }
    assert plain(found.value("pieces")) == pieces.total()


def test_two_sets_below_do_not_multiply_each_other(office: Office) -> None:
    """Pieces sold, money given back and how many of each, by town: neither set is counted as often as the other has records."""
    measures = [SUM, PIECES, BACK, {"name": "times", "function": "count", "field": "refunds.id"}, {"name": "net", "expression": "sum - back"}]  # fmt: skip

    def told(g: list[Sale]) -> tuple[Any, ...]:
        return plain(total(g)), sum(n for s in g for _, n in s.items), plain(back(g)), sum(len(s.refunds) for s in g), plain(total(g) - back(g))  # fmt: skip

    assert office.rows(
        "sum", "pieces", "back", "times", "net", rows=["client.town"], measures=measures
    ) == cut(town, told)
    two_down = office.run(object="client", rows=[{"field": "sales.items.ware.group", "level": 1}], measures=[{"name": "credit", "function": "sum", "field": "credit"}])  # fmt: skip
    credit = {n: 10**i for i, n in enumerate(TOWNS)}
    reached: dict[Any, set[str]] = defaultdict(set)
    for sale in WORLD:
        if sale.client:
            for group in {group_of(w, 1) for w, _ in sale.items} or {None}:
                reached[group].add(sale.client)
    reached[None].add("Omega")  # without a single sale
    shown = {named(two_down, k): plain(two_down.value("credit", k)) for k in two_down.row_keys}
    assert shown == {k: sum(credit[c] for c in v) for k, v in reached.items()}
    assert plain(two_down.value("credit")) == 11_111


def test_different_ones_are_counted_anew_in_a_total(office: Office) -> None:
    """How many clients bought each month, how many wares? A year's is not the sum of its months."""
    measures = [{"name": "clients", "function": "count_distinct", "field": "client"}, {"name": "wares", "function": "count_distinct", "field": "items.ware"}]  # fmt: skip

    def told(g: list[Sale]) -> tuple[int, int]:
        return len({s.client for s in g if s.client}), len({w for s in g for w, _ in s.items})

    found = office.rows("clients", "wares", rows=[{"field": "sold_on", "by": "month"}], measures=measures)
    assert found == cut(lambda s: month(s.day), told)
    assert found["all"] == (4, len(WARES)) and sum(v[0] for k, v in found.items() if k != "all") > 4


def test_an_average_of_all_is_no_average_of_averages(office: Office) -> None:
    """The average sale by superior, its median, and what nine of ten sales stay below."""
    measures = [
        {"name": "average", "function": "avg", "field": "sum"}, {"name": "again", "expression": "sum / n"}, SUM, N,
        {"name": "middle", "function": "median", "field": "sum"}, {"name": "high", "function": "percentile", "at": 90, "field": "sum"},
    ]  # fmt: skip

    def high(g: list[Sale]) -> float:
        values = sorted(s.base for s in g)
        place = Decimal("0.9") * (len(values) - 1)
        low = int(place)
        upper = values[min(low + 1, len(values) - 1)]
        return float(values[low] + (place - low) * (upper - values[low]))

    wanted = cut(
        lambda s: PEOPLE[s.who][1],
        lambda g: (float(mean(s.base for s in g)), float(median(s.base for s in g)), high(g)),
    )
    found = office.run(rows=["owner.manager"], measures=measures)
    for key in (*found.row_keys, ()):
        average, middle, most = wanted[named(found, key)] if key else wanted["all"]
        assert (
            float(found.value("average", key)) == pytest.approx(average) == float(found.value("again", key))
        )
        assert float(found.value("middle", key)) == pytest.approx(middle)
        assert float(found.value("high", key)) == pytest.approx(most)


def test_a_border_belongs_to_the_bucket_above_it(office: Office) -> None:
    bases = sorted({s.base for s in WORLD if s.base == int(s.base)})
    borders = [int(bases[len(bases) * i // 4]) for i in (1, 2, 3)]
    found = office.rows(
        "n", "sum", "pieces", rows=[{"field": "sum", "buckets": borders}], measures=[N, SUM, PIECES]
    )
    assert found == cut(
        lambda s: sum(s.base >= b for b in borders),
        lambda g: (len(g), plain(total(g)), sum(n for s in g for _, n in s.items)),
    )


def test_a_fiscal_year_begins_in_july(office: Office) -> None:
    found = office.rows("sum", rows=[{"field": "sold_on", "by": "fiscal_quarter"}], measures=[SUM])
    assert found == cut(lambda s: fiscal(s.day), total)
    years = office.rows("sum", rows=[{"field": "sold_on", "by": "fiscal_year"}], measures=[SUM])
    assert years == cut(lambda s: date(s.day.year - (s.day.month < 7), 7, 1).isoformat(), total)
    names = office.run(rows=[{"field": "sold_on", "by": "fiscal_quarter"}], columns=["state"], measures=[SUM])
    by_both = cut(lambda s: (fiscal(s.day), s.state), total)
    assert {(r[0], c[0]): plain(v[0]) for (r, c), v in names.cells.items() if r and c} == {
        k: v for k, v in by_both.items() if k != "all"
    }


@pytest.mark.parametrize("level", [1, 2, 3])
def test_people_count_for_the_department_at_a_level(office: Office, level: int) -> None:
    """Who stands higher than the level counts for his own department; who has none, for none."""
    found = office.rows("sum", "n", rows=[{"field": "owner.department", "level": level}], measures=[SUM, N])
    assert found == cut(department(level), lambda g: (plain(total(g)), len(g)))


def test_the_first_three_and_the_rest(office: Office) -> None:
    measures = [SUM, {"name": "share", "expression": "sum / TOTAL(sum)"}, {"name": "middle", "function": "median", "field": "sum"}]  # fmt: skip
    found = office.run(rows=["client"], measures=measures, sort=["-sum"], limit=3)
    wanted = cut(lambda s: s.client, total)
    first = sorted((k for k in wanted if k != "all"), key=lambda k: -wanted[k])[:3]
    assert [named(found, k) for k in found.row_keys] == [*first, REST]
    rest = [s for s in WORLD if s.client not in first]
    assert (
        plain(found.value("sum", (REST,))) == plain(total(rest))
        and plain(found.value("sum")) == wanted["all"]
    )
    assert float(found.value("middle", (REST,))) == pytest.approx(float(median(s.base for s in rest)))
    shares = [found.value("share", k) for k in found.row_keys]
    assert sum(shares) == pytest.approx(1) and float(shares[0]) == pytest.approx(
        wanted[first[0]] / wanted["all"]
    )


def test_running_before_and_a_month_without_sales(office: Office) -> None:
    measures = [SUM, {"name": "running", "expression": "RUNNING(sum)"}, {"name": "last", "expression": "PREVIOUS(sum, 'month')"}, {"name": "year", "expression": "PREVIOUS(sum, 'year')"}]  # fmt: skip
    found = office.run(rows=[{"field": "sold_on", "by": "month", "fill": True}], measures=measures)
    by_month = cut(lambda s: month(s.day), total)
    by_month["2025-08-01"] = 0
    run = Decimal(0)
    months = [k[0] for k in found.row_keys]
    assert months == sorted(k for k in by_month if k != "all")
    for at, key in enumerate(months):
        run += Decimal(by_month[key])
        ago = f"{int(key[:4]) - 1}{key[4:]}"
        assert plain(found.value("running", (key,))) == plain(run)
        assert plain(found.value("year", (key,))) == by_month.get(ago), key
        if at:
            assert plain(found.value("last", (key,))) in (
                by_month[months[at - 1]],
                None if not by_month[months[at - 1]] else 0,
            )
    here = office.run(rows=["client.town"], where="sold_on >= '2026-01-01' and sold_on < '2026-04-01'", measures=[SUM, {"name": "year", "expression": "PREVIOUS(sum, 'year')"}])  # fmt: skip
    assert plain(here.value("sum")) == plain(
        total([s for s in WORLD if s.day.year == 2026 and s.day.month < 4])
    )


def test_how_many_of_those_decided_were_paid(office: Office) -> None:
    rate = [{"name": "rate", "expression": f"COUNT({DONE}) / COUNT(state in ('paid', 'failed'))"}, {"name": "won", "expression": "paid / sum"}, {**SUM, "name": "paid", "where": DONE}, SUM]  # fmt: skip
    found = office.run(rows=["owner"], measures=rate)

    def told(g: list[Sale]) -> tuple[float, float]:
        states = Counter(s.state for s in g)
        return states["paid"] / (states["paid"] + states["failed"]), float(total([s for s in g if s.state == "paid"]) / total(g))  # fmt: skip

    wanted = cut(lambda s: s.who, told)
    for key in (*found.row_keys, ()):
        paid, won = wanted[named(found, key)] if key else wanted["all"]
        assert (float(found.value("rate", key)), float(found.value("won", key))) == (
            pytest.approx(paid),
            pytest.approx(won),
        )


def test_a_past_day_is_told_as_it_was(office: Office) -> None:
    now = office.rows("n", "sum", rows=["state"], measures=[N, SUM])
    then = office.rows(
        "n", "sum", rows=["state"], measures=[N, SUM], as_of=LATER.date().replace(day=1).isoformat()
    )
    assert now == cut(lambda s: s.state, lambda g: (len(g), plain(total(g))))
    assert then == cut(lambda s: s.state_then, lambda g: (len(g), plain(total(g)))) != now


def test_who_came_again(office: Office) -> None:
    """Clients with three sales paid for, by town, and their part of all clients: one who never bought is a client too."""
    measures = [{"name": "clients", "function": "count"}, {"name": "again", "expression": f"COUNT(COUNT(sales, {DONE}) >= 3)"}, {"name": "part", "expression": "again / clients"}]  # fmt: skip
    found = office.rows("clients", "again", "part", object="client", rows=["town"], measures=measures)
    paid = Counter(s.client for s in WORLD if s.state == "paid")
    wanted = {}
    for place in (*dict.fromkeys(TOWNS.values()), "all"):
        here = [c for c, t in TOWNS.items() if place in (t, "all")]
        again = sum(paid[c] >= 3 for c in here)
        wanted[place] = (len(here), again, pytest.approx(again / len(here)))
    assert found == wanted


@pytest.mark.parametrize(
    ("who", "role", "whose"),
    [("Dag", "trader", {"Dag"}), ("Ben", "head", {"Ben", "Cem"}), ("Ada", "head", set(PEOPLE))],
)
def test_a_reader_is_told_of_what_he_can_list(office: Office, who: str, role: str, whose: set[str]) -> None:
    """The same question by people of different rights: each total is that of his list, and shares are of his own total."""
    call, mine = office.of(who, role), [s for s in WORLD if s.who in whose]
    body: dict[str, Any] = {"rows": ["client.town"], "measures": [SUM, PIECES, BACK, N, {"name": "share", "expression": "sum / TOTAL(sum)"}]}  # fmt: skip
    found = office.run(call, **body)
    wanted = cut(
        town, lambda g: (plain(total(g)), sum(n for s in g for _, n in s.items), plain(back(g)), len(g)), mine
    )
    for key in (*found.row_keys, ()):
        told = tuple(plain(found.value(m, key)) or 0 for m in ("sum", "pieces", "back", "n"))
        assert told == wanted[named(found, key) if key else "all"]
    assert sum(found.value("share", k) for k in found.row_keys) == pytest.approx(1)
    request = Request(body={"kind": "report", "name": "q", "type": "summary", "object": "sale", "totals": ["grand"], **body})  # fmt: skip
    for key in (*found.row_keys, ()):
        ask = figure.drill(office.r.conn, call, request, Spot(rows=key, figure="sum"))
        assert figures(office.r.conn, call, ask, [("sum", "sum")])[0][2] == found.value("sum", key)
    clients = office.rows("again", object="client", rows=["town"], measures=[{"name": "again", "expression": "COUNT(COUNT(sales) >= 1)"}], call=call)  # fmt: skip
    assert clients["all"] == len({s.client for s in mine if s.client})


def test_sales_and_refunds_of_a_month_side_by_side(office: Office) -> None:
    body = {
        "type": "joined", "group": [{"name": "month", "by": "month", "fill": True}],
        "blocks": [
            {"name": "sold", "object": "sale", "on": {"month": "sold_on"}, "where": DONE, "measures": [SUM]},
            {"name": "returned", "object": "refund", "on": {"month": "back_on"}, "measures": [{"name": "back", "function": "sum", "field": "back"}]},
        ],
        "measures": [{"name": "part", "expression": "back / sum"}],
    }  # fmt: skip
    whole = {"kind": "report", "name": "j", "totals": ["grand"], **body}
    found = figure.run(office.r.conn, office.r.call, Request(body=whole))
    sold = cut(lambda s: month(s.day), total, [s for s in WORLD if s.state == "paid"])
    returned = cut(lambda s: month(s.day), back)
    for key in found.row_keys:
        assert plain(found.value("sum", key)) in (sold.get(key[0], 0), sold.get(key[0]))
        assert plain(found.value("back", key)) in (returned.get(key[0], 0), returned.get(key[0]))
    assert (plain(found.value("sum")), plain(found.value("back"))) == (sold["all"], returned["all"])
    assert float(found.value("part")) == pytest.approx(returned["all"] / sold["all"])
