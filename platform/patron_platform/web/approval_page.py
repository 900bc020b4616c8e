"""Approval page: one approval: the record, what changed, the route, what happened, and the decision of whoever has it; on paper too.

In: `GET /w/{workspace}/approvals/{id}` (an approval or one of its tasks), `?print=1`; `GET …/people?q=`. Out: the page, with what
was sent from it when it was refused. A copy that was looked at counts as read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import readable
from patron_engine.approval.value import OPEN
from patron_engine.errors import NotFound
from patron_engine.jsonio import dumps
from patron_engine.page.people import choices
from patron_engine.page.record import record_page
from patron_engine.page.record_tree import RecordPage, Sheet
from patron_engine.page.show import shown
from patron_engine.page.step_form import Granted, step_form
from patron_engine.page.typed import Typed
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import approval_box
from patron_engine.ways.approval_changes import Difference, differences
from patron_engine.ways.approval_drawn import drawn
from patron_engine.ways.approval_right import looking
from patron_engine.ways.approvals_seen import Mine, Seen, look
from patron_platform.web.approval_said import changes_of, people_offered
from patron_platform.web.form_page import drawing
from patron_platform.web.problems import words_in
from patron_platform.web.render import HEADERS, page
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/approvals", include_in_schema=False)
Connection = psycopg.Connection[Any]
DONE = (
    "approved", "rejected", "returned", "transferred", "delegated", "signer_added", "signer_removed", "claimed", "asked_people",
    "commented", "taken_back", "withdrawn", "urged", "resubmitted", "jumped", "ended", "revoked", "mended", "submitted",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What somebody sent from the page and why it was not done. `problems` of no field; `route` the new way to be confirmed."""

    act: str = ""
    typed: Typed = field(default_factory=Typed)
    problems: Sequence[Problem] = ()
    told: str = ""
    more: frozenset[str] = frozenset()
    confirm: str = ""
    files: Sequence[str] = ()
    route: Sequence[Mapping[str, Any]] = ()


@router.get("/people")
def people(request: Request, workspace: str) -> Response:
    """`?q=`: people one may hand a task to, as `{"options": [{"value", "text", "hint"}]}`."""
    visitor = enter(request, workspace)
    q = request.query_params.get("q", "")

    def found(conn: Connection, call: Call) -> list[dict[str, str]]:
        some = choices(conn, call, q, ("user",)).get("user", [])
        return [{"value": c.value.partition(":")[2], "text": c.title, "hint": c.hint} for c in some]

    options = visitor.workspace.reading(visitor.actor, found)
    return Response(dumps({"options": options}), media_type="application/json", headers=dict(HEADERS))


@router.get("/{id:uuid}")
def approval(request: Request, workspace: str, id: UUID) -> Response:
    visitor = enter(request, workspace)
    answer = draw_approval(visitor, str(id))
    if visitor.viewing is None:
        _note_read(visitor, str(id))
    return answer


def _note_read(visitor: Visitor, id: str) -> None:
    seen = visitor.workspace.reading(visitor.actor, lambda conn, call: look(conn, call, id))
    copies = [t for t in seen.instance.tasks if t.person == visitor.actor.user and t.state == "copied"]
    if copies:
        visitor.workspace.writing(visitor.actor, lambda conn, call: _mark(conn, call, [t.id for t in copies]))


def _mark(conn: Connection, call: Call, tasks: Sequence[str]) -> None:
    for task in tasks:
        approval_box.mark_read(conn, call, task)


def draw_approval(visitor: Visitor, id: str, sent: Sent | None = None, status: int = 200) -> Response:
    """The page of an approval, with what was sent from it when it was refused."""
    given = visitor.request.query_params if visitor.request.method == "GET" else {}
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        seen = look(conn, call, id)
        mine = mine_of(seen, id)
        there = looking(call, seen.viewer)
        made = _record(conn, there, visitor, seen, mine)
        values = _values(conn, call, visitor, seen, mine, made)
        values |= _deciding(conn, there, visitor, seen, mine, sent or Sent()) if mine else {}
        values |= {"sent": sent, "done": given.get("done") if given.get("done") in DONE else None}
        template = "approval_print.html" if given.get("print") else "approval.html"
        return page(visitor, call, template, title=seen.subject, here="inbox", status=status, **values)


def mine_of(seen: Seen, id: str) -> Mine | None:
    """The task that is looked at: that of the address, else the first that is still to be decided."""
    named = next((m for m in seen.mine if m.task.id == id), None)
    return named or next(iter(seen.mine), None)


def granted_of(call: Call, seen: Seen, more: frozenset[str] = frozenset()) -> Granted:
    """The fields of the record that the step opens."""
    rights = {f.name: f.right for f in seen.fields if not f.columns or f.right != "read"}
    rights |= {f"{f.name}.{column}": right for f in seen.fields for column, right in f.columns.items()}
    return Granted(
        object=call.model.objects[seen.instance.object], id=seen.instance.record, rights=rights, more=more
    )


def _record(
    conn: Connection, call: Call, visitor: Visitor, seen: Seen, mine: Mine | None
) -> RecordPage | None:
    """The record as he may read it, without what the step hides."""
    try:
        made = record_page(conn, call, visitor.reader(call), seen.instance.object, seen.instance.record)
    except NotFound:
        return None
    rights = granted_of(call, seen).rights if mine is not None else {}
    hidden = {n for n, right in rights.items() if right == "hidden"}
    sheets = tuple(s for s in (_without(sheet, hidden) for sheet in made.sheets) if s.facts or s.grid)
    facts = tuple(f for f in made.highlights if f.name not in hidden)
    return replace(made, sheets=sheets, highlights=facts)


def _without(sheet: Sheet, hidden: set[str]) -> Sheet:
    facts = tuple(replace(f, masked=False) for f in sheet.facts if f.name not in hidden)
    grid = sheet.grid
    if grid is None:
        return replace(sheet, facts=facts)
    if sheet.name in hidden:
        return replace(sheet, grid=None, facts=())
    kept = [n for n, h in enumerate(grid.heads) if not any(p.endswith(f".{h.path}") for p in hidden)]
    rows = tuple(replace(r, cells=tuple(r.cells[n] for n in kept)) for r in grid.rows)
    totals = tuple(grid.totals[n] for n in kept) if grid.totals else ()
    return replace(
        sheet, grid=replace(grid, heads=tuple(grid.heads[n] for n in kept), rows=rows, totals=totals)
    )


def _values(
    conn: Connection, call: Call, visitor: Visitor, seen: Seen, mine: Mine | None, made: RecordPage | None
) -> dict[str, Any]:
    reader = visitor.reader(call)
    it = seen.instance
    labels = {n: reader.say(s.label, n) for n, s in _stops(seen.route)}
    waiting = approval_box.box(conn, call, "waiting", most=2)
    following = next((i for i in waiting.items if i.instance != it.id), None)
    rounds = _rounds(conn, call, seen)
    return {
        "seen": seen, "it": it, "mine": mine, "made": made, "labels": labels, "in_place": False,
        "route": drawn(conn, call, seen.route), "earlier": rounds, "said_before": _said_before(seen, rounds), "changes": changes_of(call, reader, seen.differences),
        "here_url": visitor.url("approvals", mine.task.id if mine else it.id), "record_url": visitor.url("o", it.object, it.record) if readable(call.model, call.actor, it.object) else "",
        "following": following, "waiting_count": waiting.counts["waiting"] - any(m.acts["approve"] is None for m in seen.mine), "intent": _intent(call, visitor, seen),
        "people": people_offered(conn, call, without=visitor.actor.user), "tree": None, "choose": (), "among": None,
        "left": [
            {**c, "people": people_offered(conn, call, c["from"]), "chosen": visitor.cause.chosen.get(c["node"], ())}
            for c in seen.left
        ],
        "nodes": [(n, labels.get(n, n)) for n, stop in _stops(seen.route) if stop.type == "approve"],
        "signed": _signed(seen), "shown_of": lambda field, v: shown(field, v, reader, made.currency if made else None),
    }  # fmt: skip


def _rounds(conn: Connection, call: Call, seen: Seen) -> list[tuple[int, list[dict[str, Any]]]]:
    """The rounds that are over: number, what was decided in it."""
    steps = drawn(conn, call, [stop for _, stop in seen.earlier])
    numbers = [number for number, _ in seen.earlier]
    return [(n, [s for of, s in zip(numbers, steps, strict=True) if of == n]) for n in dict.fromkeys(numbers)]


def _said_before(seen: Seen, rounds: Sequence[tuple[int, list[dict[str, Any]]]]) -> list[list[Any]]:
    """Submissions before each round that is over and, last, before the latest; of a single round only one with a comment."""
    told = [
        line
        for line in seen.log
        if line["kind"] in ("submitted", "resubmitted") and (line["comment"] or rounds)
    ]
    found = []
    for _, steps in rounds:
        first = min((p["decided_at"] for s in steps for p in s["people"] if p["decided_at"]), default=None)
        found.append([line for line in told if first is None or line["at"] <= first])
        told = told[len(found[-1]) :]
    return [*found, told]


def _stops(stops: Sequence[Any]) -> list[tuple[str, Any]]:
    found = []
    for stop in stops:
        found.append((stop.name, stop))
        for way in stop.ways:
            found += _stops(way.stops)
    return found


def _signed(seen: Seen) -> dict[str, str]:
    """Task -> the file of its signature."""
    return {
        str(line["task"]): str(line["detail"].get("signature"))
        for line in seen.log
        if line["kind"] == "signed"
    }


def _intent(call: Call, visitor: Visitor, seen: Seen) -> list[Any]:
    """The fields that the change which waits would write, as they are and as they would be; of one that is over, as they were."""
    it, reader = seen.instance, visitor.reader(call)
    if it.intent is None or seen.record is None:
        return []
    object = call.model.objects[it.object]
    was = seen.record if it.state in OPEN else it.snapshot
    asked = [
        Difference(object=it.object, name=n, field=n, label=reader.say(f.label, n), before=was.get(n), now=v)
        for n, v in it.intent["set"].items()
        if n in seen.record and (f := object.field(n)) is not None
    ]
    rows = {n: v for n, v in it.intent["set"].items() if n in object.sets}
    asked += differences(call, object, {n: was.get(n) for n in rows}, rows, set())
    return changes_of(call, reader, asked)


def _deciding(
    conn: Connection, call: Call, visitor: Visitor, seen: Seen, mine: Mine, sent: Sent
) -> dict[str, Any]:
    """What the decision's form needs: fields of the step, whom to choose for steps that come, what is wrong."""
    reader, words = visitor.reader(call), words_in(visitor.languages, call.model)
    chosen = visitor.cause.chosen  # of the form that is drawn again
    granted = granted_of(call, seen, sent.more)
    fresh = not sent.act
    open_ = mine.acts["approve"] is None
    tree = step_form(
        conn, call, reader, granted, None if fresh else sent.typed, visitor.url("o-lookup"), words,
        None if fresh else tuple(sent.problems),
    ) if open_ else None  # fmt: skip
    drawn_names = {i.name for i in tree.inputs()} if tree is not None else set()
    loose = [p for p in sent.problems if (p.path or "") not in drawn_names and not _in_rows(p, tree)]
    choose = [
        {**c, "people": people_offered(conn, call, c["from"]), "chosen": chosen.get(c["node"], ())}
        for c in mine.choose
    ]
    among = people_offered(conn, call, mine.among) if mine.among is not None else None
    return {
        **drawing(), "tree": tree, "choose": choose, "among": among, "loose": loose, "frame": sent.typed.frame, "words": words,
    }  # fmt: skip


def _in_rows(problem: Problem, tree: Any) -> bool:
    """Whether a problem stands in a row of a table that is drawn."""
    sets = {s.table.set for s in tree.sections if s.table is not None} if tree is not None else set()
    return "[" in (problem.path or "") and (problem.path or "").partition("[")[0] in sets
