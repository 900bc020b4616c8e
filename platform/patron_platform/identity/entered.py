"""Entered: the audit of a workspace learns that somebody who belongs to it signed in, and its administrators are told when that
was outside the hours of work.

In: the service, a session, the workspace. Out: entries of the workspace's audit. A workspace that cannot be reached keeps nobody
from signing in: its log of the service says so.
"""

from __future__ import annotations

import logging
from datetime import datetime

import psycopg

from patron_engine.actor import SYSTEM, Actor
from patron_engine.clock import system_clock
from patron_engine.errors import PatronError
from patron_engine.record import audit
from patron_engine.record.storm import alert
from patron_engine.record.watch import outside_hours
from patron_platform.identity.sessions import Session
from patron_platform.service import Service

log = logging.getLogger("patron.audit")


def entered(
    service: Service, session: Session, workspace: str, address: str, at: datetime | None = None
) -> None:
    """Notes it. `address` is where the browser is."""
    member = session.memberships.get(workspace)
    if member is None:
        return
    at = at or system_clock()
    actor = Actor(user=member.user, name=session.email)
    try:
        place = service.runtime.workspace(workspace)
        with place.connection("write") as conn, conn.transaction():
            model = place.call(conn, SYSTEM).model
            about, detail = f"user/{member.user}", {"address": address}
            audit.write(conn, place.schema, actor, at, "sign_in", about, detail)
            if outside_hours(model, at):
                alert(conn, place.schema, actor, at, "sign_in", about, detail)
    except (PatronError, psycopg.Error):
        log.exception("the sign-in could not be noted in workspace %s", workspace)
