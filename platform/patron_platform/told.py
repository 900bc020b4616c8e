"""Told: an explanation of rights in sentences, for people who know no expression language.

In: an `Explanation` of the engine, whom it is about, what may be said of the record. Out: `Told`: the answer, a line for each
role, sharing rule and single right with why or why not, and the changes that would grant it. The sentences stand in
web/texts/explained.yaml by the engine's codes; labels come from definitions. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.access.roles import given_of
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.ways.explain import Explanation, Remedy, Way
from patron_platform.web.conditions_said import said_condition
from patron_platform.web.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is said of the record: read with the rights of whoever asks, so that nothing is told that he may not read."""

    title: str = ""
    owner: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    gives: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """One change that would grant it; `opens` records would be reached by it that are not now, None where uncounted."""

    kind: str
    name: str
    scope: str
    text: str
    opens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    allowed: bool
    headline: str
    lines: tuple[Line, ...]
    cures: tuple[Cure, ...]
    below: Told | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "answer": self.headline,
            "lines": [{"gives": line.gives, "text": line.text} for line in self.lines],
            "remedies": [
                {"kind": c.kind, "name": c.name, "scope": c.scope, "text": c.text, "opens": c.opens}
                for c in self.cures
            ],
            **({"below": self.below.as_dict()} if self.below else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Says explanations about one person and one object (and record) in one language."""

    conn: psycopg.Connection[Any]
    call: Call  # of whoever asks
    reader: Reader
    t: Texts
    who: str
    object: Object
    facts: Facts | None = None

    def tell(self, said: Explanation, opens: dict[Remedy, int] | None = None) -> Told:
        words = {"who": self.who, "what": self._what(said), "action": self._action(said.action)}
        # What reading already says is not said twice: below stands only where it is what is missing.
        below = self.tell(said.below) if said.below is not None and not said.below.allowed else None
        key = "yes" if said.allowed else "no"
        if said.field:
            words["field"] = self._field(said.field)
            key += "_field"
        lines = tuple(Line(gives=w.gives, text=self._line(said, w)) for w in said.ways)
        if not lines:
            lines = (Line(gives=False, text=self.t("explained.no_roles", who=self.who)),)
        cures = tuple(self._cure(said, r, (opens or {}).get(r)) for r in said.remedies)
        ordered = sorted(cures, key=self._smallest_first)
        return Told(
            allowed=said.allowed, headline=self.t(f"explained.{key}", **words), lines=lines, cures=tuple(ordered),
            below=below,
        )  # fmt: skip

    # -- lines ----------------------------------------------------------------------------------------------------

    def _line(self, said: Explanation, way: Way) -> str:
        if way.source == "administrator":
            return self.t("explained.administrator", who=self.who)
        if way.source in ("given", "queue", "pool"):
            found = "any" if said.record is None else "yes" if way.gives else "no"
            return self.t(f"explained.{way.source}_{found}", who=self.who)
        if way.source == "sharing":
            return self._sharing(way)
        role, action = self._role(way.name), self._action(said.action)
        words: dict[str, Any] = {
            "role": role, "who": self.who, "object": self._plural(), "action": action,
        }  # fmt: skip
        if way.why == "field":
            return self.t("explained.role_field", field=self._field(said.field or ""), **words)
        if way.why == "not_for_such_users":
            kind = given_of(self.call.model).roles[way.name].for_users
            return self.t("explained.role_not_for_such_users", kind=self.t(f"explained.kind_{kind}"), **words)
        if way.why in ("not_named", "action_none", "unknown_role"):
            return self.t(f"explained.role_{way.why}", **words)
        words["scope"] = self._scope(way.scope, said.action)
        conditions = self._conditions(way)
        if way.why == "narrowed":
            return self.t("explained.role_narrowed", where=conditions, **words)
        fact = self._fact(way.scope)
        key = "role_scope" if way.why == "scope" else "role_gives_where" if conditions else "role_gives"
        if key == "role_scope" and not fact:
            key = "role_scope_plain"
        return self.t(f"explained.{key}", fact=fact, where=conditions, **words)

    def _sharing(self, way: Way) -> str:
        rules = given_of(self.call.model).sharing.get(self.object.name, ())
        rule = next((r for r in rules if r.name == way.name), None)
        label = self.reader.say(rule.label, way.name) if rule else way.name
        if way.gives:
            return self.t("explained.sharing_gives", rule=label, who=self.who)
        parts: list[str] = []
        if rule is not None:
            wanted = ["sharing_to"] + (["sharing_owned_by"] if rule.owned_by else [])
            wanted += ["sharing_where"] if rule.where is not None else []
            for key, test in zip(wanted, way.tests, strict=False):
                if test.fits is False:
                    where = self._condition(test.text) if key == "sharing_where" else ""
                    parts.append(self.t(f"explained.{key}", who=self.who, where=where))
        return self.t("explained.sharing_not", rule=label, why=self.t("explained.and").join(parts))

    def _conditions(self, way: Way) -> str:
        """What narrows a role, in words; where a record was asked about, only what it does not fit if there is such."""
        wheres = way.tests[0 if way.scope == "all" else 1 :]
        missed = [c for c in wheres if c.fits is False]
        return self.t("explained.and").join(self._condition(c.text) for c in (missed or wheres))

    def _condition(self, text: str) -> str:
        return said_condition(self.conn, self.call, self.object, text, self.reader, self.t)

    def _scope(self, scope: str, action: str) -> str:
        if scope.startswith("through "):
            links = scope.removeprefix("through ").split(", ")
            named = self.t("explained.or").join(self._field(link) for link in links)
            return self.t("explained.scope_through", who=self.who, link=named, object=self._plural())
        return self.t(f"explained.scope_{scope}", who=self.who, object=self._plural())

    def _fact(self, scope: str) -> str:
        if self.facts is None:
            return ""
        if scope in ("own", "own_and_reports"):
            if not self.facts.owner:
                return self.t("explained.fact_nobody")
            return self.t("explained.fact_owner", owner=self.facts.owner)
        if scope in ("department", "department_tree"):
            if not self.facts.department:
                return self.t("explained.fact_no_department")
            return self.t("explained.fact_department", department=self.facts.department)
        return self.t("explained.fact_link") if scope.startswith("through ") else ""

    # -- what would let him ------------------------------------------------------------------------------------------

    def _cure(self, said: Explanation, remedy: Remedy, opens: int | None) -> Cure:
        words: dict[str, Any] = {
            "who": self.who,
            "object": self._plural(),
            "action": self._action(said.action),
        }
        if remedy.kind == "share":
            words["level"] = self.t(f"explained.level_{remedy.scope}")
        elif remedy.kind == "field":
            words |= {"role": self._role(remedy.name), "field": self._field(remedy.scope)}
        else:
            words["role"] = self._role(remedy.name)
        if remedy.kind == "widen":
            words["scope"] = self._scope(remedy.scope, said.action)
        text = self.t(f"explained.cure_{remedy.kind}", **words)
        return Cure(kind=remedy.kind, name=remedy.name, scope=remedy.scope, text=text, opens=opens)

    # -- names -------------------------------------------------------------------------------------------------------

    def _what(self, said: Explanation) -> str:
        label = self.reader.say(self.object.label, self.object.name)
        if said.record is None:
            return self._plural()
        return self.t(
            "explained.the_record", object=label, title=self.facts.title if self.facts else said.record
        )

    def _plural(self) -> str:
        return self.reader.say(self.object.plural or self.object.label, self.object.name)

    def _action(self, action: str) -> str:
        return self.t(f"explained.action_{action}")

    def _role(self, name: str) -> str:
        role = given_of(self.call.model).roles.get(name)
        return name if role is None else self.reader.say(role.label, name)

    def _field(self, name: str) -> str:
        found = self.object.fields.get(self.object.aliases.get(name, name))
        return name if found is None else self.reader.say(found.label, name)

    def _smallest_first(self, cure: Cure) -> tuple[bool, bool, int, bool, int]:
        """What concerns one record, then what opens least; among equals what concerns one person, and the role that gives least."""
        return (
            cure.kind != "share",
            cure.opens is None,
            cure.opens or 0,
            cure.kind == "widen",
            self._breadth(cure),
        )

    def _breadth(self, cure: Cure) -> int:
        """How much a role gives: rights on objects, those on every other one for each object there is."""
        role = given_of(self.call.model).roles.get(cure.name)
        if role is None:
            return 0
        rights = {n: len(e.flags) + len(e.scopes) for n, e in role.objects.items()}
        rest = len(self.call.model.objects) - len(rights)
        return sum(rights.values()) + rights.get("*", 0) * rest + len(role.actions)
