"""Runs: what automations did, for administrators: listed, opened step by step, replayed or given up.

In: `GET /w/{workspace}/runs?rule=&state=&record=&before=`, `GET …/{id}`, posts below it. Out: pages; after a post 303 back to the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, NotFound
from patron_engine.flow import look
from patron_engine.flow.store import STATES
from patron_engine.jsonio import whole
from patron_engine.model.model import Model
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.run_words import Words
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/runs", include_in_schema=False)
NAMES = ("rule", "state", "record")
LONGEST = 60
OF_APPROVAL = (
    "instance",
    "chosen",
    "approvers",
    "gone",
    "initiator",
    "submitter",
)  # its own page tells these
Connection = psycopg.Connection[Any]


@router.get("")
def runs(request: Request, workspace: str) -> Response:
    visitor = _administrator(request, workspace)
    given = {name: request.query_params.get(name, "").strip()[:LONGEST] for name in NAMES}
    before = request.query_params.get("before", "")

    def shown(conn: Connection, call: Call) -> Response:
        wanted = look.Wanted(**given, before=whole(before) if before else None)
        found = look.listed(conn, call.schema, wanted, look.SHOWN + 1)
        more = (
            {**{k: v for k, v in given.items() if v}, "before": found[look.SHOWN - 1].number}
            if len(found) > look.SHOWN
            else {}
        )
        return page(
            visitor, call, "runs.html", title=texts_in(visitor.languages[0])("runs.title"), here="runs", given=given,
            runs=_lines(conn, call, visitor.reader(call), found[: look.SHOWN]), states=STATES,
            rules=_rules(call.model, visitor.reader(call)), older=urlencode(more),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, shown)


@router.get("/{id}")
def run(request: Request, workspace: str, id: UUID) -> Response:
    visitor = _administrator(request, workspace)
    return visitor.workspace.reading(
        visitor.actor, lambda conn, call: _opened(visitor, conn, call, str(id), "")
    )


@router.post("/{id}/replay")
def replay(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    return _changed(request, workspace, id, form, look.replay)


@router.post("/{id}/give_up")
def give_up(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    return _changed(request, workspace, id, form, look.give_up)


def _changed(
    request: Request, workspace: str, id: UUID, form: FormData, act: Callable[[Connection, Call, str], None]
) -> Response:
    visitor = _administrator(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    try:
        visitor.workspace.writing(visitor.actor, lambda conn, call: act(conn, call, str(id)))
    except Conflict:
        return visitor.workspace.reading(
            visitor.actor, lambda conn, call: _opened(visitor, conn, call, str(id), "not_parked", 409)
        )
    return see_other(visitor.url("runs", str(id)))


def _opened(
    visitor: Visitor, conn: Connection, call: Call, id: str, wrong: str, status: int = 200
) -> Response:
    seen, steps = look.opened(conn, call.schema, id)
    reader = visitor.reader(call)
    line = _lines(conn, call, reader, [seen])[0]
    words = Words(call.model, reader)
    offered, old, until = look.offered(conn, call.schema, id)
    return page(
        visitor, call, "run.html", title=line["label"], here="runs", run=line, wrong=wrong, status=status, words=words,
        offered=_told(words, seen.object, offered, _people(conn, call, offered)), old=words.values(seen.object or "", old),
        approval=str(offered.get("instance") or "") if seen.event == "approval" else "",
        until=reader.moment(until) if until is not None and seen.state == "waiting" else "",
        steps=[
            {
                "step": words.step(seen.rule, s.step), "outcome": s.outcome, "told": s.told, "at": reader.moment(s.at), "ms": s.ms,
                "case": words.case(seen.rule, s.step, str(s.told.get("case"))) if s.told.get("case") else "",
            }
            for s in steps
        ],
    )  # fmt: skip


def _lines(conn: Connection, call: Call, reader: Reader, found: list[look.Seen]) -> list[dict[str, Any]]:
    """Runs as pages write them: labels, titles of records, moments."""
    wanted: dict[str, dict[str, None]] = {}
    for one in found:
        if one.object and one.record and one.object in call.model.objects:
            wanted.setdefault(one.object, {})[one.record] = None
        if one.causer and "user" in call.model.objects:
            wanted.setdefault("user", {})[one.causer] = None
    titles = titles_of(conn, call, {object: list(ids) for object, ids in wanted.items()})
    words = Words(call.model, reader)
    return [
        {
            **one.as_dict(), "label": words.rule(one.rule), "shown": "missed" if one.error == "missed" else one.state, "began": reader.moment(one.began_at),
            "ended": reader.moment(one.ended_at) if one.ended_at else "", "due": reader.moment(one.due_at) if one.due_at else "",
            "lasted": _lasted(one), "title": titles.get((one.object or "", one.record or ""), ""), "who": titles.get(("user", one.causer or ""), ""),
        }
        for one in found
    ]  # fmt: skip


def _lasted(one: look.Seen) -> float | None:
    """Seconds from its begin to its end."""
    return round((one.ended_at - one.began_at).total_seconds(), 1) if one.ended_at else None


def _people(conn: Connection, call: Call, offered: Mapping[str, Any]) -> Mapping[str, str]:
    """The users whom the event names, by their ids."""
    ids = [v for k in ("from", "to", "approver") if isinstance(v := offered.get(k), str) and len(v) == 36]
    found = titles_of(conn, call, {"user": ids}) if ids and "user" in call.model.objects else {}
    return {id: title for (_, id), title in found.items()}


def _told(
    words: Words, object: str | None, offered: Mapping[str, Any], people: Mapping[str, str]
) -> list[tuple[str, str]]:
    """What the event brought along, but what the page says anyway."""
    said = ("name", "at", "by", "missed", "supposed", *OF_APPROVAL)
    rest = {k: v for k, v in offered.items() if k not in said and v not in (None, "", [], {})}
    return [words.offered(object, k, people.get(v, v) if isinstance(v, str) else v) for k, v in rest.items()]


def _rules(model: Model, reader: Reader) -> list[tuple[str, str]]:
    names = [name for kind, name in model.documents if kind == "automation"]
    words = Words(model, reader)
    return sorted(((name, words.rule(name)) for name in names), key=lambda pair: pair[1])


def _administrator(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is no such page, or it is not yours to see")
    return visitor
