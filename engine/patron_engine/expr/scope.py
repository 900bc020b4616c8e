"""Scope: whose names an expression may use, in which place it stands. In: made by whoever checks a definition.

The catalogue answers what exists; it is the compiled model or, while that is being made, the half of it there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from patron_engine.expr.types import ExprType

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Catalog(Protocol):
    """What exists. Names are API names; unknown ones answer None or ()."""

    def field(self, object: str, name: str) -> ExprType | None:
        """Every field, system columns, and virtual ones by their dotted names: "approval.state", "address.city"."""

    def set_object(self, object: str, name: str) -> str | None:
        """The object of the records in a set."""

    def names(self, object: str) -> tuple[str, ...]:
        """The fields of an object, for "did you mean"; () where there is no such object."""

    def sets(self, object: str) -> tuple[str, ...]:
        """The names of its sets."""

    def setting(self, name: str) -> ExprType | None: ...

    def segment(self, name: str) -> str | None:
        """The object of a segment."""

    def canonical(self, object: str, name: str) -> str:
        """Today's name of a field, set or (for object "") object; the name itself when it has no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where an expression stands.

    object      whose fields bare names are; None where there is no record
    roots       other first words: an object's name, or the typed names below it (dotted keys allowed)
    names       further bare names: variables, the measures of a report
    expects     kinds the result may have; () any
    rows        it chooses rows: it must have an SQL side
    aggregates  sets may be used: COUNT(quotes, …)
    measures    it is a report's measure: aggregates without a set run over the report's rows; GOAL, TOTAL, PREVIOUS
    """

    catalog: Catalog
    object: str | None = None
    roots: Mapping[str, str | Mapping[str, ExprType]] = field(default_factory=lambda: _NOTHING)
    names: Mapping[str, ExprType] = field(default_factory=lambda: _NOTHING)
    expects: tuple[str, ...] = ()
    rows: bool = False
    aggregates: bool = False
    measures: bool = False
