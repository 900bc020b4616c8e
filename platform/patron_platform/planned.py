"""Planned: what a publication would do, worked out once and kept while what it was worked out of stays as it is.

In: a workspace, the release in force, a draft or the number of an older release. Out: a `Planned`. A plan compiles everything and
asks who gains or loses what, which takes seconds; pages are opened again and again. What was kept is published like any other plan:
the tables are compared once more under the workspace's lock, so an old plan is refused and never carried out.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from patron_engine.errors import Conflict, Refused
from patron_engine.jsonio import checksum
from patron_engine.problems import Problem
from patron_engine.release.drafts import Draft
from patron_engine.runtime import Workspace
from patron_engine.ways.publish import Publication

KEPT_SECONDS: Final = 300.0  # as long figures of records (who gains how many) may be old
KEPT_PLANS: Final = 4  # of a process: each holds a compiled release


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, or why there is none."""

    made: Publication | None = None
    problems: tuple[Problem, ...] = ()
    error: str = ""


NOTHING: Final = Planned()
_kept: OrderedDict[Hashable, tuple[float, Planned]] = OrderedDict()
_lock = threading.Lock()


def planned_draft(place: Workspace, release: int, draft: Draft | None) -> Planned:
    """What publishing the draft would do. It asks for a connection: none may be held meanwhile."""
    if draft is None or not draft.documents:
        return NOTHING
    documents = [[kind, name, body] for (kind, name), body in sorted(draft.documents.items())]
    state = checksum({"base": draft.base, "note": draft.note, "documents": documents})
    return _known((place, release, draft.id, state), lambda: place.plan_draft(draft))


def planned_back(place: Workspace, release: int, number: int) -> Planned:
    """What going back to an older release would do. NotFound without it."""
    return _known((place, release, number), lambda: place.plan_rollback(number))


def forget_plans(place: Workspace) -> None:
    """The next page asks anew: a plan was carried out, or is no longer what would be done."""
    with _lock:
        for key in [k for k in _kept if isinstance(k, tuple) and k[0] is place]:
            del _kept[key]


def _known(key: Hashable, plan: Callable[[], Publication]) -> Planned:
    now = time.monotonic()
    with _lock:
        found = _kept.get(key)
        if found is not None and found[0] > now:
            _kept.move_to_end(key)
            return found[1]
    made = _made(plan)
    with _lock:
        _kept[key] = (time.monotonic() + KEPT_SECONDS, made)
        _kept.move_to_end(key)
        while len(_kept) > KEPT_PLANS:
            _kept.popitem(last=False)
    return made


def _made(plan: Callable[[], Publication]) -> Planned:
    try:
        made = plan()
    except Refused as refused:
        return Planned(problems=refused.problems)
    except Conflict as conflict:
        return Planned(error=conflict.detail)
    return Planned(made=made, problems=made.problems)
