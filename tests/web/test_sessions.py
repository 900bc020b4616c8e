"""Sessions: what ends them, what makes them new, and what a program may do with one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from patron_platform.identity import passwords
from patron_platform.identity.accounts import create_user, set_password
from patron_testing.web import ADMIN, PASSWORD, REP, V1, WORKSPACE, Opened, Person

NEW = "another long password"


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.sign_in_attempt")
        row = conn.execute("SELECT password_hash FROM patron.account WHERE email = %s", (ADMIN,)).fetchone()
        if row is not None and not passwords.fits(PASSWORD, row[0]):
            set_password(conn, ADMIN, PASSWORD)


def api(person: Person, method: str, path: str, *, token: str | None = None, **more: Any) -> Any:
    """A call of the API with the person's cookie, as a script of a page makes it."""
    headers = {
        "Cookie": "; ".join(f"{k}={v}" for k, v in person.cookies.items()),
        "Patron-Workspace": WORKSPACE,
        **more.pop("headers", {}),
    }
    if token is not None:
        headers["X-CSRF-Token"] = token
    return person.client.request(method, V1 + path, headers=headers, **more)


def test_a_new_sign_in_in_the_same_browser_ends_the_one_before(opened: Opened) -> None:
    person = opened.person()
    before = dict(person.cookies)
    cookie = "; ".join(f"{k}={v}" for k, v in before.items())
    said = opened.client.post(
        "/login",
        data={"email": ADMIN, "password": PASSWORD},
        headers={"Cookie": cookie},
        follow_redirects=False,
    )
    assert said.cookies["patron_session"] != before["patron_session"]
    assert person.get("/").status_code == 303


def test_signing_out_ends_the_session_on_the_server(opened: Opened) -> None:
    person = opened.person()
    token = person.token()
    person.client.post(
        "/logout",
        data={"_csrf": token},
        headers={"Cookie": "; ".join(f"{k}={v}" for k, v in person.cookies.items())},
        follow_redirects=False,
    )
    assert person.get("/").status_code == 303
    assert api(person, "GET", "/me").status_code == 401


def test_a_changed_password_ends_every_other_session_at_once(opened: Opened) -> None:
    here, there = opened.person(), opened.person()
    old = dict(here.cookies)
    said = here.post("/me/password", {"current": PASSWORD, "new": NEW, "again": NEW})
    assert said.status_code == 303, said.text
    assert there.get("/").status_code == 303
    assert api(there, "GET", "/me").status_code == 401
    assert here.get("/").status_code == 303, "the token before the change opens nothing"
    here.cookies = {**old, "patron_session": said.cookies["patron_session"]}
    assert here.get("/").status_code == 200
    assert api(here, "GET", "/me").status_code == 200
    with opened.service.databases.system() as conn:
        row = conn.execute(
            "SELECT count(*) FROM patron.audit WHERE action = 'password_changed' AND address = 'testclient'"
        ).fetchone()
    assert row is not None and row[0] >= 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"current": "not mine", "new": NEW, "again": NEW}, "This is not your password."),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "10 to 200"),
        ({"current": PASSWORD, "new": NEW, "again": NEW + "x"}, "do not agree"),
        ({"current": PASSWORD, "new": "x" * 100_000, "again": "x" * 100_000}, "10 to 200"),
    ],
)
def test_a_wrong_change_of_password_changes_nothing(opened: Opened, form: dict[str, str], said: str) -> None:
    person = opened.person()
    answer = person.post("/me/password", form)
    assert answer.status_code == 422 and said in answer.text
    assert person.get("/").status_code == 200
    assert NEW not in answer.text


def test_other_sessions_are_listed_and_ended(opened: Opened) -> None:
    here, there = opened.person(), opened.person()
    page = here.page("/me")
    buttons = [b["value"] for b in page.select("#sessions button[name=which]")]
    assert "others" in buttons and "all" in buttons
    assert here.post("/me/sessions", {"which": "others"}).status_code == 303
    assert there.get("/").status_code == 303 and here.get("/").status_code == 200
    ended = here.post("/me/sessions", {"which": "all"})
    assert ended.headers["location"] == "/login" and here.get("/").status_code == 303


def test_nobody_ends_the_session_of_another(opened: Opened) -> None:
    admin, rep = opened.person(), opened.person(REP)
    with opened.service.databases.system() as conn:
        row = conn.execute(
            "SELECT s.id::text FROM patron.session s JOIN patron.account a ON a.id = s.account WHERE a.email = %s",
            (ADMIN,),
        ).fetchone()
    assert row is not None
    rep.post("/me/sessions", {"which": row[0]})
    assert admin.get("/").status_code == 200


def test_a_session_ends_by_itself(opened: Opened) -> None:
    for column in ("expires_at", "ends_at"):
        person = opened.person()
        with opened.service.databases.system() as conn:
            conn.execute(f"UPDATE patron.session SET {column} = now() - interval '1 second'")
        assert person.get("/").status_code == 303


def test_going_to_another_workspace_makes_the_token_new(opened: Opened) -> None:
    person = opened.person()
    cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in person.cookies.items())}
    page = opened.client.get("/workspaces", headers=cookie)
    assert page.status_code == 200 and "acme" in page.text and "other" in page.text
    said = opened.client.post(
        "/workspaces",
        data={"_csrf": person.token(), "workspace": "other"},
        headers=cookie,
        follow_redirects=False,
    )
    assert said.headers["location"] == "/w/other/"
    assert person.get("/").status_code == 303, "the token before opens nothing"
    person.cookies["patron_session"] = said.cookies["patron_session"]
    named = api(person, "GET", "/me", headers={"Patron-Workspace": "acme"}).json()["workspace"]
    headers = {"Cookie": f"patron_session={person.cookies['patron_session']}"}
    last = opened.client.get(f"{V1}/me", headers=headers).json()["workspace"]
    assert (named, last) == ("acme", "other")
    for referer, found in (
        ("http://testserver/w/acme/o/account", "acme"), ("https://evil.example/w/acme/", "other"), ("http://[", "other"),
    ):  # fmt: skip
        said = opened.client.get(f"{V1}/me", headers={**headers, "Referer": referer})
        assert said.json()["workspace"] == found, "the page a call came from says where it is"
    refused = opened.client.post("/workspaces", data={"workspace": "acme"}, headers=headers)
    assert refused.status_code == 403
    with opened.service.databases.system() as conn:
        conn.execute("UPDATE patron.account SET preferences = '{}'")


def test_a_workspace_that_is_not_his_is_not_there(opened: Opened) -> None:
    rep = opened.person(REP)
    assert api(rep, "GET", "/me", headers={"Patron-Workspace": "other"}).status_code == 404
    assert api(rep, "GET", "/me").json()["workspace"] == WORKSPACE


def test_a_session_may_do_what_its_user_may(opened: Opened) -> None:
    person = opened.person()
    token = person.token()
    made = api(person, "POST", "/records/yd_job", token=token, json={"name": "By hand"})
    assert made.status_code == 201
    said = api(person, "GET", f"/records/yd_job/{made.json()['id']}/history")
    assert [entry["cause"]["kind"] for entry in said.json()["history"]] == ["user"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"X-CSRF-Token": "0" * 64},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_cookie_alone_changes_nothing(opened: Opened, wrong: dict[str, str]) -> None:
    person = opened.person()
    token = None if not wrong or "X-CSRF-Token" in wrong else person.token()
    for method, path, body in (
        ("POST", "/records/yd_job", {"name": "Forged"}),
        ("POST", "/records/yd_job/query", {}),
        ("PUT", "/records/yd_job/by/code/FORGED", {"name": "Forged"}),
    ):
        said = api(person, method, path, token=token, json=body, headers=wrong)
        assert said.status_code == 403 and said.json()["code"] == "csrf", (method, path)
    assert opened.admin.rows("yd_job", where="name == 'Forged'") == []


def test_the_token_of_another_session_is_none(opened: Opened) -> None:
    person, other = opened.person(), opened.person(REP)
    said = api(person, "POST", "/records/yd_job", token=other.token(), json={"name": "Forged"})
    assert said.status_code == 403


def test_json_sent_as_text_or_by_a_form_is_refused(opened: Opened) -> None:
    person = opened.person()
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        bare = api(
            person, "POST", "/records/yd_job", content=b'{"name": "Forged"}', headers={"Content-Type": kind}
        )
        assert bare.status_code == 403
        known = api(
            person, "POST", "/records/yd_job", token=person.token(), content=b'{"name": "Forged"}',
            headers={"Content-Type": kind},
        )  # fmt: skip
        assert known.status_code == 415


def test_no_address_changes_anything_when_it_is_only_asked_for(opened: Opened) -> None:
    person = opened.person()
    for path in ("/me/password", "/me/language", "/me/sessions", "/me/fold", "/home/done", "/inbox/read"):
        assert person.get(path).status_code in (404, 405), path
    for method in ("GET", "HEAD"):
        cookie = "; ".join(f"{k}={v}" for k, v in person.cookies.items())
        opened.client.request(method, "/logout", headers={"Cookie": cookie}, follow_redirects=False)
    over = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "POST"}
    assert person.get("/", headers=over).status_code == 200
    assert person.get("/").status_code == 200


def test_a_user_who_was_switched_off_is_out_within_a_second(opened: Opened) -> None:
    rep = opened.person(REP)
    assert rep.get("/").status_code == 200
    me = api(rep, "GET", "/me").json()["user"]
    assert opened.admin.patch(f"/records/user/{me}", {"active": False}).status_code == 200
    time.sleep(1.1)
    assert rep.get("/").status_code == 404
    assert api(rep, "GET", "/me").status_code == 404
    time.sleep(2.1)
    assert opened.rep.get("/me").status_code == 401, "his key does not open either"
    assert opened.admin.patch(f"/records/user/{me}", {"active": True}).status_code == 200
    time.sleep(1.1)
    assert rep.get("/").status_code == 200


def test_other_rights_end_the_sessions(opened: Opened) -> None:
    rep = opened.person(REP)
    place = opened.service.runtime.workspace(WORKSPACE)
    create_user(opened.service.databases, place, REP, administrator=True)
    with opened.service.databases.system() as conn:
        assert rep.get("/").status_code == 303
        conn.execute(
            "UPDATE patron.membership SET administrator = false FROM patron.account a"
            " WHERE a.id = account AND a.email = %s", (REP,)
        )  # fmt: skip


def test_a_script_of_a_page_is_told_that_nobody_is_signed_in(opened: Opened) -> None:
    """A form that was kept without network is sent by a script: refused it would be given up, 401 it waits."""
    said = opened.client.post(
        f"/w/{WORKSPACE}/o/account/new", data={"name": "Kept"}, headers={"Accept": "application/json"}
    )
    assert (said.status_code, said.json()["code"]) == (401, "not_signed_in")
