"""Flow as a process runs it: what saves told, worked off, workspace by workspace.

In: a workspace. Out: its automations further on. Each transaction takes at most a hundred events or runs, and a workspace at most a few
seconds before the next has its turn, so that nobody's import holds up another.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import psycopg

from patron_engine.actor import SYSTEM, Actor
from patron_engine.flow import store
from patron_engine.flow.program import Flow, flow_at, flow_of
from patron_engine.query.call import Call
from patron_engine.release.active import load_model
from patron_engine.runtime import Workspace
from patron_engine.ways import flow, timers
from patron_platform.identity.standing import standing_of
from patron_platform.service import Service

TURN_SECONDS = 2.0

log = logging.getLogger("patron.worker")


def work_flows(service: Service, place: Workspace) -> int:
    """Takes what is due, for one turn; how many events and steps that were."""
    who, older = _who(service, place), _older(place)
    end, done = time.monotonic() + TURN_SECONDS, 0
    while time.monotonic() < end:
        with place.connection("job") as conn:
            if not store.anything(conn, place.schema, place.runtime.clock()):
                break
        took = place.writing(SYSTEM, timers.tick) + place.writing(SYSTEM, flow.begin)
        try:
            took += place.writing(SYSTEM, lambda conn, call: flow.go_on(conn, call, who, older))
        except Exception:
            log.exception("flow_failed", extra={"workspace": place.name})
            took += place.writing(SYSTEM, lambda conn, call: flow.go_on_alone(conn, call, who, older))
        if not took:
            break
        done += took
    return done


def _older(place: Workspace) -> flow.Older:
    def older(release: int, name: str) -> Flow | None:
        with place.connection("read") as conn:
            make = flow_at if ":" in name else flow_of  # an automation, or steps of an approval
            return make(load_model(conn, place.schema, release, place.vault), name)

    return older


def _who(service: Service, place: Workspace) -> flow.Who:
    def who(conn: psycopg.Connection[Any], call: Call, user: str) -> Actor | None:
        """The user as he stands now; None when he was switched off or belongs to the workspace no more."""
        standing = standing_of(place, user)
        with service.databases.system("read") as system:
            row = system.execute(
                "SELECT m.administrator, a.name FROM patron.membership m JOIN patron.account a ON a.id = m.account"
                " WHERE m.workspace = %s AND m.user_record = %s",
                (place.name, user),
            ).fetchone()
        if not standing.on or row is None:
            return None
        return Actor(
            user=user, name=row[1] or "", administrator=bool(row[0]), roles=standing.roles, kind=standing.kind
        )

    return who
