"""The way publish: draft → check → compile → diff → plan → one transaction → other processes follow.

    layers ──check──▶ problems? ──fold──▶ effective ──compile──▶ model ──diff──▶ changes
                                                        │
                     live catalogue ──────────────▶ tables planned ──▶ Publication (a value with a checksum)

    publish: documents · the workspace's lock · the same plan again? · DDL · release number · data of packs · NOTIFY
In: the layers someone wants. Out: a `Publication` that can be printed and compared, then a `Release`. What is published is
exactly the plan that was shown, or nothing: under the lock the plan is made again and its checksum compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.actor import Actor
from patron_engine.clock import Clock
from patron_engine.errors import Conflict, NotFound, Refused
from patron_engine.fields.vault import Vault
from patron_engine.jsonio import canonical, checksum
from patron_engine.meta.check import check_document
from patron_engine.meta.diff import DocumentChange, diff_bodies
from patron_engine.meta.layers import Effective, Layer, fold
from patron_engine.meta.translations import untranslated
from patron_engine.model.cache import uncollected
from patron_engine.model.compile import compile_model
from patron_engine.model.model import Model
from patron_engine.model.physical import EVERYTHING, Named, allocate
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems, beyond
from patron_engine.record import audit
from patron_engine.release.active import documents_of
from patron_engine.release.bodies import body_hash
from patron_engine.release.checked import check_layers, sound_layer
from patron_engine.release.drafts import drop_draft
from patron_engine.release.releases import (
    Kind,
    Release,
    current_release,
    hashes_of,
    layers_of,
    noted,
    write_documents,
    write_release,
)
from patron_engine.store import catalog, physical_rows
from patron_engine.store.apply import apply
from patron_engine.store.conversion import conversions
from patron_engine.store.desired import desired
from patron_engine.store.facts import gather
from patron_engine.store.plan import plan as plan_tables
from patron_engine.store.renames import carry_names
from patron_engine.store.shape import SchemaShape
from patron_engine.store.steps import DdlPlan, Task
from patron_engine.store.tasks import enqueue
from patron_engine.ways.backfill import backfills
from patron_engine.ways.packdata import write_data
from patron_engine.ways.pool_rows import left_alone
from patron_engine.ways.rehearse import rehearse
from patron_engine.ways.report_checks import report_problems
from patron_engine.ways.shifts import Shift, shifts_of

CHANNEL = "patron_release"  # NOTIFY payload: schema and number

TakeUp = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The plan of one publication.

    changes   documents added, changed, removed, property by property
    wanted    the tables of the new model
    tables    the plan that leads there from the tables there are, with risks
    fills     stored formulas and roll-ups that existing records get afterwards, as tasks
    problems  warnings and notes; a plan with errors is never made
    checks    the check documents that were rehearsed, all of them passed
    access    who gains or loses how many records
    checksum  of everything that would be done; two plans with one checksum do the same
    """

    kind: Kind
    base: int
    number: int
    note: str
    layers: tuple[Layer, ...]
    effective: Effective
    model: Model
    changes: tuple[DocumentChange, ...]
    wanted: SchemaShape
    tables: DdlPlan
    fills: tuple[Task, ...]
    problems: tuple[Problem, ...]
    checks: tuple[str, ...] = ()
    access: tuple[Shift, ...] = ()
    take_up: TakeUp = frozenset()
    checksum: str = ""

    @property
    def empty(self) -> bool:
        """Nothing would change."""
        return not self.changes and self.tables.empty

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "base": self.base,
            "number": self.number,
            "checksum": self.checksum,
            "changes": [change.as_dict() for change in self.changes],
            "tables": self.tables.as_dict(),
            "fills": [task.as_dict() for task in self.fills],
            "problems": [problem.as_dict() for problem in self.problems],
            "checks": list(self.checks),
            "access": [shift.as_dict() for shift in self.access],
        }


@uncollected()
def plan(
    conn: psycopg.Connection[Any],
    schema: str,
    layers: tuple[Layer, ...],
    *,
    old: Model | None,
    kind: Kind = "publish",
    note: str = "",
    take_up: TakeUp = frozenset(),
    then: tuple[Named, ...] = (),
    clock: Clock,
    vault: Vault | None = None,
) -> Publication:
    """What publishing these layers would do. Refused with all problems when it cannot be published.

    `old` is the model in force. `take_up` names removed fields whose old data the publication finds again; `then` are the
    names that columns had in the release it goes back to.
    """
    base = current_release(conn, schema)
    problems = Problems(check_layers(layers, hashes_of(conn, schema, base)))
    effective = fold(layers if not problems.errors else map(sound_layer, layers))
    problems.extend(beyond(problems, effective.problems))
    for key in effective.changes:  # what a change adds is checked where it stands
        if key in effective.documents:
            problems.extend(beyond(problems, check_document(effective.documents[key])))
    names = allocate(physical_rows.known_columns(conn, schema), take_up, then)
    model, found = compile_model(effective, names, base + 1, vault=vault, earlier=problems)
    problems.extend(found)
    if model is None or problems.errors:
        raise _refused(problems)
    problems.extend(report_problems(model, effective.documents, schema, clock))
    wanted = desired(model, schema, model.physical.aside)
    tables = _tables(conn, wanted, old, model)
    problems.extend(tables.risks)
    if problems.errors:
        raise _refused(problems)
    before = documents_of(conn, schema, base, old)
    changes = diff_bodies(before, model.documents)
    problems.extend(left_alone(conn, schema, changes))
    if problems.errors:
        raise _refused(problems)
    touched = [effective.documents[c.kind, c.name] for c in changes if c.action != "removed"]
    problems.extend(untranslated(before, touched, model.workspace.languages))
    checks, failures = rehearse(conn, model, changes, clock)
    if failures:
        raise Refused(failures, "checks fail", code="checks_fail", hint="mend the definitions or the checks")
    publication = Publication(
        kind=kind, base=base, number=base + 1, note=note, layers=layers, effective=effective, model=model, changes=changes,
        wanted=wanted, tables=tables, fills=backfills(old, model, tables), problems=tuple(problems), checks=checks,
        access=shifts_of(conn, schema, old, model, changes, clock), take_up=take_up,
    )  # fmt: skip
    return replace(publication, checksum=_checksum(publication))


def publish(
    conn: psycopg.Connection[Any],
    schema: str,
    publication: Publication,
    actor: Actor,
    *,
    confirm: str,
    old: Model | None,
    clock: Clock,
    draft: str | None = None,
) -> Release:
    """Publishes exactly this plan, in one transaction on `conn`, which must be outside one. `draft` ends with it.

    Conflict `plan_changed` when the plan with the checksum `confirm` is no longer what would be done, or
    `release_changed` when another release came first. On any failure nothing has changed.
    """
    if confirm != publication.checksum:
        raise Conflict(
            "this is not the plan that was confirmed", code="plan_changed", hint="plan again and confirm the new checksum",
            values={"confirmed": confirm, "planned": publication.checksum},
        )  # fmt: skip
    release = Release(
        number=publication.number,
        kind=publication.kind,
        author=actor.name,
        at=clock(),
        note=publication.note,
        base=publication.base,
        checksum=publication.checksum,
    )
    with conn.transaction():
        _still_the_same(conn, schema, publication, old)
        write_documents(conn, schema, publication.layers)
        apply(conn, publication.tables, zone=publication.model.workspace.zone)
        physical_rows.record_names(conn, schema, publication.model.physical, release.number)
        carry_names(conn, schema, old, publication.model)
        write_release(conn, schema, release, publication.layers, canonical(publication.as_dict()).decode())
        write_data(conn, schema, publication.model, clock, old)
        for task in publication.fills:
            enqueue(conn, schema, task)
        if draft is not None:
            drop_draft(conn, schema, draft)
        audit.write(
            conn, schema, actor, release.at, "published", f"release/{release.number}", release.as_dict()
        )
        conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, f"{schema} {release.number}"))
    return release


def _still_the_same(
    conn: psycopg.Connection[Any], schema: str, publication: Publication, old: Model | None
) -> None:
    """Holds off other publications from here on, and makes sure that nothing moved since the plan."""
    conn.execute(sql.SQL("SELECT release FROM {}.sys__state FOR UPDATE").format(sql.Identifier(schema)))
    number = current_release(conn, schema)
    if number != publication.base:
        raise Conflict(
            Phrase(
                "release {number} was published meanwhile; this plan was made on {base}",
                number=number,
                base=publication.base,
            ),
            code="release_changed",
            hint="plan again on the new release",
        )
    again = _tables(conn, publication.wanted, old, publication.model)
    if again.checksum != publication.tables.checksum:
        raise Conflict(
            "the tables are no longer as they were when this was planned",
            code="plan_changed",
            hint="plan again",
        )


def rollback(
    conn: psycopg.Connection[Any],
    schema: str,
    number: int,
    *,
    old: Model | None,
    clock: Clock,
    vault: Vault | None = None,
) -> Publication:
    """The plan of publishing an older release's documents again; removed fields find their data."""
    if number < 1:  # what was before the first one is an empty workspace, and nothing to go back to
        raise NotFound(Phrase("there is no release {number}", number=number), hint="see the list of releases")
    back: dict[str, Any] = {"kind": "rollback", "note": noted("rollback", str(number)), "take_up": EVERYTHING}
    names = physical_rows.names_in(conn, schema, number)
    layers = layers_of(conn, schema, number)
    return plan(conn, schema, layers, old=old, then=names, clock=clock, vault=vault, **back)


@uncollected()
def _tables(conn: psycopg.Connection[Any], wanted: SchemaShape, old: Model | None, model: Model) -> DdlPlan:
    live = catalog.read(conn, wanted.name)
    carried = conversions(old, model, live)
    facts = gather(conn, wanted, live, carried, model.workspace.zone)
    return plan_tables(wanted, live, facts, carried)


def _refused(problems: Problems) -> Refused:
    count = len(problems.errors)
    return Refused(
        tuple(problems),
        "1 problem stands in the way" if count == 1 else Phrase("{count} problems stand in the way", count=count),
        code="definitions_invalid",
    )  # fmt: skip


def _checksum(publication: Publication) -> str:
    return checksum(
        {
            "base": publication.base,
            "kind": publication.kind,
            "layers": [
                [layer.name, layer.version, [body_hash(d.body) for d in layer.documents]]
                for layer in publication.layers
            ],
            "tables": publication.tables.checksum,
            "fills": [[task.kind, task.table, dict(task.payload)] for task in publication.fills],
            "take_up": sorted(map(list, publication.take_up)),
        }
    )
