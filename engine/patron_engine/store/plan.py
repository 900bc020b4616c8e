"""Plan: desired shapes against live ones → steps of the publishing transaction, and tasks for what cannot be in it.

In: two shapes, facts about the rows, conversions. Out: a DdlPlan, printable, with a checksum. Pure: the same input gives
the same plan, a plan for tables that are as desired is empty. Never talks to a database, never drops a table or a
column: what no model wants any more stays where it is.

Phases: *expand* makes room (new tables, columns, constraints not yet checked against rows), *backfill* carries values,
*contract* checks old rows and drops indexes nobody wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from patron_engine.jsonio import checksum
from patron_engine.names import composed
from patron_engine.store import ddl
from patron_engine.store.conversion import Conversion
from patron_engine.store.lint import lint
from patron_engine.store.shape import (
    FK_SUFFIX,
    ForeignKeyShape,
    IndexShape,
    SchemaShape,
    TableShape,
    fingerprint,
)
from patron_engine.store.steps import (
    AddCheck,
    AddColumns,
    AddForeignKey,
    Convert,
    CreateIndex,
    CreateTable,
    DdlPlan,
    DropConstraint,
    DropIndex,
    EmptyOrphans,
    Facts,
    Lock,
    Op,
    Phase,
    Step,
    Task,
    Validate,
    index_payload,
)

SMALL_TABLE = (
    10_000  # rows up to which an index is built and rows are checked within the publishing transaction
)
SMALL_CONVERSION = 2_000  # rows up to which values are converted there: about 50 ms
COPY_FROM = 1_200  # column numbers used up from which a table is copied
COLUMN_NUMBERS = 1_600  # PostgreSQL's end, dropped columns counted

MOMENT: Lock = "readers, a moment"
ROWS: Lock = "readers, while rows are changed"
WRITERS: Lock = "writers of both tables"
NO_LOCK: Lock = "none"


def plan(
    desired: SchemaShape,
    live: SchemaShape,
    facts: Facts | None = None,
    conversions: Sequence[Conversion] = (),
) -> DdlPlan:
    """Everything that has to happen so that `live` becomes `desired`."""
    facts = facts or Facts()
    draft = _Draft(schema=desired.name, facts=facts)
    for name, table in desired.tables.items():
        found = live.tables.get(name)
        if found is None:
            draft.create(table)
        else:
            draft.adapt(table, found)
    for conversion in conversions:
        draft.convert(conversion)
    steps = tuple(sorted(draft.steps, key=lambda s: ORDER.index(type(s.op))))
    tasks = tuple(draft.tasks)
    return DdlPlan(
        schema=desired.name,
        steps=steps,
        tasks=tasks,
        risks=lint(desired, live, steps, tasks, facts),
        checksum=checksum(
            [
                [list(s.sql) or s.sentence for s in steps],
                [[t.kind, t.table, t.payload] for t in tasks],
                fingerprint(live),
            ]
        ),
        previews=tuple(p.as_dict() for _, p in sorted(facts.previews.items())),
        conversions=tuple(conversions),
    )


ORDER: tuple[type[Op], ...] = (
    CreateTable, DropConstraint, DropIndex, AddColumns, AddCheck, Convert, EmptyOrphans, AddForeignKey, CreateIndex, Validate,
)  # fmt: skip


@dataclass(slots=True)
class _Draft:
    """Collects steps and tasks of one plan."""

    schema: str
    facts: Facts
    steps: list[Step] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    def small(self, table: str) -> bool:
        return self.facts.rows.get(table, 0) <= SMALL_TABLE

    def add(
        self,
        op: Op,
        phase: Phase,
        lock: Lock,
        sentence: str,
        *,
        table: str | None = None,
        reversible: bool = True,
    ) -> None:
        """`table` is given where rows are looked at."""
        rows = self.facts.rows.get(table, 0) if table else None
        text = tuple(ddl.text(s) for s in ddl.statements(self.schema, op))
        step = Step(
            op=op, phase=phase, lock=lock, rows=rows, reversible=reversible, sentence=sentence, sql=text
        )
        self.steps.append(step)

    def later(self, kind: str, table: str, payload: Mapping[str, Any], sentence: str) -> None:
        rows = self.facts.rows.get(table, 0)
        self.tasks.append(Task(kind=kind, table=table, payload=payload, rows=rows, sentence=sentence))

    def create(self, table: TableShape) -> None:
        self.add(CreateTable(table=table), "expand", NO_LOCK, f"create table {table.name}")
        for key in table.foreign_keys.values():
            op = AddForeignKey(table=table.name, key=key, check_rows=True)
            self.add(op, "expand", WRITERS, f"links {table.name}.{key.column} point at {key.target}")
        for index in table.indexes.values():
            self.add(CreateIndex(index=index), "expand", NO_LOCK, _index_sentence(index))

    def adapt(self, want: TableShape, have: TableShape) -> None:
        self._columns(want, have)
        self._foreign_keys(want, have)
        self._indexes(want, have)
        self._unchecked(want, have)

    def _columns(self, want: TableShape, have: TableShape) -> None:
        missing = tuple(c for name, c in want.columns.items() if name not in have.columns)
        names = {c.name for c in missing}
        if missing:
            checks = tuple(c for c in want.checks.values() if c.column in names)
            op = AddColumns(table=want.name, columns=missing, checks=checks)
            self.add(op, "expand", MOMENT, f"add to {want.name}: {', '.join(sorted(names))}")
        if have.used + len(missing) > COPY_FROM:
            self.later(
                "copy_table",
                want.name,
                {"table": want.name},
                f"copy table {want.name}: {have.used + len(missing)} of {COLUMN_NUMBERS} column numbers are used up",
            )
        for check in want.checks.values():
            if check.name not in have.checks and check.column not in names:
                op2 = AddCheck(table=want.name, check=check)
                self.add(op2, "expand", MOMENT, f"refuse impossible values in {want.name}.{check.column}")

    def _foreign_keys(self, want: TableShape, have: TableShape) -> None:
        for name, live in have.foreign_keys.items():
            key = want.foreign_keys.get(name)
            # a hand-made foreign key is left alone; the doctor names it
            if key is None and live.column in want.columns and _is_ours(live):
                self._drop_constraint(want.name, live, "no longer a link")
            elif key is not None and key.target != live.target:
                self._drop_constraint(want.name, live, f"points at {key.target} from now on")
        for name, key in want.foreign_keys.items():
            found = have.foreign_keys.get(name)
            if found is not None and found.target == key.target:
                continue
            if found is None and key.column in have.columns and self.small(want.name):
                orphans = EmptyOrphans(table=want.name, column=key.column, target=key.target)
                said = f"empty links in {want.name}.{key.column} whose record is gone"
                self.add(orphans, "backfill", ROWS, said, table=want.name, reversible=False)
            op = AddForeignKey(table=want.name, key=key, check_rows=self.small(want.name))
            said = f"links {want.name}.{key.column} point at {key.target}"
            self.add(op, "expand", WRITERS, said, table=want.name)

    def _drop_constraint(self, table: str, key: ForeignKeyShape, why: str) -> None:
        op = DropConstraint(table=table, name=key.name)
        self.add(op, "contract", MOMENT, f"{table}.{key.column}: {why}")

    def _indexes(self, want: TableShape, have: TableShape) -> None:
        for name, live in have.indexes.items():
            if name not in want.indexes and live.mark is not None and live.mark.startswith("patron "):
                self.add(DropIndex(name=name, table=want.name), "contract", MOMENT, f"drop index {name}")
        for name, index in want.indexes.items():
            found = have.indexes.get(name)
            if found == index:
                continue
            if not self.small(want.name):
                self.later("index_build", want.name, index_payload(index), _index_sentence(index))
                continue
            if found is not None:
                self.add(
                    DropIndex(name=name, table=want.name), "contract", MOMENT, f"drop the old index {name}"
                )
            self.add(CreateIndex(index=index), "expand", ROWS, _index_sentence(index), table=want.name)

    def _unchecked(self, want: TableShape, have: TableShape) -> None:
        """Constraints that old rows were never checked against: at once on a small table, else by a task."""
        names: list[str] = []
        for check in want.checks.values():
            known = have.checks.get(check.name)
            if known is None or not known.validated:
                names.append(check.name)
        orphans: list[dict[str, str]] = []
        for key in want.foreign_keys.values():
            live = have.foreign_keys.get(key.name)
            if live is not None and live.target == key.target and live.validated:
                continue
            if not self.small(want.name) or (live is not None and live.target == key.target):
                names.append(key.name)
            if key.column in have.columns and not self.small(want.name):
                orphans.append({"column": key.column, "target": key.target})
        if not names:
            return
        said = f"check the rows of {want.name} against {', '.join(names)}"
        if self.small(want.name):
            self.add(Validate(table=want.name, names=tuple(names)), "contract", ROWS, said, table=want.name)
        else:
            payload = {"table": want.name, "names": names, "orphans": orphans}
            self.later("validate_constraint", want.name, payload, said)

    def convert(self, conversion: Conversion) -> None:
        op = Convert(
            key=conversion.key,
            table=conversion.table,
            source=conversion.source,
            target=conversion.target,
            back=conversion.back,
        )
        said = conversion.sentence
        if self.facts.rows.get(conversion.table, 0) <= SMALL_CONVERSION:
            self.add(op, "backfill", ROWS, said, table=conversion.table)
        else:
            self.later("convert_column", conversion.table, conversion.payload(), said)


def touched(
    desired: SchemaShape, live: SchemaShape, conversions: Iterable[Conversion] = ()
) -> tuple[str, ...]:
    """Live tables that a plan would change: those whose rows are worth counting."""
    names = {n for n, t in desired.tables.items() if n in live.tables and not _settled(t, live.tables[n])}
    names |= {c.table for c in conversions if c.table in live.tables}
    return tuple(sorted(names))


def _settled(want: TableShape, have: TableShape) -> bool:
    return (
        want.columns.keys() <= have.columns.keys()
        and all(have.indexes.get(n) == i for n, i in want.indexes.items())
        and all(n in want.indexes for n in have.indexes)
        and want.foreign_keys == have.foreign_keys
        and all(have.checks.get(n) == c for n, c in want.checks.items())
        and have.used <= COPY_FROM
    )


def _is_ours(key: ForeignKeyShape) -> bool:
    return key.name == composed(key.column, FK_SUFFIX)


def _index_sentence(index: IndexShape) -> str:
    what = "unique index" if index.unique else "index"
    return f"{what} {index.name} on {index.table} ({', '.join(index.columns)})"
