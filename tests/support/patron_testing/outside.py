"""The web application with an outside: a mail server and other systems on loopback that it may speak to.

out = Out(opened, mail)     # opened: patron_testing.web; mail: patron_testing.smtp
out.work()                  # automations and the outbox, until nothing is due
out.later(minutes=2)        # the clock goes on
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from patron_engine.actor import SYSTEM
from patron_engine.clock import system_clock
from patron_engine.meta.reader import read_documents
from patron_engine.record import outbox
from patron_platform.jobs.flow import work_flows
from patron_platform.jobs.outbox import work_outbox
from patron_platform.service import Service
from patron_testing.smtp import MailServer
from patron_testing.web import WORKSPACE, Opened

BASE = "http://crm.example"


class Out:
    def __init__(self, opened: Opened, mail: MailServer | None = None) -> None:
        changed: dict[str, Any] = {"base_url": BASE, "outbound_allow": "127.0.0.1"}
        if mail is not None:
            changed |= {"mail": mail.address, "mail_from": "crm@acme.example"}
        was = opened.service
        self.opened = opened
        self.service = Service(
            was.settings.model_copy(update=changed), was.database, was.databases, was.runtime
        )
        self.place = was.runtime.workspace(WORKSPACE)
        self.ahead = timedelta()
        self.place.runtime.clock = self.clock

    def clock(self) -> datetime:
        return system_clock() + self.ahead

    def later(self, **span: float) -> None:
        self.ahead += timedelta(**span)

    def publish(self, rules: str) -> None:
        documents, problems = read_documents(rules, "o.yaml")
        assert not problems, problems
        self.place.publish(SYSTEM, self.place.plan_own(documents))

    def work(self) -> None:
        for _ in range(50):
            if not work_flows(self.place) + work_outbox(self.service, self.place):
                return
        raise AssertionError("it never ends")

    def parcels(self, state: str = "all", kind: str = "") -> list[outbox.Seen]:
        with self.place.connection("read") as conn:
            return outbox.listed(conn, self.place.schema, state=state, kind=kind)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.place.connection("write") as conn:
            found = conn.execute(query.replace("SCHEMA", self.place.schema))  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    def clear(self) -> None:
        """Nothing waits, nothing was told, nobody chose anything."""
        self.ahead = timedelta()
        with self.place.connection("write") as conn:
            for table in ("outbox", "notice", "telling", "connection", "webhook"):
                conn.execute(f"DELETE FROM {self.place.schema}.sys__{table}")  # type: ignore[arg-type]
