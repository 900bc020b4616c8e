"""An OpenID provider on loopback: discovery, keys, and a token endpoint that checks the code, the secret and the verifier.

with provider_server() as provider:
    ...                                  # settings with oidc_issuer=provider.issuer
    code = provider.sign_in(address)     # what a person's consent at `address` (where the service sent him) gives
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "patron", "a secret of the client"


@dataclass
class Provider:
    """`claims` are put over those of a good token, `header` over its header; `key` signs."""

    issuer: str
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs: Any = None
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    raw: str | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def sign_in(self, address: str) -> str:
        """Keeps what the service asked for and gives the code."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT and asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}-{time.monotonic_ns()}"
        self.codes[code] = asked
        return code

    def found(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def keys(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """What the token endpoint gives; None for a request it refuses."""
        asked = self.codes.pop(form.get("code", ""), None)
        user, _, secret = b64decode(authorization.partition(" ")[2]).decode().partition(":")
        digest = (
            urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        )
        if asked is None or (unquote(user), unquote(secret)) != (CLIENT, SECRET):
            return None
        if digest != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "one", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "email": "rep@acme.example", "email_verified": True, "name": "Rep", **self.claims,
        }  # fmt: skip
        claims = {k: v for k, v in claims.items() if v is not None}
        header = {"alg": "RS256", "kid": "one", **self.header}
        made = self.raw or jwt.encode(header, claims, self.signs or self.key, algorithms=["RS256", "HS256"])
        return {"access_token": "x", "token_type": "Bearer", "id_token": made}


def shared_key() -> OctKey:
    """The client's secret as a key: what a provider must not sign with."""
    return OctKey.import_key(SECRET)


@contextmanager
def provider_server() -> Iterator[Provider]:
    class Peer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(provider.keys() if self.path == "/keys" else provider.found())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {k: v[0] for k, v in parse_qs(body).items()}
            self._say(provider.token(form, self.headers.get("Authorization", "")))

        def _say(self, value: dict[str, Any] | None) -> None:
            body = json.dumps(value or {"error": "invalid_grant"}).encode()
            self.send_response(200 if value else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Peer) as server:
        provider = Provider(issuer=f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
