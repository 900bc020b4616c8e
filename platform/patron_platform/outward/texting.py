"""Texting: a text message by a provider that is spoken to over HTTP. Pure.

In: the connection of the provider, a number, a text. Out: a request. Which form the provider wants stands in its connection:
a body in which `{to}` and `{text}` are replaced, `{id}` too; its key goes as a bearer token.
"""

from __future__ import annotations

from typing import Final

from patron_engine import jsonio
from patron_engine.record.connections import Connection
from patron_platform.outward.client import Request

FORM: Final = '{"to": "{to}", "text": "{text}"}'
LONGEST: Final = 500  # characters of one message


def text_message(provider: Connection, to: str, text: str, id: str) -> Request:
    form = str(provider.config.get("form") or FORM)
    values = {"to": to, "text": text[:LONGEST], "id": id}
    for name, value in values.items():
        form = form.replace("{" + name + "}", jsonio.dumps(value).decode()[1:-1].replace("{", "\\u007b"))
    headers = {"Content-Type": "application/json", "Idempotency-Key": id}
    if provider.secret.get("secret"):
        headers["Authorization"] = f"Bearer {provider.secret['secret']}"
    return Request(method="POST", url=provider.secret["url"], headers=headers, body=form.encode())
