"""Standing: what a user of a workspace is (ways/standing), remembered for the requests that follow one another.

In: a workspace, the id of a user record. Out: a `Standing`, as of the last save in this process, and of others at most a
second old.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import Any

import psycopg

from patron_engine.access import people
from patron_engine.actor import SYSTEM, Actor
from patron_engine.query.call import Call
from patron_engine.runtime import Workspace
from patron_engine.ways.standing import Standing, Who, standing_in
from patron_platform.database.pools import Databases

KNOWN_SECONDS = 1.0
KNOWN_USERS = 10_000
_known: OrderedDict[tuple[int, str, str], tuple[float, int, Standing]] = OrderedDict()
_lock = Lock()


def standing_of(workspace: Workspace, user: str) -> Standing:
    """What this user is now."""
    key, now = (id(workspace.runtime), workspace.name, user), time.monotonic()
    with _lock:
        found = _known.get(key)
    saves = people.changes(workspace.schema)
    if found is not None and found[0] > now and found[1] == saves:
        return found[2]
    standing = workspace.reading(SYSTEM, lambda conn, call: standing_in(conn, call, user))
    with _lock:
        _known[key] = (now + KNOWN_SECONDS, saves, standing)
        _known.move_to_end(key)
        while len(_known) > KNOWN_USERS:
            _known.popitem(last=False)
    return standing


def who_of(databases: Databases, workspace: str) -> Who:
    """Who somebody is for whom something goes on: None also for one who belongs to the workspace no more."""

    def who(conn: psycopg.Connection[Any], call: Call, user: str) -> Actor | None:
        standing = standing_in(conn, call, user)
        with databases.system("read") as system:
            row = system.execute(
                "SELECT m.administrator AND a.state = 'active', a.name FROM patron.membership m"
                " JOIN patron.account a ON a.id = m.account WHERE m.workspace = %s AND m.user_record = %s",
                (workspace, user),
            ).fetchone()
        if not standing.on or row is None:
            return None
        return Actor(
            user=user, name=row[1] or "", administrator=bool(row[0]), roles=standing.roles, kind=standing.kind
        )

    return who
