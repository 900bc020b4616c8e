"""Standing: what a user of a workspace is by his own record: on or off, of which kind, with which roles.

In: a workspace, the id of a user record. Out: a `Standing`, as of the last save in this process, and of others at most a
second old. A workspace whose users have no such fields has them all on, inside, without roles.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from patron_engine.access import people
from patron_engine.actor import SYSTEM, Kind
from patron_engine.query.spec import Ask
from patron_engine.runtime import Workspace

KNOWN_SECONDS = 1.0
KNOWN_USERS = 10_000
FIELDS = ("active", "kind", "roles")
KINDS: Mapping[str, Kind] = {"internal": "internal", "portal": "portal", "service": "service"}


@dataclass(frozen=True, slots=True)
class Standing:
    """`on` is false for one that was switched off or deleted."""

    on: bool
    kind: Kind = "internal"
    roles: frozenset[str] = frozenset()


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
    standing = _look_up(workspace, user)
    with _lock:
        _known[key] = (now + KNOWN_SECONDS, saves, standing)
        _known.move_to_end(key)
        while len(_known) > KNOWN_USERS:
            _known.popitem(last=False)
    return standing


def _look_up(workspace: Workspace, user: str) -> Standing:
    with workspace.connection("read") as conn:
        object = workspace.call(conn, SYSTEM).model.object("user")
    if object is None:
        return Standing(on=True)
    names = ("id", *(name for name in FIELDS if object.field(name) is not None))
    rows = workspace.read(SYSTEM, Ask(object="user", ids=(user,), fields=names)).rows()
    if not rows:
        return Standing(on=False)
    row = rows[0]
    return Standing(
        on=row.get("active") is not False,
        kind=KINDS.get(row.get("kind") or "", "internal"),
        roles=frozenset(row.get("roles") or ()),
    )
