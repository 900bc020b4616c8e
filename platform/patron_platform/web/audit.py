"""Audit: what was done to the workspace, for its administrators: searched by who, what, when and about what, and as a file.

In: `GET /w/{workspace}/audit?who=&action=&about=&since=&until=&before=`; days are of the reader's zone. Out: the page, or with
`/export` the same as CSV. To others the page is not there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused
from patron_engine.jsonio import dumps, whole
from patron_engine.model.model import Model
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record import audit
from patron_engine.release.releases import note_again
from patron_engine.ways.principals import Principal, principals_named
from patron_platform.web.render import HEADERS, page
from patron_platform.web.texts import Texts, texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/audit", include_in_schema=False)
SHOWN = 100
EXPORTED = 50_000
NAMES = ("who", "action", "about", "since", "until")
LONGEST = 200
COLUMNS = ("id", "at", "name", "by", "action", "about", "cause", "detail")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


@router.get("")
def look(request: Request, workspace: str) -> Response:
    visitor = _administrator(request, workspace)

    def shown(conn: psycopg.Connection[Any], call: Call) -> Response:
        reader = visitor.reader(call)
        given = {name: request.query_params.get(name, "").strip()[:LONGEST] for name in NAMES}
        try:
            wanted, wrong = wanted_of(request.query_params, reader.zone), ""
        except Refused as refused:
            wanted, wrong = audit.Wanted(), str(refused.problems[0].path)
        found = [] if wrong else audit.entries(conn, call.schema, wanted, SHOWN + 1)
        principals = [str(e.detail["principal"]) for e in found if "principal" in e.detail]
        names = principals_named(conn, call, principals) if principals else {}
        t = texts_in(visitor.languages[0])
        words = _Words(model=call.model, reader=reader, names=names, t=t)
        more = found[SHOWN - 1].id if len(found) > SHOWN else None
        return page(
            visitor, call, "audit.html", title=t("audit.title"), here="audit",
            status=422 if wrong else 200, entries=[_line(entry, words) for entry in found[:SHOWN]], given=given,
            wrong=wrong, actions=audit.actions(conn, call.schema), older=_address(given, more) if more else "",
            asked=urlencode({k: v for k, v in given.items() if v}),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, shown)


@router.get("/export")
def export(request: Request, workspace: str) -> Response:
    """What the page shows, at most `EXPORTED` entries, the latest first."""
    visitor = _administrator(request, workspace)

    def written(conn: psycopg.Connection[Any], call: Call) -> bytes:
        wanted = wanted_of(request.query_params, visitor.reader(call).zone)
        with conn.transaction():
            found = audit.entries(conn, call.schema, wanted, EXPORTED)
            audit.note(conn, call, "exported", "audit", {"records": len(found)})
        return file_of(found)

    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="audit.csv"'}
    body = visitor.workspace.reading(visitor.actor, written)
    return Response(body, headers=headers, media_type="text/csv; charset=utf-8")


def wanted_of(given: Mapping[str, str], zone: ZoneInfo) -> audit.Wanted:
    """What is asked. Refused for what is no day or number."""
    since, until = _day(given, "since"), _day(given, "until")
    before = given.get("before", "")
    number = whole(before) if before else None
    if before and (number is None or number < 0):
        raise Refused([Problem(code="not_integer", message="before is the id of an entry", path="before")])
    return audit.Wanted(
        who=given.get("who", "").strip()[:LONGEST],
        action=given.get("action", "").strip()[:LONGEST],
        about=given.get("about", "").strip()[:LONGEST],
        since=datetime.combine(since, time(), zone) if since else None,
        until=datetime.combine(until + timedelta(days=1), time(), zone) if until else None,
        before=number,
    )


def file_of(found: list[audit.Entry]) -> bytes:
    """CSV that spreadsheets read, and run nothing of."""
    target = io.StringIO()
    write = csv.writer(target)
    write.writerow(COLUMNS)
    for entry in found:
        row = entry.as_dict() | {
            "at": entry.at.astimezone(UTC).isoformat(),
            "detail": dumps(entry.detail).decode(),
        }
        write.writerow([_cell(row[name]) for name in COLUMNS])
    return ("\ufeff" + target.getvalue()).encode()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _administrator(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is no such page, or it is not yours to see")
    return visitor


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name, "").strip()
    try:
        found = date.fromisoformat(text) if text else None
        if found is not None and not 1900 <= found.year <= 9000:
            raise ValueError(text)
    except ValueError:
        problem = Problem(
            code="not_date", message=Phrase("{name} is a day like 2026-01-31", name=name), path=name
        )
        raise Refused([problem]) from None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What stands in place of API names: labels of objects and fields, names of people, words of the reader's language."""

    model: Model
    reader: Reader
    names: Mapping[str, Principal]
    t: Texts

    def object(self, name: str) -> str:
        found = self.model.objects.get(name)
        return name if found is None else self.reader.say(found.label, name)

    def detail(self, about: str, name: str, value: Any, kind: Any = None) -> str:
        """A value of an entry's details, short. `kind`: of the release that is told of."""
        if name == "note" and kind is not None:
            return self.reader.words(note_again(str(kind), str(value)))
        if name == "principal" and str(value) in self.names:
            return self.names[str(value)].title
        if name in ("level", "reason", "kind") and self.t.has(f"audit.{name}_{value}"):
            return self.t(f"audit.{name}_{value}")
        if name in ("until", "at") and isinstance(value, str):
            return self.reader.moment(datetime.fromisoformat(value))
        comma = self.t("admin.comma")
        if name == "fields" and isinstance(value, list):
            object = self.model.objects.get(about)
            known = object.fields if object is not None else {}
            return comma.join(self.reader.say(known[n].label, n) if n in known else str(n) for n in value)
        if name == "objects" and isinstance(value, Mapping):
            return comma.join(f"{self.object(n)} {count}" for n, count in value.items())
        if name == "records" and isinstance(value, list):
            return str(len(value))
        return self.reader.words(value if isinstance(value, str) else dumps(value).decode())


def _line(entry: audit.Entry, words: _Words) -> dict[str, Any]:
    """An entry as the page writes it: where it leads, its details as pairs."""
    object, _, id = entry.about.partition("/")
    leads = len(id) == 36 and object in words.model.objects
    return {
        "at": words.reader.moment(entry.at),
        "who": entry.name,
        "action": entry.action,
        "alert": entry.action.startswith(audit.ALERT),
        "about": words.object(object) if leads or not id else entry.about,
        "leads": (object, id) if leads else None,
        "detail": [
            (words.t(f"audit.in_{name}") if words.t.has(f"audit.in_{name}") else name, words.detail(object, name, value, entry.detail.get("kind")))
            for name, value in entry.detail.items()
            if value not in (None, "", [])
        ],
    }  # fmt: skip


def _address(given: Mapping[str, str], before: int) -> str:
    return urlencode({**{k: v for k, v in given.items() if v}, "before": str(before)})
