"""Rights as words of a form and back: nothing is lost on the way, nothing is taken that is not on offer."""

from __future__ import annotations

from typing import Any

import pytest

from patron_engine.errors import Refused
from patron_engine.page.rights_form import (
    entry_of,
    free_name,
    odd_people,
    offered,
    people_of,
    people_words,
    with_entry,
    words_of,
)

ENTRY: dict[str, Any] = {
    "create": True, "read": "own", "update": {"through": "account"}, "delete": {"through": ["account", "contract"]},
    "assign": "none", "where": {"read": "stage != 'lost'"},
}  # fmt: skip


def test_an_entry_goes_through_the_form_unchanged() -> None:
    words = words_of(ENTRY)
    assert (words["create"], words["delete"], words["assign"]) == ("yes", "through:account,contract", "")
    made = entry_of(words, ENTRY["where"], ENTRY, None)
    assert made == {k: v for k, v in ENTRY.items() if k != "assign"}


def test_nothing_given_keeps_the_entry_for_every_other_object_out() -> None:
    assert entry_of({}, {}, {}, None) == {"read": "none"}


@pytest.mark.parametrize(
    ("action", "word"), [("read", "yes"), ("create", "all"), ("read", "through:moon"), ("read", "mine")]
)
def test_a_word_that_is_not_on_offer_is_refused(action: str, word: str) -> None:
    assert word not in offered(action, None)
    with pytest.raises(Refused):
        entry_of({action: word}, {}, {}, None)


def test_other_objects_and_their_fields_stay() -> None:
    role = {
        "label": "R",
        "objects": {"account": {"read": "own"}, "lead": {"read": "all"}},
        "fields": {"lead": {"cost": "none"}},
    }
    made = with_entry(role, "account", {"read": "all"}, {"phone": "masked", "name": ""})
    assert made["objects"] == {"account": {"read": "all"}, "lead": {"read": "all"}}
    assert made["fields"] == {"lead": {"cost": "none"}, "account": {"phone": "masked"}}
    gone = with_entry(made, "account", None, {})
    assert gone["objects"] == {"lead": {"read": "all"}} and gone["fields"] == {"lead": {"cost": "none"}}
    assert with_entry({"objects": {"account": {}}}, "account", None, {}) == {}
    with pytest.raises(Refused):
        with_entry(role, "account", {}, {"phone": "write"})


def test_people_go_through_the_form_unchanged() -> None:
    people = [
        {"role": "presales"},
        {"department": "east", "below": True},
        {"group": ["a", "b"]},
        {"user": "a@b.example"},
    ]
    words = people_words(people)
    assert words == ["role:presales", "department+:east", "group:a", "group:b", "user:a@b.example"]
    assert people_words(people_of(words)) == words
    odd = [{"manager": 2}]
    assert people_words(odd) == [] and odd_people([*people, *odd]) == odd


@pytest.mark.parametrize("word", ["", "moon:1", "role:", "role", "role+:presales", "owner:x"])
def test_a_word_that_names_nobody_is_refused(word: str) -> None:
    with pytest.raises(Refused):
        people_of([word])


def test_a_name_is_the_workspaces_own_short_and_free() -> None:
    assert free_name("Sales East", ["c_sales_east", "c_sales_east_2"], "role") == "c_sales_east_3"
    long = free_name("x" * 200, (), "role")
    assert long.startswith("c_x") and len(long) <= 40
