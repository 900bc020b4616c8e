"""Processes that work until they are killed: `python -m patron_testing.victims`, asked on standard input for one after another.

    {"url": …, "work": "publishing" | "saving" | "importing" | "flowing", "seed": 7, "out": "/tmp/told"}   ->   the process's id

Each is a fork of one process that has everything imported, opens the database as any process of Patron does, and works
through the runtime and the worker's own functions. It writes a line into `out` when it begins and after every
acknowledgement, as a caller over the network would have heard it; what is not told there may or may not have happened.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patron_engine.actor import SYSTEM
from patron_engine.errors import Conflict, PatronError, Unavailable
from patron_engine.record.change import Change, Outcome
from patron_engine.runtime import Workspace
from patron_engine.transfer import imports, staged, undo
from patron_engine.ways import backfill, flow
from patron_platform.jobs.imports import queue
from patron_platform.jobs.tasks import work_off
from patron_platform.service import open_service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR
from patron_testing import shop

WORKSPACE = "shop"
ROWS = 170  # of a file
PIECE = 40  # rows of a piece and records of a back-fill's transaction, so that there are several
Told = Callable[..., None]


def file_of(number: int) -> list[dict[str, str]]:
    """The rows of the import `file-N`: sales of customers that may have to be made."""
    return [
        {
            "key": f"{number}-{row}",
            "name": f"import {number}-{row}",
            "customer": f"Client {(number * 7 + row) % 30}",
            "score": "" if row % 5 else str(row),
        }
        for row in range(ROWS)
    ]


# -- works -------------------------------------------------------------------------------------------------------


def publishing(place: Workspace, dice: random.Random, told: Told) -> None:
    """Publishes the next form of the shop, works off what that queued, and so on."""
    while True:
        publication = place.plan(lambda conn, layers: (shop.layer(_next(place, conn) % shop.FORMS),))
        try:
            release = place.publish(OPERATOR, publication)
        except Conflict:
            continue  # another publisher was first, or rows moved: plan again
        told(release=release.number)
        work_off(place)
        told(worked=release.number)


def _next(place: Workspace, conn: Any) -> int:
    from patron_engine.release.releases import current_release

    return current_release(conn, place.schema) + 1


def saving(place: Workspace, dice: random.Random, told: Told) -> None:
    """Saves of all kinds, as people make them; each is told when it is acknowledged."""
    own: list[str] = []
    customers = [str(r["id"]) for r in _some(place, "customer")]
    while True:
        act = dice.choice(("create", "create", "pay", "change", "lines", "delete", "restore", "bulk", "move"))
        try:
            _save(place, act, dice, own, customers, told)
        except (Conflict, Unavailable):
            continue
        except PatronError as error:
            if error.code not in ("invalid", "not_found"):
                raise


def _save(
    place: Workspace, act: str, dice: random.Random, own: list[str], customers: list[str], told: Told
) -> None:
    def save(*changes: Change) -> list[Outcome]:
        return place.save(OPERATOR, changes)

    def lines(n: int) -> list[dict[str, str]]:
        return [{"what": f"w{i}", "quantity": str(i + 1), "price": "10"} for i in range(n)]

    def tell(outcome: Outcome, **more: Any) -> None:
        told(saved=outcome.object, id=outcome.id, version=outcome.version, action=outcome.action, **more)

    name = f"s {os.getpid()}-{time.time_ns()}"
    some = dice.choice(own) if own else None
    if act == "create" or some is None:
        many = dice.randrange(1, 5)
        made = save(Change(action="create", object="sale",
                           set={"name": name, "customer": dice.choice(customers), "lines": lines(many)}))[0]  # fmt: skip
        own.append(str(made.id))
        tell(made, name=name, lines=many)
    elif act == "pay":
        tell(save(Change(action="create", object="payment", set={"sale": some, "amount": "7"}))[0], sale=some)
    elif act == "change":
        tell(save(Change(action="update", object="sale", id=some, set={"name": name}))[0], name=name)
    elif act == "lines":
        many = dice.randrange(1, 6)
        tell(save(Change(action="update", object="sale", id=some, set={"lines": lines(many)}))[0], lines=many)
    elif act == "move":
        target = dice.choice(customers)
        tell(
            save(Change(action="update", object="sale", id=some, set={"customer": target}))[0],
            customer=target,
        )
    elif act in ("delete", "restore"):
        tell(save(Change(action=act, object="sale", id=some))[0])  # type: ignore[arg-type]
    elif act == "bulk":
        changes = [
            Change(action="create", object="sale",
                   set={"name": f"{name}-{n}", "customer": dice.choice(customers), "lines": lines(1)})
            for n in range(dice.choice((5, 60)))  # one by one, and by COPY
        ]  # fmt: skip
        made_all = save(*changes)
        told(bulk=[o.id for o in made_all])
        own.extend(str(o.id) for o in made_all[:3])


def _some(place: Workspace, object: str) -> list[Any]:
    from patron_engine.query.spec import Ask

    return place.read(OPERATOR, Ask(object=object, fields=("id",), limit=50)).rows()


def importing(place: Workspace, dice: random.Random, told: Told) -> None:
    """Queues the next file, works imports off, takes every second one back."""
    while True:
        with place.connection("read") as conn:
            found = imports.listed(conn, place.schema)
        newest = found[0] if found else None
        if newest is not None and newest.state in ("waiting", "running"):
            if not work_off(place):
                time.sleep(0.02)
                continue
            told(imported=newest.batch)
        elif newest is not None and newest.name.endswith(("1", "3", "5", "7", "9")) and not newest.undone:
            batch = newest.batch
            done = place.writing(OPERATOR, lambda conn, call, b=batch: undo.undo(conn, call, b))  # type: ignore[misc]
            told(undone=batch, deleted=done.deleted)
        else:
            _queue(place, len(found), told)


def _queue(place: Workspace, number: int, told: Told) -> None:
    path = Path(f"/tmp/patron-victim-{os.getpid()}.csv")
    rows = file_of(number)
    path.write_text("\n".join([",".join(rows[0]), *(",".join(r.values()) for r in rows)]), encoding="utf-8")
    mapping = {
        "match": "external_ids.file",
        "columns": {
            "key": "external_ids.file", "name": "name", "score": "score",
            "customer": {"field": "customer", "by": "title", "missing": "create"},
        },
    }  # fmt: skip
    try:
        told(queued=queue(place, OPERATOR, "sale", path, map=mapping, name=f"file-{number}").batch)
    finally:
        path.unlink(missing_ok=True)


def flowing(place: Workspace, dice: random.Random, told: Told) -> None:
    """Makes sales that an automation pays and marks, and carries its runs on, as a worker does."""
    customers = [str(r["id"]) for r in _some(place, "customer")]
    while True:
        names = [f"flow {os.getpid()}-{time.time_ns()}-{n}" for n in range(dice.randrange(1, 8))]
        lines = [{"what": "w", "price": "10"}]
        changes = [
            Change(
                action="create", object="sale", set={"name": name, "customer": dice.choice(customers), "lines": lines}
            )
            for name in names
        ]  # fmt: skip
        try:
            told(flowed=[str(o.id) for o in place.save(OPERATOR, changes)])
            for _ in range(dice.randrange(1, 6)):
                place.writing(SYSTEM, flow.begin)
                place.writing(SYSTEM, lambda conn, call: flow.go_on(conn, call, lambda *_: None))
        except (Conflict, Unavailable):
            continue


WORKS: dict[str, Callable[[Workspace, random.Random, Told], None]] = {
    "publishing": publishing,
    "saving": saving,
    "importing": importing,
    "flowing": flowing,
}

# -- processes ---------------------------------------------------------------------------------------------------


def work(url: str, name: str, seed: int, out: str) -> None:
    """The life of one process."""
    staged.AT_ONCE = backfill.AT_ONCE = PIECE
    file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def told(**what: Any) -> None:
        os.write(file, json.dumps(what).encode() + b"\n")

    try:
        with open_service(Settings(database=url, jobs=False, pool=2)) as service:
            place = service.runtime.workspace(WORKSPACE)
            with place.connection("read") as conn:
                place.pin(conn)
            told(began=os.getpid())
            WORKS[name](place, random.Random(seed), told)
    except BaseException:  # noqa: BLE001 - whatever it is, the test hears of it
        told(failed=traceback.format_exc()[-4_000:])


def main() -> None:
    """Forks a process for each line, and ends with its input; nobody is waited for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        given = json.loads(line)
        pid = os.fork()
        if not pid:
            work(given["url"], given["work"], given["seed"], given["out"])
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
