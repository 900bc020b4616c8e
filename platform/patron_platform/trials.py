"""Trials: what an automation would do, as an answer: whether it began and what decided, its runs with every step.

In: a `Tried`, the frame of the call. Out: JSON values. A step tells what it would write (`changes`) and what would leave (`commands`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from patron_engine.fields.registry import type_of
from patron_engine.flow.act import Act, Command
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.ways.trying import Tried, TriedRun
from patron_platform.phrases import written


def as_dict(call: Call, tried: Tried) -> dict[str, Any]:
    languages = call.actor.languages
    return {
        "record": tried.record, "began": tried.began, "why": tried.why, "cut_short": tried.cut_short,
        "parts": [part.as_dict() for part in tried.parts],
        "problems": [
            {"field": p.path, "code": p.code, "message": written(p.message, languages)} if isinstance(p, Problem)
            else {"field": None, "code": p.code, "message": written(p.detail, languages)}
            for p in tried.problems
        ],
        "runs": [_run(call, run) for run in tried.runs],
    }  # fmt: skip


def _run(call: Call, tried: TriedRun) -> dict[str, Any]:
    run = tried.run
    return {
        "rule": run.rule, "object": run.object, "record": run.record, "state": run.state, "error": run.error,
        "steps": [
            {"step": s["step"], "outcome": s["outcome"], "told": s["told"], **_act(call, s["act"])} for s in tried.steps
        ],
    }  # fmt: skip


def _act(call: Call, act: Act | None) -> dict[str, Any]:
    if act is None:
        return {"changes": [], "commands": []}
    return {
        "changes": [_change(call, c) for c in act.changes],
        "commands": [_command(c) for c in act.commands],
        **({"until": act.until} if act.waits else {}),
    }


def _change(call: Call, change: Change) -> dict[str, Any]:
    known = call.model.objects[change.object].fields
    return {
        "action": change.action, "object": change.object, "id": change.id,
        "set": {n: _wire(type_of(known[n]), known[n], v) if n in known else _plain(v) for n, v in change.set.items()},
    }  # fmt: skip


def _wire(type: Any, field: Any, value: Any) -> Any:
    if value is None or field.encrypted or field.type == "secret":
        return None
    try:
        return type.to_wire(field, value)
    except Exception:  # noqa: BLE001 - a code of a link is no value of it yet
        return _plain(value)


def _command(command: Command) -> dict[str, Any]:
    return {
        "do": type(command).__name__,
        **{f.name: _plain(getattr(command, f.name)) for f in fields(command)},
    }


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
