"""Touched: which checks of a model a publication must run. Pure. Part of ways/rehearse.

In: a compiled model, what changes. Out: the bodies of the checks that are new or changed, or over objects that are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from patron_engine.meta.diff import DocumentChange
from patron_engine.model.model import Model


def touched_checks(model: Model, changes: Iterable[DocumentChange]) -> list[Mapping[str, Any]]:
    """Checks that are new or changed, and those over objects that are."""
    touched = {(c.kind, c.name) for c in changes if not _only_words(c)}
    found = []
    for (kind, name), body in model.documents.items():
        if kind != "check" or not _counts_here(model, body):
            continue
        parts = [*body.get("given", {}).get("records", ()), *body["steps"]]
        objects = {("object", p["object"]) for p in parts if "object" in p}
        if ("check", name) in touched or objects & touched:
            found.append(body)
    return found


def _counts_here(model: Model, body: Mapping[str, Any]) -> bool:
    """Whether the workspace is the one a check is written for."""
    wanted = body.get("given", {}).get("workspace", {})
    here = {"currency": model.workspace.currency, "zone": model.workspace.zone.key}
    return all(here[name] == value for name, value in wanted.items())


WORDS: Final = frozenset({"label", "plural", "help", "description", "icon", "color", "synonyms", "summary"})


def _only_words(change: DocumentChange) -> bool:
    """Nothing but texts and looks changed: no check can come out otherwise. (A check names no label.)"""
    return (
        change.action == "changed"
        and change.kind != "check"
        and all(p.what in ("set", "unset") and WORDS & set(p.path.split(".")) for p in change.properties)
    )
