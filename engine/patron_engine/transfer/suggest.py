"""Suggest: which field a heading probably means, from names, labels in every language and old names.

In: headings, an object. Out: heading -> (field, score from 0 to 100). Sure ones first; no field is suggested twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from patron_engine.fields.field import Field, FileSpec
from patron_engine.fields.pinyin import sort_key
from patron_engine.model.model import Object

ENOUGH = 82  # below this a guess is no help


def suggest(
    headings: Sequence[str], object: Object, writable: Mapping[str, Field]
) -> dict[str, tuple[str, int]]:
    """The best field of each heading, where there is a good one."""
    words = {name: _words(field) for name, field in writable.items() if _importable(field)}
    pairs = [
        (_score(folded(heading), known), position, heading, name)
        for position, heading in enumerate(headings)
        for name, known in words.items()
    ]
    found: dict[str, tuple[str, int]] = {}
    taken: set[str] = set()
    for score, _, heading, name in sorted(pairs, key=lambda p: (-p[0], p[1])):
        if score >= ENOUGH and heading not in found and name not in taken:
            found[heading] = (name, score)
            taken.add(name)
    return {heading: found[heading] for heading in headings if heading in found}


def _importable(field: Field) -> bool:
    return not (field.computed or field.hidden or isinstance(field.spec, FileSpec) or field.name == "id")


def _words(field: Field) -> set[str]:
    named = {folded(w) for w in (field.name, *field.aliases, *field.label.values())}
    spoken = {folded(sort_key(label)) for label in field.label.values() if not label.isascii()}
    return {w for w in named | spoken if w}


def folded(text: str) -> str:
    """Case, width, marks and spacing do not matter; `Close Date *` is `closedate`."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", plain)


def _score(heading: str, known: set[str]) -> int:
    if not heading:
        return 0
    if heading in known:
        return 100
    from rapidfuzz import fuzz  # loaded with the first file whose headings are not the fields' names

    return round(max((fuzz.ratio(heading, word) for word in known), default=0.0))
