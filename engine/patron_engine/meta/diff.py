"""Diff: what a new release changes in the effective definitions, printable.

In: two Effectives (or any two maps of bodies). Out: DocumentChanges, sorted by kind and name. Renames (`was`) are told
as renames, of documents and of elements. It decides nothing; the plan shows it and the model asks what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from patron_engine.meta.compare import MISSING, compare, same
from patron_engine.meta.document import Body, Document, former_names
from patron_engine.meta.layers import Effective


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property: a path by names, and both values (MISSING where there is none)."""

    path: str
    what: Literal["set", "unset", "add", "remove", "move", "rename"]
    old: Any
    new: Any

    def as_dict(self) -> dict[str, Any]:
        values = {n: v for n, v in (("old", self.old), ("new", self.new)) if v is not MISSING}
        return {"path": self.path, "what": self.what, **values}

    def __str__(self) -> str:
        if self.what == "add":
            return f"+ {self.path}"
        if self.what == "remove":
            return f"- {self.path}"
        if self.what == "move":
            return f"~ {self.path} moved"
        return f"~ {self.path}: {_shown(self.old)} -> {_shown(self.new)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChange:
    """One definition that is added, changed, renamed or removed. `was` is the old name where it has another now."""

    kind: str
    name: str
    action: Literal["added", "changed", "removed"]
    was: str | None = None
    properties: tuple[PropertyChange, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        properties = [each.as_dict() for each in self.properties]
        made = {"kind": self.kind, "name": self.name, "action": self.action, "properties": properties}
        return {**made, "was": self.was} if self.was else made

    def __str__(self) -> str:
        sign = {"added": "+", "changed": "~", "removed": "-"}[self.action]
        renamed = f" (was {self.was})" if self.was else ""
        lines = [f"{sign} {self.kind} {self.name}{renamed}", *(f"    {each}" for each in self.properties)]
        return "\n".join(lines)


def diff_documents(old: Effective, new: Effective) -> tuple[DocumentChange, ...]:
    return diff_bodies(_bodies(old.documents), _bodies(new.documents))


def _bodies(documents: Mapping[tuple[str, str], Document]) -> dict[tuple[str, str], Body]:
    return {key: document.body for key, document in documents.items()}


def diff_bodies(
    old: Mapping[tuple[str, str], Body], new: Mapping[tuple[str, str], Body]
) -> tuple[DocumentChange, ...]:
    """The same for plain bodies by (kind, name)."""
    changes: list[DocumentChange] = []
    continued: set[tuple[str, str]] = set()
    for (kind, name), body in new.items():
        before = (kind, name) if (kind, name) in old else _before(kind, body, old)
        if before is None:
            changes.append(DocumentChange(kind=kind, name=name, action="added"))
            continue
        continued.add(before)
        properties = _properties(old[before], body)
        was = before[1] if before[1] != name else None
        if properties or was:
            changes.append(
                DocumentChange(kind=kind, name=name, action="changed", was=was, properties=properties)
            )
    for kind, name in old:
        if (kind, name) not in continued:
            changes.append(DocumentChange(kind=kind, name=name, action="removed"))
    return tuple(sorted(changes, key=lambda c: (c.kind, c.name)))


def _before(kind: str, body: Body, old: Mapping[tuple[str, str], Body]) -> tuple[str, str] | None:
    return next(((kind, name) for name in former_names(body) if (kind, name) in old), None)


def _properties(old: Body, new: Body) -> tuple[PropertyChange, ...]:
    if old is new or same(old, new):  # nearly all of a large workspace
        return ()
    found = [
        PropertyChange(path=each.path, what=each.what, old=each.old, new=each.new)
        for each in compare(old, new)
        if each.path not in ("name", "kind")
    ]
    return tuple(found)


def _shown(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
