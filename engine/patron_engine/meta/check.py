"""Check: is a document what its kind may be? Every problem at once, each with the line it stands on.

In: a Document. Out: Problems; never an exception for what an author wrote. First the kind's JSON Schema, whose
failures become sentences (failures.py), then what a schema cannot say (rules.py). Whether the names in it
exist, and whether its expressions have the right types, is decided later, against all other documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from math import isfinite
from typing import Any, Final

from patron_engine.meta.document import Document, Path
from patron_engine.meta.failures import Finding, explain
from patron_engine.meta.kinds import KINDS, validator
from patron_engine.meta.reference import references
from patron_engine.meta.rules import check_rules
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems, nearest

_UNKNOWN: Final = frozenset(
    {"unknown_key", "unknown_language"}
)  # what else is wrong with such a key says nothing
MAX_SEEN: Final = 20_000
_SEEN: dict[bytes, tuple[Finding, ...]] = {}
MAX_PROBLEMS: Final = 200  # of one document: who has so many reads no further


def check_document(document: Document) -> list[Problem]:
    """All problems of one document by itself, in the order of its lines."""
    problems = Problems()
    if document.kind not in KINDS:
        problems.add(
            "unknown_kind",
            Phrase("there is no kind {kind!r}", kind=document.kind),
            hint=nearest(document.kind, KINDS) or Phrase("kinds are {kinds}", kinds=list(KINDS)),
            **document.where(("kind",)),
        )
        return list(problems)
    told: set[tuple[Path, str, str]] = set()
    found = _findings(document)
    unknown = {path for code, _, _, path in found if code in _UNKNOWN}
    misspelt = {  # `feld` is unknown and `field` is missing: one mistake
        (path[:-1], f"the key {hint.split('?')[0].removeprefix('did you mean ')} is missing")
        for code, _, hint, path in found
        if code == "unknown_key" and hint
    }
    for code, message, hint, path in found:
        repeated = (path, code, message) in told or (code not in _UNKNOWN and path in unknown)
        repeated = repeated or (code == "missing_key" and (path, message) in misspelt)
        if not repeated and len(told) < MAX_PROBLEMS:
            told.add((path, code, message))
            problems.add(code, message, hint=hint, **document.where(path))
    problems.extend(check_rules(document))
    problems.extend(_unknown_here(document))
    problems.extend(_numbers(document))
    return list(problems)


def sound(document: Document) -> Document:
    """The document without the parts its schema refuses: what is left can be read by stages that trust its form. What
    stands under an unknown key stays: nobody reads it."""
    if document.kind not in KINDS:
        return document
    found = _findings(document)
    unknown = {path for code, _, _, path in found if code in _UNKNOWN}
    bad = {path for code, _, _, path in found if path and code != "missing_key"} - unknown
    if not bad:
        return document
    places: dict[Path, int] = {}
    body = _without(document.body, (), (), bad, document.places, places)
    return replace(document, body=body, places=places)


def _without(
    value: Any, old: Path, new: Path, bad: set[Path], places: Mapping[Path, int], kept: dict[Path, int]
) -> Any:
    """A copy of `value` without what stands at `bad`; `kept` gets the lines of what is left."""
    if old in places:
        kept[new] = places[old]
    if isinstance(value, Mapping):
        return {
            key: _without(inner, (*old, key), (*new, key), bad, places, kept)
            for key, inner in value.items()
            if (*old, key) not in bad
        }
    if isinstance(value, list):
        left = [index for index in range(len(value)) if (*old, index) not in bad]
        return [
            _without(value[index], (*old, index), (*new, at), bad, places, kept)
            for at, index in enumerate(left)
        ]
    return value


def _findings(document: Document) -> tuple[Finding, ...]:
    """What the schema says. Most documents of a workspace are the same from one publication to the next, and
    validating is what costs: a document that has been seen is not validated again."""
    key = blake2b(
        f"{document.kind} {document.body!r}".encode(errors="surrogatepass"), digest_size=16
    ).digest()
    found = _SEEN.get(key)
    if found is None:
        failures = validator(document.kind).iter_errors(document.body)
        found = tuple(finding for failure in failures for finding in explain(failure))
        if len(_SEEN) >= MAX_SEEN:
            _SEEN.clear()
        _SEEN[key] = found
    return found


def _numbers(document: Document) -> Iterator[Problem]:
    """Numbers that JSON cannot carry from one program to the next."""
    rest: list[tuple[Path, Any]] = [((), document.body)]
    while rest:
        path, value = rest.pop()
        if isinstance(value, Mapping):
            rest += [((*path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list | tuple):
            rest += [((*path, index), inner) for index, inner in enumerate(value)]
        elif (isinstance(value, int) and not -(2**63) <= value < 2**63) or (
            isinstance(value, float) and not isfinite(value)
        ):
            message = "this number is out of every range"
            hint = "write it as a text, where a field takes such numbers"
            yield Problem(code="number_range", message=message, hint=hint, **document.where(path))


def _unknown_here(document: Document) -> Iterator[Problem]:
    """Names that must stand in this very document: a measure that is sorted by, a node, a record of a check."""
    for use in references(document).names:
        if use.what == "here" and use.name not in use.known:
            hint = nearest(use.name, use.known) or (
                Phrase("here are {known}", known=list(use.known)) if use.known else None
            )
            message = Phrase("{use!r} is not in this document", use=use.name)
            yield Problem(code="unknown_name", message=message, hint=hint, **document.where(use.path))
