"""Names: which value a name or a path means in a scope. In: the parts as written. Out: a Path and today's spelling.

Raises a Fault with the nearest right name. Knows nothing of operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from patron_engine.expr import limits
from patron_engine.expr.functions.table import FUNCTIONS
from patron_engine.expr.nodes import Parts, Path
from patron_engine.expr.scope import Scope
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import JSON, LOCATION, NUMBER, ExprType, say_type
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

_RANGE_PARTS: Final = ("from", "to")
_PLACE_PARTS: Final = ("lat", "lng")
_ROOTS: Final = ("old", "this", "target", "event", "approver", "steps")
_TRUTHS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_LONGEST_VIRTUAL: Final = 3  # path.NAME.since


@dataclass(frozen=True, slots=True)
class Found:
    """`parts` in today's spelling; `joins` the links followed, each by its path."""

    node: Path | Parts
    parts: tuple[Any, ...]
    joins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundSet:
    """A set: who owns it, its names from there, the object of its records."""

    base: str
    sets: tuple[str, ...]
    object: str
    parts: tuple[Any, ...]


def written(parts: tuple[Any, ...]) -> str:
    """The key of a path among values: ("about", ("account",), "grade") -> "about[account].grade"."""
    out = ""
    for part in parts:
        out += f"[{part[0]}]" if isinstance(part, tuple) else ("." if out else "") + part
    return out


def resolve(scope: Scope, parts: tuple[Any, ...], at: int) -> Found:
    """What a path means in a scope."""
    return _Walk(scope, at).start(parts)


def resolve_set(scope: Scope, parts: tuple[Any, ...]) -> FoundSet | None:
    """The set a path names, or None when it names none: `orders.lines`, `account.deals`, `this.lines`."""
    catalog = scope.catalog
    here, i = scope.object, 0
    base: list[str] = []
    sets: list[str] = []
    root = scope.roots.get(parts[0]) if isinstance(parts[0], str) else None
    if isinstance(root, str):
        here, i, base = root, 1, [parts[0]]
    while i < len(parts):
        if here is None or not isinstance(parts[i], str):
            return None
        name = catalog.canonical(here, parts[i])
        target = catalog.set_object(here, name)
        t = catalog.field(here, name)
        if t is not None and (t.kind != "link" or len(t.objects) != 1 or sets or i == len(parts) - 1):
            return None
        if t is not None:
            base.append(name)
            here = t.objects[0]
        elif target is not None:
            sets.append(name)
            here = target
        else:
            return None
        i += 1
    if not sets or here is None:
        return None
    return FoundSet(".".join(base), tuple(sets), here, (*base, *sets))


class _Walk:
    def __init__(self, scope: Scope, at: int) -> None:
        self.scope, self.catalog, self.at = scope, scope.catalog, at
        self.joins: list[str] = []

    def start(self, parts: tuple[Any, ...]) -> Found:
        first, scope = parts[0], self.scope
        root = scope.roots.get(first)
        if root is None and first == "me" and self.catalog.names("user"):
            root = "user"
        if isinstance(root, str):
            if len(parts) == 1:
                return Found(Path(f"{first}.id", ExprType("link", objects=(root,)), self.at), parts)
            return self._follow(root, (first,), parts[1:])
        if root is not None:
            return self._given(dict(root), (first,), parts[1:])
        if first in scope.names:
            return self._given(dict(scope.names), (), parts)
        if scope.object is None:
            known = (*scope.names, *scope.roots)
            raise Fault(
                "expr_unknown_name",
                Phrase("there is no {first!r} here", first=first),
                self.at,
                nearest(first, known),
            )
        return self._follow(scope.object, (), parts)

    def _given(self, names: dict[str, ExprType], done: tuple[Any, ...], rest: tuple[Any, ...]) -> Found:
        for n in range(len(rest), 0, -1):
            if all(isinstance(p, str) for p in rest[:n]):
                t = names.get(".".join(rest[:n]))
                if t is not None:
                    return self._beyond(t, (*done, *rest[:n]), rest[n:])
        word = ".".join(str(p) for p in rest) or done[0]
        missing = Phrase("there is no {word!r}", word=word)
        if done:
            missing = Phrase("there is no {word!r} below {above!r}", word=word, above=done[0])
        raise Fault("expr_unknown_name", missing, self.at, nearest(word, names))

    def _follow(self, here: str, done: tuple[Any, ...], rest: tuple[Any, ...]) -> Found:
        name = rest[0]
        if not isinstance(name, str):
            raise Fault("expr_path", "brackets name the object of a link to several objects", self.at)
        today = self.catalog.canonical(here, name)
        t = self.catalog.field(here, today)
        if t is None or (len(rest) > 1 and t.kind != "link"):
            for n in range(min(_LONGEST_VIRTUAL, len(rest)), 1, -1):
                dotted = (today, *rest[1:n])
                if all(isinstance(p, str) for p in dotted):
                    virtual = self.catalog.field(here, ".".join(dotted))
                    if virtual is not None:
                        return self._beyond(virtual, (*done, *dotted), rest[n:])
        if t is None:
            raise self._unknown(here, name)
        return self._beyond(t, (*done, today), rest[1:])

    def _unknown(self, here: str, name: str) -> Fault:
        if self.catalog.set_object(here, name) is not None:
            hint: str | None = Phrase(
                "{name!r} is a set: use COUNT({name}) in conditions, or a roll-up", name=name
            )
        else:
            hint = self._meant(here, name)
        return Fault(
            "expr_unknown_name", Phrase("{here} has no field {name!r}", here=here, name=name), self.at, hint
        )

    def _meant(self, here: str, name: str) -> str | None:
        """The nearest right name, or why this one cannot stand here."""
        if name in _ROOTS:
            return Phrase(
                "{name}. has no meaning here: bare names are the fields of {here}", name=name, here=here
            )
        if name.lower() in _TRUTHS:
            return Phrase("write {word}, or quote a text", word=_TRUTHS[name.lower()])
        if name.upper() in FUNCTIONS:
            return Phrase("{name}() is a function: write its brackets", name=name.upper())
        if name in self.catalog.names(here):
            return Phrase("it is a secret: it is written and never read")
        return nearest(name, (*self.catalog.names(here), *self.scope.names, *self.scope.roots))

    def _beyond(self, t: ExprType, done: tuple[Any, ...], rest: tuple[Any, ...]) -> Found:
        """A value of type `t` was reached; what stands after its dot?"""
        key = written(done)
        if not rest:
            return Found(self._value(key, t), done, tuple(self.joins))
        if t.kind == "link":
            return self._through(t, done, rest)
        part = rest[0]
        if t.kind == "json" and all(isinstance(p, str) for p in rest):
            return Found(Path(written((*done, *rest)), JSON, self.at), (*done, *rest), tuple(self.joins))
        if len(rest) == 1 and t.kind == "range" and part in _RANGE_PARTS:
            return Found(
                Path(f"{key}.{part}", t.element or ExprType("date"), self.at),
                (*done, part),
                tuple(self.joins),
            )
        if len(rest) == 1 and t == LOCATION and part in _PLACE_PARTS:
            return Found(Path(f"{key}.{part}", NUMBER, self.at), (*done, part), tuple(self.joins))
        if t.kind == "list":
            raise Fault(
                "expr_path",
                Phrase("{key!r} leads to many records", key=key),
                self.at,
                "use a roll-up or COUNT over the set",
            )
        parts = {"range": _RANGE_PARTS, "location": _PLACE_PARTS}.get(t.kind, ())
        hint = nearest(str(part), parts) or (
            Phrase("it has .{parts}", parts=" and .".join(parts)) if parts else None
        )
        raise Fault(
            "expr_path",
            Phrase("{key!r} is {t}: it has no part {part!r}", key=key, t=say_type(t), part=part),
            self.at,
            hint,
        )

    def _value(self, key: str, t: ExprType) -> Path | Parts:
        if t.kind == "range":
            ends = (Path(f"{key}.{p}", t.element or ExprType("date"), self.at) for p in _RANGE_PARTS)
            return Parts((next(ends), next(ends)), t, open=True, at=self.at)
        if t.kind == "location":
            return Parts(
                (Path(f"{key}.lat", NUMBER, self.at), Path(f"{key}.lng", NUMBER, self.at)), t, at=self.at
            )
        return Path(key, t, self.at)

    def _through(self, t: ExprType, done: tuple[Any, ...], rest: tuple[Any, ...]) -> Found:
        key = written(done)
        if isinstance(rest[0], tuple):
            object: str = self.catalog.canonical("", rest[0][0])
            if object not in t.objects:
                hint: str | None = nearest(object, t.objects) or Phrase(
                    "it points at {objects}", objects=t.objects
                )
                raise Fault(
                    "expr_path",
                    Phrase("{key!r} does not point at {object!r}", key=key, object=object),
                    self.at,
                    hint,
                )
            done, rest = (*done, (object,)), rest[1:]
            if not rest:
                return Found(
                    Path(written(done), ExprType("link", objects=(object,)), self.at), done, tuple(self.joins)
                )
        elif len(t.objects) == 1:
            object = t.objects[0]
        else:
            hint = (
                Phrase("write {key}['{objects}'].{rest}", key=key, objects=t.objects[0], rest=rest[0])
                if t.objects
                else None
            )
            raise Fault("expr_path", Phrase("{key!r} may point at several objects", key=key), self.at, hint)
        self.joins.append(written(done))
        if len(self.joins) > limits.MAX_PATH_STEPS:
            raise Fault(
                "expr_path_too_long",
                Phrase("a path follows at most {most} links", most=limits.MAX_PATH_STEPS),
                self.at,
                "put a formula field halfway",
            )
        return self._follow(object, done, rest)
