"""Arrived: a letter as mail servers hand it on becomes what `event.` offers under `email`.

In: the bytes of a message (RFC 5322, MIME). Out: `Letter`. BadBody for what is no letter. What is enclosed is read
by enclosed.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from hashlib import sha256
from typing import Any, Final

import nh3

from patron_platform.api.body import BadBody
from patron_platform.api.enclosed import Enclosed, enclosed_in

LONGEST: Final = 100_000  # letter_text: characters of a text that are kept
TO: Final = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
AUTOMATIC: Final = ("auto-replied", "auto-generated", "auto-notified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """`id` tells it from every other; `automatic`: a program wrote it, answering would go round in circles."""

    id: str
    sender: str
    to: str
    addresses: frozenset[str]
    subject: str
    text: str
    html: str
    automatic: bool
    enclosed: tuple[Enclosed, ...]

    def offered(self) -> Mapping[str, str]:
        return {
            "from": self.sender, "to": self.to, "subject": self.subject, "text": self.text, "html": self.html,
        }  # fmt: skip


def read_letter(data: bytes) -> Letter:
    try:
        return _read(data)
    except RecursionError:
        raise BadBody("its parts stand too deep within each other", code="letter_too_deep") from None


def _read(data: bytes) -> Letter:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    senders = _addresses(message, ("from",))
    if not senders:
        raise BadBody("a letter has a line From:", code="no_letter")
    to = _addresses(message, TO)
    html = _part(message, "html")
    written_id = _line(message, "message-id")
    return Letter(
        id=sha256(written_id.encode()).hexdigest() if written_id else "",
        sender=senders[0],
        to=", ".join(_addresses(message, ("to",))),
        addresses=frozenset(a.casefold() for a in to),
        subject=_line(message, "subject"),
        text=_part(message, "plain") or _without_marks(html),
        html=html,
        automatic=_line(message, "auto-submitted").partition(";")[0].strip().casefold() in AUTOMATIC,
        enclosed=enclosed_in(message),
    )


def _line(message: EmailMessage, name: str) -> str:
    return next(iter(_lines(message, name)), "")[:1_000].strip()


def _lines(message: EmailMessage, name: str) -> list[str]:
    """What stands in the lines of that name. The library fails with errors of many kinds at some that nobody should write
    (`Message-ID: <`): such a line is taken as it was sent, a letter is not refused for it."""
    try:
        return [_clean(str(line)) for line in message.get_all(name, [])]
    except Exception:  # noqa: BLE001 - of whatever kind
        return [_clean(str(raw)) for key, raw in message.raw_items() if key.lower() == name]


def _addresses(message: EmailMessage, names: tuple[str, ...]) -> list[str]:
    """The addresses of these lines, each once, in their order."""
    lines = [line for name in names for line in _lines(message, name)]
    return list(dict.fromkeys(address for line in lines for address in _in_line(line)))


def _in_line(line: str) -> list[str]:
    """Where the library fails at a line that nobody should write, none."""
    try:
        return [address for _, address in getaddresses([line]) if "@" in address]
    except Exception:  # noqa: BLE001 - of whatever kind, as above
        return []


def _part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    if found is None:
        return ""
    try:
        content: Any = found.get_content()
    except (LookupError, ValueError):  # of a set of characters nobody knows
        content = bytes(found.get_payload(decode=True) or b"").decode("utf-8", "replace")
    return _clean(str(content)).replace("\r\n", "\n")[:LONGEST].strip()


def _without_marks(html: str) -> str:
    plain = nh3.clean(html, tags=set()).replace("&nbsp;", " ")
    for mark, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.replace(mark, sign)
    return plain.strip()


def _clean(text: str) -> str:
    """Without NUL and halves of characters, which no text of ours holds."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
