"""Naming: what the members of an answer are called, and in which colours: titles of linked records, labels of options.

In: a Plan and its cells; for titles the connection and the frame of the call. Out: by (name of the group, member).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import psycopg

from patron_engine.fields.field import Option
from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of
from patron_engine.report.answer import Text
from patron_engine.report.cells import Cells
from patron_engine.report.plan import Plan

Connection = psycopg.Connection[Any]
MOST_TITLES: Final = 10_000


def titles_in(conn: Connection, call: Call, plan: Plan, found: Cells) -> dict[tuple[str, Any], str]:
    """What linked members are called, where the reader may see them."""
    titles: dict[tuple[str, Any], str] = {}
    for place, group in enumerate(plan.groups):
        ids = [m for at, m in found.stored if at == place and isinstance(m, str)]
        for object in group.linked if ids else ():
            named = titles_of(conn, call, {object: ids[:MOST_TITLES]})
            titles.update({(group.name, id): title for (_, id), title in named.items()})
    return titles


def options_in(plan: Plan, found: Cells) -> dict[tuple[str, Any], Text]:
    return {at: option.label or {"en": option.name} for at, option in _chosen(plan, found)}


def colors_in(plan: Plan, found: Cells) -> dict[tuple[str, Any], str]:
    return {at: option.color for at, option in _chosen(plan, found) if option.color}


def _chosen(plan: Plan, found: Cells) -> Iterator[tuple[tuple[str, Any], Option]]:
    """The members that are options, with these."""
    options = [g.options for g in plan.groups]
    for at, member in found.stored:
        if options[at] and member in options[at]:
            yield (plan.groups[at].name, member), options[at][member]
