"""Unkept: what flow would do for an object and has no place for. Check stage: pure; only warns.

In: an effective document, all objects. Out: warnings: stays, moves, clocks and tasks that link to no such record (so none are made);
names compared by likeness in fields that are not searched (so only equal ones are found).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from patron_engine.fields.alike import KEYED, way_of
from patron_engine.meta.layers import EffectiveDocument
from patron_engine.model.sketch import Sketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems

KEPT_IN: Final = {"stage_path": "stage_stay", "pool": "pool_move", "sla": "sla_clock"}


def check_kept(kind: str, document: EffectiveDocument, made: Sketch, problems: Problems) -> None:
    """What is to be told about records has somewhere to stand."""
    if kind == "duplicate_rule":
        _compared(document, made, problems)
    one = made.object(document.body.get("object"))
    for keeper in _keepers(kind, document.body) if one is not None else ():
        about = made.objects[keeper].field("about") if keeper in made.objects else None
        to = about.definition.get("to") if about is not None else None
        known = {
            found.name for name in ([to] if isinstance(to, str) else to or ()) if (found := made.object(name))
        }
        if about is not None and one is not None and one.name not in known:
            problems.add("nowhere_kept", Phrase("{keeper} records of {object} are made nowhere: `about` does not lead there", keeper=keeper, object=one.name),
                         hint=Phrase("add {object} to `to` of {keeper}.about, by a change of object/{keeper}", keeper=keeper, object=one.name),
                         level="warning", **document.where(("object",)))  # fmt: skip


def _keepers(kind: str, body: Any) -> Iterator[str]:
    if kind in KEPT_IN:
        yield KEPT_IN[kind]
    if kind == "stage_path" and any(stage.get("tasks") for stage in body.get("stages") or ()):
        yield "task"


def _compared(document: EffectiveDocument, made: Sketch, problems: Problems) -> None:
    one = made.object(document.body.get("object"))
    searched = set(one.body.get("search") or ()) if one is not None else set()
    for index, match in enumerate(document.body.get("match") or ()):
        fields = match.get("fields") or {}
        ways = {name: way_of(how)[0] for name, how in fields.items()}
        if one is None or not ways or set(ways.values()) & KEYED or searched & ways.keys():
            continue
        name = next(iter(ways))
        problems.add("not_searched", Phrase("{object}.{field} is not searched: only equal values are found", object=one.name, field=name),
                     hint=Phrase("put {field} into `search` of {object}", object=one.name, field=name),
                     level="warning", **document.where(("match", index, "fields", name)))  # fmt: skip
