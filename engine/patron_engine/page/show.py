"""Show: a value as people read it. The one place that turns answers of the way read into texts of a page.

In: a field, its value in JSON form, a Reader. Out: `Shown`: what kind of thing it is, its text, and the pieces a page draws
by themselves (records to go to, options with colours, files). Texts only: no HTML but that of rich text, which was cleaned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from patron_engine.fields.contact import phone_groups
from patron_engine.fields.field import ChoiceSpec, Field, LinkSpec, NumberSpec
from patron_engine.fields.options import options_in
from patron_engine.fields.text import RichText
from patron_engine.page.palette import token_of
from patron_engine.page.reader import Reader
from patron_engine.query.masks import COVER
from patron_engine.query.titles import short

Kind = Literal[
    "empty", "text", "lines", "html", "number", "records", "options", "flag", "stars", "files", "images", "url",
    "email", "phone", "color", "place", "json", "hidden",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of a value. `object` and `id` of a record or file; `color` of an option."""

    text: str
    object: str | None = None
    id: str | None = None
    color: str | None = None
    mime: str | None = None
    size: int | None = None
    unseen: bool = False  # a record whose name the reader may not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A value ready to be drawn. `raw` is its JSON form."""

    kind: Kind
    text: str = ""
    items: tuple[Item, ...] = ()
    raw: Any = None

    @property
    def empty(self) -> bool:
        return self.kind == "empty"


EMPTY = Shown(kind="empty")
UNTITLED = "…"
RICH_TEXT = RichText()


def shown(field: Field, value: Any, reader: Reader, currency: str | None = None) -> Shown:
    """How a value looks. `currency` is that of its record, where it has one."""
    if value is None or value == "" or value == []:
        return EMPTY
    if isinstance(value, str) and COVER in value and (value == COVER or field.type in ("phone", "email")):
        return Shown(kind="text", text=value, raw=value)  # a mask, which has no form
    if field.type == "secret":
        return Shown(kind="hidden", text="••••••", raw=True)
    name = field.extra.get("value_type") or field.type
    make = _MAKERS.get(name, _text)
    return make(_Subject(field, reader, currency), value)


def silent(field: Field, value: Shown) -> bool:
    """Says a value nothing: an empty one, and a figure nobody typed that is still nought."""
    if value.empty or field.type not in ("rollup", "formula"):
        return value.empty
    return value.raw is False or (value.kind == "number" and not Decimal(str(value.raw)))


@dataclass(frozen=True, slots=True)
class _Subject:
    field: Field
    reader: Reader
    currency: str | None

    @property
    def spec(self) -> Any:
        return self.field.extra.get("value_spec") or self.field.spec


def _text(_: _Subject, value: Any) -> Shown:
    return Shown(kind="text", text=str(value), raw=value)


def _lines(_: _Subject, value: Any) -> Shown:
    return Shown(kind="lines", text=str(value), raw=value)


def _html(_: _Subject, value: Any) -> Shown:
    """Cleaned when it was written, and again here: what lies in the database may be older than a rule."""
    return Shown(kind="html", text=RICH_TEXT.cleaned(str(value)), raw=value)


def _number(subject: _Subject, value: Any) -> Shown:
    spec = subject.spec
    unit = subject.reader.say(spec.unit) if isinstance(spec, NumberSpec) and spec.unit else ""
    text = str(value) if _is_year(spec) else subject.reader.number(value)
    return Shown(kind="number", text=f"{text} {unit}".rstrip(), raw=value)


def _is_year(spec: Any) -> bool:
    """A whole number that can only have four digits is the name of a year, not an amount."""
    return (
        isinstance(spec, NumberSpec) and spec.min is not None and spec.max is not None
        and spec.min >= 1000 and spec.max <= 9999 and not spec.scale
    )  # fmt: skip


def _percent(subject: _Subject, value: Any) -> Shown:
    return Shown(kind="number", text=f"{subject.reader.number(value)}%", raw=value)


def _money(subject: _Subject, value: Any) -> Shown:
    return Shown(kind="number", text=subject.reader.money(value, subject.currency), raw=value)


def _stars(subject: _Subject, value: Any) -> Shown:
    spec = subject.spec
    most = int(spec.max) if isinstance(spec, NumberSpec) and spec.max else 5
    return Shown(kind="stars", text=f"{value}/{most}", raw=int(value))


def _duration(subject: _Subject, value: Any) -> Shown:
    """1:30 for an hour and a half, with days before it."""
    seconds = abs(int(value))
    days, rest = divmod(seconds, 86_400)
    hours, minutes = divmod(rest // 60, 60)
    text = f"{'-' if int(value) < 0 else ''}{f'{days}d ' if days else ''}{hours}:{minutes:02}"
    return Shown(kind="number", text=text, raw=value)


def _flag(_: _Subject, value: Any) -> Shown:
    return Shown(kind="flag", text="✓" if value else "✗", raw=bool(value))


def _option(subject: _Subject, value: Any) -> Shown:
    item = option_item(subject.field, str(value), subject.reader)
    return Shown(kind="options", text=item.text, items=(item,), raw=value)


def _options(subject: _Subject, value: Any) -> Shown:
    items = tuple(option_item(subject.field, str(v), subject.reader) for v in value)
    return Shown(kind="options", text=", ".join(i.text for i in items), items=items, raw=value)


def _cascade(subject: _Subject, value: Any) -> Shown:
    steps = str(value).split("/")
    names = ["/".join(steps[: n + 1]) for n in range(len(steps))]
    text = " / ".join(option_item(subject.field, name, subject.reader).text for name in names)
    return Shown(kind="text", text=text, raw=value)


def option_item(field: Field, name: str, reader: Reader) -> Item:
    """An option's label and colour; a value that is none of them (a free tag) is its own label."""
    spec = field.extra.get("value_spec") or field.spec
    found = options_in(spec).get(name) if isinstance(spec, ChoiceSpec) else None
    if found is None:
        return Item(text=name)
    return Item(text=reader.say(found.label, found.name), color=token_of(found.color))


def _day(subject: _Subject, value: Any) -> Shown:
    return Shown(kind="text", text=subject.reader.day(date.fromisoformat(value)), raw=value)


def _moment(subject: _Subject, value: Any) -> Shown:
    return Shown(kind="text", text=subject.reader.moment(moment_of(value)), raw=value)


def moment_of(value: str) -> datetime:
    """The moment of its JSON form."""
    return datetime.fromisoformat(value)


def _clock(subject: _Subject, value: Any) -> Shown:
    return Shown(kind="text", text=subject.reader.clock(time.fromisoformat(value)), raw=value)


def _range(subject: _Subject, value: Any) -> Shown:
    ends = [value.get(part) for part in ("from", "to")]
    text = " – ".join(subject.reader.day(date.fromisoformat(end)) if end else UNTITLED for end in ends)
    return Shown(kind="text", text=text, raw=value)


def _records(subject: _Subject, value: Any) -> Shown:
    several = value if isinstance(value, list) else [value]
    items = tuple(_record(subject.field, one) for one in several)
    return Shown(kind="records", text=", ".join(i.text for i in items), items=items, raw=value)


def _record(field: Field, value: Any) -> Item:
    if not isinstance(value, Mapping):
        return Item(text=UNTITLED, id=str(value), object=target_of(field))
    title = value.get("title")
    if not title:  # not his to see: it leads nowhere
        return Item(text=UNTITLED, unseen=True)
    id = str(value.get("id"))
    return Item(
        text=short(id) if title == id else title, id=id, object=value.get("object") or target_of(field)
    )


def person(user: Mapping[str, Any] | None) -> Item | None:
    """Who did something; without a title where the reader may not know his name."""
    return None if user is None else Item(text=user["title"] or UNTITLED, object="user", id=str(user["id"]))


def target_of(field: Field) -> str | None:
    """The one object a link points at."""
    if isinstance(field.spec, LinkSpec):
        return field.spec.to[0] if len(field.spec.to) == 1 else None
    return field.expr.objects[0] if len(field.expr.objects) == 1 else None


def _files(subject: _Subject, value: Any) -> Shown:
    several = value if isinstance(value, list) else [value]
    items = tuple(
        Item(text=f.get("name") or UNTITLED, id=f.get("id"), mime=f.get("mime"), size=f.get("size"))
        for f in several
        if isinstance(f, Mapping)
    )
    kind: Kind = "images" if subject.field.type in ("image", "signature") else "files"
    return Shown(kind=kind, text=", ".join(i.text for i in items), items=items, raw=value)


def _address(subject: _Subject, value: Any) -> Shown:
    order = ("province", "city", "district", "street")
    parts = list(dict.fromkeys(str(value[p]) for p in order if value.get(p)))  # 北京市 is province and city
    western = not subject.reader.languages[0].startswith("zh")
    text = ", ".join(reversed(parts)) if western else "".join(parts)
    return Shown(
        kind="text", text=text or str(value.get("postcode") or value.get("country") or ""), raw=value
    )


def _place(_: _Subject, value: Any) -> Shown:
    return Shown(kind="place", text=f"{value.get('lat')}, {value.get('lng')}", raw=value)


def _as(kind: Kind) -> Callable[[_Subject, Any], Shown]:
    return lambda _, value: Shown(kind=kind, text=str(value), raw=value)


def _phone(_: _Subject, value: Any) -> Shown:
    return Shown(kind="phone", text=phone_groups(str(value)), raw=value)


def _json(_: _Subject, value: Any) -> Shown:
    from patron_engine.jsonio import dumps

    return Shown(kind="json", text=dumps(value).decode(), raw=value)


_MAKERS: Mapping[str, Callable[[_Subject, Any], Shown]] = {
    "long_text": _lines, "rich_text": _html, "integer": _number, "decimal": _number, "percent": _percent,
    "money": _money, "rating": _stars, "duration": _duration, "boolean": _flag, "select": _option,
    "multi_select": _options, "tags": _options, "cascade": _cascade, "date": _day, "datetime": _moment,
    "time": _clock, "date_range": _range, "lookup": _records, "master": _records, "user": _records,
    "department": _records, "file": _files, "image": _files, "signature": _files, "audio": _files,
    "address": _address, "location": _place, "url": _as("url"), "email": _as("email"), "phone": _phone,
    "color": _as("color"), "json": _json,
}  # fmt: skip


@cache
def numeric(type_name: str) -> bool:
    """Whether values of the type stand at the right of a column."""
    return type_name in {"integer", "decimal", "percent", "money", "duration"}
