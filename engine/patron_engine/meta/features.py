"""Features: what every record of an object can have hangs on links of objects of core, which take the object in by themselves.

In: drafts of all layers, folded. Out: the same, the `about` of activities and tasks, and of comments, naming every object that has
the feature. A pack may still name it there itself. What is no link to several objects is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patron_engine.meta.change import Draft

LINK: Final = "about"
CARRIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "activities": ("activity", "task"),
    "comments": ("comment",),
}


def take_in(drafts: Mapping[tuple[str, str], Draft]) -> None:
    """Adds the objects with a feature to the links that carry it."""
    for feature, carriers in CARRIERS.items():
        wanted = sorted(
            name
            for (kind, name), draft in drafts.items()
            if kind == "object" and draft.hidden is None and _has(draft.body, feature)
        )
        for carrier in carriers:
            to = _targets(drafts.get(("object", carrier)))
            if to is not None:
                to += [name for name in wanted if name not in to and name != carrier]


def _has(body: Mapping[str, Any], feature: str) -> bool:
    features = body.get("features")
    return isinstance(features, list) and feature in features


def _targets(carrier: Draft | None) -> list[Any] | None:
    fields = carrier.body.get("fields") if carrier is not None and carrier.hidden is None else None
    for field in fields if isinstance(fields, list) else ():
        if isinstance(field, dict) and field.get("name") == LINK and isinstance(field.get("to"), list):
            found: list[Any] = field["to"]
            return found
    return None
