"""`patron automation`: what there is, what one would do, and over which records it is let loose; packs that were upgraded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from patron_engine.meta.layers import Layer
from patron_engine.record.change import Change
from patron_platform.cli import app
from patron_platform.database.workspaces import create_workspace
from patron_platform.jobs.flow import work_flows
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR
from patron_testing.build import documents_of
from patron_testing.pg import Server

DOCUMENTS = """
kind: object
name: boat
label: Boat
title: name
fields:
  - {name: name, type: text}
  - {name: seats, type: integer}
  - {name: note, type: text}
---
kind: automation
name: big
object: boat
on: {event: created}
when: "seats > 10"
steps: [{name: mark, do: update, set: {note: "=CONCAT('big ', name)"}}]
---
kind: automation
name: arrived
on: {event: upgraded, pack: fleet, from: "<1.1"}
steps: [{name: log, do: create, object: boat, set: {name: "=CONCAT(event.from, ' to ', event.to)"}}]
"""


def layer(version: str) -> Layer:
    return Layer(name="fleet", version=version, documents=tuple(documents_of(DOCUMENTS)))


@pytest.fixture(scope="module")
def fleet(server: Server) -> Iterator[Service]:
    url = server.make()
    with open_service(Settings(database=url, jobs=False)) as service:
        with service.databases.system("publish") as conn:
            create_workspace(conn, service.databases, "fleet")
        place = service.runtime.workspace("fleet")
        place.publish(OPERATOR, place.plan(lambda _, layers: (layer("1.0.0"),)))
        yield service
    server.drop(url)


def boats(service: Service) -> dict[str, Any]:
    with service.databases.connection("fleet", "read") as conn:
        return dict(conn.execute("SELECT name, note FROM w_fleet.boat WHERE deleted_at IS NULL").fetchall())


def patron(service: Service, *words: str) -> Any:
    """What a command says, as JSON."""
    said = CliRunner().invoke(
        app,
        [
            "automation",
            *words,
            "--workspace",
            "fleet",
            "--database",
            str(service.settings.database),
            "--json",
        ],
    )
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def test_the_command_lists_tries_and_replays(fleet: Service) -> None:
    place = fleet.runtime.workspace("fleet")
    made = [
        Change(action="create", object="boat", set={"name": name, "seats": seats})
        for name, seats in (("Ark", 40), ("Kayak", 1))
    ]
    ark, kayak = (str(o.id) for o in place.save(OPERATOR, made))
    with fleet.databases.connection("fleet", "write") as conn:
        conn.execute("DELETE FROM w_fleet.sys__event")  # as if they had been there before the automation
    listed = {a["name"]: a["runs"] for a in patron(fleet, "list")["automations"]}
    assert listed == {"arrived": True, "big": True}
    tried = {t["record"]: t for t in patron(fleet, "try", "big", ark, kayak)["tried"]}
    assert (tried[ark]["began"], tried[kayak]["began"]) == (True, False)
    assert tried[ark]["runs"][0]["steps"][0]["changes"][0]["set"] == {"note": "big Ark"}
    assert boats(fleet)["Ark"] is None, "nothing of it stays"
    patron(fleet, "replay", "big", "--where", "seats > 0", "--yes")
    while work_flows(place):
        pass
    assert (boats(fleet)["Ark"], boats(fleet)["Kayak"]) == ("big Ark", None)


def test_a_pack_that_was_upgraded_begins_what_listens_once(fleet: Service) -> None:
    place = fleet.runtime.workspace("fleet")
    for version in ("1.0.1", "1.1.0", "1.2.0"):
        place.publish(OPERATOR, place.plan(lambda _, layers, v=version: (layer(v),)))  # type: ignore[misc]
        while work_flows(place):
            pass
    came = sorted(name for name in boats(fleet) if " to " in name)
    assert came == ["1.0.0 to 1.0.1", "1.0.1 to 1.1.0"], "from 1.1 on it does not fit"
