"""The server as it is run, with two serving processes: many callers at once, publications meanwhile, a process killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest

from patron_platform.database.processes import wait_until
from patron_testing.pg import Server
from patron_testing.served import Said, Served, served
from patron_testing.web import Template, copy_template

MANY = 16


@pytest.fixture(scope="module")
def place(server: Server, template: Template) -> Iterator[tuple[Served, str]]:
    url = copy_template(server, template)
    with served(url) as running:
        yield running, url
    server.drop(url)


class People:
    """Callers with an administrator's key."""

    def __init__(self, server: Served, key: str, url: str) -> None:
        self.server, self.key, self.url = server, key, url

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Said:
        return self.server.call(method, path, self.key, body, **more)

    def make(self, object: str, **values: Any) -> dict[str, Any]:
        said = self.call("POST", f"/records/{object}", values)
        assert said.status == 201, said.body
        made: dict[str, Any] = said.json()
        return made

    def read(self, object: str, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/records/{object}/{id}").json()
        return found

    def rows(self, object: str, where: str) -> list[dict[str, Any]]:
        said = self.call("POST", f"/records/{object}/query", {"where": where, "limit": 200})
        assert said.status == 200, said.body
        found: list[dict[str, Any]] = said.json()["records"]
        return found

    def together(self, acts: list[Callable[[], Said]]) -> list[Said]:
        """All at one moment."""
        barrier = Barrier(len(acts))

        def one(act: Callable[[], Said]) -> Said:
            barrier.wait(60)
            return act()

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(one, acts))


@pytest.fixture
def people(place: tuple[Served, str], template: Template) -> People:
    return People(place[0], template.admin, place[1])


def test_an_answer_to_head_has_no_body(people: People) -> None:
    """Else the next answer on the same connection begins with it."""
    asked = (
        f"HEAD /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {people.key}\r\n\r\n"
        "HEAD /api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", people.server.port), timeout=30) as connection:
        connection.sendall(asked.encode())
        said = b""
        while part := connection.recv(65536):
            said += part
    assert [part[:3] for part in said.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]
    assert said.count(b"{") == 1 and said.endswith(b'{"status":"ok"}')


def test_no_budget_is_overspent_whatever_way_it_is_spent(people: People) -> None:
    """Lines with their job, by themselves, moved to it, changed, restored and in bulk, all at once."""
    job, other = (
        people.make("yd_job", name="Job", budget="100"),
        people.make("yd_job", name="Other", budget="10000"),
    )
    line = {"what": "x", "price": "30"}
    elsewhere = [people.make("yd_line", job=other["id"], **line)["id"] for _ in range(4)]
    gone = [people.make("yd_line", job=job["id"], what="x", price="30")["id"] for _ in range(2)]
    for id in gone:
        assert people.call("DELETE", f"/records/yd_line/{id}").status == 200
    cheap = people.make("yd_line", job=job["id"], what="x", price="1")["id"]
    acts: list[Callable[[], Said]] = [
        *(partial(people.call, "PATCH", f"/records/yd_job/{job['id']}", {"lines": [line]}) for _ in range(3)),
        *(partial(people.call, "POST", "/records/yd_line", {"job": job["id"], **line}) for _ in range(3)),
        *(partial(people.call, "PATCH", f"/records/yd_line/{id}", {"job": job["id"]}) for id in elsewhere),
        *(partial(people.call, "POST", f"/records/yd_line/{id}/restore", {}) for id in gone),
        partial(people.call, "PATCH", f"/records/yd_line/{cheap}", {"price": "31"}),
        partial(people.call, "POST", "/records/yd_line/bulk", {"mode": "each", "records": [{"job": job["id"], **line}] * 2}),
        partial(people.call, "PUT", "/records/yd_line/by/external_ids.erp/1", {"job": job["id"], **line}),
        partial(people.call, "PATCH", f"/records/yd_job/{job['id']}", {"budget": "95"}),
    ]  # fmt: skip
    answers = people.together(acts)
    assert {said.status for said in answers} <= {200, 201, 409, 412, 422}, [
        s.body for s in answers if s.status >= 500
    ]
    found = people.read("yd_job", job["id"])
    lines = people.rows("yd_line", f"job == '{job['id']}' and not cancelled")
    assert (
        sum(Decimal(row["subtotal"]) for row in lines) == Decimal(found["total"]) <= Decimal(found["budget"])
    )
    assert found["line_count"] == len(lines) >= 3
    positions = [row["position"] for row in lines]
    assert len(set(positions)) == len(positions)


def test_numbers_are_given_once(people: People) -> None:
    answers = people.together(
        [partial(people.call, "POST", "/records/yd_job", {"name": f"N{n}"}) for n in range(MANY)] * 2
    )
    assert {said.status for said in answers} == {201}
    numbers = [said.json()["number"] for said in answers]
    assert len(set(numbers)) == 2 * MANY


def test_a_unique_value_is_taken_once(people: People) -> None:
    for n in range(3):
        answers = people.together([
            *(partial(people.call, "POST", "/records/yd_job", {"name": "U", "code": f"UN-{n}"}) for _ in range(MANY // 2)),
            *(partial(people.call, "PUT", f"/records/yd_job/by/code/UN-{n}", {"name": "U"}) for _ in range(MANY // 2)),
        ])  # fmt: skip
        made = Counter(said.status for said in answers)
        assert made[201] == 1 and set(made) <= {200, 201, 409, 422}, made
        assert len(people.rows("yd_job", f"code == 'UN-{n}'")) == 1


def test_a_key_has_one_effect_on_both_processes(people: People) -> None:
    answers = people.together([
        partial(people.call, "POST", "/records/yd_place", {"name": "Once"}, headers={"Idempotency-Key": "once"})
        for _ in range(MANY)
    ])  # fmt: skip
    assert {said.status for said in answers} <= {201, 409}
    assert len({said.body for said in answers if said.status == 201}) == 1
    assert len(people.rows("yd_place", "name == 'Once'")) == 1


def test_publications_while_everybody_works(people: People) -> None:
    """Nobody meets an error, no reader waits long, and every write happened under one release."""
    job = people.make("yd_job", name="Read", budget="5")
    stop = Event()

    def reader() -> list[Said]:
        found, connection = [], people.server.connect()
        while not stop.is_set():
            found.append(people.call("GET", f"/records/yd_job/{job['id']}", connection=connection))
            found.append(people.call("GET", "/records/yd_job?limit=5&sort=-number", connection=connection))
        return found

    def writer() -> list[Said]:
        found, connection = [], people.server.connect()
        while not stop.is_set():
            made = people.call(
                "POST",
                "/records/yd_job",
                {"name": "W", "lines": [{"what": "x", "price": "0"}]},
                connection=connection,
            )
            found.append(made)
            if made.status == 201:
                path = f"/records/yd_job/{made.json()['id']}"
                found.append(people.call("PATCH", path, {"crew": len(found) % 100}, connection=connection))
        return found

    with ThreadPoolExecutor(5) as pool:
        work = [pool.submit(reader), pool.submit(reader), pool.submit(writer), pool.submit(writer)]
        try:
            for n in range(3):
                _publish(people, n)
                time.sleep(0.3)
        finally:
            stop.set()
    answers = [said for one in work for said in one.result()]
    assert {said.status for said in answers} == {200, 201}, [
        s.body for s in answers if s.status not in (200, 201)
    ][:3]
    assert max(said.seconds for one in work[:2] for said in one.result()) < 5
    with psycopg.connect(people.url) as conn:
        rows = conn.execute(
            "SELECT h.record, h.release, l.release FROM w_acme.sys__history h JOIN w_acme.yd_line d ON d.job = h.record"
            " JOIN w_acme.sys__history l ON l.record = d.id AND l.action = 'created'"
            " WHERE h.object = 'yd_job' AND h.action = 'created'"
        ).fetchall()
    assert rows and all(mine == detail for _, mine, detail in rows)
    assert len({mine for _, mine, _ in rows}) > 1


def _publish(people: People, n: int) -> None:
    """A field and a stored formula more, then less."""
    fields = [
        {"name": "c_extra", "type": "integer", "label": {"en": f"Extra {n}"}},
        {"name": "c_twice", "type": "formula", "stored": True, "expression": f"crew * {n + 2}", "label": {"en": "Twice"}},
    ]  # fmt: skip
    change = {"kind": "change", "of": "object/yd_job", "add": {"fields": fields[: 2 - n % 2]}}
    put = people.call("PUT", "/definitions/change/object/yd_job", change)
    assert put.status == 200, put.body
    draft = put.json()["draft"]
    plan = people.call("POST", f"/drafts/{draft}/plan", {})
    assert plan.status == 200, plan.body
    done = people.call("POST", f"/drafts/{draft}/publish", {"checksum": plan.json()["checksum"]})
    assert done.status == 201, done.body


def test_a_killed_process_is_replaced_and_nothing_acknowledged_is_lost(people: People) -> None:
    acknowledged: list[str] = []
    stop = Event()

    def writer(n: int) -> int:
        failed, count = 0, 0
        while not stop.is_set():
            count += 1
            name = f"kill {n}-{count}"
            try:
                said = people.call(
                    "POST", "/records/yd_job", {"name": name, "lines": [{"what": "x", "price": "0"}]}
                )
            except OSError:
                failed += 1
                continue
            assert said.status == 201, said.body
            acknowledged.append(said.json()["id"])
        return failed

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(writer, n) for n in range(4)]
        try:
            for _ in range(3):
                time.sleep(1)
                os.kill(_serving(people)[0], signal.SIGKILL)
        finally:
            time.sleep(1)
            stop.set()
    print(f"{sum(w.result() for w in work)} requests were cut, {len(acknowledged)} acknowledged")
    with psycopg.connect(people.url) as conn:
        rows = conn.execute(
            "SELECT j.id::text, count(l.id) FROM w_acme.yd_job j LEFT JOIN w_acme.yd_line l ON l.job = j.id"
            " WHERE j.name LIKE 'kill %%' GROUP BY j.id"
        ).fetchall()
    found = dict(rows)
    assert acknowledged and set(acknowledged) <= set(found)
    assert set(found.values()) == {1}
    assert len(_serving(people)) == 2


def _serving(people: People) -> list[int]:
    """The two serving processes, once both are there."""
    assert wait_until(lambda: len(people.server.children()) == 2, 60), people.server.log.read_text()[-2_000:]
    return people.server.children()


def test_nothing_of_this_was_an_error_to_the_server(people: People) -> None:
    """The last one of the file: what the processes logged while all of it went on."""
    assert "unexpected" not in people.server.log.read_text()
