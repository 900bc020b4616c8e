"""Field: what a compiled field is. Model stage: resolved, typed, immutable, one per release.

In: made by model/compile from an object's definition and the physical names of the workspace. Out: read by everything
that binds, writes, reads or explains a value. Holds no SQL text and no values of records.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from patron_engine.expr.compile import Expression
from patron_engine.expr.types import ExprType

SqlType = Literal[
    "text", "numeric", "bigint", "uuid", "timestamptz", "date", "time", "boolean", "text[]", "jsonb", "bytea"
]
Texts = Mapping[str, str]  # language -> text; resolve with model.texts.say
EMPTY: Mapping[str, Any] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """The empty mapping, shared: the default of fields that hold one."""
    return EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One physical column of a field. `part` is "" for the value itself, else what stands after the dot or the
    platform's own parts: from, to, country … postcode, lat, lng, object, base, sort, blind."""

    name: str
    sql: SqlType
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a choice. `value` is what is stored: the option's first name; `name` is today's."""

    name: str
    value: str
    label: Texts = field(default_factory=nothing)
    color: str | None = None
    synonyms: tuple[str, ...] = ()
    only_for: tuple[str, ...] | None = None
    retired_to: str | None = None
    retired: bool = False
    options: tuple[Option, ...] = ()  # the next level of a cascade
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpec:
    max_length: int
    pattern: str | None = None
    format: str | None = None
    case: Literal["upper", "lower"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSpec:
    """`scale` is the number of decimals kept; a value with more is refused on the wire, rounded half up in formulas."""

    scale: int | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    unit: Texts | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpec:
    """Bounds of a day, moment or time; both belong to what is allowed."""

    min: Any = None
    max: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceSpec:
    options: tuple[Option, ...]
    option_set: str | None = None
    controlled_by: str | None = None
    free: bool = False  # tags: values outside the options are allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """How the platform chooses the linked record itself: bare names are the candidate's, `this.` the record's."""

    where: Expression
    sort: tuple[tuple[str, bool], ...] = ()  # (path, descending)
    create: Mapping[str, Any] | None = None  # field -> literal or Expression over `this`
    reads: frozenset[str] = frozenset()  # own fields named as this.X: a change of one finds again


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """`to` names one object, or several (then the value is {"object", "id"}). `table` is the link table when many."""

    to: tuple[str, ...]
    many: bool = False
    master: bool = False
    where: Expression | None = None
    on_delete: Literal["restrict", "clear", "cascade"] = "restrict"
    reverse: str | None = None  # set name on the other side
    reverse_label: Texts = field(default_factory=nothing)
    fill: Mapping[str, str] = field(default_factory=nothing)  # own field <- path on the target
    find: Find | None = None
    tree: bool = False
    same_currency: bool = False  # both records are in one currency, as a detail is with its master
    table: str | None = None  # of a many link: columns record uuid, target uuid, position bigint

    @property
    def several(self) -> bool:
        return len(self.to) > 1

    @property
    def document(self) -> bool:
        """Whether both ends are one document: their money is in one currency and adds up as it stands."""
        return self.master or self.same_currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """`why` says in one sentence why it is stored or computed. `nightly` is true where it reads TODAY and is stored."""

    expression: Expression
    stored: bool
    why: str
    nightly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """A figure over a set. `path` is the set names from the parent downwards (one, in most cases)."""

    path: tuple[str, ...]
    function: Literal["count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "concat"]
    field: str | None
    where: Expression | None
    sort: tuple[tuple[str, bool], ...] = ()
    deep: bool = False
    stored: bool = True
    why: str = ""
    readable_rows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoNumber:
    """`parts`: ("text", "SO-"), ("date", "YYYY"), ("counter", "0000"), ("field", "region")."""

    pattern: str
    parts: tuple[tuple[str, str], ...]
    reset: Literal["never", "day", "month", "year", "master"] = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSpec:
    """Of a location. `target` (own link, field beyond it) is the place it is taken at, `radius` how many metres from it are near
    enough: forms show both; what is refused is a rule's matter. `manual`: may it be written by hand: True, False, or the own
    field that then says so."""

    target: tuple[str, str] | None = None
    radius: int | Expression | None = None
    manual: bool | str = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSpec:
    """`capture`: pictures are taken with this camera when the form is filled, not chosen from an album."""

    max_size: int
    accept: tuple[str, ...] = ()
    many: bool = False
    capture: Literal["environment", "user"] | None = None


S = TypeVar("S")
Spec = (
    TextSpec
    | NumberSpec
    | TimeSpec
    | ChoiceSpec
    | LinkSpec
    | Formula
    | Rollup
    | AutoNumber
    | PlaceSpec
    | FileSpec
    | None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of an object. `columns` is empty for what is computed at reading or kept in other tables
    (many links, files). `required`, `readonly`, `visible` are a truth or a condition.

    What only some fields have stands in `extra`: `value_type` and `value_spec` of a formula or roll-up (the type its
    values have), `region` of a phone, `vault` of what is encrypted, `order` of its place in the definition."""

    object: str
    name: str
    type: str
    expr: ExprType
    columns: tuple[Column, ...] = ()
    spec: Spec = None
    label: Texts = field(default_factory=nothing)
    help: Texts = field(default_factory=nothing)
    required: bool | Expression = False
    readonly: bool | Expression = False
    visible: bool | Expression = True
    default: Any = None  # a literal in Python form, or an Expression
    unique: bool = False
    indexed: bool = False
    sensitive: bool = False
    personal: str | None = None  # what it says about a person: contact, birth …
    encrypted: bool = False
    public: bool = False
    deprecated: bool = False
    system: bool = False
    hidden: bool = False  # removed by a layer above: the data stays, nobody sees it
    aliases: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def column(self) -> Column:
        """The column of the value itself; an error for fields without one."""
        for c in self.columns:
            if c.part == "":
                return c
        raise LookupError(f"{self.object}.{self.name} has no column of its own")

    def part(self, part: str) -> Column:
        for c in self.columns:
            if c.part == part:
                return c
        raise LookupError(f"{self.object}.{self.name} has no part {part!r}")

    def _own(self, wanted: builtins.type[S]) -> S:
        """The spec of its values: its own, or for a formula or roll-up what `extra["value_spec"]` says."""
        found: Any = self.spec if isinstance(self.spec, wanted) else self.extra.get("value_spec")
        if not isinstance(found, wanted):
            raise LookupError(f"{self.object}.{self.name} is a {self.type} and has no {wanted.__name__}")  # noqa: TRY004
        return found

    @property
    def text(self) -> TextSpec:
        return self._own(TextSpec)

    @property
    def number(self) -> NumberSpec:
        return self._own(NumberSpec)

    @property
    def choice(self) -> ChoiceSpec:
        return self._own(ChoiceSpec)

    @property
    def link(self) -> LinkSpec:
        return self._own(LinkSpec)

    @property
    def computed(self) -> bool:
        """Nobody writes it: formula, roll-up or auto number."""
        return isinstance(self.spec, Formula | Rollup | AutoNumber)

    @property
    def stored(self) -> bool:
        """It has a column, or rows of its own, that a save writes."""
        return bool(self.columns)
