"""Collecting: the search for cycles rests inside, and goes on afterwards, whatever happened."""

from __future__ import annotations

import gc

import pytest

from patron_engine.transfer.collecting import uncollected


def test_it_rests_and_goes_on() -> None:
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(ValueError, match="gone"), uncollected():
        raise ValueError("gone")
    assert gc.isenabled()
