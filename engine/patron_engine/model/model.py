"""Model: what all definitions of one release mean together. Immutable, one per (workspace, release).

In: made by model/compile. Out: every other stage looks names up here, never in documents. Knows no SQL and no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as kept  # several classes here have an attribute `field`
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from patron_engine.expr.compile import Expression
from patron_engine.expr.types import ExprType
from patron_engine.fields.field import Field, Texts, nothing
from patron_engine.model.physical import PhysicalNames
from patron_engine.phrases import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSet:
    """The other side of a link: the records of `object` whose `field` points here."""

    name: str
    owner: str  # the object that has the set
    object: str  # the object its records are of
    field: str  # the link field on that object
    master: bool = False
    many: bool = False  # through a link table
    document: bool = False  # its records are in the owner's currency
    label: Texts = kept(default_factory=nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A problem where `when` is true. `reads` are own fields it mentions (paths' first steps and roll-ups included)."""

    name: str
    when: Expression
    level: Literal["error", "warning", "info"]
    at: str | None
    message: Texts
    reads: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """Live records (and those that fit `where`) differ in `fields`. `index` is the physical index name."""

    name: str
    fields: tuple[str, ...]
    where: Expression | None
    index: str
    message: Texts = kept(default_factory=nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    name: str
    fields: tuple[tuple[str, bool], ...]  # (field, descending)
    index: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    name: str
    label: Texts
    description: Texts
    options: Mapping[str, tuple[str, ...]]
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A stored roll-up that this object's records feed: the record `link` points at has field `rollup`.

    reads   own fields whose change may change the figure (the link, the summed field, what `where` mentions)
    """

    parent: str
    rollup: str
    link: str
    many: bool
    reads: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One object. `fields` holds system fields too, in the order of definition; hidden ones are left out of `shown`."""

    name: str
    table: str
    label: Texts
    plural: Texts
    title: str  # a field or a path
    owner: Literal["user", "none", "master"]
    record_currency: bool
    rate_date: str | None
    history: bool
    features: frozenset[str]
    search: tuple[str, ...]
    fields: Mapping[str, Field]
    sets: Mapping[str, LinkSet]
    rules: tuple[Rule, ...]
    uniques: tuple[Unique, ...]
    indexes: tuple[Index, ...]
    record_types: Mapping[str, RecordType]
    master: str | None  # the master field of a detail
    details: tuple[str, ...]  # set names whose records are edited inside this one
    formulas: tuple[str, ...]  # stored formulas in the order they are computed
    feeds: tuple[Feed, ...]
    aliases: Mapping[str, str]  # old field and set names -> today's
    icon: str | None = None
    purpose: Texts = kept(default_factory=nothing)  # why personal data is kept in it
    hold: Expression | None = None  # the records whose personal data is not erased
    title_zone: ZoneInfo | None = (
        None  # where the title is a moment: whose clock says it, the same to everybody
    )
    extra: Mapping[str, Any] = kept(default_factory=dict)

    def field(self, name: str) -> Field | None:
        """By today's or an old name."""
        found = self.fields.get(name)
        return found if found is not None else self.fields.get(self.aliases.get(name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    name: str
    type: ExprType
    default: Any
    per: Literal["workspace", "department", "user"]
    field_type: str = "text"
    spec: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    name: str
    object: str
    where: Expression
    refresh: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What the `workspace` document says."""

    zone: ZoneInfo
    currency: str
    languages: tuple[str, ...]
    fiscal_year_from: int
    week_from: Literal["monday", "sunday", "saturday"]
    calendar: str | None
    second_factor: frozenset[str] = frozenset()  # roles; * is everybody


@dataclass(frozen=True, kw_only=True)
class Model:
    """Everything one release means. `documents` holds the effective bodies of all kinds, for what later stages draw or
    run; `expressions` their compiled expressions by (kind, name, path)."""

    release: int
    workspace: Workspace
    objects: Mapping[str, Object]
    settings: Mapping[str, Setting]
    segments: Mapping[str, Segment]
    documents: Mapping[tuple[str, str], Mapping[str, Any]]
    expressions: Mapping[tuple[str, str, str], Expression]
    object_aliases: Mapping[str, str]
    fingerprint: str  # checksum of the effective documents
    physical: PhysicalNames = kept(
        default_factory=PhysicalNames
    )  # every table and column, those kept aside too

    def object(self, name: str) -> Object | None:
        found = self.objects.get(name)
        return found if found is not None else self.objects.get(self.object_aliases.get(name, ""))

    def follow(self, object: str, path: str) -> Field | None:
        """The field at the end of a path of links (`account.industry`), or None. Not for paths over several-object
        links without a named object."""
        here = self.object(object)
        steps = path.split(".")
        for step in steps[:-1]:
            link = here.field(step) if here else None
            if link is None or link.type not in LINKS or len(link.link.to) != 1:
                return None
            here = self.object(link.link.to[0])
        return here.field(steps[-1]) if here else None

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What others make of this release once and keep with it, by names of their own: "access.given"."""
        return {}

    @cached_property
    def details_of(self) -> Mapping[str, tuple[str, ...]]:
        """Object -> the objects whose master it is."""
        return {name: tuple(o.sets[s].object for s in o.details) for name, o in self.objects.items()}


LINKS = frozenset({"lookup", "master", "user", "department"})


def label_of(texts: Texts | str, name: str, languages: tuple[str, ...] = ("en",)) -> Label:
    """What people call what is named `name`, for a phrase: it is read in the language of whoever reads that."""
    return Label(say(texts, languages) or name, texts if isinstance(texts, Mapping) else {})


def say(texts: Texts | str, languages: tuple[str, ...] = ("en",)) -> str:
    """A text in the first of `languages` it has, falling back zh-TW -> zh-CN -> en -> any."""
    if isinstance(texts, str):
        return texts
    for language in (*languages, *(("zh-CN",) if "zh-TW" in languages else ()), "en"):
        if language in texts:
            return texts[language]
    return next(iter(texts.values()), "")
