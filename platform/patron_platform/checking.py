"""Checking a pack: everything that can be wrong with it, found without a workspace and without leaving anything.

In: a folder, and the packs it requires. Out: all problems with their places: files, schemas, names, folding over the packs
below, compiling, and its `check` documents rehearsed in a schema that is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patron_engine.clock import system_clock
from patron_engine.errors import NotFound, WrongUse
from patron_engine.fields.vault import Vault
from patron_engine.meta.check import sound
from patron_engine.meta.diff import diff_documents
from patron_engine.meta.layers import fold, workspace_layer
from patron_engine.model.compile import compile_model
from patron_engine.model.physical import PhysicalNames
from patron_engine.pack.check import check_pack
from patron_engine.pack.resolve import resolve
from patron_engine.pack.source import Pack, find_packs, read_pack
from patron_engine.problems import Problem, Problems, beyond, nearest
from patron_engine.ways.rehearse import rehearse
from patron_engine.ways.report_checks import report_problems
from patron_platform.folder import load_pack
from patron_platform.service import Service
from patron_platform.template_names import template_name_problems
from patron_platform.template_syntax import template_problems
from patron_platform.workspace import PLATFORM_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found. `checks` are the pack's checks that passed or failed."""

    name: str
    version: str
    problems: tuple[Problem, ...]
    checks: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.level == "error")

    @property
    def passed(self) -> bool:
        return not self.errors

    def as_dict(self) -> dict[str, Any]:
        return {
            "pack": self.name,
            "version": self.version,
            "passed": self.passed,
            "checks": list(self.checks),
            "problems": [p.as_dict() for p in self.problems],
        }


def check_folder(service: Service, folder: str) -> Checked:
    """Checks the pack in a folder, or an installed one by its name."""
    path = _place(folder)
    pack, found = read_pack(path)
    problems = Problems(found)
    if pack is None:
        return Checked(name=path.name, version="", problems=tuple(problems))
    if problems.errors:
        pack = replace(pack, documents=tuple(map(sound, pack.documents)))
    problems.extend(check_pack(pack))
    problems.extend(template_problems(pack))
    below = {
        name: p
        for name, place in find_packs([path.parent]).items()
        if name != pack.name and (p := _read(place))
    }
    resolution = resolve((pack.name,), {**below, pack.name: pack}, PLATFORM_VERSION)
    problems.extend(resolution.problems)
    if resolution.problems:
        return Checked(name=pack.name, version=pack.version, problems=tuple(problems))
    effective = fold((*resolution.layers, workspace_layer(())))
    problems.extend(beyond(problems, effective.problems))
    model, compiled = compile_model(
        effective, PhysicalNames(), 1, vault=Vault(b"\0" * 32), earlier=problems, unread=pack.unread
    )
    problems.extend(compiled)
    if model is not None:
        problems.extend(template_name_problems(pack, model))
        problems.extend(report_problems(model, effective.documents, "w_check", system_clock))
    checks: tuple[str, ...] = ()
    if model is not None and not problems.errors:
        lower = fold(tuple(layer for layer in resolution.layers if layer.name != pack.name))
        with service.databases.system("publish") as conn:
            checks, failures = rehearse(conn, model, diff_documents(lower, effective), system_clock)
        problems.extend(failures)
    return Checked(name=pack.name, version=pack.version, problems=_once(problems), checks=checks)


def named_packs(what: str) -> tuple[str, dict[str, Pack]]:
    """The name of a pack given by folder or name, and every pack there is beside it."""
    path = _place(what)
    pack = load_pack(path)
    there = {name: p for name, place in find_packs([path.parent]).items() if (p := _read(place))}
    return pack.name, {**there, pack.name: pack}


def _place(what: str) -> Path:
    path = Path(what)
    if path.is_dir():
        return path.resolve()
    installed = find_packs()
    if what in installed:
        return installed[what]
    if path.exists():
        raise WrongUse(f"{what} is not a folder", hint="name the folder that holds pack.yaml")
    raise NotFound(f"there is neither a folder nor a pack {what!r}", hint=nearest(what, installed))


def _read(place: Path) -> Pack | None:
    """A neighbour, when it can be read; one with problems of its own is not this check's."""
    pack, problems = read_pack(place)
    return None if any(p.level == "error" for p in problems) else pack


def _once(problems: Problems) -> tuple[Problem, ...]:
    """Two stages may find the same thing at the same place."""
    seen: dict[tuple[Any, ...], Problem] = {}
    for p in problems:
        seen.setdefault((p.code, p.file, p.line, p.path, p.message), p)
    return tuple(seen.values())
