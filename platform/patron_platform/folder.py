"""Folders: the workspace's own layer as files, for people who keep definitions in a repository.

In: a folder. Out: documents, or all problems of its files. And back: documents as files, each in its place. Nothing that
somebody wrote is lost: a file is replaced or removed only when all it says is in the workspace, or when it is as the last
writing left it (its checksum is in `.pulled`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from patron_engine.errors import Conflict, Refused, WrongUse
from patron_engine.meta.document import Document
from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents
from patron_engine.meta.writer import write_document
from patron_engine.pack import source
from patron_engine.pack.export import files_of_documents
from patron_engine.pack.source import Definitions, Pack, read_pack
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, beyond
from patron_engine.runtime import Workspace
from patron_engine.ways.publish import Publication

PULLED = ".pulled"  # in the folder: name of a file -> checksum of what was written into it
ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was done to a folder. `kept`: files with definitions that the workspace does not have."""

    files: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def read_folder(folder: Path) -> tuple[Document, ...]:
    """The definitions of a folder. Refused with every problem of its files."""
    found, problems = _read(folder)
    if any(p.level == "error" for p in problems):
        raise Refused(
            problems,
            Phrase("{count} problems in {folder}", count=len(problems), folder=folder),
            code="definitions_invalid",
        )
    return found.documents


def _read(folder: Path) -> tuple[Definitions, list[Problem]]:
    if not folder.is_dir():
        raise WrongUse(
            Phrase("there is no folder {folder}", folder=folder), hint="`patron pull DIR` writes one"
        )
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
    raise Refused(
        every,
        Phrase("{count} problems in {folder}", count=len(every), folder=folder),
        code="definitions_invalid",
    )


def write_folder(folder: Path, layers: Sequence[Layer]) -> Written:
    """Writes the workspace's own layer. Conflict, and nothing is written, when a file to be replaced was changed here."""
    own = {d.key: d for layer in layers if layer.own for d in layer.documents}
    files = files_of_documents(own.values())
    folder.mkdir(parents=True, exist_ok=True)
    before = _pulled(folder)
    removed, kept, changed = [], [], []
    for name, content in _definitions(folder):
        documents, problems = read_documents(content, name)
        known = not problems and bool(documents) and all(_same(own.get(d.key), d) for d in documents)
        ours = known or before.get(name) == _checksum(content)
        if name in files:
            changed += [] if ours or content == files[name].encode() else [name]
        elif ours:
            removed.append(name)
        elif documents:
            kept.append(name)
    if changed:
        raise Conflict(
            Phrase(
                "changed in {folder} and not as the workspace has it: {changed}",
                folder=folder,
                changed=list(changed),
            ),
            code="folder_changed",
            hint="publish the folder first, or move these files away",
        )
    for name in removed:
        (folder / name).unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sums = {name: _checksum(text.encode()) for name, text in sorted(files.items())}
    (folder / PULLED).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")
    return Written(files=tuple(sorted(files)), removed=tuple(removed), kept=tuple(kept))


def _definitions(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files that may hold definitions, and what they hold."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.suffix in ENDINGS and path.is_file() and not any(p.startswith(".") for p in name.parts):
            yield str(name), path.read_bytes()


def _pulled(folder: Path) -> Mapping[str, str]:
    try:
        found = json.loads((folder / PULLED).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _checksum(content: bytes) -> str:
    return sha256(content).hexdigest()


def _same(kept: Document | None, written: Document) -> bool:
    return kept is not None and write_document(kept.body) == write_document(written.body)


def load_pack(folder: Path) -> Pack:
    """A pack's folder. Refused with every problem of its files."""
    if not folder.is_dir():
        raise WrongUse(
            Phrase("there is no folder {folder}", folder=folder), hint="`patron pack new NAME` makes one"
        )
    pack, problems = read_pack(folder)
    if pack is None or any(p.level == "error" for p in problems):
        raise Refused(
            problems,
            Phrase("{count} problems in {folder}", count=len(problems), folder=folder),
            code="pack_invalid",
        )
    return pack
