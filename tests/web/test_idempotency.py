"""Idempotency keys: a repeated request has one effect and the first answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from patron_testing.web import Api, Opened


def send(api: Api, key: str, body: Any, path: str = "/records/yd_place") -> Any:
    return api.post(path, body, headers={"Idempotency-Key": key})


def test_a_repeated_request_gets_the_first_answer_and_has_one_effect(admin: Api) -> None:
    first, again = (send(admin, "k1", {"name": "Once"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content and first.headers["location"] == again.headers["location"]
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    assert len(admin.rows("yd_place", where="name == 'Once'")) == 1
    admin.patch(f"/records/yd_place/{first.json()['id']}", {"size": 5})
    assert send(admin, "k1", {"name": "Once"}).content == first.content, "the answer is the one of that time"


def test_the_same_key_with_another_body_is_refused(admin: Api) -> None:
    send(admin, "k2", {"name": "Twice"})
    said = send(admin, "k2", {"name": "Other"})
    assert (said.status_code, said.json()["code"]) == (422, "idempotency_key_reused")
    assert not admin.rows("yd_place", where="name == 'Other'")


def test_a_key_belongs_to_one_person_one_method_and_one_address(opened: Opened) -> None:
    body = {"name": "Shared"}
    assert send(opened.admin, "k3", body).status_code == 201
    said = send(opened.foreign, "k3", body)
    assert said.status_code == 201 and "idempotent-replayed" not in said.headers
    assert send(opened.admin, "k3", body, "/records/yd_job").status_code == 201


def test_what_was_refused_may_be_mended_with_the_same_key(admin: Api) -> None:
    assert send(admin, "k4", {"name": None}).status_code == 422
    assert send(admin, "k4", {"name": "Mended"}).status_code == 201


def test_many_at_once_have_one_effect(admin: Api) -> None:
    together = Barrier(6)

    def one(_: int) -> tuple[int, bytes]:
        together.wait(20)
        said = send(admin, "k5", {"name": "Crowd"})
        return said.status_code, said.content

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(one, range(6)))
    assert {status for status, _ in answers} <= {201, 409}
    assert len({content for status, content in answers if status == 201}) == 1
    assert len(admin.rows("yd_place", where="name == 'Crowd'")) == 1


def test_while_it_runs_the_second_one_is_told(opened: Opened) -> None:
    workspace = opened.service.runtime.workspace("acme")
    answer = send(opened.admin, "k6", {"name": "Running"})
    assert answer.status_code == 201
    with workspace.connection("write") as conn, conn.transaction():
        row = conn.execute("SELECT name FROM w_acme.sys__idempotency WHERE name LIKE '%%k6'").fetchone()
        assert row is not None
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", (f"w_acme\n{row[0]}",))
        said = send(opened.admin, "k6", {"name": "Running"})
    assert (said.status_code, said.json()["code"]) == (409, "idempotency_running")
    assert send(opened.admin, "k6", {"name": "Running"}).content == answer.content


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_keys_that_are_none(admin: Api, key: str) -> None:
    said = send(admin, key, {"name": "Bad key"})
    assert said.status_code in (400, 422), said.text
    assert not admin.rows("yd_place", where="name == 'Bad key'")


def test_updates_deletes_and_bulk_take_keys_as_well(admin: Api) -> None:
    place = admin.make("yd_place", name="Keyed")
    path = f"/records/yd_place/{place['id']}"
    for _ in range(2):
        assert admin.patch(path, {"size": 3}, headers={"Idempotency-Key": "u"}).status_code == 200
        said = send(
            admin, "b", {"records": [{"name": "Keyed 1"}, {"name": "Keyed 2"}]}, "/records/yd_place/bulk"
        )
        assert [r["action"] for r in said.json()["results"]] == ["created", "created"]
        assert admin.delete(path, headers={"Idempotency-Key": "d"}).json()["action"] == "deleted"
    assert admin.get(path).status_code == 404
    assert len(admin.rows("yd_place", where="STARTS_WITH(name, 'Keyed ')")) == 2
