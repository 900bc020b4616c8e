"""Context: the moment, the person and the workspace's habits, as expressions evaluated in Python get them. Data only."""

from __future__ import annotations

from typing import Any

from patron_engine.expr.evaluate import Context
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn


def context_of(conn: Conn, call: Call) -> Context:
    """The context of one save: NOW() is the call's moment throughout."""
    workspace = call.model.workspace

    def setting(name: str) -> Any:
        found = call.model.settings.get(name)
        return found.default if found is not None else None

    return Context(
        now=call.now,
        zone=workspace.zone,
        me=call.actor.user,
        week_from=workspace.week_from,
        fiscal_year_from=workspace.fiscal_year_from,
        settings=setting,
    )
