"""Run words: what a step is called when people look at a run: its own label, or what it does, in the reader's language.

In: the model, a rule, the place of a step in it. Out: a text; the record that a step names, and what it would write, as people read
it. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from patron_engine.jsonio import dumps
from patron_engine.meta.document import path_of
from patron_engine.model.automations import document_of
from patron_engine.model.model import Model, say
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_platform.web.texts import texts_in


class Words:
    """What things of a run are called, for one reader."""

    def __init__(self, model: Model, reader: Reader) -> None:
        self.model = model
        self.reader = reader
        self.t = texts_in(reader.languages[0])

    def rule(self, rule: str) -> str:
        """What an automation is called; steps of other documents by the document."""
        kind, name = document_of(rule)
        body = self.model.documents.get((kind, name)) or {}
        return say(body.get("label") or {}, self.reader.languages) or name

    def object(self, name: str | None) -> str:
        found = self.model.object(name or "")
        return say(found.label, self.reader.languages) or found.name if found is not None else name or ""

    def step(self, rule: str, place: str) -> str:
        """`size / big / Call`: each step on the way by its label, or by what it does."""
        kind, name = document_of(rule)
        body = self.model.documents.get((kind, name))
        path = path_of(body, place) if body is not None else None
        if body is None or path is None:
            return " / ".join(part for part in place.split(".") if part not in ("steps", "cases"))
        here: Any = body
        words = []
        for key in path:
            here = here[key]
            if isinstance(here, Mapping) and "do" in here:
                words.append(self.named(here))
            elif isinstance(here, Mapping) and "name" in here and "steps" in here:
                words.append(say(here.get("label") or {}, self.reader.languages) or str(here["name"]))
        if kind == "assignment" and not words:  # its steps stand in no list: they are made of its rules
            return self.t("runs.do_wait" if place == "again.after" else "runs.do_assign", what="").strip()
        return " / ".join(words)

    def named(self, step: Mapping[str, Any]) -> str:
        label = say(step.get("label") or {}, self.reader.languages)
        if label:
            return label
        do = str(step["do"])
        what = self.object(step["object"]) if step.get("object") else ""
        if do == "run":
            what = self.rule(str(step.get("automation")))
        if not self.t.has(f"runs.do_{do}"):
            return str(step.get("name") or do)
        return self.t(f"runs.do_{do}", what=what).strip()

    def why(self, text: str) -> str:
        """Why a run stands: a word of ours, what the outbox says of what did not leave, else as it is."""
        keys = (f"runs.why_{text}", f"outward.why_{text.partition(': ')[0]}")
        return next((self.t(key) for key in keys if self.t.has(key)), text)

    def case(self, rule: str, place: str, name: str) -> str:
        """What a case of a branch is called."""
        body = self.model.documents.get(document_of(rule))
        here: Any = body
        for key in (path_of(body, place) if body is not None else None) or ():
            here = here[key]
        cases = here.get("cases") if isinstance(here, Mapping) else None
        labels = [c.get("label") for c in cases or () if c.get("name") == name]
        return say(labels[0] or {}, self.reader.languages) or name if labels else name

    def offered(self, object: str | None, name: str, value: Any) -> tuple[str, str]:
        """What an event brought along: fields by their labels, moments as people write them."""
        found = self.model.object(object or "")
        label = self.t(f"runs.offered_{name}") if self.t.has(f"runs.offered_{name}") else name
        if name == "fields" and isinstance(value, list):
            fields = [(found.field(n) if found is not None else None, n) for n in value]
            names = [say(f.label, self.reader.languages) or n if f is not None else n for f, n in fields]
            return label, self.t("record.comma").join(names)
        if name == "result":
            key = "approvals.began" if value == "submitted" else f"approvals.state_{value}"
            return label, self.t(key) if self.t.has(key) else str(value)
        if name == "approval":
            return label, self.rule(f"approval:{value}")
        if name in ("planned_at", "due_at") and isinstance(value, str):
            return label, self.reader.moment(datetime.fromisoformat(value))
        return label, value if isinstance(value, str) else dumps(value).decode()

    def event(self, name: str) -> str:
        return self.t(f"runs.event_{name}") if self.t.has(f"runs.event_{name}") else name

    def values(self, object: str, given: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Label and text of what is written."""
        found = self.model.object(object)
        told = []
        for name, value in given.items():
            if "." in name:  # a part that only expressions read, such as a sum in the workspace's currency
                continue
            field = found.field(name) if found is not None else None
            if field is None:
                rows = value if isinstance(value, list) else []
                told.append(
                    (name, self.t("runs.rows", n=len(rows)) if rows else "–" if value is None else str(value))
                )
                continue
            try:
                text = shown(field, value, self.reader).text
            except (TypeError, ValueError, KeyError):
                text = str(value)
            told.append((say(field.label, self.reader.languages) or name, text or "–"))
        return told
