"""Moves: small changes made on a board or a calendar: a card to another column, a bar to another day; and taking them back.

In: a form with the record's version and `set.FIELD` values, or `fields` and `shift` (days). Out: 303 back to the page, or for
a script the parts that changed; 422 with a small form for what is missing, or with why it cannot be. Everything is a save.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import readable
from patron_engine.errors import Conflict, Forbidden, NeedsConfirmation, NotFound, Refused
from patron_engine.jsonio import whole
from patron_engine.model.model import Object
from patron_engine.page.asked import candidates, missing, offered
from patron_engine.page.board import Boards
from patron_engine.page.held import held
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.titles import title_of
from patron_engine.ways.read import read_one
from patron_platform.web import csrf, forms_in, undo
from patron_platform.web.arriving import local_address, see_other
from patron_platform.web.boards import asked, folded_of, object_for, text_of
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.held import ALSO, LOG, drawn, under
from patron_platform.web.moved import Wish, carry_out
from patron_platform.web.problems import OWN_WORDS, words_in
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/moves", include_in_schema=False)
Connection = psycopg.Connection[Any]
FURTHEST = 36_600  # days a bar is moved at once


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
        return *found, title_of(
            object, read_one(conn, call, object.name, found[1], ("id", object.title)).record()
        )

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
            visitor.actor, lambda conn, call: carry_out(visitor, conn, call, wish), visitor.cause
        )
    except Refused as refused:
        return _ask(visitor, wish, refused)
    except (
        Forbidden
    ) as forbidden:  # a record he sees and may not change stays where it was, and he is told so
        return _refuse(visitor, wish, (Problem(code=forbidden.code, message=forbidden.detail),), 403)
    except Conflict:
        problem = Problem(code="stale_version", message=text_of(visitor, "changed_meanwhile"))
        return _refuse(visitor, wish, (problem,), 409)
    if partial_wanted(request):
        return _changed(visitor, object, id, wish.back, said, token)
    return see_other(undo.told(wish.back, token) if token else visitor.url("o", object, id) + "?done=asked")


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
        beside={k: v for k, v in given.items() if k.startswith((LOG, ALSO))},
    )


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
        words = words_in(visitor.languages, call.model)
        problems = tuple(replace(p, message=words(p)) for p in refused.problems)
        extra = {n: v for n, v in wish.typed.items() if n != wish.first}
        holding = held(call, object, problems)
        rest = [p for p in problems if p not in holding.problems]
        inputs = missing(call, object, rest, extra, reader, wish.first)
        warnings = tuple(p for p in problems if p.level == "warning")
        if inputs is None or not (inputs or holding.problems or isinstance(refused, NeedsConfirmation)):
            return _refused(visitor, call, wish, _named(call, object, problems, reader), 422)
        field = readable(call.model, call.actor, object.name).get(wish.first)
        aim = shown(field, wish.typed.get(wish.first), reader).text if field and wish.typed else ""
        found = read_one(conn, call, object.name, wish.id, ("id", object.title))
        around = drawn(visitor, conn, call, object, wish.id, holding, wish.beside)
        asked_too = {i.field.name for i in inputs}
        offers = [f for f in holding.fields if f.name not in asked_too]
        inputs += offered(offers, under(ALSO, wish.beside), reader, needed=around["needed"])
        values: dict[str, Any] = {
            "wish": wish, "inputs": inputs, "held": around, "aim": aim, "record_title": title_of(object, found.record()),
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
        return _refused(visitor, visitor.workspace.call(conn, visitor.actor), wish, problems, status)


def _refused(
    visitor: Visitor, call: Call, wish: Wish, problems: tuple[Problem, ...], status: int
) -> Response:
    told = [p for p in problems if p.level == "error"] or problems
    said = [visitor.words(p.message) for p in told]
    values: dict[str, Any] = {"wish": wish, "said": said}
    if partial_wanted(visitor.request):
        return part(visitor, call, "board_refused.html", status=status, **values)
    title = text_of(visitor, "not_moved")
    return page(visitor, call, "board_not_moved.html", title=title, here=wish.object, status=status, **values)


def _back(visitor: Visitor, object: str, given: str | None) -> str:
    """The page of records the form stood on; only such a page."""
    found = local_address(given) or ""
    home = visitor.url("o", object)
    return found if found.split("?")[0] == home else home
