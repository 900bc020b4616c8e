"""What a password is kept as."""

from __future__ import annotations

import re

import pytest

from patron_platform.identity import passwords
from patron_testing.cheap import LEAST, REAL


def test_a_password_is_kept_as_dear_as_argon2_recommends(monkeypatch: pytest.MonkeyPatch) -> None:
    """OWASP: at least 19 MB in two rounds, or more memory in more. Tests hash cheaper; Patron does not."""
    monkeypatch.setattr(passwords, "_hasher", REAL)
    kept = passwords.hash_password("Ein gutes Kennwort 7")
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", kept)
    assert found is not None
    assert int(found[1]) >= 65_536 and int(found[2]) >= 3
    assert passwords.fits("Ein gutes Kennwort 7", kept)
    assert not passwords.fits("ein gutes Kennwort 7", kept)


def test_what_was_hashed_with_other_costs_still_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = LEAST.hash("Ein gutes Kennwort 7")
    monkeypatch.setattr(passwords, "_hasher", REAL)
    assert passwords.fits("Ein gutes Kennwort 7", kept)
