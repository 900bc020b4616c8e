"""The table of functions: every name an author may write before a bracket. In: the groups. Out: name -> Function."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from patron_engine.expr.functions import (
    arithmetic,
    chinese,
    days,
    logic,
    people,
    periods,
    reports,
    texts,
    work,
)
from patron_engine.expr.operation import Function

_GROUPS: Final = (
    logic.FUNCTIONS,
    arithmetic.FUNCTIONS,
    texts.FUNCTIONS,
    days.FUNCTIONS,
    periods.FUNCTIONS,
    work.FUNCTIONS,
    people.FUNCTIONS,
    chinese.FUNCTIONS,
    reports.FUNCTIONS,
)

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({f.name: f for group in _GROUPS for f in group})
