"""Logs: one line of JSON an event, to standard error; set up once a process.

In: what the platform and its libraries log; values of an event come as `extra`. Out: lines with moment, level, logger and
event. An exception is shown by its kind and the places it passed, never by the values that stood there, and messages of the
database are left out: they quote what was sent. No key, password or record is ever an argument of a log call.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

FRAMES = 30  # of an exception's way, the innermost

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def configure_logs(level: str = "warning") -> None:
    """`level` is debug, info, warning or error. A second call changes the level and nothing else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.raiseExceptions = False  # a call that cannot be written would be printed with its arguments
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "patron", False)]:
        root.removeHandler(old)
    handler.patron = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level.upper())


class Lines(logging.Formatter):
    """An event as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **{k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD},
            **shown(record.exc_info),
        }
        # Line ends within texts are escaped by JSON; two of Unicode's are not, and some readers split at them.
        text = json.dumps(line, default=str, ensure_ascii=False)
        return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def shown(exc_info: Any) -> dict[str, Any]:
    """The kind of an exception and its places."""
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if not isinstance(error, BaseException):
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    told: dict[str, Any] = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "places": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if error.__cause__ is not None:
        told["cause"] = type(error.__cause__).__qualname__
    return told
