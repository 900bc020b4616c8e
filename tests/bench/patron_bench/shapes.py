"""Shapes: people whose rights reach few records or many, new ones or old ones, beside the usual people of `organised`.

In: a connection to the organised workspace, its schema in the search path, how many rows. Out: their shares, those who report
to them, and a quote for every deal. None of them has a user record of his own: nothing but what is made here reaches them.
"""

from __future__ import annotations

from typing import Any

import psycopg
from patron_bench import data

from patron_engine.actor import Actor

FIRST = 2_001  # the number of the first of them
SHARES = {"1,000 shares": 1_000, "100,000 shares": 100_000}  # spread over everything
OLD_SHARES = {"1,000 old shares": 1_000, "10,000 old shares": 10_000}  # all of them at the end of a list
TEAMS = {"manager of 10": 10, "manager of 1,900": 1_900}
OLD_TEAM, OLD_OWNERS, OLD = "manager of 40 with old records", 40, 20_000
LEAVERS = 3_000  # the number of the first who owns the oldest records
NAMES = (*SHARES, *OLD_SHARES, *TEAMS, OLD_TEAM)
PORTAL = 41  # the number of a person who looks in from outside


def people() -> dict[str, Actor]:
    """Those who are measured, as a request of theirs has them."""
    found = {
        name: Actor(
            user=data.owner_id(FIRST + n),
            name=name,
            roles=frozenset({"c_manager" if "man" in name else "c_rep"}),
        )
        for n, name in enumerate(NAMES)
    }
    portal = Actor(user=data.owner_id(PORTAL), name="portal", kind="portal", roles=frozenset({"c_customer"}))
    return {**found, "portal person": portal}


def give(conn: psycopg.Connection[Any], rows: int) -> None:
    """Everything they have."""
    number = dict(zip(NAMES, range(FIRST, FIRST + len(NAMES)), strict=True))
    for name, many in {**SHARES, **OLD_SHARES}.items():
        among = OLD if name in OLD_SHARES else rows
        conn.execute(
            "INSERT INTO c_account__access (record, principal, level, reason)"
            f" SELECT {data.sql_id('0001', f'(n::bigint * 7919) % {among}')}, %s, 'read', 'team'"
            f" FROM generate_series(1, {many}) n ON CONFLICT DO NOTHING".replace(" % ", " %% "),
            (data.owner_id(number[name]),),
        )
    for name, many in TEAMS.items():
        _team(conn, number[name], f"n * {data.OWNERS * 10 // max(many, 200)}", many)
    _team(conn, number[OLD_TEAM], f"{LEAVERS} + n", OLD_OWNERS)
    conn.execute(
        f"UPDATE c_account SET owner = {data.sql_id('0003', f'{LEAVERS} + employed.n % {OLD_OWNERS}')}"
        f" FROM generate_series(0, {min(OLD, rows) - 1}) employed (n) WHERE id = {data.sql_id('0001', 'employed.n')}"
    )
    _quotes(conn, rows)
    for table in ("c_account__access", "sys__reports", "c_account", "c_quote"):
        conn.execute(f"VACUUM (ANALYZE) {table}")


def _team(conn: psycopg.Connection[Any], boss: int, member: str, many: int) -> None:
    conn.execute(
        "INSERT INTO sys__reports (boss, member, depth)"
        f" SELECT %s, {data.sql_id('0003', member)}, 1 FROM generate_series(0, {many - 1}) n ON CONFLICT DO NOTHING",
        (data.owner_id(boss),),
    )


def _quotes(conn: psycopg.Connection[Any], rows: int) -> None:
    owner, made = data.sql_id("0003", "i % 2000"), "timestamptz '2026-01-01' + i * interval '9 seconds'"
    conn.execute(
        "INSERT INTO c_quote (id, owner, created_at, created_by, updated_at, updated_by, version, c_name, c_name__sort,"
        f" c_opportunity, c_status) SELECT {data.sql_id('0005', 'i')}, {owner}, {made}, {owner}, {made}, {owner}, 1,"
        f" 'Quote ' || i, 'quote ' || i, {data.sql_id('0002', 'i')}, (array['draft','sent','accepted'])[1 + (i / 7) % 3]"
        f" FROM generate_series(0, {rows - 1}) i"
    )
