"""Subscribing: what an administrator enters for a webhook, checked against the model: its label, its address, its events.

In: texts, the model, what may be spoken to. Out: Problems, none when it may be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from patron_engine.errors import PatronError
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.record.hooks import EVENTS
from patron_platform.hosts import parts
from patron_platform.outward.addresses import Outside, Unknown
from patron_platform.outward.client import Request, checked

MOST_EVENTS: Final = 50  # limit_webhook_events


def problems_of(model: Model, label: str, url: str, events: Sequence[str], outside: Outside) -> list[Problem]:
    found = []
    if not 0 < len(label) <= 80:
        found.append(
            Problem(code="required", message="a webhook needs a label of at most 80 characters", path="label")
        )
    found += _address(url, outside)
    if not events:
        found.append(
            Problem(
                code="required",
                message="name at least one event",
                path="events",
                hint="order.created, *.deleted",
            )
        )
    if len(events) > MOST_EVENTS:
        said = Phrase("a webhook listens to at most {most} events", most=MOST_EVENTS)
        found.append(Problem(code="limit_webhook_events", message=said, path="events"))
    for event in events[:MOST_EVENTS]:
        object, _, word = event.partition(".")
        known = [*EVENTS.values(), "*"]
        if object != "*" and object not in model.objects:
            said = Phrase("there is no object {name!r}", name=object[:60])
            found.append(
                Problem(
                    code="unknown_object", message=said, path="events", hint=nearest(object, model.objects)
                )
            )
        elif word not in known or event == "*.*":
            said = Phrase("there is no event {name!r}", name=event[:60])
            found.append(
                Problem(code="unknown_event", message=said, path="events", hint=nearest(word, known))
            )
    return found


def _address(url: str, outside: Outside) -> list[Problem]:
    try:
        checked(Request(method="POST", url=url))
        found = parts(url)
        outside.find(found.hostname or "", found.port or (443 if found.scheme == "https" else 80))
    except Unknown:
        return []  # it may have an address when something is sent
    except PatronError as error:
        return [Problem(code=error.code, message=error.detail, path="url", hint=error.hint)]
    return []
