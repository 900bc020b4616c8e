"""`patron person`: personal data: what there is, and one person's found, taken out and erased."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patron_platform.commands.frame import Data, DatabaseUrl, InWorkspace, Json, opened, say, table

if TYPE_CHECKING:
    from patron_engine.query.call import Call
    from patron_engine.ways.erase import Preview
    from patron_engine.ways.subject import Ref

Records = Annotated[list[str], typer.Argument(help="OBJECT/ID of each record of the person.")]
BY = "patron person"


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Personal data: what there is; find, export and erase one person.", no_args_is_help=True
    )
    group.command("list")(list_data)
    group.command("find")(find)
    group.command("export")(export)
    group.command("erase")(erase)
    app.add_typer(group, name="person")


def list_data(
    workspace: InWorkspace, data: Data = None, database: DatabaseUrl = None, json: Json = False
) -> None:
    """Lists the personal fields of every object, their kind, who reads them, how many records."""
    from patron_engine.actor import SYSTEM
    from patron_engine.ways.inventory import inventory

    with opened(data, database) as service:
        found = [e.as_dict() for e in service.runtime.workspace(workspace).reading(SYSTEM, inventory)]
    rows = [
        (e["object"], f["name"], f["kind"], e["records"], ", ".join(f["read"]), ", ".join(f["masked"]))
        for e in found
        for f in e["fields"]
    ]
    columns = ("object", "field", "kind", "records", "read by", "masked for")
    say(json, {"objects": found}, lambda: table(columns, rows))


def find(
    value: Annotated[str, typer.Argument(help="A phone number, an address, a name, exactly.")],
    workspace: InWorkspace,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Finds the records of a person across all objects, those in the recycle bin too."""
    from patron_engine.actor import SYSTEM
    from patron_engine.ways.subject import find_person

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        found = place.reading(SYSTEM, lambda conn, call: find_person(conn, call, value))
    told = [
        {"object": f.object, "id": f.id, "title": f.title, "deleted": f.deleted, "fields": f.fields}
        for f in found
    ]
    rows = [
        (f"{f.object}/{f.id}", f.title, ", ".join(f.fields), "recycle bin" if f.deleted else "")
        for f in found
    ]
    say(json, {"records": told}, lambda: table(("record", "title", "found in", ""), rows))
    if not found:
        raise typer.Exit(1)


def export(
    records: Records,
    workspace: InWorkspace,
    to: Annotated[Path, typer.Option("--to", help="The ZIP file that is written.")],
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Writes everything about a person into a ZIP file: person.json and the files of his records."""
    from patron_engine.actor import SYSTEM, Cause
    from patron_platform.privacy import write_zip

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        refs = place.reading(SYSTEM, lambda _, call: _refs(call, records))
        with to.open("xb") as target:
            write_zip(service, place, SYSTEM, Cause(kind="system", detail={"by": BY}), refs, target)
    say(json, {"file": str(to), "records": len(refs)}, lambda: typer.echo(f"{to}: {len(refs)} records"))


def erase(
    records: Records,
    workspace: InWorkspace,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only show what would be erased.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Erases the personal data of a person, after it was shown. It cannot be undone."""
    from patron_engine.actor import SYSTEM, Cause
    from patron_engine.ways.erase import preview
    from patron_platform import privacy

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        refs = place.reading(SYSTEM, lambda _, call: _refs(call, records))
        shown = place.reading(SYSTEM, lambda conn, call: preview(conn, call, refs))
        if dry or not json:
            say(json, shown.as_dict(), lambda: _show(shown))
        if dry:
            raise typer.Exit(1 if shown.against else 0)
        if not shown.against and not yes:
            typer.confirm("Erase this? It cannot be undone", abort=True, err=True)
        cause = Cause(kind="system", detail={"by": BY})
        done = privacy.erase(service, place, SYSTEM, cause, refs, shown.checksum)
    say(json, done.as_dict(), lambda: typer.echo("erased"))


def _show(shown: Preview) -> None:
    rows = [
        (f"{p.object}/{p.id}", p.title, ", ".join(p.fields), p.history, p.files, "copy" if p.copy else "")
        for p in shown.parts
    ]
    table(("record", "title", "fields", "history", "files", ""), rows)
    for one in shown.stays:
        typer.echo(f"stays: {one.records:,} {one.object}")
    for against in shown.against:
        typer.echo(f"against: {against.message}", err=True)


def _refs(call: Call, records: list[str]) -> list[Ref]:
    from patron_engine.ways.subject import refs_of

    parts = [record.partition("/") for record in records]
    return refs_of(call, [{"object": object, "id": id} for object, _, id in parts])
