"""Conflicts of an upgrade on the command line: each is shown with its three values, and can be decided."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from patron_engine.errors import Conflict
from patron_platform.commands.conflicts import Side, conflict_lines, decided

VALUES = {
    "conflicts": [
        {"of": "object/account", "path": "fields.phone.label", "base": {"en": "Phone"}, "theirs": {"en": "Call"}, "mine": {"en": "Tel"}},
        {"of": "object/account", "path": "fields.size.max", "base": 9, "theirs": 0, "mine": None},
    ]
}  # fmt: skip
PHONE, SIZE = "object/account fields.phone.label", "object/account fields.size.max"


def plan(choices: Mapping[str, Side]) -> Mapping[str, Side]:
    if not {PHONE, SIZE} <= choices.keys():
        raise Conflict("2 properties", code="upgrade_conflict", values=VALUES)
    return choices


def test_each_conflict_is_shown_with_what_it_was_and_both_values() -> None:
    lines = conflict_lines(VALUES)
    assert (
        lines[0]
        == f'{PHONE}: it was {{"en": "Phone"}}, the new version says {{"en": "Call"}}, this workspace {{"en": "Tel"}}'
    )
    assert lines[1] == f"{SIZE}: it was 9, the new version says 0, this workspace null"
    assert "--theirs" in lines[2] and conflict_lines({}) == []


def test_choices_decide_one_or_all() -> None:
    assert decided(plan, [PHONE], [SIZE]) == {PHONE: "mine", SIZE: "theirs"}
    assert decided(plan, ["all"], []) == {PHONE: "mine", SIZE: "mine", "all": "mine"}
    assert decided(plan, [PHONE], ["all"])[SIZE] == "theirs"
    with pytest.raises(Conflict):
        decided(plan, [PHONE], [])
