"""Answer: what a report is asked and what it answers, as values. Every kind of report answers in this one form.

In: made by ways/figure.py of a definition, what its reader chose, and what the database gave. Out: read by pages, exports,
the API, tiles, alerts and goals. Raw values only: texts, formats and colours are the pages' matter.

    summary   rows, no columns          joined   rows = the shared group, measures of all blocks, then of the report
    matrix    rows and columns          funnel   rows = one group `stage`, measures count, value, conversion, stay
    cohort    rows = the cohort, columns = one group `offset` (0, 1, 2 … periods later), one measure

A `list` has no figures: it is a question of the way read (`Spot` of everything, ways/figure.drill).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from patron_engine.fields.field import Field
from patron_engine.phrases import Phrase
from patron_engine.report.keeping import Keeping

Value = Decimal | date | datetime | time | str | None
Text = Mapping[str, str]  # what a definition says in several languages; empty where it says nothing


class Rest(Enum):
    """The member that stands for all groups beyond the limit."""

    REST = "rest"


REST = Rest.REST
Key = tuple[Any, ...]
"""The members of some groups, in JSON form: an option's name, a record's id, the first day of a period ("2026-01-01"), the
number of a bucket (0: below the first border), a weekday (1 Monday) or hour; None without value; REST. A key shorter than
the groups is a subtotal over the missing ones, () all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a reader asks of a report.

    body        the definition, as in a document: of the release, or a personal one
    parameters  values in JSON form by name; those not named have their defaults
    filters     further conditions over the report's object, in the expression language, judged as a question's `where`
    reaches     path of a date field -> (first, last) day: the filters of a dashboard
    as_of       a day or moment, or {from, to}, in place of the definition's
    anew        what is kept of a report with `keep` is not looked at
    keeping     made by the way: for how long the answers of this run are kept
    """

    body: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    filters: tuple[str, ...] = ()
    reaches: Mapping[str, tuple[date | None, date | None]] = field(default_factory=dict)
    as_of: Any = None
    anew: bool = False
    keeping: Keeping | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One group. `field` is what it groups by (None: stage, offset, shared group without one); `by` cuts dates."""

    name: str
    label: Text = field(default_factory=dict)
    kind: Literal["value", "period", "bucket", "level", "stage", "offset"] = "value"
    field: Field | None = None
    by: str | None = None
    buckets: tuple[Decimal, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure. `format` is the definition's; `unit` what its values are where no format says more."""

    name: str
    label: Text = field(default_factory=dict)
    format: Mapping[str, Any] = field(default_factory=dict)
    unit: Literal["number", "money", "percent", "ratio", "duration", "date", "datetime", "time", "text"] = (
        "number"
    )
    block: str | None = None  # of a joined report


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`row_keys` and `column_keys` are whole keys in the order they are shown; `cells` has the values in the order of
    `figures` for each pair of keys that has any, shorter keys for the totals the definition asks for (and the grand one).

    titles   (name of the axis, member) -> the title of the record that is linked, where the reader may see it
    options  (name of the axis, member) -> what an option, level or stage is called
    colors   the same -> its colour's name
    notes    what was cut, filled or left out, for the reader
    base     the currency of money
    kept_at  the moment of which the figures are, where they were kept
    """

    report: str
    type: str
    object: str | None
    rows: tuple[Axis, ...]
    columns: tuple[Axis, ...] = ()
    figures: tuple[Figure, ...]
    row_keys: tuple[Key, ...]
    column_keys: tuple[Key, ...] = ((),)
    cells: Mapping[tuple[Key, Key], tuple[Value, ...]]
    titles: Mapping[tuple[str, Any], str] = field(default_factory=dict)
    options: Mapping[tuple[str, Any], Text] = field(default_factory=dict)
    colors: Mapping[tuple[str, Any], str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[tuple[Text, Decimal], ...] = ()  # lines of the chart, worked out
    notes: tuple[Phrase, ...] = ()
    as_of: datetime | None = None
    since: datetime | None = (
        None  # the first of two moments: NAME_then and NAME_change stand beside each figure
    )
    base: str | None = None
    kept_at: datetime | None = None

    def value(self, figure: str, rows: Key = (), columns: Key = ()) -> Value:
        """One figure; None where there is none. KeyError for a name that is no figure."""
        at = next((i for i, f in enumerate(self.figures) if f.name == figure), None)
        if at is None:
            raise KeyError(figure)
        found = self.cells.get((rows, columns))
        return found[at] if found is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One cell of an answer: which records stand behind it. `figure` matters where measures count other records
    (their `where`, the block of a joined report)."""

    rows: Key = ()
    columns: Key = ()
    figure: str | None = None
