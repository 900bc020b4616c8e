"""People: a number for each workspace that rises when a user's record was saved in this process.

In: the schema of a workspace. Out: the number; whoever keeps what a user may do keeps it with the number and looks again when
it is another. Other processes are not heard: what is kept is kept for a second at most.
"""

from __future__ import annotations

from collections import Counter

_changes: Counter[str] = Counter()


def changed(schema: str) -> None:
    """A user was saved, and the save was committed."""
    _changes[schema] += 1


def changes(schema: str) -> int:
    """How often that happened."""
    return _changes[schema]
