"""Figure text: the values and members of an answer as people read them.

In: a figure or an axis with a value of it, a Reader, the few words a page has for what no definition names. Out: texts. Amounts
stand in tables without the sign of their currency, which stands in the heading; a figure alone carries it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from babel.dates import format_date, get_day_names

from patron_engine.fields.options import texts
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED, shown
from patron_engine.report.answer import REST, Answer, Axis, Figure, Value

NOTHING = "–"
MINUS = "\N{MINUS SIGN}"
DIVIDES: Mapping[str, int] = {
    "千": 10**3,
    "万": 10**4,
    "萬": 10**4,
    "百万": 10**6,
    "百萬": 10**6,
    "亿": 10**8,
    "億": 10**8,
}
STEPS: Mapping[str, tuple[tuple[int, str], ...]] = {
    "en": ((10**9, "B"), (10**6, "M"), (10**3, "K")),
    "zh-CN": ((10**8, "亿"), (10**4, "万")),
    "zh-TW": ((10**8, "億"), (10**4, "萬")),
}
SPANS: Mapping[str, tuple[str, str, str]] = {  # days, hours, minutes
    "en": ("{}d", "{}h", "{}m"), "zh-CN": ("{} 天", "{} 小时", "{} 分钟"), "zh-TW": ("{} 天", "{} 小時", "{} 分鐘"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a page calls what no definition names."""

    none: str
    rest: str
    total: str
    yes: str
    no: str
    week: str  # "{first} – {last}"
    year: str  # of a fiscal year: "FY {year}"
    fiscal_from: int = 1  # the month a fiscal year begins in
    names: Mapping[str, str]  # of figures that have no label: count, value, conversion, stay, offset, stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the values of one figure are written: worked out once for all of them."""

    figure: Figure
    kind: str  # number, money, percent, duration, compact, date, datetime, time, text
    divide: Decimal
    scale: int | None
    unit: str
    prefix: str
    negative: str


def form_of(figure: Figure, values: Iterable[Value], reader: Reader) -> Form:
    """The form of a figure. Decimals stand for all its values or for none, so that a column is one to the eye."""
    given = figure.format
    unit = reader.say(_text(given.get("unit")))
    kind = str(given.get("as") or ("percent" if figure.unit == "ratio" else figure.unit))
    factor = 100 if kind == "percent" and figure.unit != "percent" else 1
    divide = Decimal(1) / factor
    scale = given.get("scale")
    if unit in DIVIDES:
        if reader.languages[0].startswith("zh"):
            divide = Decimal(DIVIDES[unit])
            scale = 2 if scale is None else scale
        else:  # who does not count in ten thousands reads his own steps
            kind, unit = "compact", ""
    if scale is None and kind in ("number", "money", "percent"):
        whole = all(v == v.to_integral_value() for v in values if isinstance(v, Decimal))
        scale = {"percent": 1}.get(kind, 0 if whole else 2)
    return Form(
        figure=figure, kind=kind, divide=divide, scale=scale, unit=unit, prefix=reader.say(_text(given.get("prefix"))),
        negative=str(given.get("negative") or "minus"),
    )  # fmt: skip


def _text(given: Any) -> Any:
    return texts(given) if given else None


def text_of(form: Form, value: Value, reader: Reader) -> str:
    """A value as it stands in a table."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return reader.moment(value)
    if isinstance(value, date):
        return reader.day(value)
    if isinstance(value, time):
        return reader.clock(value)
    if isinstance(value, str):
        return value
    below = value < 0
    said = _number(form, abs(value), reader)
    if below and form.negative == "brackets":
        return f"({form.prefix}{said})"
    return f"{MINUS if below else ''}{form.prefix}{said}"


def _number(form: Form, value: Decimal, reader: Reader) -> str:
    if form.kind == "duration":
        return span_text(int(value), reader.languages[0])
    if form.kind == "compact":
        return compact(value, reader, form.scale)
    said = reader.number(value / form.divide, form.scale)
    return f"{said}%" if form.kind == "percent" else said


def alone(form: Form, value: Value, reader: Reader, base: str | None) -> str:
    """A value that stands by itself: with the sign of its currency and its unit."""
    said = text_of(form, value, reader)
    if value is None or not isinstance(value, Decimal):
        return said
    sign = (
        reader.sign(base)
        if form.figure.unit == "money" and not form.prefix and form.kind != "percent"
        else ""
    )
    if sign and said.startswith(MINUS):
        said, sign = said[1:], MINUS + sign
    spaced = " " if form.unit and form.unit not in DIVIDES else ""
    return f"{sign}{said}{spaced}{form.unit}"


def unit_of(form: Form, reader: Reader, base: str | None) -> str:
    """What stands beside the heading of a column: the currency and the unit of its values."""
    money = form.figure.unit == "money" and form.kind != "percent" and not form.prefix
    return "".join([form.unit, reader.sign(base) if money else ""])


def compact(value: Decimal, reader: Reader, scale: int | None = None) -> str:
    """1.2万 or 12K: at most one decimal unless the form says how many."""
    language = reader.languages[0] if reader.languages[0] in STEPS else "en"
    for step, sign in STEPS[language]:
        if value >= step:
            part = value / step
            decimals = scale if scale is not None else (1 if part < 100 and round(part, 1) % 1 else 0)
            return f"{reader.number(part, decimals)}{sign}"
    whole = value == value.to_integral_value()
    return reader.number(value, scale if scale is not None else (0 if whole else 1))


def span_text(seconds: int, language: str) -> str:
    """A duration in its two largest parts.

    >>> span_text(97_300, "en"), span_text(1_500, "zh-CN"), span_text(20, "en")
    ('1d 3h', '25 分钟', '0m')
    """
    days, rest = divmod(seconds, 86_400)
    hours, minutes = divmod(rest // 60, 60)
    forms = SPANS.get(language, SPANS["en"])
    parts = [form.format(n) for form, n in zip(forms, (days, hours, minutes), strict=True)]
    first = next((at for at, n in enumerate((days, hours, minutes)) if n), 2)
    shown_parts = [
        p for p, n in list(zip(parts, (days, hours, minutes), strict=True))[first : first + 2] if n
    ]
    return " ".join(shown_parts) or parts[2]


def figure_label(figure: Figure, reader: Reader, words: Words) -> str:
    return reader.say(figure.label) or words.names.get(figure.name, figure.name)


def axis_label(axis: Axis, reader: Reader, words: Words) -> str:
    of = axis.field.label if axis.field is not None else {}
    word = "" if axis.field is not None and axis.field.name == axis.name else words.names.get(axis.name)
    return reader.say(axis.label) or word or reader.say(of) or axis.name


def member_text(axis: Axis, member: Any, answer: Answer, reader: Reader, words: Words) -> str:
    """One member of a group."""
    if member is REST:
        return words.rest
    if member is None:
        return words.none
    named = answer.options.get((axis.name, member))
    if named:
        return reader.say(named, str(member))
    if axis.kind == "period":
        return period_text(axis.by or "day", member, reader, words)
    if axis.kind == "bucket":
        return bucket_text(axis, int(member), reader)
    if axis.kind == "offset":
        return f"+{member}"
    title = answer.titles.get((axis.name, member))
    if title is not None:
        return title or UNTITLED
    return _value_text(axis, member, reader, words)


def _value_text(axis: Axis, member: Any, reader: Reader, words: Words) -> str:
    field = axis.field
    if isinstance(member, bool):
        return words.yes if member else words.no
    if field is None:
        return str(member)
    if field.type in ("lookup", "master", "user", "department"):
        return UNTITLED  # a record whose title he may not read
    if field.type == "address":
        return str(member)  # a part of one: the town, the country
    return shown(field, member, reader).text or str(member)


def period_text(by: str, member: Any, reader: Reader, words: Words) -> str:
    """A period by its first day ("2026-03-01"), a weekday or an hour by its number."""
    chinese = reader.languages[0].startswith("zh")
    if by == "hour":
        return f"{int(member)}:00"
    if by == "weekday":
        return str(
            get_day_names("abbreviated" if not chinese else "wide", locale=reader.locale)[int(member) - 1]
        )
    first = date.fromisoformat(str(member)[:10])
    if by == "year":
        return str(first.year)
    if by == "fiscal_year":
        return words.year.format(year=first.year)
    if by in ("quarter", "fiscal_quarter"):
        begins = words.fiscal_from if by == "fiscal_quarter" else 1
        n = (first.month - begins) % 12 // 3 + 1
        if by == "fiscal_quarter":
            return f"{words.year.format(year=first.year - (first.month < begins))} Q{n}"
        return f"{first.year}年Q{n}" if chinese else f"Q{n} {first.year}"
    if by == "month":
        return (
            f"{first.year}年{first.month}月"
            if chinese
            else str(format_date(first, "MMM y", locale=reader.locale))
        )
    if by == "week":
        last = first + timedelta(days=6)
        short = "M/d" if chinese else "MMM d"
        return words.week.format(
            first=format_date(first, "y/M/d" if chinese else short, locale=reader.locale),
            last=format_date(last, short if chinese else "MMM d, y", locale=reader.locale),
        )
    return reader.day(first)


def bucket_text(axis: Axis, index: int, reader: Reader) -> str:
    """Bucket 0 lies below the first border; each other begins with its border."""
    borders = [reader.number(b) for b in axis.buckets]
    if index <= 0:
        return f"< {borders[0]}"
    if index >= len(borders):
        return f"≥ {borders[-1]}"
    return f"{borders[index - 1]} – {borders[index]}"
