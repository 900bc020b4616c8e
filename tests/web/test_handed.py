"""Handing over: many records from a list, the new owner is told, and who manages people hands over what a leaver owned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from patron_platform.identity.keys import create_key
from patron_platform.jobs.tasks import work_off
from patron_testing.rights import has, publish
from patron_testing.web import WORKSPACE, Api, Opened, Person

ROLES = """
kind: role
name: c_seller
label: {en: Seller}
objects:
  user: {read: all}
  account: {create: true, read: own, update: own, transfer: own}
  yd_job: {create: true, read: own, update: own, transfer: own, bulk: true}
---
kind: role
name: c_one_by_one
label: {en: One by one}
objects:
  user: {read: all}
  yd_job: {create: true, read: own, update: own, transfer: own}
---
kind: role
name: c_people
label: {en: People desk}
objects:
  user: {read: all, update: all}
  account: {read: all}
actions: [manage_users]
"""
DESK = "desk@acme.example"


class Owner(Person):
    """Takes his tokens from his notices."""

    def token(self) -> str:
        return str(self.page("/inbox").find("meta", {"name": "csrf"})["content"])


@dataclass(frozen=True, slots=True)
class Someone:
    id: str
    email: str
    api: Api
    person: Owner


@pytest.fixture(scope="module")
def office(opened: Opened) -> Iterator[Opened]:
    publish(opened, ROLES)
    yield opened


def someone(opened: Opened, *roles: str, **more: object) -> Someone:
    email = f"{uuid4().hex[:8]}@acme.example"
    id = has(opened, email, *roles, **more)
    with opened.service.databases.system() as conn:
        key = create_key(conn, email, WORKSPACE)
    return Someone(id, email, Api(opened.client, key), Owner(opened.client, WORKSPACE, email))


def test_the_owners_department_comes_along_though_nobody_may_see_it(office: Opened) -> None:
    north = office.admin.make("department", name="North", code=f"n{uuid4().hex[:6]}")["id"]
    ann, bob = someone(office, "c_seller"), someone(office, "c_seller", department=north)
    assert ann.api.get(f"/records/department/{north}").status_code == 404
    account = ann.api.make("account", name="Handed")["id"]
    said = ann.api.post(f"/records/account/{account}/transfer", {"to": {"user": bob.id}})
    assert said.status_code == 200, said.text
    assert office.admin.read("account", account)["department"]["id"] == north
    other = ann.api.make("account", name="Chosen")["id"]
    chosen = ann.api.patch(f"/records/account/{other}", {"department": north})
    assert chosen.status_code in (403, 422), "a department that is chosen has to be his to see"


def test_the_new_owner_is_told_and_nobody_else(office: Opened) -> None:
    ann, bob = someone(office, "c_seller"), someone(office, "c_seller")
    account = ann.api.make("account", name="Northwind")["id"]
    ann.api.post(f"/records/account/{account}/transfer", {"to": {"user": bob.id}})
    page = bob.person.page("/inbox?category=given")
    assert "Northwind" in page.select_one(".notice").get_text()
    assert "handed it over to you" in page.select_one(".notice").get_text()
    assert page.select_one(".tab[aria-current] .count").get_text() == "1"
    assert ann.person.page("/inbox?category=given").select_one(".notice") is None
    back = bob.api.post(f"/records/account/{account}/transfer", {"to": {"user": ann.id}})
    assert back.status_code == 200
    assert bob.person.page("/inbox?category=given").select_one(".notice") is None, "it is not his to read now"


def test_many_are_handed_over_from_a_list(office: Opened) -> None:
    ann, bob = someone(office, "c_seller"), someone(office, "c_seller")
    ids = [ann.api.make("yd_job", name=f"Job {n}")["id"] for n in range(3)]
    assert "list/yd_job/transfer" in str(ann.person.page("/o/yd_job").select_one(".list-acts"))
    path = "/list/yd_job/transfer"
    chosen = [("id", id) for id in ids[:2]]
    asked = ann.person.post(path, chosen)
    assert asked.status_code == 200 and bob.email in asked.text and "2 records" in asked.text
    assert len(ann.api.rows("yd_job")) == 3, "nothing is done before it is sure"
    assert ann.person.post(path, [*chosen, ("sure", "1"), ("to", "")]).status_code == 422
    done = ann.person.post(path, [*chosen, ("sure", "1"), ("to", f"user:{bob.id}"), ("keep", "read")])
    assert done.status_code == 303, done.text[:500]
    assert (len(bob.api.rows("yd_job")), len(ann.api.rows("yd_job"))) == (2, 3)
    assert ann.api.patch(f"/records/yd_job/{ids[0]}", {"crew": 2}).status_code == 403
    again = ann.person.post(path, [("id", ids[0]), ("id", ids[2]), ("sure", "1"), ("to", f"user:{bob.id}")])
    assert again.status_code == 200 and "Job 0" in again.text and len(bob.api.rows("yd_job")) == 3
    assert ann.person.post(path, [("sure", "1"), ("to", bob.id)]).status_code == 422, "nothing is chosen"


def test_who_may_hand_over_one_alone_does_not_hand_over_many(office: Opened) -> None:
    ann, bob = someone(office, "c_one_by_one"), someone(office, "c_seller")
    job = ann.api.make("yd_job", name="Alone")["id"]
    assert "list/yd_job/transfer" not in str(ann.person.page("/o/yd_job"))
    form = {"id": job, "sure": "1", "to": f"user:{bob.id}"}
    assert ann.person.post("/list/yd_job/transfer", form).status_code == 403
    body = {"ids": [job], "to": {"user": bob.id}}
    assert ann.api.post("/records/yd_job/transfer", body).status_code == 403
    assert bob.api.rows("yd_job") == []
    assert ann.api.post(f"/records/yd_job/{job}/transfer", {"to": {"user": bob.id}}).status_code == 200


def test_who_may_transfer_nothing_is_offered_nothing(office: Opened) -> None:
    desk = someone(office, "c_people")
    account = office.admin.make("account", name="Desk")["id"]
    assert "list/account/transfer" not in str(desk.person.page("/o/account"))
    assert desk.person.post("/list/account/transfer", {"id": account}).status_code in (403, 404)


def test_who_manages_people_hands_over_to_others_alone(office: Opened) -> None:
    ann, bob, desk = someone(office, "c_seller"), someone(office, "c_seller"), someone(office, "c_people")
    for n in range(3):
        ann.api.make("yd_job", name=f"Left {n}")
    path = f"/admin/handover/{ann.id}"
    assert bob.person.get(path).status_code == 403
    assert "3" in desk.person.page(path).main.get_text()
    assert desk.person.post(path, {"to": desk.id}).status_code == 422, "not to himself"
    assert desk.person.post(path, {"to": bob.id}).status_code == 303
    work_off(office.service.runtime.workspace(WORKSPACE))
    assert len(bob.api.rows("yd_job")) == 3 and ann.api.rows("yd_job") == []
    notice = bob.person.page("/inbox?category=given").select_one(".notice").get_text(" ", strip=True)
    assert "and 2 more" in notice
    assert "3 of 3 handed over" in desk.person.page("/admin/handover").main.get_text(" ", strip=True)
