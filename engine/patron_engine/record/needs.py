"""Needs: what an expression reads, sorted by where the value is found. Model stage: pure, made once a release.

In: a compiled expression of an object. Out: `Needs`. record/environment.py brings the values together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Formula, LinkSpec, Rollup
from patron_engine.model.model import Model, Object

_NAMED_TARGET = re.compile(r"^(\w+)\[['\"]?(\w+)['\"]?\]\.(.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPath:
    """A value beyond a link: `path` on the record `link` points at; `target` is its object."""

    key: str
    link: str
    target: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """reads      own stored fields the answer depends on, computed formulas expanded
    links      values through own links
    parts      (key, field, part) of fields with parts: ranges, addresses
    old        values of the record before this save, by the same kinds
    me         paths on the acting person's user record
    formulas   own computed formulas in the order they must be evaluated
    rollups    own computed roll-ups, asked of the database
    aggregates sets used in the expression itself
    virtual    names flow will write; empty until then
    aliases    (key, name): own values that are read under another key ("this.stage")
    figures    true where roll-ups or sets are read: the answer is known only after the children are written
    """

    reads: frozenset[str]
    links: tuple[LinkPath, ...] = ()
    parts: tuple[tuple[str, str, str], ...] = ()
    old: tuple[str, ...] = ()
    old_links: tuple[LinkPath, ...] = ()
    me: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    rollups: tuple[str, ...] = ()
    aggregates: tuple[Any, ...] = ()
    virtual: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    figures: bool = False

    @property
    def simple(self) -> bool:
        """Everything it reads stands in the record itself."""
        return not (
            self.links or self.parts or self.old or self.old_links or self.me
            or self.formulas or self.rollups or self.aggregates or self.virtual or self.aliases
        )  # fmt: skip


class _Collector:
    def __init__(self, model: Model, object: Object) -> None:
        self.model = model
        self.object = object
        self.reads: set[str] = set()
        self.links: dict[str, LinkPath] = {}
        self.parts: dict[str, tuple[str, str, str]] = {}
        self.old: set[str] = set()
        self.old_links: dict[str, LinkPath] = {}
        self.me: set[str] = set()
        self.formulas: list[str] = []
        self.rollups: set[str] = set()
        self.aggregates: dict[str, Any] = {}
        self.virtual: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.figures = False

    def expression(self, expression: Expression) -> None:
        for path in sorted(expression.paths):
            self.path(path)
        for node in expression.aggregates:
            self.aggregates[node.key] = node
            self.figures = True
            if node.base not in ("", "this", "me"):
                self.reads.add(node.base.removeprefix("this.").partition(".")[0])

    def path(self, path: str) -> None:
        root, _, rest = path.partition(".")
        if root == "old" and rest:
            self.old_path(rest)
        elif root == "me":
            self.me.add(rest)
        elif root == "this" and rest:
            self.own(rest, path)
        else:
            self.own(path, path)

    def own(self, path: str, key: str) -> None:
        link = self.link_path(path, key)
        if link is not None:
            self.reads.add(link.link)
            self.links[key] = link
            return
        name, _, part = path.partition(".")
        field = self.object.field(name)
        if field is None:
            self.virtual.add(key)
            return
        if not part and key != field.name:
            self.aliases[key] = field.name
        if part:
            self.reads.add(field.name)
            self.parts[key] = (key, field.name, part)
        elif isinstance(field.spec, Formula) and not field.columns:
            if field.name not in self.formulas:
                self.expression(field.spec.expression)
                self.formulas.append(field.name)
        elif isinstance(field.spec, Rollup) and not field.columns:
            self.rollups.add(field.name)
            self.figures = True
        else:
            self.reads.add(field.name)
            self.figures = self.figures or isinstance(field.spec, Rollup) or self.over_figures(field.name)

    def over_figures(self, name: str, depth: int = 0) -> bool:
        """True for a stored formula that reads a roll-up, however far down."""
        spec = self.object.fields[name].spec
        if isinstance(spec, Rollup):
            return True
        if not isinstance(spec, Formula) or depth > 20:
            return False
        own = (p.split(".")[0] for p in spec.expression.paths)
        return bool(spec.expression.aggregates) or any(
            self.over_figures(n, depth + 1) for n in own if n in self.object.fields
        )

    def old_path(self, rest: str) -> None:
        link = self.link_path(rest, f"old.{rest}")
        if link is not None:
            self.old_links[link.key] = link
            self.reads.add(link.link)
            return
        self.old.add(rest)
        self.reads.add(rest.partition(".")[0])

    def link_path(self, path: str, key: str) -> LinkPath | None:
        named = _NAMED_TARGET.match(path)
        name, rest = (named[1], named[3]) if named else path.partition(".")[::2]
        field = self.object.field(name)
        if not rest or field is None or not isinstance(field.spec, LinkSpec):
            return None
        target = named[2] if named else field.spec.to[0]
        return LinkPath(key=key, link=field.name, target=target, path=rest)

    def done(self) -> Needs:
        return Needs(
            reads=frozenset(self.reads),
            links=tuple(self.links.values()),
            parts=tuple(self.parts.values()),
            old=tuple(sorted(self.old)),
            old_links=tuple(self.old_links.values()),
            me=tuple(sorted(self.me)),
            formulas=tuple(self.formulas),
            rollups=tuple(sorted(self.rollups)),
            aggregates=tuple(self.aggregates.values()),
            virtual=tuple(sorted(self.virtual)),
            aliases=tuple(self.aliases.items()),
            figures=self.figures,
        )


def needs_of(model: Model, object: Object, expressions: Iterable[Expression]) -> Needs:
    """What the expressions read together; their bare names and `this.` are the record of `object`."""
    found = _Collector(model, object)
    for expression in expressions:
        found.expression(expression)
    return found.done()


def path_needs(model: Model, object: Object, paths: Iterable[str]) -> Needs:
    """What some paths from a record read: the `{field}` parts of a number."""
    found = _Collector(model, object)
    for path in paths:
        found.path(path)
    return found.done()


def this_needs(model: Model, object: Object, expression: Expression) -> Needs:
    """What a condition that chooses among other records reads of the record that asks (its `this.` names)."""
    found = _Collector(model, object)
    for path in sorted(expression.paths):
        if path.startswith(("this.", "me.")):
            found.path(path)
    return found.done()


def candidate_paths(expression: Expression) -> tuple[str, ...]:
    """The paths such a condition reads of the candidate: all that have no root."""
    return tuple(sorted(p for p in expression.paths if p.partition(".")[0] not in ("this", "old", "me")))


def union(needs: Iterable[Needs]) -> Needs:
    """One set of needs that covers all."""
    every = list(needs)
    if len(every) == 1:
        return every[0]
    links: Mapping[str, LinkPath] = {l.key: l for n in every for l in n.links}
    old_links: Mapping[str, LinkPath] = {l.key: l for n in every for l in n.old_links}
    return Needs(
        reads=frozenset().union(*(n.reads for n in every)),
        links=tuple(links.values()),
        parts=tuple(dict.fromkeys(p for n in every for p in n.parts)),
        old=tuple(dict.fromkeys(p for n in every for p in n.old)),
        old_links=tuple(old_links.values()),
        me=tuple(dict.fromkeys(p for n in every for p in n.me)),
        formulas=tuple(dict.fromkeys(f for n in every for f in n.formulas)),
        rollups=tuple(dict.fromkeys(r for n in every for r in n.rollups)),
        aggregates=tuple({a.key: a for n in every for a in n.aggregates}.values()),
        virtual=tuple(dict.fromkeys(v for n in every for v in n.virtual)),
        aliases=tuple(dict.fromkeys(a for n in every for a in n.aliases)),
        figures=any(n.figures for n in every),
    )
