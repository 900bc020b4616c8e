"""Unkept: what flow would do for an object and has no place for, or could never do. Check stage: pure.

In: an effective document, all objects. Out: an error: an approval that a roll-up is to ask for, which nobody writes; warnings: stays, moves, clocks and tasks that link to no such record (so none are made);
names compared by likeness in fields that are not searched (so only equal ones are found).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from patron_engine.fields.alike import KEYED, way_of
from patron_engine.meta.layers import EffectiveDocument
from patron_engine.model.sketch import ObjectSketch, Sketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems

KEPT_IN: Final = {"stage_path": "stage_stay", "pool": "pool_move", "sla": "sla_clock"}


def check_kept(kind: str, document: EffectiveDocument, made: Sketch, problems: Problems) -> None:
    """What is to be told about records has somewhere to stand."""
    if kind == "duplicate_rule":
        _compared(document, made, problems)
    one = made.object(document.body.get("object"))
    if kind == "approval" and one is not None:
        _never_asked(document, one, problems)
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


def _never_asked(document: EffectiveDocument, one: ObjectSketch, problems: Problems) -> None:
    """`on: {update: [total]}`: a roll-up follows from details, whose changes ask for nothing."""
    for index, trigger in enumerate(document.body.get("on") or ()):
        named = trigger.get("update") if isinstance(trigger, Mapping) else None
        for place, name in enumerate([named] if isinstance(named, str) else named or ()):
            found = one.field(name)
            if found is not None and found.type.name == "rollup":
                path = ("on", index, "update", place) if isinstance(named, list) else ("on", index, "update")
                problems.add("never_asked", Phrase("{name} follows from its details: nobody writes it, so it asks for no approval", name=name),
                             hint="name fields that people write; let details be approved with `submit` or a stage", **document.where(path))  # fmt: skip


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
