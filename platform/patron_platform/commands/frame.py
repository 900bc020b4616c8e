"""What every command shares: its common options, how it opens the service, how it answers people and machines.

In: options. Out: an open `Service`, text for people or one JSON value for `--json`, and an exit code. The engine is
imported only when a command runs, so that `patron --help` is quick.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from patron_engine.problems import Problem
    from patron_platform.service import Service

Data = Annotated[
    Path | None, typer.Option("--data", help="Folder of the embedded database.", show_default=False)
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database", help="PostgreSQL URL instead of the embedded database.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with JSON, for machines.")]
InWorkspace = Annotated[str, typer.Option("--workspace", "-w", help="Name of the workspace.")]


@contextmanager
def opened(data: Path | None, database: str | None) -> Iterator[Service]:
    """The service over the database the options name; closed at the end."""
    from patron_platform.service import open_service
    from patron_platform.settings import read_settings

    with open_service(read_settings(data=data, database=database)) as service:
        yield service


def say(as_json: bool, value: Any, human: Callable[[], None]) -> None:
    """Prints one JSON value, or lets `human` print for people."""
    if as_json:
        from patron_engine.jsonio import dumps

        sys.stdout.write(dumps(value).decode() + "\n")
    else:
        human()


def tell(as_json: bool, value: Any, text: str) -> None:
    """Prints one JSON value, or one line for people."""
    say(as_json, value, lambda: typer.echo(text))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """A table for people; numbers stand right."""
    from rich.console import Console
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numbers = rows and all(isinstance(row[index], int) for row in rows)
        made.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(
            *("" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row)
        )
    Console(soft_wrap=not sys.stdout.isatty()).print(made)


def print_problems(problems: Sequence[Problem]) -> None:
    """One line each, with file, line, place and hint, as editors understand them; to standard error."""
    for problem in problems:
        mark = "" if problem.level == "error" else f"{problem.level}: "
        sys.stderr.write(f"{mark}{problem}\n")


def run(app: typer.Typer) -> int:
    """Runs the application; turns errors into sentences and exit codes."""
    from patron_engine.errors import PatronError, WrongUse

    as_json = "--json" in sys.argv
    try:
        # Without its standalone mode typer gives the code of typer.Exit back instead of raising it.
        return int(app(standalone_mode=False) or 0)
    except typer.Abort:
        sys.stderr.write("stopped\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except PatronError as error:
        _say_error(error, as_json)
        return 2 if isinstance(error, WrongUse) else 1
    except OSError as error:
        if error.filename is None:
            raise
        _say_error(WrongUse(f"{error.filename}: {error.strerror}", code="file"), as_json)
        return 2
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # wrong options, said by typer
            if hasattr(error, "show"):
                error.show()
            return 2
        raise


def _say_error(error: Exception, as_json: bool) -> None:
    from patron_platform.commands.conflicts import conflict_lines

    problems = tuple(getattr(error, "problems", ()))
    detail, hint = str(error), getattr(error, "hint", None)
    if as_json:
        body: Mapping[str, Any] = {
            "error": getattr(error, "code", "error"),
            "detail": detail,
            "hint": hint,
            "problems": [p.as_dict() for p in problems],
        }
        if getattr(error, "values", None):
            body = {**body, "values": error.values}  # type: ignore[attr-defined]
        sys.stdout.write(json.dumps(body, ensure_ascii=False, default=str) + "\n")
        return
    print_problems(problems)
    for line in conflict_lines(getattr(error, "values", None) or {}):
        sys.stderr.write(f"{line}\n")
    if not problems or detail != problems[0].message:
        sys.stderr.write(f"patron: {detail}\n")
    if hint:
        sys.stderr.write(f"        {hint}\n")
