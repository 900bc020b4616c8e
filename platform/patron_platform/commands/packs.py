"""`patron pack …`: begin, check, install, upgrade, uninstall, list and compare packs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

group = typer.Typer(help="Begin, check, install and compare packs.", no_args_is_help=True)
What = Annotated[
    str, typer.Argument(help="A pack's folder, or the name of an installed distribution's pack.")
]
Confirm = Annotated[str | None, typer.Option("--confirm", help="Checksum of the plan that was shown.")]
Mine = Annotated[
    list[str] | None, typer.Option("--mine", help="Keep this workspace's value of a conflict, or of `all`.")
]
Theirs = Annotated[
    list[str] | None,
    typer.Option("--theirs", help="Take the new version's value of a conflict, or of `all`."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="pack")


@group.command("new")
def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make; its name is the pack's.")],
    prefix: Annotated[str, typer.Option("--prefix", help="Prefix of its names, for example re_.")] = "",
    json: Json = False,
) -> None:
    """Makes a small working pack to begin with."""
    from patron_engine.pack.scaffold import new_pack

    made = [str(path) for path in new_pack(folder, folder.name, prefix=prefix)]
    say(
        json,
        {"files": made},
        lambda: typer.echo(f"{len(made)} files in {folder}; next: patron pack check {folder}"),
    )


@group.command("check")
def check(folder: What, data: Data = None, database: DatabaseUrl = None, json: Json = False) -> None:
    """Finds everything that is wrong with a pack: form, references, expressions, its own checks."""
    from patron_platform.checking import check_folder

    with opened(data, database) as service:
        result = check_folder(service, folder)

    def human() -> None:
        print_problems(
            sorted(result.problems, key=lambda p: p.level == "error")
        )  # errors last, beside the summary
        word = "in order" if result.passed else f"{len(result.errors)} problems"
        ran = f", checks passed: {', '.join(result.checks)}" if result.checks else ""
        typer.echo(f"pack {result.name} {result.version}: {word}{ran}")

    say(json, result.as_dict(), human)
    if not result.passed:
        raise typer.Exit(1)


@group.command("install")
def install(
    pack: What,
    workspace: InWorkspace,
    mine: Mine = None,
    theirs: Theirs = None,
    confirm: Confirm = None,
    yes: Yes = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Installs a pack, or another version of it, into a workspace."""
    from patron_platform.checking import named_packs
    from patron_platform.commands.conflicts import decided
    from patron_platform.commands.definitions import carry_out
    from patron_platform.workspace import plan_install

    with opened(data, database) as service:
        name, there = named_packs(pack)
        place = service.runtime.workspace(workspace)
        publication = decided(
            lambda choices: plan_install(place, (name,), there, choices), mine or (), theirs or ()
        )
        carry_out(place, publication, confirm=confirm, yes=yes, json=json)


group.command("upgrade", help="Installs another version of a pack; what admins changed stays.")(install)


@group.command("uninstall")
def uninstall(
    pack: Annotated[str, typer.Argument(help="Name of the pack.")],
    workspace: InWorkspace,
    confirm: Confirm = None,
    yes: Yes = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Takes a pack out of a workspace; its data stay aside."""
    from patron_platform.commands.definitions import carry_out
    from patron_platform.workspace import plan_uninstall

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        carry_out(place, plan_uninstall(place, pack), confirm=confirm, yes=yes, json=json)


@group.command("list")
def list_packs(
    workspace: InWorkspace, data: Data = None, database: DatabaseUrl = None, json: Json = False
) -> None:
    """Lists the packs of a workspace."""
    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        with place.connection("read") as conn:
            layers = [layer for layer in place.layers(conn) if not layer.own]
    rows = [
        {"pack": layer.name, "version": layer.version, "documents": len(layer.documents)} for layer in layers
    ]
    say(
        json,
        {"packs": rows},
        lambda: table(("pack", "version", "documents"), [tuple(row.values()) for row in rows]),
    )


@group.command("diff")
def diff(
    pack: What, workspace: InWorkspace, data: Data = None, database: DatabaseUrl = None, json: Json = False
) -> None:
    """Says what installing this version would change; changes nothing."""
    from patron_platform.checking import named_packs
    from patron_platform.commands.definitions import show_plan
    from patron_platform.workspace import plan_install

    with opened(data, database) as service:
        name, there = named_packs(pack)
        publication = plan_install(service.runtime.workspace(workspace), (name,), there)
    say(json, publication.as_dict(), lambda: show_plan(publication))
