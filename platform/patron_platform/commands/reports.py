"""`patron report`: lists the reports of a workspace, runs one, says how it is worked out."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patron_platform.commands.frame import Data, DatabaseUrl, InWorkspace, Json, opened, say, table

if TYPE_CHECKING:
    from patron_engine.report.answer import Answer

Name = Annotated[str, typer.Argument(help="API name of the report.")]
As = Annotated[
    str | None, typer.Option("--as", help="Under whose rights: e-mail of a user; the operator's without it.")
]
Parameter = Annotated[list[str] | None, typer.Option("--parameter", "-p", help="NAME=VALUE; more than one may be given.")]  # fmt: skip
AsOf = Annotated[str | None, typer.Option("--as-of", help="A past day or moment: the report as it was.")]
Since = Annotated[str | None, typer.Option("--since", help="An earlier one: each figure then, and by how much it changed.")]  # fmt: skip
Anew = Annotated[bool, typer.Option("--anew", help="Work it out anew, whatever is kept of it.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="List, run and explain reports.")
    group.command("list")(listed)
    group.command("run")(run)
    group.command("explain")(explain)
    app.add_typer(group, name="report")


def listed(
    workspace: InWorkspace,
    as_: As = None,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Lists the reports somebody may open."""
    from patron_engine.ways import figure

    def look(conn: Any, call: Any) -> list[dict[str, str]]:
        bodies = [call.model.documents["report", name] for name in figure.reports_of(call)]
        return [{"name": b["name"], "type": b["type"], "object": b.get("object") or ""} for b in bodies]

    found = _looked(data, database, workspace, as_, look)
    say(
        json,
        {"reports": found},
        lambda: table(("report", "type", "object"), [tuple(r.values()) for r in found]),
    )


def run(
    name: Name,
    workspace: InWorkspace,
    as_: As = None,
    parameter: Parameter = None,
    anew: Anew = False,
    as_of: AsOf = None,
    since: Since = None,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Works a report out and prints its figures."""
    from patron_engine.report.wire import as_json
    from patron_engine.ways import figure

    given = _given(parameter)

    def look(conn: Any, call: Any) -> Answer:
        dated = _moments(as_of, since)
        return figure.run(conn, call, figure.request_of(call, name, parameters=given, anew=anew, as_of=dated))

    found = _looked(data, database, workspace, as_, look)
    say(json, as_json(found, ("en",)) if json else None, lambda: _printed(found))


def explain(
    name: Name,
    workspace: InWorkspace,
    as_: As = None,
    parameter: Parameter = None,
    as_of: AsOf = None,
    since: Since = None,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Says what a report groups and counts, how nothing is counted twice, its SQL, what the database expects."""
    from patron_engine.ways import figure

    given = _given(parameter)

    def look(conn: Any, call: Any) -> str:
        dated = _moments(as_of, since)
        return figure.explain(conn, call, figure.request_of(call, name, parameters=given, as_of=dated))

    text = _looked(data, database, workspace, as_, look)
    say(json, {"plan": text}, lambda: typer.echo(text, nl=False))


def _looked(
    data: Path | None, database: str | None, workspace: str, as_: str | None, act: Callable[[Any, Any], Any]
) -> Any:
    """`act` with a connection and the frame of a call, under somebody's rights."""
    from patron_engine.errors import NotFound
    from patron_engine.query.call import Call
    from patron_engine.ways.standing import who_is
    from patron_platform.workspace import OPERATOR

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)

        def look(conn: Any, call: Call) -> Any:
            if as_ is None:
                return act(conn, call)
            user = _user(conn, call, as_)
            actor = who_is(conn, call, user) if user is not None else None
            if actor is None:
                raise NotFound(f"there is no user {as_}", hint="write the e-mail of one of the workspace")
            return act(conn, place.call(conn, actor))

        return place.reading(OPERATOR, look)


def _user(conn: Any, call: Any, email: str) -> str | None:
    from patron_engine.query.spec import Ask, quoted
    from patron_engine.ways.read import rows

    found = rows(conn, call, Ask(object="user", where=f"email == {quoted(email)}", fields=("id",), limit=1))
    return str(found[0]["id"]) if found else None


def _moments(as_of: str | None, since: str | None) -> Any:
    return as_of if since is None else {"from": since, **({"to": as_of} if as_of else {})}


def _given(parameter: list[str] | None) -> dict[str, str]:
    from patron_engine.errors import WrongUse

    wrong = next((text for text in parameter or () if "=" not in text), None)
    if wrong is not None:
        raise WrongUse(
            f"--parameter {wrong}: this is no NAME=VALUE", hint="for example --parameter since=2026-01-01"
        )
    return {name: value for name, _, value in (text.partition("=") for text in parameter or ())}


def _printed(found: Answer) -> None:
    """One line a row, the figures of each column beside one another, totals last."""
    heads = [a.name for a in found.rows]
    for column in found.column_keys:
        above = " ".join(_called(found, found.columns, column))
        heads += [f"{above} {f.name}".strip() for f in found.figures]
    rows = [
        [*_called(found, found.rows, row), *(v for c in found.column_keys for v in _figures(found, row, c))]
        for row in found.row_keys
    ]
    if found.rows:
        rows.append(
            [
                "all",
                *[""] * (len(found.rows) - 1),
                *(v for c in found.column_keys for v in _figures(found, (), c)),
            ]
        )
    table(heads, rows)
    for note in found.notes:
        typer.echo(note, err=True)


def _called(found: Answer, axes: Any, key: Any) -> list[str]:
    from patron_engine.model.model import say as said
    from patron_engine.report.answer import REST

    names = []
    for axis, member in zip(axes, key, strict=True):
        option = found.options.get((axis.name, member))
        title = said(option) if option else found.titles.get((axis.name, member))
        names.append("other" if member is REST else "-" if member is None else title or str(member))
    return names


def _figures(found: Answer, row: Any, column: Any) -> list[str]:
    from patron_engine.jsonio import decimal_text

    values = found.cells.get((row, column), (None,) * len(found.figures))
    return ["" if v is None else decimal_text(v) if isinstance(v, Decimal) else str(v) for v in values]
