"""Tiles: a dashboard of twelve reports over all opportunities, opened by several people at once, while others read records.

In: the world. Out: how long until the first figures and until the last, for one person and for several; what other people's
requests take meanwhile beside what they take on a quiet server. People sign in and get the stream a browser gets.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from threading import Event

import httpx
from patron_bench import records, serving
from patron_bench.client import Client
from patron_bench.data import opportunity_id
from patron_bench.report import Line
from patron_bench.world import NAME, World, service_of

from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.sessions import account_by_email

DASHBOARD = "c_twelve"
PEOPLE = 5
PASSWORD = "figures for everybody 12"
OTHERS = 200  # requests of somebody else, for each figure


def measure(world: World, rounds: int) -> list[Line]:
    emails = _people(world)
    first = f"{records.OBJECT}/{opportunity_id(1)}"
    with serving.patron(world.data, world.key, first) as server, Client(server.port, world.key) as other:
        browsers = [_signed_in(server.port, email) for email in emails]
        _opened(browsers[0])  # the first time a question is asked it is made
        alone = [_opened(browsers[0]) for _ in range(max(rounds, 3))]
        quiet = list(_asked(other, first, OTHERS))
        busy, together = _at_once(browsers, other, first, rounds)
    begun, done = (median(t[i] for t in alone) for i in (0, 1))
    slowest = max(t[0] for t in together)
    return [
        Line("dashboard of twelve tiles: first figures", f"{begun * 1000:,.0f} ms", "", begun, 1.0, "s"),
        Line("all of its figures", f"{done * 1000:,.0f} ms", "", done, None, "s"),
        Line(f"first figures, {PEOPLE} people at once: the slowest", f"{slowest * 1000:,.0f} ms", "", slowest, None, "s"),
        Line(
            "a record read by somebody else meanwhile (median)", f"{median(busy) * 1000:.1f} ms", f"{median(quiet) * 1000:.1f} ms",
            median(busy) / median(quiet), None, "×",
        ),
        Line("the slowest of them", f"{max(busy) * 1000:,.0f} ms", f"{max(quiet) * 1000:,.0f} ms", max(busy), 1.0, "s"),
    ]  # fmt: skip


def _people(world: World) -> list[str]:
    """Administrators with a password; made once."""
    emails = [f"figures{n}@example.com" for n in range(PEOPLE)]
    with service_of(world.data) as service:
        place = service.runtime.workspace(NAME)
        for email in emails:
            with service.databases.system() as conn:
                known = account_by_email(conn, email)
            if known is None:
                create_user(service.databases, place, email, name=email, administrator=True)
                with service.databases.system() as conn:
                    set_password(conn, email, PASSWORD)
    return emails


def _signed_in(port: int, email: str) -> httpx.Client:
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)
    said = client.post(
        "/login", data={"email": email, "password": PASSWORD}, headers={"Origin": str(client.base_url)}
    )
    if said.status_code >= 400:
        raise SystemExit(f"{email} cannot sign in: {said.status_code}")
    return client


def _opened(browser: httpx.Client) -> tuple[float, float]:
    """Seconds until the first tile is there, and until all twelve are, from the click on."""
    begun = time.perf_counter()
    page = browser.get(f"/w/{NAME}/dashboards/{DASHBOARD}")
    if page.status_code != 200:
        raise SystemExit(f"the dashboard answers {page.status_code}")
    there: list[float] = []
    with browser.stream("GET", f"/w/{NAME}/tiles/{DASHBOARD}") as stream:
        for line in stream.iter_lines():
            if line:
                there.append(time.perf_counter() - begun)
    if len(there) != 12:
        raise SystemExit(f"{len(there)} tiles came instead of 12")
    return there[0], there[-1]


def _asked(client: Client, path: str, count: int) -> Iterator[float]:
    request = client.request("GET", path)
    for _ in range(count):
        begun = time.perf_counter()
        status, _body = client.send(request)
        if status != 200:
            raise SystemExit(f"{path} answers {status}")
        yield time.perf_counter() - begun
        time.sleep(0.005)


def _at_once(
    browsers: list[httpx.Client], other: Client, path: str, rounds: int
) -> tuple[list[float], list[tuple[float, float]]]:
    """What somebody else waited while all of them opened the dashboard again and again, and what they waited."""
    over = Event()
    busy: list[float] = []
    with ThreadPoolExecutor(len(browsers) + 1) as pool:

        def reads() -> None:
            while not over.is_set():
                busy.extend(_asked(other, path, 1))

        reading = pool.submit(reads)
        opened = [pool.submit(lambda b=b: [_opened(b) for _ in range(max(rounds // 2, 1))]) for b in browsers]  # type: ignore[misc]
        together = [t for one in opened for t in one.result()]
        over.set()
        reading.result()
    return busy, together


__all__ = ["measure"]
