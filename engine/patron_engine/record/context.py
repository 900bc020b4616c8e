"""Context: the moment, the person and the workspace's habits, as expressions evaluated in Python get them. Data only."""

from __future__ import annotations

from typing import Any

from patron_engine.expr.evaluate import Context
from patron_engine.query.call import Call
from patron_engine.record.calendars import calendar_of
from patron_engine.record.lookups import Lookups, number_of
from patron_engine.record.pending import Pending


def context_of(pending: Pending, call: Call) -> tuple[Context, Lookups]:
    """The context of one save: NOW() is the call's moment throughout. The lookups are what has to be forgotten after
    writing."""
    workspace = call.model.workspace
    lookups = Lookups(pending, call)

    def setting(name: str) -> Any:
        found = call.model.settings.get(name)
        return number_of(found.default) if found is not None else None

    lookups.context = Context(
        now=call.now,
        zone=workspace.zone,
        me=call.actor.user,
        week_from=workspace.week_from,
        fiscal_year_from=workspace.fiscal_year_from,
        calendar=calendar_of(pending.conn, call),
        settings=setting,
        lookups=lookups.functions(),
    )
    return lookups.context, lookups
