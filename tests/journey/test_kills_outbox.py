"""kill -9 of the sender at random moments: nothing is lost, nothing is stuck longer than a sending may take.

PATRON_TEST_SEED=7 repeats the moments of a run
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

from patron_engine.clock import new_id, system_clock
from patron_engine.record import connections, outbox
from patron_engine.record.connections import Connection
from patron_engine.record.outbox import STALLED, Parcel
from patron_platform.database.workspaces import create_workspace
from patron_platform.jobs.outbox import work_outbox
from patron_platform.service import open_service
from patron_platform.settings import Settings
from patron_testing.peer import peer
from patron_testing.pg import Server

SEED = int(os.environ.get("PATRON_TEST_SEED", random.randrange(10**6)))
KILLS, PARCELS = 6, 60
VICTIM = """
import sys
from patron_platform.jobs.outbox import work_outbox
from patron_platform.service import open_service
from patron_platform.settings import Settings
with open_service(Settings(database=sys.argv[1], jobs=False, outbound_allow="127.0.0.1")) as service:
    place = service.runtime.workspace("sends")
    print("ready", flush=True)
    while True:
        work_outbox(service, place)
"""


def test_what_is_to_leave_leaves_whoever_is_killed(server: Server) -> None:
    dice = random.Random(SEED)
    url = server.make()
    settings = Settings(database=url, jobs=False, outbound_allow="127.0.0.1")
    try:
        with peer() as other, open_service(settings) as service:
            other.say(200, {"code": 0})
            with service.databases.system("publish") as conn:
                create_workspace(conn, service.databases, "sends")
            place = service.runtime.workspace("sends")
            ids = [new_id() for _ in range(PARCELS)]
            robot = Connection(name="r", kind="feishu", label="R", secret={"url": other.url})
            with place.connection("write") as conn:
                connections.keep(conn, place.schema, place.vault, robot, system_clock())
                parcels = [
                    Parcel(id=id, kind="chat", via="r", payload={"text": f"n{n}", "body": None})
                    for n, id in enumerate(ids)
                ]
                outbox.put(conn, place.schema, parcels, system_clock())
            for _ in range(KILLS):
                victim = subprocess.Popen(
                    [sys.executable, "-c", VICTIM, url], stdout=subprocess.PIPE, text=True
                )
                assert victim.stdout is not None and victim.stdout.readline() == "ready\n"
                time.sleep(dice.uniform(0.0, 0.15))
                victim.send_signal(signal.SIGKILL)
                victim.wait()
                victim.stdout.close()
            began = system_clock()
            work_outbox(service, place)
            with place.connection("read") as conn:
                stuck = outbox.listed(conn, place.schema, most=1_000)
            assert {p.state for p in stuck} <= {"sending"}, SEED  # held by the dead, by nobody else
            place.runtime.clock = lambda: system_clock() + STALLED
            while work_outbox(service, place):
                pass
            with place.connection("read") as conn:
                left = outbox.listed(conn, place.schema, state="all", most=1_000)
            assert Counter(p.state for p in left) == {"sent": PARCELS}, SEED
            told = Counter(
                other.next().json["content"]["post"]["zh_cn"]["title"] for _ in range(other.count())
            )
            assert set(told) == {f"n{n}" for n in range(PARCELS)}, SEED
            assert sum(told.values()) <= PARCELS + KILLS * 10 and system_clock() > began
    finally:
        server.drop(url)
