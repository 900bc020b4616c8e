"""Rehearse: runs the `check` documents a publication touches, against tables of their own, and leaves nothing.

In: a compiled model that is not in force. Out: the names of the checks that ran and a Problem for each that failed. A
throwaway schema is made inside a transaction that is always rolled back, so no live table is read, written or locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from patron_engine.actor import SYSTEM, Actor, Cause
from patron_engine.clock import Clock, new_id
from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.fields.field import LinkSpec
from patron_engine.meta.diff import DocumentChange
from patron_engine.model.model import LINKS, Model
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change
from patron_engine.store.apply import apply
from patron_engine.store.desired import desired
from patron_engine.store.migrations import make_schema
from patron_engine.store.plan import plan
from patron_engine.store.shape import IndexShape, SchemaShape, TableShape
from patron_engine.store.tables import Tables
from patron_engine.ways.attested import totals, unseen
from patron_engine.ways.expected import same, shown
from patron_engine.ways.merge import merge
from patron_engine.ways.packdata import wire_value, write_data
from patron_engine.ways.passing import moment_of, pass_time, press_button
from patron_engine.ways.rehearsed import ACTS, HANDS, act_on, hand_on, listed, names_of, user_values
from patron_engine.ways.save import save
from patron_engine.ways.staging import before_people, belongings, with_settings
from patron_engine.ways.touched import touched_checks

_SAVED = {"create", "update", "delete", "restore", "void"}
RUNS = ACTS | HANDS | _SAVED | {"read", "button", "wait"}  # what a check may do


def make_tables(conn: psycopg.Connection[Any], model: Model) -> str:
    """A throwaway schema with every table of the model, empty, in the open transaction; its name."""
    schema = f"check__{new_id().replace('-', '')}"
    make_schema(conn, schema)
    wanted = desired(model, schema)
    bare = {name: replace(table, indexes=_unique_ones(table)) for name, table in wanted.tables.items()}
    apply(conn, plan(replace(wanted, tables=bare), SchemaShape(name=schema, tables={})))
    return schema


def _unique_ones(table: TableShape) -> dict[str, IndexShape]:
    """Over a handful of rows an index only costs; the unique ones are rules."""
    return {name: index for name, index in table.indexes.items() if index.unique}


class _Done(Exception):
    """Ends the rehearsal's transaction."""


@dataclass(slots=True)
class Stage:
    """One check under way: its people and records by the names it gives them."""

    conn: psycopg.Connection[Any]
    call: Call
    users: dict[str, str] = field(default_factory=dict)
    records: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> (object, id)
    roles: dict[str, frozenset[str]] = field(default_factory=dict)

    def acting(self, name: str | None) -> Call:
        """As the named user, with the rights of his roles; one for whom the check names none is an administrator."""
        if name is None or name == "system":
            return self.call
        roles = self.roles.get(name, frozenset())
        actor = Actor(user=self.users[name], name=name, administrator=not roles, roles=roles)
        return replace(self.call, actor=actor, cause=Cause())

    def values(self, object: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """A check's values in the form the API takes: a link may name a record or user of the check."""
        found = self.call.model.object(object)
        if found is None:
            raise NotFound(Phrase("there is no object {object!r}", object=object))
        made: dict[str, Any] = {}
        for name, value in values.items():
            one = found.field(name)
            made[name] = self._link(one.link, value) if one is not None and one.type in LINKS else None
            if made[name] is None:
                made[name] = wire_value(one, value, self.call.model)
        return made

    def _link(self, spec: LinkSpec, value: Any) -> Any:
        if isinstance(value, list):
            return [self._link(spec, item) or item for item in value]
        if isinstance(value, dict) and value.get("id") in self.records:
            return {**value, "id": self.records[value["id"]][1]}
        if not isinstance(value, str):
            return None
        found = ("user", self.users[value]) if value in self.users else self.records.get(value)
        if found is None:
            return None
        return {"object": found[0], "id": found[1]} if spec.several else found[1]


def rehearse(
    conn: psycopg.Connection[Any],
    model: Model,
    changes: Iterable[DocumentChange],
    clock: Clock,
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Runs the checks that touch what changes. `conn` must be outside a transaction."""
    checks = touched_checks(model, changes)
    problems: list[Problem] = []
    if not checks:
        return (), ()
    try:
        with conn.transaction():
            schema = make_tables(conn, model)
            write_data(conn, schema, model, clock)
            for body in checks:
                problems.extend(_run_alone(conn, schema, model, body, clock))
            raise _Done
    except _Done:
        pass
    return tuple(body["name"] for body in checks), tuple(problems)


def _run_alone(
    conn: psycopg.Connection[Any], schema: str, model: Model, body: Mapping[str, Any], clock: Clock
) -> list[Problem]:
    problems: list[Problem] = []
    try:
        with conn.transaction():
            problems = _run(conn, schema, model, body, clock)
            raise _Done
    except _Done:
        return problems
    except PatronError as error:
        detail = "; ".join(str(p) for p in error.problems) if isinstance(error, Refused) else error.detail
        return [_problem(body, "given", Phrase("cannot be set up: {detail}", detail=detail))]


def _run(
    conn: psycopg.Connection[Any], schema: str, model: Model, body: Mapping[str, Any], clock: Clock
) -> list[Problem]:
    given = body.get("given", {})
    model = with_settings(model, given.get("settings", {}))
    now, users = moment_of(given.get("now"), model) or clock(), dict[str, str]()
    call = Call(
        workspace=schema, schema=schema, model=model, tables=Tables(model, schema), actor=SYSTEM, now=now,
        cause=Cause(kind="system"), new_id=new_id,
        administrators=lambda: frozenset(id for name, id in users.items() if not stage.roles.get(name)),
    )  # fmt: skip
    stage = Stage(conn, call, users)
    _people_and_records(stage, given)
    problems = []
    for index, step in enumerate(body["steps"]):
        problems += _step(stage, body, step, f"steps[{index}]")
    for index, then in enumerate(body.get("then", ())):
        path = f"then[{index}]"
        if "list" in then:
            problems += [_problem(body, path, what) for what in listed(conn, stage.acting(then.get("as")), then, stage.records)]  # fmt: skip
        problems += [_problem(body, path, what) for what in _attested(stage, then)]
        problems += _compare(stage, body, then.get("read"), then.get("values", {}), path)
    return problems


def _people_and_records(stage: Stage, given: Mapping[str, Any]) -> None:
    people = given.get("users", ())
    first, rest = before_people(given)
    for record in first:
        _create(stage, stage.call, record, record["name"])
    known = dict(belongings(stage.conn, stage.call, people, late=False))
    for user in people:
        values = {**user_values(stage.call.model, user, stage.users), **known.get(user["name"], {})}
        change = Change(action="create", object="user", set=stage.values("user", values))
        stage.users[user["name"]] = str(save(stage.conn, stage.call, [change])[0].id)
        stage.roles[user["name"]] = frozenset(user.get("roles", ()))
    for record in rest:
        _create(stage, stage.call, record, record["name"])
    for name, values in belongings(stage.conn, stage.call, people, late=True):
        if values != known.get(name):
            change = Change(action="update", object="user", id=stage.users[name], set=values)
            save(stage.conn, stage.call, [change])


def _attested(stage: Stage, then: Mapping[str, Any]) -> list[Phrase]:
    looking, record = stage.acting(then.get("as")), stage.records.get(then.get("read", ""))
    found = totals(stage.conn, looking, then) if "report" in then else []
    return [*found, *(unseen(stage.conn, looking, then, record) if record is not None else ())]


def _create(stage: Stage, call: Call, record: Mapping[str, Any], name: str | None) -> None:
    values = dict(record.get("set", {}))
    if "owner" in record:
        values["owner"] = record["owner"]
    wire = stage.values(record["object"], values)
    found = stage.call.model.object(record["object"])
    for set_name, details in record.get("details", {}).items():
        child = found.sets[set_name].object if found else ""
        wire[set_name] = [stage.values(child, detail) for detail in details]
    confirm = frozenset(record.get("confirm", ()))
    made = save(
        stage.conn, call, [Change(action="create", object=record["object"], set=wire, confirm=confirm)]
    )
    if name is not None:
        stage.records[name] = (record["object"], str(made[0].id))


def _step(stage: Stage, body: Mapping[str, Any], step: Mapping[str, Any], path: str) -> list[Problem]:
    if step["do"] not in RUNS:
        return [_problem(body, path, Phrase("there is no step {do}", do=step["do"]))]
    expected = names_of(step.get("refused"))
    try:
        with stage.conn.transaction():
            _do(stage, step)
    except PatronError as error:
        problems = getattr(error, "problems", ())
        named = {error.code, *(name for p in problems for name in (p.rule, p.code) if name)}
        wanted = expected | names_of(step.get("warned"))
        if ("refused" not in step and "warned" not in step) or not wanted <= named:
            said = "; ".join(str(p) for p in problems) or error.detail
            what = Phrase("was refused: {said}", said=said)
            if wanted:
                what = Phrase("was refused, not by {wanted}: {said}", wanted=sorted(wanted - named), said=said)  # fmt: skip
            return [_problem(body, path, what)]
        return []
    if "refused" in step:
        return [_problem(body, path, Phrase("must be refused ({refused}) and was not", refused=step["refused"]))]  # fmt: skip
    return _compare(stage, body, step.get("record") or step.get("name"), step.get("values", {}), path)


def _do(stage: Stage, step: Mapping[str, Any]) -> None:
    call = stage.acting(step.get("as"))
    if step["do"] == "create":
        _create(stage, call, step, step.get("name"))
    elif step["do"] == "wait":
        stage.call = pass_time(stage.conn, stage.call, step.get("after", "0 minutes"))
    elif step["do"] != "read":
        if step["record"] not in stage.records:
            raise NotFound(Phrase("there is no record {record!r}: the step that makes it was refused", record=step["record"]))  # fmt: skip
        object, id = stage.records[step["record"]]
        values = stage.values(object, step.get("set", {}))
        if step["do"] in HANDS:
            return _hand(stage, call, step, object, id)
        if step["do"] in ACTS:
            act_on(stage.conn, call, {**step, "set": values}, object, id)
            return
        confirm = frozenset(step.get("confirm", ()))
        if step["do"] == "button":
            return press_button(stage.conn, call, object, id, step["button"], values)
        save(stage.conn, call, [Change(action=step["do"], object=object, id=id, set=values, confirm=confirm)])


def _hand(stage: Stage, call: Call, step: Mapping[str, Any], object: str, id: str) -> None:
    """To somebody; merged, a record's name means from then on the one that took it in."""
    to = step.get("to")
    if step["do"] != "merge":
        hand_on(stage.conn, call, step["do"], (object, id), stage.users.get(to or ""), to)
        return
    if to is None or to not in stage.records:
        raise NotFound(Phrase("there is no record {record!r}: the step that makes it was refused", record=to))
    merge(stage.conn, call, object, stage.records[to][1], [id], confirm=frozenset(step.get("confirm", ())))
    stage.records[step["record"]] = stage.records[to]


def _compare(
    stage: Stage, body: Mapping[str, Any], name: str | None, values: Mapping[str, Any], path: str
) -> list[Problem]:
    if not values or name is None:
        return []
    if name not in stage.records:
        missing = Phrase("there is no record {name!r}: the step that makes it was refused", name=name)
        return [_problem(body, path, missing)]
    object, id = stage.records[name]
    found = fetch_values(stage.conn, stage.call, object, [id], tuple(values), money="own").get(id, {})
    problems = []
    for field_name, wanted in stage.values(object, values).items():
        is_now = found.get(field_name)
        if not same(stage.call.model, object, field_name, is_now, wanted):
            what = Phrase("is {is_now}, not {wanted}", is_now=shown(is_now), wanted=shown(wanted))
            problems.append(_problem(body, f"{path}.values.{field_name}", what))
    return problems


def _problem(body: Mapping[str, Any], path: str, message: str) -> Problem:
    return Problem(
        code="check_failed", message=Phrase("check {body}: {message}", body=body["name"], message=message), path=path,
        rule=body["name"],
    )  # fmt: skip
