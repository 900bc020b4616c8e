"""Automations for administrators: what there is, tried on records, replayed over existing ones, their addresses.

In: `GET /w/{workspace}/automations`, `GET …/{name}?q=`, posts below it. Out: pages; a trial answers with the page and what would happen,
everything else with 303 back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import writable
from patron_engine.errors import NotFound, PatronError
from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field
from patron_engine.fields.link import read_id
from patron_engine.flow.catalog import Known, known
from patron_engine.model.model import Object
from patron_engine.page.asked import small_widget, wire_of
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.query.titles import titles_of
from patron_engine.ways import hooks, replaying, trying
from patron_engine.ways.read import read
from patron_platform.jobs.flow import hands
from patron_platform.trials import as_dict
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.automation_words import Told
from patron_platform.web.forms_in import FormData
from patron_platform.web.list_cells import read_text
from patron_platform.web.render import page
from patron_platform.web.run_words import Words
from patron_platform.web.texts import texts_in
from patron_platform.web.trial_words import named_in, would_leave, would_write
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/automations", include_in_schema=False)
Connection = psycopg.Connection[Any]
OFFERED = 10  # records to choose from
LONGEST = 500


@router.get("")
def automations(request: Request, workspace: str) -> Response:
    visitor = _administrator(request, workspace)

    def shown(conn: Connection, call: Call) -> Response:
        words = Words(call.model, visitor.reader(call))
        lines = [
            {
                "name": a.name, "label": words.rule(a.name), "object": words.object(a.object) if a.object else "",
                "events": [words.event(e) for e in a.events],
                "state": "runs" if a.runs else "before" if a.before else "off",
            }
            for a in known(call.model)
        ]  # fmt: skip
        title = texts_in(visitor.languages[0])("automations.title")
        return page(visitor, call, "automations.html", title=title, here="runs", lines=lines)

    return visitor.workspace.reading(visitor.actor, shown)


@router.get("/{name}")
def automation(request: Request, workspace: str, name: str) -> Response:
    visitor = _administrator(request, workspace)
    given = {n: request.query_params.get(n, "").strip()[:LONGEST] for n in ("q", "where")}
    looked = "where" in request.query_params
    return visitor.workspace.reading(
        visitor.actor, lambda conn, call: _drawn(visitor, conn, call, name, given, looked=looked)
    )


@router.post("/{name}/try")
def try_it(request: Request, workspace: str, name: str, form: FormData) -> Response:
    visitor = _administrator(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    who, _ = hands(visitor.workspace)
    chosen = forms_in.several(form, "id")

    def act(conn: Connection, call: Call) -> list[dict[str, Any]]:
        found = _known(call, name)
        object = call.model.objects[found.object] if found.object else None
        change = {}
        field = object.field(given.get("field", "")) if object is not None else None
        if field is not None:
            change = {field.name: _value(field, given.get("value", ""), visitor.reader(call))}
        wanted = trying.Wanted(rule=name, records=tuple(chosen), set=change)
        return [as_dict(call, one) for one in trying.try_rule(conn, call, who, wanted)]

    try:
        made: list[dict[str, Any]] = visitor.workspace.writing(visitor.actor, act, visitor.cause)
        wrong = ""
    except NotFound:
        raise
    except PatronError as error:
        made, wrong = [], visitor.words(error.detail)
    return visitor.workspace.reading(
        visitor.actor,
        lambda conn, call: _drawn(visitor, conn, call, name, given, tried=made, wrong=wrong, chosen=chosen),
    )


@router.post("/{name}/replay")
def replay(request: Request, workspace: str, name: str, form: FormData) -> Response:
    where = forms_in.texts(form).get("where", "").strip()[:LONGEST] or None
    return _done(request, workspace, name, form, lambda conn, call: replaying.begin(conn, call, name, where))


@router.post("/{name}/replays/{id}/{move}")
def move(request: Request, workspace: str, name: str, id: UUID, move: str, form: FormData) -> Response:
    if move not in replaying.MOVES:
        raise NotFound("there is no such page, or it is not yours to see")
    return _done(request, workspace, name, form, lambda conn, call: replaying.move(conn, call, str(id), move))


@router.post("/{name}/hook")
def hook(request: Request, workspace: str, name: str, form: FormData) -> Response:
    """`act`: `rotate` for another address, `signed` or `unsigned`."""
    visitor = enter(request, workspace)
    key, act = visitor.service.runtime.secret, forms_in.texts(form).get("act", "")

    def change(conn: Connection, call: Call) -> Any:
        if act == "rotate":
            return hooks.rotate(conn, call, key, name)
        return hooks.demand(conn, call, key, name, act == "signed")

    return _done(request, workspace, name, form, change)


def _done(
    request: Request, workspace: str, name: str, form: FormData, act: Callable[[Connection, Call], Any]
) -> Response:
    visitor = _administrator(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    try:
        visitor.workspace.writing(visitor.actor, act, visitor.cause)
    except NotFound:
        raise
    except PatronError as error:
        said = " ".join(visitor.words(p.message) for p in getattr(error, "problems", ())) or visitor.words(error.detail)  # fmt: skip
        return visitor.workspace.reading(
            visitor.actor, lambda conn, call: _drawn(visitor, conn, call, name, given, wrong=said)
        )
    return see_other(visitor.url("automations", name))


def _value(field: Field, text: str, reader: Reader) -> Any:
    """What was typed: an option by its name or as people call it."""
    try:
        return read_text(field, text, reader) if text else None
    except ValueFault:
        return wire_of(field, text, reader)  # the save says what is wrong with it


# -- the page -----------------------------------------------------------------------------------------------------


def _drawn(
    visitor: Visitor, conn: Connection, call: Call, name: str, given: Mapping[str, str], *,
    tried: list[dict[str, Any]] | None = None, wrong: str = "", chosen: tuple[str, ...] = (), looked: bool = False,
) -> Response:  # fmt: skip
    found = _known(call, name)
    reader, body = visitor.reader(call), call.model.documents["automation", name]
    words = Words(call.model, reader)
    object = call.model.objects[found.object] if found.object else None
    told = Told(conn, call, object, words)
    preview = None
    if looked and object is not None and not wrong:
        try:
            preview = replaying.preview(conn, call, name, given.get("where") or None)
        except PatronError as error:
            wrong = " ".join(visitor.words(p.message) for p in getattr(error, "problems", ())) or visitor.words(error.detail)  # fmt: skip
    records = _records(conn, call, object, given.get("q", ""), chosen) if object is not None else []
    has_hook = name in hooks.rules_of(call.model)
    ids = {r["record"] for one in tried or () for r in one["runs"] if r["record"]}
    titles = _titles(conn, call, tried or [], preview.first if preview else (), object)
    return page(
        visitor, call, "automation.html", title=words.rule(name), here="runs", status=422 if wrong else 200, found=found,
        words=words, events=told.events(body), when=told.condition(body.get("when")), does=told.steps(body["steps"]), about=reader.say(body.get("description") or {}), object=object, records=records, given=given,
        chosen=chosen, tried=tried, wrong=wrong, would_write=partial(would_write, words, titles), would_leave=partial(would_leave, words, titles), preview=preview, titles=titles, fields=_fields(call, object, words), ids=ids,
        replays=[_replay(r, reader) for r in replaying.listed(conn, call, name)] if object is not None else [],
        hook=hooks.hook_of(conn, call, visitor.service.runtime.secret, name) if has_hook else None,
        base=str(visitor.request.base_url).rstrip("/"),
    )  # fmt: skip


def _replay(found: replaying.Replay, reader: Any) -> dict[str, Any]:
    share = 100 if not found.total else min(100, found.seen * 100 // found.total)
    return {**found.as_dict(), "began": reader.moment(found.began_at), "share": share}


def _fields(call: Call, object: Object | None, words: Words) -> list[tuple[str, str]]:
    """The fields that a supposed change may set."""
    if object is None:
        return []
    may = writable(call.model, call.actor, object.name)
    return [
        (n, words.reader.say(f.label, n)) for n, f in may.items()
        if small_widget(f) is not None and not f.system and not f.computed
    ]  # fmt: skip


def _records(
    conn: Connection, call: Call, object: Object, q: str, chosen: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Records to choose from: those searched for, or the latest; the chosen ones first."""
    asks = [Ask(object=object.name, fields=("id", object.title), q=q or None, limit=OFFERED, sort=() if q else ("-updated_at",))]  # fmt: skip
    if chosen:
        asks.insert(0, Ask(object=object.name, fields=("id", object.title), ids=chosen[: trying.MOST]))
    found: dict[str, str] = {}
    for ask in asks:
        for row in read(conn, call, ask, secret=b"").rows():
            value = row.get(object.title)
            found.setdefault(
                row["id"], str(value.get("title") if isinstance(value, Mapping) else value or "…")
            )
    return list(found.items())


def _titles(
    conn: Connection, call: Call, tried: list[dict[str, Any]], first: tuple[str, ...], object: Object | None
) -> Mapping[tuple[str, str], str]:
    wanted: dict[str, dict[str, None]] = {}
    if object is not None:
        wanted[object.name] = dict.fromkeys([*first, *(t["record"] for t in tried if t["record"])])
    for name, id in named_in(call.model, tried):
        with suppress(ValueFault):  # what a definition names by its code is no id
            wanted.setdefault(name, {})[read_id(id)] = None
    return titles_of(conn, call, {name: list(ids) for name, ids in wanted.items()})


def _known(call: Call, name: str) -> Known:
    found = next((a for a in known(call.model) if a.name == name), None)
    if found is None:
        raise NotFound("there is no such page, or it is not yours to see")
    return found


def _administrator(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is no such page, or it is not yours to see")
    return visitor
