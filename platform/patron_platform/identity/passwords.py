"""Passwords: hashed with argon2, compared in the same time whether there is an account or not.

In: what was typed. Out: a hash, or whether it fits. A password is never kept, logged or sent anywhere.
"""

from __future__ import annotations

from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash

from patron_engine.errors import WrongUse
from patron_engine.phrases import Phrase

SHORTEST, LONGEST = 10, 200  # characters
_AT_ONCE = BoundedSemaphore(4)  # passwords hashed at one moment: each takes 64 MB


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobodys() -> str:
    """What the password of an account that is not there is compared with."""
    return _hasher().hash("nobody's password")


def hash_password(password: str) -> str:
    """The hash to keep. WrongUse for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WrongUse(
            Phrase("a password has {least} to {most} characters", least=SHORTEST, most=LONGEST),
            code="password_length",
        )
    with _AT_ONCE:
        return _hasher().hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether the password is the one that was hashed; takes as long for an account without one."""
    if len(password) > LONGEST:
        return False
    with _AT_ONCE:
        return _hasher().verify(password, kept or _nobodys()) and kept is not None
