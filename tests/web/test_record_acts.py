"""What is done with a whole record from its page: deleted and brought back, voided, copied."""

from __future__ import annotations

import re

from patron_testing.web import REP, Opened, Person


def test_deleting_says_what_goes_and_the_record_can_come_back(opened: Opened, me: Person) -> None:
    job = opened.admin.make(
        "yd_job", name="Short", lines=[{"what": "a", "price": "1"}, {"what": "b", "price": "1"}]
    )
    here = f"/o/yd_job/{job['id']}"
    asked = me.page(f"{here}/delete")
    assert "2 Lines" in " ".join(asked.select_one(".gone").get_text(" ", strip=True).split())
    assert opened.admin.get(f"/records/yd_job/{job['id']}").status_code == 200
    assert me.post(f"{here}/delete").status_code == 303
    page = me.page(here)
    assert "recycle bin" in page.select_one("[role=status]").get_text()
    assert page.select_one("a[data-key=e]") is None
    assert me.post(f"{here}/restore").status_code == 303
    assert opened.admin.read("yd_job", job["id"])["line_count"] == 2


def test_what_cannot_be_deleted_says_why(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Held")
    opened.admin.make("contact", name="Holder", account=account["id"])
    page = me.page(f"/o/account/{account['id']}/delete")
    assert page.select_one("[role=alert]") is not None
    assert page.select_one("button.button-danger") is None
    assert me.post(f"/o/account/{account['id']}/delete").status_code == 422


def test_voiding_and_back(opened: Opened, me: Person) -> None:
    job = opened.admin.make("yd_job", name="Void me")
    here = f"/o/yd_job/{job['id']}"
    assert me.post(f"{here}/void").status_code == 303
    assert "Voided" in me.page(here).select_one(".record-title").get_text()
    assert me.post(f"{here}/unvoid").status_code == 303
    assert "Voided" not in me.page(here).select_one(".record-title").get_text()


def test_a_clone_has_the_details(opened: Opened, me: Person) -> None:
    job = opened.admin.make("yd_job", name="Twice", lines=[{"what": "a", "price": "3"}])
    said = me.post(f"/o/yd_job/{job['id']}/clone")
    assert said.status_code == 303
    new = re.search(r"/o/yd_job/([0-9a-f-]{36})", said.headers["location"])
    assert new is not None and new[1] != job["id"]
    assert opened.admin.read("yd_job", new[1])["total"] == "3"


def test_a_deletion_is_taken_back_from_the_list_it_leads_to(opened: Opened, me: Person) -> None:
    job = opened.admin.make("yd_job", name="Slip of the hand", lines=[{"what": "a", "price": "1"}])
    gone = me.post(f"/o/yd_job/{job['id']}/delete")
    address = gone.headers["location"].removeprefix("/w/acme")
    assert gone.status_code == 303 and address.startswith("/o/yd_job?done=")
    flash = me.page(address).select_one(".flash")
    assert "recycle bin" in flash.get_text()
    back = me.post(flash.form["action"].removeprefix("/w/acme"), {"back": "/w/acme/o/yd_job"})
    assert back.status_code == 303
    assert opened.admin.read("yd_job", job["id"])["line_count"] == 1
    assert me.page(back.headers["location"].removeprefix("/w/acme")).select_one(".flash form") is None
    assert opened.person(REP).post(flash.form["action"].removeprefix("/w/acme")).status_code == 404
