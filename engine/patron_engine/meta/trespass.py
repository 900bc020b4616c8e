"""Trespass: what a layer may not do to documents of the layers below.

In: a change or a new document, and who made it. Out: Problems. A pack may add elements with its prefix and set labels,
help, order and layout of what it requires; it may not remove, retype, loosen rules or widen rights there. The
workspace may do all that; its own objects and elements carry the prefix c_, so that no pack's upgrade ever meets them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from patron_engine.meta.document import Document, Path
from patron_engine.meta.languages import LANGUAGES
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem

# Documents that only say how something is shown: a pack may set anything in them.
SHOWN: Final = frozenset({"layout", "view", "menu", "dashboard", "template"})
# Properties that change nothing but what people read or see.
HARMLESS: Final = frozenset(
    [
        "label",
        "plural",
        "help",
        "description",
        "summary",
        "message",
        "icon",
        "color",
        "synonyms",
        "guidance",
        "intro",
    ]
)
# Lists whose elements' names point at something else: they are not given by who adds them.
POINTING: Final = frozenset({"stages", "related"})


def check_trespass(
    change: Document, target: Document, requires: tuple[str, ...], own_objects: frozenset[str]
) -> list[Problem]:
    """What a pack's change does beyond its rights."""
    if target.layer not in requires:
        hint = Phrase("write requires: {{{layer}: …}} in pack.yaml", layer=target.layer)
        message = Phrase(
            "{change} is {layer}'s, which this pack does not require", change=change.name, layer=target.layer
        )
        return [_problem(change, ("of",), "not_required", message, hint)]
    settings = _settings(change, target, own_objects)
    return [*_removals(change), *settings, *_moves(change, target), *_rights(change, target)]


def _rights(change: Document, target: Document) -> Iterator[Problem]:
    """Elements that give rights: a role's actions, a sharing's people."""
    added = change.body.get("add")
    for text in added if isinstance(added, Mapping) else ():
        if target.kind == "sharing" or (target.kind == "role" and text != "menus"):
            message = Phrase(
                "a pack may not add to {text!r} of {kind} {target!r}: it would widen rights",
                text=text,
                kind=target.kind,
                target=target.name,
            )
            yield _problem(change, ("add", text), "pack_may_not_set", message, "bring a role of your own")


def _removals(change: Document) -> Iterator[Problem]:
    removed = change.body.get("remove")
    for index, text in enumerate(removed if isinstance(removed, list) else ()):
        message = Phrase("a pack may not remove {text!r} from another's document", text=text)
        yield _problem(
            change, ("remove", index), "pack_may_not_remove", message, "hide it in a layout of your own"
        )


def _settings(change: Document, target: Document, own_objects: frozenset[str]) -> Iterator[Problem]:
    entries = change.body.get("set")
    for text, value in entries.items() if isinstance(entries, Mapping) else ():
        steps = text.split(".")
        if target.kind in SHOWN or _property(steps) in HARMLESS:
            continue
        if (
            target.kind == "role"
            and steps[0] in ("objects", "fields")
            and _own_right(steps, value, own_objects)
        ):
            continue
        if isinstance(value, Mapping) and value and HARMLESS.issuperset(value):
            continue
        message = Phrase(
            "a pack may not set {text!r} in another's document: only labels, help, order and layout",
            text=text,
        )
        hint = "add an element of your own, or ask its publisher"
        yield _problem(change, ("set", text), "pack_may_not_set", message, hint)


def _property(steps: list[str]) -> str:
    """The property a path ends with; a language belongs to the text before it."""
    return steps[-2] if len(steps) > 1 and steps[-1] in LANGUAGES else steps[-1]


def _own_right(steps: list[str], value: Any, own_objects: frozenset[str]) -> bool:
    """Rights on the pack's own objects in a role of another: nothing of the other's is widened."""
    if len(steps) > 1:
        return steps[1] in own_objects
    return isinstance(value, Mapping) and own_objects.issuperset(value)


def _moves(change: Document, target: Document) -> Iterator[Problem]:
    """Order decides in cases and rules: there it is a meaning, not a look."""
    moved = change.body.get("move")
    for text in moved if isinstance(moved, Mapping) else ():
        if {"cases", "nodes", "steps", "return"}.intersection(text.split(".")) or target.kind == "assignment":
            message = Phrase("a pack may not move {text!r}: the order decides what happens", text=text)
            yield _problem(change, ("move", text), "pack_may_not_set", message, None)


def check_new(document: Document, prefix: str, workspace: bool) -> list[Problem]:
    """The prefix of a new document: the workspace's objects, and all documents of a third party's pack."""
    named = document.kind == "object" if workspace else document.kind not in ("pack", "change", "workspace")
    if not prefix or not named or document.name.startswith(prefix):
        return []
    message = Phrase(
        "{kind} {document!r} must begin with {prefix!r}",
        kind=document.kind,
        document=document.name,
        prefix=prefix,
    )
    return [
        _problem(
            document,
            ("name",),
            "prefix_missing",
            message,
            Phrase("call it {prefix}{document}", prefix=prefix, document=document.name),
        )
    ]


def check_added(change: Document, prefix: str, layer: str) -> list[Problem]:
    """Elements added to another's document carry the prefix of who adds them."""
    added = change.body.get("add")
    found: list[Problem] = []
    for text, items in added.items() if prefix and isinstance(added, Mapping) else ():
        listed = text.split(".")[-1]
        for index, item in enumerate(items if isinstance(items, list) else ()):
            name = item.get("name") if isinstance(item, Mapping) else item if listed == "options" else None
            if isinstance(name, str) and listed not in POINTING and not name.startswith(prefix):
                message = Phrase(
                    "{name!r} is added to another's document and must begin with {prefix!r}",
                    name=name,
                    prefix=prefix,
                )
                hint = Phrase("call it {prefix}{name}", prefix=prefix, name=name)
                found.append(_problem(change, ("add", text, index), "prefix_missing", message, hint))
    return found


def _problem(document: Document, path: Path, code: str, message: str, hint: str | None) -> Problem:
    return Problem(code=code, message=message, hint=hint, **document.where(path))
