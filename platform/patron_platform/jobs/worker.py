"""Worker: works off what saves and publications left behind, workspace by workspace, until it is told to stop.

In: an open service. Out: tasks done. It takes each workspace in turn, a few seconds each, so nobody's import holds up another; a
task whose worker was killed is taken over when its lease ends. A workspace that fails is logged and tried again in the next round.
"""

from __future__ import annotations

import logging
import signal
from threading import Event, Thread

from patron_platform.database.workspaces import list_workspaces
from patron_platform.jobs.flow import work_flows
from patron_platform.jobs.following import tell_followers
from patron_platform.jobs.outbox import send_until
from patron_platform.jobs.reports import work_reports
from patron_platform.jobs.tasks import begin_day, work_off
from patron_platform.service import Service

ROUND_SECONDS = 2.0
TURN_SECONDS = (
    5.0  # of one workspace's imports and upkeep, before what happens by itself, and the next workspace
)
JOIN_SECONDS = 15.0  # what is being sent may end

log = logging.getLogger("patron.worker")


def work_forever(service: Service) -> None:
    """Until SIGTERM or SIGINT."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work_until(service, stop)


def work_until(service: Service, stop: Event) -> None:
    """Rounds over the workspaces, with a pause in which nothing was to do."""
    sender = Thread(target=send_until, args=(service, stop), name="patron-sender", daemon=True)
    sender.start()
    begun: dict[str, str] = {}
    while not stop.is_set():
        if not work_round(service, stop, begun):
            stop.wait(ROUND_SECONDS)
    sender.join(JOIN_SECONDS)


def work_round(service: Service, stop: Event, begun: dict[str, str]) -> int:
    """One round; the number of tasks that ended. `begun` remembers in which hour each workspace's day was looked at."""
    try:
        with service.databases.system("read") as conn:
            names = [w.name for w in list_workspaces(conn) if w.state == "ready"]
    except Exception:
        log.exception("worker_waits")
        return 0
    done = 0
    for name in names:
        if stop.is_set():
            break
        try:
            place = service.runtime.workspace(name)
            if begun.get(name) != (day := service.runtime.clock().strftime("%Y-%m-%d %H")):
                begin_day(place)
                tell_followers(service, place)
                begun[name] = day
            done += work_off(place, TURN_SECONDS)
        except Exception:
            log.exception("workspace_failed", extra={"workspace": name})
            continue
        try:  # what happens by itself must not hold up imports and indexes, nor they it
            done += work_flows(place)
        except Exception:
            log.exception("flow_failed", extra={"workspace": name})
        try:
            done += work_reports(service, place)
        except Exception:
            log.exception("reports_failed", extra={"workspace": name})
    return done
