"""The log of sign-ins, and who is signed in: one's own, everybody's for who manages users, nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_platform.identity.sign_ins import PAGE
from patron_testing.web import REP, Opened


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.sign_in_attempt")


def test_one_sees_his_own_sign_ins_and_what_was_tried_with_his_address(opened: Opened) -> None:
    opened.client.post("/login", data={"email": REP, "password": "not his at all"})
    opened.client.post("/login", data={"email": "admin@acme.example", "password": "not his at all"})
    rep = opened.person(REP)
    text = rep.page("/me/sign-ins").select_one("main").text  # type: ignore[union-attr]
    assert "Signed in" in text and text.count("Wrong password") == 1 and "testclient" in text
    assert rep.get("/sign-ins").status_code == 403
    assert rep.post("/sign-ins/end", {"account": "x"}).status_code == 403


def test_who_manages_sees_everybodys_and_ends_sessions(opened: Opened) -> None:
    rep, admin = opened.person(REP), opened.person()
    page = admin.page("/sign-ins")
    assert REP in page.select_one("main").text  # type: ignore[union-attr]
    button = page.find("button", {"name": "account"})
    assert admin.post("/sign-ins/end", {"account": str(button["value"])}).status_code == 303
    assert rep.get("/").status_code == 303 and admin.get("/").status_code == 200
    assert admin.post("/sign-ins/end", {"account": "nobody"}).status_code == 404


def test_nobody_of_another_workspace_is_told_of(opened: Opened) -> None:
    with opened.service.databases.system() as conn:
        conn.execute(
            "INSERT INTO patron.audit (action, about, address) VALUES ('sign_in_failed', 'far@other.example', '9.9.9.9')"
        )
    assert "far@other.example" not in opened.person().get("/sign-ins").text


def test_pages_go_on_where_the_one_before_ended(opened: Opened) -> None:
    admin = opened.person()
    with opened.service.databases.system() as conn:
        conn.execute(
            "INSERT INTO patron.audit (action, about, address) SELECT 'sign_in_failed', %s, '10.0.0.' || n"
            " FROM generate_series(1, %s) n", (REP, PAGE),
        )  # fmt: skip
    page = admin.page("/sign-ins")
    older = page.find("a", string="Older")
    assert "10.0.0.50" in page.text
    further = admin.page(str(older["href"]).removeprefix("/w/acme"))
    assert "10.0.0.50" not in further.text and "Signed in" in further.text
    for wrong in ("x", "-1", "9" * 40, "²"):
        assert admin.get("/sign-ins", params={"before": wrong}).status_code == 200
