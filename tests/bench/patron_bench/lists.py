"""Lists: the pages of a list as a browser opens them, over a million records beside a thousand.

In: the prepared world, how many rounds. Out: lines whose ratio is large / small: a list of a million is to answer as fast as one
of a thousand. Figures that read every record (an exact count, totals) come after the page and have no bar.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from html import unescape
from urllib.parse import urlencode

from patron_bench import data, serving, world
from patron_bench.client import Client
from patron_bench.report import Line
from patron_bench.rounds import Case, Requests, Timing, interleaved

from patron_platform.identity.cookies import SESSION
from patron_platform.identity.sessions import open_session

SMALL = 1_000
LIST = f"/w/{world.NAME}/o/c_opportunity"
PARTS = f"/w/{world.NAME}/list/c_opportunity"
COLUMNS = "c_name,c_account,c_stage,c_amount,c_close_date,owner"
CALLS = 5  # requests a round: a page is some ten milliseconds

# No index sorts or finds these, since their fields do not say `indexed`: every record is read, and there is no bar.
SCANNED = frozenset(
    {"by amount", "by close date", "two stages by amount", "this month's", "name contains", "name begins"}
)
PAGES: dict[str, dict[str, str]] = {
    "as it opens": {},
    "by amount": {"sort": "-c_amount"},
    "by title": {"sort": "c_name"},
    "by close date": {"sort": "c_close_date"},
    "by stage": {"sort": "c_stage"},
    "by owner": {"sort": "owner"},
    "by account": {"sort": "c_account"},
    "one stage": {"where": "c_stage == 'won'"},
    "two stages by amount": {"where": "c_stage in ('won', 'lost')", "sort": "-c_amount"},
    "this month's": {"where": "c_close_date in THIS('month')"},
    "name contains": {"where": "CONTAINS(c_name, 'deal 77')"},
    "name begins": {"where": "STARTS_WITH(c_name, 'Deal 77')"},
    "account's city": {"where": "c_account.c_city == 'Beijing'"},
    "grouped by stage": {"group": "c_stage"},
    "grouped by owner": {"group": "owner"},
    "grouped by account": {"group": "c_account"},
}
FIGURES: dict[str, tuple[str, dict[str, str]]] = {
    "count of all": ("count", {}),
    "count of one stage": ("count", {"where": "c_stage == 'won'"}),
    "counts of groups": ("bands", {"group": "c_stage", "bands": "open,offer,talks"}),
}


def measure(large: world.World, rounds: int) -> list[Line]:
    """Every page on both sides in turn."""
    sides = {"patron": large, "limit": world.prepare(large.data / "thousand", SMALL)}
    with ExitStack() as stack:
        first = f"/api/v1/records/c_opportunity/{data.opportunity_id(1)}"
        clients: dict[str, Client] = {}
        for side, one in sides.items():
            cookie = _signed_in(one)
            server = stack.enter_context(serving.patron(one.data, one.key, first))
            clients[side] = stack.enter_context(Visitor(server.port, one.key, cookie))
        pages = [
            Case(
                name=f"list {n}", bar=0 if n in SCANNED else 2, patron=_pages(p), limit=_pages(p), calls=CALLS
            )
            for n, p in PAGES.items()
        ]
        pages.append(Case(name="list, its tenth part", bar=2, patron=_deep, limit=_deep, calls=CALLS))
        after = [
            Case(name=f"{n}, after the page", bar=0, patron=_parts(at, p), limit=_parts(at, p), calls=1)
            for n, (at, p) in FIGURES.items()
        ]
        return [
            _line(t) for t in (*interleaved(pages, clients, rounds), *interleaved(after, clients, rounds))
        ]


def _line(timing: Timing) -> Line:
    large, small = (f"{seconds * 1000:.1f} ms" for seconds in (timing.patron, timing.limit))
    return Line(timing.case.name, large, small, timing.ratio, timing.case.bar or None, "×")


class Visitor(Client):
    """A client that is signed in. A server ends a connection on which nothing came for seconds: then a new one is opened."""

    def __init__(self, port: int, key: str, cookie: str) -> None:
        super().__init__(port, key)
        self._port, self._cookie = port, cookie

    def send(self, request: bytes) -> tuple[int, bytes]:
        try:
            return super().send(request)
        except ConnectionError:
            super().__init__(self._port, self._key)
            return super().send(request)

    def page(self, address: str, *, part: bool = False) -> bytes:
        headers = {"Cookie": f"{SESSION}={self._cookie}", "Accept": "text/html"}
        return self.request("GET", address, headers=headers | ({"HX-Request": "true"} if part else {}))


def _pages(parameters: dict[str, str]) -> Requests:
    def made(client: Client, calls: int) -> list[bytes]:
        assert isinstance(client, Visitor)
        return [client.page(f"{LIST}?{urlencode({'columns': COLUMNS, **parameters})}")] * calls

    return made


def _parts(step: str, parameters: dict[str, str]) -> Requests:
    def made(client: Client, calls: int) -> list[bytes]:
        assert isinstance(client, Visitor)
        return [
            client.page(f"{PARTS}/{step}?{urlencode({'columns': COLUMNS, **parameters})}", part=True)
        ] * calls

    return made


def _deep(client: Client, calls: int) -> list[bytes]:
    """The tenth part of the list, as scrolling asks for it."""
    assert isinstance(client, Visitor)
    address = f"{LIST}?{urlencode({'columns': COLUMNS})}"
    for _ in range(9):
        _, body = client.send(client.page(address))
        following = re.search(r'<tr class="list-next">.*?href="([^"]+)"', body.decode(), re.DOTALL)
        if following is None:
            break
        address = unescape(following[1])
    return [client.page(address, part=True)] * calls


def _signed_in(one: world.World) -> str:
    """The cookie of somebody who sees every record."""
    with world.service_of(one.data) as service, service.databases.system() as conn:
        row = conn.execute(
            "SELECT id FROM patron.account WHERE email = %s", (world.ADMINISTRATOR,)
        ).fetchone()
        assert row is not None
        return open_session(conn, str(row[0]))
