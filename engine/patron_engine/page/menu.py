"""Menu: where one may go: the apps of a workspace with their entries; those one cannot use vanish.

In: the model and an actor. Out: `App`s in their order, entries with what they lead to. Dashboards and web forms are left
out until something draws them. Pure but for the conditions of entries, which the caller may decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.pick import documents_for, fits
from patron_engine.access.pools import may_be_one, pools_of
from patron_engine.actor import Actor
from patron_engine.fields.field import Texts, nothing
from patron_engine.fields.options import texts
from patron_engine.model.model import Model

Target = Literal["object", "view", "report", "dashboard", "webform", "url", "group", "pool"]
DRAWN: frozenset[Target] = frozenset({"object", "view", "url", "report", "dashboard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`to` is the name of what it leads to (an object, a view …) or an address; `object` the object of a view."""

    name: str
    label: Texts
    icon: str
    target: Target
    to: str = ""
    object: str = ""
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    name: str
    label: Texts
    icon: str
    entries: tuple[Entry, ...]


def _always(_: str) -> bool:
    return True


def apps_of(model: Model, actor: Actor, seen: Callable[[str], bool] = _always) -> tuple[App, ...]:
    """The apps of this person. `seen` says of "MENU.entries.ENTRY.visible" whether its condition holds for him."""
    bodies = sorted(documents_for(model, actor, "menu"), key=lambda b: int(b.get("position") or 1000))
    made = []
    for body in bodies:
        entries = _entries(model, actor, body.get("entries") or (), body["name"], seen)
        if entries:
            made.append(
                App(
                    name=body["name"],
                    label=texts(body.get("label")) or {"": body["name"]},
                    icon=body.get("icon") or "folder",
                    entries=entries,
                )
            )
    return tuple(made) or (_everything(model, actor),)


def _entries(
    model: Model, actor: Actor, bodies: Any, menu: str, seen: Callable[[str], bool]
) -> tuple[Entry, ...]:
    found = []
    for body in bodies:
        if body.get("visible") is not None and not seen(f"{menu}.entries.{body['name']}.visible"):
            continue
        entry = _entry(model, actor, body, menu, seen)
        if entry is not None:
            found.append(entry)
            found += _pools(model, actor, entry) if entry.target == "object" else []
    return tuple(found)


def _pools(model: Model, actor: Actor, entry: Entry) -> list[Entry]:
    """The pools of an object stand below it, for those whom a pool may mean: of roles it is known without asking."""
    return [
        Entry(
            name=f"{entry.name}.{body['name']}", label=texts(body.get("label")) or {"": body["name"]}, icon="waves",
            target="pool", to=body["name"],
        )
        for body in pools_of(model, entry.object)
        if may_be_one(actor, body)
    ]  # fmt: skip


def _entry(
    model: Model, actor: Actor, body: Mapping[str, Any], menu: str, seen: Callable[[str], bool]
) -> Entry | None:
    label, icon = texts(body.get("label")), body.get("icon")
    if body.get("entries"):
        below = _entries(model, actor, body["entries"], menu, seen)
        return (below and Entry(
            name=body["name"], label=label or {"": body["name"]}, icon=icon or "folder", target="group", entries=below
        )) or None  # fmt: skip
    target = next(
        (t for t in ("object", "view", "url", "report", "dashboard", "webform") if body.get(t)), None
    )
    if target not in DRAWN:
        return None
    to = str(body[target])
    if target == "url":
        return Entry(name=body["name"], label=label or {"": to}, icon=icon or "link", target="url", to=to)
    if target == "report":
        return _report(model, actor, body, to)
    if target == "dashboard":
        return _dashboard(model, actor, body, to)
    view = model.documents.get(("view", to), {}) if target == "view" else {}
    object = model.object(str(view.get("object")) if target == "view" else to)
    if object is None or isinstance(row_rule(model, actor, "read", object.name), Deny):
        return None
    own = texts(view.get("label")) if target == "view" else object.plural or object.label
    return Entry(
        name=body["name"],
        label=label or own or {"": object.name},
        icon=icon or view.get("icon") or object.icon or "table",
        target=target,
        to=to if target == "view" else object.name,
        object=object.name,
    )


def _report(model: Model, actor: Actor, body: Mapping[str, Any], to: str) -> Entry | None:
    """A report, for whom it is, of what he reads."""
    report = model.documents.get(("report", to))
    if report is None or not fits(report, actor) or not _reads(model, actor, report):
        return None
    label = texts(body.get("label")) or texts(report.get("label")) or {"": to}
    return Entry(
        name=body["name"], label=label, icon=body.get("icon") or "chart-column", target="report", to=to
    )


def _dashboard(model: Model, actor: Actor, body: Mapping[str, Any], to: str) -> Entry | None:
    """A dashboard, for whom it is, where he reads what a tile shows: each tile is asked with his rights."""
    board = model.documents.get(("dashboard", to))
    if board is None or not fits(board, actor) or not any(_shows(model, actor, t) for t in board["tiles"]):
        return None
    label = texts(body.get("label")) or texts(board.get("label")) or {"": to}
    return Entry(
        name=body["name"], label=label, icon=body.get("icon") or "layout-dashboard", target="dashboard", to=to
    )


def _shows(model: Model, actor: Actor, tile: Mapping[str, Any]) -> bool:
    kind = next((k for k in ("report", "view") if tile.get(k)), None)
    shown = model.documents.get((kind, str(tile[kind]))) if kind else None
    return kind is None or (shown is not None and _reads(model, actor, shown))


def _reads(model: Model, actor: Actor, body: Mapping[str, Any]) -> bool:
    """Whether he reads the object of a report or view, or those of its blocks."""
    objects = [b.get("object") for b in body.get("blocks") or ()] or [body.get("object")]
    return not any(isinstance(row_rule(model, actor, "read", str(name)), Deny) for name in objects)


def entries_in(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """Every entry that leads somewhere, those of groups too."""
    for entry in entries:
        if entry.target == "group":
            yield from entries_in(entry.entries)
        else:
            yield entry


def objects_in(apps: tuple[App, ...]) -> tuple[str, ...]:
    """The objects menus lead to, each once, in their order."""
    named = (e.object for app in apps for e in entries_in(app.entries) if e.target == "object")
    return tuple(dict.fromkeys(named))


def lit(apps: tuple[App, ...], here: str) -> str:
    """Which entry ("APP.ENTRY") stands for where one is: a view by its name, an object by its own; the first of several."""
    for target in ("view", "report", "dashboard", "object"):
        for app in apps:
            for entry in entries_in(app.entries):
                if (
                    entry.target == target
                    and here
                    and here == (entry.object if target == "object" else entry.to)
                ):
                    return f"{app.name}.{entry.name}"
    return ""


def _everything(model: Model, actor: Actor) -> App:
    """Where no menu is written: every object one may read that is no detail."""
    entries = tuple(
        Entry(
            name=o.name, label=o.plural or o.label or {"": o.name}, icon=o.icon or "table", target="object",
            to=o.name, object=o.name,
        )
        for o in model.objects.values()
        if o.master is None and not isinstance(row_rule(model, actor, "read", o.name), Deny)
    )  # fmt: skip
    return App(name="all", label=nothing(), icon="layout-grid", entries=entries)
