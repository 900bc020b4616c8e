"""From won deals to cash: contracts, orders with lines, planned and real payments, invoices.

In: the public files, a day. Out: sheets in the order they are imported. The larger deals of 2017 got a contract when they were won
and were paid in three instalments, and so did the larger ones of the sample's own, which reach until now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from patron_platform.sample.deals import closed
from patron_platform.sample.sheet import DEAL, KEY, Public, Sheet

LARGE = 5_600  # from this value on a deal of 2017 has a contract
PARTS = (("deposit", 30, 0), ("delivery", 50, 30), ("final", 20, 75))  # kind, percent, days after signing
METHODS = ("bank_transfer", "bank_transfer", "bank_transfer", "cheque", "card", "letter_of_credit")
CONTRACT = {
    "account": DEAL,
    "contract": KEY,
    "opportunity": DEAL,
    "order": KEY,
    "plan": KEY,
    "product": "name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A contract as the other sheets need it."""

    key: str
    name: str
    kind: str
    account: str
    owner: str
    product: str
    price: int
    quantity: int
    amount: int
    on: date
    deal: str = ""


def cash(public: Public, today: date) -> list[Sheet]:
    dice = Random(2017)
    signed = [*_of_2017(public), *_of_late(public, today)]
    plans, payments = _payments(signed, today, dice)
    paid: Counter[str] = Counter()
    for payment in payments:
        if payment["status"] == "confirmed" and payment["kind"] == "receipt":
            paid[payment["contract"]] += payment["amount"]
    contracts = [
        {
            "key": s.key, "name": s.name, "kind": s.kind, "account": s.account, "opportunity": s.deal, "owner": s.owner,
            "amount": s.amount, "signed_on": s.on, "starts_on": s.on, "ends_on": s.on + timedelta(days=364),
            "status": "completed" if paid[s.key] >= s.amount and s.on + timedelta(days=364) < today else "effective",
        }
        for s in signed
    ]  # fmt: skip
    orders, lines = _orders(signed, today, dice)
    sheets = (
        ("sample_contracts", "contract", contracts), ("sample_orders", "order", orders), ("sample_order_lines", "order_line", lines),
        ("sample_payment_plans", "payment_plan", plans), ("sample_payments", "payment", payments),
        ("sample_invoices", "invoice", _invoices(signed, today, dice)),
    )  # fmt: skip
    return [
        Sheet(name=n, object=o, rows=r, links={c: by for c, by in CONTRACT.items() if c in r[0]})
        for n, o, r in sheets
    ]


def _of_2017(public: Public) -> Iterator[Signed]:
    for deal in public.deals:
        if deal.stage == "Won" and deal.account and deal.value >= LARGE and deal.closed_on is not None:
            yield Signed(
                key=f"c-{deal.key}", name=f"{deal.account} · {deal.product}", kind="sale", account=deal.account, owner=deal.agent,
                product=deal.product, price=deal.value, quantity=1, amount=deal.value, on=deal.closed_on, deal=deal.key,
            )  # fmt: skip


def _of_late(public: Public, today: date) -> Iterator[Signed]:
    """The larger of the deals that were won within a year and a half."""
    for deal in closed(public, today):
        if deal.contract:
            yield Signed(
                key=f"l-{deal.key}", name=deal.name, kind=deal.contract, account=deal.account, owner=deal.owner, product=deal.product,
                price=deal.price, quantity=deal.quantity, amount=deal.amount, on=deal.on, deal=deal.key,
            )  # fmt: skip


def _payments(
    signed: list[Signed], today: date, dice: Random
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Instalments, and what came in of them: some late, a few not yet, the newest still to be confirmed."""
    plans: list[dict[str, Any]] = []
    payments: list[dict[str, Any]] = []
    for s in signed:
        rest = s.amount
        for number, (kind, percent, days) in enumerate(PARTS, 1):
            due = s.on + timedelta(days=days)
            part = rest if number == len(PARTS) else s.amount * percent // 100
            rest -= part
            key = f"{s.key}-{number}"
            plans.append({
                "key": key, "contract": s.key, "account": s.account, "owner": s.owner, "period": number, "kind": kind, "amount": part,
                "due_on": due,
            })  # fmt: skip
            paid = due + timedelta(days=max(-3, min(40, round(dice.gauss(4, 9)))))
            owed = s.on > today - timedelta(days=200) and dice.random() < 0.12
            paid = max(paid, s.on)
            if paid > today or owed:
                continue
            fresh = paid > today - timedelta(days=6) and dice.random() < 0.6
            payments.append({
                "key": f"p-{key}", "contract": s.key, "plan": key, "account": s.account, "owner": s.owner, "kind": "receipt",
                "amount": part, "paid_on": paid, "method": dice.choice(METHODS), "status": "pending" if fresh else "confirmed",
                "bank_reference": f"TR{dice.randint(10**7, 10**8 - 1)}", "note": "",
            })  # fmt: skip
        payments += _refund(s, payments, today, dice)
    return plans, payments


def _refund(s: Signed, payments: list[dict[str, Any]], today: date, dice: Random) -> Iterator[dict[str, Any]]:
    """A twentieth of what came last goes back to some customers of this year: something came damaged."""
    last = payments[-1] if payments and payments[-1]["contract"] == s.key else None
    if last is None or last["status"] != "confirmed" or s.on < today - timedelta(days=330):
        return
    day = last["paid_on"] + timedelta(days=dice.randint(3, 20))
    if dice.random() < 0.15 and day <= today:
        yield {
            **last, "key": f"r-{s.key}", "plan": "", "kind": "refund", "amount": max(1, s.amount // 20), "paid_on": day,
            "bank_reference": f"TR{dice.randint(10**7, 10**8 - 1)}", "note": "A part came damaged",
        }  # fmt: skip


def _orders(
    signed: list[Signed], today: date, dice: Random
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    orders, lines = [], []
    for s in signed:
        wanted = s.on + timedelta(days=21)
        came = wanted + timedelta(days=round(dice.gauss(-3, 6)))
        came = max(came, s.on + timedelta(days=2))
        status = (
            "completed"
            if came <= today
            else "delivering"
            if s.on < today - timedelta(days=7)
            else "confirmed"
        )
        orders.append({
            "key": f"o-{s.key}", "contract": s.key, "account": s.account, "owner": s.owner, "status": status, "ordered_on": s.on,
            "deliver_on": wanted, "delivered_on": came if status == "completed" else "",
        })  # fmt: skip
        lines.append({
            "key": f"i-{s.key}", "order": f"o-{s.key}", "product": s.product, "quantity": s.quantity, "price": s.price,
            "cost": s.price * dice.randint(52, 74) // 100, "delivered": s.quantity if status == "completed" else 0,
        })  # fmt: skip
    return orders, lines


def _invoices(signed: list[Signed], today: date, dice: Random) -> list[dict[str, Any]]:
    found = []
    for number, s in enumerate(signed):
        issued = s.on + timedelta(days=dice.randint(2, 12))
        done = issued <= today
        found.append({
            "key": f"v-{s.key}", "contract": s.key, "account": s.account, "owner": s.owner, "kind": dice.choice(("e_normal", "e_special")),
            "title": s.account, "title_type": "company", "tax_number": f"US{sum(map(ord, s.account)):07d}", "amount": s.amount,
            "status": dice.choice(("issued", "sent", "sent")) if done else "requested", "requested_on": s.on,
            "issued_on": issued if done else "", "invoice_number": f"{s.on:%Y%m}{number:05d}" if done else "",
        })  # fmt: skip
    return found


__all__ = ["cash"]
