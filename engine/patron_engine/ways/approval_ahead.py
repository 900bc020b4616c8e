"""Before submitting: what would become of it: which approval, its route with names, whom one is to choose. Part of the way approve.

In: a record, who looks. Out: a `Submitting`. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_engine.approval import store
from patron_engine.approval.may import closed_to
from patron_engine.approval.value import OPEN, Instance
from patron_engine.phrases import Phrase
from patron_engine.query.actionable import reached_among
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_choices import to_choose
from patron_engine.ways.approval_drawn import called, drawn, names_of
from patron_engine.ways.approve import candidates, proposed
from patron_engine.ways.approving import frame_of, way_on
from patron_engine.ways.read import read_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitting:
    """`instance`: the record's latest, if there is one. `why` it cannot be submitted now; `choose`: nodes whose people the submitter
    names, with who is offered; `said`: who returned or rejected it last, and with what words."""

    instance: str | None
    why: Phrase | None
    approval: str | None = None
    label: str | None = None
    route: Sequence[Mapping[str, Any]] = ()
    choose: Sequence[Mapping[str, Any]] = ()
    said: Mapping[str, Any] | None = None


def submitting(conn: Conn, call: Call, object: str, id: str, button: str | None = None) -> Submitting:
    """NotFound for a record he may not read."""
    found = known_object(call, object)
    record = str(read_one(conn, call, object, id, fields=("id",)).record()["id"])
    latest = store.of_record(conn, call.schema, found.name, record)
    before = store.load(conn, call.schema, latest) if latest is not None else None
    if before is not None and closed_to(before, call.actor):
        latest = before = None
    if not reached_among(conn, call, found.name, "update", [record]):
        return Submitting(instance=latest, why=Phrase("who may change a record may submit it"))
    if before is not None and before.state in OPEN:
        why = None if before.state == "returned" else Phrase("this record is being approved already")
        return _shown(conn, call, before, latest, why, _said(conn, call, before))
    fitting = candidates(conn, call, found.name, record, button)
    if not fitting:
        return Submitting(instance=latest, why=Phrase("no approval fits this record as it is now"))
    locked = (
        before is not None and before.state == "approved" and fitting[0].body.get("after_lock") == "locked"
    )
    why = Phrase("this is approved already") if locked else None
    said = _said(conn, call, before) if before is not None else None
    return _shown(
        conn, call, proposed(conn, call, fitting[0].approval, found.name, record), latest, why, said
    )


def _said(conn: Conn, call: Call, before: Instance) -> dict[str, Any] | None:
    """What was wrong with it the last time."""
    if before.state not in ("returned", "rejected"):
        return None
    lines = [w for w in store.logged(conn, call.schema, before.id) if w["kind"] == before.state and w["node"]]
    if not lines:
        return None
    line = lines[-1]
    names = names_of(conn, call, [line["by"] or ""])
    return {
        "kind": before.state,
        "by": names.get(line["by"] or ""),
        "at": line["at"],
        "comment": line["comment"],
    }


def _shown(
    conn: Conn,
    call: Call,
    instance: Instance,
    latest: str | None,
    why: Phrase | None,
    said: Mapping[str, Any] | None,
) -> Submitting:
    frame = frame_of(conn, call, instance)
    stops = way_on(frame)
    fresh = instance.id != latest
    return Submitting(
        instance=latest, why=why, approval=instance.approval, label=called(call, frame.program.body.get("label"), frame.program.name),
        route=drawn(conn, call, stops), choose=to_choose(conn, call, frame.program, instance, "submitter") if fresh else (),
        said=said,
    )  # fmt: skip
