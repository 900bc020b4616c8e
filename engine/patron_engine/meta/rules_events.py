"""Rules of events: what starts an automation, whom it needs, when its clock can come.

In: a Document of a kind with events or times. Out: Problems added to the collector.
"""

from __future__ import annotations

from collections.abc import Mapping

from patron_engine.meta.cron import cron_fault
from patron_engine.meta.document import Document, walk
from patron_engine.meta.reference.events import OFFERS
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems


def automation_object(document: Document, found: Problems) -> None:
    events = document.body.get("on")
    happens = OFFERS.keys() - {"schedule", "webhook", "email", "upgraded"}
    for event in [events] if isinstance(events, Mapping) else events if isinstance(events, list) else ():
        name = event.get("event") if isinstance(event, Mapping) else None
        if "object" not in document.body and isinstance(name, str) and name in happens:
            message = Phrase("`{name}` happens to records: say of which object", name=name)
            found.add("missing_key", message, hint="write object: …", **document.where(("on",)))


def automation_causer(document: Document, found: Problems) -> None:
    """What comes by the clock is caused by nobody whose rights it could have."""
    if document.body.get("run_as") != "causer":
        return
    events = document.body.get("on")
    for event in [events] if isinstance(events, Mapping) else events if isinstance(events, list) else ():
        if isinstance(event, Mapping) and event.get("event") in ("schedule", "date"):
            message = Phrase(
                "nobody causes `{name}`: it cannot run with the causer's rights", name=event["event"]
            )
            found.add("no_causer", message, hint="write run_as: system", **document.where(("run_as",)))


def cron_lines(document: Document, found: Problems) -> None:
    for path, value in walk(document.body):
        if path and path[-1] == "cron" and isinstance(value, str) and not value.startswith("="):
            fault = cron_fault(value)
            if fault:
                found.add(
                    "bad_form", Phrase("the cron line {value!r}: {fault}", value=value, fault=fault), **document.where(path),
                )  # fmt: skip
