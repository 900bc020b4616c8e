"""What is wrong with the values of one condition in the filter builder.

In: the widget that drew them, what the operator wants, what was typed. Out: a sentence for the reader, empty where nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from patron_engine.fields.base import PLAIN_FORMATS, ValueFault
from patron_engine.fields.numerals import plain_number
from patron_engine.jsonio import decimal_text
from patron_platform.web.texts import Texts

LONGEST = 40  # characters of a number


def value_wrong(widget: str, wanted: tuple[str, ...], values: Sequence[str], t: Texts) -> str:
    """The first thing that is wrong."""
    given = [v for v in values if v]
    if len(given) < len(wanted):
        return t("lists.wrong_value")
    for value in given if wanted else ():
        if widget == "number" and not _is_number(value):
            return t("lists.wrong_number", value=value[:40])
        if widget == "date" and not _is_day(value):
            return t("lists.wrong_day", value=value[:40])
    return ""


def number_in(text: str) -> str:
    """A number as people write it ("1,000", "¥1.2万"), as conditions have it; as it was where it is none."""
    try:
        return decimal_text(plain_number(text, PLAIN_FORMATS)) if len(text) < LONGEST else text
    except ValueFault:
        return text


def _is_number(text: str) -> bool:
    try:
        return Decimal(number_in(text)).is_finite() and len(text) < LONGEST
    except InvalidOperation:
        return False


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
