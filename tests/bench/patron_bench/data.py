"""Data: accounts and opportunities by the hundred thousand, made inside PostgreSQL within seconds.

In: an administrator's connection and the schema of a workspace with the benchmark's objects. Out: rows as a save would have
left them: roll-ups and formulas right, links whole. `account_id` and `opportunity_id` name them again.
"""

from __future__ import annotations

from typing import Any

import psycopg

OWNERS = 200
STAGES = ("open", "offer", "talks", "won", "lost")


def _id(kind: str, number: int) -> str:
    return f"01900000-{kind}-7000-8000-{number:012x}"


def account_id(number: int) -> str:
    return _id("0001", number)


def opportunity_id(number: int) -> str:
    return _id("0002", number)


def owner_id(number: int) -> str:
    return _id("0003", number)


def sql_id(kind: str, number: str) -> str:
    """The same id made inside a statement of a number there."""
    return f"('01900000-{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def fill(
    conn: psycopg.Connection[Any],
    schema: str,
    rows: int,
    *,
    owners: int = OWNERS,
    department: str = "NULL::uuid",
) -> None:
    """`rows` accounts, each with one opportunity, spread over so many users; `department` is SQL over the account's number i."""
    with conn.transaction():
        conn.execute(
            f"""INSERT INTO {schema}.user (id, created_at, updated_at, version, name, name__sort, email, kind, active)
            SELECT {sql_id("0003", "i")}, now(), now(), 1, 'Seller ' || i, 'seller ' || i, 's' || i || '@example.com',
            'internal', true FROM generate_series(0, {owners - 1}) i"""
        )
        owner, made = sql_id("0003", f"i %% {owners}"), "timestamptz '2026-01-01' + i * interval '9 seconds'"
        stage = "(array['open','offer','talks','won','lost'])[1 + (i / 7) %% 5]"
        amount = "(100 + (i::bigint * 7919) %% 900000)::numeric"
        conn.execute(
            f"""INSERT INTO {schema}.c_account (id, owner, department, created_at, created_by, updated_at, updated_by, version, c_name,
            c_name__sort, c_code, c_city, c_industry, c_grade, c_phone, c_employees, c_revenue, c_active, c_deals, c_won)
            SELECT {sql_id("0001", "i")}, {owner}, {department}, {made}, {owner}, {made}, {owner}, 1, 'Company ' || i, 'company ' || i,
            'K' || i, (array['Shanghai','Beijing','Hangzhou','Chengdu'])[1 + i %% 4],
            (array['retail','steel','software','health'])[1 + i %% 4], 'b', '138' || lpad(i::text, 8, '0'), i %% 5000,
            i %% 1000000, true, 1, CASE WHEN {stage} = 'won' THEN {amount} ELSE 0 END
            FROM generate_series(0, %s) i""",
            (rows - 1,),
        )
        conn.execute(
            f"""INSERT INTO {schema}.c_opportunity (id, owner, created_at, created_by, updated_at, updated_by, version, c_name,
            c_name__sort, c_account, c_stage, c_amount, c_probability, c_expected, c_close_date, c_source, c_lost_reason)
            SELECT {sql_id("0002", "i")}, {owner}, {made}, {owner}, {made}, {owner}, 1, 'Deal ' || i, 'deal ' || i,
            {sql_id("0001", "i")}, {stage}, {amount}, 10 + i %% 80, {amount} * (10 + i %% 80) / 100,
            date '2027-01-01' + i %% 300, (array['web','fair','partner'])[1 + i %% 3],
            CASE WHEN {stage} = 'lost' THEN 'price' END FROM generate_series(0, %s) i""",
            (rows - 1,),
        )
    for table in ("user", "c_account", "c_opportunity"):
        conn.execute(f"VACUUM (ANALYZE) {schema}.{table}")


__all__ = ["OWNERS", "STAGES", "account_id", "fill", "opportunity_id", "owner_id", "sql_id"]
