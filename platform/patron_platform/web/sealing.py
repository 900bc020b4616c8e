"""Sealing: the key under which a browser keeps what a person wrote in forms that wait for the network.

In: the service, an account. Out: 32 bytes as base64, the same for the account's whole life, so that it reads again what it left
behind when its session ended; another account has another one. It stands in the pages of who is signed in and nowhere else.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256

from patron_platform.service import Service


def key_for(service: Service, account: str) -> str:
    """The key of an account."""
    made = hmac.new(service.runtime.secret, f"waiting:{account}".encode(), sha256)
    return b64encode(made.digest()).decode()
