"""What looks dangerous and is only text, and numbers and moments at the edge: taken exactly as they are meant."""

from __future__ import annotations

from typing import Any

import pytest

from patron_testing.web import Api


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("budget", "-0", "0"), ("budget", "0.1", "0.1"), ("budget", "12345678901.25", "12345678901.25"), ("budget", 7, "7"),
        ("begun_on", "2024-02-29", "2024-02-29"), ("due_at", "2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z"),
        ("due_at", "2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"), ("note", "a\u202eb\u200bc", "a\u202eb\u200bc"),
        ("name", "👩\u200d👩\u200d👧 'x' OR '1'='1 %_\\", "👩\u200d👩\u200d👧 'x' OR '1'='1 %_\\"), ("name", "Cafe\u0301", "Café"),
        ("name", "now()); drop table x; --", "now()); drop table x; --"), ("name", "<script>", "<script>"),
        ("bell", "23:59", "23:59:00"),
    ],
)  # fmt: skip
def test_values_that_are_taken_literally(admin: Api, field: str, value: Any, stored: str) -> None:
    made = admin.make("yd_job", **{"name": "x", field: value})
    found = admin.get(f"/records/yd_job/{made['id']}", params={"fields": field}).json()[field]
    if field == "budget":
        assert isinstance(found, str) and float(found) == float(stored) and not found.startswith("-")
    else:
        assert found == stored or found == stored[:5]


def test_values_in_conditions_are_compared_not_run(admin: Api) -> None:
    for name in ("100% sure", "a_b", "it's", "back\\slash", "' OR '1'='1"):
        admin.make("yd_place", name=name)
    for text in ("%", "_", "\\", "' OR '1'='1"):
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        rows = admin.rows("yd_place", where=f"CONTAINS(name, '{quoted}')")
        assert rows and all(text in r["name"] for r in rows), (text, rows)
    rows = admin.rows("yd_job", where="MATCHES(name, '^(a+)+$')")
    assert isinstance(rows, list)
