"""The figures of the public sales pipeline, worked out from its files by nothing but Python: what Patron's reports are held against.

In: examples/crm_sales_opportunities. Out: sums and numbers of its deals by anything a row of the files says. Never: Patron's own
code, so that both can only agree by being right.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "crm_sales_opportunities"


@dataclass(frozen=True, slots=True)
class Deal:
    agent: str
    manager: str
    office: str
    product: str
    series: str
    sector: str | None  # of the account; None where the row names no account
    stage: str
    closed_on: date | None
    value: int
    days: int | None  # from the first talk to the end


def month(deal: Deal) -> str | None:
    return deal.closed_on.replace(day=1).isoformat() if deal.closed_on else None


def quarter(deal: Deal) -> str | None:
    if deal.closed_on is None:
        return None
    return deal.closed_on.replace(month=(deal.closed_on.month - 1) // 3 * 3 + 1, day=1).isoformat()


class Published:
    """deals, and what they add up to: `by(lambda d: d.office)` is {office: (number, value)} of the won ones."""

    @cached_property
    def deals(self) -> tuple[Deal, ...]:
        people = {r["sales_agent"]: r for r in _rows("sales_teams")}
        series = {r["product"]: r["series"] for r in _rows("products")}
        sectors = {r["account"]: r["sector"].replace("technolgy", "technology") for r in _rows("accounts")}
        found = []
        for r in _rows("sales_pipeline"):
            product = "GTX Pro" if r["product"] == "GTXPro" else r["product"]
            began, closed = _day(r["engage_date"]), _day(r["close_date"])
            found.append(
                Deal(
                    agent=r["sales_agent"],
                    manager=people[r["sales_agent"]]["manager"],
                    office=people[r["sales_agent"]]["regional_office"],
                    product=product,
                    series=series[product],
                    sector=sectors[r["account"]] if r["account"] else None,
                    stage=r["deal_stage"],
                    closed_on=closed,
                    value=int(r["close_value"] or 0),
                    days=(closed - began).days if began and closed else None,
                )
            )
        return tuple(found)

    def by(self, key: Callable[[Deal], str | None], stage: str = "Won") -> dict[str | None, tuple[int, int]]:
        found: dict[str | None, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for deal in self.deals:
            if deal.stage == stage:
                count, value = found[key(deal)]
                found[key(deal)] = (count + 1, value + deal.value)
        return dict(found)

    def rates(self, key: Callable[[Deal], str | None]) -> dict[str | None, tuple[int, int]]:
        """(won, won or lost) by key."""
        won, lost = self.by(key), self.by(key, "Lost")
        return {
            k: (won.get(k, (0, 0))[0], won.get(k, (0, 0))[0] + lost.get(k, (0, 0))[0])
            for k in {**won, **lost}
        }

    def cycles(self, key: Callable[[Deal], str | None]) -> dict[str | None, list[int]]:
        found: dict[str | None, list[int]] = defaultdict(list)
        for deal in self.deals:
            if deal.stage == "Won" and deal.days is not None:
                found[key(deal)].append(deal.days)
        return dict(found)


def _rows(name: str) -> Iterator[Mapping[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _day(text: str) -> date | None:
    return datetime.strptime(text, "%m/%d/%Y").date() if text else None


__all__ = ["Deal", "Published", "month", "quarter"]
