"""Hours: when and from where the people of a role may sign in.

In: the `login` of a role's document; a local time, an address. Out: a `Login`, and whether it lets somebody in. What it does not
say it does not limit. Over several roles any of those that say something is enough; a role that is silent loosens nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, Literal

Barred = Literal["hours", "addresses"]
WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A span of the day on some days of the week, 0 is Monday. One that ends before it begins goes on over midnight."""

    days: frozenset[int]
    begin: time
    end: time

    def hold(self, moment: datetime) -> bool:
        now, today = moment.time(), moment.weekday()
        if self.begin < self.end:
            return today in self.days and self.begin <= now < self.end
        return (today in self.days and now >= self.begin) or ((today - 1) % 7 in self.days and now < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The limits of one role; None: none of this sort."""

    hours: tuple[Hours, ...] | None
    addresses: tuple[str, ...] | None

    def bars(self, moment: datetime, address: str) -> Barred | None:
        """What keeps somebody out at this local time, from this address."""
        if self.hours is not None and not any(h.hold(moment) for h in self.hours):
            return "hours"
        if self.addresses is not None and not stands_in(address, self.addresses):
            return "addresses"
        return None


def read_login(body: Mapping[str, Any] | None) -> Login | None:
    """The `login` of a role's document, which its schema has checked."""
    if not body:
        return None
    hours, addresses = body.get("hours"), body.get("addresses")
    return Login(
        hours=None if hours is None else tuple(_hours(entry) for entry in hours),
        addresses=None if addresses is None else tuple(addresses),
    )


def bars(limits: Iterable[Login | None], moment: datetime, address: str) -> Barred | None:
    """What keeps somebody out who has all these roles; None when one of them lets him in or none says anything."""
    found = [limit.bars(moment, address) for limit in limits if limit is not None]
    return None if None in found or not found else found[0]


def stands_in(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is one of these or in one of these networks. What is no address is in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(_within(found, network(text)) for text in networks)


@lru_cache(maxsize=4_096)
def network(text: str) -> IPv4Network | IPv6Network | None:
    """The network a text names, an address being one of its own; None for what names none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _within(address: IPv4Address | IPv6Address, place: IPv4Network | IPv6Network | None) -> bool:
    return place is not None and address.version == place.version and address in place


def _hours(entry: Mapping[str, Any]) -> Hours:
    days = frozenset(WEEK.index(day) for day in entry.get("days") or WEEK)
    return Hours(days=days, begin=_clock(entry["from"]), end=_clock(entry["until"]))


def _clock(text: str) -> time:
    """A time of the day; 24:00 is the end of it."""
    return time.max if text == "24:00" else time.fromisoformat(text)
