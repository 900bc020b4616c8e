"""Lint: what a plan puts at risk, as coded Problems.

In: shapes, steps, tasks, facts about rows. Out: Problems; errors refuse the publication, warnings want a confirmation,
infos only tell. Pure.

Families: DS loses something or puts it aside, MF may fail on the data there is, BC breaks code that runs, LK makes others wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from patron_engine.problems import Problem, Problems
from patron_engine.store.conversion import Preview
from patron_engine.store.shape import SchemaShape
from patron_engine.store.steps import EmptyOrphans, Facts, Step, Task

COLUMN_LIMIT = 1_500  # columns of a table in use at once; PostgreSQL ends at 1,600


def lint(
    desired: SchemaShape,
    live: SchemaShape,
    steps: Sequence[Step],
    tasks: Sequence[Task],
    facts: Facts,
) -> tuple[Problem, ...]:
    """All risks of one plan, the same plan giving the same ones."""
    found = Problems()
    found.extend(_loses(desired, live, steps))
    found.extend(_may_fail(desired, facts))
    found.extend(_breaks(desired, live))
    found.extend(_makes_wait(steps, tasks))
    return tuple(found)


def _loses(desired: SchemaShape, live: SchemaShape, steps: Sequence[Step]) -> Iterator[Problem]:
    for step in steps:
        if isinstance(step.op, EmptyOrphans) and step.rows:
            yield Problem(code="ds_orphans", message=step.sentence, level="info", path=step.op.table)
    for name, want in desired.tables.items():
        have = live.tables.get(name)
        aside = [c.name for c in want.columns.values() if c.aside and have and c.name in have.columns]
        if aside:
            yield Problem(
                code="ds_kept_aside",
                message=f"{name}: {', '.join(sorted(aside))} of removed or retyped fields stay aside with their data",
                hint="publishing an older release finds them again",
                level="info",
                path=name,
            )


def _may_fail(desired: SchemaShape, facts: Facts) -> Iterator[Problem]:
    for (table, column), count in facts.links.items():
        if count:
            yield Problem(
                code="mf_link_target",
                message=f"{count} links in {table}.{column} point at records of the object before",
                hint="add a new field for the new object, and remove this one",
                path=f"{table}.{column}",
            )
    for name, samples in facts.duplicates.items():
        if not samples:
            continue
        index = next((t.indexes[name] for t in desired.tables.values() if name in t.indexes), None)
        place = f"{index.table}.{index.constraint or name}" if index else name
        shown = "; ".join(f"{s['count']} × {', '.join(str(v) for v in s['values'])}" for s in samples[:5])
        yield Problem(
            code="mf_unique_duplicates",
            message=f"records that {place} would keep apart are equal: {shown}",
            hint="merge or change these records, then plan again: " + ", ".join(samples[0]["ids"][:5]),
            path=place,
        )
    for preview in facts.previews.values():
        if preview.fails:
            yield Problem(
                code="mf_conversion_fails",
                message=(
                    f"{preview.key}: {preview.fails} of {preview.fails + preview.loses + preview.converts} values cannot"
                    f" become {preview.new_type}: {_samples(preview, 'why')}"
                ),
                hint="correct or empty these values, then plan again",
                path=preview.key,
            )
        if preview.loses:
            yield Problem(
                code="ds_conversion_loses",
                message=f"{preview.key}: {preview.loses} values lose something: {_samples(preview, 'becomes')}",
                hint="the values before stay aside; publishing the release before brings them back",
                level="warning",
                path=preview.key,
            )


def _samples(preview: Preview, what: str) -> str:
    chosen = [s for s in preview.samples if s.get(what) is not None][:3]
    return "; ".join(f"{s['value']!r} ({s[what]})" for s in chosen)


def _breaks(desired: SchemaShape, live: SchemaShape) -> Iterator[Problem]:
    """The live table was changed by hand in a way that no plan may put right by itself."""
    for name, want in desired.tables.items():
        have = live.tables.get(name)
        if have is None:
            continue
        for column in want.columns.values():
            found = have.columns.get(column.name)
            if found is not None and found.sql != column.sql:
                yield Problem(
                    code="bc_column_type",
                    message=f"{name}.{column.name} is {found.sql} in the database and {column.sql} by definition",
                    hint="patron doctor lists what was changed by hand",
                    path=f"{name}.{column.name}",
                )
        if len(want.columns) > COLUMN_LIMIT:
            yield Problem(
                code="limit_table_columns",
                message=f"{name} would have {len(want.columns)} columns, {COLUMN_LIMIT} are possible",
                hint="split the object in two",
                path=name,
            )


def _makes_wait(steps: Sequence[Step], tasks: Sequence[Task]) -> Iterator[Problem]:
    for step in steps:
        if step.lock == "readers, while rows are changed" and step.rows and step.rows > 1_000:
            yield Problem(
                code="lk_rows",
                message=f"{step.sentence}: readers of the table wait while {step.rows} rows are worked on",
                level="info",
            )
    for task in tasks:
        yield Problem(
            code="lk_task",
            message=f"{task.sentence} goes on after publishing (about {task.rows} rows)",
            level="info",
            path=task.table,
        )
