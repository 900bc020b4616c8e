"""Collecting: the search for cycles rests inside, and goes on afterwards, whatever happened."""

from __future__ import annotations

import gc
import sys

import pytest

from patron_engine.transfer.collecting import in_turns, uncollected


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


def test_threads_hand_over_sooner_inside_and_as_before_after_it() -> None:
    usual = sys.getswitchinterval()
    with in_turns(), in_turns():
        assert sys.getswitchinterval() < usual
    assert sys.getswitchinterval() == usual


def test_what_was_made_inside_counts_as_old_afterwards() -> None:
    """A search right after the block would walk over all of it."""
    with uncollected():
        made = [[n] for n in range(20_000)]
    assert gc.get_count()[0] < 5_000 and len(made) == 20_000
