"""Calling: the step that speaks to another system. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run: the first time something is to leave and the run stands; when
the answer is there, what the step gave: `{status, body, error, timed_out}`. What leaves has one id, however often it is sent.
A worker sends it and writes the answer into the run (flow/answering).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from patron_engine import jsonio
from patron_engine.errors import LimitExceeded, Refused
from patron_engine.expr.compile import Expression
from patron_engine.expr.evaluate import closure
from patron_engine.flow.act import Act, Command
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.values import ROOTS, Reading, Subject
from patron_engine.flow.writing import MOST
from patron_engine.meta.document import Path, path_text
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.values import fetch_values
from patron_engine.record.outbox import Parcel

BODY: Final = 262_144  # limit_call_body: bytes of what one call sends
AWAITS: Final = timedelta(days=7)  # how long the other side may take where `timeout` does not say
_EXACT: Final = 2**53  # whole numbers below it are numbers in JSON, whoever reads them
_NO_BODY: Final = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class Leave(Command):
    """Something leaves: it is put into the outbox."""

    parcels: tuple[Parcel, ...]


@dataclass(frozen=True, slots=True)
class Revive(Command):
    """What was parked in the outbox under this id is sent again; the run that waits for it was replayed."""

    id: str


def call(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    return [_act(reading, step, subject) for subject in subjects]


def _act(reading: Reading, step: Step, subject: Subject) -> Act:
    now, waits = reading.call.now, subject.run.loops.get("wait")
    if not waits or "call" not in waits:
        return _first(reading, step, subject)
    answer, until = waits.get("answer"), waits.get("until")
    if answer is not None:
        why = {"why": answer["error"]} if answer["error"] else {}
        return Act(result=answer, told={"status": answer["status"], **why})
    ends = datetime.fromisoformat(until) if until else None
    if ends is not None and ends <= now:
        late = {"status": None, "body": None, "error": "timed_out", "timed_out": True}
        return Act(result=late, told={"why": "timed_out"})
    return Act(waits=True, until=ends, keeps={"call": waits["call"]}, commands=(Revive(waits["call"]),))


def _first(reading: Reading, step: Step, subject: Subject) -> Act:
    """What is sent, made of what the run reads now."""
    body, id = step.body, reading.call.new_id()
    method = str(body.get("method", "POST"))
    url = _text(_value(reading, step, subject, ("url",), body["url"]))
    sent = _value(reading, step, subject, ("body",), body.get("body"))
    payload: dict[str, Any] = {
        "method": method, "url": url, "await": body.get("await") is True, "rescued": bool(body.get("on_error")),
        "headers": _named(_value(reading, step, subject, ("headers",), body.get("headers") or {})),
        "query": _named(_value(reading, step, subject, ("query",), body.get("query") or {})),
        "body": None if method in _NO_BODY and sent is None else sent,
    }  # fmt: skip
    if len(jsonio.dumps(payload["body"])) > BODY:
        raise LimitExceeded(
            Phrase("what a call sends has at most {most} bytes", most=BODY), code="limit_call_body"
        )
    span = _value(reading, step, subject, ("timeout",), body.get("timeout"))
    until = None
    if payload["await"]:
        until = reading.call.now + AWAITS if span is None else _after(reading, span)
    elif span is not None:
        payload["seconds"] = (_after(reading, span) - reading.call.now).total_seconds()
    parcel = Parcel(id=id, kind="call", target=_host(url), payload=payload, run=subject.run.id)
    told = {"host": parcel.target, "outbox": id}
    return Act(waits=True, until=until, keeps={"call": id}, commands=(Leave((parcel,)),), told=told)


def _after(reading: Reading, span: Any) -> datetime:
    if isinstance(span, str):
        return after(reading.call.now, read_span(span), reading.context)
    return reading.call.now + timedelta(seconds=float(span))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


# -- values in JSON form ------------------------------------------------------------------------------------------


def _value(reading: Reading, step: Step, subject: Subject, path: Path, raw: Any) -> Any:
    """What stands at `path` of the step, with its expressions worked out; `{each: set, set: …}` becomes a list."""
    expression = step.expressions.get(path_text(step.body, path)) if isinstance(raw, str) else None
    if expression is not None:
        return plain(reading.evaluate(expression, [subject])[0])
    if isinstance(raw, Mapping):
        if isinstance(raw.get("each"), str) and "set" in raw:
            return _each(reading, step, subject, path, raw)
        return {name: _value(reading, step, subject, (*path, name), item) for name, item in raw.items()}
    if isinstance(raw, (list, tuple)):
        return [_value(reading, step, subject, (*path, n), item) for n, item in enumerate(raw)]
    return plain(raw)


def _each(reading: Reading, step: Step, subject: Subject, path: Path, raw: Mapping[str, Any]) -> list[Any]:
    """One value for each record of a set. Bare names are the item's, `this.` is the record that has the set."""
    object = reading.call.model.objects.get(subject.run.object or "")
    among = object.sets.get(raw["each"]) if object is not None else None
    if among is None:
        said = Phrase("there is no set {name}", name=raw["each"])
        raise Refused([Problem(code="unknown_set", message=said)])
    where = path_text(step.body, (*path, "where"))
    choice = Choice(
        key=f"{step.rule}.{step.path}.{where}", object=among.object, where=step.expressions.get(where), among=among,
        limit=MOST, whole=True,
    )  # fmt: skip
    ids = chosen(reading, choice, [subject])[0]
    inside = path_text(step.body, (*path, "set"))
    found = {
        at: _of_items(reading, e, subject, among.object, ids)
        for at, e in step.expressions.items()
        if at == inside or at.startswith((f"{inside}.", f"{inside}["))
    }
    return [
        _filled(step, raw["set"], (*path, "set"), {at: values[n] for at, values in found.items()})
        for n in range(len(ids))
    ]


def _filled(step: Step, raw: Any, path: Path, values: Mapping[str, Any]) -> Any:
    at = path_text(step.body, path)
    if isinstance(raw, str) and at in values:
        return values[at]
    if isinstance(raw, Mapping):
        return {name: _filled(step, item, (*path, name), values) for name, item in raw.items()}
    if isinstance(raw, (list, tuple)):
        return [_filled(step, item, (*path, n), values) for n, item in enumerate(raw)]
    return plain(raw)


@dataclass(frozen=True, slots=True)
class _Outside:
    """What an expression over items reads of the run, as Reading asks an expression for it."""

    paths: frozenset[str]
    aggregates: tuple[Any, ...] = ()


def _of_items(
    reading: Reading, expression: Expression, subject: Subject, object: str, ids: Sequence[str]
) -> list[Any]:
    outside = frozenset(p for p in expression.paths if p.partition(".")[0].removesuffix("()") in ROOTS)
    asked: Any = _Outside(outside)
    of_run = reading.values([asked], [subject])[0]
    rows = fetch_values(
        reading.conn, reading.call, object, list(ids), sorted(expression.paths - outside), list(expression.aggregates)
    )  # fmt: skip
    made = closure(expression)
    return [plain(made({**of_run, **rows.get(id, {})}, reading.context)) for id in ids]


def plain(value: Any) -> Any:
    """A value as JSON has it: whole numbers are numbers, other decimals and moments are texts, as in the API."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        whole = value.is_finite() and value.as_tuple().exponent == 0
        return int(value) if whole and abs(value) < _EXACT else format(value, "f")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _named(values: Any) -> dict[str, str]:
    """Headers or parameters: one without a value is left out."""
    return {name: _text(value) for name, value in values.items() if value is not None}
