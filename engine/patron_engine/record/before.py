"""Before-rules: automations with `timing: before`: few, pure, inside the save. They only set fields of the record.

In: rows whose values are filled. Out: further values put, whether the caller gave the field or not: a rule of the
workspace stands above what one person typed. Starts nothing and writes no other record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.record.batch import Batch
from patron_engine.record.derive import fitted
from patron_engine.record.needs import Needs, needs_of
from patron_engine.record.program import Program, Programs
from patron_engine.record.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeRule:
    """One `set` step of one rule. `sets` are (field, literal or Expression)."""

    rule: str
    events: frozenset[str]
    fields: frozenset[str]
    whens: tuple[Expression, ...]
    sets: tuple[tuple[str, Any], ...]


def before_rules(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Carries out the object's before-rules in the order of their names."""
    context = batch.environment.context
    for rule in rules_of(batch.programs).get(program.object.name, ()):
        due = [r for r in rows if not r.rejected and _concerns(rule, r)]
        for when in rule.whens:
            _fill(batch, due, program.needs(when))
            holds = program.closure(when)
            due = [r for r in due if holds(program.in_base(r.values), context)]
        if not due:
            continue
        for name, value in rule.sets:
            if isinstance(value, Expression):
                _fill(batch, due, needs_of(program.model, program.object, [value]))
                made = program.closure(value)
                for row in due:
                    row.put(name, fitted(program.fields[name], made(row.values, context)))
            else:
                for row in due:
                    row.put(name, value)


def _fill(batch: Batch, rows: Sequence[Row], needs: Needs) -> None:
    """What the rule reads: of the record, and of the event that the save is about to become."""
    told = [path for path in needs.virtual if path.startswith("event.")]
    rest = tuple(path for path in needs.virtual if path not in told)
    batch.environment.fill(rows, replace(needs, virtual=rest) if told else needs)
    for row in rows if told else ():
        by = batch.causer_of(row)
        event: dict[str, Any] = {
            "event.name": "created" if row.fresh else "updated",
            "event.at": batch.call.now,
            "event.by": by,
        }
        if not row.fresh:
            event["event.fields"] = tuple(sorted(row.changed))
        person = [path.removeprefix("event.by.") for path in told if path.startswith("event.by.")]
        known = batch.environment.fetch("user", [by], person).get(by, {}) if person and by else {}
        event |= {f"event.by.{path}": known.get(path) for path in person}
        row.values.update({path: event.get(path) for path in told})


def _concerns(rule: BeforeRule, row: Row) -> bool:
    if row.fresh:
        return "created" in rule.events
    return (
        "updated" in rule.events
        and bool(row.changed)
        and (not rule.fields or bool(rule.fields & row.changed))
    )


def rules_of(programs: Programs) -> Mapping[str, Sequence[BeforeRule]]:
    """Object -> its before-rules, made once a release."""
    found: Mapping[str, Sequence[BeforeRule]] = programs.keep("before", lambda: _rules(programs))
    return found


def _rules(programs: Programs) -> Mapping[str, Sequence[BeforeRule]]:
    found: dict[str, list[BeforeRule]] = defaultdict(list)
    documents = sorted(programs.model.documents.items())
    for (kind, name), body in documents:
        if (
            kind != "automation"
            or body.get("timing") != "before"
            or body.get("object") not in programs.model.objects
        ):
            continue
        on = body.get("on") or []
        entries = on if isinstance(on, (list, tuple)) else [on]
        events = frozenset(e if isinstance(e, str) else str(e.get("event")) for e in entries)
        fields = frozenset(f for e in entries if isinstance(e, Mapping) for f in e.get("fields") or ())
        for position, step in enumerate(body.get("steps") or ()):
            found[body["object"]].append(_rule(programs, name, events, fields, position, step))
    return dict(found)


def _rule(
    programs: Programs,
    name: str,
    events: frozenset[str],
    fields: frozenset[str],
    position: int,
    step: Mapping[str, Any],
) -> BeforeRule:
    expressions = programs.model.expressions

    def at(*paths: str) -> Expression | None:
        return next(
            (expressions[("automation", name, p)] for p in paths if ("automation", name, p) in expressions),
            None,
        )

    own = step.get("name", position)
    whens = [at("when"), at(f"steps.{own}.when", f"steps[{position}].when", f"steps.{position}.when")]
    sets = []
    for field, value in (step.get("set") or {}).items():
        found = at(
            f"steps.{own}.set.{field}", f"steps[{position}].set.{field}", f"steps.{position}.set.{field}"
        )
        sets.append((field, found if found is not None else value))
    return BeforeRule(
        rule=name,
        events=events,
        fields=fields,
        whens=tuple(w for w in whens if w is not None),
        sets=tuple(sets),
    )
