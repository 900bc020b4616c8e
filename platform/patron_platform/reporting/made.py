"""Made: a report as a file: what pages offer for download and what schedules send.

In: a connection, the frame of a call of whoever gets it, a report's body and request, a form, a Reader. Out: the file, and a note in the
audit. The right to export is that of the objects the report is over; a list is exported as every list is, all of its records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final, Literal, get_args

import psycopg

from patron_engine.errors import Refused
from patron_engine.page.figure_text import Words
from patron_engine.page.figures import table_of
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.record.watch import noted
from patron_engine.report.answer import Request, Spot
from patron_engine.transfer.export import export
from patron_engine.ways import figure
from patron_platform.personal import objects_of
from patron_platform.reporting.sheet import write_csv, write_workbook

Connection = psycopg.Connection[Any]
As = Literal["xlsx", "csv", "pdf"]
FORMS: Final[tuple[As, ...]] = get_args(As)
EVERY: Final = (1_000_000, 16_000)  # lines and columns of a file; figures have a limit of their own


def form_named(text: str) -> As:
    """Refused for a form no file has."""
    found = next((form for form in FORMS if form == text), None)
    if found is None:
        said = Phrase("a report is exported as {forms}", forms=list(FORMS))
        raise Refused([Problem(code="unknown_value", message=said, path="as")])
    return found


def make(
    conn: Connection, call: Call, name: str, request: Request, form: As, reader: Reader, words: Words, target: IO[bytes]
) -> int:  # fmt: skip
    """Writes the file; how many lines it has. Forbidden without the right to export, LimitExceeded for what is too large."""
    body = request.body
    for object in objects_of(body):
        permitted_object(call, object, "export")
    title = reader.say(body.get("label"), name)
    if body["type"] == "list":
        return _listed(conn, call, request, form, target)
    answer = figure.run(conn, call, request)
    table = table_of(answer, body.get("totals") or (), reader, words, EVERY)
    about = [reader.moment(call.now), *(reader.words(note) for note in answer.notes)]
    if form == "csv":
        count = write_csv(table, target)
    elif form == "xlsx":
        count = write_workbook(table, title, about, target)
    else:
        from patron_platform.reporting.paper import write_pdf  # a tenth of a second that no start waits for

        count = write_pdf(table, title, about, reader.languages[0], target)
    detail: Mapping[str, Any] = {
        "report": name,
        "records": count,
        "form": form,
        "where": " and ".join(request.filters) or None,
    }
    noted(conn, call, "exported", objects_of(body)[0], detail)
    return count


def _listed(conn: Connection, call: Call, request: Request, form: As, target: IO[bytes]) -> int:
    """A report that is a list: its columns and order, as a list is exported."""
    if form == "pdf":
        said = Phrase("a list is exported as {forms}", forms=["xlsx", "csv"])
        raise Refused([Problem(code="unknown_value", message=said, path="as")])
    ask = figure.drill(conn, call, request, Spot())
    columns = [c if isinstance(c, str) else str(c["field"]) for c in request.body.get("columns") or ()]
    return export(
        conn, call, ask.object, target, form=form, where=ask.where, sort=ask.sort, fields=columns, labels=True,
        bom=True,
    )  # fmt: skip
