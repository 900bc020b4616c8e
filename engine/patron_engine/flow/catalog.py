"""Catalog: the automations of a release as people look at them: what each is called, what starts it, whether it runs.

In: the model. Out: `Known`s in the order of their names. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from patron_engine.fields.field import Texts
from patron_engine.model.automations import events_of, runs_after
from patron_engine.model.model import Model, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`runs`: after a save, and everything in it is carried out. `before`: inside the save."""

    name: str
    label: Texts
    object: str | None
    events: tuple[str, ...]
    runs: bool
    before: bool
    active: bool

    def as_dict(self, languages: tuple[str, ...]) -> dict[str, Any]:
        return {
            "name": self.name, "label": say(self.label, languages) or self.name, "object": self.object,
            "events": list(self.events), "runs": self.runs, "before": self.before, "active": self.active,
        }  # fmt: skip


def known(model: Model) -> list[Known]:
    found = []
    for (kind, name), body in sorted(model.documents.items(), key=lambda item: item[0]):
        if kind != "automation":
            continue
        label = body.get("label") or {}
        found.append(
            Known(
                name=name, label={"en": label} if isinstance(label, str) else label, object=body.get("object"),
                events=tuple(dict.fromkeys(str(e["event"]) for e in events_of(body))), runs=runs_after(body),
                before=body.get("timing") == "before", active=body.get("active") is not False,
            )
        )  # fmt: skip
    return found
