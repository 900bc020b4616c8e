"""Provider: signing in through an OpenID Connect provider: the code flow with PKCE.

In: the settings; the answer of the provider's sign-in. Out: the address to send the browser to, with what must come back; who the
provider says it is. What it signs is checked before it is believed: the algorithm, the key, issuer, audience, times and nonce.

The libraries for it are loaded when somebody signs in this way: they would be a tenth of every start.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from patron_engine.errors import PatronError
from patron_platform.settings import Settings

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # never none, never one with a shared secret
SECONDS = 10.0  # provider_seconds: for one answer
LARGEST = 1 << 20  # provider_bytes: of one answer
LEEWAY = 60  # provider_leeway: seconds its clock may be wrong
SCOPE = "openid email profile"


class NoAnswer(PatronError):
    """The provider says nothing that can be believed."""

    code = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where the browser goes, and what is kept until it is back."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who it is. `email` is "" unless the provider says that it has verified it."""

    issuer: str
    subject: str
    email: str
    name: str


def begin(settings: Settings, back: str) -> Begun:
    """`back` is the address the provider sends the browser back to."""
    found = _found(settings)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code", "client_id": settings.oidc_client, "redirect_uri": back, "scope": SCOPE, "state": state,
        "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    to = _address(found, "authorization_endpoint")
    address = f"{to}{'&' if '?' in to else '?'}{urlencode(asked)}"
    return Begun(address=address, state=state, nonce=nonce, verifier=verifier)


def finish(settings: Settings, back: str, code: str, nonce: str, verifier: str) -> Told:
    """Exchanges the code for who it is."""
    from httpx import BasicAuth

    found = _found(settings)
    given = _asked(
        "POST", _address(found, "token_endpoint"),
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier},
        auth=BasicAuth(settings.oidc_client or "", settings.oidc_secret or ""),
    )  # fmt: skip
    claims = _claims(settings, found, given.get("id_token"), nonce)
    email = claims.get("email") if claims.get("email_verified") is True else ""
    return Told(
        issuer=str(settings.oidc_issuer), subject=claims["sub"], email=email if isinstance(email, str) else "",
        name=str(claims.get("name") or "")[:80],
    )  # fmt: skip


def _claims(settings: Settings, found: Mapping[str, Any], token: object, nonce: str) -> Mapping[str, Any]:
    """What the token says, when it is signed by the provider, for us, now, for this sign-in."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    if not isinstance(token, str):
        raise NoAnswer("the provider gave no token")
    try:
        keys = KeySet.import_key_set(_asked("GET", _address(found, "jwks_uri")))  # type: ignore[arg-type]
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            now=int(time.time()), leeway=LEEWAY,
            iss={"essential": True, "value": str(settings.oidc_issuer)}, aud={"essential": True, "value": str(settings.oidc_client)},
            exp={"essential": True}, sub={"essential": True}, nonce={"essential": True, "value": nonce},
        ).validate(claims)  # fmt: skip
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise NoAnswer("the provider's token does not hold") from error
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != settings.oidc_client:
        raise NoAnswer("the provider's token does not hold")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise NoAnswer("the provider's token does not hold")
    return claims


def _found(settings: Settings) -> Mapping[str, Any]:
    """What the provider publishes about itself; its issuer is the one of the settings, or it is another."""
    issuer = str(settings.oidc_issuer)
    found = _asked("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise NoAnswer("the provider calls itself otherwise than the settings do")
    return found


def _address(found: Mapping[str, Any], name: str) -> str:
    address = found.get(name)
    if not isinstance(address, str) or not address.startswith(("https://", "http://")):
        raise NoAnswer("the provider says too little about itself")
    return address


def _asked(method: str, address: str, **more: Any) -> dict[str, Any]:
    """One answer of the provider, an object of JSON. No redirect is followed, no proxy of the environment asked."""
    import httpx

    try:
        with (
            httpx.Client(timeout=SECONDS, trust_env=False) as client,
            client.stream(method, address, headers={"Accept": "application/json"}, **more) as answer,
        ):
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise NoAnswer("the provider's answer is too large")
            if answer.status_code != 200:
                raise NoAnswer("the provider refused")
        said = httpx.Response(200, content=body).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NoAnswer("the provider does not answer") from error
    if not isinstance(said, dict):
        raise NoAnswer("the provider does not answer")
    return said
