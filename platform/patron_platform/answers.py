"""Answers: what somebody is told when he asks who may do what: about himself, or about others where he manages them.

In: who asks, about whom, which action on which object, record or field. Out: an `Answer`: the explanation and its sentences;
`Audience`: everybody who may see or change one record. A record the asker may not see is not there for him, whoever he asks
about. Who does not manage people is told of himself alone, without the conditions of roles and without what others have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, get_args

import psycopg

from patron_engine.access.decide import Action
from patron_engine.access.fields import readable, visible
from patron_engine.access.roles import given_of
from patron_engine.actor import SYSTEM
from patron_engine.errors import Forbidden, NotFound, Refused
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.reach import GivenRow, given_of_record
from patron_engine.query.rights import role_principal
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of
from patron_engine.ways.explain import Explanation, explain, who_can
from patron_engine.ways.opening import openings
from patron_engine.ways.read import read, read_one
from patron_platform.colleagues import Colleague, manages
from patron_platform.phrases import written
from patron_platform.told import Facts, Teller, Told
from patron_platform.web.texts import texts_in

ACTIONS: tuple[str, ...] = get_args(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to know: `id` and `field` where he asks about a record, a field."""

    object: str
    action: str = "read"
    id: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    about: Colleague
    said: Explanation
    told: Told

    def as_dict(self) -> dict[str, Any]:
        said = self.said
        made = {
            "user": self.about.id, "name": self.about.name, "on": self.about.on, "object": said.object,
            "record": said.record, "action": said.action, "field": said.field, "allowed": said.allowed,
        }  # fmt: skip
        return {**made, "ways": ways_of(said), **self.told.as_dict()}


def ways_of(said: Explanation) -> list[dict[str, Any]]:
    """The engine's codes, for programs."""
    return [
        {
            "source": w.source, "name": w.name, "scope": w.scope, "gives": w.gives, "why": w.why,
            "tests": [{"text": t.text, "fits": t.fits} for t in w.tests],
        }
        for w in said.ways
    ]  # fmt: skip


def answer(conn: psycopg.Connection[Any], call: Call, about: Colleague, asked: Asked) -> Answer:
    """Forbidden for who asks about somebody else and does not manage people; NotFound for what is not there for him."""
    managing = manages(call.model, call.actor)
    if about.id != call.actor.user and not managing:
        raise Forbidden("you may ask what you may do, not what others may", hint="an administrator may")
    object = known_object(call, asked.object)
    action = _action(asked.action)
    _known_field(call, object, asked.field)
    facts = None if asked.id is None else facts_of(conn, call, object, asked.id)
    said = explain(conn, call, about.actor, action, object.name, asked.id, asked.field)
    if not managing:
        said = _own(said)
    opens = openings(conn, call, about.actor, said) if managing else {}
    teller = Teller(
        conn=conn, call=call, reader=reader_of(call), t=texts_in(call.actor.languages[0]), who=about.name,
        object=object, facts=facts,
    )  # fmt: skip
    return Answer(about=about, said=said, told=teller.tell(said, opens))


def reader_of(call: Call) -> Reader:
    """How values in sentences are written, where no page says it."""
    languages = call.actor.languages
    place = call.model.workspace
    return Reader(
        languages=languages, zone=place.zone, currency=place.currency, now=call.now,
        words=lambda text: written(text, languages),
    )  # fmt: skip


def facts_of(conn: psycopg.Connection[Any], call: Call, object: Object, id: str) -> Facts:
    """What the asker reads of the record."""
    read_one(conn, call, object.name, id, fields=("id",))
    seen = visible(call.model, call.actor, object.name)
    wanted = tuple(dict.fromkeys(("id", *(n for n in (object.title, "owner", "department") if n in seen))))
    ask = Ask(object=object.name, ids=(id,), fields=wanted, voided="yes")
    row = read(conn, call, ask, secret=b"").rows()[0]
    return Facts(
        title=title_of(object, row), owner=_title(row.get("owner")), department=_title(row.get("department"))
    )


def _title(value: Any) -> str:
    return str(value.get("title") or "") if isinstance(value, dict) else ""


def _action(text: str) -> Action:
    if text not in ACTIONS:
        raise Refused(
            [
                Problem(
                    code="unknown_action", message=Phrase("there is no action {text!r}", text=text[:60]), path="action",
                    hint=nearest(text[:60], ACTIONS) or Phrase("known are {known}", known=list(ACTIONS)),
                )
            ]
        )  # fmt: skip
    found: Action = text  # type: ignore[assignment]
    return found


def _known_field(call: Call, object: Object, field: str | None) -> None:
    names = visible(call.model, call.actor, object.name)
    if field is not None and object.aliases.get(field, field) not in names:
        raise NotFound(
            Phrase("{object} has no field {field!r}", object=object.name, field=field[:60]),
            code="unknown_field",
        )


def _own(said: Explanation) -> Explanation:
    """What somebody is told of himself: conditions may name what he may not read, other roles are not his to know."""
    return replace(
        said,
        ways=tuple(replace(w, tests=()) for w in said.ways),
        remedies=tuple(r for r in said.remedies if r.kind in ("share", "read_first")),
        below=None if said.below is None else _own(said.below),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaching:
    """Somebody who may see a record, and whether he may change it."""

    id: str
    name: str
    edits: bool
    administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    people: tuple[Reaching, ...]
    more: bool
    given: tuple[tuple[str, GivenRow], ...]  # with the name of whom it was given to


def owns(conn: psycopg.Connection[Any], call: Call, object: Object, id: str) -> bool:
    """Whether the record is the asker's own."""
    if "owner" not in readable(call.model, call.actor, object.name) or call.actor.user is None:
        return False
    ask = Ask(object=object.name, ids=(id,), fields=("id", "owner"), voided="yes")
    found = read(conn, call, ask, secret=b"").rows()
    owner = found[0].get("owner") if found else None
    return isinstance(owner, dict) and owner.get("id") == call.actor.user


def audience(conn: psycopg.Connection[Any], call: Call, object: Object, id: str) -> Audience:
    """Everybody who is on and may see the record. The caller has asked whether this may be told."""
    reading, more = who_can(conn, call, "read", object.name, id)
    editing = {p.id for p in who_can(conn, call, "update", object.name, id)[0]}
    everything = names_of(conn, call, "user", call.administrators())
    people = [Reaching(id=i, name=n, edits=True, administrator=True) for i, n in sorted(everything.items(), key=lambda p: p[1])]  # fmt: skip
    people += [
        Reaching(id=p.id, name=p.name, edits=p.id in editing) for p in reading if p.id not in everything
    ]
    given = given_of_record(conn, call, object.name, id)
    return Audience(people=tuple(people), more=more, given=tuple(_named(conn, call, given)))


def _named(conn: psycopg.Connection[Any], call: Call, given: list[GivenRow]) -> list[tuple[str, GivenRow]]:
    names: dict[str, str] = {}
    ids = frozenset(g.principal for g in given)
    for object in ("user", "department", "group"):
        if object in call.model.objects and ids:
            names |= names_of(conn, call, object, ids)
    reader = reader_of(call)
    roles = {role_principal(n): reader.say(r.label, n) for n, r in given_of(call.model).roles.items()}
    return [(names.get(g.principal) or roles.get(g.principal) or "?", g) for g in given]


def names_of(conn: psycopg.Connection[Any], call: Call, object: str, ids: frozenset[str]) -> dict[str, str]:
    """The titles of records, read as the workspace itself: whoever may be told of them knows whom he deals with."""
    if not ids or object not in call.model.objects:
        return {}
    found = call.model.objects[object]
    ask = Ask(object=object, ids=tuple(sorted(ids)[:500]), fields=("id", found.title), limit=500)
    return {
        str(r["id"]): title_of(found, r)
        for r in read(conn, replace(call, actor=SYSTEM), ask, secret=b"").rows()
    }
