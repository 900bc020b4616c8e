"""Walked or gathered: what was better is tried first the next time."""

from __future__ import annotations

import pytest

from patron_engine.query import walking
from patron_engine.query.walking import QUICK_SECONDS, REMEMBERED_SECONDS, Learnt

QUICK, SLOW = QUICK_SECONDS / 2, QUICK_SECONDS * 2
WALK, GATHER = ("walk", "gather"), ("gather",)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(walking.time, "monotonic", lambda: now[0])
    return now


def many() -> bool:
    return True


def few() -> bool:
    return False


def test_nothing_learnt_begins_with_what_the_rule_may_give() -> None:
    assert Learnt().ways("a", many) == WALK
    assert Learnt().ways("a", few) == GATHER


def test_a_walk_in_vain_is_not_repeated_while_gathering_is_quick(clock: list[float]) -> None:
    learnt = Learnt()
    learnt.gathered("a", QUICK, in_vain=True)
    clock[0] += 10 * REMEMBERED_SECONDS
    assert learnt.ways("a", many) == GATHER
    assert learnt.ways("b", many) == WALK  # others' pages are others'


def test_after_a_slow_page_the_walk_is_tried(clock: list[float]) -> None:
    learnt = Learnt()
    learnt.gathered("a", SLOW, in_vain=False)
    assert learnt.ways("a", few) == WALK


def test_both_slow_and_the_walk_is_tried_again_some_time(clock: list[float]) -> None:
    learnt = Learnt()
    learnt.gathered("a", SLOW, in_vain=True)
    clock[0] += REMEMBERED_SECONDS - 1
    assert learnt.ways("a", many) == GATHER
    learnt.gathered("a", SLOW, in_vain=False)  # gathered in between: that is no reason to wait longer
    clock[0] += 2
    assert learnt.ways("a", many) == WALK


def test_who_reaches_less_than_a_page_is_never_walked(clock: list[float]) -> None:
    learnt = Learnt()
    learnt.gathered("a", SLOW, in_vain=False, all=True)
    assert learnt.ways("a", few) == GATHER
    learnt.gathered("a", SLOW, in_vain=False)  # there is more since
    assert learnt.ways("a", few) == WALK


def test_what_is_learnt_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "REMEMBERED_MOST", 2)
    learnt = Learnt()
    for key in "abc":
        learnt.gathered(key, QUICK, in_vain=True)
    assert [learnt.ways(key, many) for key in "abc"] == [WALK, GATHER, GATHER]
