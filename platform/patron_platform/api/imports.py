"""Imports over HTTP: a file in, its import's state, the refused rows, cancelling, taking back.

In: `POST /imports`, multipart: `file`, `object`, optional `mapping` (JSON), `match`, `trial` (rows to try; 0 all), `history`.
Out: 202 with the import's id; a worker carries it out. What is uploaded is in the database before the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import writable
from patron_engine.actor import Cause
from patron_engine.errors import Refused
from patron_engine.jsonio import dumps, whole
from patron_engine.problems import Problem
from patron_engine.query.names import permitted_object
from patron_engine.transfer import imports
from patron_engine.transfer.imports import Import
from patron_engine.transfer.report import write_report
from patron_engine.transfer.sheet import open_sheet
from patron_engine.transfer.suggest import suggest
from patron_engine.transfer.undo import undo as take_back
from patron_platform.api.body import read_json
from patron_platform.api.door import Caller, enter
from patron_platform.api.exports import sent
from patron_platform.api.requests import json_answer
from patron_platform.api.sheets import sent_sheet
from patron_platform.jobs.imports import queue, whose
from patron_platform.languages import asked
from patron_platform.phrases import Languages, written, written_fault

router = APIRouter(prefix="/imports")
FIELDS = ("object", "mapping", "match", "trial", "history", "sheet", "separator")
SAMPLE = 5  # rows a preview shows
FIRST = 100  # rows with a problem that an answer tells


@router.post("")
async def begin(request: Request) -> Response:
    """Queues an import; 202 with its id and where to look."""
    caller = await run_in_threadpool(enter, request)
    return await run_in_threadpool(_begin, caller, *await sent_sheet(request, FIELDS))


@router.post("/preview")
async def preview(request: Request) -> Response:
    """What a file holds and which fields its headings suggest; keeps nothing."""
    caller = await run_in_threadpool(enter, request)
    return await run_in_threadpool(_preview, caller, *await sent_sheet(request, FIELDS))


def _begin(caller: Caller, fields: Mapping[str, str], file: Path) -> Response:
    try:
        trial = fields.get("trial")
        count = None if trial is None else whole(trial, 9)
        if trial is not None and (count is None or count < 0):
            raise Refused(
                [
                    Problem(
                        code="not_integer", message="trial is how many rows to try; 0 means all", path="trial"
                    )
                ]
            )
        raw = _mapping(fields)
        begun = queue(
            caller.workspace, caller.actor, _object(fields), file, map=raw, match=fields.get("match"),
            trial=count, history=fields.get("history") == "true",
            sheet=fields.get("sheet"), separator=fields.get("separator"), name=fields["name"],
        )  # fmt: skip
    finally:
        file.unlink(missing_ok=True)
    body = {"id": begun.batch, "rows": begun.rows, "state": "waiting"}
    return json_answer(dumps(body), 202, {"Location": f"/api/v1/imports/{begun.batch}"})


def _preview(caller: Caller, fields: Mapping[str, str], file: Path) -> Response:
    try:
        sheet = open_sheet(file, separator=fields.get("separator"), sheet=fields.get("sheet"))
        rows = [cells for _, (_, cells) in zip(range(SAMPLE), sheet.rows(), strict=False)]
    finally:
        file.unlink(missing_ok=True)

    def act(_: Any, call: Any) -> dict[str, tuple[str, int]]:
        found = permitted_object(call, _object(fields), "import")
        return suggest(sheet.headings, found, writable(call.model, call.actor, found.name))

    guessed = caller.workspace.reading(caller.actor, act)
    body = {
        "form": sheet.form,
        "columns": [
            {"heading": heading, "field": guessed.get(heading, (None, 0))[0], "score": guessed.get(heading, (None, 0))[1],
             "sample": [cells[at] for cells in rows]}
            for at, heading in enumerate(sheet.headings)
        ],
    }  # fmt: skip
    return json_answer(dumps(body))


def _object(fields: Mapping[str, str]) -> str:
    if not fields.get("object"):
        raise Refused([Problem(code="required", message="say which object the rows become", path="object")])
    return fields["object"]


def _mapping(fields: Mapping[str, str]) -> Mapping[str, Any] | None:
    if not fields.get("mapping"):
        return None
    value = read_json("application/json", fields["mapping"].encode())
    if not isinstance(value, Mapping):
        raise Refused([Problem(code="not_object", message="mapping is a JSON object", path="mapping")])
    return value


@router.get("")
def list_imports(request: Request) -> Response:
    caller = enter(request)
    found = caller.workspace.reading(
        caller.actor, lambda conn, call: imports.listed(conn, call.schema, by=whose(caller.actor), limit=200)
    )
    return json_answer(dumps({"imports": [_told(i, asked(request)) for i in found]}))


@router.get("/{id}")
def read_import(request: Request, id: str) -> Response:
    """How it stands, with the first rows that were refused."""
    caller = enter(request)

    def act(conn: Any, call: Any) -> tuple[Import, list[Any]]:
        found = imports.status(conn, call.schema, id, by=whose(caller.actor))
        return found, list(islice(imports.faults(conn, call.schema, id), FIRST))

    found, refused = caller.workspace.reading(caller.actor, act)
    languages = asked(request)
    problems = [
        {"row": number, "problems": [written_fault(fault, languages) for fault in told]}
        for number, _, told in refused
    ]
    return json_answer(dumps({**_told(found, languages), "problems": problems}))


@router.get("/{id}/problems")
def read_problems(request: Request, id: str) -> Response:
    """The refused rows as CSV (`?form=xlsx`: a workbook), to be mended and imported again."""
    caller = enter(request)
    form, languages = "xlsx" if request.query_params.get("form") == "xlsx" else "csv", asked(request)

    def write(target: IO[bytes], conn: Any, call: Any) -> None:
        found = imports.status(conn, call.schema, id, by=whose(caller.actor))
        write_report(
            target, found.headings, lambda: imports.faults(conn, call.schema, id),
            lambda text: written(text, languages), workbook=form == "xlsx",
        )  # fmt: skip

    return sent(
        "problems",
        form,
        lambda target: caller.workspace.reading(caller.actor, lambda conn, call: write(target, conn, call)),
    )


@router.post("/{id}/cancel")
def cancel(request: Request, id: str) -> Response:
    caller = enter(request)

    def act(conn: Any, call: Any) -> Import:
        imports.status(conn, call.schema, id, by=whose(caller.actor))
        return imports.cancel(conn, call.schema, id)

    found = caller.workspace.writing(caller.actor, act)
    return json_answer(dumps(_told(found, asked(request))))


@router.post("/{id}/undo")
def undo(request: Request, id: str) -> Response:
    caller = enter(request)
    cause = Cause(kind="rollback", detail={"import": id})

    def act(conn: Any, call: Any) -> Any:
        imports.status(conn, call.schema, id, by=whose(caller.actor))
        return take_back(conn, call, id)

    done = caller.workspace.writing(caller.actor, act, cause)
    languages = asked(request)
    kept = [{"object": k.object, "id": k.id, "why": written(k.why, languages)} for k in done.kept]
    return json_answer(dumps({"restored": done.restored, "deleted": done.deleted, "kept": kept}))


def _told(found: Import, languages: Languages) -> dict[str, Any]:
    """An import as it stands in an answer."""
    return {**found.as_dict(), "error": written(found.error, languages) if found.error else None}
