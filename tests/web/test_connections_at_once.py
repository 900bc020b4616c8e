"""More requests at once than the pool has connections: they take turns, and none waits for a connection that another holds while
it waits itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from patron_platform.settings import Settings
from patron_testing.holding import watched
from patron_testing.rights import has, with_roles
from patron_testing.web import ADMIN, REP, Opened, Person

AT_ONCE = 12


@pytest.fixture(scope="module")
def record(opened: Opened) -> Iterator[tuple[str, str]]:
    """An account, and somebody who may be asked about."""
    with_roles(opened)
    yield opened.admin.make("account", name="Asked about")["id"], has(opened, REP, "c_rep")


def _all_at_once(ask: Callable[[], Any]) -> list[int]:
    """What they were told: 503 is one whose patience with the pool was at an end."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda _: ask().status_code, range(AT_ONCE)))


@pytest.mark.parametrize(
    "path",
    [
        "/o/account/{id}/access?user={user}",
        "/admin/people/{user}",
        "/admin/explain?user={user}&object=account",
        "/admin/roles/c_rep/edit",
        "/admin/changes",
        "/admin/roles",
    ],
)
def test_pages(opened: Opened, me: Person, record: tuple[str, str], path: str) -> None:
    there = path.format(id=record[0], user=record[1])
    assert me.get(there).status_code == 200
    assert Settings(database="postgresql://x").pool <= AT_ONCE  # as many as there are, and here half of them
    assert _all_at_once(lambda: me.get(there)) == [200] * AT_ONCE


def test_the_api(opened: Opened, record: tuple[str, str]) -> None:
    path = f"/records/account/{record[0]}/access"
    assert _all_at_once(lambda: opened.admin.get(path)) == [200] * AT_ONCE
    assert _all_at_once(lambda: opened.admin.get(f"{path}?user={ADMIN}")) == [200] * AT_ONCE


def test_posts(opened: Opened, me: Person, record: tuple[str, str]) -> None:
    """What changes something: a person's roles, a role in the draft, an invitation."""
    token = me.token()

    def send(path: str, **form: str) -> Any:
        return me.call("POST", path, data={**form, "_csrf": token})

    person = f"/admin/people/{record[1]}"
    assert set(_all_at_once(lambda: send(person, role="c_rep"))) <= {303, 409}
    assert _all_at_once(lambda: send("/admin/roles/c_rep/edit", **{"label.en": "Seller"})) == [303] * AT_ONCE
    assert set(_all_at_once(lambda: send("/invitations", email="guest@acme.example"))) <= {200, 422}


def test_a_thread_that_takes_two_is_told(opened: Opened) -> None:
    """The watch over all these tests sees it without twelve at once."""
    databases = opened.service.databases
    with watched(), databases.connection("acme", "read"):
        with databases.system("read"):
            pass
        with pytest.raises(AssertionError, match="serving"), databases.connection("acme", "write"):
            pass
