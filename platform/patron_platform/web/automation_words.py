"""Automation words: what an automation listens to and what it does, step by step, as its page tells it.

In: the document, its object, the words of runs. Out: what starts it, its condition, its steps as a tree of lines. Reads titles
of records that conditions name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from patron_engine.model.automations import events_of
from patron_engine.model.model import Object, say
from patron_engine.page.conditions import Condition, Group, read_conditions
from patron_engine.query.call import Call
from patron_platform.web.conditions_said import said_condition
from patron_platform.web.run_words import Words

BY_NAME: Final = (
    "stage",
    "segment",
    "conversion",
    "approval",
    "form",
    "sla",
    "clock",
    "pack",
    "address",
    "cron",
    "offset",
)


class Told:
    """An automation in words, for one reader."""

    def __init__(
        self, conn: psycopg.Connection[Any], call: Call, object: Object | None, words: Words
    ) -> None:
        self.conn, self.call, self.object, self.words = conn, call, object, words

    def events(self, body: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What starts it, and of what: fields, a stage, a schedule as it is written."""
        return [(self.words.event(str(e["event"])), ", ".join(self._of(e))) for e in events_of(body)]

    def condition(self, text: Any) -> tuple[str, bool]:
        """A condition, and whether it is told in words: one that reads more than the record is given as it is written."""
        written = str(text) if text is not None and text != "" else ""
        tree = read_conditions(written) if written and self.object is not None else None
        if tree is None or self.object is None or not all(p in self.object.fields for p in _first(tree)):
            return written, False
        return said_condition(
            self.conn, self.call, self.object, written, self.words.reader, self.words.t
        ), True

    def steps(self, steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Each step: what it is called, when it is taken, what stands below it."""
        return [
            {
                "text": self.words.named(step),
                "when": self.condition(step.get("when")),
                "below": self._below(step),
            }
            for step in steps
        ]

    def _below(self, step: Mapping[str, Any]) -> list[dict[str, Any]]:
        cases = [
            {
                "text": say(case.get("label") or {}, self.words.reader.languages) or self._unnamed(case),
                "when": self.condition(case.get("when")), "below": self.steps(case.get("steps") or ()),
            }
            for case in step.get("cases") or ()
        ]  # fmt: skip
        failed = self.steps(step.get("on_error") or ())
        wrong = (
            [{"text": self.words.t("automations.on_error"), "when": ("", False), "below": failed}]
            if failed
            else []
        )
        return [*cases, *self.steps(step.get("steps") or ()), *wrong]

    def _unnamed(self, case: Mapping[str, Any]) -> str:
        return str(case["name"]) if case.get("when") else self.words.t("automations.otherwise")

    def _of(self, event: Mapping[str, Any]) -> Iterator[str]:
        for name in (*(event.get("fields") or ()), *([event["field"]] if "field" in event else ())):
            field = self.object.field(name) if self.object is not None else None
            yield (say(field.label, self.words.reader.languages) if field is not None else "") or str(name)
        for key in BY_NAME:
            value = event.get(key)
            yield from (str(one) for one in (value if isinstance(value, list | tuple) else [value]) if one)


def _first(tree: Group) -> Iterator[str]:
    """The first name of each path."""
    for item in tree.items:
        yield from [item.path.partition(".")[0]] if isinstance(item, Condition) else _first(item)
