"""Intended: a change that waits, as the change it is, and the record as it would be with it. Part of the way approve.

In: an instance with its intent. Out: the change; within a block the record with it, undone at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from patron_engine.actor import SYSTEM, Cause
from patron_engine.approval.value import Instance
from patron_engine.errors import PatronError
from patron_engine.query.call import Call
from patron_engine.record.change import Action, Change, Source
from patron_engine.record.statements import Conn
from patron_engine.ways.save import save


@contextmanager
def as_intended(conn: Conn, call: Call, instance: Instance) -> Iterator[None]:
    """Meanwhile the record is as it would be with the change that waits; what does not pass as it is now leaves it as it is."""
    intent = instance.intent
    if intent is None or intent["action"] not in ("update", "upsert", "transfer"):
        yield
        return
    detail = {"approval": instance.approval, "instance": instance.id, "of": instance.record}
    quiet = replace(call, actor=SYSTEM, cause=Cause(kind="approval", detail=detail), committed=[])
    with conn.transaction(force_rollback=True):
        with suppress(PatronError), conn.transaction():
            save(conn, quiet, [change_kept(intent)])
        yield


def change_kept(intent: Mapping[str, Any]) -> Change:
    """The change that an intent keeps; an upsert has found its record by now."""
    action: Action = "update" if intent["action"] == "upsert" else intent["action"]
    source: Source = "wire" if intent["source"] == "typed" else intent["source"]
    return Change(
        action=action, object=intent["object"], id=intent["id"], set=intent["set"], source=source,
        confirm=frozenset(intent["confirm"]), external_ids=intent["external_ids"], attach=tuple(intent["attach"]),
        detach=tuple(intent["detach"]),
    )  # fmt: skip
