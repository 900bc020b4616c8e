"""What Chinese documents need: amounts in capitals, pinyin, the lunar calendar, festivals. No SQL side."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from lunardate import LunarDate

from patron_engine.expr.functions.arithmetic import EXACT
from patron_engine.expr.functions.texts import made
from patron_engine.expr.operation import Function, Operation, Signature
from patron_engine.expr.types import TEXT, ExprType

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_UNITS: Final = ("", "拾", "佰", "仟")


def rmb_upper(amount: Decimal) -> str | None:
    """An amount as written on Chinese invoices and contracts; None from 10^16 on.

    >>> rmb_upper(Decimal("10005.30"))
    '人民币壹万零伍元叁角整'
    """
    cents = int(EXACT.scaleb(amount.copy_abs().quantize(Decimal("0.01"), ROUND_HALF_UP, EXACT), 2))
    if cents >= 10**18:
        return None
    yuan, rest = divmod(cents, 100)
    jiao, fen = divmod(rest, 10)
    head = "人民币" + ("负" if amount < 0 and cents else "")
    text = _whole(yuan) + "元" if yuan or not rest else ""
    if not rest:
        return head + text + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif yuan:
        text += "零"
    return head + text + (_DIGITS[fen] + "分" if fen else "整")


def _whole(n: int) -> str:
    high, low = divmod(n, 10**8)
    if not high:
        return _below(low) or "零"
    return _below(high) + "亿" + ("零" if 0 < low < 10**7 else "") + _below(low)


def _below(n: int) -> str:
    """Below 10^8."""
    high, low = divmod(n, 10_000)
    if not high:
        return _group(low)
    return _group(high) + "万" + ("零" if 0 < low < 1000 else "") + _group(low)


def _group(n: int) -> str:
    out, gap = "", False
    for place in (3, 2, 1, 0):
        digit = n // 10**place % 10
        if digit:
            out += ("零" if gap and out else "") + _DIGITS[digit] + _UNITS[place]
            gap = False
        else:
            gap = True
    return out


def _pinyin(text: str) -> str | None:
    from pypinyin import Style, lazy_pinyin  # large: loaded with the first Chinese text

    return made(" ".join(lazy_pinyin(text, style=Style.NORMAL)))


_MONTHS: Final = (
    "正月",
    "二月",
    "三月",
    "四月",
    "五月",
    "六月",
    "七月",
    "八月",
    "九月",
    "十月",
    "冬月",
    "腊月",
)
_TENS: Final = ("初", "十", "廿", "三")
_ONES: Final = ("十", "一", "二", "三", "四", "五", "六", "七", "八", "九")


def _lunar_date(day: date) -> LunarDate | None:
    return LunarDate.from_solar_date(day.year, day.month, day.day) if 1900 < day.year < 2100 else None


def lunar(day: date) -> str | None:
    """The date in the lunar calendar: "八月十五"; None outside 1901 to 2099."""
    at = _lunar_date(day)
    if at is None:
        return None
    n = at.day
    shown = {10: "初十", 20: "二十", 30: "三十"}.get(n) or _TENS[n // 10] + _ONES[n % 10]
    return ("闰" if at.is_leap_month else "") + _MONTHS[at.month - 1] + shown


_SOLAR: Final = {
    (1, 1): "new_year", (2, 14): "valentine", (3, 8): "women", (5, 1): "labour", (6, 1): "children", (9, 10): "teachers",
    (10, 1): "national", (12, 24): "christmas_eve", (12, 25): "christmas",
}  # fmt: skip
_LUNAR: Final = {
    (1, 1): "spring_festival", (1, 15): "lantern", (5, 5): "dragon_boat", (7, 7): "qixi", (8, 15): "mid_autumn",
    (9, 9): "double_ninth", (12, 8): "laba",
}  # fmt: skip


def festival(day: date) -> str | None:
    """The festival of a day by its name, lunar ones first; None on other days."""
    at = _lunar_date(day)
    if at is not None:
        if not at.is_leap_month and (at.month, at.day) in _LUNAR:
            return _LUNAR[(at.month, at.day)]
        tomorrow = _lunar_date(day + timedelta(days=1))
        if tomorrow is not None and (tomorrow.month, tomorrow.day, tomorrow.is_leap_month) == (1, 1, False):
            return "new_years_eve"
        if day.month == 4 and day.day == _qingming(day.year):
            return "qingming"
    return _SOLAR.get((day.month, day.day))


def _qingming(year: int) -> int:
    """The day in April of Qingming, by the usual formula for the 20th and 21st centuries."""
    y = year % 100
    return int(y * 0.2422 + (5.59 if year < 2000 else 4.81)) - y // 4


def _entry(
    name: str, form: str, help: str, example: tuple[str, str], params: str, result: ExprType, op: Operation
) -> Function:
    return Function(
        name=name, group="chinese", form=form, help=help, example=example,
        signatures=(Signature(params=params, result=result, op=op),),
    )  # fmt: skip


FUNCTIONS: Final = (
    _entry("RMB_UPPER", "RMB_UPPER(amount)", "An amount in Chinese capitals (人民币大写).",
           ("RMB_UPPER(10005.3)", "'人民币壹万零伍元叁角整'"), "number", TEXT, Operation(name="RMB_UPPER", py=rmb_upper)),
    _entry("PINYIN", "PINYIN(text)", "A text in pinyin without tones, syllables separated by blanks.",
           ("PINYIN('客户')", "'ke hu'"), "text", TEXT, Operation(name="PINYIN", py=_pinyin)),
    _entry("LUNAR", "LUNAR(date)", "A date in the lunar calendar.", ("LUNAR(DATE(2026, 9, 25))", "'八月十五'"), "date",
           TEXT, Operation(name="LUNAR", py=lunar)),
    _entry("FESTIVAL", "FESTIVAL(date)", "The name of a day's festival, such as spring_festival; empty on other days.",
           ("FESTIVAL(DATE(2026, 2, 17))", "'spring_festival'"), "date", TEXT, Operation(name="FESTIVAL", py=festival)),
)  # fmt: skip
