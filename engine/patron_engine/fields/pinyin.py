"""Pinyin: the sort key of a title, so that lists of Chinese names come in the order people look them up, and what one types for it.

In: a title. Out: lower-case text compared by code point. Latin letters lose accents; a Chinese character is its
syllable followed by itself, so that equal syllables stay together in a steady order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

from patron_engine.fields.limits import SORT_KEY_LENGTH

# Characters whose usual syllable depends on the word: only texts with one of them pay for the phrase dictionary.
_DEPENDS: Final = frozenset(
    "重长長行乐樂单單曾查盖仇区區解朴任宁石厦都会會大朝传傳藏调調斗发發干给给冠还還和间間降角觉卡壳率六绿没模屏强曲省"
    "食属宿提吐尾系校兴興血咽应炸扎占正只种種轴著转轉作便薄得地的的差参參称稱处處弹彈倒度恶恶好号号华华哈划更观观冒蒙"
)

_CHINESE: Final = ("\u3400", "\u9fff")


@lru_cache(maxsize=30_000)
def _syllable(character: str) -> str:
    """How one character sorts."""
    if _CHINESE[0] <= character <= _CHINESE[1] or "\U00020000" <= character <= "\U0003ffff":
        # Its dictionaries take 60 MB and 0.3 s: loaded with the first Chinese text.
        from pypinyin import lazy_pinyin

        return f"{lazy_pinyin(character)[0]} {character} "
    return "".join(c for c in normalize("NFKD", character.casefold()) if not combining(c))


def sort_key(text: str) -> str:
    """The value of the column `x__sort`, at most 200 characters.

    >>> sort_key("Zürich"), sort_key("北京") < sort_key("上海")
    ('zurich', True)
    """
    text = text[:SORT_KEY_LENGTH]
    if text.isascii():
        return text.lower()
    if _DEPENDS.isdisjoint(text):
        key = "".join(map(_syllable, text))
    else:
        key = "".join(_phrase(text))
    return key[:SORT_KEY_LENGTH].rstrip()


def spoken(text: str) -> str:
    """What one types for a short Chinese text: its pinyin and its initials; "" for a text without Chinese.

    >>> spoken("已成交 A"), spoken("Won")
    ('yichengjiaoa ycja', '')
    """
    if not any(_CHINESE[0] <= c <= _CHINESE[1] for c in text):
        return ""
    words = [w.casefold() for w in _syllables(text) if w.isalnum()]
    return f"{''.join(words)} {''.join(w[0] for w in words)}"


def _phrase(text: str) -> list[str]:
    syllables = _syllables(text)
    if len(syllables) != len(text):
        return [_syllable(c) for c in text]
    return [
        f"{syllable} {character} " if syllable != character else _syllable(character)
        for syllable, character in zip(syllables, text, strict=True)
    ]


def _syllables(text: str) -> list[str]:
    """A syllable for each Chinese character as its words have it; other characters as they are."""
    from pypinyin import lazy_pinyin

    return lazy_pinyin(text, errors=lambda other: list(other))  # type: ignore[arg-type, return-value]
