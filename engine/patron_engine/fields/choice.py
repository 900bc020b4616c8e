"""Choices: select, multi_select, tags, cascade.

In Python and on the wire a choice is today's name of its option (a cascade: names from the top, `cn/zj/hz`); the column
holds the option's first name, so renaming an option touches no row. Old names are read and answered as today's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.expr.types import ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import (
    PLAIN_FORMATS,
    Around,
    Fault,
    FieldType,
    TextFormats,
    ValueFault,
    kind_word,
)
from patron_engine.fields.characters import clean_line
from patron_engine.fields.field import ChoiceSpec, Field, Option, Spec
from patron_engine.fields.options import (
    choice_type,
    folded,
    names_of,
    read_options,
    retired_faults,
    walk_options,
    words_of,
)
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

_SEPARATORS: Final = ";；、|\n"


class Choice(FieldType):
    """What select, multi_select and cascade share."""

    family = "choice"
    keys: ClassVar[tuple[str, ...]] = ("options", "option_set", "controlled_by")

    def spec(self, definition: Mapping[str, Any], around: Around) -> ChoiceSpec:
        named = definition.get("option_set")
        if isinstance(named, str):
            options = around.option_sets.get(named, ())
            if named not in around.option_sets:
                around.fault("unknown_option_set", Phrase("there is no option set {named!r}", named=named), "option_set",
                             nearest(named, around.option_sets))  # fmt: skip
        else:
            options = read_options(definition.get("options") or (), around)
        total = sum(1 for _ in walk_options(options))
        if total > limits.OPTIONS:
            around.fault("limit_options", Phrase("{total:,} options, at most {options:,} are allowed", total=total, options=limits.OPTIONS), "options",
                         "make an object of them and a lookup to it")  # fmt: skip
        return ChoiceSpec(
            options=options,
            option_set=named if isinstance(named, str) else None,
            controlled_by=definition.get("controlled_by"),
            free=isinstance(self, Tags),
        )

    def tokens_text(self, field: Field, value: Any) -> str | None:
        """The labels, so that people find a record by the words they see."""
        if value is None:
            return None
        names = names_of(field)
        chosen = [value] if isinstance(value, str) else value
        words = (w for v in chosen if v in names.options for w in names.options[v].label.values())
        return " ".join(dict.fromkeys(words)) or None


class Select(Choice):
    name = "select"
    about = "one of the options"
    wire = "option name"

    def expr_type(self, spec: Spec) -> ExprType:
        assert isinstance(spec, ChoiceSpec)
        return choice_type(spec)

    def read_wire(self, field: Field, raw: Any) -> str | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, str):
            raise ValueFault(
                "not_option", Phrase("this is the name of an option, not {raw}", raw=kind_word(raw)), None
            )
        names = names_of(field)
        found = names.by_name.get(raw)
        if found is None:
            raise names.unknown(raw)
        return found

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> str | None:
        return names_of(field).from_text(text) if text and not text.isspace() else None

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        names = names_of(field)
        known: dict[str, str] = dict(names.by_name)

        def read(text: str) -> str | None:
            found = known.get(text)
            if found is None and text and not text.isspace():
                found = names.from_text(text)
                if len(known) < 10_000:
                    known[text] = found
            return found

        return read

    def check(self, field: Field, value: Any) -> list[Fault]:
        return [] if value is None else retired_faults(field, (value,))

    def checker(self, field: Field) -> Callable[[Any], list[Fault]] | None:
        retired = any(o.retired for _, _, o in walk_options(field.choice.options))
        return (lambda value: self.check(field, value)) if retired else None

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        return (None if value is None else names_of(field).value_of.get(value, value),)

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        stored = parts[0]
        return None if stored is None else names_of(field).name_of.get(stored, stored)

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        renamed = {stored: name for stored, name in names_of(field).name_of.items() if stored != name}
        if not renamed:
            return columns[0]
        cases = {
            sa.literal(k, literal_execute=True): sa.literal(v, literal_execute=True)
            for k, v in renamed.items()
        }
        return sa.case(cases, value=columns[0], else_=columns[0])


class Cascade(Select):
    name = "cascade"
    about = "a path through nested options"
    wire = "path of option names, cn/zj/hz"

    def expr_type(self, spec: Spec) -> ExprType:
        return ExprType("text")

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> str | None:
        line = clean_line(text)
        if line is None:
            return None
        names = names_of(field)
        whole = names.by_name.get(line)
        if whole is not None:
            return whole
        steps = [
            s for s in line.replace("／", "/").replace(">", "/").replace("\\", "/").split("/") if s.strip()
        ]
        if len(steps) == 1:
            return names.from_text(line)
        here: Sequence[Option] = field.choice.options
        path: list[str] = []
        for step in steps:
            found = [o for o in here if folded(step) in {folded(w) for w in words_of(o)}]
            if len(found) != 1:
                raise names.unknown(line)
            path.append(found[0].name)
            here = found[0].options
        return "/".join(path)

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        return lru_cache(maxsize=10_000)(lambda text: self.read_text(field, text, formats))

    def tokens_text(self, field: Field, value: Any) -> str | None:
        if value is None:
            return None
        steps = value.split("/")
        above = ("/".join(steps[: i + 1]) for i in range(len(steps)))
        return " ".join(t for t in (super(Cascade, self).tokens_text(field, p) for p in above) if t) or None


class MultiSelect(Choice):
    name = "multi_select"
    about = "several of the options, in their order"
    sql = "text[]"
    wire = "list of option names"
    sortable = False

    def expr_type(self, spec: Spec) -> ExprType:
        assert isinstance(spec, ChoiceSpec)
        return ExprType("list", element=choice_type(spec))

    def one(self, field: Field, raw: Any) -> str | None:
        return SELECT.read_wire(field, raw)

    def one_text(self, field: Field, text: str) -> str | None:
        return SELECT.read_text(field, text)

    def arranged(self, field: Field, values: list[str]) -> tuple[str, ...]:
        order = names_of(field).order
        return tuple(sorted(dict.fromkeys(values), key=lambda v: order.get(v, len(order))))

    def read_wire(self, field: Field, raw: Any) -> tuple[str, ...] | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, list | tuple):
            raise ValueFault(
                "not_list", Phrase("this is a list, not {raw}", raw=kind_word(raw)), 'for example ["a", "b"]'
            )
        return self._counted(field, [v for v in (self.one(field, r) for r in raw) if v is not None])

    def _counted(self, field: Field, values: list[str]) -> tuple[str, ...] | None:
        chosen = self.arranged(field, values)
        if len(chosen) > limits.CHOSEN:
            raise ValueFault(
                "limit_chosen",
                Phrase("{count} values, at most {chosen} can be chosen", count=len(chosen), chosen=limits.CHOSEN), None,
            )  # fmt: skip
        return chosen or None

    def read_text(
        self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS
    ) -> tuple[str, ...] | None:
        if not text or text.isspace():
            return None
        for mark in _SEPARATORS:
            text = text.replace(mark, "\0")
        pieces = [p for p in text.split("\0") if p.strip()]
        if len(pieces) == 1 and ("," in pieces[0] or "，" in pieces[0]):
            try:  # a comma may stand inside a label
                return self._counted(field, [v for v in [self.one_text(field, pieces[0])] if v is not None]) \
                    if not isinstance(self, Tags) else self._split_by_comma(field, pieces[0])  # fmt: skip
            except ValueFault:
                return self._split_by_comma(field, pieces[0])
        return self._counted(field, [v for v in (self.one_text(field, p) for p in pieces) if v is not None])

    def _split_by_comma(self, field: Field, text: str) -> tuple[str, ...] | None:
        pieces = [p for p in text.replace("，", ",").split(",") if p.strip()]
        return self._counted(field, [v for v in (self.one_text(field, p) for p in pieces) if v is not None])

    def check(self, field: Field, value: Any) -> list[Fault]:
        return [] if value is None else retired_faults(field, value)

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        if value is None:
            return (None,)
        stored = names_of(field).value_of
        return ([stored.get(v, v) for v in value],)

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        if not parts[0]:
            return None
        names = names_of(field).name_of
        return tuple(names.get(v, v) for v in parts[0])

    def to_wire(self, field: Field, value: Any) -> Any:
        return list(value or ())

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return ";".join(value or ())

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        if any(stored != name for stored, name in names_of(field).name_of.items()):
            return None
        return sa.func.coalesce(columns[0], sa.cast(pg.array([], type_=sa.Text()), pg.ARRAY(sa.Text())))


class Tags(MultiSelect):
    name = "tags"
    about = "words people add freely; the options are suggestions"
    wire = "list of texts"

    def expr_type(self, spec: Spec) -> ExprType:
        return ExprType("list", element=ExprType("text"))

    def one(self, field: Field, raw: Any) -> str | None:
        if not isinstance(raw, str):
            raise ValueFault("not_text", Phrase("a tag is a text, not {raw}", raw=kind_word(raw)), None)
        tag = clean_line(raw)
        if tag is not None and len(tag) > limits.TAG_LENGTH:
            raise ValueFault(
                "limit_tag", Phrase("a tag has at most {most} characters", most=limits.TAG_LENGTH), None
            )
        return None if tag is None else names_of(field).by_name.get(tag, tag)

    def one_text(self, field: Field, text: str) -> str | None:
        tag = self.one(field, text.strip())
        return None if tag is None else names_of(field).by_label.get(folded(tag)) or tag

    def arranged(self, field: Field, values: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(values))

    def tokens_text(self, field: Field, value: Any) -> str | None:
        if value is None:
            return None
        options = names_of(field).options
        return " ".join(" ".join(options[v].label.values()) if v in options else v for v in value)


SELECT: Final = Select()
TYPES: Final = (SELECT, MultiSelect(), Tags(), Cascade())
