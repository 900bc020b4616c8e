"""Texts: text, long_text, rich_text, barcode, color. Stored as text; empty is NULL; a title also has its sort key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Final

import nh3
import re2

from patron_engine.expr.types import ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import (
    PLAIN_FORMATS,
    Around,
    Fault,
    FieldType,
    Parts,
    Shape,
    TextFormats,
    ValueFault,
    kind_word,
)
from patron_engine.fields.characters import clean_block, clean_line, half_width, shown
from patron_engine.fields.field import Field, Spec, TextSpec
from patron_engine.fields.formats import FORMATS
from patron_engine.fields.pinyin import sort_key
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

TEXT: Final = ExprType("text")
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


@lru_cache(maxsize=2_000)
def linear_pattern(pattern: str) -> Any:
    """The compiled pattern; its time grows with the text and nothing else. ValueError when RE2 cannot read it."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else "unreadable"
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None


class TextLike(FieldType):
    """What all texts share: length, pattern, format, case."""

    family = "text"
    keys: ClassVar[tuple[str, ...]] = ("max_length", "pattern", "format", "case")
    length: ClassVar[int] = limits.TEXT_LENGTH
    cap: ClassVar[int] = limits.TEXT_LENGTH_CAP

    def parts(self, shape: Shape) -> Parts:
        parts = super().parts(shape)
        return (*parts, ("sort", "text")) if shape.title and len(parts) == 1 else parts

    def spec(self, definition: Mapping[str, Any], around: Around) -> TextSpec:
        length = definition.get("max_length", self.length)
        if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= self.cap:
            around.fault("limit_max_length", Phrase("max_length is between 1 and {cap:,} for {value}", cap=self.cap, value=self.name), "max_length",
                         "use long_text for longer texts" if self.name == "text" else None)  # fmt: skip
            length = self.length
        pattern, preset = definition.get("pattern"), definition.get("format")
        if isinstance(pattern, str):
            self._check_pattern(pattern, around)
        if preset is not None and preset not in FORMATS:
            around.fault("unknown_format", Phrase("there is no format {preset!r}", preset=preset), "format",
                         nearest(str(preset), FORMATS) or Phrase("one of {formats}", formats=list(FORMATS)))  # fmt: skip
            preset = None
        return TextSpec(max_length=length, pattern=pattern, format=preset, case=definition.get("case"))

    @staticmethod
    def _check_pattern(pattern: str, around: Around) -> None:
        if len(pattern) > limits.PATTERN_LENGTH:
            around.fault(
                "limit_pattern",
                Phrase("a pattern has at most {most} characters", most=limits.PATTERN_LENGTH),
                "pattern",
                None,
            )
            return
        try:
            linear_pattern(pattern)
        except ValueError as error:
            around.fault("bad_pattern", Phrase("the pattern cannot be read: {error}", error=error), "pattern",
                         "patterns are RE2: no look-ahead and no back references")  # fmt: skip

    def expr_type(self, spec: Spec) -> ExprType:
        return TEXT

    def clean(self, text: str) -> str | None:
        return clean_line(text)

    def read_wire(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str):
            raise ValueFault(
                "not_text", Phrase("this is a text, not {raw}", raw=kind_word(raw)), 'write it in quotes: "…"'
            )
        text = self.clean(raw)
        return None if text is None else self.shaped(field, text)

    def shaped(self, field: Field, text: str) -> str:
        """Case and format applied."""
        spec = field.text
        if spec.case is not None:
            text = text.upper() if spec.case == "upper" else text.lower()
        return FORMATS[spec.format].read(text) if spec.format is not None else text

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> str | None:
        return self.read_wire(field, half_width(text) if field.text.format is not None else text)

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        if field.text.format is None and field.text.case is None:
            return self.clean
        return lambda text: self.read_text(field, text, formats)

    def check(self, field: Field, value: Any) -> list[Fault]:
        if value is None:
            return []
        spec = field.text
        faults: list[Fault] = []
        if len(value) > spec.max_length:
            faults.append(("too_long", Phrase("this has {count:,} characters, at most {most:,} are allowed", count=len(value), most=spec.max_length),
                           "shorten it"))  # fmt: skip
        elif spec.pattern is not None and not linear_pattern(spec.pattern).fullmatch(value):
            faults.append(
                (
                    "pattern",
                    Phrase(
                        "{value} does not fit the pattern {pattern}", value=shown(value), pattern=spec.pattern
                    ),
                    None,
                )
            )
        return faults

    def checker(self, field: Field) -> Callable[[Any], list[Fault]]:
        if field.text.pattern is not None:
            return lambda value: self.check(field, value)
        longest = field.text.max_length
        return lambda value: self.check(field, value) if len(value) > longest else []

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        if len(field.columns) == 1:
            return (value,)
        sort = None if value is None else sort_key(value)
        return tuple(value if c.part == "" else sort if c.part == "sort" else None for c in field.columns)

    def tokens_text(self, field: Field, value: Any) -> str | None:
        return value if isinstance(value, str) else None


class Text(TextLike):
    name = "text"
    about = "one line"


class LongText(TextLike):
    name = "long_text"
    about = "several lines"
    keys: ClassVar[tuple[str, ...]] = ("max_length", "pattern")
    length = limits.LONG_TEXT_LENGTH
    cap = limits.LONG_TEXT_LENGTH_CAP
    silent = True

    def clean(self, text: str) -> str | None:
        return clean_block(text)


class RichText(TextLike):
    name = "rich_text"
    about = "formatted text: HTML cleaned of everything active"
    keys: ClassVar[tuple[str, ...]] = ("max_length",)
    wire = "HTML"
    length = limits.RICH_TEXT_LENGTH
    cap = limits.RICH_TEXT_LENGTH_CAP
    sortable = False
    silent = True
    tags: ClassVar[set[str]] = {
        "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "div", "dl", "dt", "em",
        "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p",
        "pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
        "ul",
    }  # fmt: skip
    attributes: ClassVar[dict[str, set[str]]] = {
        "a": {"href", "title"}, "img": {"src", "alt", "width", "height"}, "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan", "scope"}, "ol": {"start"}, "col": {"span"},
    }  # fmt: skip

    def cleaned(self, html: str) -> str:
        """The HTML without anything active: what is written, and what is shown of what was written earlier."""
        return nh3.clean(
            html, tags=self.tags, attributes=self.attributes, url_schemes={"http", "https", "mailto", "tel"},
            link_rel="noopener noreferrer nofollow",
        )  # fmt: skip

    def clean(self, text: str) -> str | None:
        if len(text) > limits.RICH_TEXT_LENGTH_CAP * 2:
            raise ValueFault(
                "too_long",
                Phrase("at most {most:,} characters are allowed", most=limits.RICH_TEXT_LENGTH_CAP),
                "shorten it",
            )
        block = clean_block(text)
        if block is None:
            return None
        if "<" not in block and "&" not in block:
            return block
        if block.count("<") > limits.RICH_TEXT_TAGS:
            raise ValueFault(
                "limit_tags", f"at most {limits.RICH_TEXT_TAGS:,} tags are cleaned", "take formatting out"
            )
        cleaned = self.cleaned(block)
        has_content = "<img" in cleaned or re.sub(r"<[^>]*>|&nbsp;|\s", "", cleaned)
        return cleaned if has_content else None

    def tokens_text(self, field: Field, value: Any) -> str | None:
        return None if value is None else re.sub(r"<[^>]*>", " ", value)


class Barcode(TextLike):
    name = "barcode"
    about = "the content of a bar code or QR code"
    length = limits.BARCODE_LENGTH
    cap = limits.TEXT_LENGTH_CAP


class Color(TextLike):
    name = "color"
    about = "a colour as #rrggbb"
    keys: ClassVar[tuple[str, ...]] = ()
    wire = "#rrggbb"

    def clean(self, text: str) -> str | None:
        line = clean_line(text)
        if line is None:
            return None
        plain = line.lower()
        if re.fullmatch(r"#[0-9a-f]{3}", plain):
            plain = "#" + "".join(c * 2 for c in plain[1:])
        if not re.fullmatch(r"#[0-9a-f]{6}", plain):
            raise ValueFault(
                "not_color", Phrase("{line} is not a colour", line=shown(line)), "for example #1a73e8"
            )
        return plain

    def tokens_text(self, field: Field, value: Any) -> str | None:
        return None


TYPES: Final = (Text(), LongText(), RichText(), Barcode(), Color())
