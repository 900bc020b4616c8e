"""`patron automation`: lists the automations of a workspace, tries one on records, replays one over existing records."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from patron_platform.commands.frame import Data, DatabaseUrl, InWorkspace, Json, opened, say

Name = Annotated[str, typer.Argument(help="API name of the automation.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="List, try and replay automations.")
    group.command("list")(listed)
    group.command("try")(try_)
    group.command("replay")(replay)
    app.add_typer(group, name="automation")


def listed(
    workspace: InWorkspace, data: Data = None, database: DatabaseUrl = None, json: Json = False
) -> None:
    """Lists what there is, what starts it, and whether it runs."""
    from patron_engine.flow.catalog import known
    from patron_platform.workspace import OPERATOR

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        found = place.reading(OPERATOR, lambda _, call: [a.as_dict(("en",)) for a in known(call.model)])

    def human() -> None:
        for one in found:
            mark = (
                "runs"
                if one["runs"]
                else "before"
                if one["before"]
                else "off"
                if not one["active"]
                else "not yet"
            )
            typer.echo(f"{one['name']:32} {mark:8} {one['object'] or '-':16} {', '.join(one['events'])}")

    say(json, {"automations": found}, human)


def try_(
    name: Name,
    workspace: InWorkspace,
    records: Annotated[list[str] | None, typer.Argument(help="Ids of records, at most 20.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=VALUE: a change that is supposed; more than one may be given.")
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Says what an automation would do with records, other automations included, and undoes it all."""
    from patron_engine.errors import WrongUse
    from patron_engine.ways.trying import Wanted, try_rule
    from patron_platform.jobs.flow import hands
    from patron_platform.trials import as_dict
    from patron_platform.workspace import OPERATOR

    wrong = next((text for text in change or () if "=" not in text), None)
    if wrong is not None:
        raise WrongUse(f"--set {wrong}: this is no FIELD=VALUE", hint="for example --set stage=won")
    wanted = Wanted(
        rule=name, records=tuple(records or ()), set={k: v for k, _, v in (t.partition("=") for t in change or ())}
    )  # fmt: skip
    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        who, _ = hands(place)
        made = place.writing(
            OPERATOR, lambda conn, call: [as_dict(call, one) for one in try_rule(conn, call, who, wanted)]
        )
    say(json, {"tried": made}, lambda: _told(made))


def _told(made: list[dict[str, Any]]) -> None:
    for one in made:
        why = "would run" if one["began"] else f"would not run ({one['why'] or 'refused'})"
        typer.echo(f"{one['record'] or '-'}: {why}")
        for part in one["parts"]:
            read = ", ".join(f"{k} = {v}" for k, v in part["read"].items())
            typer.echo(f"  {'+' if part['holds'] else '-'} {part['text']}  [{read}]")
        for problem in one["problems"]:
            typer.echo(f"  ! {problem['message']}")
        for run in one["runs"]:
            typer.echo(f"  {run['rule']}: {run['state']} {run['error'] or ''}".rstrip())
            for step in run["steps"]:
                typer.echo(f"    {step['step']}: {step['outcome']}")
                for did in step["changes"]:
                    typer.echo(f"      {did['action']} {did['object']} {did['set']}")
                for leaves in step["commands"]:
                    typer.echo(f"      {leaves}")
        if one["cut_short"]:
            typer.echo(f"  ended early: {one['cut_short']}")


def replay(
    name: Name,
    workspace: InWorkspace,
    where: Annotated[str | None, typer.Option("--where", help="Which records: a condition; all without it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Shows how many records an automation would be carried out for, asks, and queues it; a worker does it in batches."""
    from patron_engine.ways import replaying
    from patron_platform.workspace import OPERATOR

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        seen = place.reading(OPERATOR, lambda conn, call: replaying.preview(conn, call, name, where))
        typer.echo(f"{seen.fits} of {seen.looked_at} records looked at fit; {seen.total} in all", err=True)
        if not yes and not typer.confirm("begin?"):
            raise typer.Exit(1)
        made = place.writing(OPERATOR, lambda conn, call: replaying.begin(conn, call, name, where))
    say(json, made.as_dict(), lambda: typer.echo(f"replay {made.id} began"))
