"""Reader: for whom values are written: in which languages, in which zone, at which moment.

In: made by the platform from what somebody chose. Out: numbers, days and moments as he is used to them. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_name,
    get_currency_precision,
    get_currency_symbol,
)

from patron_engine.expr.functions.arithmetic import EXACT
from patron_engine.fields.field import Texts
from patron_engine.model.model import say

LOCALES = {"zh-CN": "zh_Hans_CN", "zh-TW": "zh_Hant_TW", "en": "en"}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """`languages` best first; `zone` moments are shown in; `currency` of amounts that name none; `words` says a phrase."""

    languages: tuple[str, ...]
    zone: ZoneInfo
    currency: str
    now: datetime
    words: Callable[[str], str] = str

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(LOCALES.get(self.languages[0], "en"))

    @property
    def today(self) -> date:
        return self.local(self.now).date()

    def local(self, value: datetime) -> datetime:
        """A moment in his zone. Where its day there is beyond the calendar, the end of the calendar."""
        try:
            return value.astimezone(self.zone)
        except OverflowError:
            return (datetime.max if value.year > 1 else datetime.min).replace(tzinfo=self.zone)

    def say(self, texts: Texts | str | None, otherwise: str = "") -> str:
        """A text of a definition in his language."""
        return (say(texts, self.languages) if texts else "") or otherwise

    def number(self, value: Any, scale: int | None = None) -> str:
        """With groups of thousands; all decimals there are, or `scale`."""
        exact = Decimal(str(value))
        if scale is not None:
            pattern = "#,##0." + "0" * scale if scale else "#,##0"
            return str(format_decimal(_rounded(exact, scale), format=pattern, locale=self.locale))
        return str(
            format_decimal(exact, format="#,##0.##########", locale=self.locale, decimal_quantization=False)
        )

    def money(self, value: Any, currency: str | None = None) -> str:
        """With the sign of its currency, and the decimals it has."""
        named = currency or self.currency
        exact = _rounded(Decimal(str(value)), get_currency_precision(named))
        return str(format_currency(exact, named, locale=self.locale))

    def amount(self, value: Any, currency: str | None = None) -> str:
        """To be written over: no sign, and the decimals of its currency where it is not whole."""
        exact = Decimal(str(value))
        least = 0 if exact == exact.to_integral_value() else get_currency_precision(currency or self.currency)
        shape = "#,##0." + "0" * least + "#" * (10 - least)
        return str(format_decimal(exact, format=shape, locale=self.locale, decimal_quantization=False))

    def sign(self, currency: str | None = None) -> str:
        return str(get_currency_symbol(currency or self.currency, locale=self.locale))

    def currency_name(self, currency: str, otherwise: str = "") -> str:
        """As his language calls it; `otherwise` for one of the workspace's own, which no language knows."""
        known = str(get_currency_name(currency, locale=self.locale))
        return otherwise if known == currency else known

    def day(self, value: date) -> str:
        """2026-11-26 in Chinese as in lists of figures; Nov 26, 2026 in English."""
        if self.languages[0].startswith("zh"):
            return value.isoformat()
        return str(format_date(value, format="medium", locale=self.locale))

    def moment(self, value: datetime) -> str:
        """To the minute, in his zone."""
        local = self.local(value)
        if self.languages[0].startswith("zh"):
            return local.strftime("%Y-%m-%d %H:%M")
        return str(format_datetime(local, format="MMM d, y HH:mm", locale=self.locale))

    def clock(self, value: time) -> str:
        return str(format_time(value, format="HH:mm", locale=self.locale))


def _rounded(value: Decimal, scale: int) -> Decimal:
    """Half up, as everywhere and as a spreadsheet shows it: the formatter itself would round 1814.085 to the even cent."""
    return value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, EXACT) if value.is_finite() else value
