"""Every page: who is not signed in is led to the sign-in, who does not belong there finds nothing, a form needs its token."""

from __future__ import annotations

import re

import pytest

from patron_platform.web.texts import SPOKEN, everything
from patron_testing.web import ADMIN, PASSWORD, Opened

VALUE = re.compile(r"\{(\w*)[^}]*\}")


def test_who_is_not_signed_in_is_led_to_the_sign_in(opened: Opened) -> None:
    said = opened.client.get("/w/acme/?where=x", follow_redirects=False)
    assert said.status_code == 303
    assert said.headers["location"] == "/login?next=/w/acme/%3Fwhere%3Dx"


def test_a_foreign_workspace_is_not_there(opened: Opened) -> None:
    person = opened.person()
    person.workspace = "nowhere"
    assert person.get("/").status_code == 404


@pytest.mark.parametrize(
    "given",
    ["//evil.example", "/\\evil.example", "https:evil.example", "/\t/evil.example", "http://evil.example"],
)
def test_signing_in_leads_nowhere_else(opened: Opened, given: str) -> None:
    said = opened.client.post(
        "/login", data={"email": ADMIN, "password": PASSWORD, "next": given}, follow_redirects=False
    )
    assert said.status_code == 303
    assert said.headers["location"] == "/workspaces"
    opened.client.cookies.clear()


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(opened: Opened) -> None:
    def said(email: str, password: str) -> str:
        answer = opened.client.post(
            "/login", data={"email": email, "password": password}, follow_redirects=False
        )
        assert answer.status_code == 422 and "set-cookie" not in answer.headers
        return str(answer.text.replace(email, "…"))

    assert said(ADMIN, "not the password") == said("nobody@acme.example", "not the password")


def test_a_form_of_another_site_is_refused(opened: Opened) -> None:
    person = opened.person()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        cookies = "; ".join(f"{k}={v}" for k, v in person.cookies.items())
        said = opened.client.post(
            "/logout",
            data={"_csrf": person.token()},
            headers={**headers, "Cookie": cookies},
            follow_redirects=False,
        )
        assert said.status_code == 403


def test_every_page_has_a_strict_policy(opened: Opened) -> None:
    person = opened.person()
    for path in ("/",):
        policy = person.get(path).headers["content-security-policy"]
        assert (
            "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        )


def test_every_text_is_there_in_every_language_with_the_same_values() -> None:
    for key, texts in everything().items():
        assert set(texts) == set(SPOKEN), key
        wanted = sorted(VALUE.findall(texts["en"]))
        for language in SPOKEN:
            assert texts[language].strip(), (key, language)
            assert sorted(VALUE.findall(texts[language])) == wanted, (key, language)
