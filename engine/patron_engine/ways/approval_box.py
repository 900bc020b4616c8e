"""Box: what waits for a person, what he decided, what he submitted, what he got a copy of. Part of the way approve.

In: who looks, which box. Out: `Item`s, the newest first, with the values that their step sums up; how many there are of each. Values are
those he may read. Changes nothing but that a copy was read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from patron_engine.access.decide import readable
from patron_engine.actor import Actor
from patron_engine.approval import store
from patron_engine.approval.program import Program
from patron_engine.approval.value import Instance
from patron_engine.errors import Conflict, NotFound, Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_drawn import called, names_of
from patron_engine.ways.approval_right import actor_at, looking
from patron_engine.ways.approval_titles import holes_of, titled
from patron_engine.ways.approval_told import mirror_state
from patron_engine.ways.approving import frame_of
from patron_engine.ways.read import read

BOXES: Final = ("waiting", "done", "started", "copied")
SHOWN: Final = 50
COUNTED: Final = 1_000  # a count stops here
_WHERE: Final = {
    "waiting": sql.SQL("t.person = %(me)s AND t.state = 'waiting' AND t.kind <> 'copy' AND a.state = 'running'"),
    "done": sql.SQL("t.decided_by = %(me)s AND t.kind <> 'copy' AND t.state IN ('approved', 'rejected', 'returned', 'transferred')"),
    "copied": sql.SQL("t.person = %(me)s AND t.kind = 'copy'"),
    "started": sql.SQL("(a.submitter = %(me)s OR a.initiator = %(me)s)"),
}  # fmt: skip
_UNREAD: Final = sql.SQL("t.state = 'copied'")
_ALL: Final = sql.SQL("true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """`task` is empty in the box of what he submitted. `batch`: it may be decided with others at once; `late`: its time is over."""

    number: int
    task: str | None
    instance: str
    approval: str
    label: str
    object: str
    record: str
    title: str
    subject: str | None
    node: str | None
    node_label: str | None
    state: str
    submitter: str | None
    submitter_name: str | None
    behalf: str | None
    behalf_name: str | None
    arrived_at: datetime | None
    due_at: datetime | None
    decided_at: datetime | None
    late: bool
    batch: bool
    approvers: Sequence[str]
    summary: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """`names` of everybody who occurs; `following` goes on with the next page."""

    items: Sequence[Item]
    counts: Mapping[str, int]
    names: Mapping[str, str]
    following: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrow:
    """What a box is narrowed to: `person` submitted it, `since` and `until` when it was submitted, `words` of the record's title."""

    object: str = ""
    approval: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


_NARROWED: Final = sql.SQL(
    " AND (%(object)s = '' OR a.object = %(object)s) AND (%(approval)s = '' OR a.approval = %(approval)s)"
    " AND (%(person)s = '' OR a.submitter::text = %(person)s)"
    " AND (%(since)s::timestamptz IS NULL OR a.began_at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR a.began_at < %(until)s)"
    " AND (%(words)s = '' OR EXISTS (SELECT 1 FROM unnest(%(objects)s::text[], %(titles)s::text[]) AS o (object, title)"
    " WHERE o.object = a.object AND strpos(lower(a.snapshot ->> o.title), lower(%(words)s)) > 0))"
)


def _asked(call: Call, narrow: Narrow) -> dict[str, Any]:
    """Titles are looked through only where he may read them."""
    titles = {n: o.title for n, o in call.model.objects.items() if o.title in readable(call.model, call.actor, n)} if narrow.words else {}  # fmt: skip
    given = {name: getattr(narrow, name) for name in narrow.__slots__}
    return {**given, "objects": list(titles), "titles": list(titles.values())}


def counts(conn: Conn, call: Call) -> dict[str, int]:
    """How many there are in each box; of copies those that were not read."""
    found = {}
    for box, where in _WHERE.items():
        row = conn.execute(
            sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} AND {} LIMIT %(most)s) AS s").format(
                _tables(call, box), where, _UNREAD if box == "copied" else _ALL
            ),
            {"me": call.actor.user, "most": COUNTED},
        ).fetchone()
        found[box] = int(row[0]) if row is not None else 0
    return found


def box(
    conn: Conn,
    call: Call,
    name: str,
    *,
    before: int | None = None,
    narrow: Narrow = Narrow(),
    most: int = SHOWN,
) -> Box:
    """One page of a box. Refused for a box there is not."""
    if name not in BOXES:
        message = Phrase("box is one of {known}", known=list(BOXES))
        raise Refused([Problem(code="unknown_value", message=message, path="box")])
    whole = name == "started"
    rows = conn.execute(
        sql.SQL(
            "SELECT {number}, {task}, a.id::text FROM {tables} WHERE {where}"
            " AND (%(before)s::bigint IS NULL OR {number} < %(before)s) {narrowed} ORDER BY {number} DESC LIMIT %(most)s"
        ).format(
            narrowed=_NARROWED,
            number=sql.Identifier("a" if whole else "t", "number"), task=sql.SQL("NULL" if whole else "t.id::text"),
            tables=_tables(call, name), where=_WHERE[name],
        ),
        {"me": call.actor.user, "before": before, "most": most + 1, **_asked(call, narrow)},
    ).fetchall()  # fmt: skip
    following = rows[most - 1][0] if len(rows) > most else None
    listed = [
        (number, task, store.load(conn, call.schema, instance)) for number, task, instance in rows[:most]
    ]
    known = [
        (n, t, i, program)
        for n, t, i in listed
        if i is not None
        and i.object in call.model.objects
        and (program := _program(conn, call, i)) is not None
    ]
    values = _values(conn, call, known)
    people = {
        p for _, _, i, _ in known for p in (i.submitter, *i.approvers, *(t.behalf for t in i.tasks)) if p
    }
    names = names_of(conn, call, people)
    items = []
    for n, t, i, p in known:
        mine = i.task(t or "")
        at = actor_at(call.actor, p, i, mine)
        row = values.get((at, i.object, i.record), {})
        subject = titled(conn, looking(call, at), p, i, mine.node if mine else None, row)
        items.append(_item(call, n, t, i, p, names, row, subject))
    return Box(
        items=[i for i in items if i.title or not narrow.words],  # what he cannot read is not found by its words
        counts=counts(conn, call), names=names, following=following,
    )  # fmt: skip


def _tables(call: Call, name: str) -> sql.Composed:
    both = {
        "a": sql.Identifier(call.schema, "sys__approval"),
        "t": sql.Identifier(call.schema, "sys__approval_task"),
    }
    return sql.SQL("{a} a" if name == "started" else "{t} t JOIN {a} a ON a.id = t.instance").format(**both)


def _program(conn: Conn, call: Call, instance: Instance) -> Program | None:
    """None where the definition is nowhere any more: what it was about is listed no longer."""
    try:
        return frame_of(conn, call, instance).program
    except Conflict:
        return None


Known = tuple[int, str | None, Instance, Program]


def _summed(program: Program, instance: Instance, task: str | None) -> Sequence[str]:
    found = instance.task(task or "")
    node = program.by_name.get(found.node) if found is not None else None
    return (node.body.get("summary") if node is not None else None) or program.tells("summary") or ()


def _values(
    conn: Conn, plain: Call, known: Sequence[Known]
) -> dict[tuple[Actor, str, str], Mapping[str, Any]]:
    """(he at the step, object, record) -> what he may read of it there, one question for each object and step."""
    wanted: dict[tuple[Actor, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for _, task, instance, program in known:
        ids, names = wanted[
            actor_at(plain.actor, program, instance, instance.task(task or "")), instance.object
        ]
        ids.add(instance.record)
        names.update(_summed(program, instance, task))
        mine = instance.task(task or "")
        names.update(holes_of(plain, program, mine.node if mine else None))
        names.add(plain.model.objects[instance.object].title)
    found: dict[tuple[Actor, str, str], Mapping[str, Any]] = {}
    for (actor, object), (ids, names) in wanted.items():
        call = looking(plain, actor)
        seen = readable(call.model, call.actor, object)
        fields = tuple(n for n in sorted(names) if n.partition(".")[0] in seen and "." not in n)
        try:
            rows = read(
                conn,
                call,
                Ask(object=object, ids=tuple(sorted(ids)), fields=("id", *fields), limit=SHOWN),
                secret=b"",
            ).rows()
        except NotFound:
            rows = []
        found.update({(actor, object, row["id"]): row for row in rows})
    return found


def _item(
    call: Call, number: int, task: str | None, instance: Instance, program: Program, names: Mapping[str, str], values: Mapping[str, Any],
    subject: str | None,
) -> Item:  # fmt: skip
    mine = instance.task(task or "")
    node = program.by_name.get(mine.node) if mine is not None else None
    object = call.model.objects[instance.object]
    summed = [
        n
        for n in _summed(program, instance, task)
        if n in values and (node is None or node.fields.get(n) != "hidden")
    ]
    fields = [(n, f) for n in summed if (f := object.field(n)) is not None]
    return Item(
        number=number, task=task, instance=instance.id, approval=instance.approval,
        label=called(call, program.body.get("label"), program.name), object=instance.object, record=instance.record,
        title=str(values.get(object.title) or ""), subject=subject, node=mine.node if mine else None,
        node_label=called(call, node.body.get("label"), node.name) if node else None,
        state=mine.state if mine else instance.state, submitter=instance.submitter, submitter_name=names.get(instance.submitter or ""),
        behalf=mine.behalf if mine else None, behalf_name=names.get(mine.behalf or "") if mine else None,
        arrived_at=mine.arrived_at if mine else instance.began_at, due_at=mine.due_at if mine else None,
        decided_at=mine.decided_at if mine else instance.decided_at,
        late=bool(mine and mine.due_at and mine.state == "waiting" and mine.due_at < call.now) or bool(mine and mine.reminded),
        batch=bool(node and mine and mine.state == "waiting" and node.allows("batch")), approvers=instance.approvers,
        summary=[{"field": n, "label": called(call, f.label, n), "value": values[n]} for n, f in fields],
    )  # fmt: skip


def mark_read(conn: Conn, call: Call, task: str) -> None:
    """A copy that was looked at."""
    done = conn.execute(
        sql.SQL(
            "UPDATE {} SET state = 'read', decided_at = %s WHERE id = %s AND person = %s AND state = 'copied'"
        ).format(sql.Identifier(call.schema, "sys__approval_task")),
        (call.now, task, call.actor.user),
    ).rowcount
    if done:
        mirror_state(conn, call, task, "read")
