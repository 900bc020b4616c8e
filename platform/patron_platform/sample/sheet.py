"""Sheet: rows that become records of one object, with their mapping. Deal: a row of the public pipeline.

In: the files of the example. Out: values for the modules beside this one, a CSV for the import. Never: the database.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

KEY = "external_ids.demo"
DEAL = "external_ids.crm_demo"  # what the public files call their rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`links`: column -> the object whose key it holds; `more`: column -> mapping of its own. Other columns are fields."""

    name: str
    object: str
    rows: Sequence[Mapping[str, Any]]
    match: str = KEY
    links: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def mapping(self) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for heading in self.rows[0]:
            if heading == "owner":
                continue
            if heading == "key":
                columns[heading] = self.match
            elif heading in self.links:
                columns[heading] = {"field": heading, "by": self.links[heading], "missing": "problem"}
            else:
                columns[heading] = self.more.get(heading, heading)
        owner = {"owner": "owner"} if "owner" in self.rows[0] else {}
        return {"object": self.object, "match": self.match, **owner, "columns": columns, "skip_empty": True}

    def write(self, folder: Path) -> Path:
        path = folder / f"{self.name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    key: str
    agent: str
    product: str
    account: str
    stage: str
    closed_on: date | None
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """The public files: deals, people with office and manager, customers with the agent who has them, list prices."""

    deals: tuple[Deal, ...]
    people: Mapping[str, tuple[str, str]]
    owners: Mapping[str, str]
    prices: Mapping[str, int]


def read_public(folder: Path) -> Public:
    def rows(name: str) -> list[dict[str, str]]:
        with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def deal(r: Mapping[str, str]) -> Deal:
        closed = datetime.strptime(r["close_date"], "%m/%d/%Y").date() if r["close_date"] else None
        return Deal(
            key=r["opportunity_id"], agent=r["sales_agent"], product=r["product"].replace("GTXPro", "GTX Pro"),
            account=r["account"], stage=r["deal_stage"], closed_on=closed, value=int(r["close_value"] or 0),
        )  # fmt: skip

    return Public(
        deals=tuple(deal(r) for r in rows("sales_pipeline")),
        people={r["sales_agent"]: (r["regional_office"], r["manager"]) for r in rows("sales_teams")},
        owners={r["account"]: r["owner"] for r in rows("account_owners")},
        prices={r["product"]: int(r["sales_price"]) for r in rows("products")},
    )


def moment(day: date, dice: Random, *, first: int = 9, last: int = 16) -> str:
    """A moment of a work day, in the demo's zone."""
    return datetime.combine(day, time(dice.randint(first, last), dice.choice((0, 15, 30, 45)))).isoformat(" ")


def workday(day: date) -> date:
    """The day itself, or the Friday before it."""
    return day - timedelta(days=max(0, day.weekday() - 4))


__all__ = ["DEAL", "KEY", "Deal", "Public", "Sheet", "moment", "read_public", "workday"]
