"""Logs: one line of JSON an event, to standard error; set up once a process.

In: what the platform and its libraries log. Out: lines with moment, level, logger and event. An exception is shown by its
kind and the places it passed, never by the values that stood there, and messages of the database are left out: they quote
what was sent. No key, password or record is ever an argument of a log call.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

FRAMES = 30  # of an exception's way, the innermost


def configure_logs(level: str = "warning") -> None:
    """`level` is debug, info, warning or error. A second call changes the level and nothing else."""
    shared: list[Any] = [
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        show_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    renderers: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=renderers))
    logging.raiseExceptions = False  # a call that cannot be written would be printed with its arguments
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "patron", False)]:
        root.removeHandler(old)
    handler.patron = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level.upper())


def show_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turns `exc_info` into kind and places."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if given is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["places"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        if error.__cause__ is not None:
            event["cause"] = type(error.__cause__).__qualname__
    return event
