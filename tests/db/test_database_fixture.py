"""The fixtures themselves: a database of one's own, UTF-8, sorted by code points."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_of_its_own(conn: psycopg.Connection[Any], turn: int) -> None:
    conn.execute("CREATE TABLE only_here (n bigint)")
    conn.commit()
    assert conn.execute("SELECT count(*) FROM only_here").fetchone() == (0,)


def test_the_database_is_utf8_and_sorts_by_code_points(conn: psycopg.Connection[Any]) -> None:
    rows = conn.execute(
        "SELECT x FROM unnest(ARRAY['a', 'B', '中', 'Z', 'é']) x ORDER BY x COLLATE \"C\""
    ).fetchall()
    assert [r[0] for r in rows] == ["B", "Z", "a", "é", "中"]
