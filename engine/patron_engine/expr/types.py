"""Types of expressions: what a value is, as far as operators and functions care.

Fields map to kinds so: integer, decimal, percent, money, rating -> number; duration -> duration (a number of seconds);
select, record_type -> choice; cascade -> choice or text; multi_select, tags -> list of choice or text; lookup, master,
user, department -> link, a list of links when many; date_range -> range of date; file-like -> list of text.
A duration may stand wherever a number may (as seconds), a choice wherever a text may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from patron_engine.phrases import Either, Phrase

Kind = Literal[
    "number",
    "text",
    "boolean",
    "date",
    "datetime",
    "time",
    "duration",
    "choice",
    "link",
    "list",
    "range",
    "json",
    "location",
    "sealed",
    "empty",
]


@dataclass(frozen=True, slots=True)
class ExprType:
    """The type of a value.

    element  of a list or range
    objects  of a link: what it may point at; () = anything
    options  of a choice: option names in order; None = unknown
    stored   of a choice: what the column holds for each of `options`; None = the names themselves
    was      of a choice: (old name, today's name), accepted in expressions
    """

    kind: Kind
    element: ExprType | None = None
    objects: tuple[str, ...] = ()
    options: tuple[str, ...] | None = None
    stored: tuple[str, ...] | None = None
    was: tuple[tuple[str, str], ...] = ()


NUMBER: Final = ExprType("number")
TEXT: Final = ExprType("text")
BOOLEAN: Final = ExprType("boolean")
DATE: Final = ExprType("date")
DATETIME: Final = ExprType("datetime")
TIME: Final = ExprType("time")
DURATION: Final = ExprType("duration")
JSON: Final = ExprType("json")
EMPTY: Final = ExprType("empty")
LOCATION: Final = ExprType("location")
SEALED: Final = ExprType("sealed")  # of an encrypted field: only whether it equals something can be asked
DATES: Final = ExprType("range", element=DATE)

_WORDS: Final = {
    "number": Phrase("a number"),
    "text": Phrase("a text"),
    "boolean": Phrase("a condition"),
    "date": Phrase("a date"),
    "datetime": Phrase("a moment"),
    "time": Phrase("a time of day"),
    "duration": Phrase("a duration"),
    "choice": Phrase("a choice"),
    "link": Phrase("a link"),
    "list": Phrase("a list"),
    "range": Phrase("a range of dates"),
    "json": Phrase("a JSON value"),
    "location": Phrase("a location"),
    "sealed": Phrase("an encrypted value"),
    "empty": Phrase("empty"),
}


def words(kind: str) -> str:
    """A kind as people say it: `words("datetime")` -> "a moment"."""
    return Phrase(_WORDS.get(kind, kind))


def say_type(t: ExprType) -> str:
    """A type as people say it: "a list of texts" is "a list (a text)", a link names its objects."""
    if t.kind == "link" and t.objects:
        return Phrase("a link to {objects}", objects=Either(t.objects))
    if t.kind == "list" and t.element is not None:
        return Phrase("a list ({type})", type=say_type(t.element))
    return words(t.kind)


def fits(t: ExprType, kind: str) -> bool:
    """Whether a value of type `t` may stand where `kind` is asked for."""
    if t.kind == kind or t.kind == "empty":
        return True
    if t.kind == "json":
        return kind in ("number", "duration", "text", "choice", "boolean")
    return (t.kind, kind) in (
        ("duration", "number"),
        ("number", "duration"),
        ("choice", "text"),
        ("text", "choice"),
    )


def join(a: ExprType, b: ExprType) -> ExprType | None:
    """The type of "either a or b", or None when there is none."""
    if a == b or b.kind == "empty":
        return a
    if a.kind == "empty":
        return b
    kinds = {a.kind, b.kind}
    if kinds == {"number", "duration"}:
        return NUMBER
    if kinds <= {"text", "choice"}:
        return TEXT
    if kinds == {"link"}:
        objects = () if not (a.objects and b.objects) else tuple(dict.fromkeys(a.objects + b.objects))
        return ExprType("link", objects=objects)
    if a.kind == b.kind == "range":
        return a
    if "json" in kinds:
        other = a if b.kind == "json" else b
        return other if other.kind in ("text", "number", "boolean") else None
    return a if a.kind == b.kind and a.kind != "list" else None
