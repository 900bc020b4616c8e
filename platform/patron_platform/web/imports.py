"""Imports: those somebody began, how one stands, its rows with a problem as a file, stopping it and taking it back.

In: `GET /w/{workspace}/imports`, `GET …/{batch}`, `…/{batch}/problems?form=csv|xlsx`, `…/{batch}/undo` (asks), `POST …/{batch}/cancel`,
`POST …/{batch}/undo`. Out: pages, the file; after a post 303 to the import, or a page of the records that stay. Everybody sees his own
imports, an administrator all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import Cause
from patron_engine.errors import Conflict
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.query.titles import titles_of
from patron_engine.transfer import drafts, imports
from patron_engine.transfer.imports import Import
from patron_engine.transfer.report import write_report
from patron_engine.transfer.undo import undo as take_back
from patron_platform.api.exports import sent
from patron_platform.jobs.imports import whose
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.import_state import needed, object_name, state_of, undoable
from patron_platform.web.list_export import UNFIT
from patron_platform.web.render import HEADERS, page, part, partial_wanted
from patron_platform.web.texts import texts_in
from patron_platform.web.undone import WHYS, told_of
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/imports", include_in_schema=False)
SHOWN = 200
Connection = psycopg.Connection[Any]


@router.get("")
def every(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    t = texts_in(visitor.languages[0])
    everybody = visitor.actor.administrator
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = imports.listed(conn, call.schema, by=whose(visitor.actor), trials=False, limit=SHOWN)
        waiting = drafts.listed(conn, call)
        return page(
            visitor, call, "imports.html", title=t("imports.all" if everybody else "imports.mine"), here="imports",
            imports=_lines(visitor, conn, call, found), everybody=everybody, days=drafts.DAYS, most=drafts.MOST,
            waiting=[
                {"draft": d, "at": visitor.reader(call).moment(d.at), "into": object_name(visitor, call, d.object)}
                for d in waiting
            ],
        )  # fmt: skip


@router.get("/{batch}")
def one(request: Request, workspace: str, batch: str) -> Response:
    """How it stands. A script asks for its inside until it has ended."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        it = imports.status(conn, call.schema, batch, by=whose(visitor.actor))
        values = {**state_of(visitor, conn, call, it), "poll": visitor.url("imports", it.batch)}
        if partial_wanted(request):
            return part(visitor, call, "_import_state.html", **values)
        t, at = texts_in(visitor.languages[0]), visitor.reader(call).moment(it.at)
        return page(
            visitor,
            call,
            "import.html",
            title=t("imports.title", name=values["name"]),
            here="imports",
            at=at,
            **values,
        )


@router.get("/{batch}/problems")
def problems(request: Request, workspace: str, batch: str) -> Response:
    """The rows with a problem as they stood, with row, column and reason."""
    visitor = enter(request, workspace)
    t = texts_in(visitor.languages[0])
    form = "xlsx" if request.query_params.get("form") == "xlsx" else "csv"
    heads = (t("imports.row"), t("imports.problem_column"), t("imports.problem"))
    with visitor.workspace.connection("read") as conn:
        it = imports.status(conn, visitor.workspace.schema, batch, by=whose(visitor.actor))
        name = UNFIT.sub(" ", t("imports.problems_name", name=it.name.rpartition(".")[0] or it.name))
        return sent(
            name.strip(". "),
            form,
            lambda target: write_report(
                target, it.headings, lambda: imports.faults(conn, visitor.workspace.schema, batch), visitor.words,
                workbook=form == "xlsx", heads=heads,
            ),
            HEADERS,
        )  # fmt: skip


@router.post("/{batch}/cancel")
def cancel(request: Request, workspace: str, batch: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))

    def act(conn: Connection, call: Call) -> Import:
        imports.status(conn, call.schema, batch, by=whose(visitor.actor))
        return imports.cancel(conn, call.schema, batch)

    visitor.workspace.writing(visitor.actor, act)
    return see_other(visitor.url("imports", batch))


@router.get("/{batch}/undo")
def sure(request: Request, workspace: str, batch: str) -> Response:
    """Asks before an import is taken back."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        it = imports.status(conn, call.schema, batch, by=whose(visitor.actor))
        values = state_of(visitor, conn, call, it, first=0)
        if not values["undoable"]:
            return see_other(visitor.url("imports", it.batch))
        title = texts_in(visitor.languages[0])("imports.undo_title")
        return page(visitor, call, "import_undo.html", title=title, here="imports", **values)


@router.post("/{batch}/undo")
def undo(request: Request, workspace: str, batch: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    cause = Cause(kind="rollback", detail={**visitor.cause.detail, "import": batch})

    def act(conn: Connection, call: Call) -> Any:
        it = imports.status(conn, call.schema, batch, by=whose(visitor.actor))
        for right in needed(it):
            permitted_object(call, it.object, right)
        return take_back(conn, call, batch)

    back = visitor.url("imports", batch)
    try:
        done = visitor.workspace.writing(visitor.actor, act, cause)
    except Conflict:  # it runs, or was taken back in another window: its page says so
        return see_other(back)
    if not done.kept:
        return see_other(back)
    t = texts_in(visitor.languages[0])
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        stayed = [
            replace(one, why=t(f"lists.kept_{one.why}") if one.why in WHYS else visitor.words(one.why))
            for one in told_of(conn, call, done.kept)
        ]
        said = t("lists.undone_some", n=done.restored + done.deleted, kept=len(stayed))
        return page(
            visitor, call, "list_result.html", title=t("imports.undone_said"), here="imports", told=stayed, said=said,
            head=t("lists.stayed"), back=back,
        )  # fmt: skip


def _lines(visitor: Visitor, conn: Connection, call: Call, found: list[Import]) -> list[dict[str, Any]]:
    """Imports as the page writes them."""
    people = list(dict.fromkeys(it.by for it in found if it.by))
    names = titles_of(conn, call, {"user": people}) if people and "user" in call.model.objects else {}
    reader = visitor.reader(call)
    return [
        {
            "it": it, "at": reader.moment(it.at), "into": object_name(visitor, call, it.object),
            "who": names.get(("user", it.by or ""), ""), "state": "undone" if it.undone else it.state,
            "undoable": undoable(call, it),
        }
        for it in found
    ]  # fmt: skip
