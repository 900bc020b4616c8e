"""Apart: what a save may know before its turn, while an earlier one is still writing.

In: a reading connection, the object whose records will be made. Out: an environment that reads what no save of that object can
change, and says `NotYet` to everything else. Locks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patron_engine.record.batch import Batch
from patron_engine.record.environment import Environment
from patron_engine.record.feeds import Feeds, feeds_of
from patron_engine.record.pending import NotYet, Pending
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn


class Apart(Environment):
    """The environment of a batch whose own connection is not there yet. `locked` ends its reading: from then on values count as
    they are under the locks of the save."""

    def __init__(self, conn: Conn, batch: Batch, object: str) -> None:
        super().__init__(Pending(conn), batch.call, batch.environment.context, batch.environment.lookups)
        self._moving = moved_with(batch.programs, object)
        self.locked = False

    def fetch(self, object: str, ids: Iterable[str], paths: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        if self.locked or not all(self._stays(object, path) for path in paths):
            raise NotYet(object)
        return super().fetch(object, ids, paths)

    def _stays(self, object: str, path: str) -> bool:
        """A column of its own: of what moves along, only what people write."""
        field = self.programs[object].fields.get(path)
        if field is None or not field.columns:
            return False
        return object not in self._moving or not (field.computed or field.system)


def moved_with(programs: Programs, object: str) -> frozenset[str]:
    """The objects of whose records a save of `object` may change what is computed: its own, those above it, those that follow
    these."""
    found: frozenset[str] = programs.keep(
        ("apart", object), lambda: _moved_with(programs, feeds_of(programs), object)
    )
    return found


def _moved_with(programs: Programs, feeds: Feeds, object: str) -> frozenset[str]:
    found: set[str] = set()
    rest = {object}
    while rest:
        name = rest.pop()
        found.add(name)
        master = programs.model.objects[name].master
        rest |= {f.parent for f in feeds.figures.get(name, ())}
        rest |= {f.parent for f, _ in feeds.between.get(name, ())}
        rest |= {f.object for f in feeds.followers.get(name, ())}
        rest |= set(programs[name].fields[master].link.to) if master is not None else set()
        rest -= found
    return frozenset(found)
