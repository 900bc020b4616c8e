"""`patron pull, plan, publish, releases, rollback, schema, doctor`: definitions as files, and what is in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patron_platform.commands.frame import (
    Data,
    DatabaseUrl,
    InWorkspace,
    Json,
    opened,
    print_problems,
    say,
    table,
)

if TYPE_CHECKING:
    from patron_engine.ways.publish import Publication

Folder = Annotated[Path, typer.Argument(help="Folder with the workspace's own definitions.")]
Confirm = Annotated[str | None, typer.Option("--confirm", help="Checksum of the plan that was shown.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    app.command("pull")(pull)
    app.command("plan")(plan)
    app.command("publish")(publish)
    app.command("releases")(list_releases)
    app.command("rollback")(roll_back)
    app.command("schema")(print_schema)
    app.command("doctor")(doctor)


def pull(
    folder: Folder,
    workspace: InWorkspace,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Writes the workspace's own layer into a folder; what you changed there is never overwritten."""
    from patron_platform.folder import write_folder

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        with place.connection("read") as conn:
            layers = place.layers(conn)
        made = write_folder(folder, layers)

    def human() -> None:
        typer.echo(f"{len(made.files)} files in {folder}")
        for name in made.removed:
            typer.echo(f"  removed {name}: what it said is in the files above, or gone from the workspace")
        for name in made.kept:
            typer.echo(f"  kept {name}: the workspace does not have it; publishing this folder adds it")

    say(json, {"files": made.files, "removed": made.removed, "kept": made.kept}, human)


def plan(
    folder: Folder,
    workspace: InWorkspace,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Says what publishing a folder would do; changes nothing."""
    from patron_platform.folder import plan_folder

    with opened(data, database) as service:
        publication = plan_folder(service.runtime.workspace(workspace), folder)
    say(json, publication.as_dict(), lambda: show_plan(publication))


def publish(
    folder: Folder,
    workspace: InWorkspace,
    confirm: Confirm = None,
    note: Annotated[str, typer.Option("--note", help="Why, for the list of releases.")] = "",
    yes: Yes = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Publishes a folder: exactly the plan that was shown, or nothing."""
    from patron_platform.folder import plan_folder

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        carry_out(place, plan_folder(place, folder, note), confirm=confirm, yes=yes, json=json)


def roll_back(
    number: Annotated[int, typer.Argument(help="Number of the release to go back to.")],
    workspace: InWorkspace,
    confirm: Confirm = None,
    yes: Yes = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Publishes the documents of an older release again; removed fields find their data."""
    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        carry_out(place, place.plan_rollback(number), confirm=confirm, yes=yes, json=json)


def carry_out(place: object, publication: Publication, *, confirm: str | None, yes: bool, json: bool) -> None:
    """Shows a plan, asks where nothing was confirmed, publishes it, and works off what it queued."""
    from patron_engine.runtime import Workspace
    from patron_platform.jobs.tasks import work_off
    from patron_platform.workspace import OPERATOR

    assert isinstance(place, Workspace)
    if publication.empty:
        say(json, {"release": publication.base, "changed": False}, lambda: typer.echo("nothing to publish"))
        return
    if confirm is None and not yes and not json:
        show_plan(publication)
        typer.confirm("Publish this plan?", abort=True)
    release = place.publish(OPERATOR, publication, confirm=confirm)
    work_off(place)
    say(
        json,
        {"release": release.number, "changed": True},
        lambda: typer.echo(f"release {release.number} is in force"),
    )


def show_plan(publication: Publication) -> None:
    """The plan for people."""
    typer.echo(f"plan on release {publication.base}, checksum {publication.checksum}")
    for change in publication.changes:
        typer.echo(str(change))
    for step in publication.tables.steps:
        rows = "" if step.rows is None else f", {step.rows:,} rows"
        back = "" if step.reversible else ", cannot be undone"
        typer.echo(f"  {step.phase}: {step.sentence} (lock: {step.lock}{rows}{back})")
    for task in (*publication.tables.tasks, *publication.fills):
        typer.echo(f"  afterwards: {task.sentence}")
    for shift in publication.access:
        typer.echo(f"  access: {shift.sentence}")
    if publication.checks:
        typer.echo(f"  checks passed: {', '.join(publication.checks)}")
    print_problems(publication.problems)
    if publication.empty:
        typer.echo("  nothing changes")


def list_releases(
    workspace: InWorkspace, data: Data = None, database: DatabaseUrl = None, json: Json = False
) -> None:
    """Lists the releases, the newest first."""
    from patron_engine.release.releases import releases

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        with place.connection("read") as conn:
            rows = releases(conn, place.schema)
    say(
        json,
        {"releases": [row.as_dict() for row in rows]},
        lambda: table(
            ("release", "kind", "by", "at", "note"),
            [(r.number, r.kind, r.author, f"{r.at:%Y-%m-%d %H:%M}", r.note) for r in rows],
        ),
    )


def print_schema(
    kind: Annotated[str | None, typer.Argument(help="Kind of definition; silent: their names.")] = None,
    json: Json = False,
) -> None:
    """Prints the JSON Schema of a kind of definition."""
    from json import dumps

    from patron_engine.errors import WrongUse
    from patron_engine.meta.kinds import KINDS, bundled_schema
    from patron_engine.problems import nearest

    if kind is None:
        say(json, {"kinds": list(KINDS)}, lambda: typer.echo("\n".join(KINDS)))
        return
    if kind not in KINDS:
        raise WrongUse(
            f"there is no kind {kind!r}", hint=nearest(kind, KINDS) or "`patron schema` lists them"
        )
    typer.echo(dumps(bundled_schema(kind), ensure_ascii=False, indent=2))


def doctor(
    workspace: Annotated[str | None, typer.Option("--workspace", "-w", help="Only this workspace.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Set figures right that have drifted.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Compares definitions, tables and figures; exit code 1 when something differs."""
    from patron_platform.workspace import examine, set_right

    with opened(data, database) as service:
        if repair:
            set_right(service, workspace)
        found = examine(service, workspace)
    problems = [p for ps in found.values() for p in ps]

    def human() -> None:
        for name, ps in found.items():
            wrong = sum(p.level == "error" for p in ps)
            typer.echo(f"{name}: {'in order' if not wrong else f'{wrong} problems'}")
        print_problems(list(dict.fromkeys(problems)))  # what is true of the whole server is said once

    say(json, {name: [p.as_dict() for p in ps] for name, ps in found.items()}, human)
    if any(p.level == "error" for p in problems):
        raise typer.Exit(1)
