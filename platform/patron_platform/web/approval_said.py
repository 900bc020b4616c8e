"""Approvals said: what pages tell of approvals, in words that a template has ready.

In: outcomes of saves, instances as they were looked at. Out: keys of texts, plain values. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.page.people import Choice, choices
from patron_engine.page.reader import Reader
from patron_engine.page.show import Shown, shown
from patron_engine.query.call import Call
from patron_engine.record.change import Outcome
from patron_engine.ways.approval_changes import Difference
from patron_engine.ways.approval_drawn import names_of


def asked_for(outcome: Outcome) -> str:
    """What a page tells when a change waits for approval, or its record does; "" where neither."""
    if outcome.action == "submitted":
        return "asked"
    return "asked_created" if outcome.instance is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A field as it was, and as it is now."""

    label: str
    before: Shown
    after: Shown


def changes_of(call: Call, reader: Reader, differences: Sequence[Difference]) -> list[Changed]:
    found = []
    for one in differences:
        field = call.model.objects[one.object].field(one.name)
        if field is not None:
            found.append(
                Changed(
                    label=one.label,
                    before=shown(field, one.before, reader),
                    after=shown(field, one.now, reader),
                )
            )
    return found


def people_offered(
    conn: psycopg.Connection[Any], call: Call, only: Sequence[str] | None = None, without: str | None = None
) -> list[Choice]:
    """Whom one may choose, by id: these, or everybody he may see; the list is searched further by a script."""
    if only is not None:
        names = names_of(conn, call, only)
        return [Choice(value=p, title=names.get(p, "…")) for p in only]
    found = choices(conn, call, "", ("user",)).get("user", [])
    return [
        Choice(value=c.value.partition(":")[2], title=c.title, hint=c.hint)
        for c in found
        if c.value.partition(":")[2] != without
    ]
