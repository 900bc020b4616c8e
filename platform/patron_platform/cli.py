"""`patron`: the commands. This file only names them; each group has a file under commands/.

Exit codes: 0 done; 1 the answer is no (problems, not found, conflict); 2 wrong use. Every command takes `--data`,
`--database` and `--json`.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from patron_platform.commands import (
    access,
    automations,
    definitions,
    packs,
    people,
    privacy,
    reports,
    serving,
    transfer,
    workspaces,
)

app = typer.Typer(
    name="patron",
    help="Patron: a CRM platform made of definitions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _options(
    asked: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if asked:
        typer.echo(f"patron {version('patron-crm')}")
        raise typer.Exit


serving.register(app)
workspaces.register(app)
people.register(app)
privacy.register(app)
packs.register(app)
definitions.register(app)
access.register(app)
automations.register(app)
reports.register(app)
transfer.register(app)
