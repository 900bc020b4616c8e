"""Passwords: which may be taken; hashed with argon2, compared in the same time whether there is an account or not.

In: what was typed. Out: what is wrong with it, a hash, or whether it fits. A password is never kept, logged or sent anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from threading import BoundedSemaphore

from pwdlib import PasswordHash

from patron_engine.errors import WrongUse
from patron_engine.phrases import Phrase

SHORTEST, LONGEST = 10, 200  # characters
TELLING = 4  # characters of a name or an address that a password may not be made of
_AT_ONCE = BoundedSemaphore(4)  # passwords hashed at one moment: each takes 64 MB


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobodys() -> str:
    """What the password of an account that is not there is compared with."""
    return _hasher().hash("nobody's password")


def fault(password: str, *whose: str) -> str | None:
    """What is wrong with a password somebody chooses: password_length, password_yours, password_common; None for a good one.
    `whose` are his name and his address: a password made of one of them and a few digits is the first that is tried."""
    if not SHORTEST <= len(password) <= LONGEST:
        return "password_length"
    bare = _bare(password)
    for name in (part for text in whose for part in (text, text.partition("@")[0])):
        own = _bare(name)
        if len(own) >= TELLING and own in bare and len(bare) - len(own) < TELLING:
            return "password_yours"
    return "password_common" if _common(password, bare) else None


def _bare(text: str) -> str:
    """Its letters alone, in small ones: what is left without the digits and signs people put around a word."""
    return re.sub(r"[\W\d_]+", "", text.casefold())


def _common(password: str, bare: str) -> bool:
    """Whether it is one of those everybody takes: few different signs, a run over the keyboard, a common word and digits."""
    plain = password.casefold()
    spelled = _bare(re.sub(r"[\W\d_]+$", "", plain).translate(_SPELLED))
    return len(set(plain)) < 4 or not {plain, bare, spelled}.isdisjoint(_known())


_SPELLED = str.maketrans("013457@$!", "oieastasi")  # signs people write for letters


@cache
def _known() -> frozenset[str]:
    """Common passwords and the words common passwords are made of."""
    text = files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


_FAULTS: Mapping[str, str] = {
    "password_length": Phrase("a password has {least} to {most} characters", least=SHORTEST, most=LONGEST),
    "password_yours": Phrase("a password is not made of a name or an e-mail address"),
    "password_common": Phrase("this password is one of the most common ones"),
}


def hash_password(password: str, *whose: str) -> str:
    """The hash to keep. WrongUse for a password that may not be taken."""
    wrong = fault(password, *whose)
    if wrong is not None:
        raise WrongUse(_FAULTS[wrong], code=wrong)
    with _AT_ONCE:
        return _hasher().hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether the password is the one that was hashed; takes as long for an account without one."""
    if len(password) > LONGEST:
        return False
    with _AT_ONCE:
        return _hasher().verify(password, kept or _nobodys()) and kept is not None
