"""What happens by night: a stored formula that reads TODAY follows the day, and a figure that drifted is reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from psycopg import sql

from patron_engine.actor import Actor
from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.runtime import Runtime, Workspace
from patron_engine.store.tasks import listed
from patron_engine.transfer import drafts
from patron_engine.transfer.sheet import Sheet
from patron_platform.database.pools import Databases
from patron_platform.database.workspaces import create_workspace
from patron_platform.jobs.tasks import begin_day, work_off
from patron_testing.day import Day

ADMIN = Actor(user=None, name="admin", administrator=True, system=True)
OBJECTS = """
kind: object
name: bill
owner: none
title: name
label: {en: Bill}
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: due, type: date, label: {en: Due}}
  - {name: late, type: formula, stored: true, expression: "due < TODAY()", label: {en: Late}}
---
kind: object
name: part
owner: none
title: name
label: {en: Part}
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: cost, type: money, label: {en: Cost}}
  - {name: double, type: formula, expression: "cost * 2", label: {en: Double}}
"""


@pytest.fixture
def place(databases: Databases, day: Day) -> Workspace:
    with databases.system() as conn:
        create_workspace(conn, databases, "t")
    workspace = Runtime(databases, clock=day, secret=b"s" * 32).workspace("t")
    documents = tuple(read_documents(OBJECTS, "t.yaml")[0])
    workspace.publish(ADMIN, workspace.plan(lambda _, layers: (Layer(name="base", documents=documents),)))
    return workspace


def test_a_formula_over_today_follows_the_day(place: Workspace, day: Day) -> None:
    place.save(ADMIN, [Change(action="create", object="bill", set={"name": "A", "due": "2026-03-01"})])
    begin_day(place)
    work_off(place)
    assert place.read(ADMIN, Ask(object="bill", fields=("late",))).rows() == [{"late": False}]
    day.now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    begin_day(place)
    begin_day(place)
    work_off(place)
    assert place.read(ADMIN, Ask(object="bill", fields=("late", "version"))).rows() == [
        {"late": True, "version": 1}
    ]
    with place.connection("read") as conn:
        nights = [t for t in listed(conn, place.schema, open_only=False) if t.kind == "nightly"]
    assert [t.state for t in nights] == ["done", "done"]


def test_a_figure_changed_by_hand_is_reported_and_left_alone(place: Workspace) -> None:
    place.save(ADMIN, [Change(action="create", object="part", set={"name": "A", "cost": "4"})])
    with place.connection("write") as conn:
        conn.execute(sql.SQL("UPDATE {}.part SET double = 99").format(sql.Identifier(place.schema)))
    begin_day(place)
    work_off(place)
    with place.connection("read") as conn:
        night = next(t for t in listed(conn, place.schema, open_only=False) if t.kind == "nightly")
    assert night.progress["drifted"] == {"part": 1}
    assert place.read(ADMIN, Ask(object="part", fields=("double",))).rows() == [{"double": "99"}]


def test_the_day_of_a_workspace_begins_without_its_model(
    databases: Databases, place: Workspace, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process looks after a thousand workspaces; it knows the zone of each and compiles none."""
    documents = tuple(
        read_documents("kind: workspace\nname: workspace\nzone: Pacific/Kiritimati\n", "t.yaml")[0]
    )
    place.publish(ADMIN, place.plan_own(documents))
    day.now = datetime(2026, 3, 1, 12, tzinfo=UTC)  # the second of March there
    other = Runtime(databases, clock=day, secret=b"s" * 32).workspace("t")
    monkeypatch.setattr(other, "pin", lambda conn: pytest.fail("a model was loaded"))
    begin_day(other)
    with place.connection("read") as conn:
        nights = [t for t in listed(conn, place.schema, open_only=False) if t.kind == "nightly"]
    assert [t.payload["day"] for t in nights] == ["2026-03-02"]


def test_files_that_nobody_imports_go_after_a_week_and_the_oldest_of_too_many(
    place: Workspace, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MOST", 4)
    monkeypatch.setattr(drafts, "SWEPT", 2)
    one = Actor(user=str(uuid4()), name="one", administrator=True)
    sheet = Sheet(headings=("name",), rows=lambda: iter([(2, ["A"])]), form="csv")

    def keep(actor: Actor = one) -> str:
        day.now += timedelta(minutes=1)
        return place.writing(actor, lambda conn, call: drafts.keep(conn, call, "part", sheet, "a.csv"))

    other, sent = keep(Actor(user=str(uuid4()), name="other")), [keep() for _ in range(6)]
    assert [d.id for d in place.reading(one, drafts.listed)] == sent[:1:-1], "another's files count for him"
    begun = sent[-1]
    place.writing(
        one, lambda conn, call: drafts.done(conn, call, drafts.found(conn, call, begun), str(uuid4()))
    )
    day.now += timedelta(days=drafts.DAYS)
    young = keep()

    def kept(table: str, id: str) -> set[str]:
        with place.connection("read") as conn:
            found = conn.execute(
                sql.SQL(f"SELECT {id}::text FROM {{}}.{table}").format(sql.Identifier(place.schema))
            )
            return {row[0] for row in found}

    assert kept("sys__file", "record") == {other, *sent[2:-1], young} and kept("sys__batch", "id") > {begun}
    begin_day(place)
    work_off(place)
    assert kept("sys__file", "record") == {young}
    assert kept("sys__batch", "id") & {other, *sent, young} == {begun, young}, (
        "what was begun says its columns again"
    )
