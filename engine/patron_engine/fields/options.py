"""Options: reading them from a definition, and every way their names may be written.

In: `options` as an author wrote them, or a field with a ChoiceSpec. Out: Options in their order; names, labels, synonyms
and stored values looked up both ways. The types that use them are in choice.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from unicodedata import normalize

from patron_engine.expr.types import ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import Around, Fault, ValueFault
from patron_engine.fields.characters import clean_line, shown
from patron_engine.fields.field import ChoiceSpec, Field, Option, Texts
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def walk_options(
    options: Sequence[Option], above: str = "", stored: str = ""
) -> Iterator[tuple[str, str, Option]]:
    """(path of names, path of stored values, option) of all levels, outer ones first."""
    for option in options:
        path, value = f"{above}{option.name}", f"{stored}{option.value}"
        yield path, value, option
        if option.options:
            yield from walk_options(option.options, f"{path}/", f"{value}/")


class _Names:
    """What may be written for the options of one choice."""

    __slots__ = ("by_label", "by_name", "name_of", "options", "order", "value_of")

    def __init__(self, spec: ChoiceSpec) -> None:
        self.by_name: dict[str, str] = {}  # today's and old names -> today's name
        self.by_label: dict[
            str, str | None
        ] = {}  # folded labels and synonyms -> name; None where several mean it
        self.value_of: dict[str, str] = {}  # name -> stored value
        self.name_of: dict[str, str] = {}  # stored value -> name
        self.options: dict[str, Option] = {}
        self.order: dict[str, int] = {}
        everything = list(walk_options(spec.options))
        for path, value, option in everything:
            self.by_name[path] = path
            self.value_of[path], self.name_of[value] = value, path
            self.options[path] = option
            self.order[path] = len(self.order)
        for path, value, option in everything:
            above = path.rpartition("/")[0]
            for old in (*option.aliases, option.value):
                self.by_name.setdefault(f"{above}/{old}" if above else old, path)
            self.by_name.setdefault(value, path)
            for word in (option.name, *option.aliases, *option.label.values(), *option.synonyms):
                key = folded(word)
                known = self.by_label.get(key, path)
                self.by_label[key] = path if known == path else None
            self.by_label.setdefault(folded(path), path)

    def unknown(self, text: str) -> ValueFault:
        return ValueFault(
            "unknown_option", Phrase("{text} is not one of the options", text=shown(text)),
            nearest(text, self.by_name) or Phrase("one of {value_of}", value_of=list(list(self.value_of)[:8])),
        )  # fmt: skip

    def from_text(self, text: str) -> str:
        """By name, label in any language, or synonym."""
        line = clean_line(text) or ""
        found = self.by_name.get(line) or self.by_label.get(folded(line))
        if found is not None:
            return found
        if folded(line) in self.by_label:
            raise ValueFault(
                "ambiguous_option",
                Phrase("{line} means several options", line=shown(line)),
                "write the option's name",
            )
        raise self.unknown(line)


def folded(text: str) -> str:
    return " ".join(normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=1_000)
def _looked_up(holder: _Held) -> _Names:
    return _Names(holder.spec)


class _Held:
    """A spec compared by identity: comparing 3,000 options to find a cached answer would cost more than the answer."""

    __slots__ = ("spec",)

    def __init__(self, spec: ChoiceSpec) -> None:
        self.spec = spec

    def __hash__(self) -> int:
        return id(self.spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.spec is self.spec


def names_of(field: Field) -> _Names:
    """The names of a field's options, worked out once for each compiled field."""
    return _looked_up(_Held(field.choice))


def options_in(spec: ChoiceSpec) -> Mapping[str, Option]:
    """Every option of a choice by the path of its names."""
    return _looked_up(_Held(spec)).options


def choice_type(spec: ChoiceSpec) -> ExprType:
    """The expression type of one choice among these options."""
    flat = list(walk_options(spec.options))
    names = tuple(path for path, _, _ in flat)
    values = tuple(value for _, value, _ in flat)
    was = tuple((old, path) for path, _, o in flat for old in o.aliases)
    return ExprType("choice", options=names, stored=None if names == values else values, was=was)


def retired_faults(field: Field, values: Sequence[str]) -> list[Fault]:
    """A retired option cannot be chosen any more; records that have it keep it (the save asks only for what changed)."""
    options = names_of(field).options
    return [
        ("retired_option", Phrase("the option {v!r} is retired", v=v),
         Phrase("use {retired_to!r}", retired_to=options[v].retired_to) if options[v].retired_to else "choose another one")
        for v in values if v in options and options[v].retired
    ]  # fmt: skip


def texts(raw: Any) -> Texts:
    """A text or map of languages of a definition, as a map; a plain text belongs to every language ("")."""
    if isinstance(raw, Mapping):
        return MappingProxyType({str(k): str(v) for k, v in raw.items() if v is not None})
    return MappingProxyType({"": str(raw)}) if isinstance(raw, str) else _NONE


def read_options(raw: Any, around: Around, depth: int = 1) -> tuple[Option, ...]:
    """Options of a definition. A plain text is its own name. Elements that are none are left to the schema."""
    if depth > limits.OPTION_DEPTH:
        around.fault(
            "limit_option_depth",
            Phrase("options nest at most {most} levels", most=limits.OPTION_DEPTH),
            "options",
            None,
        )
        return ()
    found: list[Option] = []
    taken: set[str] = set()
    for item in raw if isinstance(raw, list | tuple) else ():
        body: Mapping[str, Any] = (
            {"name": item} if isinstance(item, str) else item if isinstance(item, Mapping) else {}
        )
        name = body.get("name")
        if not isinstance(name, str) or body.get("hidden") is True:
            continue
        was = body.get("was") or ()
        aliases = (was,) if isinstance(was, str) else tuple(str(w) for w in was)
        for used in (name, *aliases):
            if used in taken:
                around.fault(
                    "duplicate_option",
                    Phrase("the option name {used!r} is used twice", used=used),
                    "options",
                    "names of options differ",
                )
            taken.add(used)
        retired = body.get("retired")
        target = retired.get("to") if isinstance(retired, Mapping) else None
        only_for = body.get("only_for")
        found.append(
            Option(
                name=name, value=aliases[-1] if aliases else name, label=texts(body.get("label")), color=body.get("color"),
                synonyms=tuple(str(s) for s in body.get("synonyms") or ()),
                only_for=None if only_for is None else tuple(str(v) for v in only_for),
                retired=bool(retired), retired_to=target, aliases=aliases,
                options=read_options(body.get("options") or (), around, depth + 1),
            )
        )  # fmt: skip
    return tuple(found)


def words_of(option: Option) -> tuple[str, ...]:
    """Everything an option may be called in a file."""
    return (option.name, *option.aliases, *option.label.values(), *option.synonyms)
