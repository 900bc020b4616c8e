"""Tokens: how a text is cut up for searching: the same cut when it is saved and when it is looked for.

In: a text. Out: a set of tokens (`tokens_of`, kept in `sys__search`), or the alternatives a query must find
(`wanted`). Knows no database.

    Chinese      each character, each pair of neighbours, pinyin syllables, pairs of initials ("~hw")
    words        the word in lower case and its beginnings from 2 letters, so that typing finds it before it is whole
    digits       the run and every three and four neighbours of it, so that the end of a phone number finds it ("#8000")

A query is cut into runs; each must be found (AND). A Latin run may be a word, pinyin or initials: any of them (OR).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

LONGEST_BEGINNING = 8
MOST_TOKENS = 2_000  # of one text: what is longer is found by its first part
MOST_RUNS = 12  # of one query
LONGEST_QUERY = 200
MOST_CUTS = 3  # of one run into syllables

_RUN = re.compile(r"(?P<han>[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+)|(?P<digits>[0-9]+)|(?P<word>[^\W\d_]+)")
_ASCII_RUN = re.compile(r"[0-9]+|[a-z]+")  # the same of a folded text without other letters: most texts
_SYLLABLE = re.compile(
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|iao|ian|uai|uan|uei|uen|van|"
    r"ai|an|ao|ei|en|er|ia|ie|in|iu|ou|ua|ui|un|uo|ue|ve|vn|a|e|i|o|u|v)"
)


def folded(text: str) -> str:
    """Compatible forms made one (full width, ligatures), case and accents of Latin letters dropped."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def tokens_of(texts: Iterable[str]) -> list[str]:
    """The tokens under which a record's field is found, sorted, at most `MOST_TOKENS`.

    >>> tokens_of(["Acme 9"])
    ['9', 'ac', 'acm', 'acme']
    """
    found: set[str] = set()
    for text in texts:
        if text.isascii() and len(text) < MOST_TOKENS // 8:
            for run in _ASCII_RUN.findall(text.lower()):
                found.update(_word(run) if run > ":" else _digits(run))
            continue
        for match in _RUN.finditer(folded(text)):
            run = match.group()
            if match.lastgroup == "han":
                _add_chinese(run, found)
            elif match.lastgroup == "digits":
                found.update(_digits(run))
            else:
                found.update(_word(run))
            if len(found) >= MOST_TOKENS:
                return sorted(found)[:MOST_TOKENS]
    return sorted(found)[:MOST_TOKENS]


def wanted(query: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """What a query needs: for every run, alternatives of tokens that must all be there.

    >>> wanted("华为 13800")
    ((('华为',),), (('#1380', '#3800'),))
    >>> wanted("hw")
    ((('hw',), ('~hw',)),)

    A last word of which one letter stands there is still being typed and narrows nothing yet:

    >>> wanted("acme c") == wanted("acme")
    True
    """
    text = folded(query[:LONGEST_QUERY])
    runs = [m for _, m in zip(range(MOST_RUNS), _RUN.finditer(text), strict=False)]
    if len(runs) > 1 and runs[-1].end() == len(text) and begun(runs[-1].group()):
        runs.pop()
    return tuple(_alternatives(match.group(), match.lastgroup or "") for match in runs)


def begun(query: str) -> bool:
    """Whether this is the first letter of a word, of which no beginning is kept yet."""
    return len(query) == 1 and query.isascii() and query.isalpha()


def _alternatives(run: str, kind: str) -> tuple[tuple[str, ...], ...]:
    if kind == "han":
        return (tuple(a + b for a, b in pairwise(run)) or (run,),)
    if kind == "digits":
        return (_neighbours(run, min(len(run), 4)) if len(run) > 2 else (run,),)
    ways: list[tuple[str, ...]] = [(run[:LONGEST_BEGINNING],)]
    if run.isascii() and len(run) > 1:
        ways.append(tuple(dict.fromkeys(f"~{a}{b}" for a, b in pairwise(run))))
        ways.extend(_cuts(run))
    return tuple(ways)


def _add_chinese(run: str, found: set[str]) -> None:
    readings = [readings_of(character) for character in run]
    for character, syllables in zip(run, readings, strict=True):
        found.add(character)
        found.update(syllables)
    for pair in pairwise(run):
        found.add("".join(pair))
    for first, second in pairwise(readings):
        found.update(f"~{a[0]}{b[0]}" for a in first for b in second)


@lru_cache(maxsize=20_000)
def _word(run: str) -> tuple[str, ...]:
    return (run, *(run[:n] for n in range(2, min(len(run), LONGEST_BEGINNING) + 1)))


def _digits(run: str) -> tuple[str, ...]:
    if len(run) < 3:
        return (run,)
    longer = [f"#{run[i : i + 4]}" for i in range(len(run) - 3)]
    return (run[:40], *[f"#{run[i : i + 3]}" for i in range(len(run) - 2)], *longer)


def _neighbours(run: str, length: int) -> tuple[str, ...]:
    """Every part of a run that is so long: "1380" by three -> ("#138", "#380")."""
    return tuple(dict.fromkeys("#" + run[i : i + length] for i in range(len(run) - length + 1)))


@lru_cache(maxsize=40_000)
def readings_of(character: str) -> tuple[str, ...]:
    """Every way a character is read, without tones: 重 -> chong, zhong. Empty for one that has none."""
    from pypinyin import Style, pinyin  # large: loaded with the first Chinese text
    from pypinyin.contrib.tone_convert import to_normal

    found = pinyin(character, style=Style.TONE, heteronym=True, errors="ignore")
    plain = {to_normal(reading).replace("ü", "v") for readings in found for reading in readings}
    return tuple(sorted(p for p in plain if p.isascii() and p.isalpha()))


@lru_cache(maxsize=4_000)
def _cuts(run: str) -> tuple[tuple[str, ...], ...]:
    """The ways a run reads as two or more syllables, at most `MOST_CUTS`: `xian` -> (("xi", "an"),)."""
    dead: set[int] = set()  # from here no cut reaches the end
    found: list[tuple[str, ...]] = []

    def walk(at: int, syllables: tuple[str, ...]) -> bool:
        if at == len(run):
            if len(syllables) > 1:
                found.append(syllables)
            return True
        longest = _SYLLABLE.match(run, at)
        reached = False
        for end in range(longest.end() if longest else at, at, -1):
            if len(found) >= MOST_CUTS:
                return True
            if end not in dead and _SYLLABLE.fullmatch(run, at, end):
                reached = walk(end, (*syllables, run[at:end])) or reached
        if not reached:
            dead.add(at)
        return reached

    if len(run) <= 40:
        walk(0, ())
    return tuple(found)
