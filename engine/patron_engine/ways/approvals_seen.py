"""Approvals as people look at them: one instance with everything its page needs. Part of the way approve.

In: an instance, who looks. Out: a `Seen`: its route with states and people, its log, what changed meanwhile, the record's fields with
the rights of the step, what he may do and why not the rest. Values of the record are those he may read. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from patron_engine.actor import Actor
from patron_engine.approval import state, store
from patron_engine.approval.may import acts_of_instance, acts_of_task, closed_to, involved, taken_back
from patron_engine.approval.program import Node
from patron_engine.approval.route import Stop, earlier, people_of
from patron_engine.approval.value import UNDECIDED, Instance, Task
from patron_engine.errors import NotFound, PatronError
from patron_engine.jsonio import loads
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_changes import Difference, differences
from patron_engine.ways.approval_choices import left_to_choose, to_choose, unchosen
from patron_engine.ways.approval_drawn import called, names_of
from patron_engine.ways.approval_files import named
from patron_engine.ways.approval_kept import Open, as_read, kept_as_read, open_to, rows_of
from patron_engine.ways.approval_right import at_step, let_in_before
from patron_engine.ways.approval_titles import subject_of
from patron_engine.ways.approve import asker_of
from patron_engine.ways.approving import Frame, frame_of, way_on
from patron_engine.ways.read import read_one

STANDS: Final = ("running", "parked")  # where it stands at steps


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSeen:
    """`right`: read | edit | required | hidden at this step; `columns` -> right of a set of details. Hidden ones have no value."""

    name: str
    label: str
    right: str
    value: Any
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """The viewer's own task. `acts`: act -> None, or why not. `return_to`: nodes it may go back to, by name and label; `among`:
    whom he may name to hand it on or to sign with him; None: anybody."""

    task: Task
    acts: Mapping[str, str | None]
    buttons: Mapping[str, str]
    comment: str
    signature: bool
    return_to: Sequence[Mapping[str, str]]
    signers: Sequence[Task]
    choose: Sequence[Mapping[str, Any]]
    print: str | None
    among: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One instance, for one viewer. `earlier`: what was decided in rounds that are over. `names`: user id -> how he is called, of everybody who occurs; `viewer` as he reads the
    record here; `files` that came with comments and decisions, by id. `unchosen`: where it stands because nobody chose who decides;
    `left`: for whom an administrator is to choose then."""

    instance: Instance
    label: str
    subject: str
    steps: Sequence[str]
    route: Sequence[Stop]
    earlier: Sequence[tuple[int, Stop]]
    log: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]
    acts: Mapping[str, str | None]
    mine: Sequence[Mine]
    take_back: str | None
    fields: Sequence[FieldSeen]
    differences: Sequence[Difference]
    summary: Sequence[FieldSeen]
    record: Mapping[str, Any] | None
    viewer: Actor
    files: Mapping[str, Mapping[str, Any]]
    unchosen: Sequence[str] = ()
    left: Sequence[Mapping[str, Any]] = ()


def look(conn: Conn, call: Call, id: str) -> Seen:
    """NotFound where there is none, or it is nothing of his."""
    frame = seen_frame(conn, call, id)
    instance, program = frame.instance, frame.program
    asker = asker_of(conn, call, instance)
    stops = way_on(frame)
    mine = [t for t in instance.tasks if t.person == call.actor.user and t.kind != "copy"]
    his = [t for t in mine if t.state in UNDECIDED] or mine[-1:]
    there = at_step(call, program, instance, his[0] if his else None)
    open = opened_to(conn, there, instance)
    record = record_seen(conn, there, instance, open)
    frame = replace(frame, instance=as_read(conn, there, open, instance))
    lines = store.logged(conn, call.schema, instance.id)
    acts = acts_of_instance(program, instance, asker, call.now)
    people = [*people_of(stops), *_in_log(lines), *(p for p in (instance.submitter, instance.initiator) if p)]
    return Seen(
        instance=frame.instance, label=called(call, program.body.get("label"), program.name),
        subject=subject_of(conn, there, program, instance, his[0].node if his else None),
        steps=[n for n, p in instance.places.items() if p.state == "open" and instance.state in STANDS], route=stops,
        earlier=earlier(program, instance), log=lines,
        names=names_of(conn, call, people),
        acts=acts, mine=[_mine(frame, t) for t in his],
        take_back=_take_back(frame, mine), fields=_fields(frame, his, record), 
        differences=_differences(frame, there, open, his, record),
        summary=_summary(frame, his, record), record=record, viewer=there.actor,
        files=named(conn, call, [f for line in lines for f in line["detail"].get("files", ())]),
        unchosen=[n.name for n in unchosen(program, instance)],
        left=left_to_choose(conn, call, program, instance) if acts["mend"] is None else (),
    )  # fmt: skip


def seen_frame(conn: Conn, call: Call, id: str) -> Frame:
    """An instance, or the one of a task, that is his to see: he has to do with it, or may read its record."""
    instance = store.load(conn, call.schema, id)
    if instance is None:
        of = store.instance_of(conn, call.schema, id)
        instance = store.load(conn, call.schema, of) if of is not None else None
    if instance is None:
        raise _missing()
    if closed_to(instance, call.actor):
        raise _missing()
    mine = call.actor.administrator or call.actor.user in involved(instance)
    if not (mine or let_in_before(conn, call, instance)):
        try:
            read_one(conn, call, instance.object, instance.record, fields=("id",))
        except NotFound:
            raise _missing() from None
    return frame_of(conn, call, instance)


def _missing() -> NotFound:
    return NotFound(Phrase("there is no such approval"), code="approval_not_found")


def _in_log(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(line[k]) for line in lines for k in ("by", "behalf", "person") if line[k]] + [
        p for line in lines for p in line["detail"].get("people", ())
    ]


def opened_to(conn: Conn, call: Call, instance: Instance) -> Open | None:
    """What he reads of the record; None when it is gone, or not his to see."""
    object = call.model.objects.get(instance.object)
    try:
        read_one(conn, call, instance.object, instance.record, fields=("id",))
    except PatronError:
        return None
    return open_to(conn, call, object, instance.record) if object is not None else None


def record_seen(conn: Conn, call: Call, instance: Instance, open: Open | None) -> dict[str, Any] | None:
    """The record as he may read it; None when it is gone."""
    if open is None:
        return None
    found: dict[str, Any] = loads(
        read_one(
            conn, call, instance.object, instance.record, fields=list(open.fields), expand=list(open.columns)
        ).json
    )
    return {n: rows_of(open, n, v) if n in open.columns else v for n, v in found.items()}


def _mine(frame: Frame, task: Task) -> Mine:
    call, program, instance = frame.call, frame.program, frame.instance
    node = program.by_name[task.node]
    among = frame.facts.among(instance, node)
    back = state.return_targets(program, instance, task.node)
    return Mine(
        task=task, acts=acts_of_task(program, instance, task, asker_of(frame.conn, call)),
        buttons={name: called(call, text, name) for name, text in (node.body.get("buttons") or {}).items()},
        comment=node.comment, signature=bool(node.body.get("signature")),
        return_to=[{"name": n, "label": called(call, program.by_name[n].body.get("label"), n)} for n in back],
        signers=[t for t in instance.tasks if t.added_by == task.id],
        choose=to_choose(frame.conn, call, program, instance, "approver"), print=node.body.get("print"),
        among=None if among is None else [p for p in among if p != call.actor.user],
    )  # fmt: skip


def _take_back(frame: Frame, mine: Sequence[Task]) -> str | None:
    """The task whose approval he may take back."""
    asker = asker_of(frame.conn, frame.call)
    return next(
        (t.id for t in reversed(mine) if taken_back(frame.program, frame.instance, t, asker) is None), None
    )


def _node(frame: Frame, his: Sequence[Task]) -> Node | None:
    return frame.program.by_name.get(his[0].node) if his else None


def _fields(frame: Frame, his: Sequence[Task], record: Mapping[str, Any] | None) -> list[FieldSeen]:
    """What the step says of the record's fields."""
    node = _node(frame, his)
    if node is None or record is None:
        return []
    object = frame.call.model.objects[frame.instance.object]
    columns: dict[str, dict[str, str]] = {}
    rights: dict[str, str] = {}
    for name, right in node.fields.items():
        set, dot, column = name.partition(".")
        if dot:
            columns.setdefault(set, {})[column] = right
            rights.setdefault(set, "read")
        else:
            rights[name] = right
    found = []
    for name, right in rights.items():
        field, among = object.field(name), object.sets.get(name)
        label = field.label if field is not None else among.label if among is not None else ""
        value = None if right == "hidden" else _without(record.get(name), columns.get(name, {}))
        found.append(
            FieldSeen(
                name=name,
                label=called(frame.call, label, name),
                right=right,
                value=value,
                columns=columns.get(name, {}),
            )
        )
    return found


def _without(value: Any, columns: Mapping[str, str]) -> Any:
    hidden = {n for n, right in columns.items() if right == "hidden"}
    if not hidden or not isinstance(value, list):
        return value
    return [
        {k: v for k, v in row.items() if k not in hidden} if isinstance(row, Mapping) else row
        for row in value
    ]


def _differences(
    frame: Frame, there: Call, open: Open | None, his: Sequence[Task], record: Mapping[str, Any] | None
) -> list[Difference]:
    """Of what he may read, what is different from when the step before his was decided; from its submission for who has none."""
    instance, node = frame.instance, _node(frame, his)
    if record is None or open is None or not instance.snapshot:
        return []
    hidden = {n for n, right in (node.fields if node is not None else {}).items() if right == "hidden"}
    last = store.last_before(frame.conn, there.schema, instance.id, his[0].arrived_at) if his else {}
    then = kept_as_read(frame.conn, there, open, [last])[0]
    hidden |= _written(frame)
    return list(differences(there, open.object, {**instance.snapshot, **then}, record, hidden))


def _written(frame: Frame) -> set[str]:
    """What submitting itself writes of the record, `status: in_approval`: to nobody a change."""
    steps = (frame.program.tells("after") or {}).get("submitted") or ()
    own = [s for s in steps if s["do"] == "update" and "target" not in s]
    return {name for step in own for name in step["set"]}


def _summary(frame: Frame, his: Sequence[Task], record: Mapping[str, Any] | None) -> list[FieldSeen]:
    node, object = _node(frame, his), frame.call.model.objects.get(frame.instance.object)
    names = (node.body.get("summary") if node is not None else None) or frame.program.tells("summary") or ()
    if record is None or object is None:
        return []
    hidden = {n for n, right in (node.fields if node is not None else {}).items() if right == "hidden"}
    return [
        FieldSeen(name=n, label=called(frame.call, f.label, n), right="read", value=record[n], columns={})
        for n in names
        if n in record and n not in hidden and (f := object.field(n)) is not None
    ]
