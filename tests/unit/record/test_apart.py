"""What a save may change of other records: nothing of it is read before its turn."""

from __future__ import annotations

import pytest

from patron_engine.record.apart import moved_with
from patron_engine.record.program import Programs
from patron_engine.store.tables import Tables
from patron_testing.build import model_of
from patron_testing.sales import DOCUMENTS


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs.of(Tables(model_of(DOCUMENTS), "w_test"))


def test_figures_move_with_what_they_are_made_of_all_the_way_up(programs: Programs) -> None:
    moved = moved_with(programs, "line")
    assert {"line", "opportunity", "account"} <= moved, "its master, and what counts its master's figures"
    assert moved.isdisjoint({"product", "tier", "user", "department"})


def test_a_record_nobody_counts_moves_alone(programs: Programs) -> None:
    assert moved_with(programs, "tier") == {"tier"}
