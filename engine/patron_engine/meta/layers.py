"""Layers: core, packs, the workspace's own, folded into the effective definitions.

In: Layers in order, each with its documents. Out: Effective: every document as it holds, with the layer and the place
of each of its properties, and Problems for what a layer may not do. Computed each time, never stored by hand. It
reads no files and checks no expressions; an EffectiveDocument is a Document, so check and references take it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from patron_engine.meta.change import Contribution, Draft, apply_change, locate
from patron_engine.meta.computed import computed_change
from patron_engine.meta.document import Document, Path, element_name, former_names, path_text
from patron_engine.meta.features import take_in
from patron_engine.meta.kinds import KINDS
from patron_engine.meta.trespass import check_added, check_new, check_trespass
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems, nearest

WORKSPACE: Final = "workspace"
WORKSPACE_PREFIX: Final = "c_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: a pack's documents, or the workspace's own.

    version   of the pack, "" for the workspace
    prefix    of elements it adds to others' documents, and of a third party's own documents
    requires  packs whose documents it may change
    """

    name: str
    documents: tuple[Document, ...]
    version: str = ""
    prefix: str = ""
    requires: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """The workspace's own layer: it may do more, and its full documents over packs' are changes."""
        return self.name == WORKSPACE


def workspace_layer(documents: Iterable[Document]) -> Layer:
    return Layer(name=WORKSPACE, documents=tuple(documents), prefix=WORKSPACE_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveDocument(Document):
    """A document as it holds. `layer` gave it; `given` says which document gave each property since.

    removed  path of a hidden element -> (what it was, who hid it)
    """

    given: Mapping[str, Contribution] = field(default_factory=dict)
    removed: Mapping[str, tuple[Any, Contribution]] = field(default_factory=dict)

    def contribution(self, path: str) -> Contribution:
        """Who gave the property at a path by names ("fields.amount.label")."""
        return self.given[self._known(path)]

    def origin(self, path: str = "") -> str:
        """The layer that gave the property."""
        return self.contribution(path).document.layer

    def line(self, path: Path = ()) -> int | None:
        return self._place(path)[1]

    def where(self, path: Path = ()) -> dict[str, Any]:
        file, line = self._place(path)
        return {"file": file, "line": line, "path": path_text(self.body, path) or None}

    def _known(self, path: str) -> str:
        while path and path not in self.given:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return path

    def _place(self, path: Path) -> tuple[str | None, int | None]:
        """File and line: from the part that was given as a whole, downwards by the names of elements."""
        whole = self._known(path_text(self.body, path))
        by = self.given[whole]
        length = next(n for n in range(len(path) + 1) if path_text(self.body, path[:n]) == whole)
        mine, theirs = _at(self.body, path[:length]), _at(by.document.body, by.path)
        there = list(by.path)
        for step in path[length:]:
            mine = _at(mine, (step,))
            if isinstance(step, int) and isinstance(theirs, list):
                name = element_name(mine)
                step = next((i for i, item in enumerate(theirs) if name and element_name(item) == name), step)
            theirs = _at(theirs, (step,))
            there.append(step)
        return by.document.file, by.document.line(tuple(there))


def _at(value: Any, path: Path) -> Any:
    """The part at a path, or None."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        else:
            value = (
                value[step]
                if isinstance(value, list) and isinstance(step, int) and step < len(value)
                else None
            )
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The effective definitions of a workspace.

    documents  (kind, name) -> as it holds
    hidden     documents a layer above hides
    aliases    (kind, old name) -> today's name
    changes    (kind, name) -> the workspace's change, computed ones included: what is stored
    """

    documents: Mapping[tuple[str, str], EffectiveDocument]
    hidden: Mapping[tuple[str, str], EffectiveDocument]
    aliases: Mapping[tuple[str, str], str]
    changes: Mapping[tuple[str, str], Document]
    layers: tuple[tuple[str, str], ...]  # (name, version) from below
    problems: tuple[Problem, ...]

    def find(self, kind: str, name: str) -> EffectiveDocument | None:
        """By today's or an old name."""
        return self.documents.get((kind, name)) or self.documents.get(
            (kind, self.aliases.get((kind, name), ""))
        )


def fold(layers: Iterable[Layer]) -> Effective:
    """Folds layers from below upwards. What a layer gets wrong is told and left out; the rest still holds."""
    folding = _Folding(layers=tuple(layers))
    for layer in folding.layers:
        folding.put(layer)
    take_in(folding.drafts)
    documents = {key: _effective(draft) for key, draft in folding.drafts.items() if draft.hidden is None}
    hidden = {key: _effective(draft) for key, draft in folding.drafts.items() if draft.hidden is not None}
    return Effective(
        documents=documents,
        hidden=hidden,
        aliases=folding.aliases,
        changes=folding.changes,
        layers=tuple((layer.name, layer.version) for layer in folding.layers),
        problems=tuple(folding.problems),
    )


def _effective(draft: Draft) -> EffectiveDocument:
    base = draft.base
    return EffectiveDocument(
        kind=base.kind, name=base.name, body=draft.body, file=base.file, places=base.places, layer=base.layer,
        given=draft.given, removed=draft.removed,
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Folding:
    layers: tuple[Layer, ...]
    drafts: dict[tuple[str, str], Draft] = field(default_factory=dict)
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: dict[tuple[str, str], Document] = field(default_factory=dict)
    left_out: set[tuple[str, str]] = field(default_factory=set)  # because of `needs`
    problems: Problems = field(default_factory=Problems)

    def put(self, layer: Layer) -> None:
        there = {each.name for each in self.layers}
        changes: dict[tuple[str, str], Document] = {}
        for document in layer.documents:
            document = replace(document, layer=layer.name)
            needs = document.body.get("needs")
            if isinstance(needs, list) and not there.issuperset(n for n in needs if isinstance(n, str)):
                self.left_out.add(document.key)
            elif document.kind == "change":
                self._collect(document, changes)
            elif document.kind in KINDS and KINDS[document.kind].layered:
                self._full(document, layer, changes)
        for key, change in changes.items():
            self._change(key, change, layer)

    def _collect(self, change: Document, changes: dict[tuple[str, str], Document]) -> None:
        kind, _, name = change.name.partition("/")
        key = (kind, self.aliases.get((kind, name), name))
        if key in changes:
            self._tell(
                "second_change",
                Phrase("{change} is changed twice in one layer", change=change.name),
                change,
                "join them to one",
                ("of",),
            )
        else:
            changes[key] = change

    def _full(self, document: Document, layer: Layer, changes: dict[tuple[str, str], Document]) -> None:
        below = self.drafts.get(document.key)
        if below is not None and below.base.layer == layer.name:
            first = below.base.where()
            message = Phrase(
                "{kind} {document!r} stands twice: also in {file} line {line}",
                kind=document.kind,
                document=document.name,
                file=first["file"],
                line=first["line"],
            )
            self._tell("duplicate_document", message, document, "rename one of them", ("name",))
        elif below is not None and layer.own:
            change = computed_change(below.body, document)
            if change is not None:
                self._collect(change, changes)
        elif below is not None:
            message = Phrase(
                "{kind} {document!r} is {layer}'s already",
                kind=document.kind,
                document=document.name,
                layer=below.base.layer,
            )
            hint = Phrase(
                "write kind: change, of: {kind}/{document}, or choose another name",
                kind=document.kind,
                document=document.name,
            )
            self._tell("name_taken", message, document, hint, ("name",))
        elif document.key in self.aliases:
            message = Phrase(
                "{document!r} was the name of {aliases!r} and stays its alias",
                document=document.name,
                aliases=self.aliases[document.key],
            )
            self._tell("name_taken", message, document, "choose another name", ("name",))
        else:
            self.problems.extend(check_new(document, layer.prefix, layer.own))
            self.drafts[document.key] = Draft.of(document)
            for old in former_names(document.body):
                self.aliases[(document.kind, old)] = document.name

    def _change(self, key: tuple[str, str], change: Document, layer: Layer) -> None:
        draft = self.drafts.get(key)
        if draft is None:
            if key not in self.left_out:
                known = [name for kind, name in self.drafts if kind == key[0]]
                hint = nearest(key[1], known) or "the document must stand in a layer below"
                self._tell(
                    "unknown_document",
                    Phrase("there is no {key} {key2!r} to change", key=key[0], key2=key[1]),
                    change,
                    hint,
                    ("of",),
                )
            return
        if draft.base.layer == layer.name:
            message = Phrase("{change} is this layer's own document", change=change.name)
            self._tell("own_document", message, change, "change the document itself", ("of",))
            return
        self._against(draft, change)
        if not layer.own:
            trespass = check_trespass(change, draft.base, layer.requires, self._owner_of_object(layer))
            self.problems.extend(trespass)
            if trespass:
                return
        self.problems.extend(check_added(change, layer.prefix, layer.name))
        self.problems.extend(apply_change(draft, change))
        if layer.own:
            self.changes[key] = change

    def _owner_of_object(self, layer: Layer) -> frozenset[str]:
        return frozenset(d.name for d in layer.documents if d.kind == "object")

    def _against(self, draft: Draft, change: Document) -> None:
        against = change.body.get("against")
        versions = {layer.name: layer.version for layer in self.layers}
        there = versions.get(draft.base.layer, "")
        if isinstance(against, str) and there and against != there:
            message = Phrase(
                "made against {layer} {against}, installed is {there}",
                layer=draft.base.layer,
                against=against,
                there=there,
            )
            hint = Phrase("the upgrade shows what both changed; then write against: {there}", there=there)
            self._tell("against_other_version", message, change, hint, ("against",), level="warning")

    def _tell(
        self, code: str, message: str, document: Document, hint: str | None, path: Path, **more: Any
    ) -> None:
        self.problems.add(code, message, hint=hint, **document.where(path), **more)


__all__ = ["Effective", "EffectiveDocument", "Layer", "fold", "locate", "workspace_layer"]
