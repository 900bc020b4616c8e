"""Building kinds: reports that are no table of groups, put together on a page: funnel, cohort, joined.

In: a body as it was, the pairs of the form, what may be chosen of the object. Out: another body of the kind that was chosen. What the
page does not show of a body of the same kind is kept. Readable names only: what a reader may not read is not among the choices.

    type=funnel  path, count, value       type=cohort  began, began_by, set, happened, happened_by
    type=joined  each_by; block (its place) with object, on, sum; act=block:add, block:drop:N
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.jsonio import whole
from patron_engine.model.model import Object
from patron_engine.page.building import Body, Label, begun
from patron_engine.page.filters import family_of
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call

KINDS = ("summary", "funnel", "cohort", "joined")
STEPS = ("day", "week", "month", "quarter", "year")
MOST_BLOCKS = 6
GROUP = "period"

Named = tuple[str, str]  # name, label


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a block or a cohort may be made of: an object with its dates and numbers."""

    name: str
    label: str
    dates: tuple[Named, ...]
    numbers: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    own: About | None
    paths: tuple[Named, ...] = ()
    sets: tuple[About, ...] = ()
    objects: tuple[About, ...] = ()

    def kinds(self) -> tuple[str, ...]:
        """The kinds there is something for."""
        funnel = ("funnel",) if self.paths else ()
        cohort = ("cohort",) if self.sets and self.own is not None and self.own.dates else ()
        return ("summary", *funnel, *cohort, "joined")

    def named(self, several: tuple[About, ...]) -> list[Named]:
        """What one chooses by, and what it is called."""
        return [(about.name, about.label) for about in several]


def choices_of(call: Call, object: Object | None, reader: Reader) -> Choices:
    """What the reader may choose among."""
    objects = tuple(
        about
        for o in call.model.objects.values()
        if _reads(call, o.name)
        and (about := _about(call, reader, o, reader.say(o.plural or o.label, o.name))).dates
    )
    if object is None:
        return Choices(own=None, objects=objects)
    known = readable(call.model, call.actor, object.name)
    paths = tuple(
        (name, reader.say(body.get("label"), name))
        for (kind, name), body in call.model.documents.items()
        if kind == "stage_path" and body.get("object") == object.name and body.get("field", "stage") in known
    )
    sets = []
    for name, link in object.sets.items():
        below = call.model.objects.get(link.object)
        if (
            below is None
            or not _reads(call, below.name)
            or link.field not in readable(call.model, call.actor, below.name)
        ):
            continue
        label = reader.say(getattr(link, "label", None)) or reader.say(below.plural or below.label, name)
        about = _about(call, reader, below, label, name)
        if about.dates:
            sets.append(about)
    sets.sort(
        key=lambda about: object.sets[about.name].object == object.name
    )  # what happens to it before more of its kind
    own = _about(call, reader, object, reader.say(object.plural or object.label, object.name))
    return Choices(own=own, paths=paths, sets=tuple(sets), objects=objects)


def _reads(call: Call, object: str) -> bool:
    return not isinstance(row_rule(call.model, call.actor, "read", object), Deny)


def _about(call: Call, reader: Reader, object: Object, label: str, name: str = "") -> About:
    fields = sorted(readable(call.model, call.actor, object.name).values(), key=lambda f: f.system)
    said = [
        (f.name, reader.say(f.label, f.name), family_of(f))
        for f in fields
        if not f.encrypted and f.name not in ("version", "deleted_at")
    ]
    return About(
        name=name or object.name, label=label, dates=tuple((n, t) for n, t, family in said if family in ("date", "datetime")),
        numbers=tuple((n, t) for n, t, family in said if family == "number"),
    )  # fmt: skip


# -- what is made of them -----------------------------------------------------------------------------------------


def rekinded(body: Body, pairs: Sequence[tuple[str, str]], choices: Choices, label: Label) -> Body:
    """The body in the kind the form asks for, with what it asks of it."""
    given = dict(pairs)
    now = "summary" if body.get("type") in ("summary", "matrix") else str(body.get("type"))
    kind = given.get("type") if given.get("type") in choices.kinds() else now
    if kind != now:
        body = _turned(body, str(kind), choices, label)
    if kind == "funnel":
        return _funnel(body, given)
    if kind == "cohort":
        return _cohort(body, given, choices)
    if kind == "joined":
        return _joined(body, pairs, choices, label)
    return body


def _turned(body: Body, kind: str, choices: Choices, label: Label) -> Body:
    """Another kind about the same object, with its condition and name."""
    blocks = body.get("blocks") or ()
    object = str(body.get("object") or (blocks[0]["object"] if blocks else ""))
    kept: Body = {key: body[key] for key in ("label", "description", "where") if key in body}
    if kind == "funnel":
        return {**kept, "object": object, "type": "funnel", "path": choices.paths[0][0], "count": "reached"}
    if kind == "cohort" and choices.own is not None:
        first = choices.sets[0]
        return {
            **kept, "object": object, "type": "cohort", "cohort": {"field": _made_at(choices.own), "by": "month"},
            "over": {"set": first.name, "field": first.dates[0][0], "by": "month"}, "measures": begun("", label)["measures"],
        }  # fmt: skip
    if kind == "joined":
        kept.pop("where", None)
        first = next((a for a in choices.objects if a.name == object), choices.objects[0])
        return {**kept, "type": "joined", "group": [{"name": GROUP, "label": label("period", ""), "by": "month", "fill": True}], "blocks": [_block(first, 1, label)]}  # fmt: skip
    return {**begun(object, label), **kept}


def _funnel(body: Body, given: Mapping[str, str]) -> Body:
    made = {**body, **{key: given[key] for key in ("path", "count") if given.get(key)}}
    if "value" in given:
        made.pop("value", None)
        made.update({"value": given["value"]} if given["value"] else {})
    return made


def _cohort(body: Body, given: Mapping[str, str], choices: Choices) -> Body:
    began, over = dict(body["cohort"]), dict(body["over"])
    began.update(
        {key: given[name] for key, name in (("field", "began"), ("by", "began_by")) if given.get(name)}
    )
    over.update(
        {key: given[name] for key, name in (("field", "happened"), ("by", "happened_by")) if given.get(name)}
    )
    chosen = next((s for s in choices.sets if s.name == given.get("set")), None)
    if chosen is not None:
        over["set"] = chosen.name
        if over["field"] not in dict(chosen.dates):
            over["field"] = chosen.dates[0][0]
    return {**body, "cohort": began, "over": over}


def _joined(body: Body, pairs: Sequence[tuple[str, str]], choices: Choices, label: Label) -> Body:
    given = dict(pairs)
    blocks = [dict(b) for b in body["blocks"]]
    groups = [dict(g) for g in body["group"]]
    if given.get("each_by") in STEPS and "by" in groups[0]:
        groups[0]["by"] = given["each_by"]
    at = -1
    for name, value in pairs:
        if name == "block":
            at = -1 if (n := whole(value, 2)) is None or n >= len(blocks) else n
        elif at >= 0 and name in ("object", "on", "sum"):
            blocks[at] = _changed(blocks[at], at + 1, name, value, groups[0]["name"], choices, label)
    act, _, which = given.get("act", "").removeprefix("block:").partition(":")
    if given.get("act", "").startswith("block:"):
        n = whole(which, 2)
        if act == "add" and len(blocks) < MOST_BLOCKS:
            used = {b["object"] for b in blocks}
            about = next((a for a in choices.objects if a.name not in used), choices.objects[0])
            taken = {b["name"] for b in blocks}
            free = next(n for n in range(1, MOST_BLOCKS + 2) if f"block_{n}" not in taken)
            blocks.append(_block(about, free, label, groups[0]["name"]))
        elif act == "drop" and n is not None and n < len(blocks) > 1:
            del blocks[n]
    return {**body, "group": groups, "blocks": blocks}


def _block(about: About, n: int, label: Label, group: str = GROUP) -> Body:
    measure = {"name": f"figure_{n}", "label": about.label, "function": "count"}
    return {"name": f"block_{n}", "label": about.label, "object": about.name, "on": {group: _made_at(about)}, "measures": [measure]}  # fmt: skip


def _made_at(about: About) -> str:
    """The date that every record has, where there is one: no record is missed."""
    return "created_at" if "created_at" in dict(about.dates) else about.dates[0][0]


def _changed(block: Body, n: int, name: str, value: str, group: str, choices: Choices, label: Label) -> Body:
    about = next(
        (a for a in choices.objects if a.name == (value if name == "object" else block["object"])), None
    )
    if about is None:
        return block
    if name == "object":
        if value == block["object"]:
            return block
        fresh = _block(about, n, label, group)
        measure = {**fresh["measures"][0], "name": block["measures"][0]["name"]}
        return {**fresh, "name": block["name"], "measures": [measure]}
    if name == "on":
        return {**block, "on": {**block["on"], group: value}} if value in dict(about.dates) else block
    first, *others = block["measures"]
    if value == str(first.get("field") or ""):
        return block
    said = dict(about.numbers).get(value)
    changed = {"name": first["name"], "label": about.label, "function": "count"}
    if said is not None:
        changed = {
            "name": first["name"],
            "label": f"{about.label} · {said}",
            "function": "sum",
            "field": value,
        }
    return {**block, "measures": [changed, *others]}
