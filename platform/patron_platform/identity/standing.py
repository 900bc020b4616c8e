"""Standing: whether a user of a workspace is still on: his record says so, for sessions and keys alike.

In: a workspace, the id of a user record. Out: True or False, at most a second old. A workspace whose users have no such
field has them all on.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock

from patron_engine.actor import SYSTEM
from patron_engine.query.spec import Ask
from patron_engine.runtime import Workspace

KNOWN_SECONDS = 1.0
KNOWN_USERS = 10_000
FIELD = "active"

_known: OrderedDict[tuple[int, str, str], tuple[float, bool]] = OrderedDict()
_lock = Lock()


def is_on(workspace: Workspace, user: str) -> bool:
    """Whether this user may work. False for one that was deleted."""
    key, now = (id(workspace.runtime), workspace.name, user), time.monotonic()
    with _lock:
        found = _known.get(key)
    if found is not None and found[0] > now:
        return found[1]
    on = _look_up(workspace, user)
    with _lock:
        _known[key] = (now + KNOWN_SECONDS, on)
        _known.move_to_end(key)
        while len(_known) > KNOWN_USERS:
            _known.popitem(last=False)
    return on


def _look_up(workspace: Workspace, user: str) -> bool:
    with workspace.connection("read") as conn:
        object = workspace.call(conn, SYSTEM).model.object("user")
    if object is None:
        return True
    field = object.field(FIELD)
    names = ("id",) if field is None else ("id", FIELD)
    rows = workspace.read(SYSTEM, Ask(object="user", ids=(user,), fields=names)).rows()
    return bool(rows) and (field is None or rows[0].get(FIELD) is not False)
