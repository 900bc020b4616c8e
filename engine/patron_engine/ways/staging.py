"""Staging: what a check says is there before: settings, people with their department and position, records. Part of ways/rehearse.

In: the model, what the check gives. Out: a model with these settings; the order in which records are made; what people are
given once departments stand. Refused, with the place, for a setting of another type and for a code nobody has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from psycopg import sql

from patron_engine.errors import Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Model
from patron_engine.model.values import as_wire
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn

HOUSE: Final = ("department", "position")  # where people belong, told by a code
Body = Mapping[str, Any]


def with_settings(model: Model, given: Body) -> Model:
    """The model as it would be with these settings; itself where nothing is said."""
    if not given:
        return model
    made = dict(model.settings)
    for name, raw in given.items():
        one, path = made[name], f"given.settings.{name}"
        field = Field(object="", name=name, type=one.field_type, expr=one.type, spec=one.spec)
        try:
            value = None if raw is None else type_of(field).read_wire(field, as_wire(raw))
        except ValueFault as fault:
            raise Refused([Problem(code=fault.code, message=fault.message, path=path)]) from None
        wrong = [] if value is None else (type_of(field).checker(field) or (lambda _: []))(value)
        if wrong:
            raise Refused([Problem(code=c, message=m, path=path, hint=h) for c, m, h in wrong])
        made[name] = replace(one, default=value)
    return replace(model, settings=MappingProxyType(made))


def before_people(given: Body) -> tuple[list[Body], list[Body]]:
    """The records made before the people, and those made after: departments and positions that name nobody come first, so that who
    belongs to one does when his records are made."""
    users = {user["name"] for user in given.get("users", ())}
    first, rest = list[Body](), list[Body]()
    for record in given.get("records", ()):
        names = {record.get("owner"), *(v for v in record.get("set", {}).values() if isinstance(v, str))}
        early = record["object"] in HOUSE and not names & users
        (first if early else rest).append(record)
    return first, rest


def belongings(
    conn: Conn, call: Call, users: Sequence[Body], *, late: bool
) -> Iterator[tuple[str, dict[str, str]]]:
    """(person, field -> id): where each belongs, of what stands already. `late`: what does not stand by now is told."""
    problems = []
    for number, user in enumerate(users):
        found: dict[str, str] = {}
        for name in HOUSE:
            code = user.get(name)
            if code is None:
                continue
            known = name in call.model.objects and name in call.model.objects["user"].fields
            id = _of_code(conn, call, name, str(code)) if known else None
            if id is not None:
                found[name] = id
            elif late:
                problems.append(
                    Problem(
                        code="not_found", path=f"given.users[{number}].{name}",
                        message=Phrase("there is no {object} with the code {code}", object=name, code=str(code)),
                        hint=Phrase("make it among given.records"),
                    )
                )  # fmt: skip
        if found:
            yield str(user["name"]), found
    if problems:
        raise Refused(problems)


def _of_code(conn: Conn, call: Call, object: str, code: str) -> str | None:
    field = call.model.objects[object].field("code")
    if field is None:
        return None
    query = sql.SQL("SELECT id::text FROM {} WHERE {} = %s AND deleted_at IS NULL").format(
        sql.Identifier(call.schema, call.model.objects[object].table), sql.Identifier(field.columns[0].name)
    )
    row = conn.execute(query, (code,)).fetchone()
    return None if row is None else str(row[0])
