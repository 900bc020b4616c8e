"""Home: where one arrives: what is due, whom to call, how one's records stand, where one was.

In: a connection, the frame of a call, a reader. Out: a `Home` of plain values. Everything comes from definitions: what is due
today are the views whose conditions ask for `me()` and `TODAY()`; figures are those of the stages that menus' objects have.
Tasks are the object `task` of the pack core where it is there. Reads by the way read alone; writes nothing. What goes over all
records is asked through `within`, which gives None where that takes too long: the page is there without the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol, TypeVar

import psycopg

from patron_engine.access.decide import readable, writable
from patron_engine.errors import Refused
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.fields.options import names_of
from patron_engine.model.model import Object
from patron_engine.page.may import allowed
from patron_engine.page.menu import App, objects_in
from patron_engine.page.palette import token_of
from patron_engine.page.question import View, views_of
from patron_engine.page.reader import Reader
from patron_engine.page.show import Shown, shown
from patron_engine.query.call import Call
from patron_engine.query.counts import COUNTED, counts
from patron_engine.query.groups import groups
from patron_engine.query.recent import Moved, Seen, moved, recent
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
T = TypeVar("T")
TASK, STATUS, DONE, DUE = "task", "status", "done", "due"
LINES = 6  # records of one list
LISTS = 4  # lists of what is due today
STAGED = 4  # objects whose stages are counted
HINTS = 3  # values beside a title
RECENT = 8
BEGIN = 3  # objects an empty workspace is begun with


class Within(Protocol):
    """What is found in time, by the name of what is asked; None where it takes too long."""

    def __call__(self, key: Hashable, ask: Callable[[], T], /) -> T | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One record: its title, what stands beside it, and its version, by which a task is ticked off. `day` is when it is due."""

    object: str
    id: str
    title: str
    hints: tuple[Shown, ...] = ()
    version: int = 0
    when: Literal["late", "today", "later", ""] = ""
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The first records of a view, and the view. `total` is how many it has, `late` says that not even these were found in time."""

    view: View
    object: Object
    lines: tuple[Line, ...]
    total: int | None
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How many records stand at one option. `share` of the largest is 0 to 100."""

    value: str
    label: str
    color: str | None
    count: int
    share: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """An object's records by stage; no stages where they are too many to count in time. `mine` is false where one has none of one's
    own and sees everybody's."""

    object: Object
    field: Field
    stages: tuple[Stage, ...]
    total: int | None
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """`tasks` is None where there is no such object; `ticks` says whether one may tick off; `begin` are objects to make the
    first records of, where nothing is to be seen yet."""

    tasks: Listed | None
    ticks: bool
    today: tuple[Listed, ...]
    staged: tuple[Staged, ...]
    recent: tuple[Seen, ...]
    moved: tuple[Moved, ...]
    begin: tuple[Object, ...] = ()


def home_of(conn: Connection, call: Call, reader: Reader, apps: tuple[App, ...], within: Within) -> Home:
    """Everything the home page shows."""
    tasks = _tasks(conn, call, reader, within)
    today = tuple(_today(conn, call, reader, within))
    staged = tuple(_staged(conn, call, reader, apps, within))
    calm = not (tasks and (tasks.lines or tasks.late)) and not today and not staged
    return Home(
        tasks=tasks,
        ticks=STATUS in writable(call.model, call.actor, TASK),
        today=today,
        staged=staged,
        recent=recent(conn, call, RECENT),
        moved=moved(conn, call, RECENT),
        begin=tuple(_begin(call, apps)) if calm else (),
    )


def _begin(call: Call, apps: tuple[App, ...]) -> list[Object]:
    """The first objects of the menus that he may make records of."""
    named = [n for n in objects_in(apps) if n != TASK and allowed(call, "create", n)]
    return [call.model.objects[n] for n in named[:BEGIN]]


def _tasks(conn: Connection, call: Call, reader: Reader, within: Within) -> Listed | None:
    """What is mine, open and due by today: the view of that kind, else none."""
    view = next((v for v in _due_views(call) if v[0].name == TASK), None)
    return None if view is None else _listed(conn, call, reader, *view, within)


def _today(conn: Connection, call: Call, reader: Reader, within: Within) -> Iterator[Listed]:
    """The other views of what is due today, those with records first come, at most `LISTS`."""
    found = 0
    for object, view in _due_views(call):
        if object.name == TASK or found >= LISTS:
            continue
        listed = _listed(conn, call, reader, object, view, within)
        if listed.lines or listed.late:
            found += 1
            yield listed


def _due_views(call: Call) -> Iterator[tuple[Object, View]]:
    """Published lists that ask for what is mine and due: conditions with `owner == me()` and a `<= TODAY()` or `== TODAY()`."""
    for object in call.model.objects.values():
        if object.master or not readable(call.model, call.actor, object.name):
            continue
        for view in views_of(call.model, call.actor, object):
            where = view.where or ""
            if (
                view.drawing == "list"
                and "me()" in where
                and ("= TODAY()" in where)
                and _his(call, object, view)
            ):
                yield object, view


def _his(call: Call, object: Object, view: View) -> bool:
    """Whether he may ask what the view asks: one that is narrowed or sorted by a field he may not read is not his."""
    try:
        resolve(call, Ask(object=object.name, where=view.where, fields=("id",), sort=view.sort))
    except Refused:
        return False
    return True


def _listed(
    conn: Connection, call: Call, reader: Reader, object: Object, view: View, within: Within
) -> Listed:
    names = readable(call.model, call.actor, object.name)
    columns = [c.path for c in view.columns if c.path.partition(".")[0] in names and c.path != object.title]
    fields = ("id", "version", object.title, *columns)
    ask = Ask(object=object.name, where=view.where, fields=fields, sort=view.sort, limit=LINES)
    page = within(("home", ask), lambda: read(conn, call, ask, secret=b""))
    if page is None:
        return Listed(view=view, object=object, lines=(), total=None, late=True)
    lines = tuple(_line(call, reader, object, columns, row) for row in page.rows())
    total: int | None = len(lines)
    if page.next is not None:
        counted = Ask(object=object.name, where=view.where, fields=("id",), limit=1, count="exact")
        total = within(("count", counted), lambda: read(conn, call, counted, secret=b"").count)
    return Listed(view=view, object=object, lines=lines, total=total)


def _line(call: Call, reader: Reader, object: Object, columns: list[str], row: Mapping[str, Any]) -> Line:
    hints: list[Shown] = []
    due = str(row.get(DUE) or "") if object.name == TASK else ""
    for path in columns:
        field = call.model.follow(object.name, path)
        if field is None or len(hints) >= HINTS or field.type == "boolean" or (due and path == DUE):
            continue
        value = shown(field, row.get(path), reader)
        if not value.empty and (field.extra.get("value_type") or field.type) != "boolean":
            hints.append(value)
    return Line(
        object=object.name,
        id=str(row["id"]),
        title=title_of(object, row),
        hints=tuple(hints),
        version=int(row["version"]),
        when=when_due(due, reader),
        day=reader.day(date.fromisoformat(due)) if due else "",
    )


def when_due(due: str, reader: Reader) -> Literal["late", "today", "later", ""]:
    """How a day (2026-11-26, or "") lies to today."""
    today = reader.today.isoformat()
    return "" if not due else "late" if due < today else "today" if due == today else "later"


def _staged(
    conn: Connection, call: Call, reader: Reader, apps: tuple[App, ...], within: Within
) -> Iterator[Staged]:
    sizes = counts(conn, call)
    found = 0
    for name in objects_in(apps):
        object = call.model.objects[name]
        field = stage_field(call, object)
        if name == TASK or field is None or found >= STAGED or not sizes.get(object.name):
            continue
        staged = _spread(conn, call, reader, object, field, within, mine=object.owner == "user")
        if staged.total == 0 and sizes[object.name] <= COUNTED:
            staged = _spread(conn, call, reader, object, field, within, mine=False)
        if staged.total != 0:
            found += 1
            yield staged


def stage_field(call: Call, object: Object) -> Field | None:
    """The field an object's records move along: that of a stage path, else of its first board."""
    names = readable(call.model, call.actor, object.name)
    bodies = call.model.documents.items()
    paths = [
        b.get("field") for (kind, _), b in bodies if kind == "stage_path" and b.get("object") == object.name
    ]
    boards = [
        b.get("group_by")
        for (kind, _), b in bodies
        if kind == "view" and b.get("type") == "kanban" and b.get("object") == object.name
    ]
    for name in (*paths, *boards):
        field = names.get(str(name))
        if field is not None and field.type == "select" and isinstance(field.spec, ChoiceSpec):
            return field
    return None


def _spread(
    conn: Connection, call: Call, reader: Reader, object: Object, field: Field, within: Within, *, mine: bool
) -> Staged:
    ask = Ask(object=object.name, where="owner == me()" if mine else None)
    found = within(("home", ask, field.name), lambda: groups(conn, call, ask, field.name))
    if found is None:
        return Staged(object=object, field=field, stages=(), total=None, mine=mine)
    counted = {g.value: g.count for g in found}
    options = [(n, o) for n, o in names_of(field).options.items() if not o.retired]
    tally = {name: counted.get(name, 0) for name, _ in options}
    most = max(tally.values(), default=0) or 1
    stages = tuple(
        Stage(
            value=name, label=reader.say(o.label, name), color=token_of(o.color), count=tally[name],
            share=round(100 * tally[name] / most),
        )
        for name, o in options
    )  # fmt: skip
    return Staged(object=object, field=field, stages=stages, total=sum(tally.values()), mine=mine)
