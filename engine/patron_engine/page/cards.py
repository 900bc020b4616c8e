"""Cards: records as boards, calendars and plans show them: a title and the few facts a view asks for.

In: the frame of the call, a Question, answers of the way read. Out: `Card`s. Columns the reader may not see are left out of
the question before it is asked; the way read judges the rest. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from patron_engine.access.decide import readable
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.page.paths import field_at
from patron_engine.page.question import Column, Question
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED, Item, Shown, option_item, shown
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of

MOST_FACTS = 4
SPEAK_FOR_THEMSELVES = frozenset(
    {"money", "date", "datetime", "lookup", "user", "master", "department", "select", "multi_select", "tags", "percent"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value on a card. `plain` says that it needs its label beside it to be understood."""

    path: str
    label: str
    shown: Shown
    plain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One record. `late` is what its `overdue` says; `color` the token of the choice it is coloured by, `tone` its label."""

    id: str
    version: int
    title: str
    facts: tuple[Fact, ...] = ()
    owner: str | None = None
    color: str | None = None
    tone: str = ""
    late: bool = False
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Cards:
    """How the records of one question become cards."""

    call: Call
    question: Question
    reader: Reader

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields he may read."""
        return readable(self.call.model, self.call.actor, self.question.object.name)

    @cached_property
    def columns(self) -> Mapping[str, Field]:
        """Path -> field of the view's columns he may read."""
        model, actor, object = self.call.model, self.call.actor, self.question.object
        found = {c.path: field_at(model, actor, object, c.path) for c in self.question.columns}
        return {path: field for path, field in found.items() if field is not None}

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Path -> heading."""
        own: Mapping[str, Column] = {c.path: c for c in self.question.columns}
        return {
            path: self.reader.say(own[path].label or field.label, field.name)
            for path, field in self.columns.items()
        }

    @cached_property
    def color_by(self) -> Field | None:
        """The choice whose colours are shown."""
        path = self.question.view.color_by
        found = field_at(self.call.model, self.call.actor, self.question.object, path) if path else None
        return found if found is not None and found.expr.kind == "choice" else None

    def ask(self, *also: str, **more: Any) -> Ask:
        """The question with what cards need besides its columns."""
        object = self.question.object
        wanted = [*also, *(n for n in ("owner", "overdue", "currency") if n in self.fields)]
        if field_at(self.call.model, self.call.actor, object, object.title) is not None:
            wanted.append(object.title)
        if self.color_by is not None and self.question.view.color_by:
            wanted.append(self.question.view.color_by)
        known = tuple(c for c in self.question.columns if c.path in self.columns)
        return replace(self.question, columns=known, after=None).ask(also=("id", *wanted), **more)

    def card(self, record: Mapping[str, Any], without: Sequence[str] = ()) -> Card:
        """One record of an answer. `without` are paths that the page shows in another way."""
        object = self.question.object
        color = self._color(record)
        facts = self._facts(record, {*without, object.title, "owner"})
        owner = record.get("owner")
        return Card(
            id=record["id"],
            version=int(record["version"]),
            title=title_of(object, record),
            facts=facts,
            owner=(owner.get("title") or UNTITLED) if isinstance(owner, Mapping) else None,
            color=color.color if color else None,
            tone=color.text if color and self.question.view.color_by not in {f.path for f in facts} else "",
            late=record.get("overdue") is True,
            record=record,
        )

    def _facts(self, record: Mapping[str, Any], without: set[str]) -> tuple[Fact, ...]:
        currency = record.get("currency") if self.question.object.record_currency else None
        found: list[Fact] = []
        for path, field in self.columns.items():
            if path in without or len(found) == MOST_FACTS:
                continue
            value = shown(field, record.get(path), self.reader, currency)
            if not value.empty:
                kind = field.extra.get("value_type") or field.type
                plain = kind not in SPEAK_FOR_THEMSELVES
                found.append(Fact(path=path, label=self.labels[path], shown=value, plain=plain))
        return tuple(found)

    def _color(self, record: Mapping[str, Any]) -> Item | None:
        path = self.question.view.color_by
        if self.color_by is None or not path or not record.get(path):
            return None
        return option_item(self.color_by, str(record[path]), self.reader)


def choice_of(field: Field) -> ChoiceSpec | None:
    """The options of a choice, or of a formula that gives one."""
    spec = field.spec if isinstance(field.spec, ChoiceSpec) else field.extra.get("value_spec")
    return spec if isinstance(spec, ChoiceSpec) else None


def narrowed(question: Question, *conditions: str) -> Question:
    """The question with further conditions."""
    parts = [f"({part})" for part in (question.where, *conditions) if part]
    return replace(question, where=" and ".join(parts) or None)
