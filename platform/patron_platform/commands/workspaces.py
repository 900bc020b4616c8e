"""`patron workspace …`: create, copy, list and drop workspaces."""

from __future__ import annotations

from typing import Annotated

import typer

from patron_platform.commands.frame import Data, DatabaseUrl, Json, opened, say, table

group = typer.Typer(help="Create, copy, list and drop workspaces.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="workspace")


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name: a-z, 0-9 and _, at most 40.")],
    pack: Annotated[list[str] | None, typer.Option("--pack", help="Pack to install; again for more.")] = None,
    admin: Annotated[str | None, typer.Option("--admin", help="E-mail of its administrator.")] = None,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Makes a workspace with the pack core and the packs named."""
    from patron_platform.workspace import make_workspace

    with opened(data, database) as service:
        made = make_workspace(service, name, packs=tuple(pack or ()), administrator=admin)
    say(
        json,
        made,
        lambda: typer.echo(f"workspace {name}: release {made['release']}, packs {', '.join(made['packs'])}"),
    )


@group.command("list")
def list_all(data: Data = None, database: DatabaseUrl = None, json: Json = False) -> None:
    """Lists the workspaces of this database."""
    from patron_platform.database.workspaces import list_workspaces

    with opened(data, database) as service, service.databases.system("read") as conn:
        found = list_workspaces(conn)
    rows = [{"name": w.name, "schema": w.schema, "state": w.state, "created_at": w.created_at} for w in found]
    if not rows:
        say(json, {"workspaces": []}, lambda: typer.echo("no workspaces yet: patron workspace create NAME"))
        return
    say(
        json,
        {"workspaces": rows},
        lambda: table(
            ("workspace", "schema", "state", "created"),
            [(r["name"], r["schema"], r["state"], f"{r['created_at']:%Y-%m-%d %H:%M}") for r in rows],
        ),
    )


@group.command("copy")
def copy(
    source: Annotated[str, typer.Argument(help="Name of the workspace to copy.")],
    target: Annotated[str, typer.Argument(help="Name of the copy.")],
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Copies a workspace with its definitions and records: a place to try something. Keys stay behind."""
    from patron_platform.database.workspaces import copy_workspace

    with opened(data, database) as service:
        with service.databases.system("job") as conn:
            copy_workspace(conn, service.databases, source, target)
        service.databases.forget(target)
    say(
        json,
        {"workspace": target, "copy_of": source},
        lambda: typer.echo(f"workspace {target} is a copy of {source}"),
    )


@group.command("drop")
def drop(
    name: Annotated[str, typer.Argument(help="Name of the workspace.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Drops a workspace with all its records, for good."""
    from patron_platform.database.workspaces import drop_workspace

    if not yes:
        typer.confirm(f"Drop the workspace {name} with all its records? This cannot be undone.", abort=True)
    with opened(data, database) as service:
        with service.databases.system("publish") as conn:
            drop_workspace(conn, service.databases, name)
        service.databases.forget(name)
    say(json, {"dropped": name}, lambda: typer.echo(f"workspace {name} is gone"))
