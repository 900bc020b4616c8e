"""People: whom the words of a definition mean (`to`, `who`), for one run.

In: the words, a run, what it reads. Out: ids of users who are active, each once, in the order the words have. A word that names
nobody gives nobody; what then is the caller's matter. A missing manager is replaced by the next above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.flow.program import Step
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Reading, Subject
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.rights import belongs
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.store.tables import Id

NAMED: Final = ("user", "role", "department", "department_head", "position", "group", "queue")
HIGHEST: Final = 20  # managers above somebody that are looked at
MOST: Final = 10_000  # limit_step_records: people that one step names; more are refused


def people(reading: Reading, step: Step, key: str, words: Any, subject: Subject) -> list[str]:
    """Whom `words`, which stand at `key` of the step, mean for this run."""
    found: list[str] = []
    if isinstance(words, Sequence) and not isinstance(words, str):
        for position, item in enumerate(words):
            found.extend(people(reading, step, f"{key}[{position}]", item, subject))
        return list(dict.fromkeys(found))
    if isinstance(words, str):
        return _active(
            reading, _users(reading, [_value(reading, step, key, words, subject)]), step, key, subject
        )
    for word, value in words.items():
        found.extend(_meant(reading, step, key, word, value, words, subject))
    return _active(reading, found, step, key, subject, "where" in words)


def _meant(
    reading: Reading, step: Step, key: str, word: str, value: Any, words: Mapping[str, Any], subject: Subject
) -> Iterable[str]:
    if word in NAMED:
        return _named(reading, step, f"{key}.{word}", word, value, bool(words.get("below")), subject)
    if word == "manager":
        return _nth(_chain(reading, _start(reading, subject)), value)
    if word == "managers_up_to":
        return _up_to(reading, _start(reading, subject), value)
    if word == "owner":
        return _users(reading, [_owner(reading, subject)])
    if word == "submitter":
        return _users(reading, [subject.run.causer])
    if word == "field":
        each = words.get("each")
        if each is not None:
            return _users(reading, _of_each(reading, subject, each, value))
        return _users(reading, _in_departments(reading, subject, value, _field(reading, subject, value)))
    if word == "head_of":
        return _heads(reading, _field(reading, subject, value))
    if word == "expression":
        return _users(reading, [_value(reading, step, f"{key}.{word}", value, subject)])
    if word == "followers":
        return _followers(reading, subject)
    if word == "chosen_by":
        return _users(reading, (subject.run.event.get("chosen") or {}).get(step.name) or ())
    if word == "approvers_of":
        return _users(reading, (subject.run.event.get("approvers") or {}).get(value) or ())
    return ()


def _value(reading: Reading, step: Step, key: str, raw: Any, subject: Subject) -> Any:
    expression = step.expressions.get(key)
    return raw if expression is None else reading.evaluate(expression, [subject])[0]


def _named(
    reading: Reading, step: Step, key: str, word: str, value: Any, below: bool, subject: Subject
) -> list[str]:
    """By e-mail, code or name; an expression gives one of these, or ids."""
    codes: list[str] = []
    ids: list[Any] = []
    for position, item in enumerate(value if isinstance(value, (list, tuple)) else [value]):
        at = f"{key}[{position}]" if isinstance(value, (list, tuple)) else key
        made = _value(reading, step, at, item, subject)
        if step.expressions.get(at) is not None and word == "user":
            ids.append(made)
        elif isinstance(made, str):
            codes.append(made)
    known = word in reading.call.model.objects or word in ("role", "department_head")
    found = [person for code in codes if known for person in _of_code(reading, word, code, below)]
    return [*found, *_users(reading, ids)]


def _of_code(reading: Reading, word: str, code: str, below: bool) -> list[str]:
    """Whom one code names; of several each is asked for itself, so that people come in the order they are named."""
    call = reading.call

    def make() -> Statement:
        building = Building(tables=call.tables)
        user = building.root("user")
        query = sa.select(user.id).select_from(user.source.from_)
        return compiled(
            query.where(belongs(building, word, [code], below, user.id), *user.live()).order_by(user.id), call.model.release
        )  # fmt: skip

    statement = kept(call.tables).get(("flow.people", word, code, below), make)
    rows = reading.conn.execute(statement.text, statement.values(call_values(call))).fetchall()
    return [str(row[0]) for row in rows]


def _start(reading: Reading, subject: Subject) -> str | None:
    """Whose managers are meant: who asked for an approval, else the owner's, else who caused the run."""
    asked = subject.run.event.get("initiator")
    return asked if isinstance(asked, str) else _owner(reading, subject) or subject.run.causer


def _owner(reading: Reading, subject: Subject) -> str | None:
    run = subject.run
    if (
        run.object is None
        or run.record is None
        or "owner" not in reading.call.model.objects[run.object].fields
    ):
        return None
    value = reading.of_record(subject, "owner")
    return value if isinstance(value, str) else None


def _chain(reading: Reading, user: str | None) -> list[tuple[str, bool]]:
    """The managers above somebody, the nearest first, and who of them is active."""
    found: list[tuple[str, bool]] = []
    seen: set[str] = set()
    while user is not None and user not in seen and len(seen) < HIGHEST:
        seen.add(user)
        row = of_users(reading, [user], "manager", "manager.active").get(user, {})
        user = row.get("manager")
        if user is not None:
            found.append((user, row.get("manager.active") is not False))
    return found


def _nth(chain: Sequence[tuple[str, bool]], level: int) -> list[str]:
    """The manager so many levels above; where he is gone, the next above."""
    return next(([boss] for boss, active in chain[level - 1 :] if active), [])


def managers_above(reading: Reading, user: str) -> list[str]:
    """The active managers above somebody, the nearest first."""
    return [boss for boss, active in _chain(reading, user) if active]


def of_users(reading: Reading, ids: Sequence[str], *paths: str) -> dict[str, dict[str, Any]]:
    """id -> path -> value, of live users; a path whose first field users of this workspace lack has no value."""
    fields = reading.call.model.objects["user"].fields
    known = [p for p in paths if p.partition(".")[0] in fields]
    return fetch_values(reading.conn, reading.call, "user", list(ids), known)


def _up_to(reading: Reading, user: str | None, words: Mapping[str, Any]) -> list[str]:
    chain = _chain(reading, user)
    if "level" in words:
        levels = range(1, min(words["level"], len(chain)) + 1)
        return list(dict.fromkeys(boss for level in levels for boss in _nth(chain, level)))
    above = [boss for boss, active in chain if active]
    roles = of_users(reading, above, "roles")
    found = []
    for boss in above:
        found.append(boss)
        if words.get("role") in (roles.get(boss, {}).get("roles") or ()):
            break
    return found


def _field(reading: Reading, subject: Subject, path: str) -> list[Any]:
    run = subject.run
    if run.object is None or run.record is None:
        return []
    value = reading.of_record(subject, path)
    return list(value) if isinstance(value, tuple) else [value]


def _of_each(reading: Reading, subject: Subject, each: str, path: str) -> list[Any]:
    """What a field of the records of a set names, in their order."""
    among = reading.call.model.objects[subject.run.object or ""].sets.get(each)
    if among is None:
        return []
    some = Choice(
        key=f"people.{subject.run.object}.{each}",
        object=among.object,
        where=None,
        among=among,
        limit=MOST,
        whole=True,
    )
    ids = chosen(reading, some, [subject])[0]
    rows = fetch_values(reading.conn, reading.call, among.object, ids, [path])
    found = [rows[id][path] for id in ids if id in rows]
    return [one for value in found for one in (value if isinstance(value, tuple) else [value])]


def _in_departments(reading: Reading, subject: Subject, path: str, values: Sequence[Any]) -> list[Any]:
    """A field that names departments means everybody in them."""
    field = reading.call.model.follow(subject.run.object or "", path)
    if field is None or "department" not in (field.expr.element or field.expr).objects:
        return list(values)
    ids = [v for v in values if isinstance(v, str)]

    def make() -> Statement:
        building = Building(tables=reading.call.tables)
        user = building.root("user")
        mine = SqlBinding(row=user).value(user, ("department",)) == sa.any_(
            parameter("departments", pg.ARRAY(Id()))
        )
        query = sa.select(user.id).select_from(user.source.from_).where(mine, *user.live()).order_by(user.id)
        return compiled(query, reading.call.model.release)

    statement = kept(reading.call.tables).get(("flow.people.members",), make)
    given = {**call_values(reading.call), "departments": ids}
    return [str(r[0]) for r in reading.conn.execute(statement.text, statement.values(given)).fetchall()]


def _heads(reading: Reading, departments: Sequence[Any]) -> list[str]:
    ids = [d for d in departments if isinstance(d, str)]
    rows = fetch_values(reading.conn, reading.call, "department", ids, ["head"])
    return [str(rows[d]["head"]) for d in ids if d in rows and rows[d].get("head")]


def _users(reading: Reading, values: Sequence[Any]) -> list[str]:
    """Ids of users, and of everybody in a department that is named instead."""
    found: list[str] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            found.extend(_users(reading, value))
        elif isinstance(value, Mapping):
            found.extend(_users(reading, [value.get("id")]) if value.get("object") == "user" else ())
        elif isinstance(value, str):
            found.append(value)
    return found


def _followers(reading: Reading, subject: Subject) -> list[str]:
    table = reading.call.tables.system("sys__follow", object="text", record="uuid", person="uuid")
    query = sa.select(table.c.person).where(
        table.c.object == subject.run.object, table.c.record == subject.run.record
    )
    made = compiled(query, reading.call.model.release)
    return [str(r[0]) for r in reading.conn.execute(made.text, made.values({})).fetchall()]


def _active(
    reading: Reading, ids: Iterable[str], step: Step, key: str, subject: Subject, where: bool = False
) -> list[str]:
    """Those who are switched on and fit `where`, in their order."""
    wanted = list(dict.fromkeys(i for i in ids if i))
    if not wanted:
        return []
    flags = of_users(reading, wanted, "active")
    there = [i for i in wanted if i in flags and flags[i].get("active") is not False]
    condition = step.expressions.get(f"{key}.where") if where else None
    if condition is None:
        return there
    among = Choice(
        key=f"{step.rule}.{step.path}.{key}",
        object="user",
        where=condition,
        limit=MOST,
        whole=True,
        these=True,
    )
    fitting = set(chosen(reading, among, [subject], there)[0])
    return [i for i in there if i in fitting]
