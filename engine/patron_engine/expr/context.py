"""Context: what an expression may know besides the values of its record. Data and plain answers, never objects.

In: made once a request by record, query or jobs. Out: read by the Python side. Nothing of it enters the sandbox but
values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from patron_engine.expr.calendar import ALWAYS, WorkCalendar

_UTC: Final = ZoneInfo("UTC")
FIRST_WEEKDAY: Final = {"monday": 1, "saturday": 6, "sunday": 7}


@dataclass(frozen=True, kw_only=True)
class Context:
    """
    now       aware, UTC, fixed once a request
    zone      the workspace's
    me        the id of my user record, or None
    settings  name -> value of a setting for the record in question
    labels    (path, option) -> the option's label in the reader's language, or None
    lookups   answers of functions that need tables, by function name: REPORTS_TO(user, boss) -> bool,
              IN_DEPARTMENT(id, code), IN_ROLE(id, role), ON_DUTY(id), IN_SEGMENT(name, id), REPEATED(object, path, value), REF(object, external id)
              -> id, UNDER(object, id, id) -> bool, and those of rights: MINE_OR_BELOW(user), IN_MY_TREE(below, department),
              THROUGH(objects, action, link), GIVEN(object, level, id), MY_QUEUE(queue),
              BELONGS(kind, codes, below, user) -> bool
    """

    now: datetime
    zone: ZoneInfo = _UTC
    me: str | None = None
    week_from: Literal["monday", "sunday", "saturday"] = "monday"
    fiscal_year_from: int = 1
    calendar: WorkCalendar = ALWAYS
    settings: Callable[[str], Any] | None = None
    labels: Callable[[str, str], str | None] | None = None
    lookups: Mapping[str, Callable[..., Any]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def today(self) -> date:
        """The business day: the date of `now` in the workspace's zone."""
        return self.now.astimezone(self.zone).date()

    @property
    def first_weekday(self) -> int:
        """ISO number of the day a week begins with."""
        return FIRST_WEEKDAY[self.week_from]

    def local(self, moment: datetime) -> datetime:
        """The wall clock of the workspace at a moment, without zone."""
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def moment(self, wall: datetime) -> datetime:
        """The moment of a wall clock. Skipped hours count by the offset before, doubled ones are the later:
        PostgreSQL's rule, so that both sides agree."""
        early = wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        late = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return max(early, late)
