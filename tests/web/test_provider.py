"""Signing in through an OpenID provider: what lets in, and everything that does not."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from patron_platform.app import create_app
from patron_platform.service import Service
from patron_testing.provider import CLIENT, SECRET, Provider, provider_server, shared_key
from patron_testing.web import REP, WORKSPACE, Opened

FAILED = "/login?done=provider"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider_server() as started:
        yield started


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    yield running
    running.claims, running.header, running.signs, running.raw = {}, {}, None, None


def served(opened: Opened, running: Provider, **more: Any) -> TestClient:
    changed = {
        "oidc_issuer": running.issuer, "oidc_client": CLIENT, "oidc_secret": SECRET, "oidc_label": "Acme ID",
        "base_url": "http://crm.example", **more,
    }  # fmt: skip
    service = Service(
        opened.service.settings.model_copy(update=changed), opened.service.database, opened.service.databases,
        opened.service.runtime,
    )  # fmt: skip
    return TestClient(create_app(service), base_url="http://crm.example")


@pytest.fixture
def client(opened: Opened, running: Provider) -> Iterator[TestClient]:
    with served(opened, running) as made:
        yield made
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.provider_identity")


def there(client: TestClient, onward: str = "") -> str:
    said = client.get("/login/provider", params={"next": onward} if onward else {}, follow_redirects=False)
    assert said.status_code == 303
    return str(said.headers["location"])


def back(client: TestClient, address: str, code: str, **more: str) -> Any:
    state = parse_qs(urlsplit(address).query)["state"][0]
    return client.get(
        "/login/provider/back", params={"code": code, "state": state, **more}, follow_redirects=False
    )


def whole(client: TestClient, provider: Provider, **more: str) -> Any:
    address = there(client)
    return back(client, address, provider.sign_in(address), **more)


def test_a_verified_address_is_linked_and_then_the_subject_counts(
    client: TestClient, provider: Provider, opened: Opened
) -> None:
    assert "Sign in with Acme ID" in client.get("/login").text
    address = there(client, "/w/acme/o/yd_job")
    assert address.startswith(f"{provider.issuer}/authorize?")
    said = back(client, address, provider.sign_in(address))
    assert said.headers["location"] == "/w/acme/o/yd_job" and "patron_session" in said.cookies
    client.cookies.clear()
    provider.claims = {"email": "another@acme.example", "email_verified": False}
    assert whole(client, provider).headers["location"] == "/w/acme/"
    client.cookies.clear()
    provider.claims = {"sub": "two"}
    assert whole(client, provider).headers["location"] == "/login?done=unknown", (
        "the account is another subject's"
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False}, {"email_verified": None}, {"email_verified": "true"},
        {"email": "nobody@acme.example"}, {"email": None}, {"email": 7},
    ],
)  # fmt: skip
def test_nobody_is_made_a_user_and_no_unverified_address_counts(
    client: TestClient, provider: Provider, opened: Opened, claims: dict[str, Any]
) -> None:
    provider.claims = {"sub": "three", **claims}
    said = whole(client, provider)
    assert said.headers["location"] == "/login?done=unknown" and "patron_session" not in said.cookies
    with opened.service.databases.system() as conn:
        row = conn.execute("SELECT 1 FROM patron.account WHERE email = 'nobody@acme.example'").fetchone()
    assert row is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "another"}, {"aud": None},
        {"aud": [CLIENT, "another"]}, {"aud": [CLIENT, "another"], "azp": "another"}, {"azp": "another"},
        {"nonce": "another"}, {"nonce": None}, {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256},
        {"exp": int(time.time()) - 3_600}, {"exp": None}, {"iat": int(time.time()) + 3_600},
    ],
)  # fmt: skip
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    client: TestClient, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    said = whole(client, provider)
    assert said.headers["location"] == FAILED and "patron_session" not in said.cookies


def test_a_token_nobody_may_have_signed_is_refused(client: TestClient, provider: Provider) -> None:
    provider.signs = RSAKey.generate_key(2048, {"kid": "one"})
    assert whole(client, provider).headers["location"] == FAILED, "another key"
    provider.signs, provider.header = shared_key(), {"alg": "HS256"}
    assert whole(client, provider).headers["location"] == FAILED, "the client's secret"
    provider.signs, provider.header = None, {"kid": "../../x"}
    assert whole(client, provider).headers["location"] == FAILED, "a key that is not there"
    parts = ({"alg": "none"}, {"iss": provider.issuer, "aud": CLIENT, "sub": "one", "exp": 9_999_999_999})
    bare = ".".join(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    for raw in (f"{bare}.", bare, "x.y.z", "x" * 10_000):
        provider.raw = raw
        assert whole(client, provider).headers["location"] == FAILED


def test_what_comes_back_belongs_to_this_browser_and_once(client: TestClient, provider: Provider) -> None:
    address = there(client)
    code = provider.sign_in(address)
    said = client.get(
        "/login/provider/back", params={"code": code, "state": "another"}, follow_redirects=False
    )
    assert said.headers["location"] == FAILED
    assert back(client, address, code).headers["location"] == FAILED, "tried once, whatever became of it"
    address = there(client)
    code = provider.sign_in(address)
    kept = dict(client.cookies)
    client.cookies.clear()
    assert back(client, address, code).headers["location"] == FAILED, "another browser"
    client.cookies.update(kept)
    assert back(client, address, code, iss="https://evil.example").headers["location"] == FAILED
    for more in ({}, {"error": "access_denied"}, {"code": ""}, {"code": "x" * 5_000}):
        there(client)
        said = client.get("/login/provider/back", params=more, follow_redirects=False)
        assert said.headers["location"] == FAILED
    assert client.get("/login?done=provider").text.count("Acme ID") >= 2


def test_a_stolen_code_is_worth_nothing_without_the_verifier(client: TestClient, provider: Provider) -> None:
    stolen = provider.sign_in(there(client))
    address = there(client)
    assert back(client, address, stolen).headers["location"] == FAILED


def test_other_sites_begin_no_sign_in_and_it_leads_to_no_other_site(
    client: TestClient, provider: Provider
) -> None:
    said = client.get("/login/provider", headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=False)
    assert said.status_code == 403
    for onward in ("//evil.example", "https://evil.example", "/\\evil.example"):
        address = there(client, onward)
        assert back(client, address, provider.sign_in(address)).headers["location"] == "/w/acme/"
        client.cookies.clear()


def test_where_the_settings_say_so_a_new_person_joins(
    opened: Opened, running: Provider, provider: Provider
) -> None:
    provider.claims = {"sub": "new", "email": "joins@acme.example", "name": "Joins"}
    with served(opened, running, oidc_join=WORKSPACE) as client:
        assert whole(client, provider).headers["location"] == "/w/acme/"
    user = opened.admin.rows("user", where="email == 'joins@acme.example'")
    assert [(u["name"], u.get("roles") or []) for u in user] == [("Joins", [])]


def test_without_a_provider_there_is_nothing(opened: Opened) -> None:
    assert opened.client.get("/login/provider", follow_redirects=False).status_code == 404
    assert opened.client.get("/login/provider/back", follow_redirects=False).status_code == 404


def test_a_closed_account_stays_out(client: TestClient, provider: Provider, opened: Opened) -> None:
    with opened.service.databases.system() as conn:
        conn.execute("UPDATE patron.account SET state = 'locked' WHERE email = %s", (REP,))
    try:
        assert whole(client, provider).headers["location"] == "/login?done=unknown"
    finally:
        with opened.service.databases.system() as conn:
            conn.execute("UPDATE patron.account SET state = 'active' WHERE email = %s", (REP,))


# -- H145: what an attacker replays or leaves out --------------------------------------------------------------------


def test_h145_what_came_back_once_does_not_come_back_again(client: TestClient, provider: Provider) -> None:
    address = there(client)
    code = provider.sign_in(address)
    kept = dict(client.cookies)
    assert back(client, address, code).headers["location"] == "/w/acme/"
    client.cookies.clear()
    assert back(client, address, code).headers["location"] == FAILED, "another browser has not begun it"
    client.cookies.update(kept)
    said = back(client, address, code)
    assert said.headers["location"] == FAILED and "patron_session" not in said.cookies, (
        "nor does who begun it, with all his cookies"
    )


def test_h145_a_token_of_another_sign_in_is_refused(client: TestClient, provider: Provider) -> None:
    """Signed by the provider, for this client, in time: only its nonce is of a sign-in before."""
    first = there(client)
    nonce = parse_qs(urlsplit(first).query)["nonce"][0]
    assert back(client, first, provider.sign_in(first)).headers["location"] == "/w/acme/"
    client.cookies.clear()
    provider.claims = {"nonce": nonce}
    said = whole(client, provider)
    assert said.headers["location"] == FAILED and "patron_session" not in said.cookies


def test_h145_nothing_comes_back_without_state(client: TestClient, provider: Provider) -> None:
    for state in (None, "", "x" * 5_000, "\x00"):
        address = there(client)
        given = {"code": provider.sign_in(address)} | ({} if state is None else {"state": state})
        said = client.get("/login/provider/back", params=given, follow_redirects=False)
        assert said.headers["location"] == FAILED and "patron_session" not in said.cookies


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "None"}, {"alg": "RS256", "kid": "../../x"}, {"alg": "RS256", "kid": "/dev/null"},
        {"alg": "RS256", "kid": "one' OR '1'='1"}, {"alg": "RS256", "jku": "https://evil.example/keys"},
        {"alg": "RS256", "crit": ["exp"], "exp": 1}, {"alg": "HS256"}, {"alg": "HS256", "kid": ""},
    ],
)  # fmt: skip
def test_h145_a_header_that_chooses_its_own_key_is_refused(
    client: TestClient, provider: Provider, header: dict[str, Any]
) -> None:
    claims = {
        "iss": provider.issuer, "aud": CLIENT, "sub": "one", "email": REP, "email_verified": True,
        "iat": int(time.time()), "exp": int(time.time()) + 600,
    }  # fmt: skip
    parts = [urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in (header, claims)]
    for signature in ("", "AAAA"):
        provider.raw = ".".join([*parts, signature])
        said = whole(client, provider)
        assert said.headers["location"] == FAILED and "patron_session" not in said.cookies
