"""Approvals listed: for administrators: what runs, and what cannot go on. Part of the way approve.

In: what is looked for. Out: `Line`s, the newest first. Forbidden for anybody else. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import sql

from patron_engine.access.beside import holds
from patron_engine.approval import store
from patron_engine.approval.value import OPEN, Instance
from patron_engine.errors import Forbidden, PatronError
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_drawn import called, names_of
from patron_engine.ways.approving import frame_of

SHOWN: Final = 50
STATES: Final = (
    "open",
    "running",
    "parked",
    "returned",
    "approved",
    "rejected",
    "withdrawn",
    "revoked",
    "ended",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`state` may be "open": running, parked, returned. `person`: for whom it waits; `late`: somebody's time is over."""

    state: str = "open"
    approval: str = ""
    person: str = ""
    late: bool = False
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`nodes` that people could be named for, by name and label; `steps` where it stands."""

    number: int
    instance: Instance
    label: str
    title: str
    submitter: str
    waiting: Sequence[str]
    since: datetime
    late: bool
    steps: Sequence[str]
    nodes: Sequence[tuple[str, str]]


def listed(conn: Conn, call: Call, wanted: Wanted) -> tuple[list[Line], int | None]:
    """One page, and where the next begins."""
    _may(call)
    states = list(OPEN) if wanted.state == "open" else [wanted.state]
    rows = conn.execute(
        sql.SQL(
            "SELECT a.number, a.id::text FROM {a} a WHERE a.state = ANY(%(states)s) AND (%(approval)s = '' OR a.approval = %(approval)s)"
            " AND (%(before)s::bigint IS NULL OR a.number < %(before)s)"
            " AND (%(person)s = '' OR EXISTS (SELECT 1 FROM {t} t WHERE t.instance = a.id AND t.state = 'waiting' AND t.person::text = %(person)s))"
            " AND (NOT %(late)s OR EXISTS (SELECT 1 FROM {t} t WHERE t.instance = a.id AND t.state = 'waiting' AND t.due_at < %(now)s))"
            " ORDER BY a.number DESC LIMIT %(most)s"
        ).format(**_tables(call)),
        {
            "states": states, "approval": wanted.approval, "before": wanted.before, "person": wanted.person, "late": wanted.late,
            "now": call.now, "most": SHOWN + 1,
        },
    ).fetchall()  # fmt: skip
    found = [(n, store.load(conn, call.schema, id)) for n, id in rows[:SHOWN]]
    lines = _lines(conn, call, [(n, i) for n, i in found if i is not None])
    return lines, rows[SHOWN - 1][0] if len(rows) > SHOWN else None


def _lines(conn: Conn, call: Call, found: Sequence[tuple[int, Instance]]) -> list[Line]:
    wanted: dict[str, dict[str, None]] = {}
    for _, it in found:
        if it.object in call.model.objects:
            wanted.setdefault(it.object, {})[it.record] = None
    titles = titles_of(conn, call, {object: list(ids) for object, ids in wanted.items()})
    names = names_of(conn, call, [p for _, i in found for p in (*i.approvers, i.submitter) if p])
    return [_line(conn, call, n, it, titles.get((it.object, it.record), ""), names) for n, it in found]


def _line(conn: Conn, call: Call, number: int, it: Instance, title: str, names: dict[str, str]) -> Line:
    label, steps, nodes = it.approval, [n for n, p in it.places.items() if p.state == "open"], []
    try:
        program = frame_of(conn, call, it).program
    except PatronError:  # its definition is gone: it is listed all the same
        program = None
    if program is not None:
        label = called(call, program.body.get("label"), program.name)
        labels = {n.name: called(call, n.body.get("label"), n.name) for n in program.by_name.values()}
        nodes = [(n.name, labels[n.name]) for n in program.by_name.values() if n.type == "approve"]
        open_ = {n.name for n in program.by_name.values() if n.type in ("approve", "do", "cc")}
        steps = [labels.get(n, n) for n in steps if n in open_]
    arrived = [t.arrived_at for t in it.waiting if t.arrived_at is not None]
    return Line(
        number=number, instance=it, label=label, title=title, submitter=names.get(it.submitter or "", ""),
        waiting=[names.get(p, "…") for p in it.approvers], since=min(arrived, default=it.ended_at or it.began_at),
        late=any(t.due_at is not None and t.due_at < call.now for t in it.waiting), steps=steps, nodes=nodes,
    )  # fmt: skip


def _may(call: Call) -> None:
    if not (call.actor.administrator or holds(call.model, call.actor, "manage_users")):
        raise Forbidden(Phrase("only an administrator may"))


def _tables(call: Call) -> dict[str, sql.Identifier]:
    return {
        "a": sql.Identifier(call.schema, "sys__approval"),
        "t": sql.Identifier(call.schema, "sys__approval_task"),
    }
