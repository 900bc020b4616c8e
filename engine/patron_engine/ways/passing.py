"""Passing: time goes by in a rehearsal: what automations, pools and clocks do meanwhile is done, and buttons are pressed. Part of the way publish.

In: a connection in the rehearsal's transaction, the frame of a call, a length of time. Out: the frame as it is afterwards. Automations
run in a check only where time passes: a check that asks nothing of them is not slowed by them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import psycopg

from patron_engine.actor import Actor
from patron_engine.errors import Conflict
from patron_engine.flow.spans import after, read_span
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.record.context import context_of
from patron_engine.record.pending import Pending
from patron_engine.ways import clocks, flow, noting, pool_clocks, timers
from patron_engine.ways.press import press

ROUNDS: Final = 500  # limit_check_rounds: of events and steps in one wait of a check
Connection = psycopg.Connection[Any]


def moment_of(text: Any, model: Model) -> datetime | None:
    """The moment a check begins at, in the workspace's zone."""
    if text is None:
        return None
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=model.workspace.zone)


def pass_time(conn: Connection, call: Call, span: str) -> Call:
    """Carries out what is due now, lets the time go by, and carries out what is due then."""
    _work(conn, call)
    then = replace(call, now=after(call.now, read_span(span), context_of(Pending(conn), call)[0]))
    _work(conn, then)
    return then


def press_button(conn: Connection, call: Call, object: str, id: str, name: str, given: Any) -> None:
    """As somebody presses it; what is left of its run is done when time passes."""
    press(conn, call, _who, name, Change(action="update", object=object, id=id, set=given))


def _work(conn: Connection, call: Call) -> None:
    for _ in range(ROUNDS):
        acts = (timers.tick, noting.work, pool_clocks.tick, clocks.tick, flow.begin)
        if not sum(act(conn, call) for act in acts) + flow.go_on(conn, call, _who):
            return
    raise Conflict(
        Phrase("automations did not come to an end in {most} rounds", most=ROUNDS), code="limit_check_rounds"
    )


def _who(conn: Connection, call: Call, user: str) -> Actor | None:
    """Until roles are enforced a check's users act as administrators."""
    return Actor(user=user, administrator=True)
