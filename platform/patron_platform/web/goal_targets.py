"""Targets of a year: company, departments and people by twelve months, as a grid one fills, pastes into and saves.

In: `GET /w/{workspace}/goals/{name}/targets?year=2026&what=target_value` (or baseline), a form of its cells. Out: the page, or 303 to it. Every
cell is a record of goal_value of that month: what is typed makes or changes it, what is emptied drops it, through the way save with
all its rules. What is refused stands beside its cell, as it was typed; the others are saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, readable, row_rule, writable
from patron_engine.errors import Forbidden, NotFound, Refused
from patron_engine.fields.base import PLAIN_FORMATS, ValueFault
from patron_engine.fields.numerals import plain_number
from patron_engine.jsonio import decimal_text, whole
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask
from patron_engine.record.change import Change
from patron_engine.report.goals import OBJECT
from patron_engine.ways import goal
from patron_engine.ways.read import read
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.tiles import Connection
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/goals", include_in_schema=False)

WHATS = ("target_value", "baseline")
LEVELS = ("company", "department", "user")
YEARS = (2000, 2100)
MOST = 300  # departments, and people, of one grid
MOST_CELLS = 900  # limit_target_cells: changes of one save

Key = tuple[str, str, int]  # level, id of whom ("" the company), month


@dataclass(slots=True)
class Cell:
    """A month of somebody: what is kept, what is shown, what is wrong with it."""

    name: str
    text: str = ""
    value: Decimal | None = None
    id: str = ""
    version: int | None = None
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    level: str
    id: str
    label: str
    cells: list[Cell] = field(default_factory=list)

    @property
    def total(self) -> Decimal | None:
        values = [c.value for c in self.cells if c.value is not None]
        return sum(values, Decimal(0)) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    goal: str
    year: int
    what: str
    lines: list[Line]
    cut: bool
    may: bool

    def cells(self) -> Iterator[tuple[Key, Cell]]:
        for line in self.lines:
            for n, cell in enumerate(line.cells):
                yield (line.level, line.id, n + 1), cell


@router.get("/{name}/targets")
def targets(request: Request, workspace: str, name: str) -> Response:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        grid = grid_of(conn, call, visitor, name, request.query_params)
        return _shown(visitor, call, grid, done=request.query_params.get("done") == "1")


@router.post("/{name}/targets")
def save_targets(request: Request, workspace: str, name: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        grid = grid_of(conn, call, visitor, name, given)
    if not grid.may:
        raise Forbidden("the targets are not yours to set", code="read_only")
    wrong: dict[Key, tuple[str, str]] = {}
    changes: list[tuple[Key, Change]] = []
    for key, cell in grid.cells():
        typed = given.get(cell.name, cell.text).strip()
        if typed != cell.text:
            try:
                changes += [(key, change) for change in _change(grid, key, cell, typed)]
            except ValueFault as fault:
                wrong[key] = (typed, visitor.words(fault.message))
    if len(changes) > MOST_CELLS:
        said = Phrase("at most {most} targets are changed at a time", most=MOST_CELLS)
        raise Refused([Problem(code="limit_target_cells", message=said)])
    outcomes = (
        visitor.workspace.save(visitor.actor, [c for _, c in changes], cause=visitor.cause, mode="each")
        if changes
        else []
    )
    for (key, change), outcome in zip(changes, outcomes, strict=True):
        if outcome.action == "refused":
            typed = "" if change.action == "delete" else str(change.set.get(grid.what) or "")
            wrong[key] = (typed, " ".join(visitor.words(p.message) for p in outcome.problems))
    if not wrong:
        return see_other(f"{visitor.url('goals', name, 'targets')}?year={grid.year}&what={grid.what}&done=1")
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        again = grid_of(conn, call, visitor, name, given)
        for key, cell in again.cells():
            if key in wrong:
                cell.text, cell.wrong = wrong[key]
        return _shown(visitor, call, again, status=422)


def grid_of(conn: Connection, call: Call, visitor: Visitor, name: str, given: Mapping[str, str]) -> Grid:
    """The grid as it is kept. NotFound for a goal that is not his to see."""
    if name not in goal.goals_of(call) or OBJECT not in call.model.objects:
        raise NotFound("there is no such goal, or it is not yours to see")
    year = whole(given.get("year", ""), 4) or call.now.astimezone(visitor.reader(call).zone).year
    what = given.get("what", "")
    known = readable(call.model, call.actor, OBJECT)
    if not YEARS[0] <= year <= YEARS[1] or (what and what not in WHATS):
        raise Refused(
            [Problem(code="bad_value", message=Phrase("there is no such grid of targets"), path="year")]
        )
    what = what or WHATS[0]
    if what not in known or isinstance(row_rule(call.model, call.actor, "read", OBJECT), Deny):
        raise NotFound("there is no such goal, or it is not yours to see")
    kept = _kept(conn, call, visitor, name, year)
    lines, cut = _lines(conn, call, visitor, call.model.documents["goal", name].get("per") or LEVELS)
    reader = visitor.reader(call)
    for line in lines:
        line.cells.extend(_cell(line, month, what, kept, reader) for month in range(1, 13))
    may = what in writable(call.model, call.actor, OBJECT) and any(
        not isinstance(row_rule(call.model, call.actor, act, OBJECT), Deny) for act in ("create", "update")
    )
    return Grid(goal=name, year=year, what=what, lines=lines, cut=cut, may=may)


def _cell(line: Line, month: int, what: str, kept: Mapping[Key, Mapping[str, Any]], reader: Reader) -> Cell:
    name = f"{line.level}.{line.id}.{month}"
    row = kept.get((line.level, line.id, month))
    if row is None:
        return Cell(name=name)
    value = None if row.get(what) is None else Decimal(str(row[what]))
    text = "" if value is None else reader.number(value, None if value != value.to_integral_value() else 0)
    return Cell(name=name, text=text, value=value, id=str(row["id"]), version=int(row["version"]))


def _kept(
    conn: Connection, call: Call, visitor: Visitor, name: str, year: int
) -> dict[Key, Mapping[str, Any]]:
    """Every record of the year's months, by whose it is."""
    where = f"goal == '{name}' and period_kind == 'month' and period >= DATE({year}, 1, 1) and period <= DATE({year}, 12, 31)"
    wanted = ("id", "version", "level", "department", "user", "period", *WHATS)
    known = readable(call.model, call.actor, OBJECT)
    fields = tuple(f for f in wanted if f in known or f in ("id", "version"))
    found: dict[Key, Mapping[str, Any]] = {}
    for row in _all(conn, call, visitor, Ask(object=OBJECT, where=where, fields=fields)):
        level = str(row["level"])
        whose = "" if level == "company" else _id(row.get(level))
        found[level, whose, _day(row["period"]).month] = row
    return found


def _lines(conn: Connection, call: Call, visitor: Visitor, per: Sequence[str]) -> tuple[list[Line], bool]:
    lines, cut = [], False
    if "company" in per:
        lines.append(Line(level="company", id="", label=texts_in(visitor.languages[0])("goals.company")))
    for level, where in (("department", None), ("user", "active")):
        if level not in per or isinstance(row_rule(call.model, call.actor, "read", level), Deny):
            continue
        ask = Ask(object=level, where=where, fields=("id", "name"), sort=("name",))
        rows = list(_all(conn, call, visitor, ask))
        cut = cut or len(rows) > MOST
        lines += [Line(level=level, id=str(r["id"]), label=str(r["name"])) for r in rows[:MOST]]
    return lines, cut


def _all(conn: Connection, call: Call, visitor: Visitor, ask: Ask) -> Iterator[Mapping[str, Any]]:
    """Every record, page by page."""
    secret = visitor.service.runtime.secret
    ask = replace(ask, limit=MAX_LIMIT)
    while True:
        found = read(conn, call, ask, secret=secret)
        yield from found.rows()
        if not found.next:
            return
        ask = replace(ask, after=found.next)


def _id(value: Any) -> str:
    return str(value.get("id")) if isinstance(value, Mapping) else str(value or "")


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


def _change(grid: Grid, key: Key, cell: Cell, typed: str) -> list[Change]:
    """What a cell asks for: a record is made, changed, or dropped. ValueFault for what is no number."""
    level, whose, month = key
    if not typed:
        if grid.what == WHATS[0]:
            return [Change(action="delete", object=OBJECT, id=cell.id, version=cell.version)]
        return [
            Change(action="update", object=OBJECT, id=cell.id, version=cell.version, set={grid.what: None})
        ]
    value = decimal_text(plain_number(typed, PLAIN_FORMATS))
    if cell.id:
        return [
            Change(action="update", object=OBJECT, id=cell.id, version=cell.version, set={grid.what: value})
        ]
    made = {
        "goal": grid.goal,
        "level": level,
        "period_kind": "month",
        "period": date(grid.year, month, 1).isoformat(),
        grid.what: value,
    }
    if whose:
        made[level] = whose
    return [Change(action="create", object=OBJECT, set=made)]


def _shown(visitor: Visitor, call: Call, grid: Grid, *, status: int = 200, done: bool = False) -> Response:
    reader, t = visitor.reader(call), texts_in(visitor.languages[0])
    body = call.model.documents["goal", grid.goal]
    title = f"{reader.say(body.get('label'), grid.goal)} · {t('goals.enter')}"
    said = {line.id or line.level: _said(reader, line.total) for line in grid.lines}
    groups = [(level, [line for line in grid.lines if line.level == level]) for level in LEVELS]
    sums = {
        level: [_said(reader, _sum([line.cells[n].value for line in lines])) for n in range(12)]
        + [_said(reader, _sum([line.total for line in lines]))]
        for level, lines in groups
    }
    return page(
        visitor, call, "goal_targets.html", title=title, here="goals", status=status, grid=grid, groups=[g for g in groups if g[1]],
        totals=said, sums=sums, whats=WHATS, done=done, months=[t(f"goals.month_{n}") for n in range(1, 13)],
    )  # fmt: skip


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    found = [v for v in values if v is not None]
    return sum(found, Decimal(0)) if found else None


def _said(reader: Reader, value: Decimal | None) -> str:
    return "" if value is None else reader.number(value, None if value != value.to_integral_value() else 0)
