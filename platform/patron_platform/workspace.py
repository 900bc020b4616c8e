"""Workspaces as an operator handles them: made with packs and an administrator, changed pack by pack, examined.

In: an open service. Out: plain values for the commands and the API. Every change is a publication like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from patron_engine.actor import Actor
from patron_engine.errors import Conflict, PatronError
from patron_engine.pack.source import Pack, find_packs
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.record import audit
from patron_engine.record.drift import Drift, find_drift, repair
from patron_engine.release.releases import noted
from patron_engine.runtime import Workspace
from patron_engine.store.doctor import drift as tables_adrift
from patron_engine.store.physical_rows import known_columns
from patron_engine.ways.install import Choices, install_layers, uninstall_layers
from patron_engine.ways.publish import Publication
from patron_platform.database.wall import gaps
from patron_platform.database.workspaces import create_workspace, list_workspaces
from patron_platform.folder import load_pack
from patron_platform.identity.accounts import create_user
from patron_platform.service import Service

OPERATOR = Actor(user=None, name="operator", administrator=True, system=True)  # a command at a terminal
PLATFORM_VERSION = version("patron-crm")
KEPT_PACKS = 50

_PACKS: dict[Path, tuple[object, Pack]] = {}


def available_packs(folders: Iterable[Path] = ()) -> dict[str, Pack]:
    """The packs of these folders and the installed ones. Refused with the problems of one that cannot be read."""
    return {name: _pack(folder) for name, folder in find_packs(folders).items()}


def _pack(folder: Path) -> Pack:
    """A pack as its files are now; read again only when one of them has changed, for reading takes a second."""
    state = tuple(
        (str(path), info.st_mtime_ns, info.st_size)
        for path in sorted(folder.rglob("*"))
        if (info := path.stat()) and path.is_file()
    )
    known = _PACKS.get(folder)
    if known is None or known[0] != state:
        known = _PACKS[folder] = (state, load_pack(folder))
        while len(_PACKS) > KEPT_PACKS:
            _PACKS.pop(next(iter(_PACKS)))
    return known[1]


def make_workspace(
    service: Service,
    name: str,
    *,
    packs: Sequence[str] = (),
    folders: Iterable[Path] = (),
    administrator: str | None = None,
) -> dict[str, Any]:
    """Makes a workspace with core and the packs named. One whose first publication failed may be tried again."""
    there = available_packs(folders)
    with service.databases.system("publish") as conn:
        try:
            create_workspace(conn, service.databases, name)
        except Conflict:
            service.databases.forget(name)
            if _release(service.runtime.workspace(name)) > 0:
                raise
    service.databases.forget(name)
    place = service.runtime.workspace(name)
    publication = plan_install(place, ("core", *packs), there)
    place.publish(OPERATOR, publication)
    if administrator:
        create_user(service.databases, place, administrator, administrator=True)
    return {
        "workspace": name,
        "release": _release(place),
        "packs": [layer for layer, _ in publication.effective.layers if layer != "workspace"],
        "administrator": administrator,
    }


def plan_install(
    place: Workspace, wanted: Sequence[str], there: dict[str, Pack], choices: Choices | None = None
) -> Publication:
    """The plan of installing or upgrading packs."""
    note = noted("install", ", ".join(f"{name} {there[name].version}" for name in wanted if name in there))
    return place.plan(
        lambda _, layers: install_layers(layers, wanted, there, platform=PLATFORM_VERSION, choices=choices),
        kind="install",
        note=note,
    )


def plan_uninstall(place: Workspace, name: str) -> Publication:
    """The plan of uninstalling a pack; its data stay aside."""
    return place.plan(
        lambda _, layers: uninstall_layers(layers, name), kind="uninstall", note=noted("uninstall", name)
    )


def examine(service: Service, only: str | None = None) -> dict[str, list[Problem]]:
    """What differs between definitions, tables and figures, for each workspace; and whether PostgreSQL keeps it apart."""
    found: dict[str, list[Problem]] = {}
    for name in _names(service, only):
        place = service.runtime.workspace(name)
        try:
            with place.connection("job") as conn:
                call = place.call(conn, OPERATOR)
                problems = _wall_broken(service, conn, name)
                problems += tables_adrift(conn, call.model, place.schema, known_columns(conn, place.schema))
                problems += _audit_broken(conn, place.schema)
                for object in call.model.objects:
                    problems += [_adrift(drift) for drift in find_drift(conn, call, object)]
                found[name] = problems
        except PatronError as error:
            found[name] = [Problem(code=error.code, message=error.detail, hint=error.hint)]
    return found


def _wall_broken(service: Service, conn: psycopg.Connection[Any], name: str) -> list[Problem]:
    """That the second wall is off (a warning), or tables the workspace's role may not read."""
    place = service.databases.place(name)
    return gaps(conn, service.databases.wall(place.dsn), place.schema)


def _audit_broken(conn: psycopg.Connection[Any], schema: str) -> list[Problem]:
    """Whether the chain of the audit holds."""
    bad = audit.broken(conn, schema)
    if bad is None:
        return []
    said = Phrase("entry {id} of the audit was changed, or the entry before it is gone", id=bad)
    hint = "nobody does that through Patron: ask who has the database's password, and compare with a backup"
    return [Problem(code="audit_broken", message=said, hint=hint, path="sys__audit")]


def set_right(service: Service, only: str | None = None) -> int:
    """Writes the figures that have drifted; how many there were."""
    count = 0
    for name in _names(service, only):
        place = service.runtime.workspace(name)
        count += place.writing(
            OPERATOR, lambda conn, call: sum(len(repair(conn, call, object)) for object in call.model.objects)
        )
    return count


def _names(service: Service, only: str | None) -> list[str]:
    if only is not None:
        return [service.runtime.workspace(only).name]
    with service.databases.system("read") as conn:
        return [w.name for w in list_workspaces(conn) if w.state == "ready"]


def _adrift(found: Drift) -> Problem:
    return Problem(
        code="figure_adrift",
        message=Phrase(
            "{object} {id}: {field} holds {stored}, it should be {right}",
            object=found.object,
            id=found.id,
            field=found.field,
            stored=found.stored,
            right=found.right,
        ),
        hint="`patron doctor --repair` sets it right",
        path=f"{found.object}.{found.field}",
    )


def _release(place: Workspace) -> int:
    place.stale()
    with place.connection("read") as conn:
        return place.pin(conn)[0].release
