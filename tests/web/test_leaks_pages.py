"""Everyday work of people who are no administrators: every page opens, shows what is theirs, and nothing that is not."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import pytest

from patron_testing.crawl import crawl
from patron_testing.house import CANARIES, ROLES, House

SECONDS = 4.0  # the pages it begins with are all opened whatever they take
STARTS = (
    "/", "/o/account", "/o/opportunity", "/o/contact", "/o/quote", "/o/order", "/o/payment", "/o/lead", "/o/product", "/o/sv_device",
    "/o/sv_visit", "/search?q=Zq", "/search?q=Pump", "/notices", "/me", "/o/opportunity?drawing=kanban", "/o/sv_device?drawing=kanban",
    "/o/sv_device?drawing=calendar", "/o/account?deleted=1",
)  # fmt: skip
SALES = frozenset(
    {
        "pin",
        "keeper",
        "worth",
        "twice",
        "verdict",
        "report",
        "due",
        "cost",
        "note",
        "their",
        "other_deal",
        "product_cost",
    }
)
NOT_FOR: Mapping[str, frozenset[str]] = {
    "rep": SALES, "manager": SALES, "finance": SALES - {"their", "other_deal", "product_cost"},
    "marketing": SALES - {"their", "other_deal"}, "seller": SALES, "technician": SALES, "both": SALES - {"cost"}, "customer": SALES, "idle": SALES,
    "executive": frozenset({"product_cost"}),
}  # fmt: skip


def forms(value: str) -> list[str]:
    """How a value may stand on a page: as it is, a number with marks, a day as people read it."""
    if re.fullmatch(r"[\d.]+", value):
        whole, _, cents = value.partition(".")
        return [value, f"{int(whole):,}{'.' + cents if cents else ''}", whole]
    if value == CANARIES["due"]:
        return [value, "Jul 19, 2031", "7/19/31", "2031年7月19日"]
    if value.startswith("+86"):
        return [value, value[3:], f"{value[3:6]} {value[6:10]} {value[10:]}"]
    return [value]


def leaked(text: str, who: str) -> list[str]:
    return [name for name in sorted(NOT_FOR[who]) if any(f in text for f in forms(CANARIES[name]))]


def starts(home: House) -> list[str]:
    ids = home.ids
    about = {
        "sv_device": "device",
        "account": "mine_account",
        "opportunity": "deal",
        "contact": "contact",
        "product": "product",
    }
    pages = [f"/o/{object}/{ids[key]}" for object, key in about.items()]
    pages += [
        f"/o/sv_device/{ids['device']}?kind=change",
        f"/o/sv_device/{ids['device']}/edit",
        f"/o/sv_device/{ids['device']}?print=1",
    ]
    pages += [f"/o/account/{ids['their_account']}", f"/o/opportunity/{ids['their_deal']}"]
    return [*STARTS, *pages]


@pytest.mark.parametrize("who", [w for w in ROLES if w not in ("colleague",)])
def test_every_page_opens_and_shows_only_what_is_theirs(home: House, who: str) -> None:
    found = crawl(home.person(who), starts(home), until=time.monotonic() + SECONDS)
    broken = [f"{said.status_code} {way}" for way, said in found.pages if said.status_code >= 500]
    assert not broken
    told = [f"{leaked(said.text, who)} {way}" for way, said in found.pages if leaked(said.text, who)]
    assert not told
    dead = [
        f"{said.status_code} {way}"
        for way, said in found.pages[len(starts(home)) :]
        if said.status_code in (403, 404)
    ]
    assert not dead, "a page of his leads to one that is not"
