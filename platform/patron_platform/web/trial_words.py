"""Trial words: what a tried automation would write and what would leave, as people read it: labels and what records are called.

In: the answers of trials (trials.py), the model. Out: which records have to be named; a change or a command as a sentence's parts.
Reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patron_engine.model.model import LINKS, Model, say
from patron_platform.web.run_words import Words

Titles = Mapping[tuple[str, str], str]
Named = tuple[str, str]  # object, id


def named_in(model: Model, tried: Sequence[Mapping[str, Any]]) -> Iterator[Named]:
    """The records that changes and commands of these trials mean."""
    for one in tried:
        for run in one["runs"]:
            if run["object"] in model.objects and run["record"]:
                yield run["object"], run["record"]
            for step in run["steps"]:
                for change in step["changes"]:
                    if change["id"]:
                        yield change["object"], change["id"]
                    for name, value in change["set"].items():
                        yield from _links(model, change["object"], name, value)
                for command in step["commands"]:
                    yield from (("user", person) for person in _people(command))
                    about = _about(command)
                    if about is not None and about[0] in model.objects:
                        yield about


def would_write(words: Words, titles: Titles, change: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and text of each value; a link by what its record is called."""
    told = []
    for name, value in change["set"].items():
        named = [titles[one] for one in _links(words.model, change["object"], name, value) if one in titles]
        if named:
            field = words.model.objects[change["object"]].fields[name]
            told.append((say(field.label, words.reader.languages) or name, ", ".join(named)))
        else:
            told += words.values(change["object"], {name: value})
    return told


def would_leave(words: Words, titles: Titles, command: Mapping[str, Any]) -> tuple[str, list[str]]:
    """What it is, and whom or what it is about."""
    key, told = f"automations.does_{command['do']}", []
    people = [titles.get(("user", person), "") for person in _people(command)]
    told += [", ".join(p for p in people if p)]
    for kind in ("conversion", "approval", "assignment"):
        body = words.model.documents.get((kind, str(command.get(kind)))) if command.get(kind) else None
        told += [words.reader.say(body.get("label"), str(command[kind]))] if body is not None else []
    about = _about(command)
    if about is not None and about in titles:
        told.append(f"{words.object(about[0])} {titles[about]}")
    for name in ("text", "body"):
        text = command.get(name)
        if isinstance(text, str):
            told.append(text)
        elif isinstance(text, Mapping):
            told.append(words.reader.say(text, ""))
    what = words.t(key) if words.t.has(key) else words.t("automations.does_other")
    return what, [one for one in told if one]


def _links(model: Model, object: str, name: str, value: Any) -> Iterator[Named]:
    found = model.objects[object].field(name) if object in model.objects else None
    if found is None or found.type not in LINKS:
        return
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping) and isinstance(one.get("id"), str):
            yield str(one.get("object") or found.link.to[0]), one["id"]
        elif isinstance(one, str):
            yield found.link.to[0], one


def _people(command: Mapping[str, Any]) -> list[str]:
    people = [*(command.get("people") or ()), command.get("person")]
    return [p for p in people if isinstance(p, str)]


def _about(command: Mapping[str, Any]) -> Named | None:
    about = command.get("about")
    if isinstance(about, list) and len(about) == 2:
        return str(about[0]), str(about[1])
    id = command.get("record") or command.get("id")
    return (str(command["object"]), id) if isinstance(id, str) and command.get("object") else None
