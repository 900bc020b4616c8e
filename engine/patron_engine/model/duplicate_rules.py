"""Duplicate rules: what counts as the same record, read out of the definitions once a release.

In: the model, an object. Out: its matches: which of its fields are compared with which of its own or another object's, and how.
`against: [lead.company]` compares that field with the one here that means the same: of a telephone number those compared as
one, of an e-mail address likewise; of a text the name of the company, else the field of its name, else the first. Such a
match blocks only where its rule would have blocked for that field alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.fields.alike import KEYED, way_of
from patron_engine.fields.field import Texts
from patron_engine.fields.options import texts
from patron_engine.model.model import Model, Object

WAY_OF_TYPE: Mapping[str, str] = {"phone": "phone", "email": "email"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`own` is compared with `other` by `way`; `least` is how alike they must be."""

    own: str
    other: str
    way: str
    least: float

    @property
    def keyed(self) -> bool:
        return self.way in KEYED


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Records of `object` of which every pair fits are the same. `reveal`: what is told of one that the reader may not see."""

    rule: str
    name: str
    label: Texts
    message: Texts
    object: str
    pairs: tuple[Pair, ...]
    blocks: bool
    on: frozenset[str]
    when: Expression | None
    reveal: tuple[str, ...]

    @property
    def keyed(self) -> tuple[Pair, ...]:
        return tuple(p for p in self.pairs if p.keyed)


def matches_of(model: Model, object: str) -> tuple[Match, ...]:
    """The matches of an object, those of the first rules first."""
    return tuple(
        match
        for (kind, _), body in model.documents.items()
        if kind == "duplicate_rule" and body.get("object") == object
        for match in _of_rule(model, object, body)
    )


def found_by(match: Match, searched: Collection[str]) -> Pair:
    """The pair by which candidates are found; the others only judge them. `searched`: the fields under whose words records are
    found."""
    if match.keyed:
        return match.keyed[0]
    return next((p for p in match.pairs if p.other in searched), match.pairs[0])


def looked_up(model: Model, object: Object) -> frozenset[str]:
    """Fields of an object by whose values somebody looks for the same record: they need an index."""
    asking = {b["object"] for (k, _), b in model.documents.items() if k == "duplicate_rule"}
    matches = [
        m
        for o in sorted(asking & set(model.objects))
        for m in matches_of(model, o)
        if m.object == object.name
    ]
    pairs = [found_by(m, object.search) for m in matches]
    return frozenset(p.other for p in pairs if p.keyed or p.other not in object.search)


def _of_rule(model: Model, object: str, body: Mapping[str, Any]) -> Iterator[Match]:
    when = model.expressions.get(("duplicate_rule", body["name"], "when"))
    for item in body.get("match") or ():
        own = model.objects[object]
        pairs = []
        for name, how in item["fields"].items():
            way, least = way_of(how)
            today = own.aliases.get(name, name)
            pairs.append(Pair(own=today, other=today, way=way, least=least))
        blocks = item.get("level") == "block"
        made = Match(
            rule=body["name"], name=item["name"], object=object, pairs=tuple(pairs), blocks=blocks, when=when,
            label=texts(item.get("label")) or texts(body.get("label")), message=texts(item.get("message")),
            on=frozenset(body.get("on") or ("create",)), reveal=tuple(body.get("reveal") or ()),
        )  # fmt: skip
        if all(_kept(model, object, p.own) for p in pairs):
            yield made
        for text in body.get("against") or ():
            yield from _against(model, made, text)


def _against(model: Model, match: Match, text: str) -> Iterator[Match]:
    object, _, name = text.partition(".")
    found = model.object(object)
    field = found.field(name) if found is not None else None
    if found is None or field is None or not _kept(model, found.name, field.name):
        return
    pair = _meant(match, field.name, WAY_OF_TYPE.get(field.type))
    if pair is None or not _kept(model, match.object, pair.own):
        return
    made = Pair(own=pair.own, other=field.name, way=pair.way, least=pair.least)
    yield Match(
        rule=match.rule, name=match.name, object=found.name, pairs=(made,), when=match.when, on=match.on,
        blocks=match.blocks and len(match.pairs) == 1, label=match.label, message=match.message, reveal=match.reveal,
    )  # fmt: skip


def _meant(match: Match, name: str, way: str | None) -> Pair | None:
    """The pair whose field means the same as one of another object."""
    if way is not None:
        return next((p for p in match.pairs if p.way == way), None)
    named = [p for p in match.pairs if p.way not in WAY_OF_TYPE.values()]
    company = next((p for p in named if p.way == "company"), None)
    return company or next((p for p in named if p.own == name), None)


def _kept(model: Model, object: str, name: str) -> bool:
    """Whether its values stand in a column one can compare."""
    field = model.objects[object].fields.get(name)
    return field is not None and any(c.part == "" for c in field.columns) and field.type != "secret"
