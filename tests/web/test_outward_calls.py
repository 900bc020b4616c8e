"""Calls: a step asks another system, the run stands until it is answered, and goes on with what was said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Unavailable
from patron_engine.record import outbox
from patron_platform.jobs import outbox as sending
from patron_platform.outward.sending import send
from patron_testing.outside import Out
from patron_testing.peer import Peer, peer
from patron_testing.web import Opened

RULES = """
kind: automation
name: c_order
object: yd_job
on: {event: created}
when: "name == 'order'"
steps:
  - {name: erp, do: call, url: "http://127.0.0.1:PORT/orders", headers: {X-Crew: "=TEXT(crew)"}, query: {of: "=name"}, body: {name: "=name", crew: "=crew", fixed: [1, two]}}
  - {name: keep, do: update, when: "steps.erp.status == 200", set: {name: "=CONCAT('order ', steps.erp.body.made.number)"}}
---
kind: automation
name: c_rescued
object: yd_job
on: {event: created}
when: "name == 'rescued'"
steps:
  - {name: erp, do: call, url: "http://127.0.0.1:PORT/bad", on_error: [{name: mark, do: update, set: {crew: 13}}]}
  - {name: after, do: update, set: {name: "=CONCAT('error ', steps.erp.error)"}}
---
kind: automation
name: c_inner
object: yd_job
on: {event: created}
when: "name == 'inner'"
steps: [{name: erp, do: call, url: "http://169.254.169.254/latest/meta-data"}]
---
kind: automation
name: c_awaits
object: yd_job
on: {event: created}
when: "name == 'awaits'"
steps:
  - {name: erp, do: call, url: "http://127.0.0.1:PORT/slow", body: {a: 1}, await: true, timeout: 2 days}
  - {name: late, do: update, when: "steps.erp.timed_out", set: {name: too late}}
  - {name: good, do: update, when: "not steps.erp.timed_out", set: {crew: "=steps.erp.body.crew"}}
"""


@pytest.fixture(scope="module")
def other() -> Iterator[Peer]:
    with peer() as running:
        yield running


@pytest.fixture(scope="module")
def out(opened: Opened, other: Peer) -> Out:
    made = Out(opened)
    made.publish(RULES.replace("PORT", str(other.port)))
    return made


@pytest.fixture(autouse=True)
def clean(out: Out, other: Peer) -> Iterator[None]:
    yield
    out.clear()
    while other.count():
        other.next()
    out.opened.client.cookies.clear()


def run_of(out: Out, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = out.opened.admin.get(f"/runs?record={job['id']}").json()["runs"][0]
    return found


def test_a_call_gives_its_answer_to_the_steps_after_it(out: Out, other: Peer) -> None:
    other.say(200, {"made": {"number": "P7"}})
    job = out.opened.admin.make("yd_job", name="order", crew=3)
    out.work()
    asked = other.next()
    assert (asked.method, asked.path) == ("POST", "/orders?of=order")
    assert asked.json == {"name": "order", "crew": 3, "fixed": [1, "two"]}
    assert asked.headers["x-crew"] == "3" and asked.headers["content-type"] == "application/json"
    assert out.opened.admin.read("yd_job", job["id"])["name"] == "order P7"
    (parcel,) = out.parcels("sent", "call")
    assert asked.headers["idempotency-key"] == parcel.id and parcel.target == "127.0.0.1"
    assert run_of(out, job)["state"] == "done"


def test_what_is_down_is_asked_again_under_the_same_id(out: Out, other: Peer) -> None:
    other.say(503)
    other.then(200, {"made": {"number": "P8"}})
    job = out.opened.admin.make("yd_job", name="order", crew=1)
    out.work()
    first = other.next()
    assert out.opened.admin.read("yd_job", job["id"])["name"] == "order"
    assert run_of(out, job)["state"] == "waiting"
    out.opened.admin.patch(
        f"/records/yd_job/{job['id']}", {"crew": 2}
    )  # wakes the run, which goes on waiting
    out.work()
    assert other.count() == 0
    out.later(seconds=11)
    out.work()
    assert other.next().headers["idempotency-key"] == first.headers["idempotency-key"]
    assert out.opened.admin.read("yd_job", job["id"])["name"] == "order P8"


def test_a_refusal_is_an_answer(out: Out, other: Peer) -> None:
    other.say(422, {"why": "no"})
    job = out.opened.admin.make("yd_job", name="order", crew=1)
    out.work()
    assert run_of(out, job)["state"] == "done"
    assert out.opened.admin.read("yd_job", job["id"])["name"] == "order"


def test_on_error_is_gone_through_when_it_failed_for_good(out: Out, other: Peer) -> None:
    other.say(404)
    job = out.opened.admin.make("yd_job", name="rescued", crew=1)
    out.work()
    found = out.opened.admin.read("yd_job", job["id"])
    assert (found["name"], found["crew"]) == ("error status_404", 13)
    other.say(500)
    job = out.opened.admin.make("yd_job", name="rescued", crew=1)
    for seconds in (0, 11, 61, 301, 1_201, 3_601):
        out.later(seconds=seconds)
        out.work()
    found = out.opened.admin.read("yd_job", job["id"])
    assert (found["name"], found["crew"]) == ("error status_500", 13)
    assert other.count() == 7


def test_on_error_is_left_out_when_it_went_well(out: Out, other: Peer) -> None:
    other.say(200)
    job = out.opened.admin.make("yd_job", name="rescued", crew=1)
    out.work()
    assert out.opened.admin.read("yd_job", job["id"])["crew"] == 1


def test_an_inner_address_is_not_spoken_to_and_the_run_is_parked(out: Out) -> None:
    job = out.opened.admin.make("yd_job", name="inner", crew=1)
    out.work()
    run = run_of(out, job)
    assert run["state"] == "parked" and "address_barred" in run["error"]
    (parcel,) = out.parcels("parked")
    assert parcel.attempts == 1
    out.opened.admin.post(f"/runs/{run['id']}/replay")  # sends the same parcel again
    out.work()
    (again,) = out.parcels("parked")
    assert (again.id, again.attempts) == (parcel.id, 1)


def test_a_parked_call_is_sent_again_from_the_outbox_and_the_run_goes_on(out: Out, other: Peer) -> None:
    other.say(500)
    job = out.opened.admin.make("yd_job", name="order", crew=1)
    for seconds in (0, 11, 61, 301, 1_201, 3_601):
        out.later(seconds=seconds)
        out.work()
    assert run_of(out, job)["state"] == "parked"
    (parcel,) = out.parcels("parked")
    assert parcel.status is None and "status_500" in str(parcel.error)
    other.say(200, {"made": {"number": "P9"}})
    assert out.opened.rep.post(f"/outbox/{parcel.id}/replay").status_code == 403
    assert out.opened.admin.post(f"/outbox/{parcel.id}/replay").status_code == 204
    assert out.opened.admin.post(f"/outbox/{parcel.id}/replay").status_code == 409
    out.work()
    assert out.opened.admin.read("yd_job", job["id"])["name"] == "order P9"


def test_a_run_stands_until_the_other_side_answers_at_the_link(out: Out, other: Peer) -> None:
    other.say(202)
    job = out.opened.admin.make("yd_job", name="awaits", crew=1)
    out.work()
    asked = other.next()
    link = asked.headers["patron-answer-to"]
    assert asked.json == {"answer_to": link, "a": 1} and link.startswith("http://crm.example/api/v1/answers/")
    path = link.removeprefix("http://crm.example/api/v1")
    stranger = out.opened.stranger
    assert stranger.post(path[:-3] + "aaa", {"crew": 9}).status_code == 404
    assert (
        stranger.call("POST", path, content=b"{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )
    assert run_of(out, job)["state"] == "waiting"
    assert stranger.post(path, {"crew": 4}).status_code == 204
    assert stranger.post(path, {"crew": 5}).status_code == 409
    out.work()
    assert out.opened.admin.read("yd_job", job["id"])["crew"] == 4


def test_an_answer_that_does_not_come_is_timed_out(out: Out, other: Peer) -> None:
    other.say(202)
    job = out.opened.admin.make("yd_job", name="awaits", crew=1)
    out.work()
    path = other.next().headers["patron-answer-to"].removeprefix("http://crm.example/api/v1")
    out.later(days=1)
    out.work()
    assert run_of(out, job)["state"] == "waiting"
    out.later(days=1, minutes=1)
    out.work()
    assert out.opened.admin.read("yd_job", job["id"])["name"] == "too late"
    assert out.opened.stranger.post(path, {"crew": 4}).status_code == 409


def test_a_sender_that_is_killed_leaves_what_another_takes_over(out: Out, other: Peer) -> None:
    """Killed before it asked, and after it did: sent once more under the same id; what the first found out counts no more."""
    other.say(200, {"made": {"number": "P1"}})
    job = out.opened.admin.make("yd_job", name="order", crew=1)
    from patron_platform.jobs.flow import work_flows

    while work_flows(out.place):
        pass
    with out.place.connection("job") as conn:
        (held,) = outbox.take(conn, out.place.schema, out.clock(), 10)
        conn.commit()
    send(out.service, out.place, held, (), out.clock())
    out.work()
    assert other.next() and other.count() == 0  # it is held, nobody else sends it
    out.later(seconds=outbox.STALLED.total_seconds() + 1)
    out.work()
    assert other.next().headers["idempotency-key"] == held.id
    with out.place.connection("job") as conn:
        assert not outbox.sent(conn, out.place.schema, held, out.clock())
        assert not outbox.parked(conn, out.place.schema, held, "x", out.clock())
    assert out.opened.admin.read("yd_job", job["id"])["name"] == "order P1"


def test_what_left_is_written_down_although_the_database_was_away_for_a_moment(
    out: Out, other: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection from before the database was killed: the answer is not lost, and nothing is sent once more."""
    other.say(200, {"made": {"number": "P2"}})
    jobs = [out.opened.admin.make("yd_job", name="order", crew=n) for n in range(2)]
    writing, away = out.place.writing, iter([True, False, True, True])

    def now_and_then(actor: Actor, act: Any, cause: Any = None) -> Any:
        if act.__module__ == sending.__name__ and next(away, False):
            raise Unavailable("the database is away")
        return writing(actor, act, cause)

    monkeypatch.setattr(out.place, "writing", now_and_then)
    monkeypatch.setattr(sending, "SETTLE_PAUSE", 0.0)
    out.work()
    assert {out.opened.admin.read("yd_job", job["id"])["name"] for job in jobs} == {"order P2"}
    assert other.count() == 2 and [p.state for p in out.parcels()] == ["sent", "sent"]
    while other.count():
        other.next()


def test_what_is_sent_is_nobodys_to_read_in_the_outbox(out: Out, other: Peer) -> None:
    other.say(500)
    out.opened.admin.make("yd_job", name="order", crew=1)
    out.work()
    listed = out.opened.admin.get("/outbox")
    assert listed.status_code == 200 and "x-crew" not in listed.text.lower()
    assert out.opened.rep.get("/outbox").status_code == 403
    assert set(listed.json()["outbox"][0]) == {
        "id", "number", "kind", "target", "person", "run", "state", "status", "error", "attempts", "due_at", "made_at",
        "done_at",
    }  # fmt: skip
