"""What the special widgets send, over HTTP: files and addresses under the session of a page, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from patron_testing.web import REP, Opened, Person

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture(scope="module")
def ann(opened: Opened) -> Person:
    return opened.person()


@pytest.fixture(scope="module")
def bob(opened: Opened) -> Person:
    return opened.person(REP)


def send(person: Person, name: str = "a.txt", data: bytes = b"hello", **headers: str) -> Any:
    head = {"X-CSRF-Token": person.token(), "Accept": "application/json", **headers}
    return person.call("POST", "/files", files={"file": (name, data)}, headers=head)


def test_a_file_is_sent_and_shown_to_its_sender_alone(ann: Person, bob: Person) -> None:
    said = send(ann, "笔记.txt")
    assert said.status_code == 201, said.text
    assert said.json()["name"] == "笔记.txt"
    shown = ann.get(f"/files/{said.json()['id']}")
    assert (shown.status_code, shown.content) == (200, b"hello")
    assert shown.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in shown.headers["content-security-policy"]
    assert bob.get(f"/files/{said.json()['id']}").status_code == 404


def test_a_page_that_calls_itself_a_picture_is_not_shown_in_place(ann: Person) -> None:
    made = send(ann, "photo.png", b"<html><script>alert(1)</script></html>").json()
    shown = ann.get(f"/files/{made['id']}?inline=true")
    assert shown.headers["content-type"] == "application/octet-stream"
    assert shown.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "headers",
    [{"X-CSRF-Token": "wrong"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}],
)
def test_a_file_from_another_site_is_refused(ann: Person, headers: dict[str, str]) -> None:
    assert send(ann, **headers).status_code == 403


def test_a_stranger_is_led_to_the_sign_in(opened: Opened) -> None:
    for path in ("/w/acme/files/0198", "/w/acme/design/widgets", "/w/acme/manifest.webmanifest"):
        said = opened.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
        assert (said.status_code, said.headers["location"].split("?")[0]) == (303, "/login")
    assert (
        opened.client.post("/w/acme/files", files={"file": ("a", b"a")}, follow_redirects=False).status_code
        == 303
    )


def test_an_upload_is_thrown_away_by_its_sender(ann: Person, bob: Person) -> None:
    made = send(ann).json()
    assert (
        bob.call("DELETE", f"/files/{made['id']}", headers={"X-CSRF-Token": bob.token()}).status_code == 404
    )
    assert ann.call("DELETE", f"/files/{made['id']}").status_code == 403
    assert (
        ann.call("DELETE", f"/files/{made['id']}", headers={"X-CSRF-Token": ann.token()}).status_code == 200
    )
    assert ann.get(f"/files/{made['id']}").status_code == 404


def test_a_form_with_more_than_its_file_is_refused(ann: Person) -> None:
    said = ann.call(
        "POST", "/files", files={"file": ("a.txt", b"a")}, data={"x": "1"},
        headers={"X-CSRF-Token": ann.token(), "Accept": "application/json"},
    )  # fmt: skip
    assert said.status_code == 422


def test_an_address_is_taken_apart(ann: Person) -> None:
    said = ann.post("/regions/apart", {"text": "张三 13800138000 广东省深圳市南山区科技园路1号"})
    assert said.json() == {
        "parts": {
            "province": "广东省",
            "city": "深圳市",
            "district": "南山区",
            "street": "科技园路1号",
            "postcode": "",
        },
        "person": "张三",
        "phone": "13800138000",
    }
    assert ann.post("/regions/apart", {"text": "1 Main Street, Springfield"}).json() == {}
    assert (
        ann.call(
            "POST",
            "/regions/apart",
            content="text=x",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ).status_code
        == 403
    )


def test_the_specimens_are_for_administrators(ann: Person, bob: Person) -> None:
    assert ann.page("/design/widgets").select_one("[data-behaviour=address]") is not None
    assert bob.get("/design/widgets").status_code == 403


def test_what_was_written_comes_back_as_text(ann: Person) -> None:
    said = ann.post("/design/widgets", {"address_empty.street": "<script>alert(1)</script>"})
    assert said.status_code == 200
    assert "<script>alert(1)" not in said.text
    assert "&lt;script&gt;alert(1)" in said.text
