"""Operators: what one may ask of a value in a filter, each as a pattern of the expression language.

In a pattern `P` is the field, `A` and `B` are values, `L` a list of them, `R` a range that a parameter gives. The order counts where a text fits several: the narrower one
stands first. Which operators a family of fields has, and in which order they are offered, stands here too. Values only.
"""

from __future__ import annotations

from collections.abc import Mapping

_UNITS = ("day", "week", "month", "quarter", "year")
_WHEN = {"last": "LAST", "this": "THIS", "next": "NEXT"}

PATTERNS: Mapping[str, str] = {
    # people and departments first: they are narrower than "is"
    "me": "P == me()",
    "not_me": "P != me()",
    "my_department": "P.department == me().department",
    "my_departments": "UNDER(P.department, me().department)",
    "my_reports": "REPORTS_TO(P, me())",
    "my_groups": "SAME_GROUP(P, me())",
    "own_department": "P == me().department",
    "own_departments": "UNDER(P, me().department)",
    "under": "UNDER(P, A)",
    # days
    **{f"{when}_{unit}": f"P in {name}('{unit}')" for when, name in _WHEN.items() for unit in _UNITS},
    "last_days": "P in LAST_DAYS(A)",
    "next_days": "P in NEXT_DAYS(A)",
    "last_months": "P >= DATEADD(TODAY(), -A, 'month') and P <= TODAY()",
    "next_months": "P >= TODAY() and P <= DATEADD(TODAY(), A, 'month')",
    "last_years": "P >= DATEADD(TODAY(), -A, 'year') and P <= TODAY()",
    "next_years": "P >= TODAY() and P <= DATEADD(TODAY(), A, 'year')",
    "days_ago": "P == TODAY() - A",
    "days_ahead": "P == TODAY() + A",
    "before_days_ago": "P < TODAY() - A",
    "after_days_ahead": "P > TODAY() + A",
    "before_today": "P < TODAY()",
    "after_today": "P > TODAY()",
    "in_year": "YEAR(P) == A",
    "in_month": "MONTH(P) == A",
    "birthday": "MONTH(P) == MONTH(TODAY()) and DAY(P) == DAY(TODAY())",
    "birthday_month": "MONTH(P) == MONTH(TODAY())",
    "in_day": "DAY(P) == A",
    "weekday": "WEEKDAY(P) == A",
    "repeated": "REPEATED(P)",
    # values
    "empty": "P == none",
    "filled": "P != none",
    "contains": "CONTAINS(P, A)",
    "lacks": "not CONTAINS(P, A)",
    "starts": "STARTS_WITH(P, A)",
    "ends": "ENDS_WITH(P, A)",
    "between": "P >= A and P <= B",
    "among": "P in L",
    "within": "P in R",
    "not_among": "P not in L",
    "has": "A in P",
    "has_not": "A not in P",
    "is": "P == A",
    "is_not": "P != A",
    "more": "P > A",
    "least": "P >= A",
    "less": "P < A",
    "most": "P <= A",
    "no": "not P",
    "yes": "P",
}

_BOTH = ("empty", "filled")
_ALL = ("repeated", *_BOTH)
_TEXT = ("contains", "lacks", "is", "is_not", "starts", "ends", "among", "not_among", *_ALL)
_NUMBER = ("is", "is_not", "more", "least", "less", "most", "between", *_ALL)
_DAY = (
    "is", "less", "more", "most", "least", "between", "last_day", "this_day", "next_day",
    *(f"{when}_{unit}" for unit in _UNITS[1:] for when in ("this", "last", "next")),
    "last_days", "next_days", "last_months", "next_months", "last_years", "next_years", "days_ago", "days_ahead",
    "before_days_ago", "after_days_ahead", "before_today", "after_today", "in_year", "in_month", "in_day", "weekday",
    "birthday", "birthday_month", "is_not", *_ALL,
)  # fmt: skip
_CHOICE = ("among", "not_among", "is", "is_not", *_BOTH)
_LIST = ("has", "has_not", *_BOTH)
_USER = (
    "me",
    "not_me",
    "my_department",
    "my_departments",
    "my_reports",
    "my_groups",
    "among",
    "not_among",
    "is",
    "is_not",
    *_BOTH,
)

OPERATORS: Mapping[str, tuple[str, ...]] = {
    "text": _TEXT, "number": _NUMBER, "date": _DAY, "datetime": _DAY, "time": ("is", "less", "more", *_BOTH),
    "boolean": ("yes", "no"), "choice": _CHOICE, "list": _LIST, "link": ("among", "not_among", "is", "is_not", *_ALL),
    "user": _USER, "department": ("own_department", "own_departments", "under", "among", "not_among", *_BOTH),
    "cascade": ("under", "is", "is_not", *_BOTH), "other": _BOTH,
}  # fmt: skip
NUMERIC = frozenset(
    {"last_days", "next_days", "last_months", "next_months", "last_years", "next_years", "days_ago", "days_ahead",
     "before_days_ago", "after_days_ahead", "in_year", "in_month", "in_day", "weekday"}
)  # fmt: skip
