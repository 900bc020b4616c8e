"""`patron import`, `patron export`, `patron undo`: records out of files and into files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from patron_engine.errors import WrongUse
from patron_platform.commands.frame import Data, DatabaseUrl, InWorkspace, Json, opened, say, table

if TYPE_CHECKING:
    from patron_engine.runtime import Workspace
    from patron_platform.jobs.imports import Told

SHOWN = 20  # refused rows that are printed; all of them are in the file of --problems


def register(app: typer.Typer) -> None:
    app.command("import")(import_file)
    app.command("export")(export_file)
    app.command("undo")(undo)


def import_file(
    object: Annotated[str, typer.Argument(help="Object whose records the rows become.")],
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, XLS or ODS.")],
    workspace: InWorkspace,
    map: Annotated[
        Path | None, typer.Option("--map", help="Mapping file; silent: headings are matched by name.")
    ] = None,
    match: Annotated[
        str | None, typer.Option("--match", help="Field that tells which record a row is.")
    ] = None,
    trial: Annotated[
        int | None, typer.Option("--trial", min=1, help="Try so many rows; change nothing.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try all rows; change nothing.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Old records: rules become warnings.")] = False,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet of a workbook; silent: the first.")
    ] = None,
    separator: Annotated[
        str | None, typer.Option("--separator", help="Separator of a CSV; silent: found.")
    ] = None,
    problems: Annotated[
        Path | None, typer.Option("--problems", help="File for the rows that were refused.")
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Imports a file; rows that cannot be saved are told, the others are saved."""
    from patron_platform.jobs.imports import carry_out, import_problems, queue
    from patron_platform.workspace import OPERATOR

    if not file.is_file():
        raise WrongUse(
            f"there is no file {file}", code="file_missing", hint="name a CSV, XLSX, XLS or ODS file"
        )
    if problems is not None:
        _writable(problems)
    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        begun = queue(
            place, OPERATOR, object, file, map=map, match=match, trial=0 if dry_run else trial, history=history,
            sheet=sheet, separator=separator,
        )  # fmt: skip
        with _progress(begun.rows, quiet=json) as told:
            made = carry_out(place, begun.batch, told)
        refused = import_problems(place, begun.batch, SHOWN if problems or not json else None)
        if problems is not None:
            _write_problems(place, begun.batch, problems)
    told_of = [{"row": number, "problems": found} for number, _, found in refused]
    say(json, {**made.as_dict(), "problems": told_of}, lambda: _report(made.as_dict(), refused, workspace))
    if made.state != "done" or made.counts["refused"]:
        raise typer.Exit(1)


@contextmanager
def _progress(rows: int, *, quiet: bool) -> Iterator[Told]:
    """A bar on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rows", total=rows)
        yield lambda progress: bar.update(task, completed=progress.get("done", 0))


def _report(made: Mapping[str, Any], refused: list[Any], workspace: str) -> None:
    if made["state"] == "failed":
        typer.echo(f"the import failed: {made['error']}")
    what = "tried, nothing was changed" if made["trial"] else made["name"]
    typer.echo(
        f"{what}: {made['done']:,} rows, {made['created']:,} created, {made['updated']:,} updated,"
        f" {made['unchanged']:,} unchanged, {made['refused']:,} refused"
    )
    if refused:
        lines = [
            (number, p.get("path", ""), p["message"] + (f" ({p['hint']})" if p.get("hint") else ""))
            for number, _, found in refused
            for p in found
        ]
        table(("row", "column", "problem"), lines)
        if (more := made["refused"] + made["warned"] - len(refused)) > 0:
            typer.echo(f"… and {more:,} more: --problems FILE writes all rows that were refused")
    if not made["trial"] and made["created"] + made["updated"]:
        typer.echo(f"`patron undo {made['id']} --workspace {workspace}` takes it back")


def _write_problems(place: Workspace, batch: str, path: Path) -> None:
    from patron_platform.jobs.imports import write_problems

    with path.open("wb") as file:
        write_problems(place, batch, file, path.suffix)


def undo(
    batch: Annotated[str, typer.Argument(help="The import's id, as it was printed.")],
    workspace: InWorkspace,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Takes an import back; records that people changed since are left alone and listed."""
    from patron_engine.actor import Cause
    from patron_engine.transfer.undo import undo as take_back
    from patron_platform.workspace import OPERATOR

    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        cause = Cause(kind="rollback", detail={"import": batch})
        done = place.writing(OPERATOR, lambda conn, call: take_back(conn, call, batch), cause)
    kept = [{"object": k.object, "id": k.id, "why": k.why} for k in done.kept]

    def human() -> None:
        typer.echo(f"{done.deleted:,} deleted, {done.restored:,} set back, {len(kept):,} left as they are")
        table(
            ("object", "record", "why"), [(k["object"], k["id"], k["why"]) for k in kept[:SHOWN]]
        ) if kept else None

    say(json, {"restored": done.restored, "deleted": done.deleted, "kept": kept}, human)


def export_file(
    object: Annotated[str, typer.Argument(help="Object whose records are written.")],
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, by its ending; `-` is standard output.")],
    workspace: InWorkspace,
    where: Annotated[str | None, typer.Option("--where", help="Condition that chooses records.")] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Fields, joined by commas; - before one: descending.")
    ] = None,
    fields: Annotated[
        str | None, typer.Option("--fields", help="Fields, joined by commas; paths are allowed.")
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Headings as people see them.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Writes records into a file that can be imported again."""
    from patron_engine.transfer.export import export
    from patron_platform.workspace import OPERATOR

    known = {".xlsx": "xlsx", ".csv": "csv", ".txt": "csv"}
    form = known.get(file.suffix.lower()) if str(file) != "-" else "csv"
    if form is None:
        raise WrongUse(
            f"{file}: an export is CSV or XLSX",
            code="file_form",
            hint=f"{file.stem}.csv, or - for standard output",
        )
    asked = {
        "where": where, "sort": tuple((sort or "").split(",")) if sort else (),
        "fields": tuple(fields.split(",")) if fields else (), "labels": labels,
    }  # fmt: skip
    with opened(data, database) as service, _target(file) as target:
        place = service.runtime.workspace(workspace)
        count = place.reading(
            OPERATOR,
            lambda conn, call: export(conn, call, object, target, form=form, **asked),  # type: ignore[arg-type]
        )
    if str(file) != "-":
        say(json, {"rows": count, "file": str(file)}, lambda: typer.echo(f"{count:,} rows in {file}"))


@contextmanager
def _target(file: Path) -> Iterator[IO[bytes]]:
    """Where an export goes. A file appears, or is replaced, when all of it is written; what fails leaves it as it was."""
    if str(file) == "-":
        yield sys.stdout.buffer
        return
    made = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with made.open("wb") as target:
            yield target
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)


def _writable(path: Path) -> None:
    """WrongUse unless a file can be made there: told before the work begins, not after it."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise WrongUse(f"{path} cannot be written", code="file", hint="name a file in a folder of your own")
