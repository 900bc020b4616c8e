"""Folders: the workspace's own layer as files, for people who keep definitions in a repository.

In: a folder. Out: documents, or all problems of its files. And back: documents as files, each in its place; files of
documents that are gone are removed, other files are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from patron_engine.errors import Refused, WrongUse
from patron_engine.meta.document import Document
from patron_engine.meta.layers import Layer
from patron_engine.pack import source
from patron_engine.pack.export import files_of_documents
from patron_engine.pack.source import Definitions, Pack, read_pack
from patron_engine.problems import Problem, beyond
from patron_engine.runtime import Workspace
from patron_engine.ways.publish import Publication


def read_folder(folder: Path) -> tuple[Document, ...]:
    """The definitions of a folder. Refused with every problem of its files."""
    found, problems = _read(folder)
    if any(p.level == "error" for p in problems):
        raise Refused(problems, f"{len(problems)} problems in {folder}", code="definitions_invalid")
    return found.documents


def _read(folder: Path) -> tuple[Definitions, list[Problem]]:
    if not folder.is_dir():
        raise WrongUse(f"there is no folder {folder}", hint="`patron pull DIR` writes one")
    return source.read_folder(folder)


def plan_folder(place: Workspace, folder: Path, note: str = "") -> Publication:
    """What publishing a folder as the workspace's whole own layer would do. Refused with every problem there is: of its
    files, and of what they mean together with the layers below, as far as they can be read."""
    found, problems = _read(folder)
    if not any(p.level == "error" for p in problems):
        return place.plan_own(found.documents, note=note)
    more: Sequence[Problem] = ()
    if not found.unread:
        try:
            place.plan_own(found.documents)
        except Refused as refused:
            more = beyond(problems, refused.problems)
    every = [*problems, *more]
    raise Refused(every, f"{len(every)} problems in {folder}", code="definitions_invalid")


def write_folder(folder: Path, layers: Sequence[Layer]) -> list[str]:
    """Writes the workspace's own layer; the names of the files."""
    own = [d for layer in layers if layer.own for d in layer.documents]
    files = files_of_documents(own)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*.yaml")):
        if path.is_file() and str(path.relative_to(folder)) not in files:
            path.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(files)


def load_pack(folder: Path) -> Pack:
    """A pack's folder. Refused with every problem of its files."""
    if not folder.is_dir():
        raise WrongUse(f"there is no folder {folder}", hint="`patron pack new NAME` makes one")
    pack, problems = read_pack(folder)
    if pack is None or any(p.level == "error" for p in problems):
        raise Refused(problems, f"{len(problems)} problems in {folder}", code="pack_invalid")
    return pack
