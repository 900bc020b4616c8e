"""Processes whose automations write records here and call somebody outside, until they are killed: `python -m patron_testing.leaving`.

    {"url": …, "peer": "http://127.0.0.1:…", "seed": 7, "out": "/tmp/told"}   ->   the process's id

Each is a fork of one process that has everything imported, and does what a worker does beside people who save: makes jobs, carries
their runs on, sends what leaves. It writes a line into `out` when it begins and for every save that was acknowledged.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from dataclasses import replace
from typing import Any

from patron_engine.errors import Conflict, Unavailable
from patron_engine.meta.layers import Layer, workspace_layer
from patron_engine.record.change import Change
from patron_engine.runtime import Workspace
from patron_platform.jobs.flow import work_flows
from patron_platform.jobs.outbox import work_outbox
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR
from patron_testing.build import documents_of

WORKSPACE = "jobs"
ALLOWED = "127.0.0.1"
_DOCUMENTS = """
kind: object
name: job
label: {en: Job}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: marks, type: integer, default: 0, label: {en: Marks}}
  - {name: answered, type: integer, default: 0, label: {en: Answered}}
---
kind: object
name: part
label: {en: Part}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: job, type: lookup, to: job, reverse: {name: parts, label: {en: Parts}}, label: {en: Job}}
---
kind: automation
name: works
object: job
on: {event: created}
steps:
  - {name: part, do: create, object: part, set: {job: "=id", name: "=name"}}
  - {name: mark, do: update, set: {marks: "=marks + 1"}}
  - {name: ask, do: call, url: "@peer@", body: {job: "=id", part: "=steps.part.id"}}
  - {name: keep, do: update, when: "steps.ask.status == 200", set: {answered: "=answered + 1"}}
"""


def layer(peer: str) -> Layer:
    """The definitions; `peer` is who is called."""
    return replace(workspace_layer(documents_of(_DOCUMENTS.replace("@peer@", peer))), prefix="")


def settings(url: str) -> Settings:
    return Settings(database=url, jobs=False, pool=2, outbound_allow=ALLOWED)


def work_until_killed(service: Service, place: Workspace, dice: random.Random, told: Any) -> None:
    while True:
        names = [f"{os.getpid()}-{time.time_ns()}-{n}" for n in range(dice.randrange(1, 6))]
        try:
            made = place.save(
                OPERATOR, [Change(action="create", object="job", set={"name": n}) for n in names]
            )
            told(made=[o.id for o in made])
            work_flows(place)
            work_outbox(service, place)
        except (Conflict, Unavailable):
            continue


def _live(given: dict[str, Any]) -> None:
    """The life of one process."""
    file = os.open(given["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def told(**what: Any) -> None:
        os.write(file, json.dumps(what).encode() + b"\n")

    try:
        with open_service(settings(given["url"])) as service:
            place = service.runtime.workspace(WORKSPACE)
            with place.connection("read") as conn:
                place.pin(conn)
            told(began=os.getpid())
            work_until_killed(service, place, random.Random(given["seed"]), told)
    except BaseException:  # noqa: BLE001 - whatever it is, the test hears of it
        told(failed=traceback.format_exc()[-4_000:])


def main() -> None:
    """Forks a process for each line, and ends with its input; nobody is waited for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _live(json.loads(line))
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
