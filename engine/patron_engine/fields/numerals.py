"""Numerals: numbers as people and files write them, and the digits of currencies.

In: texts. Out: Decimals, exactly what was written, or a ValueFault. Nothing here rounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Final

from babel.numbers import get_currency_precision

from patron_engine.fields.base import TextFormats, ValueFault
from patron_engine.fields.characters import half_width, shown
from patron_engine.phrases import Phrase

PLAIN: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
INTEGER: Final = re.compile(r"-?[0-9]{1,40}", re.ASCII)
CLOCK: Final = re.compile(r"(-?)([0-9]{1,15}):([0-5]?[0-9])(?::([0-5]?[0-9]))?", re.ASCII)
_GAP: Final = re.compile(
    r"(?<=[0-9])[ \u00a0\u202f'\u2019](?=[0-9]{3}(?![0-9]))", re.ASCII
)  # 1 234 567, 1'234'567
SPAN: Final = re.compile(
    r"(?:([0-9]+)\s*(?:d|days?|天|日))?\s*(?:([0-9]+)\s*(?:h|hours?|hrs?|小时|小時|时))?\s*"
    r"(?:([0-9]+)\s*(?:m|mins?|minutes?|分钟|分鐘|分))?\s*(?:([0-9]+)\s*(?:s|secs?|seconds?|秒))?",
    re.ASCII | re.IGNORECASE,
)
EXACT: Final = Context(prec=100)  # the standard context keeps 28 digits and would round larger ones
UNIT_SECONDS: Final[Mapping[str, int]] = {
    "second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400,
}  # fmt: skip


def currency_digits(code: str) -> int:
    """Decimals of a currency: CNY 2, JPY 0, KWD 3; 2 for a code nobody knows."""
    return get_currency_precision(code)


def plain_number(text: str, formats: TextFormats) -> Decimal:
    """A number as people write it, by the declared marks: "1,234.50", "(5.00)", "￥12", "1.2万". Raises ValueFault."""
    plain = half_width(text).strip()
    for mark in ("¥", "$", "€", "£", "元", "RMB", "CNY", "USD", "%"):
        plain = plain.removeprefix(mark).removesuffix(mark).strip()
    factor = 1
    for word, times in (("亿", 100_000_000), ("億", 100_000_000), ("万", 10_000), ("萬", 10_000)):
        if plain.endswith(word):
            plain, factor = plain[: -len(word)].strip(), times
            break
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1].strip()}"
    plain = _GAP.sub("", plain.removeprefix("+").replace("\u2212", "-"))
    thousands = formats.thousands
    if thousands and thousands in plain:
        whole, _, fraction = plain.partition(formats.decimal)
        mark = re.escape(thousands)
        if (
            not re.fullmatch(rf"-?[0-9]{{1,4}}(?:{mark}[0-9]{{2,4}})*{mark}[0-9]{{3,4}}", whole)
            or thousands in fraction
        ):
            raise _not_number(text, formats)
        plain = whole.replace(thousands, "") + (f".{fraction}" if fraction else "")
    elif formats.decimal != ".":
        if "." in plain:
            raise _not_number(text, formats)
        plain = plain.replace(formats.decimal, ".")
    if plain.startswith((".", "-.")):
        plain = plain.replace(".", "0.", 1)
    if not PLAIN.fullmatch(plain):
        raise _not_number(text, formats)
    return Decimal(plain) if factor == 1 else EXACT.multiply(Decimal(plain), Decimal(factor))


def has_more_decimals(value: Decimal, scale: int) -> bool:
    """Whether a number has decimals beyond `scale` that are not zero."""
    _, digits, exponent = value.as_tuple()
    beyond = -exponent - scale if isinstance(exponent, int) else 0
    return beyond > 0 and any(digits[-beyond:])


def _not_number(text: str, formats: TextFormats) -> ValueFault:
    hint = Phrase("the decimal mark here is {decimal!r}", decimal=formats.decimal)
    if formats.thousands:
        hint = Phrase(
            "the decimal mark here is {decimal!r}, thousands {thousands!r}",
            decimal=formats.decimal,
            thousands=formats.thousands,
        )
    return ValueFault("not_number", Phrase("{text} is not a number", text=shown(text)), hint)
