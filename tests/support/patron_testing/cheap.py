"""Passwords that cost little: argon2 with the least it takes, for tests sign somebody in a thousand times.

with cheap_passwords():
    …                    # REAL() is what Patron hashes with everywhere else, processes that tests start included
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from patron_platform.identity import passwords

REAL: Final = passwords._hasher
LEAST: Final = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@contextmanager
def cheap_passwords() -> Iterator[None]:
    own: Any = passwords
    own._hasher = lambda: LEAST
    try:
        yield
    finally:
        own._hasher = REAL
