"""Forms that nobody drew: fields that are not there, too many of them, bytes that are no text, names sent twice, what is the platform's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patron_testing.web import REP, Opened, Person

NEW = "/o/yd_job/new"
KIND = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def person(opened: Opened) -> Person:
    return opened.person()


def raw(person: Person, body: bytes, kind: str = KIND["Content-Type"]) -> Any:
    token = f"&_csrf={person.token()}".encode()
    return person.call("POST", NEW, content=body + token, headers={"Content-Type": kind})


def test_a_stranger_is_led_to_the_sign_in(opened: Opened) -> None:
    for path in (NEW, "/o-lookup/yd_job/berth", "/design/gallery"):
        said = opened.client.get(f"/w/acme{path}", follow_redirects=False)
        assert said.status_code == 303 and said.headers["location"].startswith("/login?next=")


def test_who_has_no_rights_finds_nothing(opened: Opened) -> None:
    rep = opened.person(REP)
    job = opened.admin.make("yd_job", name="Hull")
    for path in (
        NEW,
        f"/o/yd_job/{job['id']}/edit",
        "/o-lookup/yd_job/berth?q=",
        "/design/gallery",
        "/o/nothing/new",
    ):
        assert rep.get(path).status_code == 404, path
    assert rep.post(NEW, {"name": "Mine"}).status_code == 404


def test_a_form_needs_its_token(person: Person) -> None:
    said = person.call("POST", NEW, content=b"name=x", headers=KIND)
    assert said.status_code == 403
    said = person.call(
        "POST", f"{NEW}/preview", content=b"name=x", headers={**KIND, "Accept": "application/json"}
    )
    assert said.status_code == 403
    assert person.post(NEW, {"name": "x"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    "name", ["nothing", "created_at", "id", "version", "number", "deleted_at", "lines.n1.job"]
)
def test_what_is_not_ones_own_to_write_is_refused(opened: Opened, person: Person, name: str) -> None:
    before = len(opened.admin.rows("yd_job"))
    said = person.post(NEW, {"name": "Mass", name: "0190a0b0-0000-7000-8000-000000000001"})
    assert said.status_code == 422, said.text[:500]
    assert len(opened.admin.rows("yd_job")) == before


@pytest.mark.parametrize("name", ["total", "__class__", "_was.number"])
def test_what_a_form_shows_and_says_of_itself_is_never_written(
    opened: Opened, person: Person, name: str
) -> None:
    said = person.post(NEW, {"name": "Plain", name: "77"})
    if said.status_code == 303:
        job = opened.admin.read("yd_job", said.headers["location"].rpartition("/")[2])
        assert job["total"] == "0" and job["number"] != "77"
    else:
        assert said.status_code == 422


def test_twenty_thousand_fields_are_refused_as_a_whole(person: Person) -> None:
    said = raw(person, b"&".join(b"f%d=x" % n for n in range(20_001)))
    assert said.status_code == 422 and "internal" not in said.text


def test_two_thousand_rows_are_the_most(person: Person) -> None:
    said = raw(person, b"name=x&" + b"&".join(b"lines.n%d.what=x" % n for n in range(2_001)))
    assert said.status_code == 422


@pytest.mark.parametrize("body", [b"name=%ff%fe", b"name=\xff", b"name=a%00b", b"name=\xe4\xb8"])
def test_bytes_that_are_no_text_are_refused(person: Person, body: bytes) -> None:
    assert raw(person, body).status_code == 400


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_other_bodies_are_refused(person: Person, kind: str) -> None:
    assert raw(person, b"name=x", kind).status_code == 415


def test_of_names_sent_twice_the_last_counts(opened: Opened, person: Person) -> None:
    said = person.post(NEW, [("name", "First"), ("name", "Last"), ("class", "build")])
    assert said.status_code == 303
    assert opened.admin.read("yd_job", said.headers["location"].rpartition("/")[2])["name"] == "Last"


def test_scripts_in_values_stay_texts(opened: Opened, person: Person) -> None:
    evil = '"><script>alert(1)</script>'
    said = person.post(NEW, {"name": evil, "crew": evil, "note": evil, "stay.from": evil})
    assert said.status_code == 422
    assert "<script>alert" not in said.text and "&lt;script&gt;alert" in said.text
    job = opened.admin.make("yd_job", name=evil, note=evil)
    assert "<script>alert" not in person.get(f"/o/yd_job/{job['id']}/edit").text
    said = person.post(f"{NEW}/preview", {"name": evil, "crew": evil}, headers={"Accept": "application/json"})
    assert "<script>alert" not in json.dumps(said.json())


def test_it_leads_to_no_other_site(person: Person) -> None:
    said = person.post(f"{NEW}?next=https://evil.example/", {"name": "Away", "_next": "//evil.example"})
    assert said.status_code == 303 and said.headers["location"].startswith("/w/acme/")


@pytest.mark.parametrize("id", ["nothing", "0190a0b0-0000-7000-8000-000000000001", "..%2f..", "%00"])
def test_a_record_that_is_not_there_has_no_form(person: Person, id: str) -> None:
    assert person.get(f"/o/yd_job/{id}/edit").status_code in (400, 404)


def test_every_form_page_has_a_strict_policy_and_no_inline_styles(person: Person) -> None:
    for path in (NEW, "/design/gallery"):
        said = person.get(path)
        assert said.status_code == 200
        assert "unsafe" not in said.headers["content-security-policy"]
        assert " style=" not in said.text and " onclick=" not in said.text
