"""Field type: one class for each `type:` a field may have. Everything that differs between types stands in its class.

In: a compiled Field and a value in one of its forms. Out: the value in another form, or what is wrong with it.

    JSON body, definition --read_wire--+                       +--to_wire----> JSON answer
    form, CSV cell ------read_text-----+--> value in Python ---+--to_columns-> physical columns <-> from_columns
                                             | check           +--to_text----> export, print, history

One parser a type: forms, the API, imports, defaults, automations and type changes all come through here. `read_*` raises
ValueFault for a value that has no meaning in this type; `check` lists what a meaningful value may still break (range,
length, pattern, options). Neither knows a record, a person or a database.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa

from patron_engine.expr.types import ExprType
from patron_engine.fields.field import Field, Option, Spec, SqlType
from patron_engine.phrases import Phrase

Fault = tuple[str, str, str | None]  # code, message, hint
Parts = tuple[tuple[str, SqlType], ...]  # (part, SQL type); part "" is the value itself


class ValueFault(Exception):
    """A value that cannot be read as this type. `code` is stable; `hint` says what would be right."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def fault(self) -> Fault:
        return (self.code, self.message, self.hint)


TRUE_WORDS = frozenset(["true", "yes", "y", "1", "on", "x", "√", "✓", "✔", "是", "对", "有", "真", "已"])
FALSE_WORDS = frozenset(
    ["false", "no", "n", "0", "off", "-", "×", "✗", "✘", "否", "不", "无", "無", "假", "未", "错"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormats:
    """How the texts of one file or form are written.

    dates      forms of dates tried in turn ("YYYY-MM-DD", "MM/DD/YYYY"); () tries the unmistakable ones
    decimal    the decimal mark; `thousands` the mark between groups ("" for none)
    zone       of moments written without an offset
    languages  in which option labels are tried first
    """

    dates: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ","
    zone: tzinfo = UTC
    languages: tuple[str, ...] = ("en",)
    true: frozenset[str] = TRUE_WORDS
    false: frozenset[str] = FALSE_WORDS


PLAIN_FORMATS = TextFormats()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the columns of a field depend on besides its definition."""

    definition: Mapping[str, Any]
    title: bool = False
    record_currency: bool = False
    several: bool = False  # a link to several objects
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a field's own keys are read against: the workspace, and the options of an option set by name."""

    currency: str = "CNY"
    region: str = "CN"
    record_currency: bool = False
    option_sets: Mapping[str, tuple[Option, ...]] = field(default_factory=lambda: MappingProxyType({}))
    fault: Callable[..., None] = lambda *_a, **_k: (
        None
    )  # (code, message, key, hint): where problems of keys go


class FieldType(ABC):
    """The base of all types. Instances hold no state; `name` is what stands in `type:`."""

    name: ClassVar[str]
    family: ClassVar[str]
    keys: ClassVar[tuple[str, ...]] = ()  # its own keys, for the reference
    sql: ClassVar[SqlType] = "text"
    about: ClassVar[str] = ""  # one line for the reference
    wire: ClassVar[str] = "text"  # what stands in JSON, for the reference and OpenAPI
    sortable: ClassVar[bool] = True
    silent: ClassVar[bool] = False  # left out of answers unless asked for (long, rich, json, files)

    # -- the definition -----------------------------------------------------------------------------------------

    def parts(self, shape: Shape) -> Parts:
        """The physical columns it wants, in the order `to_columns` fills them."""
        if shape.definition.get("encrypted") is True:
            return (("", "bytea"), ("blind", "text"))
        return (("", self.sql),)

    def spec(self, definition: Mapping[str, Any], around: Around) -> Spec:
        """Its own keys, read. Faults of keys go to `around.fault`."""
        return None

    @abstractmethod
    def expr_type(self, spec: Spec) -> ExprType:
        """Its type in expressions."""

    def path_types(self, spec: Spec) -> Mapping[str, ExprType]:
        """The types of what may stand after a dot (`period.from`)."""
        return MappingProxyType({})

    # -- values -------------------------------------------------------------------------------------------------

    @abstractmethod
    def read_wire(self, field: Field, raw: Any) -> Any:
        """A value of a JSON body in Python form; null, "" and [] are None. Raises ValueFault."""

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> Any:
        """A cell or form field in Python form. Tolerant where the meaning is clear. Raises ValueFault."""
        return self.read_wire(field, text) if text.strip() else None

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        """`read_text` for a whole column: what can be prepared once is."""
        return lambda text: self.read_text(field, text, formats)

    def check(self, field: Field, value: Any) -> list[Fault]:
        """What is wrong with a value that was read: range, length, pattern, options. None is never wrong here."""
        return []

    def checker(self, field: Field) -> Callable[[Any], list[Fault]] | None:
        """`check` for a whole column, or None when nothing can be wrong after reading."""
        return lambda value: self.check(field, value)

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        """What is written, in the order of field.columns."""
        return tuple(value if c.part == "" else None for c in field.columns)

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        """The value of what was read, in the order of field.columns."""
        return parts[0]

    def to_wire(self, field: Field, value: Any) -> Any:
        """JSON form of an answer."""
        return value

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        """The text of an export, which `read_text` with the same formats reads again."""
        return "" if value is None else str(self.to_wire(field, value))

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        """An expression whose JSON form equals `to_wire` byte for byte, or None: Python has to make it."""
        return columns[0]

    def whole_sql(self, field: Field, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        """The value as one in expressions. `columns` in the order of field.columns."""
        return columns[0]

    def normalise(self, field: Field, value: Any) -> Any:
        """What unique rules and lookups compare. Values are normalised when they are read, so this changes nothing
        unless a type says otherwise."""
        return value

    def tokens_text(self, field: Field, value: Any) -> str | None:
        """What the search finds a record by, or None."""
        return None


def kind_word(raw: Any) -> str:
    """What a JSON value is, for messages.

    >>> kind_word(True), kind_word([]), kind_word(None)
    ('true or false', 'a list', 'null')
    """
    if raw is None:
        return "null"
    if isinstance(raw, bool):
        return Phrase("true or false")
    return _KINDS.get(type(raw), _KINDS[int])


_KINDS = {
    str: Phrase("a text"), int: Phrase("a number"), list: Phrase("a list"), tuple: Phrase("a list"),
    dict: Phrase("an object"),
}  # fmt: skip
