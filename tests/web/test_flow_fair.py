"""One workspace's long queue of automations holds up no other workspace, nor one of its parts that fails the others."""

from __future__ import annotations

from threading import Event

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_engine.record.change import Change
from patron_platform.jobs import flow
from patron_platform.jobs.worker import work_round
from patron_testing.web import OTHER, WORKSPACE, Opened

RULE = """
kind: automation
name: c_marks
label: {en: Marks}
object: yd_job
on: {event: created}
steps: [{name: up, do: update, set: {crew: 5}}]
"""


def test_the_other_workspace_has_its_turn(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    documents, _ = read_documents(RULE, "c.yaml")
    places = [opened.service.runtime.workspace(name) for name in (WORKSPACE, OTHER)]
    for place in places:
        place.publish(SYSTEM, place.plan_own(documents))
    busy, quiet = places
    busy.save(SYSTEM, [Change(action="create", object="yd_job", set={"name": str(n)}) for n in range(900)])
    (made,) = quiet.save(SYSTEM, [Change(action="create", object="yd_job", set={"name": "alone"})])
    monkeypatch.setattr(flow, "TURN_SECONDS", 0.3)
    work_round(opened.service, Event(), {})
    with quiet.connection("read") as conn:
        row = conn.execute(f"SELECT crew FROM {quiet.schema}.yd_job WHERE id = %s", (made.id,)).fetchone()  # type: ignore[arg-type]
    with busy.connection("read") as conn:
        left = conn.execute(f"SELECT count(*) FROM {busy.schema}.yd_job WHERE crew IS NULL").fetchone()  # type: ignore[arg-type]
    assert row == (5,)
    assert left is not None and left[0] > 0, (
        "the busy workspace was worked off whole before the other had its turn"
    )


def test_what_cannot_be_carried_out_holds_up_nothing_else(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = opened.service.runtime.workspace(OTHER)
    (made,) = place.save(SYSTEM, [Change(action="create", object="yd_job", set={"name": "behind"})])

    def broken(conn: object, call: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(flow, "ACTS", (("events", broken), *flow.ACTS))
    flow.work_flows(place)
    with place.connection("read") as conn:
        row = conn.execute(f"SELECT crew FROM {place.schema}.yd_job WHERE id = %s", (made.id,)).fetchone()  # type: ignore[arg-type]
    assert row == (5,)
