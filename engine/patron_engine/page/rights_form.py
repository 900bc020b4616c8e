"""Rights form: what a role gives on one object, and whom a sharing rule names, as words of a form and back.

In: bodies of definitions, words that were typed. Out: the words a form offers and shows; new bodies; Refused for a word that is none.
A word is `yes`, a scope, `through:LINK,LINK`, `role:CODE`, `department+:CODE` (with those below). Keeps and publishes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patron_engine.access.roles import FLAGS, SCOPES
from patron_engine.errors import Refused
from patron_engine.meta.layers import WORKSPACE_PREFIX
from patron_engine.model.model import Object
from patron_engine.page.matrix import ACTIONS
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem

FIELD_RIGHTS = ("none", "masked", "read", "edit")
LINKS = ("lookup", "master")  # fields a right can go along with
PEOPLE = ("role", "department", "department_head", "position", "group", "queue", "user", "field")
NARROWED = tuple(
    a for a in ACTIONS if a not in FLAGS or a == "create"
)  # actions a condition may stand beside
BELOW = "+"
LONGEST_NAME = 40

Body = Mapping[str, Any]


def words_of(entry: Body) -> dict[str, str]:
    """Action -> its word; "" for what is not given."""
    return {action: _word(entry.get(action)) for action in ACTIONS}


def _word(said: Any) -> str:
    if isinstance(said, Mapping):
        through = said["through"]
        return "through:" + (through if isinstance(through, str) else ",".join(through))
    if said is True:
        return "yes"
    return "" if said in (None, False, "none") else str(said)


def offered(action: str, object: Object | None, now: str = "") -> tuple[str, ...]:
    """The words of an action; `now` stays on offer, whatever it is. None is every object without an entry."""
    if action in FLAGS:
        return ("yes",)
    own = object is None or "owner" in object.fields
    department = object is None or "department" in object.fields
    words = [w for w in SCOPES if w != "none" and (w == "all" or (department if "department" in w else own))]
    if object is not None:
        links = [f.name for f in object.fields.values() if f.type in LINKS and not (f.system or f.hidden)]
        words += [f"through:{name}" for name in links]
    return tuple(words) if not now or now in words else (*words, now)


def entry_of(
    words: Mapping[str, str], where: Mapping[str, str], before: Body, object: Object | None
) -> dict[str, Any]:
    """What the role says of the object. Nothing given is `read: none`: the entry for every other object does not stand in."""
    entry: dict[str, Any] = {}
    now = words_of(before)
    for action in ACTIONS:
        word = words.get(action, "")
        if not word:
            continue
        if word not in offered(action, object, now[action]):
            raise _refused(action, word)
        entry[action] = True if word == "yes" else _scope(word)
    kept = {a: text.strip() for a, text in where.items() if a in NARROWED and text.strip()}
    if kept:
        entry["where"] = kept
    return entry or {"read": "none"}


def _scope(word: str) -> Any:
    if not word.startswith("through:"):
        return word
    links = word.removeprefix("through:").split(",")
    return {"through": links[0] if len(links) == 1 else links}


def with_entry(role: Body, object: str, entry: Body | None, fields: Mapping[str, str]) -> dict[str, Any]:
    """The role with another entry for the object, or without one, and with these rights on its fields."""
    wrong = next((f for f, right in fields.items() if right and right not in FIELD_RIGHTS), None)
    if wrong is not None:
        raise _refused(wrong, fields[wrong])
    objects = {n: e for n, e in (role.get("objects") or {}).items() if n != object or entry is not None}
    if entry is not None:
        objects[object] = dict(entry)
    rights = {n: f for n, f in (role.get("fields") or {}).items() if n != object}
    said = {name: right for name, right in fields.items() if right}
    if said:
        rights[object] = said
    made = {k: v for k, v in role.items() if k not in ("objects", "fields")}
    return {**made, **({"objects": objects} if objects else {}), **({"fields": rights} if rights else {})}


def people_words(people: Sequence[Body]) -> list[str]:
    """One word a person, role or department that is named. What no word can say is left out (`odd_people`)."""
    return [f"{kind}{BELOW if who.get('below') else ''}:{code}" for who in people if _plain(who) for kind, code in _codes(who)]  # fmt: skip


def odd_people(people: Sequence[Body]) -> list[Body]:
    return [who for who in people if not _plain(who)]


def _plain(who: Body) -> bool:
    words = [w for w in who if w != "below"]
    return len(words) == 1 and words[0] in PEOPLE


def _codes(who: Body) -> Iterable[tuple[str, str]]:
    kind = next(w for w in who if w != "below")
    codes = (who[kind],) if isinstance(who[kind], str) else who[kind]
    return [(kind, str(code)) for code in codes]


def people_of(words: Iterable[str]) -> list[dict[str, Any]]:
    """What a definition says of people, from their words."""
    made: list[dict[str, Any]] = []
    for word in dict.fromkeys(words):
        kind, _, code = word.partition(":")
        bare = kind.removesuffix(BELOW)
        if bare not in PEOPLE or not code or (bare != kind and bare != "department"):
            raise _refused("to", word)
        made.append({bare: code, **({"below": True} if bare != kind else {})})
    return made


def free_name(label: str, taken: Iterable[str], kind: str) -> str:
    """A name of the workspace's own for what people call so.

    >>> free_name("Key accounts (East)", (), "role"), free_name("大客户", ("c_role",), "role")
    ('c_key_accounts_east', 'c_role_2')
    """
    known = set(taken)
    plain = re.sub(r"[^a-z0-9]+", "_", label.lower().strip(), flags=re.ASCII).strip("_") or kind
    name = f"{WORKSPACE_PREFIX}{plain}"[: LONGEST_NAME - 4].rstrip("_")
    found, number = name, 1
    while found in known:
        number += 1
        found = f"{name}_{number}"
    return found


def _refused(path: str, word: str) -> Refused:
    said = Phrase("{text!r} cannot be chosen here", text=word[:60])
    return Refused([Problem(code="unknown_value", message=said, path=path)])
