"""Links: addresses that open one thing for who has them: the answer to a run that stands for it, the end of letters of a
sort.

In: a service, what it opens. Out: a signed address; of one that comes back, what it opens. Whether it opens it once is kept
where the thing is.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from patron_engine.errors import NotFound
from patron_platform.outward.client import Unsendable
from patron_platform.service import Service


def answer_link(service: Service, workspace: str, run: str, parcel: str) -> str:
    """Unsendable where the settings do not say under which address people and systems reach the service."""
    base = service.settings.base_url
    if base is None:
        raise Unsendable(
            "the server does not know its own address", code="no_base_url", hint="set PATRON_BASE_URL"
        )
    return f"{base}/api/v1/answers/{answer_token(service.runtime.secret, workspace, run, parcel)}"


def answer_token(secret: bytes, workspace: str, run: str, parcel: str) -> str:
    return sign(secret, "answer", f"{workspace}|{run}|{parcel}")


def read_answer_token(secret: bytes, token: str) -> tuple[str, str, str]:
    """Workspace, run and parcel. NotFound for one that was not made here."""
    workspace, run, parcel = read_signed(secret, "answer", token).split("|")
    return workspace, run, parcel


def stop_token(secret: bytes, workspace: str, person: str, reason: str) -> str:
    """Stops letters to one person for one reason, and nothing else."""
    return sign(secret, "stop", f"{workspace}|{person}|{reason}")


def read_stop_token(secret: bytes, token: str) -> tuple[str, str, str]:
    """Workspace, person and reason. NotFound for one that was not made here."""
    workspace, person, reason = read_signed(secret, "stop", token).split("|")
    return workspace, person, reason


def refuse_token(secret: bytes, workspace: str, object: str, record: str, field: str, letter: str) -> str:
    """Lets who got a letter outside say that he wants no more: this field of this record becomes true, and nothing else."""
    return sign(secret, "refuse", f"{workspace}|{object}|{record}|{field}|{letter}")


def read_refuse_token(secret: bytes, token: str) -> tuple[str, str, str, str, str]:
    """Workspace, object, record, field and letter. NotFound for one that was not made here."""
    workspace, object, record, field, letter = read_signed(secret, "refuse", token).split("|")
    return workspace, object, record, field, letter


def sign(secret: bytes, purpose: str, text: str) -> str:
    """A text nobody else can make, good for one purpose."""
    return f"{_coded(text.encode())}.{_coded(_digest(secret, purpose, text.encode()))}"


def read_signed(secret: bytes, purpose: str, token: str) -> str:
    plain, _, signed = token[:1_000].partition(".")
    try:
        text, digest = _decoded(plain), _decoded(signed)
        if not hmac.compare_digest(digest, _digest(secret, purpose, text)):
            raise ValueError
        return text.decode()
    except ValueError:
        raise NotFound("this link is not valid", code="link_not_valid") from None


def _digest(secret: bytes, purpose: str, text: bytes) -> bytes:
    return hmac.digest(secret, f"patron:{purpose}:".encode() + text, sha256)


def _coded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
