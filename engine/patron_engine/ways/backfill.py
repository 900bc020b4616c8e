"""Backfill: existing records get the stored formulas and roll-ups that a publication brought or changed.

    two models ──backfills──▶ Tasks (in the publication) ──handlers──▶ records, a few hundred a transaction

In: the model before and after; later a task's payload. Out: stored figures as a save would have left them: they are asked
and computed by the very functions a save uses, under the same row locks, so a save that happens meanwhile and the
back-fill cannot disagree. Touches neither version, updated_at nor history.

What reads a changed figure is filled after it, however many objects lie between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as own
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.actor import SYSTEM, Cause
from patron_engine.clock import Clock, system_clock
from patron_engine.fields.field import Field, Formula, Rollup
from patron_engine.model.model import LINKS, Model, Object
from patron_engine.query.call import Call
from patron_engine.record.batch import Batch
from patron_engine.record.change import Change, Outcome
from patron_engine.record.figures import refresh
from patron_engine.record.touch import Touch
from patron_engine.release.releases import current_release
from patron_engine.store.conversion import same_field
from patron_engine.store.locks import shared
from patron_engine.store.steps import DdlPlan, Task
from patron_engine.store.tables import Tables
from patron_engine.store.tasks import Chunk, Handler, Work

Connection = psycopg.Connection[Any]
Node = tuple[str, str]  # object, field

KIND = "backfill"
AT_ONCE = 500  # records of one transaction


# -- what has to be filled ---------------------------------------------------------------------------------------


def backfills(old: Model | None, new: Model, tables: DdlPlan) -> tuple[Task, ...]:
    """The task of a publication, or none: a new workspace and new objects have no records to fill."""
    if old is None:
        return ()
    nodes = due(old, new)
    if not nodes:
        return ()
    steps: list[dict[str, Any]] = []
    for object, field in nodes:
        table = new.objects[object].table
        if steps and steps[-1]["table"] == table:
            steps[-1]["fields"].append(field)
        else:
            steps.append({"table": table, "fields": [field]})
    names = ", ".join(f"{object}.{field}" for object, field in nodes)
    payload = {"release": new.release, "steps": steps}
    return (Task(kind=KIND, table=steps[0]["table"], payload=payload, rows=0, sentence=f"fill {names}"),)


def due(old: Model, new: Model) -> list[Node]:
    """Stored formulas and roll-ups that are new or say something else, and all that read them; read ones first."""
    before = {o.table: o for o in old.objects.values()}
    changed = {
        (o.name, f.name)
        for o in new.objects.values()
        if o.table in before
        for f in o.fields.values()
        if _figure(f) and _meaning(same_field(before[o.table], f)) != _meaning(f)
    }
    if not changed:
        return []
    reads = {
        (o.name, f.name): set(reads_of(new, o, f))
        for o in new.objects.values()
        for f in o.fields.values()
        if _figure(f)
    }
    order = _ordered(reads)
    for node in order:
        if reads[node] & changed:
            changed.add(node)
    known = {o.name for o in new.objects.values() if o.table in before}
    return [n for n in order if n in changed and n[0] in known and new.objects[n[0]].fields[n[1]].columns]


def reads_of(model: Model, object: Object, field: Field) -> Iterator[Node]:
    """The fields a formula or roll-up reads, on its own record and on others."""
    spec = field.spec
    if isinstance(spec, Formula):
        yield from _expression(model, object, spec.expression)
    elif isinstance(spec, Rollup):
        child = _end_of_sets(model, object, spec.path)
        if child is None:
            return
        if spec.field is not None:
            yield from _path(model, child, spec.field)
        if spec.where is not None:
            yield from _expression(model, child, spec.where, this=object)
        for path, _ in spec.sort:
            yield from _path(model, child, path)


def _expression(model: Model, object: Object, expression: Any, this: Object | None = None) -> Iterator[Node]:
    for path in expression.paths:
        first, _, rest = path.partition(".")
        if first == "this":
            yield from _path(model, this or object, rest)
        elif first not in ("me", "old"):
            yield from _path(model, object, path)
    for node in expression.aggregates:
        child = model.object(node.object)
        for inner in (node.value, node.condition):
            if child is not None and inner is not None:
                yield from _expression(model, child, inner, this=object)


def _path(model: Model, object: Object, path: str) -> Iterator[Node]:
    here: Object | None = object
    for step in path.replace("[", ".[").split("."):
        if here is None or not step:
            return
        if step.startswith("["):
            here = model.object(step.strip("[]'\""))
            continue
        field = here.field(step)
        if field is None:
            return
        yield here.name, field.name
        here = model.object(field.link.to[0]) if field.type in LINKS else None


def _end_of_sets(model: Model, object: Object, path: Sequence[str]) -> Object | None:
    here: Object | None = object
    for name in path:
        found = here.sets.get(here.aliases.get(name, name)) if here is not None else None
        here = model.object(found.object) if found is not None else None
    return here


def _ordered(reads: Mapping[Node, Iterable[Node]]) -> list[Node]:
    """Every figure after those it reads. Circles were refused when the model was compiled."""
    done: dict[Node, None] = {}
    under_way: set[Node] = set()

    def visit(node: Node) -> None:
        if node in done or node in under_way or node not in reads:
            return
        under_way.add(node)
        for read in sorted(reads[node]):
            visit(read)
        done[node] = None

    for node in sorted(reads):
        visit(node)
    return list(done)


def _figure(field: Field) -> bool:
    return isinstance(field.spec, Formula | Rollup)


def _meaning(field: Field | None) -> Any:
    """What a figure says and where it stands; equal meanings need no filling."""
    if field is None:
        return None
    columns = tuple((c.name, c.part) for c in field.columns)
    spec = field.spec
    if isinstance(spec, Formula):
        return ("formula", spec.expression.source, field.expr, columns)
    if isinstance(spec, Rollup):
        where = spec.where.source if spec.where is not None else None
        return ("rollup", spec.path, spec.function, spec.field, where, spec.sort, spec.deep, columns)
    return None


# -- filling -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fill:
    """Fills with the time of one clock; what a stored formula makes of TODAY is today's."""

    clock: Clock
    kept: dict[str, Tables] = own(
        default_factory=dict
    )  # of the last model of each schema: statements are made once

    def piece(self, conn: Connection, work: Work) -> Chunk:
        """The next records of the task's present step."""
        if work.current is None:
            raise LookupError("a back-fill needs the model in force")
        shared(conn, work.schema)
        model = work.current()
        if model.release != current_release(conn, work.schema):
            return Chunk(progress=work.progress)  # a release came this moment: look again
        steps = work.payload["steps"]
        at, after = work.progress.get("step", 0), work.progress.get("after")
        filled = work.progress.get("filled", 0)
        if at >= len(steps):
            return Chunk(progress=work.progress, done=True)
        object = next((o for o in model.objects.values() if o.table == steps[at]["table"]), None)
        touch = _touch(object, steps[at]["fields"]) if object is not None else None
        if object is None or touch is None:
            return Chunk(progress={"step": at + 1, "filled": filled})
        ids = _next_ids(conn, work.schema, object.table, after)
        if ids:
            batch = Batch(conn, self._call(work.schema, model), _saves_nothing)
            refresh(batch, {object.name: {id: touch() for id in ids}})
        if len(ids) < AT_ONCE:
            return Chunk(progress={"step": at + 1, "filled": filled + len(ids)})
        return Chunk(progress={"step": at, "after": ids[-1], "filled": filled + len(ids)})

    def _call(self, schema: str, model: Model) -> Call:
        return Call(
            workspace=schema,
            schema=schema,
            model=model,
            tables=self._tables(schema, model),
            actor=SYSTEM,
            now=self.clock(),
            cause=Cause(kind="system", detail={"backfill": model.release}),
        )

    def _tables(self, schema: str, model: Model) -> Tables:
        found = self.kept.get(schema)
        if found is None or found.model is not model:
            found = self.kept[schema] = Tables(model, schema)
        return found


def handlers(clock: Clock = system_clock) -> Mapping[str, Handler]:
    """The handler of back-fills, for `store.tasks.run_task`. Connections must be configured (store/session)."""
    return {KIND: Handler(run=_Fill(clock).piece)}


def _touch(object: Object, names: Iterable[str]) -> Any:
    """Makes the Touch of one record, or None when none of the fields is stored any more."""
    fields = [f for n in names if (f := object.field(n)) is not None and f.columns]
    figures = {f.name for f in fields if isinstance(f.spec, Rollup)}
    formulas = {f.name for f in fields if isinstance(f.spec, Formula)}
    if not figures and not formulas:
        return None
    return lambda: Touch(again=set(figures), formulas=set(formulas))


def _next_ids(conn: Connection, schema: str, table: str, after: str | None) -> list[str]:
    """Records of all kinds, the recycle bin included: what is restored must be right as well."""
    query = sql.SQL("SELECT id::text FROM {} WHERE id > {} ORDER BY id LIMIT {}").format(
        sql.Identifier(schema, table),
        sql.Literal(after or "00000000-0000-0000-0000-000000000000"),
        sql.Literal(AT_ONCE),
    )
    return [row[0] for row in conn.execute(query)]


def _saves_nothing(_: Sequence[Change]) -> list[Outcome]:
    raise LookupError("a back-fill creates no records")
