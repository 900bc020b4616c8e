"""Marks: which part of a text a search found: the same words, digits and Chinese readings as the search itself.

In: a text as people read it, the words that were searched for. Out: pieces of the text, each said to be found or not; together
they are the text. Pure; `query/tokens` says what is found, this only shows where.

    marked("北京华为", "hw") -> (("北京", False), ("华为", True))
"""

from __future__ import annotations

import re

from patron_engine.query.tokens import LONGEST_QUERY, MOST_RUNS, folded, readings_of

Pieces = tuple[tuple[str, bool], ...]
LOOKED_AT = 400  # characters of a text that are looked at
LONGEST_SPOKEN = 32  # letters of a run that are read as pinyin
_RUN = re.compile(r"[0-9]+|[a-z]+|[^\W\d_a-z]+")


def marked(text: str, query: str) -> Pieces:
    """The text in pieces; found ones are true."""
    begun, rest = text[:LOOKED_AT], text[LOOKED_AT:]
    letters = [folded(c) for c in begun]
    hit = [False] * len(begun)
    for run in _RUN.findall(folded(query[:LONGEST_QUERY]))[:MOST_RUNS]:
        for start, end in _places(letters, run):
            hit[start:end] = [True] * (end - start)
    pieces: list[tuple[str, bool]] = []
    for character, found in zip(begun, hit, strict=True):
        if pieces and pieces[-1][1] == found:
            pieces[-1] = (pieces[-1][0] + character, found)
        else:
            pieces.append((character, found))
    return (*pieces, (rest, False)) if rest else tuple(pieces)


def fits(text: str, query: str) -> bool:
    """Whether any part of the text was found."""
    return any(found for _, found in marked(text, query))


def named(text: str, query: str) -> bool:
    """Whether every word of the query is in the text: for names of places, of which a few are looked through."""
    letters = [folded(c) for c in text[:LOOKED_AT]]
    runs = _RUN.findall(folded(query[:LONGEST_QUERY]))
    return bool(runs) and all(_places(letters, run) for run in runs[:MOST_RUNS])


def _places(letters: list[str], run: str) -> list[tuple[int, int]]:
    """Every place of a run. Words are found at their beginning, digits and Chinese anywhere, digits across spaces."""
    found = []
    word = run.isascii() and not run.isdigit()
    for start, letter in enumerate(letters):
        if (
            word
            and start
            and letters[start - 1].isascii()
            and letters[start - 1].isalpha()
            and letter.isascii()
        ):
            continue
        end = _end(letters, start, run, skip=run.isdigit())
        if end is not None:
            found.append((start, end))
    return found


def _end(letters: list[str], start: int, run: str, skip: bool) -> int | None:
    """Where a run that begins at `start` ends; None when it does not begin there."""
    at = start
    while run:
        if at >= len(letters):
            return None
        letter = letters[at]
        if skip and at > start and letter in " -()":
            at += 1
            continue
        if letter and run.startswith(letter):
            run, at = run[len(letter) :], at + 1
            continue
        return _spoken(letters, at, run) if run.isascii() and run.isalpha() else None
    return at


def _spoken(letters: list[str], at: int, run: str) -> int | None:
    """Where a run of pinyin ends: whole syllables, initials, or the beginning of the last syllable."""
    if not run:
        return at
    if at >= len(letters) or len(run) > LONGEST_SPOKEN:
        return None
    for reading in readings_of(letters[at]):
        if reading.startswith(run):
            return at + 1
        for part in dict.fromkeys((reading, reading[:1])):
            if run.startswith(part):
                end = _spoken(letters, at + 1, run[len(part) :])
                if end is not None:
                    return end
    return None
