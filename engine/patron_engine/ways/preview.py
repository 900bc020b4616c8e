"""The way preview: what a save would make of a change, without making it. For open forms.

In: a connection, the frame of the call, a Change. Out: a `Preview`: the rows as they would be (defaults, what chosen records
bring, found links, formulas, figures over the details that were sent), what is wrong so far, and answers to conditions.

It goes the way of ways/save up to the writing, and never further: rows are read without a lock, nothing is written, no number
is drawn, no record made. Rules over the sets of the form are judged on its rows; what only the database can tell at the end (sets
further down, who was faster) the save tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patron_engine.access.decide import Deny, row_rule
from patron_engine.errors import Forbidden, NotFound
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field, FileSpec, Formula, LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record import authorise, check, links, load, targets
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.before import before_rules
from patron_engine.record.bind import bind
from patron_engine.record.change import Change, Outcome
from patron_engine.record.derive import derive, fitted
from patron_engine.record.duplicates import Twin, revealed, twins_of
from patron_engine.record.environment import Environment
from patron_engine.record.formulas import compute, follow
from patron_engine.record.links import linked
from patron_engine.record.money import bases
from patron_engine.record.needs import Needs, path_needs
from patron_engine.record.plan import plan_rows
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn
from patron_engine.record.tally import Sets, answers, figure, over, rollup, sets_of, tally
from patron_engine.record.unique import look_first

Ref = tuple[str, str]  # object, id


class Preview:
    """The state of one open form. `row` is the record itself, `details` its rows by set, in the order they were sent; `sets`
    every row a set will have, those that were not sent among them."""

    def __init__(self, batch: Batch, row: Row, sets: Sets) -> None:
        self._batch = batch
        self.row = row
        self.sets = sets

    @property
    def details(self) -> Mapping[str, Sequence[Row]]:
        found: dict[str, list[Row]] = {}
        for child in self.row.children:
            found.setdefault(child.path.rpartition("[")[0], []).append(child)
        return found

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(p for row in (self.row, *self.row.children) for p in row.problems)

    def holds(self, row: Row, condition: bool | Expression, *, before: bool = False) -> bool:
        """Whether a condition is true of a row; `before`: of the record as it was, where there was one."""
        if isinstance(condition, bool):
            return condition
        judged = row
        if before and not row.fresh:
            judged = Row(row.program, None, id=row.id, fresh=False, path=row.path)
            judged.values, judged.old = dict(row.old), row.old
        program, environment = row.program, self._batch.environment
        environment.fill([judged], program.needs(condition))
        return bool(program.closure(condition)(program.in_base(judged.values), environment.context))

    def worked_out(self, row: Row, expression: Expression) -> Any:
        """What an expression says of a row, in the engine's own values."""
        self._batch.environment.fill([row], row.program.needs(expression))
        return row.program.closure(expression)(
            row.program.in_base(row.values), self._batch.environment.context
        )

    def value(self, row: Row, field: Field) -> Any:
        """The value a field would have, in JSON form; links as they are kept, without titles."""
        if not field.columns and not isinstance(field.spec, LinkSpec | FileSpec):
            program = row.program
            self._batch.environment.fill([row], path_needs(program.model, program.object, [field.name]))
        value = row.values.get(field.name)
        if isinstance(field.spec, Formula) and value is not None:
            value = fitted(field, value)
        return None if value is None else type_of(field).to_wire(field, value)

    def twins(self) -> tuple[Twin, ...]:
        """Records that may be the same as this one."""
        return twins_of(self._batch, self.row)

    def revealed(self, twin: Twin) -> list[str]:
        """What is told of one that the reader may not see."""
        return revealed(self._batch, twin)

    def refs(self, row: Row, field: Field) -> list[Ref]:
        """The records a link points at."""
        if isinstance(field.spec, LinkSpec):
            return linked(row.values.get(field.name), field)
        id = row.values.get(field.name)
        return [(field.expr.objects[0], id)] if isinstance(id, str) and len(field.expr.objects) == 1 else []


class _Around(Environment):
    """An environment in which the record that is being filled exists already: its details read it, and what counts them
    counts the rows of the form."""

    record: Row | None = None
    batch: Batch
    sets: Sets

    def fetch(self, object: str, ids: Iterable[str], paths: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        wanted = set(ids)
        own = self.record
        if own is None or own.object != object or own.id not in wanted:
            return super().fetch(object, wanted, paths)
        found = dict(super().fetch(object, wanted - {own.id}, paths))
        self.fill([own], path_needs(own.program.model, own.program.object, paths))
        found[own.id] = {path: own.values.get(path) for path in paths}
        return found

    def figures(self, rows: Sequence[Row], needs: Needs) -> None:
        super().figures(rows, needs)
        if self.record is None or not any(row is self.record for row in rows):
            return
        own, fields = self.record.values, self.record.program.fields
        for name in needs.rollups:
            if over(self.batch, fields[name], self.sets):
                own[name] = rollup(self.batch, fields[name], self.sets)
        for node in needs.aggregates:
            if answers(node, self.sets):
                own[node.key] = figure(self.batch, node, self.sets)


def preview(conn: Conn, call: Call, change: Change) -> Preview:
    """What saving `change` (create or update) would make. NotFound where there is no such record for him."""
    _known(call, change.object)
    batch = Batch(conn, call, _never)
    batch.looking = batch.each = True
    around = _Around(batch.pending, call, batch.environment.context, batch.environment.lookups)
    batch.environment, around.batch, around.sets = around, batch, {}
    row = plan_rows(batch, [(0, change)], several=False)[0]
    levels = batch.levels
    for depth, level in enumerate(levels):
        _read(batch, level)
        _prepare(batch, [r for r in level if r.action != "delete"])
        if depth == 0:
            around.record = row
    around.sets = sets_of(batch, row)
    _total(batch, row, around.sets)
    for level in levels:
        _judge(batch, [r for r in level if r.action != "delete"])
    if any(around.sets.values()):
        rejected, row.rejected = (
            row.rejected,
            False,
        )  # what else is wrong keeps no rule over the sets from being told
        check.check_conditions(batch, row.program, [row], late=True)
        row.rejected = row.rejected or rejected
    return Preview(batch, row, around.sets)


def _known(call: Call, object: str) -> None:
    found = call.model.object(object)
    if found is None or isinstance(row_rule(call.model, call.actor, "read", found.name), Deny):
        raise NotFound(Phrase("there is no object {object!r}", object=object))


def _never(_: Sequence[Change]) -> list[Outcome]:
    raise AssertionError("a preview saves nothing")


def _read(batch: Batch, level: Sequence[Row]) -> None:
    """The rows that are there already, without a lock."""
    for program, rows in by_object(r for r in level if not r.rejected and not r.fresh):
        found = load.read_images(batch, batch.conn, program, [r.id for r in rows], program.peek)
        for row in rows:
            image = found.get(row.id)
            if image is None or image.get("deleted_at") is not None:
                if row.master is None:
                    raise NotFound(Phrase("there is no such {object}", object=row.object))
                row.wrong(
                    "not_found",
                    Phrase("there is no {object} {id}", object=batch.object_label(row.object), id=row.id),
                )
                continue
            load.accept(batch, row, image)
    authorise.authorise(batch, [r for r in level if not r.fresh])
    for row in level:
        _shut(row)


def _shut(row: Row) -> None:
    """What he may not read or change opens no form: the record is answered as by a save, a detail shows nothing."""
    refused = next((p for p in row.problems if not row.fresh and p.code in ("not_found", "forbidden")), None)
    if refused is None:
        return
    if row.master is not None:
        row.values = {**dict.fromkeys(row.values), "id": row.id}
        row.old = row.seen = dict(row.values)
    elif refused.code == "not_found":
        raise NotFound(Phrase("there is no such {object}", object=row.object))
    else:
        raise Forbidden(refused.message)


def _prepare(batch: Batch, level: Sequence[Row]) -> None:
    """Values as far as they can be known; one that cannot be read keeps no other from being worked out."""
    links.resolve(batch, bind(batch, level))
    wrong = [row for row in level if row.rejected]
    for row in wrong:
        row.rejected = False
    for program, rows in by_object(level):
        derive(batch, program, rows)
        before_rules(batch, program, rows)
        compute(batch, program, rows)
        bases(batch, program, rows)
    for row in wrong:
        row.rejected = True


def _total(batch: Batch, row: Row, sets: Sets) -> None:
    """The figures over the rows of the form, and what is worked out from them."""
    tally(batch, row, sets)
    rejected, row.rejected = row.rejected, False
    follow(batch, row.program, [row], {})
    bases(batch, row.program, [row], figures=True)
    row.rejected = row.rejected or rejected


def _judge(batch: Batch, level: Sequence[Row]) -> None:
    for program, rows in by_object(level):
        check.check_readonly(batch, program, rows)
        check.check_values(batch, program, rows)
        targets.check_conditions(batch, program, rows)
        check.check_conditions(batch, program, rows, late=False)
        look_first(batch, program, rows)
