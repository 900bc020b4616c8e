"""Conversions as they are carried out: which there are for an object, and what each of their targets is made of. Pure.

In: the documents of a release and what was compiled for them. Out: `Conversion`s with a `Step` for each target and for
what is written back, so that their values are worked out as those of an automation are. Made once a release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Texts
from patron_engine.fields.options import texts
from patron_engine.flow.program import Step, step_at
from patron_engine.model.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One record that is made, or taken where it is there. `bound` are the fields that read another target: nobody edits them."""

    name: str
    label: Texts
    object: str
    optional: bool
    choose: bool
    finds: bool
    step: Step = field(repr=False)

    @property
    def bound(self) -> frozenset[str]:
        found = {
            key.removeprefix("set.")
            for key, e in self.step.expressions.items()
            if key.startswith("set.") and any(p.startswith("steps.") for p in e.paths)
        }
        return frozenset(found)

    @property
    def sort(self) -> tuple[str, ...]:
        given = (self.step.body.get("find") or {}).get("sort") or ()
        return (given,) if isinstance(given, str) else tuple(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    name: str
    label: Texts
    icon: str | None
    object: str
    when: Expression | None
    once: bool
    roles: frozenset[str]
    to: tuple[Target, ...]
    move: tuple[str, ...]
    back: Step = field(repr=False)


def conversions_of(model: Model, object: str) -> tuple[Conversion, ...]:
    """The conversions that begin with a record of this object, in the order of their definitions."""
    known: dict[str, tuple[Conversion, ...]] = model.kept.setdefault("flow.conversions", {})
    if object not in known:
        bodies = [b for (kind, _), b in model.documents.items() if kind == "conversion"]
        known[object] = tuple(_conversion(model, b) for b in bodies if b.get("object") == object)
    return known[object]


def conversion_named(model: Model, name: str) -> Conversion | None:
    body = model.documents.get(("conversion", name))
    found = conversions_of(model, str(body["object"])) if body is not None else ()
    return next((c for c in found if c.name == name), None)


def _conversion(model: Model, body: Mapping[str, Any]) -> Conversion:
    name = str(body["name"])
    expressions = {key[2]: e for key, e in model.expressions.items() if key[:2] == ("conversion", name)}
    rule = f"conversion:{name}"
    targets = [_target(body, n, raw, expressions, rule) for n, raw in enumerate(body["to"])]
    return Conversion(
        name=name,
        label=texts(body.get("label")),
        icon=body.get("icon"),
        object=str(body["object"]),
        when=expressions.get("when"),
        once=bool(body.get("once")),
        roles=frozenset(body.get("roles") or ()),
        to=tuple(t for t in targets if t.object in model.objects),
        move=tuple(body.get("move") or ()),
        back=Step(
            name=None, do="", path="back", rule=rule, body={"set": body.get("back") or {}},
            expressions={f"set.{k[5:]}": e for k, e in expressions.items() if k.startswith("back.")},
        ),
    )  # fmt: skip


def _target(
    body: Mapping[str, Any],
    number: int,
    raw: Mapping[str, Any],
    expressions: Mapping[str, Expression],
    rule: str,
) -> Target:
    return Target(
        name=str(raw["name"]),
        label=texts(raw.get("label")),
        object=str(raw["object"]),
        optional=bool(raw.get("optional")),
        choose=bool(raw.get("choose")),
        finds=bool(raw.get("find")),
        step=step_at(body, ("to", number), raw, expressions, rule),
    )
