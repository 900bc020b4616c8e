"""Virtual: what flow keeps beside records, in lists: how `pool.returns_at` and `sla.CLOCK.due_at` are called and how they look.

In: a path of a column, a value of the way read. Out: a label, a `Shown`. Pools, paths and clocks are called as their definitions say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from patron_engine.fields.options import texts
from patron_engine.model.model import Model, Object, label_of
from patron_engine.model.virtual import is_virtual
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Shown
from patron_engine.phrases import Label, Phrase

_WORDS: Final[Mapping[str, Phrase]] = {
    "pool.name": Phrase("pool"), "pool.since": Phrase("in the pool, or claimed, since"),
    "pool.returns_at": Phrase("goes back to the pool"),
}  # fmt: skip


def virtual_label(model: Model, object: Object, path: str, reader: Reader) -> str:
    """What a column is called; "" for one that is no virtual name."""
    if not is_virtual(path):
        return ""
    first, name, *rest = path.split(".")
    if path in _WORDS:
        return reader.words(_WORDS[path])
    if first == "path" and rest:
        body = model.documents.get(("stage_path", name)) or {}
        label = label_of(texts(body.get("label")), name, reader.languages)
        return reader.words(_of(rest[0], label))
    if first == "sla" and rest:
        clocks = [
            c for (kind, _), b in model.documents.items() if kind == "sla" and b["object"] == object.name
            for c in b["clocks"] if c["name"] == name
        ]  # fmt: skip
        label = label_of(texts(clocks[0].get("label")) if clocks else {}, name, reader.languages)
        return reader.words(_of(rest[0], label))
    return path


def virtual_shown(model: Model, path: str, value: Any, reader: Reader) -> Shown:
    """How a value looks."""
    if value is None:
        return EMPTY
    last = path.rpartition(".")[2]
    if path == "pool.name":
        body = model.documents.get(("pool", str(value))) or {}
        return Shown(kind="text", text=reader.say(body.get("label"), str(value)), raw=value)
    if isinstance(value, bool):
        return Shown(kind="flag", text="", raw=value)
    if last in ("since", "due", "due_at", "done_at", "returns_at"):
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return Shown(kind="text", text=reader.moment(at), raw=value)
    return Shown(kind="text", text=str(value), raw=value)


def _of(what: str, label: Label) -> Phrase:
    if what == "since":
        return Phrase("{name}: since", name=label)
    if what == "due":
        return Phrase("{name}: should stay until", name=label)
    if what == "due_at":
        return Phrase("{name}: due", name=label)
    if what == "done_at":
        return Phrase("{name}: done", name=label)
    if what == "breached":
        return Phrase("{name}: late", name=label)
    return Phrase("{name}: hours", name=label)
