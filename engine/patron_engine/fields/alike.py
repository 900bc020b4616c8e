"""Alike: whether two values mean the same thing, by the ways a duplicate rule compares.

In: values as they are kept, a way, how alike they must be. Out: yes or no. Pure. Addresses and numbers were made one form when
they were read, so that equal is the same; names of companies are compared without what says their legal form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any
from unicodedata import normalize

SHORTEST = 2  # characters worth comparing
KEYED = frozenset({"exact", "phone", "email"})  # compared as they are kept
FORMS = re.compile(
    r"(股份有限公司|有限责任公司|有限責任公司|有限公司|集团|集團|公司|\b(?:inc|ltd|llc|gmbh|co|corp|company|limited|corporation)\b\.?)"
)
REGIONS = re.compile(r"[（(【\[].*?[）)】\]]")


def way_of(how: Any) -> tuple[str, float]:
    """A way to compare and how alike is enough.

    >>> way_of("phone"), way_of({"company": "85%"})
    (('phone', 1.0), ('company', 0.85))
    """
    if isinstance(how, Mapping):
        name, least = next(iter(how.items()))
        return str(name), float(str(least).rstrip("%")) / 100
    return str(how), 1.0


def folded(text: str) -> str:
    """
    >>> folded(" Ａcme  Corp ")
    'acme corp'
    """
    return " ".join(normalize("NFKC", text).casefold().split())


def core(text: str) -> str:
    """The name of a company without what says its form.

    >>> core("上海海洋科技有限公司"), core("Acme (China) Ltd.")
    ('上海海洋科技', 'acme')
    """
    plain = FORMS.sub("", folded(REGIONS.sub("", text)))
    return " ".join(plain.replace(",", " ").replace(".", " ").split())


def compared(way: str, value: Any) -> Any:
    """What of a value is compared; None where there is too little to say anything."""
    if value is None or value == "":
        return None
    if way in KEYED:
        return value
    text = (core if way == "company" else folded)(str(value))
    return text if len(text) >= SHORTEST else None


def alike(way: str, least: float, mine: Any, theirs: Any) -> bool:
    """Whether two values are the same, or like enough."""
    one, other = compared(way, mine), compared(way, theirs)
    if one is None or other is None:
        return False
    return bool(one == other) or (
        way not in KEYED and least < 1 and SequenceMatcher(None, one, other).ratio() >= least
    )


def probes(least: float, text: str) -> tuple[str, ...]:
    """Parts of a text of which at least one stands in every text that is like enough: the whole, or its halves.

    >>> probes(1.0, "海洋科技"), probes(0.85, "海洋科技")
    (('海洋科技',), ('海洋', '科技'))
    """
    middle = len(text) // 2
    return (text,) if least == 1 or middle < SHORTEST else (text[:middle].strip(), text[middle:].strip())
