"""The way explain: why somebody may do something, or may not, and what is the least that would change it.

In: a connection, a call of whoever asks, the person asked about, an action on an object, a record or a field. Out: an
`Explanation`: every role, sharing rule and single right that gives it or might have, each with what it wants and whether
the record fits; and the changes that would let him, the smallest first. The same grants and the same SQL decide here and in
every list, so an explanation cannot differ from what happens. Whoever may not manage people may ask about himself only: the
platform sees to that.

    grants   what the person has, and what others would have given     access/grants.py
    fits     each condition of each grant against the record           query/fitting.py
    changes  share this record · another scope · a role · read first
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg

from patron_engine.access.decide import Action, Allow, When, field_rule
from patron_engine.access.grants import Grant, grants_of, object_grants, roles_of
from patron_engine.access.roles import FLAGS, Role, given_of
from patron_engine.actor import Actor
from patron_engine.errors import NotFound
from patron_engine.expr.nodes import Expression
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.model.model import Model, Object
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.fitting import Person, audiences, fitting, who_reads

MAX_PEOPLE = 500  # named in one answer

Why = Literal[
    "gives", "not_named", "action_none", "scope", "narrowed", "not_for_such_users", "unknown_role", "not_given",
    "not_shared", "needs_object", "field",
]  # fmt: skip
Kind = Literal["share", "give_role", "widen", "read_first", "field"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One condition of a way: its words in the expression language or of scopes, and whether the record fits it; None
    where no record was asked about."""

    text: str
    fits: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One role, sharing rule or single right, whether it gives what was asked, and why or why not."""

    source: Literal["administrator", "role", "sharing", "given", "queue", "pool"]
    name: str
    scope: str
    gives: bool
    why: Why
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One change that would let him: sharing the record, another scope of a role he has, a role he has not."""

    kind: Kind
    name: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`record` and `field` as asked. `below` explains the reading of the record where another action needs it."""

    user: str
    action: Action
    object: str
    record: str | None
    field: str | None
    allowed: bool
    ways: tuple[Way, ...]
    remedies: tuple[Remedy, ...]
    below: Explanation | None = None


def explain(
    conn: psycopg.Connection[Any], call: Call, who: Actor, action: Action, object: str, id: str | None = None,
    field: str | None = None,
) -> Explanation:  # fmt: skip
    """NotFound for an object or field that is none, and for a record that is not there for anybody."""
    found = call.model.object(object)
    if found is None:
        raise NotFound(Phrase("there is no object {object!r}", object=object), code="unknown_object")
    if field is not None and found.field(field) is None:
        raise NotFound(
            Phrase("{object} has no field {field!r}", object=object, field=field), code="unknown_field"
        )
    return _Explaining(conn, replace(call, actor=who), found, _id(id)).answer(action, field)


def _id(id: str | None) -> str | None:
    try:
        return None if id is None else read_id(id)
    except ValueFault:
        raise NotFound("there is no such record") from None


class _Explaining:
    def __init__(self, conn: psycopg.Connection[Any], call: Call, object: Object, id: str | None) -> None:
        self.conn, self.call, self.object, self.id = conn, call, object, id
        self.model: Model = call.model
        self.who = call.actor

    def answer(self, action: Action, field: str | None) -> Explanation:
        grants = [g for g in grants_of(self.model, self.who) if g.covers(self.object.name, action)]
        ways = [*self._having(grants), *self._missing(action, grants)]
        below = self.answer("read", None) if action != "read" else None
        allowed = any(w.gives for w in ways) and (below is None or below.allowed)
        if allowed and field is not None:
            allowed, ways = self._field(action, field, ways)
        remedies: tuple[Remedy, ...] = ()
        if not allowed:
            remedies = tuple(self._remedies(action, field, ways, below))
        return Explanation(
            user=self.who.user or "", action=action, object=self.object.name, record=self.id, field=field,
            allowed=allowed, ways=tuple(sorted(ways, key=lambda w: not w.gives)), remedies=remedies, below=below,
        )  # fmt: skip

    def _having(self, grants: Sequence[Grant]) -> Iterator[Way]:
        """What he has been given for this action, and whether the record fits."""
        for grant in grants:
            parts = grant.parts or ((grant.condition,) if grant.condition is not None else ())
            truths = self._fit(parts)
            gives = all(t is not False for t in truths)
            scoped = bool(truths) and truths[0] is False
            missing: Why = {
                "given": "not_given",
                "queue": "not_given",
                "pool": "not_given",
                "sharing": "not_shared",
            }.get(grant.source, "scope" if scoped and grant.scope != "all" else "narrowed")  # type: ignore[assignment]
            yield Way(
                source=grant.source, name=grant.name, scope=grant.scope, gives=gives, why="gives" if gives else missing,
                tests=tuple(Test(text=p.source, fits=t) for p, t in zip(parts, truths, strict=True)),
            )  # fmt: skip

    def _fit(self, parts: Sequence[Expression]) -> tuple[bool | None, ...]:
        if self.id is None or not parts:
            return (None,) * len(parts)
        found = fitting(self.conn, self.call, self.object.name, self.id, parts)
        if found is None:
            raise NotFound(Phrase("there is no such {object}", object=self.object.name))
        return found

    def _missing(self, action: Action, grants: Sequence[Grant]) -> Iterator[Way]:
        """His roles that give nothing of this, and why."""
        named = {g.name for g in grants if g.source == "role"}
        roles = given_of(self.model).roles
        for name in sorted(self.who.roles - named):
            role = roles.get(name)
            why: Why = "not_named"
            if role is None:
                why = "unknown_role"
            elif role.for_users != self.who.kind:
                why = "not_for_such_users"
            elif role.of(self.object.name) is not None:
                why = "action_none"
            yield Way(source="role", name=name, scope="none", gives=False, why=why)

    def _field(self, action: Action, field: str, ways: list[Way]) -> tuple[bool, list[Way]]:
        """A field on top of the record: the ways that reach the record but not the field are told so."""
        found = self.object.fields[self.object.aliases.get(field, field)]
        rule = field_rule(self.model, self.who, found)
        decision = rule.plain if action in ("read", "export") else rule.edit
        fits = isinstance(decision, Allow)
        if isinstance(decision, When):
            fits = self._fit((decision.condition,))[0] is not False
        if fits:
            return True, ways
        return False, [replace(w, gives=False, why="field") if w.gives else w for w in ways]

    def _remedies(
        self, action: Action, field: str | None, ways: Sequence[Way], below: Explanation | None
    ) -> Iterator[Remedy]:
        """From what concerns this record alone to what opens most."""
        if any(w.why == "field" for w in ways):
            yield from (
                Remedy(kind="field", name=w.name, scope=field or "")
                for w in ways
                if w.source == "role" and w.why == "field"
            )
            return
        if below is not None and not below.allowed and any(w.gives for w in ways):
            yield from below.remedies
            return
        knows = any(g.covers(self.object.name, "read") for g in grants_of(self.model, self.who))
        if self.id is not None and action in ("read", "update") and knows and self.who.kind != "portal":
            yield Remedy(kind="share", scope="read" if action == "read" else "edit")
        for role in roles_of(self.model, self.who):
            scope = self._wider(role, action)
            if scope is not None:
                yield Remedy(kind="widen", name=role.name, scope=scope)
        for name, role in sorted(given_of(self.model).roles.items()):
            if name not in self.who.roles and role.for_users == self.who.kind and self._would(role, action):
                yield Remedy(kind="give_role", name=name)

    def _wider(self, role: Role, action: Action) -> str | None:
        """The narrowest scope of this action by which the role would reach the record, where the role knows the object and
        another scope would do."""
        entry = role.of(self.object.name)
        if entry is None or action in FLAGS or (action != "read" and "read" not in entry.scopes):
            return None
        for scope in ("own", "own_and_reports", "department", "department_tree", "all"):
            wider = replace(
                role, objects={self.object.name: replace(entry, scopes={**entry.scopes, action: scope})}
            )
            if self._would(wider, action):
                return scope
        return None

    def _would(self, role: Role, action: Action) -> bool:
        grants = [g for g in object_grants(self.model, self.object, (role,), self.who) if g.source == "role"]
        for needed in {"read", action}:
            having = [g for g in grants if needed in (g.actions or ())]
            if not any(all(t is not False for t in self._fit(g.parts)) for g in having):
                return False
        return True


def who_can(
    conn: psycopg.Connection[Any], call: Call, action: Action, object: str, id: str
) -> tuple[list[Person], bool]:
    """The people who may do this to the record, by name, and whether there are more than `MAX_PEOPLE`. Asked in one
    statement for all people of the same roles."""
    record = _id(id)
    assert record is not None
    found: list[Person] = []
    for kind, roles, _ in audiences(conn, call):
        actor = Actor(user=None, kind=kind, roles=frozenset(roles))  # type: ignore[arg-type]
        found += who_reads(conn, call, actor, action, object, record, MAX_PEOPLE + 1)
    found.sort(key=lambda p: (p.name, p.id))
    return found[:MAX_PEOPLE], len(found) > MAX_PEOPLE


def what_can(call: Call, who: Actor) -> dict[str, dict[str, str]]:
    """Object -> action -> "all", "some" or nothing: what roles and sharing rules let a person do, without looking at records.
    What was given to him record by record is not counted."""
    made: dict[str, dict[str, str]] = {}
    for object in call.model.objects:
        for grant in grants_of(call.model, who):
            if grant.source in ("given", "queue", "pool"):
                continue
            for action in sorted(grant.actions or ()):
                if grant.covers(object, action):
                    here = made.setdefault(object, {})
                    here[action] = "all" if grant.condition is None else here.get(action, "some")
    return made
