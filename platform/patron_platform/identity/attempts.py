"""Attempts: how often a password may be guessed: counted for the account named and for the address the guess came from.

In: a connection to the system's tables, what was typed, from where, and the cookie of a known device. Out: a `Turn`, or how
many seconds to wait. A turn is counted before the password is looked at, so that many at once do not slip through; a right
password gives it back. A known device has a count of its own: strangers cannot lock its owner out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import Any

import psycopg

ACCOUNT_FREE = 5  # sign_in_account: wrong passwords for one account before one has to wait
ADDRESS_FREE = 20  # sign_in_address: wrong passwords from one address before one has to wait
LONGEST_WAIT = 900  # sign_in_wait: seconds; each further failure doubles the wait up to this
FORGOTTEN = timedelta(hours=1)  # after the last failure
DEVICE_LASTS = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One try that may be made."""

    own: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """No try may be made for so many seconds."""

    seconds: int


def begin(conn: psycopg.Connection[Any], email: str, address: str, device: str = "") -> Turn | Wait:
    """Counts a try, or says how long to wait."""
    own = f"account:{_short(email.casefold())}"
    place = f"address:{_network(address)}"
    known = bool(device) and _known(conn, email, device)
    if known:
        own = place = f"device:{_short(device)}"
    closed = None
    with conn.transaction():
        for key, free in ((place, ADDRESS_FREE), (own, ACCOUNT_FREE))[1 if known else 0 :]:
            if not _count(conn, key, free):
                closed = key
                raise psycopg.Rollback  # a try that is not made counts nowhere
        conn.execute("DELETE FROM patron.sign_in_attempt WHERE last_at < now() - %s", (FORGOTTEN,))
    return Turn(own=own, address=place) if closed is None else Wait(seconds=_left(conn, closed))


def succeed(conn: psycopg.Connection[Any], turn: Turn) -> None:
    """The password was right: the account's count ends, the address gets its turn back."""
    conn.execute("DELETE FROM patron.sign_in_attempt WHERE key = %s", (turn.own,))
    conn.execute(
        "UPDATE patron.sign_in_attempt SET failures = failures - 1, closed_until = now() WHERE key = %s",
        (turn.address,),
    )


def remember_device(conn: psycopg.Connection[Any], account: str, device: str = "") -> str:
    """The cookie by which this browser is known from now on: the one it has, if it is this account's."""
    row = conn.execute(
        "UPDATE patron.device SET seen_at = now() WHERE hash = %s AND account = %s RETURNING 1",
        (_hash(device), account),
    ).fetchone()
    if row is not None:
        return device
    token = secrets.token_urlsafe(32)
    conn.execute("INSERT INTO patron.device (hash, account) VALUES (%s, %s)", (_hash(token), account))
    conn.execute("DELETE FROM patron.device WHERE seen_at < now() - %s", (DEVICE_LASTS,))
    return token


def _known(conn: psycopg.Connection[Any], email: str, device: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM patron.device d JOIN patron.account a ON a.id = d.account"
        " WHERE d.hash = %s AND lower(a.email) = lower(%s)",
        (_hash(device), email),
    ).fetchone()
    return row is not None


def _count(conn: psycopg.Connection[Any], key: str, free: int) -> bool:
    """Counts one more failure where the key is not closed; whether it was open."""
    row = conn.execute(
        "INSERT INTO patron.sign_in_attempt AS a (key, failures) VALUES (%(key)s, 1)"
        " ON CONFLICT (key) DO UPDATE SET last_at = now(),"
        " failures = CASE WHEN a.last_at < now() - %(forgotten)s THEN 1 ELSE a.failures + 1 END,"
        " closed_until = CASE WHEN a.last_at >= now() - %(forgotten)s AND a.failures >= %(free)s - 1"
        " THEN now() + make_interval(secs => least(power(2, least(a.failures + 1 - %(free)s, 20)), %(longest)s))"
        " ELSE now() END"
        " WHERE a.closed_until <= now() RETURNING a.failures",
        {"key": key, "free": free, "forgotten": FORGOTTEN, "longest": LONGEST_WAIT},
    ).fetchone()
    return row is not None


def _left(conn: psycopg.Connection[Any], key: str) -> int:
    row = conn.execute(
        "SELECT ceil(extract(epoch FROM closed_until - now()))::int FROM patron.sign_in_attempt WHERE key = %s",
        (key,),
    ).fetchone()
    return max(1, row[0]) if row is not None else 1


def _network(address: str) -> str:
    """The address; of an IPv6 one its network, for one person has a whole /64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:60]
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped.exploded if found.ipv4_mapped else found.exploded[:19]
    return address


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
