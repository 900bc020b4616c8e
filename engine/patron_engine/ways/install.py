"""The way install: pack → resolve → layers → plan → publish.

In: packs that are wanted (or no longer wanted) and those there are. Out: the layers a publication then plans. An upgrade
replaces a pack's layer whole; what an admin changed stays: a property only the pack changed is taken, one only the admin
changed is kept, one both changed is a conflict that a person decides before anything is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from patron_engine.errors import Conflict, NotFound, Refused
from patron_engine.meta.compare import MISSING
from patron_engine.meta.document import Document
from patron_engine.meta.layers import Layer, fold, workspace_layer
from patron_engine.meta.upgrade import Upgrade, upgrade
from patron_engine.pack.check import check_pack
from patron_engine.pack.resolve import resolve
from patron_engine.pack.source import Pack
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.release.releases import FILE

Choices = Mapping[str, Literal["mine", "theirs"]]  # "object/account fields.name.label" -> whose value


def install_layers(
    layers: Sequence[Layer],
    wanted: Iterable[str],
    available: Mapping[str, Pack],
    *,
    platform: str,
    choices: Choices | None = None,
) -> tuple[Layer, ...]:
    """The layers with the packs in `wanted` (installed anew or upgraded) and what they require.

    Refused when a pack has problems or does not fit; Conflict `upgrade_conflict` for what both the pack and the admin
    changed and `choices` does not decide.
    """
    names = tuple(wanted)
    unknown = [n for n in names if n not in available]
    if unknown:
        raise NotFound(
            Phrase("there is no pack {unknown!r}", unknown=unknown[0]),
            code="pack_not_found",
            hint=nearest(unknown[0], available),
        )
    stored = {layer.name: stored_pack(layer) for layer in layers if not layer.own}
    there = {**available, **{name: pack for name, pack in stored.items() if name not in names}}
    resolution = resolve((*stored, *names), there, platform)
    fresh = [p for p in resolution.order if p.name in names or p.name not in stored]
    problems = [*resolution.problems, *(problem for pack in fresh for problem in check_pack(pack))]
    if any(p.level == "error" for p in problems):
        raise Refused(problems, "the packs cannot be installed", code="pack_invalid")
    packs = {p.name: p for p in resolution.order}
    made = tuple(with_files(layer, packs[layer.name]) for layer in resolution.layers)
    return (*made, _own_layer(layers, made, choices or {}))


def uninstall_layers(layers: Sequence[Layer], name: str) -> tuple[Layer, ...]:
    """The layers without a pack. Its tables and columns stay aside with their data. Refused while another requires it."""
    if name not in {layer.name for layer in layers if not layer.own}:
        raise NotFound(Phrase("the pack {name!r} is not installed", name=name), code="pack_not_found")
    users = [layer.name for layer in layers if not layer.own and name in stored_pack(layer).requires]
    if users:
        message = Phrase("the pack {name!r} is required by {users}", name=name, users=list(users))
        raise Refused([Problem(code="pack_required", message=message, hint="uninstall those first")])
    return tuple(layer for layer in layers if layer.name != name)


def with_files(layer: Layer, pack: Pack) -> Layer:
    """A pack's layer as it is kept: with its manifest and the texts of its templates and tables."""
    manifest = replace(pack.manifest, layer=pack.name)
    texts = {**pack.templates, **pack.tables}
    files = tuple(
        Document(kind=FILE, name=name, body={"text": text}, layer=pack.name)
        for name, text in sorted(texts.items())
    )
    documents = tuple(d for d in layer.documents if d.kind not in (FILE, "pack"))
    return replace(layer, documents=(manifest, *documents, *files))


def stored_pack(layer: Layer) -> Pack:
    """The pack a layer was made from, as far as a release keeps it."""
    manifest = next(
        (d for d in layer.documents if d.kind == "pack"),
        Document(
            kind="pack", name=layer.name, body={"kind": "pack", "name": layer.name, "version": layer.version}
        ),
    )
    texts = {d.name: str(d.body["text"]) for d in layer.documents if d.kind == FILE}
    return Pack(
        name=layer.name,
        version=layer.version,
        manifest=manifest,
        documents=tuple(d for d in layer.documents if d.kind not in (FILE, "pack")),
        templates={n: t for n, t in texts.items() if not n.endswith(".csv")},
        tables={n: t for n, t in texts.items() if n.endswith(".csv")},
        checksum="",
    )


def _own_layer(before: Sequence[Layer], packs: tuple[Layer, ...], choices: Choices) -> Layer:
    """The workspace's own layer, its changes brought to the versions that now stand below."""
    own = next((layer for layer in before if layer.own), workspace_layer(()))
    old = fold(tuple(layer for layer in before if not layer.own))
    new = fold(packs)
    versions = {layer.name: layer.version for layer in packs}
    documents: list[Document] = []
    open_conflicts: list[dict[str, Any]] = []
    for document in own.documents:
        kind, _, name = document.name.partition("/")
        base = old.find(kind, name) if document.kind == "change" else None
        theirs = new.find(kind, name) if document.kind == "change" else None
        if base is None or theirs is None or base.body == theirs.body:
            documents.append(document)
            continue
        found = upgrade(base.body, theirs.body, document)
        decided = {c.path: choices.get(f"{document.name} {c.path}") for c in found.conflicts}
        if None in decided.values():
            open_conflicts += _shown(document.name, found)
            continue
        resolved = found.resolved({p: d for p, d in decided.items() if d}, versions.get(theirs.layer, ""))
        if resolved is not None:
            documents.append(resolved)
    if open_conflicts:
        raise Conflict(
            Phrase(
                "{count} properties were changed by the new version and by this workspace",
                count=len(open_conflicts),
            ),
            code="upgrade_conflict",
            hint="decide each: keep mine, or take theirs",
            values={"conflicts": open_conflicts},
        )
    return workspace_layer(documents)


def _shown(name: str, found: Upgrade) -> list[dict[str, Any]]:
    return [
        {"of": name, "path": c.path, "base": _said(c.base), "theirs": _said(c.theirs), "mine": _said(c.mine)}
        for c in found.conflicts
    ]


def _said(value: Any) -> Any:
    return None if value is MISSING else value
