"""Deals the sample brings of its own: won and lost within the last six quarters, with amounts and reasons.

In: the public files, a day. Out: closed deals, the same from the same files and day. They begin long after the public deals ended, so a
period that ends with 2017 shows the published sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from patron_platform.sample.sheet import DEAL, KEY, Public, Sheet, moment, workday

DAYS = 545  # six quarters back
SOURCES = ("web", "web", "exhibition", "referral", "advertising", "social", "hotline", "campaign")
CHANNELS = {
    "exhibition": "s1",
    "advertising": "s2",
    "web": "s3",
    "referral": "s4",
}  # source -> lead source of the sample
RIVALS = {"r1": "Hexatron", "r2": "Bluefin Computers", "r3": "Orbis Hardware"}
OFFERS = (("service", "Service plan", "cross_sell"), ("renewal", "Renewal", "renewal"), ("sale", "Extension", "repeat"))  # fmt: skip
REASONS = (
    "price", "price", "price", "competitor", "competitor", "no_budget", "no_budget", "no_decision", "no_decision", "product",
    "relationship", "service",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """`contract` is the kind of the contract a larger one led to; `reason` and `rival` are of lost ones."""

    key: str
    name: str
    kind: str
    account: str
    owner: str
    product: str
    price: int
    quantity: int
    engaged_on: date
    on: date
    source: str
    created: str
    won: bool
    contract: str = ""
    reason: str = ""
    rival: str = ""

    @property
    def amount(self) -> int:
        return self.price * self.quantity

    def row(self) -> dict[str, Any]:
        return {
            "key": self.key, "name": self.name, "account": self.account, "main_product": self.product, "owner": self.owner,
            "stage": "won" if self.won else "lost", "amount": self.amount, "engaged_on": self.engaged_on, "close_date": self.on,
            "kind": self.kind, "source": self.source, "lead_source": CHANNELS.get(self.source, ""), "lost_reason": self.reason,
            "lost_to": self.rival, "created_at": self.created,
        }  # fmt: skip


def closed(public: Public, today: date) -> list[Closed]:
    """Of every customer: two or three larger deals won, some smaller ones, some lost; of each fourth a larger one this month. Half
    are the customer's own seller's, the others of people of the same manager."""
    dice, found = Random(2025), []
    team: dict[str, list[str]] = {}
    for person, (_, manager) in sorted(public.people.items()):
        team.setdefault(manager, []).append(person)
    for number, account in enumerate(sorted(public.owners)):
        large = [dice.randint(25, DAYS) for _ in range(dice.choice((2, 3)))]
        if number % 4 == 0:
            large.append(dice.randint(0, today.day - 1))
        small = [dice.randint(0, DAYS) for _ in range(dice.choice((2, 3, 4)))]
        lost = [dice.randint(0, DAYS) for _ in range(dice.choice((2, 3, 4)))]
        which = (*(("large", d) for d in large), *(("small", d) for d in small), *(("lost", d) for d in lost))
        own = public.owners[account]
        for n, (what, ago) in enumerate(which):
            owner = own if n % 2 else dice.choice(team[public.people[own][1]])
            found.append(_one(public, today, dice, account, owner, f"D-{number}-{n}", what, ago))
    return found


def _one(
    public: Public, today: date, dice: Random, account: str, owner: str, key: str, what: str, ago: int
) -> Closed:
    product, (contract, word, kind) = dice.choice(sorted(public.prices)), dice.choice(OFFERS)
    price = public.prices[product] * dice.randint(90, 100) // 100
    most = 9_000 if what == "small" else 30_000
    on = workday(today - timedelta(days=ago))
    engaged = workday(on - timedelta(days=dice.randint(6, 110)))
    reason = dice.choice(REASONS) if what == "lost" else ""
    return Closed(
        key=key, name=f"{account} · {word} {product}", kind=kind, account=account, owner=owner, product=product,
        price=price, quantity=max(1, min(12, dice.randint(most // 10, most) // price)), engaged_on=engaged, on=on,
        source=dice.choice(SOURCES), created=moment(engaged, dice), won=what != "lost", contract=contract if what == "large" else "",
        reason=reason, rival=dice.choice(tuple(RIVALS)) if reason in ("price", "competitor") else "",
    )  # fmt: skip


def sheet_of(name: str, rows: Sequence[dict[str, Any]]) -> Sheet:
    """Deals as an import takes them."""
    links = {"account": DEAL, "main_product": "name", "lead_source": KEY, "lost_to": KEY}
    return Sheet(
        name=name,
        object="opportunity",
        rows=rows,
        match=DEAL,
        links={k: v for k, v in links.items() if k in rows[0]},
    )


__all__ = ["CHANNELS", "RIVALS", "SOURCES", "Closed", "closed", "sheet_of"]
