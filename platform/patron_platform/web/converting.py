"""Converting: the page of a conversion: what is there already, the forms of what is new, and what came of it.

In: `GET …/{id}/convert/{name}`; a post to the same address with `_use.TARGET` (new, none, or an id) and the form of each target
under `TARGET~`; `…/preview` while one writes. Out: the page (422 with everything typed and what is wrong beside the fields), 303 to
what was made: the record, or a page that lists several. It can be taken back for ten minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NeedsConfirmation, NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.flow.conversions import Conversion, conversion_named
from patron_engine.page.converting import NEW, NONE, Drawing, Part, part_of, sent, shaped
from patron_engine.page.lookup import records_for
from patron_engine.page.several import BETWEEN, apart
from patron_engine.page.typed import Typed
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.titles import refs_of, title_of, titles_of
from patron_engine.record.change import Change
from patron_engine.ways.convert import Wish, convert
from patron_engine.ways.prospects import Hit, Prospect, arising, became, conversion_for, foreseen, hits
from patron_engine.ways.read import read_one
from patron_platform.api.idempotency import Answer
from patron_platform.web import csrf, forms_in, undo
from patron_platform.web.form_live import LiveParts, live_parts
from patron_platform.web.form_page import drawing, summary_of
from patron_platform.web.forms import reshaped
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.once import gone_on, once, token
from patron_platform.web.problems import words_in
from patron_platform.web.record_form import Connection
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)
USE = "_use."
REDRAWN = ("_redraw", "_add", "_remove", "_search")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One conversion of one record, on one visitor's screen."""

    visitor: Visitor
    object: str
    id: str
    name: str

    def drawing(self, conn: Connection, call: Call) -> Drawing:
        known = call.model.object(self.object)
        call = arising(call, self.name, known.name if known is not None else self.object, self.id)
        return Drawing(
            conn=conn, call=call, reader=self.visitor.reader(call), lookup=self.visitor.url("o-lookup"),
            words=words_in(self.visitor.languages, call.model),
        )  # fmt: skip

    @property
    def here(self) -> str:
        return self.visitor.url("o", self.object, self.id)

    @property
    def address(self) -> str:
        return f"{self.here}/convert/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Typing:
    """What was sent: of each target what is used and what stands in its form."""

    uses: Mapping[str, str]
    typed: Mapping[str, Typed]
    looked: Mapping[str, str]  # words somebody looks for a record with
    once: str
    confirm: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What stands in the way; `confirm` where it may be accepted."""

    problems: Sequence[Problem] = ()
    confirm: str = ""


@router.get("/convert/{name}")
def open_conversion(request: Request, workspace: str, object: str, id: UUID, name: str) -> Response:
    return _draw(Desk(visitor=enter(request, workspace), object=object, id=str(id), name=name))


@router.post("/convert/{name}/preview")
def preview_conversion(
    request: Request, workspace: str, object: str, id: UUID, name: str, form: FormData
) -> Response:
    """What has changed in the open forms since they were drawn."""
    desk = Desk(visitor=enter(request, workspace), object=object, id=str(id), name=name)
    csrf.check(request, desk.visitor.session.id, forms_in.texts(form))
    with desk.visitor.workspace.connection("read") as conn:
        call = desk.visitor.workspace.call(conn, desk.visitor.actor)
        conversion = conversion_for(conn, call, object, desk.id, name)
        typing = _typing(call, conversion, form)
        parts = _parts(desk, conn, call, conversion, typing, None)
        live: LiveParts = [(p.tree, typing.typed[p.name], f"{p.name}{BETWEEN}") for p in parts if p.tree]
        return live_parts(desk.visitor, call, live)


@router.post("/convert/{name}")
def send_conversion(
    request: Request, workspace: str, object: str, id: UUID, name: str, form: FormData
) -> Response:
    desk = Desk(visitor=enter(request, workspace), object=object, id=str(id), name=name)
    csrf.check(request, desk.visitor.session.id, forms_in.texts(form))
    with desk.visitor.workspace.connection("read") as conn:
        call = desk.visitor.workspace.call(conn, desk.visitor.actor)
        typing = _typing(call, conversion_for(conn, call, object, desk.id, name), form)
    if set(forms_in.texts(form)) & set(REDRAWN):
        return _draw(desk, typing)
    try:
        return once(desk.visitor, form, lambda conn, call: _carried_out(desk, conn, call, typing)).response()
    except NeedsConfirmation as error:
        rules = ",".join(sorted({p.rule for p in error.problems if p.rule}))
        return _draw(desk, typing, Wrong(problems=error.problems, confirm=rules), 422)
    except Refused as error:
        return _draw(desk, typing, Wrong(problems=error.problems), 422)


def _carried_out(desk: Desk, conn: Connection, call: Call, typing: Typing) -> Answer:
    wishes = {
        name: Wish(new=use == NEW, leave_out=use == NONE, record=use if use not in (NEW, NONE) else None)
        for name, use in typing.uses.items()
    }

    def shape(conn: Connection, call: Call, one: Prospect, wish: Wish) -> Change:
        typed = typing.typed.get(one.target.name)
        drawn = desk.drawing(conn, call)
        return shaped(drawn, one, typed if typed is not None else Typed())

    t = texts_in(desk.visitor.languages[0])
    label = desk.visitor.reader(call).say(_conversion_label(call, desk.name), desk.name)
    done = convert(
        conn, call, desk.object, desk.id, desk.name, wishes, confirm=typing.confirm, shape=shape,
        said=t("convert.done", name=label),
    )  # fmt: skip
    made = [m for m in done.made if m.id is not None]
    if len(made) == 1:
        return gone_on(undo.told(desk.visitor.url("o", made[0].object, str(made[0].id)), done.act))
    return gone_on(undo.told(f"{desk.here}/converted/{desk.name}", done.act))


def _conversion_label(call: Call, name: str) -> Any:
    return (call.model.documents.get(("conversion", name)) or {}).get("label")


@router.get("/converted/{name}")
def see_result(request: Request, workspace: str, object: str, id: UUID, name: str) -> Response:
    """What a record became, with the way back while there is one."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = call.model.object(object)
        record = read_one(conn, call, object, str(id), fields=_title_fields(call, object)).record()
        made = _became(conn, call, str(known.name if known else object), str(id), name)
        if not made:
            raise NotFound("this record was not converted, or that was taken back")
        titles = titles_of(conn, call, refs_of((m["object"], m["id"]) for m in made))
        reader, back = visitor.reader(call), visitor.url("o", object, str(id))
        flash = undo.flash_of(visitor, conn, call)
        told = [
            {
                "object": m["object"], "id": m["id"], "title": titles.get((m["object"], m["id"])), "did": m["did"],
                "label": reader.say(call.model.objects[m["object"]].label, m["object"]),
                "icon": call.model.objects[m["object"]].icon,
            }
            for m in made
            if m["object"] in call.model.objects
        ]  # fmt: skip
        return page(
            visitor, call, "converted.html", title=reader.say(_conversion_label(call, name), name), here=object,
            told=told, source=title_of(call.model.objects[str(known.name if known else object)], record),
            back=back, flash=replace(flash, back=back) if flash is not None else None,
        )  # fmt: skip


def _title_fields(call: Call, object: str) -> tuple[str, ...]:
    known = call.model.object(object)
    return ("id", known.title) if known is not None else ("id",)


def _became(conn: Connection, call: Call, object: str, id: str, name: str) -> list[dict[str, Any]]:
    conversion = conversion_named(call.model, name)
    if conversion is None or conversion.object != object:
        return []
    return [m for m in became(conn, call, conversion, id) or () if m["id"] is not None]


# -- drawing ----------------------------------------------------------------------------------------------------------


def _typing(call: Call, conversion: Conversion, form: Pairs) -> Typing:
    own, frame = apart(form, [t.name for t in conversion.to])
    uses: dict[str, str] = {}
    looked: dict[str, str] = {}
    typed: dict[str, Typed] = {}
    for target in conversion.to:
        object = call.model.objects[target.object]
        typed[target.name] = reshaped(object, sent(object, own[target.name]))
        use = frame.get(f"{USE}{target.name}", "")
        looked[target.name] = frame.get(f"_look.{target.name}", "").strip()
        if use == "other":
            use = frame.get(f"{USE}{target.name}.other", "") or NEW
        if use not in (NEW, NONE, ""):
            try:
                use = read_id(use)
            except ValueFault:
                use = NEW
        if use:
            uses[target.name] = use
        elif target.optional and f"{USE}{target.name}.asked" in frame:
            uses[target.name] = NONE
    confirm = frozenset(r for r in frame.get("_confirm", "").split(",") if r)
    return Typing(uses=uses, typed=typed, looked=looked, once=frame.get("_once", ""), confirm=confirm)


def _parts(
    desk: Desk,
    conn: Connection,
    call: Call,
    conversion: Conversion,
    typing: Typing | None,
    wrong: Wrong | None,
) -> list[Part]:
    drawn = desk.drawing(conn, call)
    parts = []
    for one in foreseen(conn, call, conversion, desk.id):
        name = one.target.name
        problems = _own(wrong.problems, name) if wrong is not None else None
        use = typing.uses.get(name, "") if typing is not None else ""
        use = use or (one.found[0].id if one.found else NEW)
        chosen = None
        if use not in (NEW, NONE) and use not in {h.id for h in one.found}:
            chosen = next(iter(hits(conn, call, one.target.object, [use])), None)
            use = use if chosen is not None else NEW
        if typing is not None and typing.looked[name] and one.target.choose:
            one = replace(one, found=_with_looked(desk, conn, call, one, typing.looked[name]))
        parts.append(part_of(drawn, one, typing.typed[name] if typing else None, use, chosen, problems))
    return parts


def _with_looked(desk: Desk, conn: Connection, call: Call, one: Prospect, words: str) -> tuple[Hit, ...]:
    """What was found, and what these words find besides."""
    secret = desk.visitor.service.runtime.secret
    more = records_for(conn, call, desk.visitor.reader(call), one.target.object, words, secret)
    there = {h.id for h in one.found}
    return (*one.found, *(Hit(id=c.value, title=c.text) for c in more if c.value not in there))


def _own(problems: Sequence[Problem], target: str) -> list[Problem]:
    """The problems of a target, at its own fields."""
    own = [p for p in problems if (p.path or "") == target or (p.path or "").startswith(f"{target}.")]
    return [replace(p, path=(p.path or "").removeprefix(target).removeprefix(".") or None) for p in own]


def _draw(
    desk: Desk, typing: Typing | None = None, wrong: Wrong | None = None, status: int = 200
) -> Response:
    visitor = desk.visitor
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        conversion = conversion_for(conn, call, desk.object, desk.id, desk.name)
        parts = _parts(desk, conn, call, conversion, typing, None if wrong and wrong.confirm else wrong)
        record = read_one(conn, call, desk.object, desk.id, fields=_title_fields(call, desk.object)).record()
        words, t = words_in(visitor.languages, call.model), texts_in(visitor.languages[0])
        summary: list[dict[str, str]] = []
        if wrong is not None and not wrong.confirm:
            for part in parts:
                summary += (
                    summary_of(part.tree, t)
                    if part.tree is not None
                    else [{"id": "", "label": part.label, "text": text} for text in part.problems]
                )
        return page(
            visitor, call, "convert.html", **drawing(), status=status,
            title=visitor.reader(call).say(conversion.label, conversion.name), here=desk.object,
            source=title_of(call.model.objects[conversion.object], record), parts=parts, summary=summary,
            warnings=[words(p) for p in wrong.problems] if wrong is not None and wrong.confirm else [],
            confirm=wrong.confirm if wrong is not None else "", address=desk.address, back=desk.here,
            once=typing.once if typing is not None and typing.once else token(), dirty=typing is not None,
        )  # fmt: skip
