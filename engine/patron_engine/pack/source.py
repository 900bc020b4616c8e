"""Source: files become a Pack, or the definitions of a workspace's own folder.

In: files (files.py). Out: a frozen Pack with its manifest, documents, templates and tables, and all Problems. It checks
what can be said of a pack alone; whether it fits to other packs is resolve.py's, what its documents mean together is
the model's. `find_packs` knows where packs are; nothing here imports one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from patron_engine.meta.boundaries import named_documents
from patron_engine.meta.check import check_document
from patron_engine.meta.document import Document
from patron_engine.meta.kinds import KINDS
from patron_engine.meta.reader import read_documents
from patron_engine.pack.files import checksum_of, files_of_archive, files_of_folder
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems

MANIFEST: Final = "pack.yaml"
INSTALLED: Final = "patron_packs"
MAX_TEMPLATE_BYTES: Final = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """What a folder holds. `templates` and `tables`: relative name -> text; `unread` are kind and name of documents
    that could not be read."""

    documents: tuple[Document, ...]
    templates: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    unread: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack as its author wrote it. `documents` are all but the manifest; `checksum` is over all files."""

    name: str
    version: str
    manifest: Document
    documents: tuple[Document, ...]
    templates: Mapping[str, str]
    tables: Mapping[str, str]
    checksum: str
    files: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    unread: frozenset[tuple[str, str]] = frozenset()

    @property
    def requires(self) -> Mapping[str, str]:
        return _texts(self.manifest.body.get("requires"))

    @property
    def optional(self) -> Mapping[str, str]:
        return _texts(self.manifest.body.get("optional"))

    @property
    def platform(self) -> str:
        return str(self.manifest.body.get("platform") or "*")

    @property
    def prefix(self) -> str:
        return str(self.manifest.body.get("prefix") or "")

    @property
    def languages(self) -> tuple[str, ...]:
        found = self.manifest.body.get("languages")
        return tuple(str(code) for code in found) if isinstance(found, list) else ("en",)

    @property
    def capabilities(self) -> Mapping[str, Any]:
        found = self.manifest.body.get("capabilities")
        return found if isinstance(found, Mapping) else {}


def _texts(value: Any) -> Mapping[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


def read_pack(folder: Path) -> tuple[Pack | None, list[Problem]]:
    """A pack's folder. None where there is no manifest that says what it is."""
    files, problems = files_of_folder(folder)
    pack, more = pack_of_files(files)
    return pack, [*problems, *more]


def read_archive(data: bytes) -> tuple[Pack | None, list[Problem]]:
    """A pack as a zip, read in memory."""
    files, problems = files_of_archive(data)
    pack, more = pack_of_files(files)
    return pack, [*problems, *more]


def read_folder(folder: Path) -> tuple[Definitions, list[Problem]]:
    """A workspace's own definitions as files: no manifest, else as in a pack."""
    files, problems = files_of_folder(folder)
    found, more = definitions_of_files(files)
    faults = Problems([*problems, *more])
    for document in found.documents:
        if document.kind == "pack":
            message = "a workspace's folder holds no manifest"
            faults.add("manifest_here", message, hint="install the pack instead", **document.where())
    return found, list(faults)


def definitions_of_files(files: Mapping[str, bytes]) -> tuple[Definitions, list[Problem]]:
    """Reads and checks every document; templates and tables must be UTF-8."""
    problems = Problems()
    documents: list[Document] = []
    texts: dict[str, dict[str, str]] = {"templates": {}, "demo": {}}
    unread: set[tuple[str, str]] = set()
    for name, content in files.items():
        folder = name.split("/")[0]
        if name.endswith((".yaml", ".yml", ".json")):
            found, faults = read_documents(content, name)
            documents += found
            problems.extend(faults)
            if faults:
                unread |= named_documents(content)
            unread |= {(_meant(d.kind), d.name) for d in found if d.kind not in KINDS}
            problems.extend(p for document in found for p in check_document(document))
        elif folder in texts:
            if folder == "templates" and len(content) > MAX_TEMPLATE_BYTES:
                problems.add(
                    "file_too_large",
                    Phrase("a template has at most {most:,} bytes", most=MAX_TEMPLATE_BYTES),
                    file=name,
                )
                continue
            try:
                texts[folder][name] = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                problems.add("not_utf8", "the file is not UTF-8 text", hint="save it as UTF-8", file=name)
    _twice(documents, problems)
    _body_files(documents, texts["templates"], problems)
    found_all = Definitions(
        documents=tuple(documents),
        templates=texts["templates"],
        tables=texts["demo"],
        unread=frozenset(unread - {d.key for d in documents}),
    )
    return found_all, list(problems)


def _meant(kind: str) -> str:
    """The kind a misspelt one stands for."""
    return next(iter(get_close_matches(kind, list(KINDS), n=1)), kind)


def _twice(documents: Iterable[Document], problems: Problems) -> None:
    seen: dict[tuple[str, str], Document] = {}
    for document in documents:
        if document.kind == "change":
            continue  # two changes of one document are told when layers are folded
        first = seen.setdefault(document.key, document)
        if first is not document:
            message = Phrase(
                "{kind} {document!r} stands in {file} line {line} already",
                kind=document.kind,
                document=document.name,
                file=first.file,
                line=first.line(),
            )
            problems.add(
                "duplicate_document", message, hint="rename one of them", **document.where(("name",))
            )


def _body_files(documents: Iterable[Document], templates: Mapping[str, str], problems: Problems) -> None:
    for document in documents:
        file = document.body.get("body_file") if document.kind == "template" else None
        if isinstance(file, str) and file not in templates:
            message = Phrase("there is no file {file!r}", file=file)
            hint = (
                Phrase("there are {templates}", templates=list(templates))
                if templates
                else "put it under templates/"
            )
            problems.add("no_template_file", message, hint=hint, **document.where(("body_file",)))


def pack_of_files(files: Mapping[str, bytes]) -> tuple[Pack | None, list[Problem]]:
    found, faults = definitions_of_files(files)
    problems = Problems(faults)
    manifests = [d for d in found.documents if d.kind == "pack"]
    manifest = next((d for d in manifests if d.file == MANIFEST), None)
    for other in manifests:
        if other is not manifest:
            hint = Phrase("it belongs into {manifest} at the top", manifest=MANIFEST)
            problems.add("manifest_here", "a pack has one manifest", hint=hint, **other.where())
    if manifest is None:
        problems.add(
            "no_manifest",
            Phrase("there is no {manifest} with kind: pack", manifest=MANIFEST),
            hint="begin with kind: pack, name: …, version: 0.1.0, label: …",
            file=MANIFEST,
        )
        return None, list(problems)
    pack = Pack(
        name=manifest.name,
        version=str(manifest.body.get("version") or "0.0.0"),
        manifest=manifest,
        documents=tuple(d for d in found.documents if d.kind != "pack"),
        templates=found.templates,
        tables=found.tables,
        checksum=checksum_of(files),
        files=files,
        unread=found.unread,
    )
    return pack, list(problems)


def find_packs(folders: Iterable[Path] = ()) -> dict[str, Path]:
    """Pack name -> folder: the packs of these folders (a folder may be a pack itself), then the installed ones. The
    first of a name counts."""
    found: dict[str, Path] = {}
    for folder in [*folders, *_installed()]:
        places = (
            [folder] if (folder / MANIFEST).is_file() else sorted(p for p in folder.iterdir() if p.is_dir())
        )
        for place in places:
            if (place / MANIFEST).is_file():
                found.setdefault(_name_of(place), place)
    return found


def _name_of(folder: Path) -> str:
    documents, _ = read_documents((folder / MANIFEST).read_bytes(), MANIFEST)
    return next((d.name for d in documents if d.kind == "pack"), folder.name)


def _installed() -> list[Path]:
    """Packs are data: their distribution is looked up by name and never imported."""
    spec = find_spec(INSTALLED)
    places = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return [Path(place) for place in places if Path(place).is_dir()]
