"""Substitutes: who decides for somebody who is away, from when to when, in what. Part of the way approve.

In: who is away, who stands in. Out: rows of `sys__substitute`; tasks that are open when it begins go over, with "B for A" in the log.
What comes later is given to the substitute at once (approval/people).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from patron_engine.access.beside import holds
from patron_engine.approval import signers, store
from patron_engine.approval.value import UNDECIDED
from patron_engine.errors import Forbidden, LimitExceeded, NotFound, Refused
from patron_engine.flow.people import of_users
from patron_engine.flow.values import Reading
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approving import carry, opened

MAX_SUBSTITUTES = 50  # limit_substitutes: of one person


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """`until` None: until he takes it back. Empty `approvals` and `objects`: in everything."""

    id: str
    person: str
    substitute: str
    begins: datetime
    until: datetime | None
    approvals: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


def listed(conn: Conn, call: Call) -> list[Substitute]:
    """His own, and whom he stands in for; an administrator sees all."""
    rows = conn.execute(
        sql.SQL(
            'SELECT id::text, person::text, substitute::text, "from", until, approvals, objects FROM {}'
            ' WHERE %(all)s OR person = %(me)s OR substitute = %(me)s ORDER BY "from", id'
        ).format(_table(call)),
        {"all": call.actor.administrator, "me": call.actor.user},
    ).fetchall()
    return [
        Substitute(id=i, person=p, substitute=s, begins=b, until=u, approvals=tuple(a), objects=tuple(o))
        for i, p, s, b, u, a, o in rows
    ]


def name(
    conn: Conn, call: Call, person: str, substitute: str, begins: datetime, until: datetime | None,
    approvals: Sequence[str] = (), objects: Sequence[str] = (),
) -> Substitute:  # fmt: skip
    """Somebody names who stands in for him; an administrator does it for anybody."""
    _may(call, person)
    _check(conn, call, person, substitute, begins, until, approvals, objects)
    made = Substitute(
        id=call.new_id(), person=person, substitute=substitute, begins=begins, until=until, approvals=tuple(approvals), objects=tuple(objects)
    )  # fmt: skip
    conn.execute(
        sql.SQL(
            'INSERT INTO {} (id, person, substitute, "from", until, approvals, objects) VALUES (%s, %s, %s, %s, %s, %s, %s)'
        ).format(_table(call)),
        (made.id, person, substitute, begins, until, list(approvals), list(objects)),
    )
    begin_due(conn, call)
    return made


def _check(
    conn: Conn, call: Call, person: str, substitute: str, begins: datetime, until: datetime | None, approvals: Sequence[str],
    objects: Sequence[str],
) -> None:  # fmt: skip
    problems = []
    rows = of_users(Reading(conn, call), [substitute], "active")
    if substitute == person:
        problems.append(
            Problem(code="himself", message=Phrase("name somebody else than yourself"), path="substitute")
        )
    elif substitute not in rows or rows[substitute].get("active") is False:
        problems.append(
            Problem(code="not_active", message=Phrase("name somebody who works here"), path="substitute")
        )
    if until is not None and (until <= begins or until <= call.now):
        problems.append(
            Problem(code="out_of_range", message=Phrase("it ends before it begins"), path="until")
        )
    for path, names, known in (
        ("approvals", approvals, {n for kind, n in call.model.documents if kind == "approval"}),
        ("objects", objects, set(call.model.objects)),
    ):
        problems += [
            Problem(code="unknown_name", message=Phrase("there is no {name!r} here", name=n[:40]), path=path)
            for n in names
            if n not in known
        ]
    if problems:
        raise Refused(problems)
    count = conn.execute(
        sql.SQL("SELECT count(*) FROM {} WHERE person = %s").format(_table(call)), (person,)
    ).fetchone()
    if count is not None and count[0] >= MAX_SUBSTITUTES:
        raise LimitExceeded(
            Phrase("at most {most} substitutes of one person", most=MAX_SUBSTITUTES), code="limit_substitutes"
        )


def remove(conn: Conn, call: Call, id: str) -> None:
    """He is back. Tasks that went over stay where they are."""
    row = conn.execute(
        sql.SQL("SELECT person::text FROM {} WHERE id = %s").format(_table(call)), (id,)
    ).fetchone()
    if row is None:
        raise NotFound(Phrase("there is no such substitute"), code="substitute_not_found")
    _may(call, str(row[0]))
    conn.execute(sql.SQL("DELETE FROM {} WHERE id = %s").format(_table(call)), (id,))


def begin_due(conn: Conn, call: Call) -> int:
    """Substitutes whose time has begun: what is open of those who are away goes over."""
    rows = conn.execute(
        sql.SQL(
            'UPDATE {} SET applied = true WHERE id IN (SELECT id FROM {} WHERE NOT applied AND "from" <= %s FOR UPDATE SKIP LOCKED)'
            " RETURNING person::text, substitute::text, approvals, objects, until"
        ).format(_table(call), _table(call)),
        (call.now,),
    ).fetchall()
    for person, substitute, approvals, objects, until in rows:
        if until is None or until > call.now:
            _over(conn, call, person, substitute, approvals, objects)
    return len(rows)


def _over(
    conn: Conn, call: Call, person: str, substitute: str, approvals: Sequence[str], objects: Sequence[str]
) -> None:
    for id, task in store.open_of(conn, call.schema, person):
        frame = opened(conn, call, id)
        it = frame.instance
        found = it.task(task)
        meant = (not approvals or it.approval in approvals) and (not objects or it.object in objects)
        if (
            not meant
            or found is None
            or found.state not in UNDECIDED
            or it.state != "running"
            or found.behalf is not None
        ):
            continue
        there = any(t.person == substitute and t.state in UNDECIDED for t in it.at(found.node))
        if substitute in (it.submitter, it.initiator) or there or not frame.facts.active(substitute):
            continue
        carry(
            frame,
            signers.transfer(frame.program, it, found, [substitute], None, None, frame.facts, "stood_in"),
        )


def _may(call: Call, person: str) -> None:
    if person != call.actor.user and not (
        call.actor.administrator or holds(call.model, call.actor, "manage_users")
    ):
        raise Forbidden(Phrase("everybody names his own substitute"))


def _table(call: Call) -> Any:
    return sql.Identifier(call.schema, "sys__substitute")
