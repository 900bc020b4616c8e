"""Rights: the oracle, the list, the count, the totals, the search, the lookup's offers, the export, one record, what a save
allows and the explanations say the same of users and records of random organisations with random roles. Each role set is asked
by one person, each of his objects in one way of looking and one act: all ways are held against the oracle, not each other.

PATRON_ACCESS_SEED repeats a run, PATRON_ACCESS_RUNS says how many organisations.
"""

from __future__ import annotations

import csv
import io
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from patron_engine.access.decide import Deny, row_rule
from patron_engine.actor import Actor
from patron_engine.errors import Forbidden, NotFound, PatronError, Refused
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.model.model import Model
from patron_engine.page.lookup import choices_for
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.groups import groups
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.store.tables import Tables
from patron_engine.transfer.export import export
from patron_engine.ways.explain import explain, who_can
from patron_engine.ways.read import read, read_one
from patron_engine.ways.save import begin_write, save
from patron_testing.build import ADMIN, Records, build_workspace, model_of
from patron_testing.organisation import (
    DOCUMENTS,
    OBJECTS,
    ROLES,
    TITLES,
    Oracle,
    Organisation,
    fits,
    random_roles,
)
from patron_testing.pg import Server

SEED = int(os.environ.get("PATRON_ACCESS_SEED") or random.SystemRandom().randrange(10**6))
ORGANISATIONS = int(os.environ.get("PATRON_ACCESS_RUNS") or 10)
ROLE_SETS = 20  # for each organisation
SAID = 0.2  # of the role sets have their explanations asked, which take as long as all the rest
SECRET = b"a key of the tests"


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[Records]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield Records(conn, build_workspace(conn, DOCUMENTS))
    server.drop(url)


@pytest.mark.parametrize("n", range(ORGANISATIONS))
def test_everybody_asked_any_way_gets_the_oracles_answer(world: Records, n: int) -> None:
    chance = random.Random(SEED * 1000 + n)
    with world.conn.transaction(force_rollback=True):
        org = Organisation(world, chance.randrange(10**9))
        for _ in range(ROLE_SETS):
            with world.conn.transaction(force_rollback=True):
                _agree(world, org, chance, f"PATRON_ACCESS_SEED={SEED} n={n}")


def _agree(world: Records, org: Organisation, chance: random.Random, seed: str) -> None:
    bodies = random_roles(chance)
    oracle = Oracle(org, bodies)
    for id, user in org.rows["user"].items():
        user["roles"] = sorted(chance.sample(ROLES, chance.randint(0, 2)))
        world.conn.execute('UPDATE w_test."user" SET roles = %s WHERE id = %s', (user["roles"] or None, id))
    model = _with_roles(model_of(DOCUMENTS), bodies)
    tables = Tables(model, world.call.schema)
    id, user = chance.choice(sorted(org.rows["user"].items()))
    actor = Actor(user=id, name=user["name"], roles=frozenset(user["roles"]))
    call = replace(world.call, model=model, tables=tables, actor=actor)
    for object in OBJECTS:
        wanted = {i for i, row in org.rows[object].items() if oracle.may(id, "read", object, row)}
        where = f"{seed}: {user['name']} {user['roles']} {object} {bodies}"
        if object in _known(call):
            way = chance.choice(WAYS)
            try:
                said = way(Look(world, call, org, object, wanted))
            except (
                AssertionError
            ) as error:  # what a way finds by itself is told with the seed that repeats it
                raise AssertionError(f"{way.__name__} {where}: {error}") from error
            assert said is None or said == wanted, f"{way.__name__} {where}"
        else:
            assert not wanted, where
        row = chance.choice(list(org.rows[object].values()))
        act = chance.choice(
            ("read", "update", "delete") if object in ("line", "note") else ("read", "update")
        )
        assert _may(world, call, act, object, row) == oracle.may(id, act, object, row), f"{act} {where}"
    if chance.random() < SAID:
        object = chance.choice(OBJECTS)
        row = chance.choice(list(org.rows[object].values()))
        _said(world, call, oracle, object, row, f"{seed}: {object} {bodies}")


def _known(call: Call) -> set[str]:
    return {o for o in OBJECTS if not isinstance(row_rule(call.model, call.actor, "read", o), Deny)}


@dataclass(frozen=True)
class Look:
    """One object as somebody sees it, and the records that are his by the oracle."""

    world: Records
    call: Call
    org: Organisation
    object: str
    wanted: set[str]

    def page(self, **more: Any) -> Any:
        fields = ("id", TITLES[self.object])
        ask = Ask(object=self.object, fields=fields, limit=100, **more)
        return read(self.world.conn, self.call, ask, secret=SECRET)


def by_list(it: Look) -> set[str]:
    return {r["id"] for r in it.page(sort=(f"-{TITLES[it.object]}",)).rows()}


def by_count(it: Look) -> None:
    assert it.page(count="exact").count == len(it.wanted)


def by_search(it: Look) -> set[str]:
    return {r["id"] for r in it.page(q=it.object).rows()}


def by_totals(it: Look) -> None:
    """Figures over groups, and a sum, are those of the records he sees."""
    by = {"account": "grade", "deal": "stage", "line": "deal", "note": "text"}[it.object]
    sums = [n for n in ("size", "amount") if n in it.call.model.objects[it.object].fields]
    found = groups(it.world.conn, it.call, Ask(object=it.object), by, sums)
    rows = [it.org.rows[it.object][i] for i in it.wanted]
    assert sum(g.count for g in found) == len(rows)
    for at, name in enumerate(sums):
        assert sum(g.sums[at] for g in found) == sum(r[name] or 0 for r in rows)


def by_export(it: Look) -> None:
    """A file holds what he sees of what his roles let him export, once they say so."""
    roles = {b["name"]: _exporting(b) for (kind, _), b in it.call.model.documents.items() if kind == "role"}
    documents = {**it.call.model.documents, **{("role", name): body for name, body in roles.items()}}
    model = replace(it.call.model, documents=documents)
    call = replace(it.call, model=model, tables=Tables(model, it.call.schema))
    target = io.BytesIO()
    try:
        export(it.world.conn, call, it.object, target, fields=("id",))
    except Forbidden:
        assert isinstance(row_rule(model, call.actor, "export", it.object), Deny)
        return
    told = {r["id"] for r in csv.DictReader(io.StringIO(target.getvalue().decode()))}
    mine = [roles[name]["objects"] for name in call.actor.roles]
    assert told == {i for i in it.wanted if _exported(it.org, mine, it.object, i)}, "export"


def _exporting(role: dict[str, Any]) -> dict[str, Any]:
    return {**role, "objects": {o: {**entry, "export": True} for o, entry in role["objects"].items()}}


def _exported(org: Organisation, roles: list[dict[str, Any]], object: str, id: str) -> bool:
    row = org.rows[object][id]
    if object == "line":
        return _exported(org, roles, "deal", row["deal"])
    entries = [e for e in (r.get(object) or r.get("*") for r in roles) if e is not None]
    wheres = [e.get("where", {}).get("read") for e in entries]
    return any(where is None or fits(org, object, where, row) for where in wheres)


def by_offers(it: Look) -> set[str] | None:
    """What a link to the object offers."""
    link = {"account": ("deal", "account"), "deal": ("line", "deal")}.get(it.object)
    if link is None:
        return None
    field = it.call.model.objects[link[0]].fields[link[1]]
    found = choices_for(
        it.world.conn,
        it.call,
        Reader(languages=("en",), zone=it.call.model.workspace.zone, currency="CNY", now=datetime.now(UTC)),
        field,
        "",
        {},
        SECRET,
    )
    return {c.value for c in found}


WAYS: tuple[Callable[[Look], set[str] | None], ...] = (
    by_list,
    by_count,
    by_search,
    by_totals,
    by_export,
    by_offers,
)


def _may(world: Records, call: Call, act: str, object: str, row: dict[str, Any]) -> bool:
    """One record: read alone, updated, deleted; nothing is kept."""
    if act == "read":
        return _can(lambda: read_one(world.conn, call, object, row["id"]))
    if act == "update":
        return _saved(
            world, call, Change(action="update", object=object, id=row["id"], set={TITLES[object]: "another"})
        )
    return _saved(world, call, Change(action="delete", object=object, id=row["id"]))


def _with_roles(model: Model, bodies: list[dict[str, Any]]) -> Model:
    """The release with these documents, which change no table: only what the compiler makes of them is made anew."""
    expressions = dict(model.expressions)
    catalog = ReadableCatalog(Tables(model, "w_test"), ADMIN)
    for body in bodies:
        wheres = {("where",): (body["object"], body["where"])} if "where" in body else {}
        for object, entry in body.get("objects", {}).items():
            for action, text in entry.get("where", {}).items():
                wheres["objects", object, "where", action] = (object, text)
        for path, (object, text) in wheres.items():
            made = compile_expression(text, Scope(catalog=catalog, object=object, rows=True, aggregates=True))
            assert isinstance(made, Expression), made
            expressions[body["kind"], body["name"], ".".join(path)] = made
    documents = {**model.documents, **{(b["kind"], b["name"]): b for b in bodies}}
    return replace(
        model, documents=documents, expressions=expressions, fingerprint=uuid4().hex
    )  # unlike any other


def _said(world: Records, call: Call, oracle: Oracle, object: str, row: dict[str, Any], where: str) -> None:
    """What the explanation says of one record, and whom it names."""
    user = str(call.actor.user)
    for action in ("read", "update"):
        said = explain(world.conn, call, call.actor, action, object, row["id"])
        assert said.allowed == oracle.may(user, action, object, row), f"{said}\n{where}"
        assert said.allowed or all(not w.gives for w in said.ways) or said.below is not None
    people, _ = who_can(world.conn, call, "read", object, row["id"])
    assert {p.id for p in people} == {
        u for u in oracle.org.rows["user"] if oracle.may(u, "read", object, row)
    }, where


def _can(act: Any) -> bool:
    try:
        return bool(act())
    except (NotFound, Forbidden):
        return False


def _saved(world: Records, call: Call, change: Change) -> bool:
    try:
        with world.conn.transaction(force_rollback=True):
            begin_write(world.conn, call)
            return bool(save(world.conn, call, [change]))
    except (NotFound, Forbidden):
        return False
    except Refused as refused:
        assert {p.code for p in refused.problems} <= {"forbidden", "not_found"}, refused.problems
        return False
    except PatronError as other:  # pragma: no cover - says what came instead
        raise AssertionError(f"{type(other).__name__} {other.code} {other}") from other
