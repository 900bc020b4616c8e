"""`patron user handover`: what belongs to somebody who leaves goes to others."""

from __future__ import annotations

from typing import Annotated

import typer

from patron_platform.commands.frame import Data, DatabaseUrl, InWorkspace, Json, opened, say, table


def register(users: typer.Typer) -> None:
    users.command("handover")(hand_over)


def hand_over(
    email: Annotated[str, typer.Argument(help="E-mail of the user who leaves.")],
    workspace: InWorkspace,
    to: Annotated[
        list[str] | None, typer.Option("--to", help="E-mail of who takes over; several take turns.")
    ] = None,
    object: Annotated[
        list[str] | None,
        typer.Option("--object", help="OBJECT=E-MAIL: who takes over these; may stand several times."),
    ] = None,
    off: Annotated[bool, typer.Option("--switch-off", help="Switch the user off first.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Hands over all records and open tasks of a user to one successor or several."""
    from patron_engine.actor import SYSTEM, Cause
    from patron_engine.errors import WrongUse
    from patron_engine.ways import handover
    from patron_platform.jobs.handover import carry_out, user_of

    pairs = [part.partition("=") for part in object or ()]
    if any(not sign or not who for _, sign, who in pairs):
        raise WrongUse("--object is OBJECT=E-MAIL", hint="--object account=ann@example.com")
    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        with service.databases.system("read") as conn:
            user = user_of(conn, workspace, email)
            successors = [user_of(conn, workspace, one) for one in to or ()]
            named: dict[str, list[str]] = {}
            for name, _, who in pairs:
                named.setdefault(name, []).append(user_of(conn, workspace, who))
        counts = place.reading(SYSTEM, lambda conn, call: handover.belongings(conn, call, user))
        if dry:
            say(
                json,
                {"records": counts},
                lambda: table(("object", "records"), [(n, str(c)) for n, c in counts.items()]),
            )
            return
        cause = Cause(kind="system", detail={"by": "patron user handover"})
        if off:
            place.writing(SYSTEM, lambda conn, call: handover.switch_off(conn, call, user), cause)
        task = place.writing(
            SYSTEM, lambda conn, call: handover.begin(conn, call, user, successors, named), cause
        )
        run = carry_out(place, task)
    said = {"state": run.state, "moved": dict(run.moved), "refused": dict(run.refused), "why": run.why}
    rows = [
        (n, str(run.moved.get(n, 0)), str(run.refused.get(n, 0))) for n in sorted({*run.moved, *run.refused})
    ]
    say(json, said, lambda: table(("object", "handed over", "left"), rows))
    if run.state != "done" or run.refused:
        raise typer.Exit(1)
