"""Moves: small changes made on a board or a calendar: a card to another column, a bar to another day; and taking them back.

In: a form with the record's version and `set.FIELD` values, or `fields` and `shift` (days). Out: 303 back to the page, or for
a script the parts that changed; 422 with a small form for what is missing, or with why it cannot be. Everything is a save.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import readable, writable
from patron_engine.errors import Conflict, NeedsConfirmation, NotFound, Refused
from patron_engine.fields.field import Field
from patron_engine.jsonio import whole
from patron_engine.model.model import Object
from patron_engine.page.asked import candidates, missing, value_again, wire_of
from patron_engine.page.board import Boards
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED, moment_of, shown
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.record.undo import Done
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save
from patron_platform.web import csrf, forms_in, undo
from patron_platform.web.arriving import local_address, see_other
from patron_platform.web.boards import asked, folded_of, object_for, text_of
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.problems import OWN_WORDS, words_in
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/moves", include_in_schema=False)
Connection = psycopg.Connection[Any]
DATED = frozenset({"date", "datetime", "date_range"})
FURTHEST = 36_600  # days a bar is moved at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a form wants. `typed` are the texts of its inputs by field; `first` the field the move is about."""

    object: str
    id: str
    version: int | None
    typed: Mapping[str, str]
    fields: tuple[str, ...]
    shift: int
    confirm: frozenset[str]
    back: str

    @property
    def first(self) -> str:
        return next(iter(self.typed), self.fields[0] if self.fields else "")


@router.post("/undo")
def take_back(request: Request, workspace: str, form: FormData) -> Response:
    """Takes a move back, if nobody has changed the record since."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    token = given.get("token", "")

    def act(conn: Connection, call: Call) -> tuple[str, str, str]:
        try:
            _, kept = undo.undo(conn, call, token)
        except NotFound:
            raise Conflict(text_of(visitor, "undo_late"), code="undo_late") from None
        found = undo.record_of(conn, call, token)
        if kept or found is None:
            raise Conflict(text_of(visitor, "changed_meanwhile"), code="changed_since")
        object = object_for(call, found[0])
        return *found, _title(object, read_one(conn, call, object.name, found[1], (object.title,)).record())

    object, id, title = visitor.workspace.writing(visitor.actor, act, visitor.cause)
    back = _back(visitor, object, given.get("back"))
    if not partial_wanted(request):
        return see_other(back)
    return _changed(visitor, object, id, back, text_of(visitor, "undone", title=title), None)


@router.post("/{object}/{id}")
def move(request: Request, workspace: str, object: str, id: str, form: FormData) -> Response:
    """Carries out one move."""
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    wish = _wish(visitor, object, id, form)
    try:
        token, said = visitor.workspace.writing(
            visitor.actor, lambda conn, call: _carry_out(visitor, conn, call, wish), visitor.cause
        )
    except Refused as refused:
        return _ask(visitor, wish, refused)
    except Conflict:
        problem = Problem(code="stale_version", message=text_of(visitor, "changed_meanwhile"))
        return _refuse(visitor, wish, (problem,), 409)
    if partial_wanted(request):
        return _changed(visitor, object, id, wish.back, said, token)
    return see_other(undo.told(wish.back, token))


def _wish(visitor: Visitor, object: str, id: str, form: Pairs) -> Wish:
    given = forms_in.texts(form)
    version, shift = whole(given.get("version", "")), whole(given.get("shift", "0"))
    if version is None:
        raise Refused(
            [Problem(code="version_missing", message="the record's version is missing", path="version")]
        )
    if shift is None or abs(shift) > FURTHEST:
        raise Refused([Problem(code="bad_shift", message="that is no number of days", path="shift")])
    return Wish(
        object=object,
        id=id,
        version=version,
        typed={k.removeprefix("set."): v for k, v in form if k.startswith("set.")},
        fields=tuple(n for n in given.get("fields", "").split(",") if n),
        shift=shift,
        confirm=frozenset(forms_in.several(form, "confirm")),
        back=_back(visitor, object, given.get("back")),
    )


def _carry_out(visitor: Visitor, conn: Connection, call: Call, wish: Wish) -> tuple[str, str]:
    """The save; the act that can be taken back, and what the page tells."""
    object, reader = object_for(call, wish.object), visitor.reader(call)
    fields = readable(call.model, call.actor, object.name)
    names = [n for n in (*wish.typed, *wish.fields) if n in fields]
    shown_too = tuple(dict.fromkeys((object.title, *names)))
    before = read_one(conn, call, object.name, wish.id, ("*", *shown_too)).record()
    values = {name: _typed(fields.get(name), text, reader) for name, text in wish.typed.items()}
    values |= {
        n: _shifted(n, fields.get(n), before.get(n), wish.shift, reader)
        for n in wish.fields
        if n not in fields or before.get(n) is not None
    }
    change = Change(
        action="update",
        object=object.name,
        id=wish.id,
        set=values,
        version=wish.version,
        confirm=wish.confirm,
    )
    outcome = save(conn, call, [change])[0]
    after = read_one(conn, call, object.name, wish.id, shown_too)
    said = _said(visitor, object, fields, after.record(), wish, reader)
    # What the save changed along with it (a stage sets a chance) goes back too.
    may = writable(call.model, call.actor, object.name)
    also = [n for n in outcome.changed if n in may and n in before and n not in names]
    done = Done(
        object=object.name,
        id=str(outcome.id),
        action="updated",
        version=after.version,
        old={n: value_again(fields[n], before.get(n)) for n in (*names, *also)},
    )
    return undo.remember(conn, call, [done], said), said


def _typed(field: Field | None, text: str, reader: Reader) -> Any:
    return text if field is None else wire_of(field, text, reader)


def _shifted(name: str, field: Field | None, value: Any, days: int, reader: Reader) -> Any:
    """The value some days later. Refused where the field has no days, or the calendar ends before."""
    if field is None or field.type not in DATED:
        raise Refused([Problem(code="not_date", message="this has no days it could be moved by", path=name)])
    try:
        return moved_by(value, days, reader)
    except OverflowError:
        raise Refused(
            [Problem(code="limit_date", message="the calendar ends before that day", path=name)]
        ) from None


def moved_by(value: Any, days: int, reader: Reader) -> Any:
    """A day, a moment or a range of days, some days later. A moment keeps its time of day in his zone."""
    step = timedelta(days=days)
    if isinstance(value, Mapping):
        return {part: moved_by(value[part], days, reader) for part in ("from", "to") if value.get(part)}
    if "T" not in str(value):
        return (date.fromisoformat(value) + step).isoformat()
    local: datetime = reader.local(moment_of(value))
    return (local.replace(tzinfo=None) + step).replace(tzinfo=reader.zone).isoformat()


def _said(
    visitor: Visitor,
    object: Object,
    fields: Mapping[str, Field],
    record: Mapping[str, Any],
    wish: Wish,
    reader: Reader,
) -> str:
    """What a page tells about the move."""
    field = fields.get(wish.first)
    if field is None:
        return _title(object, record)
    value = shown(field, record.get(field.name), reader).text or text_of(visitor, "none")
    label = reader.say(field.label, field.name)
    return text_of(
        visitor, "shifted" if wish.fields else "moved", title=_title(object, record), label=label, value=value
    )


def _title(object: Object, record: Mapping[str, Any]) -> str:
    value = record.get(object.title)
    return str((value.get("title") if isinstance(value, Mapping) else value) or UNTITLED)


# -- answers ------------------------------------------------------------------------------------------------------


def _changed(visitor: Visitor, object: str, id: str, back: str, said: str, token: str | None) -> Response:
    """For a script: the heads of the columns, the card where it stands now, and what was done."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        parameters = dict(parse_qsl(urlsplit(back).query))
        question = asked(visitor, conn, call, object, parameters)
        values: dict[str, Any] = {"board": None, "card": None, "key": ""}
        if question.drawing == "kanban":
            boards = Boards(conn, call, question, visitor.reader(call), visitor.service.runtime.secret)
            found = boards.one(id)
            values["board"] = boards.board(folded_of(parameters), filled=False)
            if found is not None:
                values |= {"card": found[0], "key": found[1] if found[1] is not None else "-"}
        return part(
            visitor,
            call,
            "board_changed.html",
            question=question,
            here_now=back,
            said=said,
            token=token,
            **values,
        )


def _ask(visitor: Visitor, wish: Wish, refused: Refused) -> Response:
    """A small form for what is missing, or to confirm; where neither helps, why it cannot be."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        object, reader = object_for(call, wish.object), visitor.reader(call)
        words = words_in(visitor.languages[0], call.model)
        problems = tuple(replace(p, message=words(p)) for p in refused.problems)
        extra = {n: v for n, v in wish.typed.items() if n != wish.first}
        inputs = missing(call, object, problems, extra, reader, wish.first)
        warnings = tuple(p for p in problems if p.level == "warning")
        if inputs is None or not (inputs or isinstance(refused, NeedsConfirmation)):
            return _refuse(visitor, wish, _named(call, object, problems, reader), 422)
        field = readable(call.model, call.actor, object.name).get(wish.first)
        aim = shown(field, wish.typed.get(wish.first), reader).text if field and wish.typed else ""
        found = read_one(conn, call, object.name, wish.id, (object.title,))
        values: dict[str, Any] = {
            "wish": wish, "inputs": inputs, "aim": aim, "record_title": _title(object, found.record()),
            "warnings": warnings, "confirm": sorted({*wish.confirm, *(p.rule for p in warnings if p.rule)}),
            "object": object, "linked": {i.name: candidates(conn, call, i.field, wish.typed.get(i.field.name)) for i in inputs
                if i.widget == "record"},
        }  # fmt: skip
        if partial_wanted(visitor.request):
            return part(visitor, call, "board_dialog.html", status=422, **values)
        title = text_of(visitor, "asked", value=aim or values["record_title"])
        return page(visitor, call, "board_asked.html", title=title, here=object.name, status=422, **values)


def _named(call: Call, object: Object, problems: tuple[Problem, ...], reader: Reader) -> tuple[Problem, ...]:
    """Problems with the name of their field before them, unless a definition wrote the sentence."""
    fields = readable(call.model, call.actor, object.name)
    return tuple(
        replace(p, message=f"{reader.say(field.label, field.name)}: {reader.words(p.message)}")
        if p.code not in OWN_WORDS and (field := fields.get(p.path or "")) is not None
        else p
        for p in problems
    )


def _refuse(visitor: Visitor, wish: Wish, problems: tuple[Problem, ...], status: int) -> Response:
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        told = [p for p in problems if p.level == "error"] or problems
        said = [visitor.words(p.message) for p in told]
        values: dict[str, Any] = {"wish": wish, "said": said}
        if partial_wanted(visitor.request):
            return part(visitor, call, "board_refused.html", status=status, **values)
        title = text_of(visitor, "not_moved")
        return page(
            visitor, call, "board_not_moved.html", title=title, here=wish.object, status=status, **values
        )


def _back(visitor: Visitor, object: str, given: str | None) -> str:
    """The page of records the form stood on; only such a page."""
    found = local_address(given) or ""
    home = visitor.url("o", object)
    return found if found.split("?")[0] == home else home
