"""Program: an automation as a list of instructions. Model stage: pure, made once a release.

In: the document of an automation and the expressions that were compiled for it. Out: a `Flow`. Branches and loops become
jumps, so that where a run stands is one number, and runs that stand at the same place go on together. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from patron_engine import jsonio
from patron_engine.expr.compile import Expression
from patron_engine.meta.document import Path, path_of, path_text
from patron_engine.model.automations import events_of, runs_after
from patron_engine.model.model import Model

NOTHING: Mapping[str, Any] = MappingProxyType({})
MAX_STEPS: Final = 1_000  # limit_run_steps: steps of one run, unless the automation says fewer or more
MAX_LOOPED: Final = (
    100_000  # the same where it has a for_each, whose every round counts: it has to reach all it goes through
)
MAX_RECORDS: Final = 10_000  # records that one run changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as it stands in the document. `path` is its place in it, which a run's log shows; `rule` the automation
    and its version; `body` its keys; `expressions` what was compiled below it, by path from it: `set.amount`, `target.where`."""

    name: str | None
    do: str
    path: str
    rule: str
    body: Mapping[str, Any] = field(repr=False)
    expressions: Mapping[str, Expression] = field(repr=False)

    @property
    def when(self) -> Expression | None:
        return self.expressions.get("when")

    def value(self, key: str, raw: Any) -> Any:
        """The Expression at `key`, or the literal that stands there."""
        return self.expressions.get(key, raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """Carry out a step, go on with the next instruction."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """Go to where the first case that fits begins, else to `otherwise`. `step.when` false: to `otherwise`, too."""

    step: Step
    cases: tuple[tuple[Expression | None, int], ...]
    otherwise: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The next item becomes the step's result; without one, or with `step.when` false, go to `end`."""

    step: Step
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """Go on with the next instruction where what the step gave has an `error`, else to `otherwise`."""

    step: Step
    otherwise: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    to: int


Instruction = Do | Choose | Loop | Rescue | Jump


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """An automation, ready to run. `version` is a digest of what it does: a run ends on the version it began with."""

    name: str
    object: str | None
    version: str
    on: tuple[Mapping[str, Any], ...]
    when: Expression | None
    stop_when: Expression | None
    once: str | Expression
    by_system: bool
    code: tuple[Instruction, ...]
    max_steps: int = MAX_STEPS
    max_records: int = MAX_RECORDS
    per_hour: int | None = None


def flow_of(model: Model, name: str) -> Flow | None:
    """The automation of that name as a program; None when there is none that runs after a save, or it is switched off, or
    it has a step or an event that this version does not carry out."""
    body = model.documents.get(("automation", name))
    if body is None or not runs_after(body):
        return None
    expressions = {key[2]: e for key, e in model.expressions.items() if key[:2] == ("automation", name)}
    code = _code(body, expressions)
    limits = body.get("limits") or {}
    once = body.get("once", "per_change")
    return Flow(
        name=name,
        object=body.get("object"),
        version=version_of(body),
        on=events_of(body),
        when=expressions.get("when"),
        stop_when=expressions.get("stop_when"),
        once=expressions.get("once", once),
        by_system=body.get("run_as", "system") == "system",
        code=code,
        max_steps=limits.get("steps") or most_steps(code),
        max_records=limits.get("records", MAX_RECORDS),
        per_hour=limits.get("per_hour"),
    )


def flow_at(model: Model, key: str) -> Flow | None:
    """The steps that stand in a document of another kind, as a program. `key` is `kind:name:path`, the path as people write
    it: `approval:order_approval:after.approved`. None when there are none."""
    kind, name, place = key.split(":", 2)
    body = model.documents.get((kind, name))
    path = path_of(body, place) if body is not None else None
    if body is None or path is None:
        return None
    expressions = {at[2]: e for at, e in model.expressions.items() if at[:2] == (kind, name)}
    steps = _at(body, path) or ()
    version = sha256(jsonio.dumps(steps)).hexdigest()[:16]
    code: list[Instruction] = []
    _steps(body, path, expressions, code, f"{key}.{version}")
    return Flow(
        name=key, object=body.get("object"), version=version, on=(), when=None, stop_when=None, once="per_change",
        by_system=True, code=tuple(code), max_steps=most_steps(code),
    )  # fmt: skip


def most_steps(code: Sequence[Instruction]) -> int:
    return MAX_LOOPED if any(isinstance(one, Loop) for one in code) else MAX_STEPS


def version_of(body: Mapping[str, Any]) -> str:
    """What tells one version of an automation from another: a digest of what it does."""
    told = {k: v for k, v in body.items() if k in ("object", "steps", "stop_when", "run_as", "limits")}
    return sha256(jsonio.dumps(told)).hexdigest()[:16]


def _code(body: Mapping[str, Any], expressions: Mapping[str, Expression]) -> tuple[Instruction, ...]:
    code: list[Instruction] = []
    _steps(body, ("steps",), expressions, code, f"{body['name']}.{version_of(body)}")
    return tuple(code)


def _steps(
    body: Mapping[str, Any],
    path: Path,
    expressions: Mapping[str, Expression],
    code: list[Instruction],
    rule: str,
) -> None:
    for position, raw in enumerate(_at(body, path) or ()):
        here = (*path, position)
        step = step_at(body, here, raw, expressions, rule)
        if step.do == "branch":
            _branch(body, here, step, expressions, code)
        elif step.do == "for_each":
            begin = len(code)
            code.append(Jump(to=0))  # put right below, when the end is known
            _steps(body, (*here, "steps"), expressions, code, rule)
            code.append(Jump(to=begin))
            code[begin] = Loop(step=step, end=len(code))
        elif step.body.get("on_error"):
            step = replace(step, name=step.name or step.path)  # its result is asked for an error
            begin = len(code) + 1
            code += [Do(step=step), Jump(to=0)]
            _steps(body, (*here, "on_error"), expressions, code, rule)
            code[begin] = Rescue(step=step, otherwise=len(code))
        else:
            code.append(Do(step=step))


def _branch(
    body: Mapping[str, Any],
    here: Path,
    step: Step,
    expressions: Mapping[str, Expression],
    code: list[Instruction],
) -> None:
    begin = len(code)
    code.append(Jump(to=0))
    cases: list[tuple[Expression | None, int]] = []
    leaving: list[int] = []
    for number in range(len(step.body["cases"])):
        cases.append((expressions.get(path_text(body, (*here, "cases", number, "when"))), len(code)))
        _steps(body, (*here, "cases", number, "steps"), expressions, code, step.rule)
        leaving.append(len(code))
        code.append(Jump(to=0))
    for at in leaving:
        code[at] = Jump(to=len(code))
    code[begin] = Choose(step=step, cases=tuple(cases), otherwise=len(code))


def step_at(
    body: Mapping[str, Any],
    path: Path,
    raw: Mapping[str, Any],
    expressions: Mapping[str, Expression],
    rule: str,
) -> Step:
    """What stands at a path of a document, with what was compiled below it."""
    place = path_text(body, path)
    own = {
        key[len(place) + 1 :] if key[len(place)] == "." else key[len(place) :]: e
        for key, e in expressions.items()
        if key.startswith(place) and key[len(place) : len(place) + 1] in (".", "[")
    }
    return Step(
        name=raw.get("name"), do=str(raw.get("do", "")), path=place, rule=rule, body=raw, expressions=own
    )


def _at(body: Any, path: Path) -> Any:
    for key in path:
        body = body[key] if isinstance(key, int) else body.get(key)
        if body is None:
            return None
    return body
