"""Stretch: a part of a grouped list that is asked for by its groups: one alone, or what stands behind those that are there already.

In: a Question, the key of the one group or the keys of those that are there (an empty key is the group without a value). Out: the
question narrowed to that. So a folded group of thousands is stepped over, not read. Nothing is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from patron_engine.errors import LimitExceeded, NotFound
from patron_engine.fields.field import Field
from patron_engine.page.cards import narrowed
from patron_engine.page.conditions import Condition, Group, write_conditions
from patron_engine.page.filters import among, family_of, keys_of
from patron_engine.page.question import Question
from patron_engine.phrases import Phrase

MAX_PAST = 40  # groups one address steps over (`groups_past`): a text of the expression language has at most 2,000 characters
NO_VALUE = "-"  # the group without a value, in an address


def keys_in(text: str) -> tuple[str, ...]:
    """The keys of groups an address names."""
    return tuple(dict.fromkeys("" if key == NO_VALUE else key for key in text.split(",") if key))


def alone(question: Question, field: Field | None, key: str) -> Question:
    """The lines of one group."""
    path, field = _grouped(question, field)
    return narrowed(question, among(path, field, (key,)))


def beyond(question: Question, field: Field | None, past: Sequence[str]) -> Question:
    """The lines of every group but those. LimitExceeded for too many of them."""
    path, field = _grouped(question, field)
    if len(past) > MAX_PAST:
        raise LimitExceeded(
            Phrase("an address steps over at most {most} groups", most=MAX_PAST), code="groups_past"
        )
    filled = keys_of(field, past)
    found: list[Condition | Group] = []
    if family_of(field) == "boolean":
        found = [Condition(path, "no" if key == "true" else "yes") for key in filled]
    elif filled:
        found = [Condition(path, "not_among", filled, numbers=family_of(field) == "number")]
    empty = Condition(path, "filled" if "" in past else "empty")
    either = Group("" in past, (Group(True, tuple(found)), empty)) if found else Group(True, (empty,))
    return narrowed(question, write_conditions(either)) if past else replace(question)


def _grouped(question: Question, field: Field | None) -> tuple[str, Field]:
    if question.group is None or field is None:
        raise NotFound("the list is not grouped")
    return question.group, field
