"""Building kinds: reports that are no table of groups, put together on a page: funnel, cohort, joined.

In: a body as it was, the pairs of the form, what may be chosen of the object. Out: another body of the kind that was chosen. What the
page does not show of a body of the same kind is kept. Readable names only: what a reader may not read is not among the choices.

    type=funnel  path, count, value       type=cohort  began, began_by, set, happened, happened_by
    type=joined  each (what they share), each_by; block (its place) with object, on, sum; act=block:add, block:drop:N
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.jsonio import whole
from patron_engine.model.model import Object
from patron_engine.page.building import Body, Label, begun
from patron_engine.page.building_shared import DATES, Shared, kind_of, shared_of
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
    """What a block or a cohort may be made of: an object with its dates and numbers; `shared` are the fields blocks may be told by
    together, under what they have in common."""

    name: str
    label: str
    dates: tuple[Named, ...]
    numbers: tuple[Named, ...] = ()
    shared: Mapping[str, Shared] = field(default_factory=dict)


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

    def fit(self, kind: str) -> tuple[About, ...]:
        """The objects a block may be of while the blocks share this."""
        return tuple(a for a in self.objects if kind in a.shared) if kind else self.objects

    def named(self, several: tuple[About, ...]) -> list[Named]:
        """What one chooses by, and what it is called."""
        return [(about.name, about.label) for about in several]


def choices_of(call: Call, object: Object | None, reader: Reader, *, joined: bool = False) -> Choices:
    """What the reader may choose among; what blocks may share only where they are `joined`."""
    objects = tuple(
        replace(about, shared=shared_of(call, reader, o, about.dates)) if joined else about
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
    kept: Body = {key: body[key] for key in ("label", "description", "where", "parameters") if key in body}
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
    kind, known = joined_by(body, choices), {about.name: about for about in choices.objects}
    if given.get("each") not in (None, kind) and given["each"] in dict(kinds_shared(body, choices)):
        kind = given["each"]
        groups[0], blocks = _shared_by(groups[0], blocks, kind, known, label)
        body = {k: v for k, v in body.items() if k != "chart"}
    if given.get("each_by") in STEPS and "by" in groups[0]:
        groups[0]["by"] = given["each_by"]
    at = -1
    for name, value in pairs:
        if name == "block":
            at = -1 if (n := whole(value, 2)) is None or n >= len(blocks) else n
        elif at >= 0 and name in ("object", "on", "sum"):
            blocks[at] = _changed(blocks[at], at + 1, name, value, (groups[0]["name"], kind), choices, label)
    act, _, which = given.get("act", "").removeprefix("block:").partition(":")
    if given.get("act", "").startswith("block:"):
        n = whole(which, 2)
        if act == "add" and len(blocks) < MOST_BLOCKS:
            used = {b["object"] for b in blocks}
            about = next((a for a in choices.fit(kind) if a.name not in used), known[blocks[0]["object"]])
            taken = {b["name"] for b in blocks}
            free = next(n for n in range(1, MOST_BLOCKS + 2) if f"block_{n}" not in taken)
            blocks.append(_block(about, free, label, groups[0]["name"], kind))
        elif act == "drop" and n is not None and n < len(blocks) > 1:
            del blocks[n]
    return {**body, "group": groups, "blocks": blocks}


def kinds_shared(body: Body, choices: Choices) -> list[Named]:
    """What every block of a joined report has a field of: one of these its figures may stand beside each other by."""
    abouts = [next((a for a in choices.objects if a.name == b["object"]), None) for b in body["blocks"]]
    found = [a.shared for a in abouts if a is not None]
    return (
        [(key, one.label) for key, one in found[0].items() if all(key in other for other in found)]
        if found
        else []
    )


def joined_by(body: Body, choices: Choices) -> str:
    """What the blocks share now; "" where the page has no word for it, or they share several."""
    if body["group"][0].get("by"):
        return DATES
    about = next((a for a in choices.objects if a.name == body["blocks"][0]["object"]), None)
    return (
        kind_of(about.shared, body["blocks"][0]["on"].get(body["group"][0]["name"], ""))
        if about is not None
        else ""
    )


def _shared_by(
    group: Body, blocks: list[Body], kind: str, known: Mapping[str, About], label: Label
) -> tuple[Body, list[Body]]:
    """Another group that all share: each block with the first field of its kind."""
    one = known[blocks[0]["object"]].shared[kind]
    name = GROUP if kind == DATES else one.name
    said = label("period", "") if kind == DATES else one.label
    made = {"name": name, "label": said, **({"by": "month", "fill": True} if kind == DATES else {})}
    changed = []
    for block in blocks:
        about = known[block["object"]]
        others = {k: v for k, v in block["on"].items() if k != group["name"]}
        changed.append({**block, "on": {name: _first(about, kind), **others}})
    return made, changed


def _first(about: About, kind: str) -> str:
    return _made_at(about) if kind == DATES or kind not in about.shared else about.shared[kind].fields[0][0]


def _block(about: About, n: int, label: Label, group: str = GROUP, kind: str = DATES) -> Body:
    measure = {"name": f"figure_{n}", "label": about.label, "function": "count"}
    return {"name": f"block_{n}", "label": about.label, "object": about.name, "on": {group: _first(about, kind)}, "measures": [measure]}  # fmt: skip


def _made_at(about: About) -> str:
    """The date that every record has, where there is one: no record is missed."""
    return "created_at" if "created_at" in dict(about.dates) else about.dates[0][0]


def _changed(
    block: Body, n: int, name: str, value: str, shared: tuple[str, str], choices: Choices, label: Label
) -> Body:
    group, kind = shared
    about = next(
        (a for a in choices.objects if a.name == (value if name == "object" else block["object"])), None
    )
    if about is None:
        return block
    if name == "object":
        if value == block["object"] or (kind and kind not in about.shared):
            return block
        fresh = _block(about, n, label, group, kind)
        measure = {**fresh["measures"][0], "name": block["measures"][0]["name"]}
        return {**fresh, "name": block["name"], "measures": [measure]}
    if name == "on":
        fields = dict(about.shared[kind].fields) if kind in about.shared else {}
        return {**block, "on": {**block["on"], group: value}} if value in fields else block
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
