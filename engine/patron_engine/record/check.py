"""Check: does the record hold together? Types and options, required, read-only, visible, rules, with their levels.

In: rows whose values and formulas are complete. Out: problems on the rows. Conditions are checked on creation, and on
update when a field they mention changes; types, options and links always. What reads roll-ups or sets is checked when
those are up to date (`late`). Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.fields.base import Fault
from patron_engine.fields.field import ChoiceSpec, Field, Option
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Rule, label_of, say
from patron_engine.phrases import OF_FIELD, Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.needs import Needs, union
from patron_engine.record.program import Program
from patron_engine.record.row import Row

_PROBLEMS = attrgetter("problems")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A rule or a `required` of one object. `watches` are the names whose change makes it due."""

    field: Field | None
    rule: Rule | None
    expressions: tuple[Expression, ...]
    needs: Needs
    watches: frozenset[str]


def conditions(program: Program) -> tuple[Condition, ...]:
    """Everything of an object that is checked when something changes, made once a release."""
    found: tuple[Condition, ...] = program.programs.keep(
        ("check", program.object.name), lambda: _conditions(program)
    )
    return found


def _conditions(program: Program) -> tuple[Condition, ...]:
    found = []
    for field in program.fields.values():
        if field.required is False or field.computed or field.hidden or field.system:
            continue
        parts = tuple(e for e in (field.required, field.visible) if isinstance(e, Expression))
        needs = union([program.needs(e) for e in parts]) if parts else Needs(reads=frozenset())
        found.append(Condition(
            field=field, rule=None, expressions=parts, needs=needs, watches=watched(needs) | {field.name}
        ))  # fmt: skip
    for rule in program.object.rules:
        needs = program.needs(rule.when)
        found.append(
            Condition(field=None, rule=rule, expressions=(rule.when,), needs=needs, watches=watched(needs))
        )
    return tuple(found)


def watched(needs: Needs) -> frozenset[str]:
    """Own names, roll-ups and sets ("set:payments") whose change may change the answer."""
    return (
        needs.reads
        | frozenset(needs.rollups)
        | frozenset(f"set:{n}" for a in needs.aggregates for n in a.sets[:1])
    )


def check_values(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Range, length, pattern, options of every changed value."""
    checkers: Sequence[tuple[str, Callable[[Any], list[Fault]]]] = program.programs.keep(
        ("check.values", program.object.name), lambda: _checkers(program)
    )
    for row in rows:
        if row.rejected and not row.changed:
            continue
        changed, values = row.changed, row.values
        for name, checker in checkers:
            if name not in changed or (value := values.get(name)) is None:
                continue
            for code, message, hint in checker(value):
                row.wrong(
                    code,
                    Phrase(OF_FIELD, field=batch.label(program.fields[name]), reason=Phrase(message)),
                    name,
                    hint=hint,
                )
        for field in program.controlled:
            _check_controlled(batch, row, field)
        if program.object.record_types and row.values.get("record_type"):
            _check_record_type(batch, row)


def _checkers(program: Program) -> Sequence[tuple[str, Callable[[Any], list[Fault]]]]:
    """The fields whose values can be wrong, in the order of definition."""
    every = ((n, type_of(f).checker(f)) for n, f in program.fields.items() if not f.computed)
    return tuple((n, checker) for n, checker in every if checker is not None)


def _check_controlled(batch: Batch, row: Row, field: Field) -> None:
    """An option with `only_for` needs one of these values in the field that controls it."""
    spec = field.spec
    assert isinstance(spec, ChoiceSpec) and spec.controlled_by is not None
    value = row.values.get(field.name)
    if value is None or not {field.name, spec.controlled_by} & row.changed:
        return
    control = row.values.get(spec.controlled_by)
    chosen = value if isinstance(value, tuple) else (value,)
    for option in (o for o in spec.options if o.name in chosen and o.only_for is not None):
        fitting = option.only_for or ()
        held = control if isinstance(control, tuple) else (control,)
        if not set(fitting) & set(held):
            row.wrong(
                "option_not_for",
                Phrase(
                    "{field}: {option} does not fit here",
                    field=batch.label(field),
                    option=_option(batch, option),
                ),
                field.name,
            )


def _check_record_type(batch: Batch, row: Row) -> None:
    kind = row.program.object.record_types.get(row.values["record_type"])
    for name, allowed in kind.options.items() if kind is not None else ():
        value = row.values.get(name)
        if value is None or not {name, "record_type"} & row.changed:
            continue
        for chosen in value if isinstance(value, tuple) else (value,):
            if chosen not in allowed:
                field = row.program.fields[name]
                row.wrong(
                    "option_not_for",
                    Phrase(
                        "{field}: {chosen} does not fit this type of record",
                        field=batch.label(field),
                        chosen=chosen,
                    ),
                    name,
                )


def _option(batch: Batch, option: Option) -> str:
    return label_of(option.label, option.name, batch.call.actor.languages)


def check_readonly(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """A field that is read-only under a condition keeps its value while that condition holds, judged on the record
    as it was (for a new record: as it is)."""
    if batch.writes_readonly:
        return
    for field in program.closing:
        due = [r for r in rows if not r.rejected and field.name in r.given and field.name in r.changed]
        if not due:
            continue
        assert isinstance(field.readonly, Expression)
        before = [_as_it_was(r) for r in due]
        batch.environment.fill(before, program.needs(field.readonly))
        holds = program.closure(field.readonly)
        for row, was in zip(due, before, strict=True):
            if holds(program.in_base(was.values), batch.environment.context):
                row.wrong(
                    "readonly_field",
                    Phrase("{field} cannot be changed now", field=batch.label(field)),
                    field.name,
                )


def _as_it_was(row: Row) -> Row:
    was = Row(row.program, None, id=row.id, fresh=row.fresh, path=row.path)
    was.values = dict(row.values if row.fresh else row.old)
    was.old = row.old
    return was


def check_conditions(batch: Batch, program: Program, rows: Sequence[Row], *, late: bool) -> None:
    """Rules and required fields. `late` takes those that read roll-ups or sets, after those are up to date."""
    for condition in conditions(program):
        if condition.needs.figures is not late:
            continue
        watches = condition.watches
        due = [
            r for r in rows
            if not (r.rejected and late)
            and ((r.fresh and r.own) or not (watches.isdisjoint(r.changed) and watches.isdisjoint(r.figures)))
        ]  # fmt: skip
        if any(map(_PROBLEMS, due)):
            due = [r for r in due if not (r.problems and condition.watches & _unreadable(r))]
        if due:
            _check(batch, program, condition, due)


def _unreadable(row: Row) -> frozenset[str]:
    """Fields whose value is wrong by itself: what reads them would only confuse. With a link that points nowhere he may look, what
    was filled in from there as well: no rule tells of it."""
    found = frozenset((p.path or "").removeprefix(row.path) for p in row.problems if p.rule is None)
    if any(p.code == "link_not_found" for p in row.problems):
        found |= row.changed - row.given
    return found


def due_later(program: Program, rows: Iterable[Row]) -> bool:
    """True when something has to be looked at after the roll-ups."""
    late = [c for c in conditions(program) if c.needs.figures]
    return bool(late) and any(
        (r.fresh and r.own) or any(c.watches & (r.changed | r.figures) for c in late) for r in rows
    )


def _check(batch: Batch, program: Program, condition: Condition, rows: Sequence[Row]) -> None:
    context = batch.environment.context
    field, rule = condition.field, condition.rule
    if field is not None:
        rows = [r for r in rows if r.values.get(field.name) is None]
        if not rows:
            return
    batch.environment.fill(rows, condition.needs)
    if rule is not None:
        holds = program.closure(rule.when)
        for row in rows:
            if holds(program.in_base(row.values), context):
                _broken(batch, row, rule)
        return
    assert field is not None
    required = program.closure(field.required) if isinstance(field.required, Expression) else None
    visible = program.closure(field.visible) if isinstance(field.visible, Expression) else None
    for row in rows:
        values = program.in_base(row.values)
        if (required is None or required(values, context)) and (visible is None or visible(values, context)):
            level = "warning" if batch.conditions_warn and required is not None else "error"
            code = "history_required" if level == "warning" else "required"
            row.wrong(code, Phrase("{field} is required", field=batch.label(field)), field.name, level=level)


def _broken(batch: Batch, row: Row, rule: Rule) -> None:
    message = say(rule.message, batch.call.actor.languages) or rule.name
    level = rule.level
    code = "rule"
    if level == "error" and batch.conditions_warn:
        level, code = "warning", "history_rule"
    row.wrong(code, message, rule.at, level=level, rule=rule.name)
