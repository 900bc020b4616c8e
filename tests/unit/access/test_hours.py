"""Login limits of roles: hours over midnight, days, networks, several roles."""

from __future__ import annotations

from datetime import datetime

import pytest

from patron_engine.access.hours import Login, bars, read_login, stands_in

OFFICE = {"hours": [{"days": ["monday", "tuesday"], "from": "09:00", "until": "18:00"}]}
NIGHT = {"hours": [{"days": ["friday"], "from": "22:00", "until": "06:00"}]}
LAN = {"addresses": ["10.0.0.0/8", "2001:db8::/32", "203.0.113.7"]}


def at(day: int, clock: str) -> datetime:
    """A moment of a week whose Monday is the first."""
    return datetime.fromisoformat(f"2026-06-0{day}T{clock}")


def login(body: dict[str, object]) -> Login:
    found = read_login(body)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("body", "moment", "barred"),
    [
        (OFFICE, at(1, "08:59:59"), "hours"), (OFFICE, at(1, "09:00"), None), (OFFICE, at(2, "17:59:59"), None),
        (OFFICE, at(2, "18:00"), "hours"), (OFFICE, at(3, "10:00"), "hours"),
        (NIGHT, at(5, "21:59"), "hours"), (NIGHT, at(5, "22:00"), None), (NIGHT, at(6, "05:59"), None),
        (NIGHT, at(6, "06:00"), "hours"), (NIGHT, at(5, "05:00"), "hours"), (NIGHT, at(6, "23:00"), "hours"),
        ({"hours": [{"from": "00:00", "until": "24:00"}]}, at(7, "23:59:59"), None),
        (LAN, at(1, "03:00"), None),
    ],
)  # fmt: skip
def test_hours(body: dict[str, object], moment: datetime, barred: str | None) -> None:
    assert login(body).bars(moment, "10.1.2.3") == barred


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.255.0.1", True), ("11.0.0.1", False), ("203.0.113.7", True), ("203.0.113.8", False),
        ("2001:db8:1::5", True), ("2001:db9::1", False), ("::ffff:10.0.0.1", True), ("testclient", False), ("", False),
    ],
)  # fmt: skip
def test_addresses(address: str, inside: bool) -> None:
    assert stands_in(address, LAN["addresses"]) is inside


def test_of_several_roles_one_that_speaks_is_enough_and_a_silent_one_loosens_nothing() -> None:
    office, night = login(OFFICE), login(NIGHT)
    assert bars([office, night], at(5, "23:00"), "") is None
    assert bars([office, None], at(5, "23:00"), "") == "hours"
    assert bars([None], at(5, "23:00"), "") is None and bars([], at(5, "23:00"), "") is None
