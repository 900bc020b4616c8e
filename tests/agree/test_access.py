"""Rights: the oracle, the list, the count, the totals, the search, the lookup's offers, one record, and what a save allows
say the same of every user and record of random organisations with random roles.

PATRON_ACCESS_SEED repeats a run, PATRON_ACCESS_RUNS says how many organisations.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Forbidden, NotFound, PatronError, Refused
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.model.model import Model
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.store.tables import Tables
from patron_engine.ways.explain import explain, who_can
from patron_engine.ways.read import read, read_one
from patron_engine.ways.save import begin_write, save
from patron_testing.build import ADMIN, Records, build_workspace, model_of
from patron_testing.organisation import DOCUMENTS, OBJECTS, ROLES, TITLES, Oracle, Organisation, random_roles
from patron_testing.pg import Server

SEED = int(os.environ.get("PATRON_ACCESS_SEED") or random.SystemRandom().randrange(10**6))
ORGANISATIONS = int(os.environ.get("PATRON_ACCESS_RUNS") or 10)
ROLE_SETS = 20  # for each organisation
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
    for id, user in chance.sample(sorted(org.rows["user"].items()), 2):
        actor = Actor(user=id, name=user["name"], roles=frozenset(user["roles"]))
        call = replace(world.call, model=model, tables=tables, actor=actor)
        for object in OBJECTS:
            wanted = {i for i, row in org.rows[object].items() if oracle.may(id, "read", object, row)}
            where = f"{seed}: {user['name']} {user['roles']} {object} {bodies}"
            found = _seen(world, call, object)
            assert found == wanted, where
            row = chance.choice(list(org.rows[object].values()))
            _acts(world, call, oracle, object, row, where)
        object = chance.choice(OBJECTS)
        _said(
            world,
            call,
            oracle,
            object,
            chance.choice(list(org.rows[object].values())),
            f"{seed}: {object} {bodies}",
        )


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
    return replace(model, documents=documents, expressions=expressions)


def _seen(world: Records, call: Call, object: str) -> set[str]:
    """What the ways of reading say, which must be one answer."""
    title = TITLES[object]
    try:
        page = read(
            world.conn,
            call,
            Ask(object=object, fields=("id", title), limit=100, count="exact"),
            secret=SECRET,
        )
    except NotFound:
        return set()
    ids = {r["id"] for r in page.rows()}
    assert page.count == len(ids)
    found = read(
        world.conn, call, Ask(object=object, fields=("id", title), limit=100, q=object), secret=SECRET
    )
    assert {r["id"] for r in found.rows()} == ids, "search"
    for id in sorted(ids)[:3]:
        assert read_one(world.conn, call, object, id)
    return ids


def _acts(world: Records, call: Call, oracle: Oracle, object: str, row: dict[str, Any], where: str) -> None:
    """One record: read alone, updated, deleted, handed over; nothing is kept."""
    user = str(call.actor.user)
    assert _can(lambda: read_one(world.conn, call, object, row["id"])) == oracle.may(
        user, "read", object, row
    ), where
    change = Change(action="update", object=object, id=row["id"], set={TITLES[object]: "another"})
    assert _saved(world, call, change) == oracle.may(user, "update", object, row), where
    gone = Change(action="delete", object=object, id=row["id"])
    if object in ("note", "line"):
        assert _saved(world, call, gone) == oracle.may(user, "delete", object, row), where


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
