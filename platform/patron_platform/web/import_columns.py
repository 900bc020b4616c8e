"""Import, second and third page: the columns of a file that was sent are said, and its first rows are tried.

In: `GET|POST …/imports/drafts/{draft}` (`c0`, `c1` … the fields, `existing`, `match` and other choices; `act`: check, try), `GET …/trial`,
`POST …/begin`, `POST …/discard`. Out: pages; what was said is kept before it is tried. A script that asks for a part gets what is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.beside import holds
from patron_engine.errors import PatronError, Refused
from patron_engine.model.model import Object
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.transfer import drafts, imports
from patron_engine.transfer.drafts import Draft
from patron_engine.transfer.reading import read_mapping
from patron_platform.jobs.imports import queue_draft
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.import_choices import (
    DATES,
    EXISTING,
    MARKS,
    Choice,
    Shown,
    choices_of,
    form_of,
    guessed,
    mapping_of,
    shown_of,
)
from patron_platform.web.import_state import state_of
from patron_platform.web.problems import said_of
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/imports/drafts/{draft}", include_in_schema=False)
TRIAL_ROWS = 5_000  # import_trial_rows
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the page says of the form: what is wrong at all and at a column, required fields without a column, columns left out."""

    wrong: list[str]
    at: Mapping[str, list[str]]
    required: list[str]
    left_out: list[str]
    unclear: bool = False


@router.get("")
def columns(request: Request, workspace: str, draft: str) -> Response:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = drafts.found(conn, call, draft)
        if found.batch is not None:
            return see_other(visitor.url("imports", found.batch))
        object = permitted_object(call, found.object, "import")
        choices = choices_of(call, object, visitor.reader(call), found.headings)
        shown = (
            guessed(call, object, found.headings, choices)
            if found.mapping is None
            else shown_of(found.mapping, object, found.headings, choices, history=found.history)
        )
        return _page(visitor, conn, call, found, object, choices, shown, None)


@router.post("")
def say(request: Request, workspace: str, draft: str, form: FormData) -> Response:
    """Checks what is said, or keeps it and begins the trial."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = drafts.found(conn, call, draft)
        object = permitted_object(call, found.object, "import")
        choices = choices_of(call, object, visitor.reader(call), found.headings)
        shown = form_of(given, found.headings)
        mapping = mapping_of(shown, object, found.headings, choices)
        error = _checked(call, found, object, mapping)
        if given.get("act") != "try" or error is not None or _unmatched(shown):
            return _page(
                visitor, conn, call, found, object, choices, shown, error, tried=given.get("act") == "try"
            )

    def act(conn: Connection, call: Call) -> None:
        locked = drafts.found(conn, call, draft, lock=True)  # by whatever writing of its id
        drafts.note(conn, call, locked.id, mapping=mapping, history=shown.history)
        queue_draft(conn, call, locked.id, trial=TRIAL_ROWS)

    try:
        visitor.workspace.writing(visitor.actor, act)
    except Refused as refused:
        with visitor.workspace.connection("read") as conn:
            call = visitor.workspace.call(conn, visitor.actor)
            return _page(visitor, conn, call, found, object, choices, shown, refused, tried=True)
    return see_other(visitor.url("imports", "drafts", found.id, "trial"))


@router.get("/trial")
def trial(request: Request, workspace: str, draft: str) -> Response:
    """What would happen. A script asks for its inside until it has ended."""
    visitor = enter(request, workspace)
    t = texts_in(visitor.languages[0])
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = drafts.found(conn, call, draft)
        if found.batch is not None:
            return see_other(visitor.url("imports", found.batch))
        if found.trial is None:
            return see_other(visitor.url("imports", "drafts", draft))
        it = imports.status(conn, call.schema, found.trial, by=str(visitor.actor.user))
        values = {
            **state_of(visitor, conn, call, it),
            "draft": found,
            "poll": visitor.url("imports", "drafts", found.id, "trial"),
        }
        if partial_wanted(request):
            return part(visitor, call, "_import_trial.html", **values)
        return page(
            visitor,
            call,
            "import_trial.html",
            title=t("imports.title", name=values["name"]),
            here=found.object,
            **values,
        )


@router.post("/begin")
def begin(request: Request, workspace: str, draft: str, form: FormData) -> Response:
    """The import itself, of what was tried and not said otherwise since."""
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))

    def act(conn: Connection, call: Call) -> str | None:
        found = drafts.found(conn, call, draft, lock=True)
        if found.batch is not None:
            return found.batch
        tried = imports.status(conn, call.schema, found.trial) if found.trial else None
        return queue_draft(conn, call, draft).batch if tried is not None and tried.state == "done" else None

    batch = visitor.workspace.writing(visitor.actor, act)
    if batch is None:
        return see_other(visitor.url("imports", "drafts", draft, "trial"))
    return see_other(visitor.url("imports", batch))


@router.post("/discard")
def discard(request: Request, workspace: str, draft: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))

    def act(conn: Connection, call: Call) -> None:
        found = drafts.found(conn, call, draft, lock=True)
        if found.batch is None:
            drafts.throw_away(conn, call, found)

    visitor.workspace.writing(visitor.actor, act)
    return see_other(visitor.url("imports"))


def _checked(call: Call, draft: Draft, object: Object, mapping: Mapping[str, Any]) -> PatronError | None:
    try:
        read_mapping(mapping, call.model, call.actor, draft.headings, object=object.name)
    except Refused as refused:
        return refused
    return None


def _unmatched(shown: Shown) -> bool:
    """Records that exist are to be found, and nothing says by what."""
    return shown.existing != "new" and not shown.match


def _told(
    visitor: Visitor, draft: Draft, choices: list[Choice], shown: Shown, error: PatronError | None
) -> Told:
    t, words = texts_in(visitor.languages[0]), visitor.words
    at: dict[str, list[str]] = {}
    wrong: list[str] = [t("imports.match_needed")] if _unmatched(shown) else []
    problems = error.problems if isinstance(error, Refused) else ()
    unclear = any(p.code == "date_form_unclear" for p in problems)
    for p in problems:
        heading = next((h for h in draft.headings if f"{p.path}.".startswith(f"columns.{h}.")), None)
        if heading is not None:
            at.setdefault(heading, []).append(words(p.message))
        elif p.code != "match_missing":
            wrong.append(words(p.message) + (f" ({words(p.hint)})" if p.hint else ""))
    if error is not None and not problems:
        wrong += said_of(error, words)
    if unclear:
        wrong.append(t("imports.dates_unclear"))
    mapped = {v.partition("@")[0].partition(".")[0] for v in shown.columns if v}
    adds = shown.existing != "only"
    return Told(
        wrong=wrong, at=at, unclear=unclear,
        required=[c.text for c in choices if adds and c.required and c.value.partition("@")[0] not in mapped],
        left_out=[h for h, v in zip(draft.headings, shown.columns, strict=True) if not v],
    )  # fmt: skip


def _page(
    visitor: Visitor, conn: Connection, call: Call, draft: Draft, object: Object, choices: list[Choice], shown: Shown,
    error: PatronError | None, *, tried: bool = False,
) -> Response:  # fmt: skip
    told = _told(visitor, draft, choices, shown, error)
    if partial_wanted(visitor.request):
        return part(visitor, call, "_import_told.html", told=told)
    reader = visitor.reader(call)
    rows = drafts.sample(conn, call, draft)
    columns = [
        {
            "heading": heading,
            "value": shown.columns[n],
            "sample": [cells[n] for cells in rows if n < len(cells)],
        }
        for n, heading in enumerate(draft.headings)
    ]
    name = reader.say(object.plural or object.label, object.name)
    return page(
        visitor, call, "import_columns.html", title=texts_in(visitor.languages[0])("imports.title", name=name), here=object.name,
        draft=draft, object=object, columns=columns, choices=choices, tells=[c for c in choices if c.tells], shown=shown,
        told=told, existing=EXISTING, dates=DATES, marks=MARKS, old=holds(call.model, call.actor, "import_history"),
        most=reader.number(min(TRIAL_ROWS, draft.rows)), status=422 if tried and (told.wrong or told.at) else 200,
    )  # fmt: skip
