"""Form names: what the records and files that stand in a form are called, which input a problem is about and
what is said of it.

In: references, ids, the path of a problem. Out: titles of those the reader may see, files he may have, names of inputs with
what is wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from patron_engine.errors import NotFound
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.page.typed import Typed
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.files import find_file

Connection = psycopg.Connection[Any]
Ref = tuple[str, str]
IN_ROW = re.compile(r"(\w+)\[(\d+)\](?:\.(.+))?")


def files_of(conn: Connection, call: Call, ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """Id -> what a form shows of the file; those the reader may not have are left out."""
    found: dict[str, Mapping[str, Any]] = {}
    for id in set(ids):
        with suppress(NotFound):
            file = find_file(conn, call, id)
            found[id] = {"id": id, "name": file.name, "mime": file.mime, "size": file.size}
    return found


def input_name(typed: Typed, path: str | None) -> str:
    """The input a problem is about: "lines[1].price" is "lines.KEY.price"; "" for the record as a whole."""
    if not path:
        return ""
    found = IN_ROW.fullmatch(path)
    if found is None:
        return path.partition(".")[0]
    set, place, rest = found[1], int(found[2]), (found[3] or "").partition(".")[0]
    kept = typed.kept(set)
    if place >= len(kept):
        return set
    return f"{set}.{kept[place].key}" + (f".{rest}" if rest else "")


def loose_texts(told: Mapping[str, Sequence[str]], object: Object, reader: Reader) -> tuple[str, ...]:
    """What is wrong with the record as a whole, and with fields that the form does not have: these by name."""
    found: dict[str, None] = {}
    for name, said in told.items():
        field = object.fields.get(name)
        label = reader.say(field.label, name) if field is not None else ""
        found |= dict.fromkeys(text if not label or label in text else f"{label}: {text}" for text in said)
    return tuple(found)


def told_of(
    typed: Typed, mine: Sequence[Problem], found: Sequence[Problem] | None, words: Callable[[Problem], str]
) -> Mapping[str, list[str]]:
    """Name of an input -> what is said of it now: all that a save `found` wrong; while somebody writes only what he wrote himself,
    and rules."""
    given = {
        *typed.given,
        *(f"{s}.{r.key}.{n}" for s, rows in typed.rows.items() for r in rows for n in r.given),
    }
    told: dict[str, list[str]] = defaultdict(list)
    for problem in mine if found is None else found:
        at = input_name(typed, problem.path)
        if found is not None or (problem.code != "required" and (problem.rule or at in given)):
            told[at].append(words(problem))
    return told
