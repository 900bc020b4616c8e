"""Stages: the rules of stage paths: where a record may begin, which moves are open, what a stage asks for, what entering it sets.

In: rows with their values, before and after the before-rules. Out: values put, problems on the rows: at the field of the stage why
a move is not open or what must be done first, at a field that must be filled that it is. Every save asks here, wherever it comes
from; only what takes a change back is not asked (its cause says `undo`). An import of history is told as warnings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_engine.access.pick import Body, documents_for
from patron_engine.actor import Actor
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import ChoiceSpec, Field, LinkSpec
from patron_engine.fields.options import options_in, texts
from patron_engine.fields.registry import type_of
from patron_engine.model.model import label_of, say
from patron_engine.model.values import as_wire
from patron_engine.phrases import OF_FIELD, Label, Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.derive import fitted
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.stage_moves import converts, opens
from patron_engine.record.stage_tasks import task_key, was_done


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A stage path, ready to be asked. `when` is None where every record goes it."""

    body: Body
    field: Field
    when: Expression | None
    stages: Mapping[Any, Body]  # a record may stand at none of them


Going = tuple[Row, Path]


def enter(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Fields that entering a stage sets, unless the caller gave them."""
    for row, path in () if _taken_back(batch) else moving(batch, program, rows):
        stage = path.stages.get(row.values.get(path.field.name), {})
        for name, value in _sets(program, path, stage):
            if name in row.given:
                continue
            if isinstance(value, Expression):
                batch.environment.fill([row], program.needs(value))
                made = program.closure(value)(row.values, batch.environment.context)
                value = fitted(program.fields[name], made)
            row.put(name, value)


def check_stages(batch: Batch, program: Program, rows: Sequence[Row], *, late: bool) -> None:
    """What a path says against the rows. `late` takes criteria that read roll-ups or sets, after those are up to date."""
    if _taken_back(batch):
        return
    going = moving(batch, program, [r for r in rows if not (late and r.rejected)])
    if late:
        _judge(batch, program, [(row, path) for row, path in going if not row.fresh], late=True)
        return
    opened = [(row, path) for row, path in going if _may_move(batch, path, row)]
    _judge(batch, program, [(row, path) for row, path in opened if not row.fresh], late=False)
    _check_filled(batch, program, rows)
    # What is refused anyway is told whole, unless details that come with it might still fulfil it.
    refused = [(row, path) for row, path in opened if row.rejected and not row.fresh and not row.children]
    _judge(batch, program, refused, late=True)


# -- which path ---------------------------------------------------------------------------------------------------


def moving(batch: Batch, program: Program, rows: Sequence[Row]) -> list[Going]:
    """The rows that come to another stage, each with its path."""
    return [(row, path) for row, path in _on_paths(batch, program, rows) if path.field.name in row.changed]


def _taken_back(batch: Batch) -> bool:
    return bool(batch.call.cause.detail.get("undo"))


def _on_paths(batch: Batch, program: Program, rows: Sequence[Row]) -> list[Going]:
    """The rows a path may say something of, each with the first path whose condition holds."""
    watched = _watched(program)
    if not watched:
        return []
    by_type: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        if row.own and not watched.isdisjoint(row.changed):
            by_type[row.values.get("record_type")].append(row)
    found: list[Going] = []
    for record_type, open in by_type.items():
        for path in _paths(batch, program, record_type):
            going = open if path.when is None else _fitting(batch, program, open, path.when)
            found += [(row, path) for row in going]
            gone = set(going)
            open = [row for row in open if row not in gone]
    return found


def _watched(program: Program) -> frozenset[str]:
    """The names of the object whose change any of its paths looks at; empty without a path."""
    documents = program.model.documents

    def make() -> frozenset[str]:
        bodies = [
            b
            for (kind, _), b in documents.items()
            if kind == "stage_path" and b["object"] == program.object.name
        ]
        named = [b["field"] for b in bodies]
        named += [name for b in bodies for stage in b["stages"] for name in stage.get("required") or ()]
        return frozenset(f.name for n in named if (f := program.object.field(n)) is not None)

    found: frozenset[str] = program.programs.keep(("stages.watched", program.object.name), make)
    return found


def _paths(batch: Batch, program: Program, record_type: Any) -> Sequence[Path]:
    actor = batch.call.actor
    key = ("stages", program.object.name, actor.administrator, actor.roles, record_type)
    found: Sequence[Path] = program.programs.keep(key, lambda: _made(program, actor, record_type))
    return found


def _made(program: Program, actor: Actor, record_type: Any) -> Sequence[Path]:
    found = []
    for body in documents_for(program.model, actor, "stage_path", program.object.name, record_type):
        field = program.object.field(body["field"])
        given = body.get("when")
        if field is None or given is False:
            continue
        when = program.model.expressions.get(("stage_path", body["name"], "when"))
        found.append(
            Path(body=body, field=field, when=when, stages={stage["name"]: stage for stage in body["stages"]})
        )
    return tuple(found)


def _sets(program: Program, path: Path, stage: Body) -> Iterable[tuple[str, Any]]:
    """(field, its value or Expression) of what entering a stage sets."""
    for name, raw in (stage.get("set") or {}).items():
        field = program.object.field(name)
        if field is None:
            continue
        key = ("stage_path", path.body["name"], f"stages.{stage['name']}.set.{name}")
        found = program.model.expressions.get(key)
        if found is None and raw is not None and not isinstance(field.spec, LinkSpec):
            yield field.name, type_of(field).read_wire(field, as_wire(raw))
        else:
            yield field.name, found if found is not None else raw


# -- what it says -------------------------------------------------------------------------------------------------


def _may_move(batch: Batch, path: Path, row: Row) -> bool:
    """Whether the record may stand where it comes to; what forbids it is told."""
    name, label = path.field.name, batch.label(path.field)
    now = row.values.get(name)
    if row.fresh:
        first = next(iter(path.stages))
        if path.body.get("create_at") != "first" or now is None or now == first:
            return True
        why = Phrase("a new record begins at {stage}", stage=_called(batch, path, first))
        _tell(batch, row, name, "stage_begin", Phrase(OF_FIELD, field=label, reason=why))
        return False
    actor, before = batch.call.actor, row.old.get(name)
    if converts(path.body, now) and "conversion" not in batch.call.cause.detail:
        why = Phrase("a conversion brings it to {stage}", stage=_called(batch, path, now))
        _tell(batch, row, name, "stage_conversion", Phrase(OF_FIELD, field=label, reason=why), hint=Phrase("convert the record"))  # fmt: skip
        return False
    if opens(path.body, before, now, actor):
        return True
    ways = [
        s for s in path.stages
        if s != before and not converts(path.body, s) and opens(path.body, before, s, actor)
    ]  # fmt: skip
    hint = (
        Phrase("open from here: {stages}", stages=[_called(batch, path, s) for s in ways]) if ways else None
    )
    why = Phrase(
        "{before} does not lead to {now}", before=_called(batch, path, before), now=_called(batch, path, now)
    )
    _tell(batch, row, name, "stage_move", Phrase(OF_FIELD, field=label, reason=why), hint=hint)
    return False


def _judge(batch: Batch, program: Program, going: Sequence[Going], *, late: bool) -> None:
    """The criteria of the stages that are left and entered, each asked once for all the rows it concerns."""
    asked: dict[tuple[str, str, str], tuple[Body, Path, list[Row]]] = {}
    for row, path in going:
        stages = {"leave_when": row.old.get(path.field.name), "enter_when": row.values.get(path.field.name)}
        for kind, stage in stages.items():
            for criterion in path.stages.get(stage, {}).get(kind) or ():
                at = f"stages.{stage}.{kind}.{criterion['name']}.when"
                key = ("stage_path", path.body["name"], at)
                asked.setdefault(key, (criterion, path, []))[2].append(row)
    if late:
        _hold(batch, program, going)
    for key, (criterion, path, rows) in asked.items():
        found = program.model.expressions.get(key)
        if found is None or program.needs(found).figures is not late:
            continue
        met = set(_fitting(batch, program, rows, found))
        message = say(texts(criterion.get("message")), batch.call.actor.languages) or criterion["name"]
        for row in rows:
            if row not in met:
                _tell(batch, row, path.field.name, "stage_criterion", message, rule=criterion["name"])


def _hold(batch: Batch, program: Program, going: Sequence[Going]) -> None:
    """Required tasks of the stage that is left hold the record, unless it is lost: each is done where its `done_when` holds, or
    somebody has done it."""
    asked: dict[tuple[str, str, str], tuple[Body, Path, list[Row]]] = {}
    for row, path in going:
        if path.stages.get(row.values.get(path.field.name), {}).get("end") in ("lost", "void"):
            continue
        stage = str(row.old.get(path.field.name))
        for task in path.stages.get(stage, {}).get("tasks") or ():
            if task.get("required"):
                key = (path.body["name"], stage, task["name"])
                asked.setdefault(key, (task, path, []))[2].append(row)
    for (name, stage, task_name), (task, path, rows) in asked.items():
        done = program.model.expressions.get(("stage_path", name, task_key(stage, task_name, "done_when")))
        met = set(_fitting(batch, program, rows, done)) if done is not None else set()
        label = label_of(texts(task.get("label")), task_name, batch.call.actor.languages)
        for row in rows:
            if row not in met and not was_done(batch, row, (name, stage, task_name), otherwise=done is None):
                message = Phrase("{task} is still to do", task=label)
                _tell(batch, row, path.field.name, "stage_task", message, rule=task_name)


def _check_filled(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Fields that must be filled at a stage: when it is entered, and as long as a record stands there."""
    for row, path in _on_paths(batch, program, rows):
        stage = path.stages.get(row.values.get(path.field.name), {})
        for name in stage.get("required") or ():
            field = program.object.field(name)
            if field is None or row.values.get(field.name) not in (None, ()):
                continue
            told = any(p.path == f"{row.path}{field.name}" for p in row.problems)
            if not told and row.changed & {path.field.name, field.name}:
                message = Phrase(
                    "{field} is required at {stage}",
                    field=batch.label(field),
                    stage=_called(batch, path, stage["name"]),
                )
                _tell(batch, row, field.name, "required", message)


def _tell(
    batch: Batch,
    row: Row,
    field: str,
    code: str,
    message: str,
    hint: str | None = None,
    rule: str | None = None,
) -> None:
    if batch.conditions_warn:
        row.wrong(f"history_{code}", message, field, hint=hint, rule=rule, level="warning")
    else:
        row.wrong(code, message, field, hint=hint, rule=rule)


def _fitting(batch: Batch, program: Program, rows: Sequence[Row], condition: Expression) -> list[Row]:
    """The rows a condition holds for."""
    batch.environment.fill(rows, program.needs(condition))
    holds = program.closure(condition)
    return [row for row in rows if holds(program.in_base(row.values), batch.environment.context)]


def _called(batch: Batch, path: Path, stage: Any) -> Label:
    """What people call a stage."""
    own = texts((path.stages.get(stage) or {}).get("label"))
    spec = path.field.spec
    option = options_in(spec).get(stage) if isinstance(spec, ChoiceSpec) else None
    label = own or (option.label if option else {})
    return label_of(label, str(stage), batch.call.actor.languages)
